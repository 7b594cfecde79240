/** Lists as lines of JSON: written and read a piece at a time, so that no end holds all of a list. */
import type { Rows } from "./managed.ts";

/** Lines are gathered to pieces of about this many characters. */
const PIECE = 32_768;

/** A longer line is not a row of ours. */
export const LONGEST_LINE = 4 * 1_048_576;

/**
 * Writes rows as they are asked for. Between two pieces the event loop gets its turn, so a long list delays no Hello.
 * @param failed - makes the last line of a list that broke off.
 */
export function writeRows<T>(
  rows: Rows<T>,
  toValue: (row: T) => unknown,
  failed: (error: unknown) => unknown,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const iterator =
    Symbol.asyncIterator in rows ? rows[Symbol.asyncIterator]() : (rows[Symbol.iterator]() as Iterator<T>);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        let piece = "";
        let done = false;
        try {
          while (piece.length < PIECE && !done) {
            const next = await iterator.next();
            if (next.done) done = true;
            else piece += `${JSON.stringify(toValue(next.value))}\n`;
          }
        } catch (error) {
          piece += `${JSON.stringify(failed(error))}\n`;
          done = true;
        }
        if (piece !== "") controller.enqueue(encoder.encode(piece));
        if (done) controller.close();
        else await new Promise((resolve) => setImmediate(resolve));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The values of the lines of a text that arrives in pieces. @throws SyntaxError for what is no JSON, or too long. */
export async function* readRows(text: AsyncIterable<string>): AsyncGenerator<unknown> {
  let rest = "";
  for await (const piece of text) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LONGEST_LINE) throw new SyntaxError("a line of the answer has no end");
    for (const line of lines) if (line !== "") yield JSON.parse(line);
  }
  if (rest !== "") yield JSON.parse(rest);
}

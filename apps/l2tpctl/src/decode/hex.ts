/**
 * Datagrams given as lines of hex. Each is taken by itself, as a receiver would take it: with a secret, L2TPv3
 * messages have to carry a right digest. One line of JSON for each.
 */
import { decodeDatagram, Inspector, type Rejection, SharedSecret } from "@l2tp/protocol";
import type { LineOutput } from "../output.ts";
import { lines, parseHexLine } from "./hex-line.ts";
import type { DecodeOptions, Tally } from "./options.ts";
import { wireOptions } from "./wire.ts";

/** @throws UsageError for a line that is not hex; those before it are printed. */
export async function decodeHex(
  input: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
  output: LineOutput,
): Promise<Tally> {
  const decode = hexDecoder(options);
  const tally = { printed: 0, malformed: 0 };
  let lineNumber = 0;
  for await (const group of lines(input)) {
    for (const text of group) {
      lineNumber += 1;
      const datagram = parseHexLine(text, lineNumber);
      if (datagram === undefined) continue;
      const value = decode(datagram, lineNumber);
      output.line(JSON.stringify(value));
      tally.printed += 1;
      if (value["malformed"] !== null) tally.malformed += 1;
    }
    await output.flush(); // before waiting for more: a person or a program may want to see the answer
    if (output.closed) break;
  }
  return tally;
}

function hexDecoder(options: DecodeOptions): (datagram: Uint8Array, line: number) => Record<string, unknown> {
  const secret = options.secret && new SharedSecret(options.secret);
  const wire = wireOptions(options, secret);
  const { encap, authentication } = options;
  const source = { encapsulation: encap, src: "", dst: "", frame: 0 } as const;
  return (datagram, line) => {
    const parsed = decodeDatagram(datagram, {
      ...wire,
      encapsulation: encap,
      ...(authentication ? undefined : { authentication }),
    });
    // A new inspector each time: no datagram is another's answer.
    const inspected = new Inspector(wire).inspect(datagram, source);
    const { malformed, ...members } = inspected;
    const common = { line, encap, ...members };
    if (parsed.ok) return { ...common, malformed: null };
    const { rejection } = parsed;
    return { ...common, malformed: malformed ?? rejection.text, rejection: forPeople(rejection) };
  };
}

/** The part of a rejection that is documented: what else it holds is for the state machine. */
function forPeople({ reason, offset, text, avp, answer }: Rejection): Record<string, unknown> {
  return { reason, offset, text, ...(avp && { avp: { vendor: avp.vendor, type: avp.type } }), answer };
}

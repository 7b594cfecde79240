/**
 * The relay as a process. It ends by itself after `--for` seconds, with standard input, or by a signal, and then
 * prints its counters as one line of JSON. A line of JSON on standard input changes the impairment: `{"loss":1}`.
 *
 *     relay --a 192.0.2.254:1701=192.0.2.1:1701 --b 198.51.100.254:1701=198.51.100.1:1701
 *           --loss 0.2 --duplicate 0.1 --reorder 0.1 --delay 5-40 --seed 7 --for 60
 */
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type Place, Relay, type RelaySide } from "./relay.ts";

/** Nobody forgets a relay for longer than this. */
const LIMIT_SECONDS = 600;

function place(text: string): Place {
  const match = /^\[?([0-9a-fA-F:.]+?)\]?:(\d+)$/.exec(text);
  if (!match) throw new Error(`"${text}": ADDRESS:PORT was expected`);
  return { address: match[1] ?? "", port: Number(match[2]) };
}

function side(option: string, text: string | undefined): RelaySide {
  const [listen, peer] = text?.split("=") ?? [];
  if (listen === undefined || peer === undefined) {
    throw new Error(`--${option}: LISTEN=PEER was expected, each ADDRESS:PORT`);
  }
  return { listen: place(listen), peer: place(peer) };
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isFinite(value)) throw new Error(`--${option} ${text}: a number was expected`);
  return value;
}

function delay(text: string): readonly [number, number] {
  const [least = "", most = least] = text.split("-");
  return [number("delay", least), number("delay", most)];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      a: { type: "string" },
      b: { type: "string" },
      loss: { type: "string", default: "0" },
      duplicate: { type: "string", default: "0" },
      reorder: { type: "string", default: "0" },
      "reorder-by": { type: "string", default: "20" },
      delay: { type: "string", default: "0" },
      seed: { type: "string", default: "1" },
      for: { type: "string", default: "60" },
    },
  });
  const seconds = number("for", values.for);
  if (!(seconds > 0 && seconds <= LIMIT_SECONDS)) throw new Error(`--for: 0 to ${LIMIT_SECONDS} seconds`);
  await using relay = await Relay.open({
    a: side("a", values.a),
    b: side("b", values.b),
    seed: number("seed", values.seed),
    impairment: {
      loss: number("loss", values.loss),
      duplicate: number("duplicate", values.duplicate),
      reorder: number("reorder", values.reorder),
      reorderByMs: number("reorder-by", values["reorder-by"]),
      delayMs: delay(values.delay),
    },
  });
  const { a, b } = relay.listening;
  process.stderr.write(`relay: ready, listening on ${a.address}:${a.port} and ${b.address}:${b.port}\n`);
  await new Promise<void>((end) => {
    setTimeout(end, seconds * 1_000);
    for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => end());
    const input = createInterface({ input: process.stdin });
    input.on("line", (line) => {
      try {
        relay.impair(JSON.parse(line));
      } catch (error) {
        process.stderr.write(`relay: ${line}: ${(error as Error).message}\n`);
      }
    });
    input.on("close", end);
  });
  process.stdout.write(`${JSON.stringify(relay.counters)}\n`);
}

main().then(
  // Timers that are left do not matter any more.
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`relay: ${(error as Error).message}\n`);
    process.exit(64);
  },
);

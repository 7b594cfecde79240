/** The engine without sockets or a clock: datagrams and time go in. */
import { randomFillSync } from "node:crypto";
import { Command } from "commander";
import { expect, test } from "vitest";
import { Engine } from "../src/engine.ts";
import { addOptions, planOf, type Words } from "../src/options.ts";

const target = { family: 4, address: "127.0.0.1", port: 1701 } as const;
/** A ZLB for tunnel 4711, which nobody has. */
const STRAY = Uint8Array.from(Buffer.from("c802000c1267000000000000", "hex"));

function engine(...words: string[]): Engine {
  const command = addOptions(new Command()).parse(words, { from: "user" });
  return new Engine(planOf(command.opts<Words>(), target), (octets) => randomFillSync(octets));
}

test("what comes for no tunnel is told while tunnels are set up, and not when they are being ended", () => {
  const load = engine("-t", "1", "-s", "0");
  load.start(0);
  load.handleDatagram(5, { ...target, wire: 0 }, STRAY);
  load.handleTimeout(10);
  expect(load.tally.reasons).toMatchObject([
    { what: "notice", count: 1, text: expect.stringMatching(/no such tunnel/) as string },
  ]);
  load.stop(20);
  for (let at = 30; at < 100; at += 10) {
    load.handleDatagram(at, { ...target, wire: 0 }, STRAY);
    load.handleTimeout(at);
  }
  expect(load.finish().reasons.filter(({ what }) => what === "notice")).toMatchObject([{ count: 1 }]);
});

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { answerFromSecret, PppSession, pppSettings } from "../src/index.ts";
import { CLIENT, octets, rng, SERVER } from "./pair.ts";

/** Octets that a link may hold at rest; 10,000 of them are to leave room for all else in 150 MB. Measured: 3,250. */
const CEILING = 4500;

test(`a link at rest, with all its protocols up, holds at most ${CEILING} octets`, () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const random = octets(rng(1));
  const [client, server] = [pppSettings(CLIENT), pppSettings(SERVER)];
  const make = () => {
    const [a, b] = [new PppSession(client, random), new PppSession(server, random)];
    a.start(0);
    b.start(0);
    for (let any = true; any; ) {
      any = false;
      for (const [link, peer] of [
        [a, b],
        [b, a],
      ] as const) {
        for (let event = link.pollEvent(); event; event = link.pollEvent()) {
          any = true;
          if (event.type === "frame") peer.receive(0, event.frame);
          else if (event.type === "question")
            link.decide(0, event.token, answerFromSecret(event.credentials, "secret"));
        }
      }
    }
    return b;
  };
  for (let i = 0; i < 50; i++) make();
  const used = () => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const before = used();
  const links = Array.from({ length: 1000 }, make);
  const each = (used() - before) / links.length;
  expect(links.every(({ states }) => states.ipcp === "Opened" && states.ipv6cp === "Opened")).toBe(true);
  expect(each).toBeLessThan(CEILING);
});

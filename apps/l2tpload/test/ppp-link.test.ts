/** The PPP of one session, with its peer in the same process and no clock. */
import { answerFromSecret, PppSession, pppSettings } from "@l2tp/ppp";
import { expect, test } from "vitest";
import { PppLink } from "../src/ppp-link.ts";
import { Tally } from "../src/tally.ts";

const CONFIGURE_REQUEST = "c02101";

test("each phase is timed once, though the LNS, which asked again too early, negotiates LCP anew", () => {
  let seed = 1;
  const random = (octets: number) =>
    Uint8Array.from({ length: octets }, () => (seed = (seed * 171) % 30_269));
  const toLns: Uint8Array[] = [];
  const toUs: Uint8Array[] = [];
  const tally = new Tally();
  let ups = 0;
  const host = {
    tally,
    pingsUnderWay: 0,
    sendFrame: (_: unknown, frame: Uint8Array) => void toLns.push(frame.slice()),
    linkUp: () => void ups++,
    linkDown: () => expect.unreachable(),
  };
  const settings = pppSettings({
    authenticateSelf: { name: "test", password: "test", methods: ["chap-md5"] },
    ipv4: {},
    ipv6: false,
  });
  const link = new PppLink(host, "a", settings, random, undefined, 0);
  const lns = new PppSession(
    pppSettings({
      authenticatePeer: { methods: ["chap-md5"] },
      ipv4: { local: "10.9.0.1", peer: "10.9.0.2" },
      ipv6: false,
    }),
    random,
  );
  let now = 0;
  let asked: Uint8Array | undefined;
  const pump = (until: () => boolean) => {
    for (let steps = 0; steps < 200 && !until(); steps++) {
      now++;
      for (let event = lns.pollEvent(); event !== undefined; event = lns.pollEvent()) {
        if (event.type === "frame") {
          const frame = event.frame.slice();
          if (Buffer.from(frame).toString("hex").startsWith(CONFIGURE_REQUEST)) asked ??= frame;
          toUs.push(frame);
        } else if (event.type === "question") {
          lns.decide(now, event.token, answerFromSecret(event.credentials, "test"));
        }
      }
      for (const frame of toUs.splice(0)) link.receive(now, frame);
      for (const frame of toLns.splice(0)) lns.receive(now, frame);
    }
    expect(until()).toBe(true);
  };
  const counts = () =>
    (["lcp", "authentication", "network", "session"] as const).map((phase) => tally.times[phase].count);

  link.start(now);
  lns.start(now);
  pump(() => tally.times.lcp.count === 1);
  toUs.push(asked as Uint8Array); // The second copy, which was on its way when the first was answered.
  pump(() => ups === 1);
  expect(counts()).toEqual([1, 1, 1, 1]);
});

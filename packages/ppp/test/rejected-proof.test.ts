/** Protocol-Rejects of the protocols by which links learn who is at their ends (RFC 1661 §5.7), before that is known and after. */
import { describe, expect, test } from "vitest";
import type { AuthMethod, PppOptions } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";
import { CLIENT, Pair, SERVER } from "./pair.ts";

const PROTOCOLS = {
  pap: "c023",
  "chap-md5": "c223",
  "mschap-v2": "c223",
  "eap-md5": "c227",
  "eap-mschap-v2": "c227",
} as const satisfies Partial<Record<AuthMethod, string>>;
type Method = keyof typeof PROTOCOLS;
const METHODS = Object.keys(PROTOCOLS) as Method[];

const asks = (method: Method, more: Partial<NonNullable<PppOptions["authenticatePeer"]>> = {}) => ({
  ...SERVER,
  authenticatePeer: { methods: [method], localName: "lns", ...more },
});

/** The link at `side` hears that the other takes nothing of this protocol. */
const reject = (pair: Pair, side: "a" | "b", protocol: string, id = "77") =>
  pair.link[side].receive(pair.now, hex(`c021 08 ${id} 000a ${protocol} 01010004`));

/** What a side sends of a protocol from now on. */
function watch(pair: Pair, side: "a" | "b", protocol: string): string[] {
  const sent: string[] = [];
  pair.tap = (from, frame) => {
    const text = toHex(frame);
    if (from === side && text.startsWith(protocol)) sent.push(text);
    return frame;
  };
  return sent;
}

for (const method of METHODS) {
  const protocol = PROTOCOLS[method];
  const name = { c023: "PAP", c223: "CHAP", c227: "EAP" }[protocol];

  describe(method, () => {
    test("rejected before the peer is known: it was not authenticated, and the reason says which protocol", () => {
      const pair = new Pair(CLIENT, asks(method));
      pair.tap = (_, frame) => (toHex(frame).startsWith(protocol) ? undefined : frame);
      pair.start().run(50);
      expect(pair.link.b.phase).toBe("authenticate");
      const sent = watch(pair, "b", protocol);
      reject(pair, "b", protocol);
      pair.run(20_000);
      expect(sent).toEqual([]);
      expect(pair.last("b", "down")?.reason).toMatchObject({ code: "authentication-protocol" });
      expect(pair.last("b", "down")?.reason.text).toContain(`it rejects ${name}`);
      expect(pair.all("b", "up")).toEqual([]);
    });

    test("rejected while the decision is awaited: the same, and the decision changes nothing", () => {
      const pair = new Pair(CLIENT, asks(method));
      pair.thinkMs = 5_000;
      pair.start().run(4_000, () => pair.all("b", "question").length > 0);
      reject(pair, "b", protocol);
      pair.run(20_000);
      expect(pair.last("b", "down")?.reason.code).toBe("authentication-protocol");
      expect(pair.all("b", "peer-authenticated")).toEqual([]);
    });

    test("rejected after the peer is known, who is asked only once: nothing is missed, and nothing of it sent any more", () => {
      const pair = new Pair(CLIENT, asks(method)).start().run(5_000);
      expect(pair.settled).toBe(true);
      const sent = watch(pair, "b", protocol);
      reject(pair, "b", protocol);
      // A repeat of the proof would be answered otherwise.
      for (let id = 0; id < 8; id++) {
        const repeat = {
          c023: `01 0${id} 0012 04 75736572 06 736563726574`,
          c223: `02 0${id} 0015 10 ${"00".repeat(16)}`,
        };
        const data = protocol === "c227" ? `02 0${id} 0005 04` : repeat[protocol];
        pair.link.b.receive(pair.now, hex(`${protocol} ${data}`));
      }
      pair.run(600_000);
      expect(sent).toEqual([]);
      expect(pair.all("b", "terminating")).toEqual([]);
      expect(pair.settled).toBe(true);
    });

    test("rejected by who asked us: before we are believed that is a refusal, afterwards nothing", () => {
      const pair = new Pair(CLIENT, asks(method)).start().run(5_000);
      reject(pair, "a", protocol);
      pair.run(60_000);
      expect(pair.settled).toBe(true);
      const early = new Pair(CLIENT, asks(method));
      early.thinkMs = 5_000;
      early.start().run(4_000, () => early.all("b", "question").length > 0);
      reject(early, "a", protocol);
      early.run(20_000);
      expect(early.last("a", "down")?.reason).toMatchObject({ code: "authentication-refused" });
    });
  });

  if (method === "pap") continue;

  test(`${method}: who is to be asked again and rejects being asked is not authenticated any more, without another challenge`, () => {
    const pair = new Pair(CLIENT, asks(method, { rechallengeMs: 60_000 })).start().run(5_000);
    const sent = watch(pair, "b", protocol);
    reject(pair, "b", protocol);
    pair.run(20_000);
    expect(pair.settled).toBe(true);
    pair.run(100_000);
    expect(sent).toEqual([]);
    expect(pair.last("b", "down")?.reason).toMatchObject({ code: "authentication-failed" });
    expect(pair.last("b", "down")?.reason.text).toMatch(new RegExp(`rejects ${name}`));
  });

  test(`${method}: who rejects the challenge that asks it again is not authenticated any more, at once`, () => {
    const pair = new Pair(CLIENT, asks(method, { rechallengeMs: 60_000 })).start().run(5_000);
    pair.tap = (from, frame) => (from === "b" && toHex(frame).startsWith(protocol) ? undefined : frame);
    const asked = () => pair.link.b.counters.sent;
    const before = asked();
    pair.run(100_000, () => asked() > before + 8 || pair.now > 90_000);
    const sent = watch(pair, "b", protocol);
    const at = pair.now;
    reject(pair, "b", protocol);
    pair.run(5_000);
    expect(sent).toEqual([]);
    expect(pair.last("b", "terminating")?.reason.text).toMatch(new RegExp(`rejects ${name}`));
    expect(pair.events.find(({ side, event }) => side === "b" && event.type === "terminating")?.at).toBe(at);
  });
}

test("both ask by one protocol: what the peer proved is not missed, what we have to prove is", () => {
  const both = (name: string): PppOptions => ({
    authenticatePeer: { methods: ["chap-md5"], localName: name },
    authenticateSelf: { name: "user", password: "secret", methods: ["chap-md5"] },
  });
  const pair = new Pair({ ...CLIENT, ...both("lac") }, { ...SERVER, ...both("lns") });
  // The answers to a's challenge are lost: b is known to nobody, and a to b.
  pair.tap = (from, frame) => (from === "b" && toHex(frame).startsWith("c22302") ? undefined : frame);
  pair.start().run(1_000);
  expect(pair.all("b", "peer-authenticated")).toHaveLength(1);
  expect(pair.all("b", "authenticated")).toEqual([]);
  reject(pair, "b", "c223");
  pair.run(10_000);
  expect(pair.last("b", "down")?.reason).toMatchObject({ code: "authentication-refused" });
});

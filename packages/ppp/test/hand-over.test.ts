/**
 * A link that is handed over once the peer is known: who switches a call from tunnel to tunnel answers LCP and authenticates,
 * and the LNS that it goes on to begins with the network protocols (RFC 2661 §4.4.5).
 */
import { expect, test } from "vitest";
import {
  type AuthMethod,
  answerFromSecret,
  type PppEvent,
  type PppOptions,
  PppSession,
  type ProxyInformation,
  pppSettings,
} from "../src/index.ts";
import { toHex } from "./hex.ts";
import { octets, Pair, rng } from "./pair.ts";

const SUBSCRIBER: PppOptions = {
  mru: 1400,
  authenticateSelf: {
    name: "user",
    password: "secret",
    methods: ["pap", "chap-md5", "mschap-v1", "mschap-v2", "eap-md5"],
  },
  ipv6: false,
};
const switchOf = (method: AuthMethod): PppOptions => ({
  mru: 1420,
  handOver: true,
  authenticatePeer: { methods: [method] },
});
const LNS: PppOptions = {
  mru: 1420,
  authenticatePeer: { methods: ["pap", "chap-md5", "mschap-v1", "mschap-v2"] },
  ipv4: { local: "10.0.0.1", peer: "10.0.0.2" },
  ipv6: false,
};

/** Runs until the switch, side `b`, hands over. */
function handedOver(method: AuthMethod): { pair: Pair; proxy: ProxyInformation } {
  const pair = new Pair(SUBSCRIBER, switchOf(method)).start();
  pair.run(20_000, () => pair.events.some(({ event }) => event.type === "handed-over"));
  pair.run(1_000); // the last word of the authentication is under way
  const told = pair.events.flatMap(({ side, event }) =>
    side === "b" && event.type === "handed-over" ? [event] : [],
  );
  expect(told).toHaveLength(1);
  return { pair, proxy: told[0]?.proxy ?? {} };
}

test.for<[AuthMethod, number]>([
  ["pap", 3],
  ["chap-md5", 2],
  ["mschap-v1", 5],
  ["mschap-v2", 2],
])("%s: the LNS takes over LCP and the proof, and begins with IPCP", ([method, type]) => {
  const { pair, proxy } = handedOver(method);
  expect(proxy.authentication?.type).toBe(type);
  const lns = new PppSession(pppSettings(LNS), octets(rng(7)));
  const sent: string[] = [];
  /** All that both have to say to each other now. */
  const talk = (): void => {
    for (let spoke = true; spoke; ) {
      spoke = false;
      for (let event = lns.pollEvent(); event; event = lns.pollEvent()) {
        spoke = true;
        if (event.type === "question") {
          expect(event.credentials).toMatchObject({ method, name: "user", proxied: true });
          lns.decide(pair.now, event.token, answerFromSecret(event.credentials, "secret"));
        } else if (event.type === "frame") {
          sent.push(toHex(event.frame).slice(0, 4));
          pair.link.a.receive(pair.now, event.frame);
        }
      }
      for (let event = pair.link.a.pollEvent(); event; event = pair.link.a.pollEvent()) {
        spoke = true;
        if (event.type === "frame") lns.receive(pair.now, event.frame);
      }
    }
  };
  lns.start(pair.now, proxy);
  talk();
  // What the subscriber said meanwhile is lost; it says it again.
  pair.now += 3_000;
  pair.link.a.handleTimeout(pair.now);
  talk();
  expect(lns.states).toMatchObject({ lcp: "Opened", ipcp: "Opened" });
  expect(pair.link.a.states).toMatchObject({ lcp: "Opened", ipcp: "Opened" });
  expect(sent).not.toContain("c021");
});

test("what is told are the subscriber's first request, and both that were acknowledged", () => {
  const requests: Record<"a" | "b", string[]> = { a: [], b: [] };
  const pair = new Pair(SUBSCRIBER, switchOf("chap-md5"));
  pair.tap = (from, frame) => {
    if (toHex(frame).startsWith("c02101")) requests[from].push(toHex(frame.subarray(6)));
    return frame;
  };
  pair.start().run(20_000);
  const told = pair.events.map(({ event }) => event).find((event) => event.type === "handed-over");
  const { initialReceived, lastReceived, lastSent } = told?.proxy ?? {};
  expect(toHex(initialReceived ?? new Uint8Array())).toBe(requests.a[0]);
  expect(toHex(lastReceived ?? new Uint8Array())).toBe(requests.a.at(-1));
  expect(toHex(lastSent ?? new Uint8Array())).toBe(requests.b.at(-1));
});

test("EAP has no number there: the LNS gets LCP, and asks anew", () => {
  const { proxy } = handedOver("eap-md5");
  expect(proxy.authentication).toBeUndefined();
  expect(proxy.lastSent).toBeDefined();
});

test("a peer that did not have to prove anything is told as such", () => {
  const pair = new Pair({ ipv6: false }, { handOver: true }).start().run(5_000);
  const told = pair.events.find(({ event }) => event.type === "handed-over")?.event;
  expect(told).toMatchObject({ proxy: { authentication: { type: 4 } } });
});

test("a peer whose proof is wrong is not handed over", () => {
  const wrong = { ...SUBSCRIBER, authenticateSelf: { name: "user", password: "wrong" } };
  const pair = new Pair(wrong, switchOf("chap-md5")).start().run(60_000);
  const types = pair.events.filter(({ side }) => side === "b").map(({ event }) => event.type);
  expect(types).not.toContain("handed-over");
  expect(pair.events.find(({ side, event }) => side === "b" && event.type === "down")?.event).toMatchObject({
    reason: { code: "authentication-failed" },
  });
});

test("when it is handed over nothing is sent, taken, or waited for any more", () => {
  const { pair } = handedOver("chap-md5");
  const { b } = pair.link;
  const before = { ...b.counters };
  expect(b.phase).toBe("handed-over");
  expect(b.pollTimeout()).toBeUndefined();
  const events: PppEvent[] = [];
  b.receive(pair.now, Uint8Array.of(0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0));
  b.handleTimeout(pair.now + 1_000_000);
  b.close(pair.now);
  b.lowerDown(pair.now);
  for (let event = b.pollEvent(); event; event = b.pollEvent()) events.push(event);
  expect(events).toEqual([]);
  expect(b.counters).toEqual(before);
});

test("what a LAC negotiated is handed on as it came, the proof as well", () => {
  const { proxy } = handedOver("mschap-v2");
  const second = new PppSession(pppSettings(switchOf("mschap-v2")), octets(rng(3)));
  second.start(0, proxy);
  let told: ProxyInformation | undefined;
  for (let event = second.pollEvent(); event; event = second.pollEvent()) {
    if (event.type === "question")
      second.decide(0, event.token, answerFromSecret(event.credentials, "secret"));
    else if (event.type === "handed-over") told = event.proxy;
  }
  expect(told).toEqual(proxy);
});

test("a repeat of the proof that comes after the LNS took it over is answered with a Success", () => {
  const { pair, proxy } = handedOver("chap-md5");
  const lns = new PppSession(pppSettings({ ...LNS, proxy: "use" }), octets(rng(7)));
  lns.start(pair.now, proxy);
  const take = (): string[] => {
    const sent: string[] = [];
    for (let event = lns.pollEvent(); event; event = lns.pollEvent()) {
      if (event.type === "question")
        lns.decide(pair.now, event.token, answerFromSecret(event.credentials, "secret"));
      else if (event.type === "frame") sent.push(toHex(event.frame));
    }
    return sent;
  };
  expect(take().some((frame) => frame.startsWith("c223"))).toBe(false); // told already
  const { identifier = 0, response = new Uint8Array() } = proxy.authentication ?? {};
  const repeat = [0xc2, 0x23, 2, identifier, 0, 25, 16, ...response, ...new TextEncoder().encode("user")];
  lns.receive(pair.now, Uint8Array.from(repeat));
  expect(take()).toEqual([`c22303${identifier.toString(16).padStart(2, "0")}0004`]);
});

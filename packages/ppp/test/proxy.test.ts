/** What a LAC negotiated and passed on: believed, checked, or done again (RFC 2661 §4.4.5). */
import { expect, test } from "vitest";
import {
  md5Response,
  type PppEvent,
  type PppOptions,
  PppSession,
  type ProxyInformation,
  pppSettings,
} from "../src/index.ts";
import { hex, toHex } from "./hex.ts";
import { octets, rng } from "./pair.ts";

const CHALLENGE = hex("00112233445566778899aabbccddeeff 0102030405060708090a0b0c0d0e0f10"); // longer than 24, as Juniper's
const secret = new TextEncoder().encode("secret");
const LAC: ProxyInformation = {
  initialReceived: hex("0104 05d4 0506 11111111"),
  lastSent: hex("0104 05d4 0305 c22305 0506 22222222"),
  lastReceived: hex("0104 05d4 0506 11111111 0702 0802"),
  authentication: {
    type: 2,
    name: new TextEncoder().encode("user"),
    challenge: CHALLENGE,
    identifier: 7,
    response: md5Response(7, secret, CHALLENGE),
  },
};
const LNS: PppOptions = {
  authenticatePeer: { methods: ["mschap-v2", "chap-md5"] },
  ipv4: { local: "10.0.0.1", peer: "10.0.0.2" },
  ipv6: false,
};

function start(proxy: ProxyInformation, options: PppOptions = LNS) {
  const link = new PppSession(pppSettings(options), octets(rng(1)));
  link.start(0, proxy);
  return { link, ...drain(link) };
}
function drain(link: PppSession) {
  const [sent, events]: [string[], PppEvent[]] = [[], []];
  for (let event = link.pollEvent(); event; event = link.pollEvent()) {
    if (event.type === "frame") sent.push(toHex(event.frame));
    else events.push(event);
  }
  return { sent, events };
}
const question = (events: readonly PppEvent[]) => events.find((event) => event.type === "question");

test("by default what the LAC negotiated is taken over, and the peer's proof is checked by who knows", () => {
  const { link, sent, events } = start(LAC);
  expect(sent).toEqual([]); // LCP is up without a packet, with the LAC's number
  expect(link.states.lcp).toBe("Opened");
  const asked = question(events);
  expect(asked?.credentials).toMatchObject({
    method: "chap-md5",
    name: "user",
    identifier: 7,
    challenge: CHALLENGE,
    proxied: true,
    trusted: false,
  });
  expect(link.decide(5, asked?.token ?? 0, { accept: true })).toBe(true);
  const after = drain(link);
  expect(after.sent[0]).toBe("c22303070004"); // Success, with the LAC's identifier
  expect(after.sent[1]).toMatch(/^802101/);
  link.receive(6, hex("c021 09 05 0008 11111111"));
  expect(drain(link).sent).toEqual(["c0210a05000822222222"]);
});

test("a refused proof is told to the peer, then LCP terminates, and the CDN's cause is 16", () => {
  const { link, events } = start(LAC);
  link.decide(5, question(events)?.token ?? 0, { accept: false });
  const after = drain(link);
  const words = toHex(new TextEncoder().encode("the peer was not authenticated: refused"));
  expect(after.sent).toEqual(["c22304070004", `c0210501002b${words}`]);
  expect(after.events[0]).toMatchObject({
    type: "terminating",
    reason: { code: "authentication-failed", disconnectCode: 16 },
  });
});

test("with `use` the LAC is believed: the question says so, and nobody tells the peer twice", () => {
  const { link, events } = start(LAC, { ...LNS, proxy: "use" });
  const asked = question(events);
  expect(asked?.credentials).toMatchObject({ name: "user", proxied: true, trusted: true });
  link.decide(5, asked?.token ?? 0, { accept: true });
  expect(drain(link).sent[0]).toMatch(/^802101/);
});

test("with `renegotiate`, or when the LAC's LCP is not what we want, LCP begins anew", () => {
  const bad: [string, ProxyInformation, PppOptions][] = [
    ["renegotiate", LAC, { ...LNS, proxy: "renegotiate" }],
    ["no proof was asked for", { ...LAC, lastSent: hex("0104 05d4") }, LNS],
    ["a method that we do not take", { ...LAC, lastSent: hex("0304 c023") }, LNS],
    ["multilink", { ...LAC, lastReceived: hex("1104 05dc") }, LNS],
    ["multilink, agreed to by the LAC", { ...LAC, lastSent: hex("0305 c22305 1104 05dc") }, LNS],
    ["a larger MRU than ours", { ...LAC, lastSent: hex("0104 2328 0305 c22305") }, LNS],
    ["malformed", { ...LAC, lastReceived: hex("0100") }, LNS],
    ["malformed at first", { ...LAC, initialReceived: hex("01") }, LNS],
    ["incomplete", { lastSent: LAC.lastSent }, LNS],
    ["both ends have one number", { ...LAC, lastReceived: hex("0506 22222222") }, LNS],
    ["an option of a wrong length", { ...LAC, lastSent: hex("0103 05 0305 c22305") }, LNS],
  ];
  for (const [why, proxy, options] of bad) {
    const { sent, events, link } = start(proxy, options);
    expect(sent, why).toHaveLength(1);
    expect(sent[0], why).toMatch(/^c02101/);
    expect(sent[0], why).toContain("0305c22381"); // our own first wish again
    expect(question(events), why).toBeUndefined();
    expect(link.states.lcp, why).toBe("Req-Sent");
  }
});

test("LCP is taken over and the peer asked by us where its proof does not fit the method, or is none", () => {
  const odd = [
    undefined,
    { type: 4 },
    { ...LAC.authentication, type: 1 },
    { ...LAC.authentication, type: 2, response: hex("aabb") },
    { ...LAC.authentication, type: 2, name: new Uint8Array(0) },
  ];
  for (const authentication of odd) {
    const { sent, link } = start({
      ...LAC,
      authentication: authentication as ProxyInformation["authentication"],
    });
    expect(link.states.lcp).toBe("Opened");
    expect(sent[0]).toMatch(/^c22301/);
  }
});

test("MS-CHAPv2 comes under CHAP's number, and is told by the LAC's CONFREQ", () => {
  const authentication = {
    type: 2,
    name: hex("75"),
    challenge: new Uint8Array(16),
    identifier: 1,
    response: new Uint8Array(49),
  };
  const { events } = start({ ...LAC, lastSent: hex("0305 c22381"), authentication });
  expect(question(events)?.credentials).toMatchObject({ method: "mschap-v2", identifier: 1 });
});

test("PAP's password is checked as if the peer had sent it to us", () => {
  const authentication = { type: 3, name: hex("75"), identifier: 9, response: secret };
  const options: PppOptions = { ...LNS, authenticatePeer: { methods: ["pap"] } };
  const { link, events } = start({ ...LAC, lastSent: hex("0304 c023"), authentication }, options);
  const asked = question(events);
  expect(asked?.credentials).toMatchObject({ method: "pap", name: "u" });
  expect(JSON.stringify(asked)).not.toContain("secret");
  link.decide(1, asked?.token ?? 0, { accept: true });
  expect(drain(link).sent[0]).toBe("c0230209000500");
});

test.each([
  ["PAP", "0304 c023", "pap", { type: 3, identifier: 9, response: secret }, /^c0230309/],
  [
    "MS-CHAPv2",
    "0305 c22381",
    "mschap-v2",
    { type: 2, identifier: 9, response: new Uint8Array(49) },
    /^c2230409.*523d30/,
  ],
] as const)(
  "a wrong proof that the LAC passed on by %s ends the link: nobody waits for a second",
  (_, sent, method, proof, told) => {
    const authentication = { name: hex("75"), challenge: new Uint8Array(16), ...proof };
    const options: PppOptions = { ...LNS, authenticatePeer: { methods: [method] } };
    const { link, events } = start({ ...LAC, lastSent: hex(sent), authentication }, options);
    link.decide(1, question(events)?.token ?? 0, { accept: false });
    const after = drain(link);
    // R=0 of MS-CHAP is "no retry"; then LCP terminates.
    expect(after.sent[0]).toMatch(told);
    expect(after.sent[1]).toMatch(/^c02105/);
    expect(after.events[0]).toMatchObject({ type: "terminating", reason: { code: "authentication-failed" } });
    for (let at = link.pollTimeout(); at !== undefined; at = link.pollTimeout()) link.handleTimeout(at);
    expect(drain(link).events.at(-1)).toMatchObject({ type: "down", reason: { disconnectCode: 16 } });
  },
);

test("whoever decides may allow another try all the same", () => {
  const authentication = { type: 3, name: hex("75"), identifier: 9, response: secret };
  const options: PppOptions = { ...LNS, authenticatePeer: { methods: ["pap"] } };
  const { link, events } = start({ ...LAC, lastSent: hex("0304 c023"), authentication }, options);
  link.decide(1, question(events)?.token ?? 0, { accept: false, retry: true });
  expect(drain(link).sent).toEqual(["c0230309000500"]);
});

/** Profiles are checked once, and a mistake in one is named. */
import { expect, test } from "vitest";
import { newDuid, type PppProfileInit, pppProfile, proxyOf } from "../../src/ppp/index.ts";

test("an empty profile is an interface for each session, as host", () => {
  expect(pppProfile()).toMatchObject({
    name: "default",
    link: { attach: { to: "interface" } },
    sessionTimeoutMs: 0,
    idleTimeoutMs: 0,
    exclusive: "no",
    ipv6: { role: "host", requestPrefix: false },
  });
});

test("who demands a proof is the router", () => {
  expect(pppProfile({ options: { authenticatePeer: {} } }).ipv6.role).toBe("router");
});

test.each<[PppProfileInit, string]>([
  [{ options: { mru: 12 } }, "mru: must be a whole number from 128"],
  [{ routes: ["10.0.0.0/33"] }, "routes[0]: a prefix such as"],
  [{ routes: ["10.0.0.0/24", "net"] }, "routes[1]"],
  [{ attach: { to: "shared", name: "" } }, "attach.name"],
  [{ attach: { to: "shared", name: "ppp-lns", routes: ["x"] } }, "attach.routes[0]"],
  [{ ipv6: { prefix: "2001:db8::/48" } }, "ipv6.prefix: an IPv6 prefix of /64 was expected"],
  [{ ipv6: { prefix: "10.0.0.0/24" } }, "ipv6.prefix"],
  [{ ipv6: { delegatedPrefix: "2001:db8::/65" } }, "ipv6.delegatedPrefix"],
  [{ ipv6: { dns: ["10.0.0.1"] } }, "ipv6.dns[0]: an IPv6 address was expected"],
  [{ sessionTimeoutMs: -1 }, "sessionTimeoutMs"],
  [{ idleTimeoutMs: Number.NaN }, "idleTimeoutMs"],
  [{ rateLimit: { toPeerBps: 0 } }, "rateLimit.toPeerBps"],
  [{ closeLimitMs: 0 }, "closeLimitMs"],
])("%j is refused: %s", (init, message) => {
  expect(() => pppProfile(init)).toThrow(message);
});

test("a DUID is a UUID's, and random (RFC 6355)", () => {
  let fill = 0;
  const duid = newDuid((count) => new Uint8Array(count).fill(++fill * 0x5a));
  expect(duid).toHaveLength(18);
  expect([...duid.subarray(0, 2)]).toEqual([0, 4]);
  expect((duid[8] as number) >> 4).toBe(4);
  expect((duid[10] as number) >> 6).toBe(2);
  expect(duid).not.toEqual(newDuid((count) => new Uint8Array(count).fill(1)));
});

test("what a LAC has negotiated is put into PPP's words", () => {
  const avps = {
    initialReceivedLcpConfreq: undefined,
    lastSentLcpConfreq: Uint8Array.of(1, 4, 5, 0xdc),
    lastReceivedLcpConfreq: Uint8Array.of(1, 4, 5, 0xb4),
    authenType: 2,
    authenName: "zoë",
    authenChallenge: Uint8Array.of(1, 2),
    authenId: 7,
    authenResponse: new Uint8Array(16),
  };
  expect(proxyOf(avps as never)).toEqual({
    initialReceived: undefined,
    lastSent: avps.lastSentLcpConfreq,
    lastReceived: avps.lastReceivedLcpConfreq,
    authentication: {
      type: 2,
      name: new TextEncoder().encode("zoë"),
      challenge: avps.authenChallenge,
      identifier: 7,
      response: avps.authenResponse,
    },
  });
  expect(proxyOf({ ...avps, authenType: undefined } as never).authentication).toBeUndefined();
});

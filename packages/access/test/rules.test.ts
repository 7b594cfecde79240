import { processorMs } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import {
  type CallRequest,
  type PeerRequest,
  type Refusal,
  Rules,
  RulesError,
  type UserRequest,
  type UserRule,
} from "../src/index.ts";

const sccrq = (change: Partial<PeerRequest> & { at?: string } = {}): PeerRequest => ({
  from: { family: 4, address: change.at ?? "192.0.2.7", port: 1701 },
  local: { family: 4, address: "198.51.100.1", port: 1701 },
  listener: "public",
  hostName: "lac1.example",
  vendorName: "",
  ...change,
});
const icrq: CallRequest = { kind: "incoming", tunnel: "lac1#1", peer: "lac1" };
const asks = (name: string, change: Partial<UserRequest> = {}): UserRequest => ({
  name,
  method: "mschap-v2",
  tunnel: "t",
  session: "s",
  profile: "default",
  peer: { family: 4, address: "192.0.2.7", port: 1701 },
  ...change,
});
const reasonOf = (answer: object): string => (answer as Refusal).reason;

describe("peers", () => {
  const rules = new Rules({
    peers: [
      { name: "thief", from: ["192.0.2.66"], deny: "stolen router" },
      { name: "lab", listen: ["lab"], secrets: ["x"] },
      {
        name: "lacs",
        from: ["192.0.2.0/24", "2001:db8::/32"],
        hostName: ["lac?.example"],
        secrets: ["new", "old"],
        pppProfile: "dsl",
      },
      { name: "apple", vendorName: ["apple*"], tunnelProfile: "phones", sessionProfile: "phones" },
    ],
  });

  test("the first entry that matches answers, with its secrets and the names of its profiles", () => {
    expect(rules.peer(sccrq())).toEqual({
      accept: true,
      peer: "lacs",
      secrets: ["new", "old"],
      pppProfile: "dsl",
    });
    expect(rules.peer(sccrq({ hostName: "phone", vendorName: "Apple Inc" }))).toEqual({
      accept: true,
      peer: "apple",
      secrets: [],
      tunnelProfile: "phones",
      sessionProfile: "phones",
    });
  });

  test("host names match whatever their case, and IPv6 addresses whatever their spelling", () => {
    const request = sccrq({
      hostName: "LAC9.EXAMPLE",
      from: { family: 6, address: "2001:0DB8::0:5%eth0", port: 1 },
    });
    expect(rules.peer(request)).toMatchObject({ accept: true, peer: "lacs" });
  });

  test("an IPv4 caller on an IPv6 socket is the same caller", () => {
    expect(rules.peer(sccrq({ from: { family: 6, address: "::ffff:192.0.2.7", port: 1701 } }))).toMatchObject(
      {
        peer: "lacs",
      },
    );
  });

  test("a denied peer is refused for its reason, which is for our log and not for the peer", () => {
    expect(rules.peer(sccrq({ at: "192.0.2.66" }))).toEqual({
      accept: false,
      reason: 'peer "thief" is denied: stolen router',
      text: "not authorized",
    });
  });

  test("a refusal says of each entry why it did not match", () => {
    expect(reasonOf(rules.peer(sccrq({ at: "203.0.113.9" })))).toBe(
      'no peer of ours is "lac1.example" at 203.0.113.9, calling public (thief: another address; lab: another listener; lacs: another address; apple: another vendor)',
    );
    expect(reasonOf(rules.peer(sccrq({ hostName: "bng" })))).toContain("lacs: another host name");
  });

  test("of a thousand entries some are named, so that the line can be read", () => {
    const many = new Rules({
      peers: Array.from({ length: 1000 }, (_, at) => ({ name: `p${at}`, hostName: [`h${at}`] })),
    });
    expect(reasonOf(many.peer(sccrq()))).toMatch(/p7: another host name; and 992 more\)$/);
  });

  test("without any entry nobody may dial in", () => {
    expect(reasonOf(new Rules().peer(sccrq()))).toContain("there is no peer that may dial in");
  });

  test("a host name of a thousand stars and letters costs no time", () => {
    const rules = new Rules({ peers: [{ name: "a", hostName: [`${"a*".repeat(200)}b`] }] });
    expect(processorMs(() => rules.peer(sccrq({ hostName: "a".repeat(1000) })))).toBeLessThan(1_000);
  });

  test.each([
    [
      { name: "a", from: ["10.0.0.1/8"] },
      'peer "a": from[0]: 10.0.0.1/8 has bits beyond its prefix length. Write 10.0.0.0/8.',
    ],
    [{ name: "a", secrets: ["1", "2", "3"] }, 'peer "a": secrets: two at most'],
  ])("%j is a mistake that is named", (rule, message) => {
    expect(() => new Rules({ peers: [rule] })).toThrow(
      new RulesError(message.split(": ").slice(0, 2).join(": "), message.split(": ").slice(2).join(": ")),
    );
  });
});

describe("calls", () => {
  const rules = new Rules({
    calls: [
      { name: "premium", calledNumber: ["0900*"], deny: "no premium numbers" },
      { name: "wholesale", kind: "incoming", calledNumber: ["555*"], peer: ["lac1"], switchTo: "isp" },
      { name: "ended", calledNumber: ["556*"], switchTo: "isp", switchPpp: "end" },
      { name: "vpn", privateGroup: ["corp"], pppProfile: "corp", sessionProfile: "slow" },
    ],
  });

  test("a called number chooses where the session is passed on to", () => {
    expect(rules.call({ ...icrq, calledNumber: "5551234" })).toEqual({ accept: true, switchTo: "isp" });
    expect(rules.call({ ...icrq, calledNumber: "5551234", kind: "outgoing" })).toEqual({ accept: true });
    expect(rules.call({ ...icrq, calledNumber: "5551234", peer: "lac2" })).toEqual({ accept: true });
  });

  test("whether LCP and authentication go with it, or end here, is said with it", () => {
    const grant = { accept: true, switchTo: "isp", switchPpp: "end" };
    expect(rules.call({ ...icrq, calledNumber: "5561234" })).toEqual(grant);
  });

  test("a private group chooses the profiles", () => {
    expect(rules.call({ ...icrq, privateGroup: "CORP" })).toEqual({
      accept: true,
      pppProfile: "corp",
      sessionProfile: "slow",
    });
  });

  test("a denied one is refused for its reason, one that no rule knows may be", () => {
    expect(rules.call({ ...icrq, calledNumber: "0900123" })).toEqual({
      accept: false,
      reason: 'call rule "premium" denies it: no premium numbers',
    });
    expect(rules.call(icrq)).toEqual({ accept: true });
  });
});

describe("users", () => {
  const users: UserRule[] = [
    {
      name: "test",
      password: "s1",
      address: "10.0.0.9",
      dns: ["192.0.2.53"],
      toPeerBps: 1_000_000,
      exclusive: "replace",
    },
    {
      name: "mobile",
      password: "s2",
      methods: ["mschap-v2"],
      callingNumber: ["+49*"],
      from: ["192.0.2.0/24"],
      profiles: ["default"],
    },
    { name: "gone", password: "s3", deny: "has not paid" },
    { name: "*@isp.example", password: "s4", pool: "isp" },
    { name: "open" },
  ];
  const rules = new Rules({ users });

  test("the grant holds the secret for the check, and what the user gets", () => {
    expect(rules.user(asks("test"))).toEqual({
      accept: true,
      user: "test",
      secret: "s1",
      address: "10.0.0.9",
      dns: ["192.0.2.53"],
      toPeerBps: 1_000_000,
      exclusive: "replace",
    });
  });

  test("a realm is part of the name, and a pattern serves who has no entry of its own", () => {
    expect(rules.user(asks("anna@isp.example"))).toEqual({ accept: true, secret: "s4", pool: "isp" });
    expect(reasonOf(rules.user(asks("test@other.example")))).toBe('there is no user "test@other.example"');
  });

  test("upper and lower case are told apart, unless they are not to be", () => {
    expect(rules.user(asks("TEST"))).toMatchObject({ accept: false });
    expect(new Rules({ users, names: { ignoreCase: true } }).user(asks("TEST"))).toMatchObject({
      secret: "s1",
    });
  });

  test("the NT domain that Windows puts before a name does not hide the user", () => {
    expect(rules.user(asks("OFFICE\\test"))).toMatchObject({ secret: "s1" });
    expect(new Rules({ users, names: { stripNtDomain: false } }).user(asks("OFFICE\\test"))).toMatchObject({
      accept: false,
    });
  });

  test("a realm is left out only where that is asked for", () => {
    const strip = new Rules({ users, names: { stripRealm: true } });
    expect(strip.user(asks("test@anywhere"))).toMatchObject({ secret: "s1" });
    expect(strip.user(asks("OFFICE\\test@anywhere"))).toMatchObject({ secret: "s1" });
  });

  test.each([
    [{ method: "pap" }, 'user "mobile" may not come by pap, only by mschap-v2'],
    [{ callingNumber: "+1555" }, 'user "mobile" may not call from "+1555"'],
    [{ peer: { family: 4, address: "198.51.100.2", port: 1 } }, 'user "mobile" may not come by 198.51.100.2'],
    [{ profile: "guests" }, 'user "mobile" may not use the PPP profile "guests"'],
  ] as [Partial<UserRequest>, string][])("%j is refused: %s", (change, reason) => {
    expect(rules.user(asks("mobile", { callingNumber: "+49170", ...change }))).toEqual({
      accept: false,
      reason,
    });
  });

  test("a user that is denied is refused for the reason, and no other entry is asked", () => {
    expect(reasonOf(rules.user(asks("gone")))).toBe('user "gone" is denied: has not paid');
  });

  test("who shows no proof comes in only by an entry without a password, and who has none cannot prove anything", () => {
    expect(rules.user(asks("open", { method: "none" }))).toEqual({
      accept: true,
      user: "open",
      verified: {},
    });
    expect(reasonOf(rules.user(asks("open")))).toContain("has no password here");
    expect(reasonOf(rules.user(asks("test", { method: "none" })))).toContain(
      "has not shown that it knows it",
    );
  });

  test("no refusal has a password in it", () => {
    const all = [...users.map(({ name }) => name), "nobody"].flatMap((name) =>
      ["pap", "none"].map((method) => JSON.stringify(rules.user(asks(name, { method, profile: "p" })))),
    );
    for (const text of all.filter((one) => one.includes('"accept":false')))
      expect(text).not.toMatch(/s[1-4]"/);
  });

  test.each([
    [[{ name: "a" }, { name: "a" }], 'user "a": there are two of this name'],
    [
      [{ name: "*", address: "10.0.0.1" }],
      'user "*": address: all users that the pattern fits would have the same one',
    ],
  ])("%j is a mistake that is named", (users, message) => {
    expect(() => new Rules({ users })).toThrow(message);
  });
});

test("other rules hold at once, wrong ones change nothing", () => {
  const rules = new Rules({ peers: [{ name: "a" }], pools: [{ name: "p", ranges: ["10.0.0.0/30"] }] });
  rules.replace({ peers: [{ name: "b" }] });
  expect(rules.peer(sccrq())).toMatchObject({ peer: "b" });
  expect(() =>
    rules.replace({ peers: [{ name: "c" }], pools: [{ name: "p", ranges: ["nonsense"] }] }),
  ).toThrow(RulesError);
  expect(rules.peer(sccrq())).toMatchObject({ peer: "b" });
  expect(rules.status()).toEqual({ peers: 1, calls: 0, users: 0, leases: 0, pools: [] });
});

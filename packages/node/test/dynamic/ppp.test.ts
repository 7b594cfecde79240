/** PPP of our own on calls: a client at the LAC, users at the LNS; and calls that are passed on. */
import type { AuthMethod } from "@l2tp/ppp";
import { expect, test } from "vitest";
import { type DynamicTunnel, type Profiles, pppProfile, type SessionUp } from "../../src/index.ts";
import { LAC, LNS, openHouse, Pair } from "./pair.ts";

const users = openHouse({
  call: () => ({ accept: true, pppProfile: "users" }),
  user: ({ name }) =>
    name === "alice"
      ? { accept: true, secret: "wonderland", address: "10.0.0.2" }
      : { accept: false, reason: `${name} is unknown` },
});
const atLns = pppProfile({
  name: "users",
  attach: { to: "program" },
  options: { authenticatePeer: { methods: ["chap-md5"] }, ipv4: { local: "10.0.0.1" }, ipv6: false },
});
const profiles: Profiles = {
  tunnel: () => ({}),
  session: () => ({}),
  ppp: (name) => (name === "users" ? atLns : undefined),
};
const client = (password: string, methods?: readonly AuthMethod[]) =>
  ({
    by: "own",
    profile: pppProfile({
      name: "client",
      attach: { to: "program" },
      options: { authenticateSelf: { name: "alice", password, ...(methods && { methods }) }, ipv6: false },
    }),
  }) as const;

const ups = (events: readonly { type: string }[]) =>
  events.filter((event): event is SessionUp => event.type === "session-up");

test("a session is up when PPP is: user, addresses and packets; and it ends with PPP's good-bye", async () => {
  const pair = new Pair({ lns: { authority: users, profiles } });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  const session = tunnel.newSession({ name: "s", ppp: client("wonderland") });
  await pair.advance(50);
  await pair.advance(5_000);
  expect(session.state).toBe("up");
  expect(ups(pair.lns.events)).toMatchObject([
    { ppp: { user: "alice", method: "chap-md5", ipv4: { local: "10.0.0.1", peer: "10.0.0.2" } } },
  ]);
  expect(ups(pair.lac.events)).toMatchObject([{ ppp: { ipv4: { local: "10.0.0.2" } }, mtuOctets: 1458 }]);
  expect(session.addresses).toEqual([{ address: "10.0.0.2", prefixLength: 32, peer: "10.0.0.1" }]);
  expect(pair.lac.events.at(-1)).toMatchObject({ type: "session-addresses", addresses: session.addresses });
  // The LNS has told the LAC which characters to escape, or there was nothing to tell.
  const [accepted] = pair.lns.context.tunnels as DynamicTunnel[];
  const [atServer] = accepted?.sessions ?? [];
  expect(atServer?.ppp).toMatchObject({ user: "alice", phase: "network", profile: "users" });
  const got: Uint8Array[] = [];
  atServer?.plane?.link?.packets?.onPacket((packet) => void got.push(packet.slice()));
  const packet = new Uint8Array(20);
  packet.set([0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 2, 10, 0, 0, 1]);
  session.plane?.link?.packets?.send(packet);
  await pair.advance(50);
  expect(got).toEqual([packet]);

  session.hangUp();
  await pair.advance(10_000);
  expect(session.state).toBe("idle");
  expect(pair.lac.events.at(-1)).toMatchObject({ type: "session-down", ending: { by: "local", result: 3 } });
  expect(pair.lns.events.at(-1)).toMatchObject({ type: "session-down", userName: "alice" });
  expect(accepted?.sessions).toEqual([]);
  expect(JSON.stringify([pair.lac.events, pair.lns.events, pair.lac.log, pair.lns.log])).not.toContain(
    "wonderland",
  );
  await pair.close();
});

test("the LNS tells a LAC with an asynchronous line what to escape (SLI), and no other, as some end the tunnel for that", async () => {
  const pair = new Pair({ lns: { authority: users, profiles } });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  const call = (framingType: number) => ({ kind: "incoming", connected: { framingType } }) as const;
  tunnel.newSession({ name: "sync", ppp: client("wonderland"), call: call(1) });
  tunnel.newSession({ name: "async", ppp: client("wonderland"), call: call(2) });
  await pair.advance(5_000);
  expect(ups(pair.lac.events).map(({ session }) => session)).toEqual(["sync", "async"]);
  const told = pair.lac.events.filter(({ type }) => type === "link-info");
  expect(told).toMatchObject([{ session: "async", info: { accm: { sendAccm: 0, receiveAccm: 0 } } }]);
  await pair.close();
});

test("a call that requires sequence numbers has them on all data messages, PPP's first one included (RFC 2661 §5.4)", async () => {
  const pair = new Pair({ lns: { authority: users, profiles } });
  pair.lns.context.listen();
  const call = { kind: "incoming", connected: { sequencingRequired: true } } as const;
  const session = pair.dial().newSession({ name: "s", ppp: client("wonderland"), call });
  await pair.advance(5_000);
  expect(session.state).toBe("up");
  // The flags T, for control messages, and S, for those with Ns and Nr (RFC 2661 §3.1).
  const data = pair.network.trace
    .map(({ datagram }) => datagram[0] as number)
    .filter((flags) => flags < 0x80);
  expect(data.length).toBeGreaterThan(10);
  expect(data.every((flags) => (flags & 0x08) !== 0)).toBe(true);
  await pair.close();
});

/** What went wrong with sessions, as the log says it. */
const troubles = ({ log }: { readonly log: readonly string[] }) =>
  log.filter((line) => !line.startsWith("debug") && /cannot come up|is down|refused/.test(line));

test("a wrong password: one line at both ends, with the cause; the CDN has RFC 3145's", async () => {
  const pair = new Pair({ lns: { authority: users, profiles } });
  pair.lns.context.listen();
  const session = pair.dial().newSession({ name: "s", redial: false, ppp: client("looking-glass") });
  await pair.advance(30_000);
  expect(session.state).toBe("idle");
  const failed = pair.lns.events.find(({ type }) => type === "session-failed");
  expect(failed).toMatchObject({ reason: { code: "ppp", text: expect.stringMatching(/^PPP ended: /) } });
  expect(troubles(pair.lns)).toEqual([
    expect.stringMatching(/cannot come up: PPP ended: .*user alice: its proof was wrong$/),
  ]);
  expect(troubles(pair.lac)).toEqual([
    expect.stringMatching(/cannot come up: PPP ended: the peer did not accept who we are/),
  ]);
  expect(pair.lac.events.find(({ type }) => type === "session-failed")).toMatchObject({
    reason: { code: "ppp", remedy: expect.stringMatching(/^compare user and password/) },
  });
  expect(ups(pair.lac.events)).toEqual([]);
  expect(pair.lns.context.closedSessions()[0]?.ending).toMatchObject({
    message: "CDN",
    result: 3,
    disconnect: { code: 16 },
  });
  await pair.close();
});

test.each([
  [
    "no way of proof in common",
    { authenticatePeer: { methods: ["pap"] } },
    {},
    "none of our authentication protocols",
  ],
  ["MPPE", { mppe: { policy: "require" } }, {}, "MPPE is required and was not agreed on"],
  ["an address", {}, { ipv4: { local: "10.9.9.9" } }, "no agreement on the addresses"],
] as const)("no PPP for want of %s: one line at both ends says so", async (_, atServer, atClient, words) => {
  const server = pppProfile({
    name: "users",
    attach: { to: "program" },
    options: {
      authenticatePeer: { methods: ["mschap-v2"] },
      ipv4: { local: "10.0.0.1" },
      ipv6: false,
      ...atServer,
    },
  });
  const pair = new Pair({ lns: { authority: users, profiles: { ...profiles, ppp: () => server } } });
  pair.lns.context.listen();
  const profile = pppProfile({
    attach: { to: "program" },
    options: { authenticateSelf: { name: "alice", password: "wonderland" }, ipv6: false, ...atClient },
  });
  pair.dial().newSession({ name: "s", redial: false, ppp: { by: "own", profile } });
  await pair.advance(120_000);
  for (const end of [pair.lns, pair.lac]) {
    expect(troubles(end)).toEqual([expect.stringContaining(words)]);
  }
  await pair.close();
});

test.each(["off", "require"] as const)(
  "both ends prove who they are, and the caller's proof gives MPPE its keys (%s)",
  async (policy) => {
    const grants: Record<string, object> = {
      alice: { secret: "wonderland", address: "10.0.0.2" },
      lns1: { secret: "sesame" },
    };
    const names = openHouse({
      call: () => ({ accept: true, pppProfile: "users" }),
      user: ({ name }) => ({ accept: true, ...grants[name] }),
    });
    const common = { authenticatePeer: { methods: ["mschap-v2"] }, mppe: { policy }, ipv6: false } as const;
    const attach = { to: "program" } as const;
    const server = pppProfile({
      name: "users",
      attach,
      options: {
        ...common,
        authenticateSelf: { name: "lns1", password: "sesame" },
        ipv4: { local: "10.0.0.1" },
      },
    });
    const own = pppProfile({
      attach,
      options: {
        ...common,
        authenticateSelf: { name: "alice", password: "wonderland" },
        ipv4: { acceptPeer: true },
      },
    });
    const pair = new Pair({
      lns: { authority: names, profiles: { ...profiles, ppp: () => server } },
      lac: { authority: names },
    });
    pair.lns.context.listen();
    const session = pair.dial().newSession({ name: "s", redial: false, ppp: { by: "own", profile: own } });
    await pair.advance(10_000);
    expect([troubles(pair.lac), troubles(pair.lns), session.state]).toEqual([[], [], "up"]);
    expect(ups(pair.lac.events)).toMatchObject([
      { ppp: { user: "lns1", ...(policy === "require" && { mppeBits: 128 }) } },
    ]);
    expect(ups(pair.lns.events)).toMatchObject([{ ppp: { user: "alice" } }]);
    await pair.close();
  },
);

test("a private group, which the ICCN says: the authority is asked again, and PPP gets the profile of that answer", async () => {
  const asked: (string | undefined)[] = [];
  const authority = openHouse({
    call: ({ privateGroup, calledNumber, peer }) => {
      expect([calledNumber, peer]).toEqual(["200", "lac"]);
      asked.push(privateGroup);
      if (privateGroup === "closed") return { accept: false, reason: "no such customer", text: "go away" };
      return { accept: true, pppProfile: privateGroup === "corp" ? "corp" : "users" };
    },
    user: () => ({ accept: true, secret: "wonderland", address: "10.0.0.2" }),
  });
  const corp = pppProfile({
    name: "corp",
    options: { authenticatePeer: { methods: ["chap-md5"] }, ipv4: { local: "10.99.0.1" }, ipv6: false },
  });
  const ppp = (name: string) => (name === "corp" ? corp : atLns);
  const pair = new Pair({ lns: { authority, profiles: { ...profiles, ppp } } });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  const call = (group: string) =>
    tunnel.newSession({
      name: group,
      redial: false,
      ppp: client("wonderland"),
      call: {
        kind: "incoming",
        request: { calledNumber: "200" },
        connected: { privateGroupId: new TextEncoder().encode(group) },
      },
    });
  const inCorp = call("corp");
  const other = call("other");
  const closed = call("closed");
  await pair.advance(10_000);
  expect(asked.toSorted()).toEqual(["closed", "corp", "other", undefined, undefined, undefined]);
  expect([inCorp.state, inCorp.addresses]).toMatchObject(["up", [{ peer: "10.99.0.1" }]]);
  expect([other.state, other.addresses]).toMatchObject(["up", [{ peer: "10.0.0.1" }]]);
  expect([closed.state, closed.ending]).toMatchObject(["idle", { result: 3, text: "go away" }]);
  expect(troubles(pair.lns)).toEqual([expect.stringContaining("no such customer")]);
  await pair.close();
});

test("the tunnel goes: PPP goes with it at once, and leases are given back", async () => {
  const released: string[] = [];
  const authority = { ...users, release: (session: string) => void released.push(session) };
  const pair = new Pair({ lns: { authority, profiles } });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  tunnel.newSession({ name: "s", ppp: client("wonderland") });
  await pair.advance(5_000);
  await tunnel.close();
  await pair.advance(1_000);
  expect(pair.lns.events.at(-2)).toMatchObject({ type: "session-down", reason: { code: "tunnel-down" } });
  expect(released).toHaveLength(1);
  expect(pair.lns.plane.sessions()).toEqual([]);
  await pair.close();
  expect(pair.network.nextEvent()).toBeUndefined();
});

interface Switched {
  /** Of the far end. */
  readonly answer?: Parameters<typeof openHouse>[0];
  /** LCP and authentication end in between. */
  readonly end?: boolean;
  readonly password?: string;
  readonly far?: Profiles;
  readonly near?: Profiles;
  /** Of the caller. */
  readonly methods?: readonly AuthMethod[];
}

/** The LNS takes calls, and has a tunnel to pass them on to. */
function openSwitch({ lns: { context } }: Pair): void {
  context.listen({ local: { family: 4, address: LNS, port: 1701 } });
  context.newDynamicTunnel({
    name: "onward",
    peers: [{ host: "192.0.2.9" }],
    dial: { mode: "on-demand" },
  });
}

/** The LAC calls the LNS, which passes the call on to `far`. */
async function switched(options: Switched = {}) {
  const {
    answer,
    end = false,
    password = "wonderland",
    far: wishes = profiles,
    near = profiles,
    methods,
  } = options;
  const grant = { accept: true, switchTo: "onward" } as const;
  const call = () => (end ? ({ ...grant, pppProfile: "users", switchPpp: "end" } as const) : grant);
  const pair = new Pair({ lns: { authority: { ...users, call }, profiles: near } });
  const far = pair.end("far", "192.0.2.9", { authority: { ...users, ...answer }, profiles: wishes });
  far.context.listen();
  openSwitch(pair);
  const tunnel = pair.dial();
  const session = tunnel.newSession({
    name: "s",
    redial: false,
    ppp: client(password, methods),
    call: {
      kind: "incoming",
      request: { calledNumber: "200", callingNumber: "100" },
      connected: { txConnectSpeedBps: 56_000 },
    },
  });
  await pair.advance(10_000);
  return { pair, far, tunnel, session };
}

test("tunnel switching: the call is opened onward with its numbers, PPP runs from end to end, hang-ups pass through", async () => {
  const { pair, far, session } = await switched();
  expect(session.state).toBe("up");
  expect(ups(far.events)).toMatchObject([
    {
      calledNumber: "200",
      callingNumber: "100",
      txConnectSpeedBps: 56_000,
      ppp: { user: "alice", ipv4: { peer: "10.0.0.2" } },
    },
  ]);
  expect(pair.lns.plane.calls.of("bridge")).toHaveLength(1);
  const inbound = pair.lns.context.tunnels.flatMap(({ sessions }) => [...sessions]);
  expect(inbound).toMatchObject([
    { switchedTo: { tunnel: expect.stringMatching(/^lac-/) } },
    { switchedTo: { tunnel: "onward", session: "switched-1" } },
  ]);
  const [atFar] = far.context.tunnels;
  (atFar as DynamicTunnel).sessions[0]?.hangUp({ result: 3, text: "no more credit" });
  await pair.advance(10_000);
  expect(session.state).toBe("idle");
  expect(pair.lac.events.at(-1)).toMatchObject({
    type: "session-down",
    ending: { by: "peer", message: "CDN", result: 3, text: "no more credit" },
  });
  expect(pair.lns.plane.sessions()).toEqual([]);
  await pair.close();
  await far.context.close({ limitMs: 0 }).catch(() => {});
});

test("tunnel switching: the LNS's SLI reaches the LAC, and the LAC's WEN the LNS", async () => {
  const { pair, far, session } = await switched();
  const accm = { sendAccm: 0x000a0000, receiveAccm: 0 };
  (far.context.tunnels[0] as DynamicTunnel).sessions[0]?.setLinkInfo({ accm });
  const errors = {
    crcErrors: 1,
    framingErrors: 2,
    hardwareOverruns: 3,
    bufferOverruns: 4,
    timeoutErrors: 5,
    alignmentErrors: 6,
  };
  session.reportErrors(errors);
  await pair.advance(1_000);
  expect(pair.lac.events.findLast(({ type }) => type === "link-info")).toMatchObject({ info: { accm } });
  expect(far.events.findLast(({ type }) => type === "wan-errors")).toMatchObject({ errors });
  await pair.close();
  await far.context.close({ limitMs: 0 }).catch(() => {});
});

test("tunnel switching: the far end refuses, and so is the caller, with the same code", async () => {
  const call = () => ({ accept: false, reason: "x", result: 2, error: 4, text: "full" }) as const;
  const { pair, session } = await switched({ answer: { call } });
  expect(session.ending).toMatchObject({ by: "peer", message: "CDN", result: 2, error: 4, text: "full" });
  expect(pair.lns.plane.sessions()).toEqual([]);
  await pair.close();
});

test("tunnel switching: the caller's first Configure-Request waits for the onward call, and is not sent again", async () => {
  const { pair, far, session } = await switched();
  const { counters } = session.ppp ?? {};
  const begun = pair.lac.events.find(({ type }) => type === "tunnel-up")?.at ?? 0;
  expect(session.state).toBe("up");
  // One Configure-Request and one Ack for LCP, a response for CHAP, and IPCP's: a Nak for the address brings one more of each.
  expect(counters?.sent).toBeLessThanOrEqual(6);
  const [atFar] = ups(far.events);
  const [up] = ups(pair.lac.events);
  expect((up?.at ?? 0) - begun).toBeLessThan(1_000);
  expect(atFar?.proxied).toBe(false);
  await pair.close();
  await far.context.close({ limitMs: 0 }).catch(() => {});
});

test("tunnel switching: LCP and authentication end in between, and the LNS takes over what was agreed", async () => {
  const { pair, far, session } = await switched({ end: true });
  expect(session.state).toBe("up");
  expect(ups(far.events)).toMatchObject([
    {
      proxied: true,
      calledNumber: "200",
      ppp: { user: "alice", method: "chap-md5", ipv4: { peer: "10.0.0.2" } },
    },
  ]);
  const inbound = pair.lns.context.tunnels.flatMap(({ sessions }) => [
    ...sessions,
  ]) as DynamicTunnel["sessions"];
  expect(inbound.map(({ switchedTo, ppp }) => [switchedTo?.tunnel, ppp?.user])).toEqual([
    [expect.stringMatching(/^lac-/), undefined],
    ["onward", "alice"],
  ]);
  // The LNS believed it: the caller was asked once, by the switch.
  expect((far.context.tunnels[0] as DynamicTunnel).sessions[0]?.ppp?.counters.received).toBeLessThan(6);
  session.hangUp();
  await pair.advance(10_000);
  expect(far.events.findLast(({ type }) => type === "session-down")).toMatchObject({ userName: "alice" });
  const downs = pair.lns.events.filter(({ type }) => type === "session-down");
  expect(downs).toMatchObject([{ kind: "lns-incoming", userName: "alice" }, { kind: "lac-incoming" }]);
  expect(pair.lns.plane.sessions()).toEqual([]);
  expect(JSON.stringify([pair.lns.events, pair.lns.log, far.events, far.log])).not.toContain("wonderland");
  await pair.close();
  await far.context.close({ limitMs: 0 }).catch(() => {});
});

test.each(["pap", "mschap-v1", "mschap-v2", "eap-md5"] as const)(
  "tunnel switching: who has proved it by %s in between comes in at the LNS",
  async (method) => {
    const profile = pppProfile({
      name: "users",
      attach: { to: "program" },
      options: { authenticatePeer: { methods: [method] }, ipv4: { local: "10.0.0.1" }, ipv6: false },
    });
    const wishes: Profiles = { ...profiles, ppp: () => profile };
    const { pair, far, session } = await switched({
      end: true,
      far: wishes,
      near: wishes,
      methods: [method],
    });
    expect([session.state, session.addresses]).toMatchObject(["up", [{ address: "10.0.0.2" }]]);
    expect(ups(far.events)).toMatchObject([{ proxied: true, ppp: { user: "alice", method } }]);
    await pair.close();
    await far.context.close({ limitMs: 0 }).catch(() => {});
  },
);

test("tunnel switching: who is not let in in between never reaches the LNS", async () => {
  const { pair, far, session } = await switched({ end: true, password: "looking glass" });
  expect(session.state).not.toBe("up");
  expect(session.ending).toMatchObject({ message: "CDN", result: 3 });
  expect(far.context.tunnels).toEqual([]);
  expect(troubles(pair.lns).join("\n")).toContain("its proof was wrong");
  expect(pair.lns.plane.sessions()).toEqual([]);
  await pair.close();
  await far.context.close({ limitMs: 0 }).catch(() => {});
});

test("tunnel switching: an LNS that wants it otherwise negotiates anew, and the caller follows", async () => {
  const strict = pppProfile({
    name: "users",
    attach: { to: "program" },
    options: {
      proxy: "renegotiate",
      authenticatePeer: { methods: ["mschap-v2"] },
      ipv4: { local: "10.0.0.1" },
      ipv6: false,
    },
  });
  const { pair, far, session } = await switched({ end: true, far: { ...profiles, ppp: () => strict } });
  expect(session.state).toBe("up");
  expect(ups(far.events)).toMatchObject([{ ppp: { user: "alice", method: "mschap-v2" } }]);
  await pair.close();
  await far.context.close({ limitMs: 0 }).catch(() => {});
});

test("tunnel switching: a user's newer session takes the place of one that was passed on", async () => {
  const user = () =>
    ({ accept: true, secret: "wonderland", address: "10.0.0.2", exclusive: "replace" }) as const;
  const call = () => ({ accept: true, switchTo: "onward", pppProfile: "users", switchPpp: "end" }) as const;
  const pair = new Pair({ lns: { authority: { ...users, user, call }, profiles } });
  const far = pair.end("far", "192.0.2.9", { authority: users, profiles });
  far.context.listen();
  openSwitch(pair);
  const tunnel = pair.dial();
  const one = tunnel.newSession({ name: "one", redial: false, ppp: client("wonderland") });
  await pair.advance(10_000);
  const two = tunnel.newSession({ name: "two", redial: false, ppp: client("wonderland") });
  await pair.advance(10_000);
  expect([one.state, two.state]).toEqual(["idle", "up"]);
  expect(one.ending).toMatchObject({ by: "peer", message: "CDN", result: 3 });
  await pair.close();
  await far.context.close({ limitMs: 0 }).catch(() => {});
});

test("tunnel switching: where PPP is not ours it cannot end in between, and the log says what to do", async () => {
  const call = () => ({ accept: true, switchTo: "onward", switchPpp: "end" }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ call }) } });
  openSwitch(pair);
  const session = pair.dial().newSession({ redial: false });
  await pair.advance(1_000);
  expect(session.ending).toMatchObject({ by: "peer", result: 4 });
  expect(pair.lns.log.join("\n")).toContain("give the call a PPP profile");
  await pair.close();
});

test("tunnel switching: a tunnel that is not there is a refusal whose log says what to add", async () => {
  const call = () => ({ accept: true, switchTo: "nowhere" }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ call }) } });
  pair.lns.context.listen();
  const session = pair.dial().newSession({ redial: false });
  await pair.advance(1_000);
  expect(session.ending).toMatchObject({ by: "peer", result: 4 });
  expect(pair.lns.log.join("\n")).toContain("add tunnel nowhere");
  expect(LAC).toBeDefined();
  await pair.close();
});

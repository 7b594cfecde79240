/** Dialling: several LNSs, on demand, by hand; two that dial each other; one that dials itself. */
import { expect, test } from "vitest";
import type { DynamicTunnel } from "../../src/index.ts";
import { LAC, LNS, openHouse, Pair, typesOf } from "./pair.ts";

test("the first LNS does not answer: the next one serves, and the first again when it is back (fail-back)", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  pair.lns.context.listen();
  const first = pair.end("first", "192.0.2.9", { authority: openHouse() });
  const tunnel = pair.dial({
    peers: [
      { host: "192.0.2.9", priority: 1 },
      { host: LNS, priority: 2 },
    ],
    dial: { failBack: "move", failBackMs: 60_000, lockOutMs: 10_000 },
    transport: { maxRetries: 2 },
  });
  const session = tunnel.newSession({ name: "s" });
  await pair.advance(30_000);
  expect(tunnel.peer.address).toBe(LNS);
  expect([tunnel.state, session.state]).toEqual(["up", "up"]);
  first.context.listen();
  await pair.advance(120_000);
  expect(tunnel.peer.address).toBe("192.0.2.9");
  expect([tunnel.state, session.state]).toEqual(["up", "up"]);
  expect(pair.lns.context.tunnels).toEqual([]);
  expect(first.context.tunnels).toMatchObject([{ state: "up", sessions: [{ state: "up" }] }]);
  await pair.close();
});

test("an LNS that is full sends the LAC on to another at once (try another)", async () => {
  const full = () => ({ accept: false, reason: "full", result: 2, error: 7 }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ peer: full }) } });
  pair.lns.context.listen();
  const second = pair.end("second", "192.0.2.9", { authority: openHouse() });
  second.context.listen();
  const tunnel = pair.dial({
    peers: [
      { host: LNS, priority: 1 },
      { host: "192.0.2.9", priority: 2 },
    ],
  });
  await pair.advance(500);
  expect(tunnel.state).toBe("up");
  expect(tunnel.peer.address).toBe("192.0.2.9");
  expect(tunnel.dialling?.targets).toMatchObject([{ failures: 1 }, { state: "up" }]);
  expect(pair.lac.events[0]).toMatchObject({ reason: { code: "try-another" }, ending: { tryAnother: true } });
  await pair.close();
});

test("names are resolved at every try", async () => {
  const answers = [[], [{ address: LNS, family: 4 as const }]];
  const asked: string[] = [];
  const resolve = async (name: string) => {
    asked.push(name);
    return answers[Math.min(asked.length, answers.length) - 1] ?? [];
  };
  const pair = new Pair({ lns: { authority: openHouse() }, lac: { resolve } });
  pair.lns.context.listen();
  const tunnel = pair.dial({ peers: [{ host: "lns.example" }] });
  expect(tunnel.peer.address).toBe("lns.example");
  await pair.advance(30_000);
  expect(tunnel.state).toBe("up");
  expect(tunnel.peer.address).toBe(LNS);
  expect(asked.length).toBeGreaterThan(1);
  await pair.close();
});

test("a name without an address is told once, with what to do, for each name", async () => {
  const pair = new Pair({
    lac: {
      resolve: (name) =>
        name === "a.example" ? Promise.resolve([]) : Promise.reject(new Error(`${name}: no such name`)),
    },
  });
  const tunnel = pair.dial({ peers: [{ host: "a.example" }, { host: "b.example" }] });
  await pair.advance(60_000);
  expect(tunnel.reason).toMatchObject({ code: "unresolved" });
  const told = pair.lac.log.filter((line) => /cannot come up/.test(line) && !/^debug/.test(line));
  expect(told.sort()).toEqual([
    expect.stringContaining("a.example: no address; trying again"),
    expect.stringContaining("b.example: no such name; trying again"),
  ]);
  const failed = pair.lac.events.filter(({ type }) => type === "tunnel-failed");
  expect(failed).toHaveLength(2);
  expect(failed[0]).toMatchObject({ reason: { remedy: expect.stringContaining("getent hosts") } });
  await pair.close();
});

test("on demand: nothing is dialled until a call is wanted, and hanging up ends it until the next", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  pair.lns.context.listen();
  const tunnel = pair.dial({ dial: { mode: "on-demand" } });
  const session = tunnel.newSession({ name: "s", auto: false });
  await pair.advance(10_000);
  expect([tunnel.state, session.state]).toEqual(["idle", "idle"]);
  expect(pair.lac.plane.wires.size).toBe(0);
  session.dial();
  await pair.advance(1_000);
  expect([tunnel.state, session.state]).toEqual(["up", "up"]);
  tunnel.hangUp({ result: 1, text: "enough" });
  await pair.advance(60_000);
  expect(tunnel.state).toBe("idle");
  expect(tunnel.reason).toMatchObject({ code: "hung-up" });
  expect(pair.lns.events.at(-1)).toMatchObject({ type: "tunnel-down", ending: { text: "enough" } });
  tunnel.dial();
  await pair.advance(1_000);
  expect(tunnel.state).toBe("up");
  await pair.close();
});

test("an LNS of the other family than `local` is a failure at once, and the next is tried", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  pair.lns.context.listen();
  const tunnel = pair.dial({
    local: { family: 4, address: LAC, port: 0 },
    peers: [{ host: "2001:db8::2" }, { host: LNS, priority: 1 }],
  });
  await pair.advance(1_000);
  expect(pair.lac.events[0]).toMatchObject({
    type: "tunnel-failed",
    reason: { code: "invalid-parameters", text: "local: IPv4 cannot reach 2001:db8::2" },
  });
  expect(tunnel.state).toBe("up");
  await pair.close();
});

test("by hand, without redial: one try for each dial(), and it says that it gave up", async () => {
  const pair = new Pair();
  const tunnel = pair.dial({ dial: { mode: "manual" }, transport: { maxRetries: 1 } });
  tunnel.dial();
  await pair.advance(120_000);
  expect(tunnel.state).toBe("idle");
  expect(typesOf(pair.lac)).toEqual(["tunnel-failed", "dial"]);
  expect(pair.lac.events[0]).not.toHaveProperty("retryAt");
  await pair.close();
});

test("both ends dial each other at once, and want one tunnel: tie breakers leave one, with the calls of both", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const pair = new Pair({ network: { seed } });
    const at = (address: string) => ({ family: 4, address, port: 1701 }) as const;
    const ends = [
      pair.lac.context.newDynamicTunnel({
        name: "t",
        local: at(LAC),
        peers: [{ host: LNS }],
        tieBreaker: true,
      }),
      pair.lns.context.newDynamicTunnel({
        name: "t",
        local: at(LNS),
        peers: [{ host: LAC }],
        tieBreaker: true,
      }),
    ];
    await pair.advance(20_000);
    expect(ends.map(({ state }) => state)).toEqual(["up", "up"]);
    expect(ends[0]?.tunnelId).toBe(ends[1]?.peerTunnelId);
    expect(pair.lac.context.tunnels).toHaveLength(1);
    expect(pair.lns.context.tunnels).toHaveLength(1);
    await pair.close();
    expect(pair.lac.host.tunnelIds.size + pair.lns.host.tunnelIds.size).toBe(0);
  }
});

test("a LAC dials an LNS in the same program, from another socket and from the same", async () => {
  const pair = new Pair({ lac: { authority: openHouse() } });
  const local = { family: 4, address: LAC, port: 1701 } as const;
  pair.lac.context.listen({ local });
  await pair.advance(10);
  const other = pair.lac.context.newDynamicTunnel({ name: "other", peers: [{ host: LAC }] });
  const same = pair.lac.context.newDynamicTunnel({ name: "same", peers: [{ host: LAC }], local });
  other.newSession();
  same.newSession();
  await pair.advance(2_000);
  expect([other.state, same.state]).toEqual(["up", "up"]);
  expect(pair.lac.context.tunnels).toHaveLength(4);
  const states = pair.lac.context.tunnels.flatMap(({ sessions }) => sessions.map(({ state }) => state));
  expect(states).toEqual(["up", "up", "up", "up"]);
  // Both ends say good-bye at once, and nobody is kept waiting.
  const before = pair.network.now();
  await pair.close();
  expect(pair.network.now() - before).toBeLessThan(5_000);
});

test("draining: no new calls, the old end in waves, dialled tunnels stay down until work goes on", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  for (let n = 0; n < 10; n++) tunnel.newSession();
  await pair.advance(1_000);
  let drained = false;
  void pair.lac.context.drain({ sessionsPerWave: 3, waveMs: 1_000 }).then(() => {
    drained = true;
  });
  await pair.advance(1_500);
  const up = () => tunnel.sessions.filter(({ state }) => state === "up").length;
  expect(up()).toBe(4);
  expect(() => pair.lac.context.newStaticTunnel).not.toThrow();
  await pair.advance(5_000);
  expect(drained).toBe(true);
  expect(up()).toBe(0);
  expect(typesOf(pair.lac)).toContain("drained");
  await pair.advance(120_000);
  expect(tunnel.state).not.toBe("up");
  pair.lac.context.resume();
  await pair.advance(5_000);
  expect(tunnel.state).toBe("up");
  expect(up()).toBe(10);
  await pair.close();
});

test("an LNS that drains refuses callers with `try another`, and takes them again", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  pair.lns.context.listen();
  await pair.advance(10);
  void pair.lns.context.drain();
  const tunnel = pair.dial();
  await pair.advance(1_000);
  expect(tunnel.ending).toMatchObject({ tryAnother: true });
  pair.lns.context.resume();
  await pair.advance(60_000);
  expect(tunnel.state).toBe("up");
  await pair.close();
});

test("closing a listener keeps its tunnels and their socket, and takes nobody else", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  const listener = pair.lns.context.listen();
  const tunnel = pair.dial({ transport: { helloTimeoutMs: 5_000 } });
  await pair.advance(500);
  await listener.close();
  expect(pair.lns.context.listeners).toEqual([]);
  const late = pair.dial({ name: "late" });
  await pair.advance(60_000);
  expect(tunnel.state).toBe("up");
  expect(late.state).not.toBe("up");
  await late.close();
  await tunnel.close();
  await pair.advance(60_000);
  expect(pair.lns.plane.wires.size).toBe(0);
  await pair.close();
});

test("what has ended stays visible for a while, with its cause and last messages; figures are there too", async () => {
  const tapped: string[] = [];
  const pair = new Pair({
    lns: { authority: openHouse() },
    lac: {
      onControlMessage: ({ direction, local, remote, datagram }) =>
        void tapped.push(
          `${direction} ${local.port} ${remote.port} ${datagram.length > 12 ? datagram[19] : "ZLB"}`,
        ),
    },
  });
  pair.lns.context.listen();
  const tunnel = pair.dial({ local: { family: 4, address: LAC, port: 1701 } });
  const session = tunnel.newSession({ redial: false });
  await pair.advance(1_000);
  const { tunnels, endpoint, peers } = await pair.lns.context.statistics();
  expect(tunnels).toMatchObject([
    {
      state: "up",
      control: { transport: { rttMs: expect.any(Number), messagesReceived: expect.any(Number) } },
      status: { peer: { hostName: "lac" }, retransmissionMs: 1_000, messages: expect.any(Array) },
      sessions: [{ state: "up", rxPackets: 0 }],
    },
  ]);
  expect(endpoint).toMatchObject({ tunnelsUp: 1, sessionsUp: 1, messages: { ICRQ: { received: 1 } } });
  expect(peers).toMatchObject([{ address: LAC, tunnels: 1 }]);
  session.hangUp();
  await tunnel.close();
  await pair.advance(500);
  expect(pair.lns.context.closedSessions()).toMatchObject([
    { kind: "lns-incoming", ending: { by: "peer", message: "CDN", result: 3 } },
  ]);
  expect(pair.lns.context.closedTunnels()).toMatchObject([
    { hostName: "lac", ending: { by: "peer", message: "StopCCN", result: 1 }, messages: expect.any(Array) },
  ]);
  expect(tapped.slice(0, 3)).toEqual(["sent 1701 1701 1", "received 1701 1701 2", "sent 1701 1701 3"]);
  await pair.close();
});

test("a context that was closed takes no listener, no tunnel, no session", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  const tunnel: DynamicTunnel = pair.dial();
  await pair.close();
  expect(() => pair.lac.context.listen()).toThrow("closed");
  expect(() => pair.dial()).toThrow("closed");
  expect(() => tunnel.newSession()).toThrow("closed");
  expect(() => tunnel.dial()).toThrow("closed");
  await expect(tunnel.whenUp()).rejects.toThrow("closed");
});

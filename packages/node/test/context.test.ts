import { setTimeout as realDelay } from "node:timers/promises";
import { MockDataPlane, MockNetwork, realTime } from "@l2tp/dataplane-mock";
import pino from "pino";
import { expect, test } from "vitest";
import {
  AbortedError,
  ClosedError,
  Context,
  type L2tpError,
  type Logger,
  NameInUseError,
  ParameterError,
  type SessionInit,
  type TunnelInit,
} from "../src/index.ts";
import { A, at, B, endA, endB, sessionA, sessionB, types, World } from "./world.ts";

test("close takes sessions, tunnels and wires down in this order, once, and leaves no timer", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const tunnel = a.context.newQuiescentTunnel({ ...endA, transport: { helloTimeoutMs: 0 } });
  tunnel.newSession(sessionA);
  await world.advance(10);
  const first = a.context.close();
  const second = a.context.close();
  expect(second).toBe(first);
  await first;
  await tunnel.close();
  await tunnel[Symbol.asyncDispose]();
  a.plane.calls.expect(["open", "createTunnel", "createSession", "closeSession", "closeTunnel", "closeWire"]);
  expect(types(a)).toEqual(["tunnel-up", "session-up", "session-down", "tunnel-down"]);
  expect(a.events.slice(2)).toMatchObject([{ reason: { code: "closed" } }, { reason: { code: "closed" } }]);
  expect(world.network.nextEvent()).toBeUndefined();
  expect(a.context.tunnels).toEqual([]);
  expect(() => a.context.newStaticTunnel(endA)).toThrow(ClosedError);
  expect(() => tunnel.newSession(sessionA)).toThrow(ClosedError);
  await expect(tunnel.whenUp()).rejects.toThrow(ClosedError);
});

test("a failure while something is taken down is logged, and the rest is taken down all the same", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.context.newStaticTunnel(endA).newSession(sessionA);
  await world.advance(10);
  for (const call of ["closeSession", "closeTunnel", "closeWire"] as const) a.plane.fail(call);
  await a.context.close();
  expect(a.plane.wires.size).toBe(0);
  expect(a.log.filter((line) => line.startsWith("error"))).toHaveLength(3);
});

test("what the data plane loses, and what it has not here, is in the log with the remedy", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.context.newStaticTunnel(endA);
  await world.advance(10);
  const [wire] = a.plane.wires;
  wire?.notices.push({ type: "overrun", count: 7, where: "listening socket" });
  const why = "this kernel has no nf_tables: `modprobe nf_tables`";
  wire?.notices.push({ type: "feature-missing", feature: "mss-clamp", why });
  await world.advance(10);
  expect(a.log.filter((line) => line.startsWith("warn"))).toEqual([
    "warn 7 datagrams were lost in a full buffer: listening socket",
    `warn sessions go on without mss-clamp: ${why}`,
  ]);
  await a.context.close();
});

test.each(["open", "createTunnel", "createSession"] as const)(
  "closing while the data plane hangs in %s undoes what comes of it",
  async (call) => {
    const world = new World();
    const a = world.site("a", A.address);
    const hanging = a.plane.hang(call);
    const tunnel = a.context.newStaticTunnel(endA);
    tunnel.newSession(sessionA);
    await world.advance(10);
    expect(hanging.waiting).toBe(1);
    const closed = a.context.close();
    await world.advance(1_000);
    hanging.release();
    await closed;
    expect(a.plane.wires.size).toBe(0);
    expect(types(a)).not.toContain("session-up");
    expect(world.network.nextEvent()).toBeUndefined();
  },
);

test("a name, an ID and an address are free again when a tunnel has been closed", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  for (let i = 0; i < 3; i++) {
    const tunnel = a.context.newStaticTunnel(endA);
    const session = tunnel.newSession(sessionA);
    await world.advance(10);
    expect(session.state).toBe("up");
    void tunnel.close();
    expect(tunnel.state).toBe("closed");
  }
  await world.advance(10);
  expect(types(a).filter((type) => type.endsWith("failed"))).toEqual([]);
  expect(a.plane.wires.size).toBe(0);
});

test("tunnels with the same local address share one wire, which closes with the last of them", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const one = a.context.newStaticTunnel(endA);
  const two = a.context.newStaticTunnel({ ...endA, name: "two", tunnelId: 5, peerTunnelId: 6 });
  const other = a.context.newStaticTunnel({
    ...endA,
    name: "o",
    tunnelId: 7,
    peerTunnelId: 8,
    local: at(A.address, 1702),
  });
  await world.advance(10);
  expect(a.plane.calls.of("open")).toHaveLength(2);
  expect(one.local).toEqual(two.local);
  await one.close();
  expect(two.state).toBe("up");
  expect(a.plane.wires.size).toBe(2);
  await two.close();
  expect(a.plane.wires.size).toBe(1);
  await other.close();
  expect(a.plane.wires.size).toBe(0);
});

test("a tunnel ID that another tunnel of the wire has is refused with the reason", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.context.newStaticTunnel(endA);
  const double = a.context.newStaticTunnel({ ...endA, name: "double" });
  await world.advance(10);
  expect(double.state).toBe("retrying");
  expect(double.reason?.code).toBe("id-in-use");
});

test("whenUp resolves when it is up, and rejects when its signal aborts, naming what keeps it down", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.plane.fail("open", { times: 3 });
  const tunnel = a.context.newStaticTunnel(endA);
  const abort = new AbortController();
  const given = tunnel.whenUp({ signal: abort.signal }).catch((error: unknown) => error);
  const kept = tunnel.whenUp();
  await world.advance(10);
  abort.abort("enough");
  const error = (await given) as L2tpError;
  expect(error).toBeInstanceOf(AbortedError);
  expect(error.code).toBe("aborted");
  expect(error.message).toMatch(/no longer waiting for tunnel t, which is retrying: open: made to fail/);
  await world.advance(60_000);
  await kept;
  await expect(tunnel.whenUp({ signal: abort.signal })).resolves.toBeUndefined();
});

test("an AbortSignal given to a context, a tunnel or a session closes it", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const [forContext, forTunnel, forSession] = [
    new AbortController(),
    new AbortController(),
    new AbortController(),
  ];
  world.restart(a, { signal: forContext.signal });
  const tunnel = a.context.newStaticTunnel({ ...endA, signal: forTunnel.signal });
  const session = tunnel.newSession({ ...sessionA, signal: forSession.signal });
  const second = a.context.newStaticTunnel({ ...endA, name: "2", tunnelId: 3, peerTunnelId: 4 });
  await world.advance(10);
  forSession.abort();
  await world.advance(10);
  expect([session.state, tunnel.state]).toEqual(["closed", "up"]);
  expect(tunnel.sessions).toEqual([]);
  forTunnel.abort();
  await world.advance(10);
  expect([tunnel.state, second.state]).toEqual(["closed", "up"]);
  forContext.abort();
  await world.advance(10);
  expect(second.state).toBe("closed");
  const late = new World().site("a", A.address);
  const born = late.context.newStaticTunnel({ ...endA, signal: AbortSignal.abort() });
  await Promise.resolve();
  expect(born.state).toBe("closed");
});

test("a listener may close what it is told about", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.context.on("tunnel-up", () => void a.context.close());
  const tunnel = a.context.newStaticTunnel(endA);
  const session = tunnel.newSession(sessionA);
  await world.advance(100);
  expect([tunnel.state, session.state]).toEqual(["closed", "closed"]);
  expect(a.plane.wires.size).toBe(0);
  expect(types(a)).toEqual(["tunnel-up", "tunnel-down"]);
});

test("closing the tunnel in answer to session-down leaves nothing that tries again", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const tunnel = a.context.newStaticTunnel(endA);
  tunnel.newSession(sessionA);
  await world.advance(10);
  a.context.on("session-down", () => void tunnel.close());
  [...a.plane.wires][0]?.loseTunnel(1, "somebody ran ip l2tp del tunnel");
  await world.advance(600_000);
  expect(tunnel.state).toBe("closed");
  expect(a.plane.calls.of("createTunnel")).toHaveLength(1);
  expect(a.plane.wires.size).toBe(0);
});

test("statistics of everything ask each wire once and fit the sessions that are not up, too", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const b = world.site("b", B.address);
  const tunnel = a.context.newQuiescentTunnel(endA);
  tunnel.newSession(sessionA);
  b.context.newQuiescentTunnel(endB).newSession(sessionB);
  await world.advance(100);
  a.plane.fail("createSession", { times: 100 });
  tunnel.newSession({ name: "down", sessionId: 33, peerSessionId: 44 });
  a.plane.session({ sessionId: 11 })?.inject(new Uint8Array(60));
  await world.advance(10);
  const statistics = await a.context.statistics();
  expect(statistics.wires).toMatchObject([{ local: A, encapsulation: "udp", strays: { unknownTunnel: 0 } }]);
  expect(statistics.wires[0]?.counters.controlReceived).toBeGreaterThan(0);
  expect(statistics.tunnels).toMatchObject([
    {
      tunnel: "t",
      state: "up",
      control: { transport: { state: "open", hellosReceived: expect.any(Number) } },
      sessions: [
        { session: "s", state: "up", txPackets: 1 },
        { session: "down", txPackets: 0, rxPackets: 0 },
      ],
    },
  ]);
  expect(a.plane.calls.of("statistics")).toHaveLength(1);
  expect((await tunnel.statistics()).sessions).toMatchObject([{ txPackets: 1 }, { txPackets: 0 }]);
});

const badTunnels: [Partial<TunnelInit>, string][] = [
  [{ tunnelId: 0 }, "tunnelId"],
  [{ peerTunnelId: 2 ** 32 }, "peerTunnelId"],
  [{ tunnelId: 65_536, version: 2 }, "tunnelId"],
  [{ version: 4 as never }, "version"],
  [{ version: 2, encapsulation: "ip" }, "encapsulation"],
  [{ peer: at("192.0.2", 1701) }, "peer.address"],
  [{ peer: { family: 6, address: "192.0.2.2", port: 1701 } }, "peer.family"],
  [{ peer: at("192.0.2.2", 0) }, "peer.port"],
  [{ encapsulation: "ip", peer: at("192.0.2.2", 5), local: at("192.0.2.1", 0) }, "peer.port"],
  [{ local: { family: 6, address: "2001:db8::1", port: 1701 } }, "local"],
];
test.each(badTunnels)("a tunnel with %o is refused at once, naming %s", (change, path) => {
  const context = new World().site("a", A.address).context;
  const make = (): unknown => context.newStaticTunnel({ ...endA, ...change });
  expect(make).toThrow(ParameterError);
  expect(make).toThrow(expect.objectContaining({ path, code: "invalid-parameters" }));
  expect(context.tunnels).toEqual([]);
});

const badSessions: [Partial<SessionInit>, string][] = [
  [{ sessionId: -1 }, "sessionId"],
  [{ peerSessionId: 1.5 }, "peerSessionId"],
  [{ cookie: new Uint8Array(3) }, "cookie"],
  [{ peerCookie: new Uint8Array(16) }, "peerCookie"],
  [{ reorderMs: Number.NaN }, "reorderMs"],
];
test.each(badSessions)("a session with %o is refused at once, naming %s", (change, path) => {
  const tunnel = new World().site("a", A.address).context.newStaticTunnel(endA);
  expect(() => tunnel.newSession({ ...sessionA, ...change })).toThrow(expect.objectContaining({ path }));
});

test("a name that is taken is refused, and a transport setting out of range, too", () => {
  const context = new World().site("a", A.address).context;
  const tunnel = context.newStaticTunnel(endA);
  tunnel.newSession(sessionA);
  expect(() => context.newStaticTunnel(endA)).toThrow(NameInUseError);
  expect(() => tunnel.newSession(sessionA)).toThrow(NameInUseError);
  const bad = (): unknown => context.newQuiescentTunnel({ ...endA, name: "q", transport: { windowSize: 0 } });
  expect(bad).toThrow(
    expect.objectContaining({ path: "transport", message: expect.stringContaining("windowSize") }),
  );
});

test("pino and console are loggers as they are, and records carry the tunnel and the session", async () => {
  const lines: string[] = [];
  const logger: Logger = pino({ level: "debug" }, { write: (line: string) => void lines.push(line) });
  const alsoFits: Logger = console;
  expect(alsoFits).toBe(console);
  const world = new World();
  const a = world.site("a", A.address);
  world.restart(a, { logger });
  a.context.newStaticTunnel(endA).newSession(sessionA);
  await world.advance(10);
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(records).toContainEqual(
    expect.objectContaining({ tunnel: "t", session: "s", msg: expect.stringMatching(/^session s is up/) }),
  );
});

test("secrets are in no log record, event or error", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const seen: string[] = [];
  const note = (fields: unknown, message: string): void => void seen.push(JSON.stringify(fields) + message);
  world.restart(a, { logger: { error: note, warn: note, info: note, debug: note } });
  const cookie = Uint8Array.of(0xde, 0xad, 0xbe, 0xef);
  a.plane.fail("createSession", { times: 2 });
  a.context.newStaticTunnel(endA).newSession({ ...sessionA, cookie, peerCookie: cookie });
  await world.advance(20_000);
  await a.context.close();
  const all = seen.join("\n") + JSON.stringify(a.events);
  expect(all).toContain("session-up");
  expect(all).not.toMatch(/deadbeef|222,173,190,239|"0":222/i);
});

test("on the real clock it works without any help, and nothing keeps the process alive after close", async () => {
  const network = new MockNetwork({ scheduler: realTime() });
  const transport = { helloTimeoutMs: 50, retryTimeoutMs: 20, maxRetries: 2 };
  const make = (address: string, name: string) =>
    new Context({ dataPlane: new MockDataPlane(network.host(name, address)), backoff: { firstMs: 10 } });
  await using a = make(A.address, "a");
  const tunnel = a.newQuiescentTunnel({ ...endA, transport });
  const b = make(B.address, "b");
  b.newQuiescentTunnel({ ...endB, transport });
  await tunnel.whenUp({ signal: AbortSignal.timeout(5_000) });
  const down = new Promise((resolve) => a.on("tunnel-down", resolve));
  await b.close();
  expect(await down).toMatchObject({ reason: { code: "peer-gone" } });
  await a.close();
  await realDelay(20);
  expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBeLessThanOrEqual(1);
});

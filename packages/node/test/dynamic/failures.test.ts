/** What fails below and between: the data plane, wires, peers; and that nothing of it stays. */
import { PlaneError } from "@l2tp/dataplane";
import { expect, test } from "vitest";
import { type End, LNS, openHouse, Pair, typesOf } from "./pair.ts";

const refuse = new PlaneError("limit", "no more of these");

async function up(options: ConstructorParameters<typeof Pair>[0] = {}) {
  const pair = new Pair({ ...options, lns: { authority: openHouse(), ...options.lns } });
  const listener = pair.lns.context.listen();
  const tunnel = pair.dial({ transport: { helloTimeoutMs: 10_000 } });
  const session = tunnel.newSession({ name: "s" });
  await pair.advance(1_000);
  expect(session.state).toBe("up");
  return { pair, listener, tunnel, session };
}

const nothingIsLeft = (pair: Pair): void => {
  for (const { plane, host } of [pair.lac, pair.lns]) {
    expect(plane.wires.size).toBe(0);
    expect(host.tunnelIds.size).toBe(0);
  }
  expect(pair.network.nextEvent()).toBeUndefined();
};

test.each(["open", "reserveTunnelId", "createTunnel", "createSession"] as const)(
  "at the LAC %s fails once: that is told with its code, tried again, and comes up",
  async (call) => {
    const pair = new Pair({ lns: { authority: openHouse() } });
    pair.lns.context.listen();
    await pair.advance(10);
    pair.lac.plane.fail(call, { error: refuse });
    const tunnel = pair.dial();
    const session = tunnel.newSession({ name: "s" });
    await pair.advance(200);
    const told = pair.lac.events.filter(({ type }) => type !== "tunnel-up" && type !== "dial");
    expect(told[0]).toMatchObject({ reason: { code: "limit", text: "no more of these" } });
    await pair.advance(30_000);
    expect(session.state).toBe("up");
    expect(pair.lac.log.filter((line) => line.startsWith("error"))).toEqual([]);
    await pair.close();
    nothingIsLeft(pair);
  },
);

test.each(["reserveTunnelId", "createTunnel", "createSession"] as const)(
  "at the LNS %s fails once: the LAC is told with the data plane's words, and comes again",
  async (call) => {
    const pair = new Pair({ lns: { authority: openHouse() } });
    pair.lns.context.listen();
    await pair.advance(10);
    pair.lns.plane.fail(call, { error: refuse });
    const tunnel = pair.dial();
    const session = tunnel.newSession({ name: "s" });
    await pair.advance(300);
    expect(session.state).not.toBe("up");
    await pair.advance(30_000);
    expect(session.state).toBe("up");
    const said = JSON.stringify(pair.lns.events) + pair.lns.log.join();
    expect(said).toContain("no more of these");
    await pair.close();
    nothingIsLeft(pair);
  },
);

test("the LAC's wire is lost: tunnel and session are down with the reason, and come up again on a new one", async () => {
  const { pair, tunnel, session } = await up();
  pair.lac.events.length = 0;
  [...pair.lac.plane.wires][0]?.break("eth0 was taken away");
  await pair.advance(20_000);
  expect(pair.lac.events.slice(0, 2)).toMatchObject([
    { type: "session-down", reason: { code: "tunnel-down" } },
    { type: "tunnel-down", reason: { code: "wire-lost", text: "eth0 was taken away" } },
  ]);
  expect([tunnel.state, session.state]).toEqual(["up", "up"]);
  await pair.close();
  nothingIsLeft(pair);
});

test("the LNS's wire is lost: the listener comes back with back-off, callers too", async () => {
  const { pair, listener, session } = await up();
  pair.lns.plane.fail("open", { error: new PlaneError("address-in-use", "somebody took it") });
  [...pair.lns.plane.wires][0]?.break("gone");
  await pair.advance(100);
  expect(listener.state).toBe("retrying");
  expect(pair.lns.context.tunnels).toEqual([]);
  await pair.advance(120_000);
  expect(listener.state).toBe("up");
  expect(session.state).toBe("up");
  const told = pair.lns.events.filter(({ type }) => type.startsWith("listener"));
  expect(told).toMatchObject([
    { type: "listener-up" },
    { type: "listener-down", reason: { code: "wire-lost" } },
    { type: "listener-down", reason: { code: "address-in-use" } },
    { type: "listener-up" },
  ]);
  await pair.close();
  nothingIsLeft(pair);
});

test("the data plane loses the tunnel (ip l2tp del tunnel): both ends know, and it comes up again", async () => {
  const { pair, tunnel, session } = await up();
  [...pair.lac.plane.wires][0]?.loseTunnel(tunnel.tunnelId, "it was deleted");
  await pair.advance(100);
  expect(pair.lac.events).toContainEqual(
    expect.objectContaining({
      type: "tunnel-down",
      reason: expect.objectContaining({ code: "tunnel-lost", text: "it was deleted" }),
    }),
  );
  expect(pair.lns.events.at(-1)).toMatchObject({ type: "tunnel-down", ending: { by: "peer", result: 2 } });
  await pair.advance(20_000);
  expect(session.state).toBe("up");
  await pair.close();
  nothingIsLeft(pair);
});

test("the data plane loses a session: its call ends with the reason, the tunnel stays, and it is opened again", async () => {
  const { pair, tunnel, session } = await up();
  [...pair.lac.plane.wires][0]?.loseSession(tunnel.tunnelId, session.sessionId, "ppp0 was deleted");
  await pair.advance(100);
  expect(session.reason).toMatchObject({ code: "session-lost", text: "ppp0 was deleted" });
  expect(pair.lns.events.at(-1)).toMatchObject({
    type: "session-down",
    ending: { by: "peer", message: "CDN", result: 2, error: 4, text: "ppp0 was deleted" },
  });
  await pair.advance(10_000);
  expect([tunnel.state, session.state]).toEqual(["up", "up"]);
  await pair.close();
  nothingIsLeft(pair);
});

test("the LNS dies without a word: hellos find out, and the LAC comes back when it does", async () => {
  const { pair, tunnel, session } = await up();
  pair.lns.plane.crash();
  await pair.advance(60_000);
  expect(tunnel.state).not.toBe("up");
  expect(pair.lac.events).toContainEqual(
    expect.objectContaining({
      type: "tunnel-down",
      reason: expect.objectContaining({ code: "hello-missed" }),
      ending: expect.objectContaining({ by: "network" }),
    }),
  );
  pair.start(pair.lns, { authority: openHouse() });
  pair.lns.context.listen();
  await pair.advance(120_000);
  expect([tunnel.state, session.state]).toEqual(["up", "up"]);
  await pair.close();
});

test("an ID that another program on the host has is never taken: not by the caller, not by the called", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  // Nearly all are taken: a random one would be a foreign one.
  for (const host of [pair.lac.host, pair.lns.host]) {
    for (let id = 1; id <= 65_535; id++) if (id % 64 !== 0) host.tunnelIds.add(id);
  }
  pair.lns.context.listen();
  const tunnels = Array.from({ length: 5 }, (_, n) => pair.dial({ name: `t${n}` }));
  await pair.advance(2_000);
  expect(tunnels.map(({ state }) => state)).toEqual(Array(5).fill("up"));
  for (const { tunnelId, peerTunnelId } of tunnels)
    expect([tunnelId % 64, peerTunnelId % 64]).toEqual([0, 0]);
  const failed = (end: End) => typesOf(end).filter((type) => type === "tunnel-failed");
  expect([...failed(pair.lac), ...failed(pair.lns)]).toEqual([]);
  await pair.close();
});

test("a configured tunnel of version 2 keeps its messages on a wire that a listener shares", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  pair.lns.context.listen({ local: { family: 4, address: LNS, port: 1701 } });
  const at = (address: string) => ({ family: 4, address, port: 1701 }) as const;
  const transport = { helloTimeoutMs: 1_000, retryTimeoutMs: 200 };
  const ends = [
    [pair.lac, pair.lns],
    [pair.lns, pair.lac],
  ] as const;
  const quiescent = ends.map(([own, other], n) =>
    own.context.newQuiescentTunnel({
      name: "q",
      version: 2,
      local: at([...own.host.addresses][0] ?? ""),
      peer: at([...other.host.addresses][0] ?? ""),
      tunnelId: n + 1,
      peerTunnelId: 2 - n,
      transport,
    }),
  );
  await pair.advance(1_000);
  const dialled = pair.dial({ local: at("192.0.2.1") });
  await pair.advance(5_000);
  expect(quiescent.map(({ state }) => state)).toEqual(["up", "up"]);
  expect(dialled.state).toBe("up");
  await pair.close();
});

test("closing while the peer is dead takes a retransmission cycle at most, or as long as one says", async () => {
  const { pair } = await up();
  pair.lns.plane.crash();
  const closed = pair.lac.context.close({ limitMs: 2_000 });
  await pair.advance(2_500);
  await closed;
  expect(pair.lac.plane.wires.size).toBe(0);
  expect(pair.lac.host.tunnelIds.size).toBe(0);
});

test.each(["createTunnel", "createSession", "reserveTunnelId", "open"] as const)(
  "closing while the data plane hangs in %s undoes what comes of it",
  async (call) => {
    const pair = new Pair({ lns: { authority: openHouse() } });
    pair.lns.context.listen();
    await pair.advance(10);
    const hanging = pair.lac.plane.hang(call);
    pair.dial().newSession({ name: "s" });
    await pair.advance(500);
    expect(hanging.waiting).toBe(1);
    const closed = pair.lac.context.close();
    await pair.advance(1_000);
    hanging.release();
    await pair.advance(40_000);
    await closed;
    expect(pair.lac.plane.wires.size).toBe(0);
    expect(pair.lac.host.tunnelIds.size).toBe(0);
    await pair.close();
  },
);

test("a peer behind a NAT gets another port: control follows, and the data plane is told", async () => {
  const { pair, tunnel } = await up();
  const [accepted] = pair.lns.context.tunnels;
  const before = accepted?.peer.port ?? 0;
  const { tunnelId } = tunnel;
  // The LAC's next message, as it would come through a NAT that has forgotten it: a Hello from another port.
  const hello = Uint8Array.of(
    0xc8,
    2,
    0,
    20,
    accepted ? accepted.tunnelId >> 8 : 0,
    (accepted?.tunnelId ?? 0) & 255,
  );
  const status = tunnel.mode === "dynamic" ? tunnel.status() : undefined;
  const ns = status?.channel?.ns ?? 0;
  const nr = status?.channel?.nr ?? 0;
  const datagram = new Uint8Array(20);
  datagram.set(hello);
  new DataView(datagram.buffer).setUint16(8, ns);
  new DataView(datagram.buffer).setUint16(10, nr);
  datagram.set([0x80, 8, 0, 0, 0, 0, 0, 6], 12);
  pair.lac.host.send({
    encapsulation: "udp",
    from: { family: 4, address: "192.0.2.1", port: before + 7 },
    to: { family: 4, address: LNS, port: 1701 },
    datagram,
  });
  await pair.advance(500);
  expect(tunnelId).toBeGreaterThan(0);
  expect(accepted?.peer.port).toBe(before + 7);
  expect(pair.lns.plane.tunnel(accepted?.tunnelId ?? 0)?.peer.port).toBe(before + 7);
  expect(pair.lns.events).toContainEqual(
    expect.objectContaining({ type: "peer-moved", after: expect.objectContaining({ port: before + 7 }) }),
  );
  void pair.lns.context.close({ limitMs: 10 });
  void pair.lac.context.close({ limitMs: 10 });
  await pair.advance(100);
});

import { PlaneError } from "@l2tp/dataplane";
import { expect, test } from "vitest";
import { A, B, endA, endB, sessionA, sessionB, types, World } from "./world.ts";

test("a static tunnel and its session come up by themselves and carry frames both ways", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const b = world.site("b", B.address);
  const session = a.context.newStaticTunnel(endA).newSession(sessionA);
  b.context.newStaticTunnel(endB).newSession(sessionB);
  await world.advance(10);
  expect(types(a)).toEqual(["tunnel-up", "session-up"]);
  expect(session.state).toBe("up");
  const received: Uint8Array[] = [];
  b.plane.session({ sessionId: 22 })?.onFrame((frame) => void received.push(frame.slice()));
  a.plane.session({ sessionId: 11 })?.inject(new Uint8Array(60).fill(7));
  await world.advance(10);
  expect(received).toHaveLength(1);
  expect(await session.statistics()).toMatchObject({ txPackets: 1, rxPackets: 0 });
  await a.context.close();
  await b.context.close();
});

test("a static tunnel never sends a control message, counts those that arrive, and logs the first", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const b = world.site("b", B.address);
  const tunnel = a.context.newStaticTunnel(endA);
  b.context.newQuiescentTunnel({ ...endB, transport: { helloTimeoutMs: 1_000 } });
  await world.advance(120_000);
  expect(a.plane.calls.of("send")).toEqual([]);
  expect(b.plane.calls.of("send").length).toBeGreaterThan(5);
  expect((await tunnel.statistics()).control.ignored).toBe(b.plane.calls.of("send").length);
  expect(a.log.filter((line) => line.includes("a control message arrived for a static tunnel"))).toHaveLength(
    1,
  );
  expect(types(b)).not.toContain("tunnel-up");
});

test("what cannot come up is told once with its reason, tried again with back-off, and comes up when it can", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.plane.fail("open", {
    times: 5,
    error: new PlaneError("address-in-use", "bind 192.0.2.1 port 1701: in use"),
  });
  a.context.newStaticTunnel(endA).newSession(sessionA);
  await world.advance(500);
  expect(a.events).toMatchObject([
    {
      type: "tunnel-failed",
      tunnel: "t",
      reason: { code: "address-in-use", remedy: expect.stringContaining("stop the other program") },
    },
  ]);
  await world.advance(120_000);
  expect(types(a)).toEqual(["tunnel-failed", "tunnel-up", "session-up"]);
  const tries = a.plane.calls.of("open").map((call) => call.at);
  expect(tries).toHaveLength(6);
  for (const [i, expected] of [1, 2, 4, 8, 16].entries()) {
    const wait = ((tries[i + 1] ?? 0) - (tries[i] ?? 0)) / 1000;
    expect(wait).toBeGreaterThanOrEqual(expected * 0.8);
    expect(wait).toBeLessThanOrEqual(expected * 1.2 + 0.02);
  }
  expect(a.log.filter((line) => line.startsWith("warn"))).toHaveLength(1);
});

test("a session that cannot come up does not stop the others", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.plane.fail("createSession", {
    times: Number.POSITIVE_INFINITY,
    when: ({ arguments: given }) => (given as { name: string }).name === "bad",
    error: new PlaneError("no-bridge", "bridge br9 does not exist"),
  });
  const tunnel = a.context.newStaticTunnel(endA);
  const bad = tunnel.newSession({ ...sessionA, name: "bad" });
  const good = tunnel.newSession({ name: "good", sessionId: 12, peerSessionId: 13 });
  await world.advance(60_000);
  expect(good.state).toBe("up");
  expect(["starting", "retrying"]).toContain(bad.state);
  expect(bad.reason).toMatchObject({ code: "no-bridge" });
  a.plane.calls.clearFaults();
  await world.advance(70_000);
  expect(bad.state).toBe("up");
  expect(types(a)).toEqual(["tunnel-up", "session-up", "session-failed", "session-up"]);
});

test("a session that the data plane loses comes down with the reason and comes back", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const session = a.context.newStaticTunnel(endA).newSession(sessionA);
  await world.advance(10);
  const wire = [...a.plane.wires][0];
  wire?.loseSession(1, 11, "its interface was deleted");
  await world.advance(10);
  expect(session.state).toBe("retrying");
  expect(a.events.at(-1)).toMatchObject({
    type: "session-down",
    reason: { code: "session-lost", text: "its interface was deleted" },
  });
  await world.advance(2_000);
  expect(session.state).toBe("up");
});

test("the addresses that PPP negotiates are told, and that they are gone", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  a.context.newStaticTunnel(endA).newSession({ ...sessionA, pseudowire: "ppp" });
  await world.advance(10);
  const addresses = [{ address: "10.0.0.1", prefixLength: 32, peer: "10.0.0.2" }];
  const notice = { type: "session-addresses", tunnelId: 1, sessionId: 11, interfaceName: "ppp0" } as const;
  const [wire] = a.plane.wires;
  wire?.notices.push({ ...notice, addresses });
  wire?.notices.push({ ...notice, addresses: [] });
  wire?.notices.push({ ...notice, sessionId: 99, addresses });
  await world.advance(10);
  expect(a.events.slice(2)).toMatchObject([
    { type: "session-addresses", session: "s", interfaceName: "ppp0", addresses },
    { type: "session-addresses", session: "s", addresses: [] },
  ]);
  expect(a.log).toContain("info session s: ppp0 has 10.0.0.1 (peer 10.0.0.2)");
  expect(a.log).toContain("info session s: ppp0 has no addresses any more");
});

test("a lost wire takes its tunnels down and is opened again", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const one = a.context.newStaticTunnel(endA);
  const two = a.context.newStaticTunnel({ ...endA, name: "two", tunnelId: 5, peerTunnelId: 6 });
  one.newSession(sessionA);
  await world.advance(10);
  expect(a.plane.calls.of("open")).toHaveLength(1);
  [...a.plane.wires][0]?.break("the thread died");
  await world.advance(10);
  expect([one.state, two.state]).toEqual(["retrying", "retrying"]);
  expect(a.events.slice(3)).toMatchObject([
    { type: "session-down", reason: { code: "tunnel-down" } },
    { type: "tunnel-down", tunnel: "t", reason: { code: "wire-lost", text: "the thread died" } },
    { type: "tunnel-down", tunnel: "two", reason: { code: "wire-lost" } },
  ]);
  await world.advance(3_000);
  expect([one.state, two.state]).toEqual(["up", "up"]);
  expect(a.plane.calls.of("open")).toHaveLength(2);
  expect(a.plane.wires.size).toBe(1);
});

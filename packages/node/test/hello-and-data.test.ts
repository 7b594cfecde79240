/** Hello is for silence, and data breaks the silence as well as control messages (RFC 2661 §5.5, RFC 3931 §4.4). */
import { FIELD_SETTINGS, peerGoneWithinMs, transportSettings } from "@l2tp/transport";
import { expect, test } from "vitest";
import { A, B, endA, endB, type Site, sessionA, sessionB, types, World } from "./world.ts";

const transport = { helloTimeoutMs: 8_000, maxRetries: 3, helloJitter: 0 };
const settings = transportSettings(FIELD_SETTINGS[3], transport);

/** Two ends of a tunnel that is up; only `a` has Hellos on, unless said otherwise. */
async function pair({ both = false } = {}) {
  const world = new World();
  const a = world.site("a", A.address);
  const b = world.site("b", B.address);
  const tunnel = a.context.newQuiescentTunnel({ ...endA, transport });
  tunnel.newSession(sessionA);
  const theirs = both ? transport : { helloTimeoutMs: 0 };
  b.context.newQuiescentTunnel({ ...endB, transport: theirs }).newSession(sessionB);
  await world.advance(100);
  expect([types(a), types(b)]).toEqual([
    ["tunnel-up", "session-up"],
    ["tunnel-up", "session-up"],
  ]);
  return { world, a, b, tunnel };
}

/** One frame from a site each `everyMs`, for so long. */
async function frames(world: World, from: Site, everyMs: number, forMs: number): Promise<void> {
  for (let passed = 0; passed < forMs; passed += everyMs) {
    const sessionId = from.host.name === "a" ? 11 : 22;
    from.plane.session({ sessionId })?.inject(new Uint8Array(60).fill(7));
    await world.advance(everyMs);
  }
}

const hellosSent = async (site: Site): Promise<number> =>
  (await site.context.statistics()).tunnels[0]?.control.transport?.hellosSent ?? -1;

test("no Hello is sent while data arrives, and one is after the silence of hello_timeout", async () => {
  const { world, a, b } = await pair();
  const before = await hellosSent(a);
  await frames(world, b, 900, 60_000);
  expect(await hellosSent(a)).toBe(before);
  const lastFrameAt = world.network.now() - 900;
  const sentBefore = a.plane.calls.of("send").length;
  await world.advance(10_000);
  const hello = a.plane.calls.of("send")[sentBefore];
  const silence = (hello?.at ?? 0) - lastFrameAt;
  // The data is dated by the look before: an eighth of the silence at most.
  expect(silence).toBeGreaterThanOrEqual(7_000);
  expect(silence).toBeLessThanOrEqual(8_020);
});

test("a peer that only receives is asked all the same: what we send is no sign of its life", async () => {
  const { world, a, b } = await pair();
  const before = await hellosSent(a);
  await frames(world, a, 500, 60_000);
  expect(await hellosSent(a)).toBeGreaterThanOrEqual(before + 6);
  expect(types(b)).toEqual(["tunnel-up", "session-up"]);
});

test("what is dropped is no sign of life: data with a wrong cookie does not put a Hello off", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const b = world.site("b", B.address);
  a.context
    .newQuiescentTunnel({ ...endA, transport })
    .newSession({ ...sessionA, cookie: Uint8Array.of(1, 2, 3, 4) });
  b.context
    .newQuiescentTunnel({ ...endB, transport: { helloTimeoutMs: 0 } })
    .newSession({ ...sessionB, peerCookie: Uint8Array.of(4, 3, 2, 1) });
  await world.advance(100);
  const before = await hellosSent(a);
  await frames(world, b, 500, 60_000);
  expect((await a.context.statistics()).tunnels[0]?.sessions[0]?.rxCookieDiscards).toBe(120);
  expect(await hellosSent(a)).toBeGreaterThanOrEqual(before + 6);
});

test("a peer that goes away in the middle of traffic is gone within the time its settings say", async () => {
  const { world, a, b, tunnel } = await pair({ both: true });
  await frames(world, b, 300, 45_000);
  b.plane.crash();
  await world.advance(peerGoneWithinMs(settings));
  expect(tunnel.state).toBe("waiting-for-peer");
  expect(a.events.at(-1)).toMatchObject({
    type: "tunnel-down",
    reason: { code: "peer-gone", text: expect.stringMatching(/nothing was heard from it for 2\d s/) },
  });
});

test("a Hello that was sent must be answered, whatever data arrives: we may not reach the peer", async () => {
  const { world, a, b, tunnel } = await pair();
  world.network.partition(a.host, b.host, { oneWay: true });
  await world.advance(8_000);
  await frames(world, b, 400, 16_000);
  expect(tunnel.state).toBe("waiting-for-peer");
  expect(a.events.at(-1)).toMatchObject({
    type: "tunnel-down",
    reason: { code: "peer-gone", text: expect.stringMatching(/though it was heard \d\.\d s ago/) },
  });
});

test("one question a look to a wire, however many tunnels; none while hellos are off or the peer is away", async () => {
  const world = new World();
  const a = world.site("a", A.address);
  const b = world.site("b", B.address);
  for (let i = 1; i <= 10; i++) {
    const ours = { ...endA, name: `t${i}`, tunnelId: i, peerTunnelId: 100 + i };
    const theirs = { ...endB, name: `t${i}`, tunnelId: 100 + i, peerTunnelId: i };
    const quick = { ...transport, helloTimeoutMs: i === 1 ? 8_000 : 80_000 };
    a.context.newQuiescentTunnel({ ...ours, transport: quick });
    b.context.newQuiescentTunnel({ ...theirs, transport: { helloTimeoutMs: 0 } });
  }
  await world.advance(80_000);
  expect(a.plane.calls.of("statistics").length).toBeGreaterThanOrEqual(75);
  expect(a.plane.calls.of("statistics").length).toBeLessThanOrEqual(80);
  expect(b.plane.calls.of("statistics")).toEqual([]);
  b.plane.crash();
  await world.advance(200_000);
  const whileAway = a.plane.calls.of("statistics").length;
  await world.advance(600_000);
  expect(a.plane.calls.of("statistics").length).toBe(whileAway);
});

test("a data plane that cannot answer costs Hellos, not the tunnel", async () => {
  const { world, a, b, tunnel } = await pair();
  a.plane.fail("statistics", { times: 20, error: new Error("the dump was interrupted") });
  const before = a.plane.calls.of("send").length;
  await frames(world, b, 500, 20_000);
  expect(a.plane.calls.of("send").length).toBeGreaterThan(before);
  expect(tunnel.state).toBe("up");
  await frames(world, b, 500, 20_000);
  const since = a.plane.calls.of("send").length;
  await frames(world, b, 500, 60_000);
  expect(a.plane.calls.of("send").length).toBe(since);
});

/** Calls in both directions, what is said while they last, and how they end. */
import { expect, test } from "vitest";
import type { DynamicTunnel } from "../../src/index.ts";
import { openHouse, Pair, typesOf } from "./pair.ts";

/** A LAC that places calls, and an LNS that asks for them. */
async function placing(options: ConstructorParameters<typeof Pair>[0] = {}) {
  const tunnelOfLac = { hostName: "lac", bearerCapabilities: 3, acceptOutgoing: true } as const;
  const pair = new Pair({
    ...options,
    lns: { authority: openHouse(), ...options.lns },
    lac: { authority: openHouse(), control: { tunnel: tunnelOfLac }, ...options.lac },
  });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  await pair.advance(500);
  return { pair, tunnel, accepted: pair.lns.context.tunnels[0] as DynamicTunnel };
}

const outgoing = {
  kind: "outgoing",
  request: { calledNumber: "5551234", bearerType: 1, framingType: 1, minimumBps: 1, maximumBps: 1_000_000 },
} as const;

test("an outgoing call: the LNS asks, the LAC places it and says how it went", async () => {
  const { pair, tunnel, accepted } = await placing();
  const asked: string[] = [];
  pair.lac.context.on("place-call", (event) => {
    asked.push(event.request.calledNumber);
    if (asked.length === 1) event.fail({ result: 8, text: "busy" });
    else event.answer({ txConnectSpeedBps: 64_000 });
  });
  const busy = accepted.newSession({ name: "busy", call: outgoing });
  await pair.advance(500);
  expect(busy.state).toBe("closed");
  expect(busy.ending).toMatchObject({ by: "peer", message: "CDN", result: 8, text: "busy" });
  const good = accepted.newSession({ name: "good", call: outgoing });
  await pair.advance(500);
  expect(asked).toEqual(["5551234", "5551234"]);
  expect(good.state).toBe("up");
  expect(good.kind).toBe("lns-outgoing");
  expect(tunnel.sessions).toMatchObject([
    { kind: "lac-outgoing", state: "up", origin: "accepted", calledNumber: "5551234" },
  ]);
  expect(pair.lns.events.at(-1)).toMatchObject({ type: "session-up", txConnectSpeedBps: 64_000 });
  expect(accepted.sessions).toHaveLength(1);
  await pair.close();
});

test("a software LAC's line is always there: the profile's answer, without an event", async () => {
  const call = () => ({ accept: true, sessionProfile: "line" }) as const;
  const session = () => ({ placed: { txConnectSpeedBps: 128_000 } });
  const profiles = { tunnel: () => ({}), session, ppp: () => undefined };
  const tunnel = { hostName: "lac", bearerCapabilities: 3, acceptOutgoing: true } as const;
  const { pair, accepted } = await placing({
    lac: { authority: openHouse({ call }), profiles, control: { tunnel } },
  });
  const out = accepted.newSession({ call: outgoing });
  await pair.advance(500);
  expect(out.state).toBe("up");
  await pair.close();
});

test("what is said while a call lasts comes out as events: SLI, WEN, speeds, sequence numbers", async () => {
  const { pair, tunnel, accepted } = await placing();
  const atLac = tunnel.newSession({ name: "s" });
  await pair.advance(500);
  const [atLns] = accepted.sessions;
  atLns?.setLinkInfo({ accm: { sendAccm: 1, receiveAccm: 2 } });
  const errors = {
    crcErrors: 1,
    framingErrors: 2,
    hardwareOverruns: 3,
    bufferOverruns: 4,
    timeoutErrors: 5,
    alignmentErrors: 6,
  };
  expect(atLac.reportErrors(errors)).toBe(true);
  expect(atLac.reportErrors(errors)).toBe(false);
  atLns?.setSequencing(true);
  await pair.advance(500);
  expect(pair.lac.events).toContainEqual(
    expect.objectContaining({
      type: "link-info",
      session: "s",
      info: { accm: { sendAccm: 1, receiveAccm: 2 } },
    }),
  );
  expect(pair.lns.events).toContainEqual(expect.objectContaining({ type: "wan-errors", errors }));
  expect(pair.lns.events).toContainEqual(expect.objectContaining({ type: "sequencing", on: true }));
  expect(pair.lns.plane.sessions()[0]?.parameters.sendSequence).toBe(true);
  await pair.close();
});

test("a LAC's data messages have sequence numbers as long as those of the LNS do", async () => {
  const { pair, tunnel, accepted } = await placing();
  tunnel.newSession({ name: "s" });
  await pair.advance(500);
  const [atLac, atLns] = [pair.lac.plane.sessions()[0], pair.lns.plane.sessions()[0]];
  expect([atLac?.parameters.role, atLns?.parameters.role]).toEqual(["lac", "lns"]);
  for (const on of [true, false]) {
    accepted.sessions[0]?.setSequencing(on);
    await pair.advance(500);
    // The LNS decides for both, and its data messages say so (RFC 2661 §5.4).
    expect(atLac?.parameters.sendSequence).toBe(!on);
    atLns?.inject(Uint8Array.of(0, 0x21, 1));
    await pair.advance(100);
    expect(atLac?.parameters.sendSequence).toBe(on);
    const session = tunnel.sessions.find(({ name }) => name === "s");
    expect(session?.status()?.sequencing).toBe(on);
    expect(pair.lac.events.filter(({ type }) => type === "sequencing").at(-1)).toMatchObject({
      session: "s",
      on,
    });
  }
  expect(pair.lac.events.filter(({ type }) => type === "sequencing")).toHaveLength(2);
  await pair.close();
});

test("a call that the LNS hangs up is opened again by who dialled; one hung up here stays down until dial()", async () => {
  const { pair, tunnel, accepted } = await placing();
  const session = tunnel.newSession({ name: "s" });
  await pair.advance(500);
  accepted.sessions[0]?.hangUp({ result: 3, text: "good night" });
  await pair.advance(100);
  expect(session.state).toBe("retrying");
  expect(session.reason).toMatchObject({ code: "peer-close" });
  expect(pair.lac.events.at(-1)).toMatchObject({
    type: "session-down",
    ending: { by: "peer", result: 3, text: "good night" },
    upForMs: expect.any(Number),
  });
  await pair.advance(2_000);
  expect(session.state).toBe("up");
  session.hangUp();
  await pair.advance(60_000);
  expect(session.state).toBe("idle");
  expect(accepted.sessions).toEqual([]);
  session.dial();
  await pair.advance(500);
  expect(session.state).toBe("up");
  await session.close();
  expect(tunnel.sessions).toEqual([]);
  expect(() => session.dial()).toThrow("closed");
  await pair.advance(500);
  expect(pair.lns.plane.sessions()).toEqual([]);
  expect(pair.lac.plane.sessions()).toEqual([]);
  await pair.close();
});

test("a session of no data plane (`none`) is control messages only", async () => {
  const { pair, tunnel } = await placing();
  const session = tunnel.newSession({ ppp: { by: "none" } });
  await pair.advance(500);
  expect(session.state).toBe("up");
  expect(session.plane).toBeUndefined();
  expect(pair.lac.plane.sessions()).toEqual([]);
  expect(pair.lns.plane.sessions()).toHaveLength(1);
  session.hangUp();
  await pair.advance(500);
  expect(pair.lns.plane.sessions()).toEqual([]);
  await pair.close();
});

test("sessions wait for their tunnel; a name is used once; an AVP that does not fit is refused at once", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  const tunnel = pair.dial();
  const session = tunnel.newSession({ name: "s" });
  expect(() => tunnel.newSession({ name: "s" })).toThrow("has a session s already");
  await pair.advance(5_000);
  expect(session.state).toBe("waiting");
  pair.lns.context.listen();
  await pair.advance(60_000);
  expect(session.state).toBe("up");
  await pair.close();
});

test("fifty sessions on a tunnel; closing the tunnel tells each of them, then itself", async () => {
  const { pair, tunnel } = await placing();
  for (let n = 0; n < 50; n++) tunnel.newSession();
  await pair.advance(1_000);
  expect(tunnel.sessions.filter(({ state }) => state === "up")).toHaveLength(50);
  const closed = tunnel.close({ result: 1, text: "bye" });
  expect(tunnel.state).toBe("closed");
  await pair.advance(100);
  await closed;
  for (const end of [pair.lac, pair.lns]) {
    expect(typesOf(end).filter((type) => type === "session-down")).toHaveLength(50);
    expect(typesOf(end).at(-1)).toBe("tunnel-down");
    expect(end.plane.sessions()).toEqual([]);
  }
  expect(pair.lns.events.at(-1)).toMatchObject({ ending: { message: "StopCCN", result: 1, text: "bye" } });
  expect(pair.lac.context.tunnels).toEqual([]);
  await pair.close();
});

test("while data comes in, no Hello is sent; when it stops, one is", async () => {
  const { pair, tunnel } = await placing();
  const quiet = pair.dial({ name: "quiet", transport: { helloTimeoutMs: 8_000 } });
  quiet.newSession();
  await pair.advance(500);
  const hellos = () => quiet.status()?.channel?.hellosSent;
  const atLns = pair.lns.plane.tunnel(quiet.peerTunnelId)?.sessions.values().next().value;
  for (let n = 0; n < 60; n++) {
    atLns?.inject(Uint8Array.of(0, 0x21, n));
    await pair.advance(500);
  }
  expect(hellos()).toBe(0);
  await pair.advance(12_000);
  expect(hellos()).toBe(1);
  expect(tunnel.state).toBe("up");
  await pair.close();
});

test("a thousand calls on a tunnel come up, are found by their names, and go with it", async () => {
  const { pair, tunnel } = await placing();
  for (let n = 0; n < 1_000; n++) tunnel.newSession({ name: `call ${n}`, ppp: { by: "none" } });
  await pair.advance(2_000);
  expect(tunnel.sessions.filter(({ state }) => state === "up")).toHaveLength(1_000);
  expect(tunnel.session("call 777")?.peerSessionId).toBeGreaterThan(0);
  expect(pair.lns.context.tunnels[0]?.sessions).toHaveLength(1_000);
  await pair.close();
  expect(pair.lns.plane.sessions()).toEqual([]);
});

test("sequence numbers of a session profile are there from the first data message on, at either end", async () => {
  const call = () => ({ accept: true, sessionProfile: "numbered" }) as const;
  const profiles = { tunnel: () => ({}), session: () => ({ sendSequence: true }), ppp: () => undefined };
  const { pair, tunnel } = await placing({ lns: { authority: openHouse({ call }), profiles } });
  tunnel.newSession({ name: "plain" });
  tunnel.newSession({ name: "numbered", sendSequence: true });
  await pair.advance(500);
  const begins = (end: typeof pair.lns) =>
    end.plane.sessions().map(({ parameters }) => [parameters.sendSequence, parameters.receiveSequence]);
  expect(begins(pair.lns)).toEqual([
    [true, false],
    [true, false],
  ]);
  expect(begins(pair.lac)).toEqual([
    [false, false],
    [true, false],
  ]);
  await pair.close();
});

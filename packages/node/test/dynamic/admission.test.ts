/** Who gets a tunnel and a call: by an authority, by events, and who does not. */
import { expect, test } from "vitest";
import type { DynamicTunnel, IncomingTunnel } from "../../src/index.ts";
import { type End, LAC, openHouse, Pair, typesOf } from "./pair.ts";

const failures = (end: End) => end.events.filter(({ type }) => type === "tunnel-failed");

test("a wrong secret is told at both ends with its cause, once, and tried again", async () => {
  const peer = () => ({ accept: true, peer: "p", secrets: ["s3cret-A"] }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ peer }) } });
  pair.lns.context.listen();
  const tunnel = pair.dial({ secrets: ["s3cret-B"] });
  await pair.advance(10_000);
  expect(tunnel.state).not.toBe("up");
  expect(failures(pair.lac)).toMatchObject([
    { reason: { code: "authentication" }, ending: { message: "StopCCN", result: 4 }, tunnel: "to-lns" },
  ]);
  expect((failures(pair.lac)[0] as { retryAt?: number }).retryAt).toBeGreaterThan(0);
  expect(failures(pair.lns).length).toBeGreaterThan(1);
  expect(failures(pair.lns)[0]).toMatchObject({ peerName: "p", origin: "accepted" });
  const warned = pair.lac.log.filter((line) => line.startsWith("warn"));
  expect(warned).toEqual([
    expect.stringMatching(/^warn tunnel to-lns cannot come up: .*StopCCN 4.*; trying again$/),
  ]);
  // Neither secret is in what is told.
  const said = JSON.stringify([pair.lac.events, pair.lns.events, pair.lac.log, pair.lns.log]);
  expect(said).not.toMatch(/s3cret/);
  await pair.close();
});

test("the right secret, in either order during a change, authenticates both ends", async () => {
  const peer = () => ({ accept: true, peer: "p", secrets: ["old", "new"] }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ peer }) } });
  pair.lns.context.listen();
  const one = pair.dial({ name: "one", secrets: ["old"] });
  const two = pair.dial({ name: "two", secrets: ["new", "old"] });
  await pair.advance(2_000);
  expect([one.state, two.state]).toEqual(["up", "up"]);
  expect([one.authenticated, two.authenticated]).toEqual([true, true]);
  expect(pair.lns.events).toMatchObject([
    { type: "listener-up" },
    { type: "tunnel-up", authenticated: true, peerFacts: { hostName: "lac" } },
    { type: "tunnel-up", authenticated: true },
  ]);
  await pair.close();
});

test("who has only the second of the LNS's two secrets is in at its second try, and after a loss at the first", async () => {
  const peer = () => ({ accept: true, peer: "p", secrets: ["s3cret-new", "s3cret-old"] }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ peer }) } });
  pair.lns.context.listen();
  const tunnel = pair.dial({ secrets: ["s3cret-old"] });
  await pair.advance(30_000);
  expect([tunnel.state, tunnel.authenticated]).toEqual(["up", true]);
  expect(failures(pair.lac)).toHaveLength(1);
  const [atLns] = pair.lns.context.tunnels as DynamicTunnel[];
  expect(atLns?.status()?.secret).toBe(1);
  atLns?.hangUp();
  await pair.advance(30_000);
  expect(tunnel.state).toBe("up");
  expect(failures(pair.lac)).toHaveLength(1);
  const said = JSON.stringify([pair.lac.events, pair.lns.events, pair.lac.log, pair.lns.log]);
  expect(said).toContain("the other of our two secrets");
  expect(said).not.toMatch(/s3cret/);
  await pair.close();
});

test("a caller that the authority refuses gets its code, and the log says why", async () => {
  const peer = () =>
    ({ accept: false, reason: "no rule lets 192.0.2.1 in", text: "who are you?", result: 4 }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ peer }) } });
  pair.lns.context.listen({ name: "front" });
  pair.dial();
  await pair.advance(500);
  expect(pair.lns.context.tunnels).toEqual([]);
  expect(pair.lns.events.slice(0, 2)).toMatchObject([
    { type: "listener-up" },
    { type: "tunnel-refused", listener: "front", hostName: "lac", reason: { code: "refused" } },
  ]);
  expect(pair.lns.log.filter((line) => line.startsWith("warn"))).toEqual([
    expect.stringMatching(/^warn lac at 192.0.2.1 gets no tunnel: .*no rule lets 192.0.2.1 in$/),
  ]);
  expect(failures(pair.lac)).toMatchObject([{ ending: { result: 4, text: "who are you?" } }]);
  await pair.close();
});

test.each([
  [
    "throws",
    () => {
      throw new Error("the database is gone");
    },
  ],
  ["rejects", () => Promise.reject(new Error("the database is gone"))],
])("an authority that %s refuses, and that is logged as an error", async (_, peer) => {
  const pair = new Pair({ lns: { authority: openHouse({ peer }) } });
  pair.lns.context.listen();
  pair.dial();
  await pair.advance(500);
  expect(typesOf(pair.lns)).toContain("tunnel-refused");
  expect(pair.lns.log.filter((line) => line.startsWith("error"))).toEqual([
    expect.stringContaining("the database is gone"),
  ]);
  await pair.close();
});

test("an authority that never answers: the caller is refused when its time is over", async () => {
  const pair = new Pair({
    lns: { authority: openHouse({ peer: () => new Promise(() => {}) }), control: { questionMs: 2_000 } },
  });
  pair.lns.context.listen();
  pair.dial();
  await pair.advance(3_000);
  expect(pair.lns.events.slice(0, 2)).toMatchObject([
    { type: "listener-up" },
    { type: "tunnel-refused", reason: { code: "undecided" } },
  ]);
  // What waits for the authority for ever is no reason not to end.
  pair.dial({ name: "again" });
  await pair.advance(500);
  const closed = pair.lns.context.close({ limitMs: 1_000 });
  void pair.lac.context.close({ limitMs: 1_000 });
  await pair.advance(5_000);
  await closed;
  expect(pair.lns.plane.wires.size).toBe(0);
  expect(pair.lns.host.tunnelIds.size).toBe(0);
});

test("a profile that is not there refuses the caller, and the log names it", async () => {
  const peer = () => ({ accept: true, peer: "p", secrets: [], tunnelProfile: "gold" }) as const;
  const profiles = { tunnel: () => undefined, session: () => undefined, ppp: () => undefined };
  const pair = new Pair({ lns: { authority: openHouse({ peer }), profiles } });
  pair.lns.context.listen();
  pair.dial();
  await pair.advance(500);
  expect(pair.lns.log.join("\n")).toContain("add tunnel profile gold, which peer p names");
  await pair.close();
});

test("a tunnel's profile decides its settings: what it cannot be is an error here, and a refusal there", async () => {
  const peer = () => ({ accept: true, peer: "p", secrets: [], tunnelProfile: "gold" }) as const;
  const tunnel = () => ({ hostName: "golden", hiding: "require" }) as const;
  const profiles = { tunnel, session: () => undefined, ppp: () => undefined };
  const pair = new Pair({ lns: { authority: openHouse({ peer }), profiles } });
  pair.lns.context.listen();
  pair.dial();
  await pair.advance(500);
  expect(pair.lns.log.filter((line) => line.startsWith("error"))).toEqual([
    expect.stringContaining("hiding: a secret to hide with was expected"),
  ]);
  expect(typesOf(pair.lac)).toContain("tunnel-failed");
  await pair.close();
});

test("without an authority whoever listens decides: the first answer counts", async () => {
  const pair = new Pair();
  pair.lns.context.listen({ name: "l" });
  const answers: unknown[] = [];
  pair.lns.context.on("incoming-tunnel", (event) => {
    expect(event).toMatchObject({ listener: "l", from: { address: LAC }, peerFacts: { hostName: "lac" } });
    void event.accept({ secrets: ["s"], peerName: "branch" }).then((inTime) => answers.push(inTime));
    answers.push(event.reject());
  });
  pair.lns.context.on("incoming-tunnel", (event) => void event.accept().then((late) => answers.push(late)));
  const tunnel = pair.dial({ secrets: ["s"] });
  await pair.advance(1_000);
  expect(tunnel.state).toBe("up");
  expect(tunnel.authenticated).toBe(true);
  expect(answers.sort()).toEqual([false, false, true]);
  expect(pair.lns.context.tunnels[0]).toMatchObject({ peerName: "branch", state: "up" });
  await pair.close();
});

test("an answer that comes too late says so, and changes nothing", async () => {
  const pair = new Pair({ lns: { control: { questionMs: 1_000 } } });
  pair.lns.context.listen();
  let question: IncomingTunnel | undefined;
  pair.lns.context.on("incoming-tunnel", (event) => {
    question ??= event;
  });
  const tunnel = pair.dial({ dial: { mode: "manual" } });
  await pair.advance(10);
  tunnel.dial();
  await pair.advance(3_000);
  await expect(question?.accept()).resolves.toBe(false);
  expect(pair.lns.context.tunnels).toEqual([]);
  expect(tunnel.state).toBe("idle");
  await pair.close();
  expect(pair.lns.host.tunnelIds.size).toBe(0);
});

test("where nobody can decide, callers and calls are refused at once, and the log says what to do", async () => {
  const pair = new Pair();
  pair.lns.context.listen();
  pair.dial();
  await pair.advance(500);
  expect(pair.lns.log.join("\n")).toContain("nobody decides");
  await pair.close();
});

test("a host without a listener refuses callers on the socket by which it dials", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  pair.lns.context.listen();
  pair.dial({ local: { family: 4, address: LAC, port: 1701 } });
  await pair.advance(500);
  const back = pair.lns.context.newDynamicTunnel({ name: "back", peers: [{ host: LAC }] });
  await pair.advance(500);
  expect(back.state).not.toBe("up");
  expect(typesOf(pair.lac)).toContain("tunnel-refused");
  expect(pair.lac.log.join("\n")).toContain("add a listener for this address");
  await pair.close();
});

test("a call that is refused names its code at both ends; the tunnel lives on", async () => {
  const call = () => ({ accept: false, reason: "no calls today", result: 2, error: 4 }) as const;
  const pair = new Pair({ lns: { authority: openHouse({ call }) } });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  const session = tunnel.newSession({ redial: false });
  await pair.advance(1_000);
  expect(session.state).toBe("idle");
  expect(session.ending).toMatchObject({ message: "CDN", result: 2, error: 4, tryAnother: true });
  expect(tunnel.state).toBe("up");
  expect(pair.lns.log.join("\n")).toContain("is refused: CDN 2/4; no calls today");
  await pair.close();
});

test("a call whose name is another session's already gets one of its own, and is decided at once", async () => {
  const pair = new Pair();
  pair.lns.context.listen();
  pair.lns.context.on("incoming-tunnel", (event) => void event.accept());
  pair.lns.context.on("incoming-call", (event) => {
    const [accepted] = pair.lns.context.tunnels;
    if (accepted?.mode !== "dynamic") throw new Error("the tunnel is not there");
    accepted.newSession({ name: event.session, redial: false, call: { kind: "incoming" } });
    expect(event.accept()).toBe(true);
  });
  const session = pair.dial().newSession({ redial: false });
  await pair.advance(1_000);
  expect(session.state).toBe("up");
  const names = pair.lns.context.tunnels[0]?.sessions.map(({ name }) => name);
  expect(names).toContainEqual(expect.stringMatching(/^call-\d+\.2$/));
  await pair.close();
});

test("calls are decided by events too, with names and what the session gets", async () => {
  const pair = new Pair();
  pair.lns.context.listen();
  pair.lns.context.on("incoming-tunnel", (event) => void event.accept());
  pair.lns.context.on("incoming-call", (event) => {
    const known = event.request.type === "ICRQ" && event.request.callingNumber === "100";
    if (known) expect(event.accept({ name: "first", reorderMs: 5 })).toBe(true);
    else expect(event.reject({ result: 3, text: "unknown caller" })).toBe(true);
  });
  const tunnel = pair.dial();
  const known = tunnel.newSession({
    name: "a",
    call: { kind: "incoming", request: { callingNumber: "100" } },
  });
  const other = tunnel.newSession({ name: "b", redial: false });
  await pair.advance(1_000);
  expect(known.state).toBe("up");
  expect(other.ending).toMatchObject({ by: "peer", result: 3, text: "unknown caller" });
  const [accepted] = pair.lns.context.tunnels;
  expect(accepted?.sessions).toMatchObject([
    { name: "first", kind: "lns-incoming", callingNumber: "100", state: "up" },
  ]);
  expect(pair.lns.plane.sessions()[0]?.parameters.reorderMs).toBe(5);
  await pair.close();
});

/** RFC 2661 §5.1, §5.1.1, §6.1 … §6.5: control connections. */
import { expect, test } from "vitest";
import { A, body, control, Peer, Stage } from "./stage.ts";
import { avpOf, numberOf, response, resultOf } from "./wire.ts";

test("SCCRQ, SCCRP, SCCCN, ZLB bring a tunnel up that we open (RFC 2661 §5.1)", () => {
  const stage = new Stage({ tunnel: { hostName: "lac.example" } });
  const peer = new Peer(stage);
  stage.dial(peer);
  expect(peer.types).toEqual(["SCCRQ"]);
  peer.answers();
  expect(peer.types).toEqual(["SCCRQ", "SCCCN"]);
  expect(stage.last("tunnel-up")).toMatchObject({ peerTunnelId: 77, originator: true, authenticated: false });
  expect(stage.last("tunnel-up").peer.hostName).toBe("peer");
});

test("SCCRQ, SCCRP, SCCCN, ZLB bring a tunnel up that the peer opens (RFC 2661 §5.1)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  stage.pass(100);
  expect(peer.types).toEqual(["SCCRP"]);
  expect(peer.heard.at(-1)).toMatchObject({ type: "ZLB", tunnelId: 77, nr: 2 });
  expect(stage.last("tunnel-up")).toMatchObject({ originator: false });
});

test("an SCCRQ has the AVPs that it must have, with their M bits, Tunnel ID 0, Ns 0 and Nr 0 (RFC 2661 §6.1)", () => {
  const stage = new Stage({ tunnel: { hostName: "lac.example" } });
  const peer = new Peer(stage);
  stage.dial(peer);
  const sccrq = peer.last;
  expect(sccrq).toMatchObject({ tunnelId: 0, sessionId: 0, ns: 0, nr: 0 });
  expect([...(avpOf(sccrq, 2) ?? [])]).toEqual([1, 0]);
  expect(new TextDecoder().decode(avpOf(sccrq, 7))).toBe("lac.example");
  expect(numberOf(sccrq, 3)).toBe(3);
  expect(numberOf(sccrq, 9)).toBeGreaterThan(0);
  expect(numberOf(sccrq, 10)).toBe(16);
  const mandatory = Object.fromEntries(sccrq.avps.map(({ type, m }) => [type, m]));
  expect(mandatory).toMatchObject({ 0: 1, 2: 1, 3: 1, 7: 1, 8: 0, 9: 1, 10: 1 });
  expect(sccrq.avps.every(({ h }) => h === 0)).toBe(true);
});

test("an SCCRP has the AVPs that it must have, and goes to the peer's Tunnel ID (RFC 2661 §6.2, §4.4.3)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.sccrq();
  expect(peer.last).toMatchObject({ type: "SCCRP", tunnelId: 77, ns: 0, nr: 1 });
  expect(peer.last.avps.map(({ type }) => type)).toEqual(expect.arrayContaining([0, 2, 3, 7, 9]));
});

test("Bearer Capabilities are sent by whom can place calls, and only then (RFC 2661 §4.4.3)", () => {
  for (const bearerCapabilities of [0, 3]) {
    const stage = new Stage({ tunnel: { bearerCapabilities } });
    const peer = new Peer(stage);
    stage.dial(peer);
    expect(numberOf(peer.last, 4)).toBe(bearerCapabilities === 0 ? undefined : 3);
  }
});

test("an SCCCN has no Challenge Response where there was no Challenge (RFC 2661 §6.3)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  stage.dial(peer);
  peer.answers();
  expect(peer.last.avps.map(({ type }) => type)).toEqual([0]);
});

test("firmware revision and extensions go out with SCCRQ and SCCRP, and come in as facts", () => {
  const stage = new Stage({
    tunnel: { firmwareRevision: 0x0690, capabilities: { modemOnHoldCapable: true } },
  });
  const peer = new Peer(stage);
  peer.sccrq(A.firmware(0x600), A.vendor("Acme"), A.bearerCapabilities(1), A.window(8));
  expect(numberOf(peer.last, 6)).toBe(0x0690);
  expect(avpOf(peer.last, 53)).toHaveLength(0);
  expect(stage.last("question")).toMatchObject({
    about: "peer",
    peer: {
      hostName: "peer",
      vendorName: "Acme",
      firmwareRevision: 0x600,
      bearerCapabilities: 1,
      receiveWindowSize: 8,
    },
  });
});

test("with a secret the caller is challenged, and comes in when it answers (RFC 2661 §5.1.1)", () => {
  const stage = new Stage({ tunnel: { secrets: ["s3cret"] } });
  const peer = new Peer(stage).establish("s3cret");
  expect(stage.last("tunnel-up")).toMatchObject({ authenticated: true });
  expect(avpOf(peer.heard.find(({ type }) => type === "SCCRP") as never, 11)).toHaveLength(16);
});

test.each([
  ["a wrong answer", "wrong"],
  ["no answer", undefined],
])("%s to our challenge ends the tunnel with StopCCN 4 (RFC 2661 §5.1.1)", (_, secret) => {
  const stage = new Stage({ tunnel: { secrets: ["s3cret"] } });
  const peer = new Peer(stage).establish(secret);
  expect(stage.of("tunnel-up")).toEqual([]);
  expect(resultOf(peer.last)[0]).toBe(4);
  expect(stage.last("tunnel-down").ending).toMatchObject({ cause: "authentication", by: "local", result: 4 });
  expect(stage.statistics.authenticationFailures).toBe(1);
});

test("we answer a caller's challenge in the SCCRP, with Message Type 2 in the digest (RFC 2661 §4.4.3)", () => {
  const stage = new Stage({ tunnel: { secrets: ["s3cret"] } });
  const peer = new Peer(stage);
  const challenge = Uint8Array.of(1, 2, 3);
  peer.sccrq(A.challenge([...challenge]));
  expect([...(avpOf(peer.last, 13) ?? [])]).toEqual(response(2, "s3cret", challenge));
});

test("we answer the challenge of an SCCRP in the SCCCN, with Message Type 3 in the digest (RFC 2661 §4.4.3)", () => {
  const stage = new Stage({ tunnel: { secrets: ["s3cret"] } });
  const peer = new Peer(stage);
  stage.dial(peer);
  const ours = avpOf(peer.last, 11) as Uint8Array;
  const challenge = Uint8Array.of(9, 9);
  peer.answers(A.challenge([...challenge]), A.response(response(2, "s3cret", ours)));
  expect(peer.last.type).toBe("SCCCN");
  expect([...(avpOf(peer.last, 13) ?? [])]).toEqual(response(3, "s3cret", challenge));
  expect(stage.last("tunnel-up")).toMatchObject({ authenticated: true });
});

test.each([
  ["wrong", [A.response(new Array(16).fill(7))]],
  ["missing", []],
])("an SCCRP whose Challenge Response is %s is answered with StopCCN 4", (_, avps) => {
  const stage = new Stage({ tunnel: { secrets: ["s3cret"] } });
  const peer = new Peer(stage);
  stage.dial(peer);
  peer.answers(...avps);
  expect(peer.last).toMatchObject({ type: "StopCCN", tunnelId: 77 });
  expect(resultOf(peer.last)[0]).toBe(4);
  expect(stage.last("tunnel-down").ending.cause).toBe("authentication");
});

test("a challenge to us without a secret is answered with StopCCN 4, as caller and as called", () => {
  const stage = new Stage();
  const called = new Peer(stage);
  stage.dial(called);
  called.answers(A.challenge([1]));
  expect(resultOf(called.last)[0]).toBe(4);
  const caller = new Peer(stage, "192.0.2.2");
  caller.sccrq(A.challenge([1]));
  expect(resultOf(caller.last)[0]).toBe(4);
});

test("two secrets are good while one is changed to the other, and the one the peer has is used to answer it", () => {
  for (const secret of ["old", "new"]) {
    const stage = new Stage({ tunnel: { secrets: ["new", "old"] } });
    const peer = new Peer(stage);
    stage.dial(peer);
    const ours = avpOf(peer.last, 11) as Uint8Array;
    peer.answers(A.challenge([5]), A.response(response(2, secret, ours)));
    expect([...(avpOf(peer.last, 13) ?? [])]).toEqual(response(3, secret, Uint8Array.of(5)));
    expect(stage.endpoint.tunnel(stage.last("tunnel-up").tunnel)?.secret).toBe(secret === "new" ? 0 : 1);
    const caller = new Peer(stage, "192.0.2.9").establish(secret);
    expect(caller.types).toEqual(["SCCRP"]);
  }
});

test("StopCCN has our Assigned Tunnel ID and a Result Code, and ends the sessions without CDN (RFC 2661 §6.4, §5.7)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  const session = peer.call();
  const { tunnel, tunnelId } = stage.last("tunnel-up");
  peer.clear();
  stage.endpoint.closeTunnel(stage.now, tunnel);
  stage.pump();
  expect(peer.types).toEqual(["StopCCN"]);
  expect(peer.last).toMatchObject({ tunnelId: 77, sessionId: 0 });
  expect(numberOf(peer.last, 9)).toBe(tunnelId);
  expect(resultOf(peer.last)[0]).toBe(1);
  expect(session).toBeGreaterThan(0);
  expect(stage.last("session-down").ending).toMatchObject({ cause: "tunnel-ended" });
  expect(stage.last("tunnel-down")).toMatchObject({ sessions: 1, wasUp: true });
});

test("a StopCCN is acknowledged, also when it comes again for a full cycle of 31 s, and then forgotten (RFC 2661 §5.7)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  const stop = peer.make(0, body("StopCCN", A.tunnelId(77), A.result(1)));
  peer.raw(stop);
  expect(stage.last("tunnel-down").ending).toMatchObject({ by: "peer", cause: "peer-close", result: 1 });
  for (const at of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    stage.pass(at);
    peer.clear();
    peer.raw(stop);
    expect(peer.heard.map(({ type, nr }) => [type, nr])).toEqual([["ZLB", 3]]);
  }
  stage.pass(32_000);
  peer.clear();
  peer.raw(stop);
  expect(peer.heard).toEqual([]);
  expect(stage.isEmpty).toBe(true);
});

test("our StopCCN is sent again until it is acknowledged, and the tunnel is gone a cycle later (RFC 2661 §5.7, §5.8)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.acknowledges = false;
  stage.endpoint.closeTunnel(stage.now, stage.last("tunnel-up").tunnel);
  stage.pass(8_000);
  expect(peer.types.filter((type) => type === "StopCCN")).toHaveLength(4);
  peer.acknowledge();
  stage.pass(30_000);
  expect(peer.types.filter((type) => type === "StopCCN")).toHaveLength(4);
  stage.pass(2_000);
  expect(stage.isEmpty).toBe(true);
});

test("Hello goes out after 60 s of silence, with Session ID 0; whatever is heard puts it off (RFC 2661 §5.5, §6.5)", () => {
  const stage = new Stage({ tunnel: { transport: { helloJitter: 0 } } });
  const peer = new Peer(stage).establish();
  stage.pass(59_000);
  peer.say("HELLO");
  stage.pass(59_000);
  expect(peer.types).not.toContain("HELLO");
  stage.pass(2_000);
  expect(peer.last).toMatchObject({ type: "HELLO", sessionId: 0 });
});

test("data that was received puts a Hello off too (RFC 2661 §5.5)", () => {
  const stage = new Stage({ tunnel: { transport: { helloJitter: 0 } } });
  const peer = new Peer(stage).establish();
  const { tunnel } = stage.last("tunnel-up");
  stage.pass(59_000);
  stage.endpoint.noteDataReceived(tunnel, stage.now);
  stage.pass(30_000);
  expect(peer.types).not.toContain("HELLO");
});

test("a peer that answers no Hello is gone after as many misses as are set, not after one", () => {
  const stage = new Stage({ tunnel: { transport: { helloMisses: 3, helloJitter: 0 } } });
  const peer = new Peer(stage).establish();
  peer.acknowledges = false;
  stage.pass(60_000 + 6_900);
  expect(stage.of("tunnel-down")).toEqual([]);
  stage.pass(200);
  expect(peer.types.filter((type) => type === "HELLO")).toHaveLength(3);
  expect(stage.last("tunnel-down").ending).toMatchObject({ by: "network", cause: "hello-missed" });
});

test("a Hello of the peer is acknowledged and nothing else", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.clear();
  peer.say("HELLO");
  stage.pass(50);
  expect(peer.heard.map(({ type }) => type)).toEqual(["ZLB"]);
});

test("an SCCRQ that nobody answers is sent 6 times in 23 s, and given up after 31 s, without a message", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.acknowledges = false;
  stage.dial(peer);
  stage.pass(30_900);
  expect(peer.types).toEqual(new Array(6).fill("SCCRQ"));
  expect(stage.of("tunnel-down")).toEqual([]);
  stage.pass(200);
  expect(stage.last("tunnel-down").ending).toMatchObject({ cause: "no-response", by: "network" });
  expect(peer.types).toHaveLength(6);
});

test.each(["port", "strict"] as const)(
  "with policy %s an answer from elsewhere is not taken, and the end says where it came from",
  (peerAddress) => {
    const stage = new Stage({ tunnel: { peerAddress } });
    const peer = new Peer(stage);
    peer.acknowledges = false;
    stage.dial(peer);
    peer.address = { family: 4, address: "192.0.2.77", port: 1_701 };
    peer.answers();
    stage.pass(32_000);
    const { ending } = stage.last("tunnel-down");
    expect(ending).toMatchObject({ cause: "no-response", by: "network" });
    expect(ending.text).toContain("messages for it came from 192.0.2.77, which the policy");
  },
);

test("a tunnel whose peer acknowledges and never answers ends when the time for its set-up is over", () => {
  const stage = new Stage({ tunnel: { tunnelSetupMs: 20_000 } });
  const peer = new Peer(stage);
  stage.dial(peer);
  stage.pass(19_000);
  expect(stage.of("tunnel-down")).toEqual([]);
  stage.pass(2_000);
  expect(stage.last("tunnel-down").ending).toMatchObject({ cause: "set-up-timeout" });
  expect(peer.last.type).toBe("StopCCN");
});

test("a caller who sends no SCCCN is given up", () => {
  const stage = new Stage({ tunnel: { tunnelSetupMs: 20_000 } });
  const peer = new Peer(stage);
  peer.sccrq();
  stage.pass(21_000);
  expect(stage.last("tunnel-down").ending.cause).toBe("set-up-timeout");
  expect(peer.last.type).toBe("StopCCN");
});

test("a tunnel without sessions is closed after the idle time, and not while it has one (RFC 2661 §5.6)", () => {
  const stage = new Stage({ tunnel: { idleTimeoutMs: 10_000 } });
  const peer = new Peer(stage).establish();
  const session = peer.call();
  stage.pass(30_000);
  expect(stage.of("tunnel-down")).toEqual([]);
  peer.sayTo(session, "CDN", A.result(3), A.sessionId(500));
  stage.pass(9_900);
  expect(stage.of("tunnel-down")).toEqual([]);
  stage.pass(200);
  expect(stage.last("tunnel-down").ending.cause).toBe("idle");
});

test("a refused caller gets StopCCN 4 with the text of the decision, and nothing is kept of it", () => {
  const stage = new Stage({ accept: () => ({ accept: false, text: "who are you?" }) });
  const peer = new Peer(stage);
  peer.sccrq(A.vendor("a vendor name that leaves room for our text"));
  expect(peer.types).toEqual(["StopCCN"]);
  expect(resultOf(peer.last)[0]).toBe(4);
  expect(new TextDecoder().decode(avpOf(peer.last, 1)?.slice(4))).toBe("who are you?");
  expect(stage.last("tunnel-down")).toMatchObject({ wasUp: false, ending: { cause: "refused" } });
  expect(stage.statistics).toMatchObject({ tunnels: 0, closedTunnels: 0, halfOpen: 0 });
});

test("a refusal is said again when the same SCCRQ comes again, and nobody is asked again", () => {
  const stage = new Stage({ accept: () => ({ accept: false }) });
  const peer = new Peer(stage);
  const sccrq = control(
    { tunnelId: 0, ns: 0, nr: 0 },
    body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(5)),
  );
  peer.raw(sccrq);
  stage.pass(1_000);
  peer.raw(sccrq);
  expect(peer.types).toEqual(["StopCCN", "StopCCN"]);
  expect(stage.of("question")).toHaveLength(1);
});

test("a caller about whom nobody decides in time is refused with 2/4", () => {
  const stage = new Stage({ accept: false, questionMs: 5_000 });
  const peer = new Peer(stage);
  peer.sccrq();
  const token = stage.token();
  stage.pass(4_900);
  expect(peer.types).toEqual([]);
  stage.pass(200);
  expect(resultOf(peer.last)).toEqual([2, 4]);
  expect(stage.last("tunnel-down").ending.cause).toBe("undecided");
  expect(stage.endpoint.decide(stage.now, token, { accept: true })).toBe(false);
});

test("peers with the same settings share them; a decision gives a caller its own host name, secret and window", () => {
  const stage = new Stage({
    accept: (question) =>
      question.about === "peer"
        ? { accept: true, name: "branch", hostName: "hub", secrets: ["x"], transport: { windowSize: 4 } }
        : { accept: true },
  });
  const peer = new Peer(stage).establish("x");
  const sccrp = peer.heard.find(({ type }) => type === "SCCRP") as never;
  expect(new TextDecoder().decode(avpOf(sccrp, 7))).toBe("hub");
  expect(numberOf(sccrp, 10)).toBe(4);
  expect(stage.last("tunnel-up")).toMatchObject({ name: "branch", authenticated: true });
});

/** What real peers do, by the field notes: each with the leniency that it needs, seen in the status. */
import { expect, test } from "vitest";
import { A, lacWithSession, lnsWithSession, Peer, Stage } from "./stage.ts";
import { avp, avpOf, body, control, numberOf, response, text, u16 } from "./wire.ts";

const quirksOf = (stage: Stage) => stage.endpoint.tunnel(stage.last("tunnel-up").tunnel)?.quirks;

test("Windows: port 1701, vendor Microsoft, framing sync, bearer 0, window 8; its GUID AVP 311/1 is ignored and counted", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.say(
    "SCCRQ",
    A.version(),
    A.framing(1),
    A.bearerCapabilities(0),
    A.firmware(0x600),
    A.host("pc"),
    A.vendor("Microsoft"),
    A.tunnelId(77),
    A.window(8),
  );
  peer.say("SCCCN");
  peer.call(500, avp(1, new Array(16).fill(9), { m: 0, vendor: 311 }));
  expect(quirksOf(stage)).toEqual(["windows"]);
  expect(stage.of("session-up")).toHaveLength(1);
  expect(stage.statistics.vendorAvps).toBe(1);
});

test("macOS, iOS: a Result Code in the wrong byte order is understood, and flagged", () => {
  const { stage, peer, sessionId, tunnel } = lnsWithSession();
  peer.sayTo(sessionId, "CDN", avp(1, [3, 0, 0, 0]), A.sessionId(500));
  expect(stage.last("session-down").ending).toMatchObject({ result: 3 });
  expect(stage.endpoint.tunnel(tunnel)?.quirks).toContain("swapped-result");
});

test.each(["apple", "android"] as const)(
  "%s: no Hello is sent to a peer that would not answer it",
  (quirk) => {
    const stage = new Stage({
      accept: (question) => ({ accept: true, ...(question.about === "peer" && { quirks: [quirk] }) }),
    });
    const peer = new Peer(stage).establish();
    stage.pass(600_000);
    expect(peer.types).not.toContain("HELLO");
    expect(stage.of("tunnel-down")).toEqual([]);
    expect(quirksOf(stage)).toEqual([quirk]);
  },
);

test("iOS wakes: a new SCCRQ from the same address and port is a new tunnel, and the old one is asked whether it lives", () => {
  const stage = new Stage();
  const old = new Peer(stage).establish();
  old.acknowledges = false;
  const before = stage.last("tunnel-up").tunnel;
  const fresh = new Peer(stage, "192.0.2.1", 1701, 78);
  fresh.establish();
  expect(stage.of("tunnel-up")).toHaveLength(2);
  stage.pass(40_000);
  expect(stage.last("tunnel-down")).toMatchObject({ tunnel: before, ending: { cause: "hello-missed" } });
  expect(stage.of("tunnel-down")).toHaveLength(1);
});

test("Android rejects AVPs whose M bit should not be set: ours are mandatory only where the RFC demands it", () => {
  const { peer } = lacWithSession(
    { tunnel: { firmwareRevision: 1, bearerCapabilities: 1 } },
    { connected: { rxConnectSpeedBps: 1 }, request: { physicalChannelId: 1 } },
  );
  const sent = peer.heard.flatMap(({ avps }) => avps);
  const optional = [6, 8, 25, 37, 38];
  expect(sent.filter(({ type, m }) => (optional.includes(type) ? m === 1 : m === 0))).toEqual([]);
  expect(sent.filter(({ type }) => optional.includes(type)).length).toBeGreaterThanOrEqual(4);
});

test("Windows 98: Physical Channel ID with the M bit is known", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.icrq(500, A.channelId(1, 1));
  expect(peer.last.type).toBe("ICRP");
});

test("xl2tpd rejects what comes out of order: our messages leave in their order, within its window", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers(A.window(4));
  for (let n = 0; n < 20; n++) stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pass(2_000);
  const numbers = peer.heard.filter(({ type }) => type !== "ZLB").map(({ ns }) => ns);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  expect(peer.types.filter((type) => type === "ICRQ")).toHaveLength(20);
});

test("MikroTik: a Result Code AVP of 8 octets is taken, in CDN and StopCCN", () => {
  const { stage, peer, sessionId } = lnsWithSession();
  peer.sayTo(sessionId, "CDN", A.result(3), A.sessionId(500));
  expect(stage.last("session-down").ending).toMatchObject({ result: 3 });
  peer.say("StopCCN", A.tunnelId(77), A.result(6));
  expect(stage.last("tunnel-down").ending).toMatchObject({ result: 6 });
});

test("MikroTik: after the set-up its datagrams may come from any port, and ours go there", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.address = { ...peer.address, port: 40_000 };
  stage.peers.set("192.0.2.1:40000", peer);
  peer.say("HELLO");
  stage.pass(50);
  expect(stage.sent.at(-1)?.to).toBe("192.0.2.1:40000");
  expect(stage.last("peer-moved").after.port).toBe(40_000);
  expect(stage.intent("move-tunnel")).toMatchObject({ peer: { port: 40_000 } });
});

test("Cisco: a window of 800 is honoured up to our own limit; nothing is hidden in an SCCRQ", () => {
  const stage = new Stage({ tunnel: { secrets: ["x"], hiding: "send" } });
  const peer = new Peer(stage);
  stage.dial(peer);
  expect(peer.last.avps.every(({ h }) => h === 0)).toBe(true);
  const plain = new Stage();
  const cisco = new Peer(plain).establish(undefined, A.window(800));
  expect(cisco.types).toEqual(["SCCRP"]);
  expect(plain.endpoint.tunnel(plain.last("tunnel-up").tunnel)?.channel?.window).toBe(16);
});

test("Juniper: at least 16 retransmissions, brought by its vendor name; CDN 2/4 means another LNS may do", () => {
  const stage = new Stage({ tunnel: { transport: { helloJitter: 0 } } });
  const peer = new Peer(stage).establish(undefined, A.vendor("Juniper Networks"));
  expect(quirksOf(stage)).toEqual(["juniper"]);
  peer.acknowledges = false;
  stage.endpoint.sendHello(stage.now, stage.last("tunnel-up").tunnel);
  stage.pass(100_000);
  expect(stage.of("tunnel-down")).toEqual([]);
  expect(peer.types.filter((type) => type === "HELLO").length).toBeGreaterThan(10);
});

test("Nokia: proxy AVPs go out complete", () => {
  const octets = Uint8Array.of(1, 4, 5, 0xdc);
  const { peer } = lacWithSession(
    {},
    {
      connected: {
        initialReceivedLcpConfreq: octets,
        lastSentLcpConfreq: octets,
        lastReceivedLcpConfreq: octets,
        proxyAuthenType: 2,
        proxyAuthenName: "u",
        proxyAuthenChallenge: octets,
        proxyAuthenId: { id: 3 },
        proxyAuthenResponse: octets,
      },
    },
  );
  expect(peer.last.avps.map(({ type }) => type)).toEqual(
    expect.arrayContaining([26, 27, 28, 29, 30, 31, 32, 33]),
  );
  expect([...(avpOf(peer.last, 32) ?? [])]).toEqual([0, 3]);
});

test("Huawei: Receive Window Size 0 is taken as 4, and shown", () => {
  const stage = new Stage();
  new Peer(stage).establish(undefined, A.window(0), A.vendor("Huawei Technologies"));
  expect(quirksOf(stage)).toEqual(["huawei", "zero-window"]);
  expect(stage.endpoint.tunnel(stage.last("tunnel-up").tunnel)?.channel?.window).toBe(4);
});

test.each([
  [1, 1],
  [4, 4],
  [undefined, 4],
  [65_535, 16],
] as const)("a peer's window of %s is %i for us (RFC 2661 §4.4.3)", (said, expected) => {
  const stage = new Stage();
  new Peer(stage).establish(undefined, ...(said === undefined ? [] : [A.window(said)]));
  expect(stage.endpoint.tunnel(stage.last("tunnel-up").tunnel)?.channel?.window).toBe(expected);
});

test("Meraki: SLI is never fatal, whatever end it comes to", () => {
  const { stage, peer, sessionId } = lnsWithSession();
  peer.sayTo(sessionId, "SLI", A.accm(0, 0));
  peer.say("SLI", A.accm(0, 0));
  expect(stage.of("link-info")).toEqual([]);
  expect(stage.statistics).toMatchObject({ tunnelsUp: 1, sessionsUp: 1 });
});

test("Watchguard: control messages out of order at set-up are put in order", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.sccrq();
  const [scccn, icrq] = [
    peer.make(0, body("SCCCN")),
    peer.make(0, body("ICRQ", A.sessionId(5), A.serial(1))),
  ];
  peer.raw(icrq);
  expect(stage.of("tunnel-up")).toEqual([]);
  peer.raw(scccn);
  expect(stage.of("tunnel-up")).toHaveLength(1);
  expect(peer.last.type).toBe("ICRP");
});

test("D-Link DIR-300: Tunnel ID 0 in later messages is dropped, and taken from a peer with the quirk for it", () => {
  for (const quirks of [[], ["dlink"]] as const) {
    const stage = new Stage({
      accept: (question) => ({ accept: true, ...(question.about === "peer" && { quirks }) }),
    });
    const peer = new Peer(stage);
    peer.sccrq();
    peer.raw(control({ tunnelId: 0, ns: 1, nr: 1 }, body("SCCCN")));
    peer.raw(control({ tunnelId: 0, ns: 2, nr: 1 }, body("ICRQ", A.sessionId(5), A.serial(1))));
    stage.pass(100);
    expect(stage.of("tunnel-up")).toHaveLength(quirks.length);
    expect(peer.types.includes("ICRP")).toBe(quirks.length === 1);
  }
});

test("mpd5: AVPs of other messages in an SCCCN do no harm", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.sccrq();
  peer.say("SCCCN", A.host("mpd"), A.framing());
  expect(stage.of("tunnel-up")).toHaveLength(1);
});

test("an LNS that answers from another port is followed; from another address by policy only, and after it has shown the secret", () => {
  for (const [address, port, peerAddress, secrets, up] of [
    ["192.0.2.1", 50_000, "strict", [], true],
    ["192.0.2.9", 1_701, "port", [], false],
    ["192.0.2.9", 1_701, "roam", [], false],
    ["192.0.2.9", 1_701, "roam", ["x"], true],
  ] as const) {
    const stage = new Stage();
    const peer = new Peer(stage);
    stage.dial(peer, { peerAddress, secrets });
    const challenge = avpOf(peer.last, 11);
    peer.address = { ...peer.address, address, port };
    stage.peers.set(`${address}:${port}`, peer);
    const proof = challenge === undefined ? [] : [A.response(response(2, "x", challenge))];
    peer.answers(...proof);
    expect([address, peerAddress, stage.of("tunnel-up").length]).toEqual([address, peerAddress, up ? 1 : 0]);
    if (up) expect(stage.sent.at(-1)?.to).toBe(`${address}:${port}`);
    else expect(stage.statistics.discards.wrongAddress).toBeGreaterThan(0);
  }
});

test("tolerated unknown mandatory AVPs, and missing ones, are switches for a peer", () => {
  const stage = new Stage({ tunnel: { quirks: ["unknown-mandatory", "missing-avps"] } });
  const peer = new Peer(stage);
  peer.say("SCCRQ", A.version(), A.host("p"), A.tunnelId(77), avp(9_999, [1]));
  expect(peer.last.type).toBe("SCCRP");
});

test("corner case 2: the ICRQ comes while the SCCCN is not acknowledged yet", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.sccrq();
  peer.raw(peer.make(0, body("SCCCN")), false);
  peer.raw(peer.make(0, body("ICRQ", A.sessionId(5), A.serial(1))), false);
  stage.pump();
  expect(peer.last.type).toBe("ICRP");
});

test("corner case 7: an SCCRQ that is sent again is the same tunnel; with another Assigned Tunnel ID it is a new one", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const avps = (id: number) => body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(id));
  for (const id of [5, 5, 5, 6]) peer.raw(control({ tunnelId: 0, ns: 0, nr: 0 }, avps(id)));
  expect(stage.of("question")).toHaveLength(2);
  expect(stage.statistics).toMatchObject({ tunnels: 2, discards: { duplicateSccrq: 2 } });
});

test("corner case 9: Ns wraps from 65,535 to 0 with window 1", () => {
  const stage = new Stage({ tunnel: { transport: { windowSize: 1, ackDelayMs: 0 } } });
  const peer = new Peer(stage).establish(undefined, A.window(1));
  const session = peer.call(500);
  while (peer.ns !== 3)
    peer.raw(peer.make(session, body("WEN", A.callErrors(0, 0, 0, 0, 0, peer.ns))), peer.ns % 64 === 0);
  stage.pump();
  expect(stage.of("wan-errors").length).toBeGreaterThan(65_500);
  expect(stage.statistics.sessionsUp).toBe(1);
});

test("corner case 11: no Hello while messages of ours are on their way", () => {
  const stage = new Stage({
    tunnel: { transport: { helloTimeoutMs: 1_000, helloJitter: 0, maxRetries: 8 } },
  });
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers();
  peer.acknowledges = false;
  stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pass(10_000);
  expect(peer.types).not.toContain("HELLO");
});

test("corner case 12: an unknown Message Type without M bit is acknowledged and ignored", () => {
  const { stage, peer } = lnsWithSession();
  peer.raw(peer.make(0, avp(0, u16(99), { m: 0 })));
  stage.pass(100);
  expect(peer.heard.at(-1)).toMatchObject({ type: "ZLB", nr: peer.ns });
  expect(stage.statistics).toMatchObject({ tunnelsUp: 1, sessionsUp: 1, unsupportedMessages: 1 });
});

test("corner case 13: SLI, WEN, CSUN and CSURQ at the wrong end, or for nobody, do no harm", () => {
  const { stage, peer, sessionId } = lacWithSession();
  peer.sayTo(sessionId, "WEN", A.callErrors(1, 2, 3, 4, 5, 6));
  peer.say("CSUN", avp(97, [0, 0, 9, 9, 0, 0, 0, 1, 0, 0, 0, 1], { m: 0 }));
  peer.say("CSURQ", avp(97, [0, 0, 9, 9, 0, 0, 0, 1, 0, 0, 0, 1], { m: 0 }));
  expect(stage.of("wan-errors")).toEqual([]);
  expect(stage.statistics).toMatchObject({ tunnelsUp: 1, sessionsUp: 1 });
});

test("corner case 14: the LAC says that it is connected when its data plane is there, and the LNS's is asked before the ICCN", () => {
  const stage = new Stage({ planes: false });
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers();
  stage.endpoint.planeReady(stage.now, stage.intent("set-up-tunnel").token);
  stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pump();
  peer.sayTo(numberOf(peer.last, 14) as number, "ICRP", A.sessionId(5));
  expect(peer.types).not.toContain("ICCN");
  stage.endpoint.planeReady(stage.now, stage.intent("set-up-session").token);
  stage.pass(10);
  expect(peer.last.type).toBe("ICCN");
  const lns = new Stage({ planes: false });
  const caller = new Peer(lns).establish();
  lns.endpoint.planeReady(lns.now, lns.intent("set-up-tunnel").token);
  caller.icrq(500);
  expect(lns.intent("set-up-session")).toMatchObject({ plane: { peerSessionId: 500 }, role: "lns" });
});

test("corner case 15: data for an unknown session is counted, never answered", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.raw(Uint8Array.of(0x00, 0x02, 0, 9, 0, 9, 0xff, 0x03, 0xc0, 0x21));
  expect(stage.sent).toEqual([]);
  expect(stage.statistics.discards.unexpectedData).toBe(1);
});

test("corner case 17: a host name of odd length", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.say("SCCRQ", A.version(), avp(7, text("odd")), A.framing(), A.tunnelId(77));
  expect(stage.last("question")).toMatchObject({ peer: { hostName: "odd", vendorName: "" } });
});

test("corner case: a StopCCN whose Assigned Tunnel ID is wrong ends the tunnel that its header names", () => {
  const { stage, peer } = lnsWithSession();
  peer.say("StopCCN", A.tunnelId(4_000), A.result(1));
  expect(stage.of("tunnel-down")).toHaveLength(1);
  expect(stage.statistics.mismatchedIds).toBe(1);
});

test("a StopCCN with Tunnel ID 0, right after the SCCRQ, finds its tunnel by Assigned Tunnel ID (RFC 2661 §4.4.3)", () => {
  const stage = new Stage({ accept: false });
  const peer = new Peer(stage);
  peer.sccrq();
  peer.raw(control({ tunnelId: 0, ns: 1, nr: 0 }, body("StopCCN", A.tunnelId(77), A.result(6))));
  expect(stage.last("tunnel-down").ending).toMatchObject({ by: "peer", result: 6 });
});

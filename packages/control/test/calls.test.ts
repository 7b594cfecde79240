/** RFC 2661 §5.2, §5.4, §5.6, §6.6 … §6.14: calls. */
import { expect, test } from "vitest";
import { A, lacWithSession, lnsWithSession, Peer, Stage } from "./stage.ts";
import { avp, avpOf, numberOf, resultOf, text, u16, u32 } from "./wire.ts";

const placing = { tunnel: { acceptOutgoing: true, bearerCapabilities: 3 } } as const;

test("ICRQ, ICRP, ICCN bring an incoming call up at the LNS (RFC 2661 §5.2.1)", () => {
  const { stage, peer, sessionId } = lnsWithSession();
  const icrp = peer.heard.find(({ type }) => type === "ICRP");
  expect(icrp).toMatchObject({ sessionId: 500 });
  expect(numberOf(icrp as never, 14)).toBe(sessionId);
  expect(stage.last("session-up")).toMatchObject({ kind: "lns-incoming", sessionId, peerSessionId: 500 });
});

test("ICRQ, ICRP, ICCN bring an incoming call up at the LAC, the ICRQ with Session ID 0 (RFC 2661 §5.2.1, §5.3)", () => {
  const { stage, peer, sessionId } = lacWithSession();
  const [icrq, iccn] = ["ICRQ", "ICCN"].map((name) => peer.heard.find(({ type }) => type === name));
  expect(icrq).toMatchObject({ sessionId: 0, tunnelId: 77 });
  expect(iccn).toMatchObject({ sessionId: 600 });
  expect(iccn?.avps.map(({ type }) => type)).toEqual([0, 24, 19]);
  expect(stage.last("session-up")).toMatchObject({ kind: "lac-incoming", sessionId, peerSessionId: 600 });
});

test("OCRQ, OCRP, OCCN bring an outgoing call up at the LNS (RFC 2661 §5.2.2)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish(undefined, A.bearerCapabilities(3));
  const { tunnel } = stage.last("tunnel-up");
  const request = {
    minimumBps: 1,
    maximumBps: 2,
    bearerType: 1,
    framingType: 1,
    calledNumber: "123",
    subAddress: "9",
  };
  stage.endpoint.openSession(stage.now, tunnel, { kind: "outgoing", request });
  stage.pump();
  expect(peer.last).toMatchObject({ type: "OCRQ", sessionId: 0 });
  expect(peer.last.avps.map(({ type }) => type)).toEqual([0, 14, 15, 16, 17, 18, 19, 21, 23]);
  const ours = numberOf(peer.last, 14) as number;
  peer.sayTo(ours, "OCRP", A.sessionId(700), A.channelId(3));
  expect(stage.of("session-up")).toEqual([]);
  peer.occn(ours, A.sequencingRequired());
  expect(stage.last("session-up")).toMatchObject({
    kind: "lns-outgoing",
    peerSessionId: 700,
    sequencingRequired: true,
  });
  expect(stage.last("session-up").reply).toMatchObject({ physicalChannelId: 3 });
  expect(stage.last("session-up").connected).toMatchObject({ txConnectSpeedBps: 1e6 });
});

test("OCRQ, OCRP, then the bearer's answer, OCCN, bring an outgoing call up at the LAC (RFC 2661 §5.2.2)", () => {
  const stage = new Stage(placing);
  const peer = new Peer(stage).establish();
  peer.ocrq(800);
  expect(peer.last).toMatchObject({ type: "OCRP", sessionId: 800 });
  const { session, request } = stage.last("place-call");
  expect(request).toMatchObject({ calledNumber: "12345", maximumBps: 1e6 });
  stage.endpoint.answerCall(stage.now, session, {
    txConnectSpeedBps: 64_000,
    framingType: 1,
    rxConnectSpeedBps: 32_000,
  });
  stage.pump();
  expect(peer.last).toMatchObject({ type: "OCCN", sessionId: 800 });
  expect([24, 19, 38].map((type) => numberOf(peer.last, type))).toEqual([64_000, 1, 32_000]);
  expect(stage.last("session-up")).toMatchObject({ kind: "lac-outgoing" });
});

test.each([
  ["no carrier", 7],
  ["busy", 8],
  ["no dial tone", 9],
  ["not in time", 10],
  ["no framing", 11],
])(
  "a call that could not be placed (%s) ends with CDN %i and its Q.931 cause (RFC 2661 §4.4.2)",
  (_, result) => {
    const stage = new Stage(placing);
    const peer = new Peer(stage).establish();
    peer.ocrq(800);
    const { session } = stage.last("place-call");
    stage.endpoint.failCall(stage.now, session, { result, q931: { cause: 17, message: 69, text: "busy" } });
    stage.pump();
    expect(peer.last).toMatchObject({ type: "CDN", sessionId: 800 });
    expect(resultOf(peer.last)[0]).toBe(result);
    expect([...(avpOf(peer.last, 12) ?? [])]).toEqual([0, 17, 69, ...text("busy")]);
    expect(stage.last("session-down").ending).toMatchObject({ cause: "bearer", q931: { cause: 17 } });
  },
);

test("the numbers, bearer, channel and line of an ICRQ arrive with the question", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.icrq(
    500,
    A.bearerType(1),
    A.channelId(42),
    A.calling("5551234"),
    A.called("5559999"),
    A.subAddress("77"),
    avp(1, text("dslam-1"), { m: 0, vendor: 3561 }),
    avp(129, [0, 0, 0, 0, ...u32(8_000_000)], { m: 0, vendor: 3561 }),
  );
  expect(stage.last("question")).toMatchObject({
    about: "incoming-call",
    request: {
      callSerialNumber: 500,
      bearerType: 1,
      physicalChannelId: 42,
      callingNumber: "5551234",
      calledNumber: "5559999",
      subAddress: "77",
    },
  });
  expect(Object.keys((stage.last("question") as { request: object }).request)).toContain(
    "accessLineAgentCircuitId",
  );
});

test("the same go out in an ICRQ of ours", () => {
  const { peer } = lacWithSession(
    {},
    {
      callSerialNumber: 7,
      request: {
        bearerType: 2,
        callingNumber: "1",
        calledNumber: "2",
        subAddress: "3",
        physicalChannelId: 4,
      },
      connected: {
        txConnectSpeedBps: 1e5,
        rxConnectSpeedBps: 2e5,
        framingType: 2,
        privateGroupId: Uint8Array.from(text("red")),
      },
    },
  );
  const icrq = peer.heard.find(({ type }) => type === "ICRQ") as never;
  expect([15, 18, 25].map((type) => numberOf(icrq, type))).toEqual([7, 2, 4]);
  expect([22, 21, 23].map((type) => new TextDecoder().decode(avpOf(icrq, type)))).toEqual(["1", "2", "3"]);
  const iccn = peer.last;
  expect([24, 19, 38].map((type) => numberOf(iccn, type))).toEqual([1e5, 2, 2e5]);
  expect([...(avpOf(iccn, 37) ?? [])]).toEqual(text("red"));
});

test("call serial numbers count up (RFC 2661 §4.4.4)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers();
  for (let n = 0; n < 3; n++) stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pass(1_000);
  const serials = peer.heard
    .filter(({ type }) => type === "ICRQ")
    .map((icrq) => numberOf(icrq, 15) as number);
  expect(serials.map((serial) => (serial - (serials[0] as number)) >>> 0)).toEqual([0, 1, 2]);
});

test("proxy LCP and authentication arrive with the session, and a password shows in no log (RFC 2661 §4.4.5)", () => {
  const { stage } = (() => {
    const stage = new Stage();
    const peer = new Peer(stage).establish();
    peer.call(
      500,
      avp(26, [1, 4, 5, 0xdc], { m: 0 }),
      avp(27, [3, 4, 0xc0, 0x23], { m: 0 }),
      avp(28, [1, 4, 5, 0xdc], { m: 0 }),
      avp(29, [0, 3], { m: 0 }),
      avp(30, text("user@isp"), { m: 0 }),
      avp(32, [0, 9], { m: 0 }),
      avp(33, text("hunter2"), { m: 0 }),
    );
    return { stage };
  })();
  const { proxy, connected } = stage.last("session-up");
  expect(proxy).toMatchObject({ authenType: 3, authenName: "user@isp", authenId: 9 });
  expect(new TextDecoder().decode(proxy?.authenResponse)).toBe("hunter2");
  expect([...(proxy?.lastSentLcpConfreq ?? [])]).toEqual([3, 4, 0xc0, 0x23]);
  expect(JSON.stringify(stage.events)).not.toContain("hunter2");
  expect(connected).not.toHaveProperty("proxyAuthenResponse");
});

test("a Proxy Authen Challenge may be longer than 24 octets (Juniper)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.call(500, avp(29, [0, 2], { m: 0 }), avp(31, new Array(200).fill(5), { m: 0 }));
  expect(stage.last("session-up").proxy?.authenChallenge).toHaveLength(200);
});

test("what proxy authentication needs must be there when we send it (RFC 2661 §4.4.5)", () => {
  const stage = new Stage();
  const tunnel = stage.dial(new Peer(stage));
  const open = () =>
    stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming", connected: { proxyAuthenType: 2 } });
  expect(open).toThrow(/proxyAuthenName, proxyAuthenChallenge, proxyAuthenId, proxyAuthenResponse/);
});

test("CDN goes to the peer's Session ID, has ours as Assigned Session ID, and ends one session only (RFC 2661 §6.12)", () => {
  const { stage, peer, session, sessionId } = lnsWithSession();
  peer.call(501);
  stage.endpoint.closeSession(stage.now, session);
  stage.pump();
  expect(peer.last).toMatchObject({ type: "CDN", sessionId: 500 });
  expect(numberOf(peer.last, 14)).toBe(sessionId);
  expect(resultOf(peer.last)[0]).toBe(3);
  expect(stage.of("session-down")).toHaveLength(1);
  expect(stage.statistics).toMatchObject({ sessions: 1, tunnels: 1 });
});

test("a CDN is not answered, and its reasons arrive: result, error, text, Q.931 cause, PPP cause (RFC 2661 §6.12, RFC 3145)", () => {
  const { stage, peer, sessionId } = lnsWithSession();
  peer.clear();
  peer.sayTo(
    sessionId,
    "CDN",
    A.result(2, 6, "line cut"),
    A.sessionId(500),
    A.q931(16, 69, "bye"),
    avp(46, [0, 16, 0xc2, 0x23, 1, ...text("bad name")], { m: 0 }),
  );
  stage.pass(100);
  expect(peer.types).toEqual([]);
  expect(stage.last("session-down").ending).toMatchObject({
    by: "peer",
    cause: "peer-close",
    message: "CDN",
    result: 2,
    error: 6,
    text: "line cut",
    q931: { cause: 16, message: 69, text: "bye" },
    disconnect: { code: 16, protocol: 0xc223, direction: 1, text: "bad name" },
  });
});

test("a CDN of ours carries a PPP Disconnect Cause Code (RFC 3145)", () => {
  const { stage, peer, session } = lnsWithSession();
  stage.endpoint.closeSession(stage.now, session, {
    result: 3,
    disconnect: { code: 3, protocol: 0, direction: 2 },
  });
  stage.pump();
  expect([...(avpOf(peer.last, 46) ?? [])]).toEqual([0, 3, 0, 0, 2]);
});

test("a CDN with Session ID 0 is found by its Assigned Session ID: the LAC gave up before it learnt ours", () => {
  const stage = new Stage({
    accept: (question) => (question.about === "peer" ? { accept: true } : undefined),
  });
  const peer = new Peer(stage).establish();
  peer.icrq(500);
  peer.say("CDN", A.result(1), A.sessionId(500));
  expect(stage.last("session-down")).toMatchObject({
    wasUp: false,
    ending: { by: "peer", cause: "peer-refused" },
  });
  expect(stage.statistics.sessions).toBe(0);
});

test("'try another' of an LNS shows, and so does 'no resources' (RFC 2661 §4.4.2, Juniper)", () => {
  for (const error of [7, 4]) {
    const stage = new Stage();
    const peer = new Peer(stage);
    const tunnel = stage.dial(peer);
    peer.answers();
    stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
    stage.pump();
    const ours = numberOf(peer.last, 14) as number;
    peer.sayTo(ours, "CDN", A.result(2, error), A.sessionId(1));
    expect(stage.last("session-down").ending).toMatchObject({ tryAnother: true, cause: "try-another" });
  }
});

test("a carrier that is lost ends the call with CDN 1, at either end", () => {
  const lac = lacWithSession();
  lac.stage.endpoint.dropCarrier(lac.stage.now, lac.session);
  lac.stage.pump();
  expect(resultOf(lac.peer.last)[0]).toBe(1);
  const lns = lnsWithSession();
  lns.stage.endpoint.dropCarrier(lns.stage.now, lns.session);
  lns.stage.pump();
  expect(resultOf(lns.peer.last)[0]).toBe(1);
});

test("a refused call gets CDN 3, or what the decision says", () => {
  for (const [decision, result] of [
    [{}, 3],
    [{ result: 6, text: "nobody there" }, 6],
  ] as const) {
    const stage = new Stage({
      accept: (question) => (question.about === "peer" ? { accept: true } : { accept: false, ...decision }),
    });
    const peer = new Peer(stage).establish();
    peer.icrq(500);
    expect(peer.last).toMatchObject({ type: "CDN", sessionId: 500 });
    expect(resultOf(peer.last)[0]).toBe(result);
    expect(stage.last("session-down").ending.cause).toBe("refused");
    expect(stage.of("tunnel-down")).toEqual([]);
  }
});

test("a call about which nobody decides in time gets CDN 4", () => {
  const stage = new Stage({
    questionMs: 3_000,
    accept: (question) => (question.about === "peer" ? { accept: true } : undefined),
  });
  const peer = new Peer(stage).establish();
  peer.icrq(500);
  stage.pass(3_100);
  expect(resultOf(peer.last)[0]).toBe(4);
  expect(stage.last("session-down").ending.cause).toBe("undecided");
});

test("an ICRQ without ICCN ends after the set-up time with CDN", () => {
  const stage = new Stage({ tunnel: { sessionSetupMs: 10_000 } });
  const peer = new Peer(stage).establish();
  peer.icrq(500);
  stage.pass(10_100);
  expect(resultOf(peer.last)[0]).toBe(4);
  expect(stage.last("session-down").ending.cause).toBe("set-up-timeout");
  expect(stage.endpoint.tunnel(stage.last("tunnel-up").tunnel)?.sessions).toBe(0);
});

test("a session may be opened before its tunnel is up, and is when that is (RFC 2661 §5.1, §7.4.1)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pump();
  expect(peer.types).toEqual(["SCCRQ"]);
  peer.answers();
  stage.pass(100);
  expect(peer.types).toEqual(["SCCRQ", "SCCCN", "ICRQ"]);
});

test("a session whose tunnel never comes up ends without a message", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  peer.say("StopCCN", A.tunnelId(77), A.result(4));
  stage.pump();
  peer.sayTo(0, "HELLO");
  stage.pass(40_000);
  expect(peer.types).not.toContain("ICRQ");
  expect(stage.of("session-down")).toHaveLength(1);
});

test("an outgoing call needs the peer's Bearer Capabilities, and bits that it has (RFC 2661 §6.9, §4.4.4 MUST)", () => {
  const request = { minimumBps: 1, maximumBps: 2, bearerType: 2, framingType: 1, calledNumber: "1" };
  for (const [avps, expected] of [
    [[], /no Bearer Capabilities/],
    [[A.bearerCapabilities(1)], /bearerType/],
  ] as const) {
    const stage = new Stage();
    new Peer(stage).establish(undefined, ...avps);
    const { tunnel } = stage.last("tunnel-up");
    expect(() => stage.endpoint.openSession(stage.now, tunnel, { kind: "outgoing", request })).toThrow(
      expected,
    );
  }
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  stage.endpoint.openSession(stage.now, tunnel, { kind: "outgoing", request });
  peer.answers();
  expect(stage.last("session-down").ending.text).toMatch(/no Bearer Capabilities/);
  expect(peer.types).not.toContain("OCRQ");
});

test("Framing Type that the peer cannot do is not asked for (RFC 2661 §4.4.3 MUST NOT)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.say("SCCRP", A.version(), A.framing(2), A.host("p"), A.tunnelId(77));
  const open = (framingType: number) =>
    stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming", connected: { framingType } });
  expect(() => open(1)).toThrow(/Framing Capabilities/);
  stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pass(100);
  peer.sayTo(numberOf(peer.last, 14) as number, "ICRP", A.sessionId(5));
  expect(numberOf(peer.last, 19)).toBe(2);
});

test.each([["ICCN with a Framing Type we do not have", 5]])("%s is refused with CDN %i", (_, result) => {
  const stage = new Stage({ tunnel: { framingCapabilities: 1 } });
  const peer = new Peer(stage).establish();
  peer.icrq(500);
  const session = numberOf(peer.last, 14) as number;
  peer.sayTo(session, "ICCN", A.txSpeed(1), A.framingType(2));
  expect(resultOf(peer.last)[0]).toBe(result);
});

test.each([
  ["framing", { framingCapabilities: 2 }],
  ["bearer", { bearerCapabilities: 2 }],
])("an OCRQ with a %s type that we did not advertise is refused with CDN 5", (_, settings) => {
  const stage = new Stage({ tunnel: { acceptOutgoing: true, bearerCapabilities: 3, ...settings } });
  const peer = new Peer(stage).establish();
  peer.ocrq(800);
  expect(resultOf(peer.last)[0]).toBe(5);
  expect(stage.of("question").filter(({ about }) => about !== "peer")).toEqual([]);
});

test("Sequencing Required: the data plane is told, and an LNS cannot switch it off (RFC 2661 §5.4 MUST)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.call(500, A.sequencingRequired());
  const { session, sequencingRequired } = stage.last("session-up");
  expect(sequencingRequired).toBe(true);
  expect(stage.intent("update-session")).toMatchObject({ sendSequence: true, receiveSequence: true });
  expect(() => stage.endpoint.setSequencing(stage.now, session, false)).toThrow(/required/);
});

test("a LAC that requires sequencing says so in the ICCN, and its data plane does it from the start", () => {
  const { stage, peer } = lacWithSession({}, { connected: { sequencingRequired: true } });
  expect(avpOf(peer.last, 39)).toHaveLength(0);
  expect(stage.intent("set-up-session")).toMatchObject({
    plane: { sendSequence: true, receiveSequence: true },
  });
});

test("an LNS may number from the first data message on, and a LAC as long as its LNS does (RFC 2661 §5.4)", () => {
  const accept = () => ({ accept: true, sendSequence: true });
  const lns = new Stage({ accept });
  new Peer(lns).establish().call(500);
  expect(lns.intent("set-up-session")).toMatchObject({
    plane: { sendSequence: true, receiveSequence: false },
  });
  const lac = lacWithSession({}, { sendSequence: true });
  expect(lac.stage.intent("set-up-session")).toMatchObject({
    plane: { sendSequence: true, receiveSequence: false },
  });
  // It asks for nothing: it only begins with numbers.
  expect(avpOf(lac.peer.last, 39)).toBeUndefined();
});

test("a LAC whose answer requires numbers tells the data plane that had the session before", () => {
  const stage = new Stage(placing);
  new Peer(stage).establish().ocrq(800);
  expect(stage.intent("set-up-session")).toMatchObject({ plane: { sendSequence: false } });
  const { session } = stage.last("place-call");
  stage.endpoint.answerCall(stage.now, session, { sequencingRequired: true });
  stage.pump();
  expect(stage.intent("update-session")).toMatchObject({ sendSequence: true, receiveSequence: true });
});

test("the LNS switches sequencing on and off while the call lasts (RFC 2661 §5.4)", () => {
  const { stage, session } = lnsWithSession();
  for (const on of [true, false, true]) {
    stage.endpoint.setSequencing(stage.now, session, on);
    stage.pump();
    expect(stage.intent("update-session")).toMatchObject({ sendSequence: on, receiveSequence: false });
    expect(stage.last("sequencing").on).toBe(on);
    expect(stage.endpoint.session(session)?.sequencing).toBe(on);
  }
});

test("what a LAC's data plane has followed shows in its status and as an event, once; no intent comes of it (RFC 2661 §5.4)", () => {
  const { stage, session } = lacWithSession();
  for (const on of [true, true, false, false, true]) {
    stage.endpoint.noteSequencing(session, on);
    stage.pump();
    expect(stage.endpoint.session(session)?.sequencing).toBe(on);
  }
  expect(stage.of("sequencing").map(({ on }) => on)).toEqual([true, false, true]);
  expect(stage.of("intent").filter(({ intent }) => intent === "update-session")).toEqual([]);
});

test("an LNS follows nobody, nor does a LAC whose call requires numbers, nor a call that has ended", () => {
  const lns = lnsWithSession();
  lns.stage.endpoint.noteSequencing(lns.session, true);
  const required = lacWithSession({}, { connected: { sequencingRequired: true } });
  required.stage.endpoint.noteSequencing(required.session, false);
  const ended = lacWithSession();
  ended.stage.endpoint.closeSession(ended.stage.now, ended.session);
  ended.stage.endpoint.noteSequencing(ended.session, true);
  for (const { stage } of [lns, required, ended]) {
    stage.pump();
    expect(stage.of("sequencing")).toEqual([]);
  }
});

test("SLI reaches the LAC with both ACCMs, at any time of the call (RFC 2661 §6.14 MUST)", () => {
  const { stage, peer, sessionId } = lacWithSession();
  peer.sayTo(sessionId, "SLI", A.accm(0xa0000, 0xffffffff));
  stage.pass(3_600_000 * 2);
  peer.sayTo(sessionId, "SLI", A.accm(0, 0));
  expect(stage.of("link-info").map(({ info }) => info.accm)).toEqual([
    { sendAccm: 0xa0000, receiveAccm: 0xffffffff },
    { sendAccm: 0, receiveAccm: 0 },
  ]);
});

test("an LNS sends SLI; a LAC that tries is told why not", () => {
  const { stage, peer, session } = lnsWithSession();
  stage.endpoint.setLinkInfo(stage.now, session, { accm: { sendAccm: 1, receiveAccm: 2 } });
  stage.pump();
  expect(peer.last).toMatchObject({ type: "SLI", sessionId: 500 });
  expect([...(avpOf(peer.last, 35) ?? [])]).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
  const lac = lacWithSession();
  expect(() =>
    lac.stage.endpoint.setLinkInfo(lac.stage.now, lac.session, { accm: { sendAccm: 1, receiveAccm: 2 } }),
  ).toThrow(/LNS/);
});

test("WEN reaches the LNS with its six counters (RFC 2661 §6.13)", () => {
  const { stage, peer, sessionId } = lnsWithSession();
  peer.sayTo(sessionId, "WEN", A.callErrors(1, 2, 3, 4, 5, 6));
  expect(stage.last("wan-errors").errors).toEqual({
    crcErrors: 1,
    framingErrors: 2,
    hardwareOverruns: 3,
    bufferOverruns: 4,
    timeoutErrors: 5,
    alignmentErrors: 6,
  });
});

test("a LAC sends WEN at most once every 60 seconds (RFC 2661 §6.13)", () => {
  const { stage, peer, session } = lacWithSession();
  const errors = {
    crcErrors: 1,
    framingErrors: 0,
    hardwareOverruns: 0,
    bufferOverruns: 0,
    timeoutErrors: 0,
    alignmentErrors: 0,
  };
  expect(stage.endpoint.reportErrors(stage.now, session, errors)).toBe(true);
  stage.pass(59_000);
  expect(stage.endpoint.reportErrors(stage.now, session, errors)).toBe(false);
  stage.pass(1_100);
  expect(stage.endpoint.reportErrors(stage.now, session, errors)).toBe(true);
  stage.pass(100);
  expect(peer.types.filter((type) => type === "WEN")).toHaveLength(2);
});

test("connect speeds change and are asked for while the call lasts (CSUN, CSURQ, RFC 5515)", () => {
  const lns = lnsWithSession();
  lns.peer.say("CSUN", avp(97, [0, 0, ...u16(lns.sessionId), ...u32(9), ...u32(8)], { m: 0 }));
  expect(lns.stage.last("speed-update")).toMatchObject({ txBps: 9n, rxBps: 8n });
  lns.stage.endpoint.requestSpeed(lns.stage.now, lns.session);
  lns.stage.pump();
  expect(lns.peer.last.type).toBe("CSURQ");
  const lac = lacWithSession();
  lac.stage.endpoint.reportSpeed(lac.stage.now, lac.session, 100n, 200n);
  lac.stage.pump();
  expect([...(avpOf(lac.peer.last, 97) ?? [])]).toEqual([0, 0, 2, 88, ...u32(100), ...u32(200)]);
  lac.peer.say("CSURQ", avp(97, [0, 0, ...u16(lac.sessionId), ...u32(0), ...u32(0)], { m: 0 }));
  expect(lac.stage.last("speed-request")).toMatchObject({ session: lac.session });
});

test("modem on hold is reported to a peer that knows it, and from one (MDMST, RFC 3573)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers(avp(53, [], { m: 0 }));
  const session = stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pass(10);
  peer.sayTo(numberOf(peer.last, 14) as number, "ICRP", A.sessionId(9));
  stage.endpoint.reportModemStatus(stage.now, session, 0x8003);
  stage.pump();
  expect(numberOf(peer.last, 54)).toBe(0x8003);
  const lns = lnsWithSession();
  lns.peer.sayTo(lns.sessionId, "MDMST", avp(54, [0x80, 1], { m: 0 }));
  expect(lns.stage.last("modem-status").status).toBe(0x8001);
  const mute = lacWithSession();
  expect(() => mute.stage.endpoint.reportModemStatus(mute.stage.now, mute.session, 0)).toThrow(
    /Modem On-Hold Capable/,
  );
});

test("two sessions whose peer gives both the same ID do not come up together", () => {
  const { stage, peer, tunnel } = lacWithSession();
  stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pump();
  peer.sayTo(numberOf(peer.last, 14) as number, "ICRP", A.sessionId(600));
  expect(resultOf(peer.last)).toEqual([2, 3]);
  expect(stage.statistics.sessions).toBe(1);
});

test("an ICRQ with a Call Serial Number that was there before is another call: serials are for people", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.say("ICRQ", A.sessionId(1), A.serial(7));
  peer.say("ICRQ", A.sessionId(2), A.serial(7));
  stage.pass(100);
  expect(peer.types.filter((type) => type === "ICRP")).toHaveLength(2);
});

test("an ICRQ with the Assigned Session ID of a call that is there ends that call (RFC 2661 §7.4.2)", () => {
  const { stage, peer } = lnsWithSession();
  peer.icrq(500);
  expect(peer.last).toMatchObject({ type: "CDN", sessionId: 500 });
  expect(stage.last("session-down").ending.cause).toBe("protocol-error");
  expect(stage.of("tunnel-down")).toEqual([]);
});

test("ICRQ, OCRQ where they are not taken get CDN 5", () => {
  const stage = new Stage({ tunnel: { acceptIncoming: false } });
  const peer = new Peer(stage).establish();
  peer.icrq(500);
  expect(resultOf(peer.last)[0]).toBe(5);
  peer.ocrq(501);
  stage.pass(10);
  expect(resultOf(peer.last)[0]).toBe(5);
  expect(stage.statistics.tunnels).toBe(1);
});

test("an ending that does not fit is refused at once, and nothing has ended", () => {
  const { stage, tunnel, session } = lnsWithSession();
  const text = "x".repeat(1_100);
  expect(() => stage.endpoint.closeTunnel(stage.now, tunnel, { result: 1, text })).toThrow(/octets/);
  expect(() => stage.endpoint.closeSession(stage.now, session, { result: 70_000 })).toThrow(/resultCode/);
  expect(stage.statistics).toMatchObject({ tunnelsUp: 1, sessionsUp: 1 });
  const asking = new Stage({ accept: false });
  new Peer(asking).sccrq();
  expect(() => asking.endpoint.decide(asking.now, asking.token(), { accept: false, result: -1 })).toThrow();
  expect(asking.endpoint.decide(asking.now, asking.token(), { accept: false })).toBe(true);
});

test("parameters that do not fit are refused at once, by name, and change nothing", () => {
  const stage = new Stage();
  const tunnel = stage.dial(new Peer(stage));
  expect(() =>
    stage.endpoint.openSession(stage.now, tunnel, {
      kind: "incoming",
      request: { calledNumber: "x".repeat(2_000) },
    }),
  ).toThrow(/calledNumber/);
  expect(() => stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming", sessionId: 0 })).toThrow(
    /sessionId/,
  );
  expect(() => stage.dial(new Peer(stage), { hostName: "" })).toThrow(/hostName/);
  expect(() => stage.dial(new Peer(stage), { secrets: ["a", "b", "c"] })).toThrow(/secrets/);
  expect(() => stage.dial(new Peer(stage), { quirks: ["nobody"] })).toThrow(/quirks/);
  expect(() => stage.dial(new Peer(stage), { hiding: "send" })).toThrow(/secret/);
  expect(stage.statistics).toMatchObject({ tunnels: 1, sessions: 0 });
});

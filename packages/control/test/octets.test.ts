/** RFC 2661 §3.1, §4, §6: the octets of everything that we send, in both roles and in all messages. */
import { expect, test } from "vitest";
import { A, lacWithSession, lnsWithSession, Peer, Stage } from "./stage.ts";
import { avp, avpOf, type Heard, hidden, numberOf, response, text } from "./wire.ts";

const octets = Uint8Array.of(1, 4, 5, 0xdc);
const everything = {
  callSerialNumber: 7,
  request: { bearerType: 2, callingNumber: "1", calledNumber: "2", subAddress: "3", physicalChannelId: 4 },
  connected: {
    txConnectSpeedBps: 1e5,
    rxConnectSpeedBps: 2e5,
    framingType: 2,
    privateGroupId: octets,
    sequencingRequired: true as const,
    initialReceivedLcpConfreq: octets,
    lastSentLcpConfreq: octets,
    lastReceivedLcpConfreq: octets,
    proxyAuthenType: 2,
    proxyAuthenName: "u",
    proxyAuthenChallenge: octets,
    proxyAuthenId: { id: 3 },
    proxyAuthenResponse: octets,
  },
};
const rich = {
  firmwareRevision: 1,
  bearerCapabilities: 3,
  acceptOutgoing: true,
  tieBreaker: true,
  secrets: ["x"],
};

/** Runs every exchange there is, and returns all that was sent. */
function everySent(settings: object = {}): Heard[] {
  const sent: Heard[] = [];
  const take = (stage: Stage) => sent.push(...stage.sent.map(({ heard }) => heard));

  const lac = new Stage({ tunnel: { ...rich, ...settings } });
  const lns = new Peer(lac);
  const tunnel = lac.dial(lns);
  lns.answers(
    A.challenge([1]),
    A.response(response(2, "x", avpOf(lns.last, 11) as Uint8Array)),
    A.bearerCapabilities(),
  );
  const session = lac.endpoint.openSession(lac.now, tunnel, {
    kind: "incoming",
    ...everything,
    sessionId: 321,
  });
  lac.pass(100);
  lns.sayTo(321, "ICRP", A.sessionId(600));
  const errors = {
    crcErrors: 1,
    framingErrors: 2,
    hardwareOverruns: 3,
    bufferOverruns: 4,
    timeoutErrors: 5,
    alignmentErrors: 6,
  };
  lac.endpoint.reportErrors(lac.now, session, errors);
  lac.pass(100);
  lac.endpoint.closeSession(lac.now, session, {
    result: 2,
    error: 6,
    text: "why",
    q931: { cause: 16, message: 69 },
  });
  lac.pass(70_000);
  lac.endpoint.shutDown(lac.now);
  lac.pump();
  take(lac);

  const placing = new Stage({ tunnel: { ...rich, ...settings } });
  const asker = new Peer(placing).establish("x", A.challenge([1]));
  asker.say(
    "OCRQ",
    A.sessionId(800),
    A.serial(1),
    A.minimumBps(1),
    A.maximumBps(2),
    A.bearerType(1),
    A.framingType(1),
    A.called("1"),
  );
  placing.endpoint.answerCall(placing.now, placing.last("place-call").session, {
    ...{ rxConnectSpeedBps: 1 },
    sequencingRequired: true,
  });
  placing.pass(100);
  take(placing);

  const asking = new Stage({ tunnel: { ...rich, ...settings } });
  const placer = new Peer(asking).establish("x", A.bearerCapabilities());
  const request = {
    minimumBps: 1,
    maximumBps: 2,
    bearerType: 1,
    framingType: 1,
    calledNumber: "1",
    subAddress: "2",
  };
  const sessionOut = asking.endpoint.openSession(asking.now, asking.last("tunnel-up").tunnel, {
    kind: "outgoing",
    request,
    sessionId: 222,
  });
  asking.pass(100);
  placer.sayTo(222, "OCRP", A.sessionId(9));
  placer.occn(222);
  asking.endpoint.setLinkInfo(asking.now, sessionOut, { accm: { sendAccm: 1, receiveAccm: 2 } });
  placer.icrq(10);
  asking.pass(100);
  take(asking);
  return sent;
}

test("all fourteen messages of RFC 2661 are among what we send", () => {
  const types = new Set(everySent().map(({ type }) => type));
  for (const type of [
    "SCCRQ",
    "SCCRP",
    "SCCCN",
    "StopCCN",
    "HELLO",
    "OCRQ",
    "OCRP",
    "OCCN",
    "ICRQ",
    "ICRP",
    "ICCN",
    "CDN",
    "WEN",
    "SLI",
    "ZLB",
  ]) {
    expect(types).toContain(type);
  }
});

test("every control message has T, L and S set, O, P and reserved bits clear, Ver 2, its true Length", () => {
  // hear() throws at anything else.
  for (const { octets: sent } of everySent()) expect([sent[0], sent[1]]).toEqual([0xc8, 0x02]);
});

/** The M bit that the RFC demands of each attribute. */
const MANDATORY: Record<number, 0 | 1> = {
  0: 1,
  1: 1,
  2: 1,
  3: 1,
  4: 1,
  5: 0,
  6: 0,
  7: 1,
  8: 0,
  9: 1,
  10: 1,
  11: 1,
  12: 1,
  13: 1,
  14: 1,
  15: 1,
  16: 1,
  17: 1,
  18: 1,
  19: 1,
  21: 1,
  22: 1,
  23: 1,
  24: 1,
  25: 0,
  26: 0,
  27: 0,
  28: 0,
  29: 0,
  30: 0,
  31: 0,
  32: 0,
  33: 0,
  34: 1,
  35: 1,
  36: 1,
  37: 0,
  38: 0,
  39: 1,
};

test("every AVP has the M bit that the RFC demands of it, and all 39 attributes are sent", () => {
  const sent = [...everySent(), ...everySent({ hiding: "send" })].flatMap(({ avps }) => avps);
  for (const { type, m } of sent) expect([type, m]).toEqual([type, MANDATORY[type]]);
  expect(new Set(sent.map(({ type }) => type))).toEqual(new Set(Object.keys(MANDATORY).map(Number)));
});

test("no AVP is hidden that must not be, none where there is no secret, and each hidden one has a Random Vector before it", () => {
  const never = [0, 1, 2, 5, 7, 10, 12, 36, 39];
  const sent = everySent({ hiding: "send" });
  let count = 0;
  for (const { avps } of sent) {
    for (const [at, { type, h }] of avps.entries()) {
      if (h === 0) continue;
      count++;
      expect(never).not.toContain(type);
      expect(avps.slice(0, at).some((before) => before.type === 36 && before.value.length >= 16)).toBe(true);
    }
  }
  expect(count).toBeGreaterThan(20);
  expect(
    everySent()
      .flatMap(({ avps }) => avps)
      .every(({ h }) => h === 0),
  ).toBe(true);
});

test("Message Type is the first AVP of every message, 8 octets long", () => {
  for (const { type, avps } of everySent()) {
    if (type !== "ZLB") expect([avps[0]?.type, avps[0]?.value.length]).toEqual([0, 2]);
  }
});

/** AVPs that must be present (RFC 2661 §6). */
const REQUIRED: Record<string, number[]> = {
  SCCRQ: [2, 7, 3, 9],
  SCCRP: [2, 3, 7, 9],
  SCCCN: [],
  StopCCN: [9, 1],
  HELLO: [],
  ICRQ: [14, 15],
  ICRP: [14],
  ICCN: [24, 19],
  OCRQ: [14, 15, 16, 17, 18, 19, 21],
  OCRP: [14],
  OCCN: [24, 19],
  CDN: [1, 14],
  WEN: [34],
  SLI: [35],
};
test.each(Object.entries(REQUIRED))(
  "%s has the AVPs that must be present (RFC 2661 §6)",
  (name, required) => {
    const sent = everySent().filter(({ type }) => type === name);
    expect(sent.length).toBeGreaterThan(0);
    for (const { avps } of sent)
      expect(avps.map(({ type }) => type)).toEqual(expect.arrayContaining(required));
  },
);

test("reserved fields are sent as 0: Proxy Authen ID, Call Errors, ACCM", () => {
  const sent = everySent();
  const value = (name: string, type: number) => avpOf(sent.find((one) => one.type === name) as Heard, type);
  expect(value("ICCN", 32)?.[0]).toBe(0);
  expect([...(value("WEN", 34)?.slice(0, 2) ?? [])]).toEqual([0, 0]);
  expect([...(value("SLI", 35)?.slice(0, 2) ?? [])]).toEqual([0, 0]);
});

test("before the peer's IDs are known headers have 0, and then those that it assigned (RFC 2661 §4.4.3, §4.4.4)", () => {
  const { peer } = lacWithSession();
  const ids = peer.heard
    .filter(({ type }) => type !== "ZLB")
    .map(({ type, tunnelId, sessionId }) => [type, tunnelId, sessionId]);
  expect(ids).toEqual([
    ["SCCRQ", 0, 0],
    ["SCCCN", 77, 0],
    ["ICRQ", 77, 0],
    ["ICCN", 77, 600],
  ]);
});

test("StopCCN and CDN have the IDs that we first sent to this peer (RFC 2661 §4.4.3, §4.4.4)", () => {
  const { stage, peer, session, sessionId, tunnel } = lacWithSession();
  const first = numberOf(peer.heard[0] as Heard, 9);
  stage.endpoint.closeSession(stage.now, session);
  stage.endpoint.closeTunnel(stage.now, tunnel);
  stage.pass(100);
  expect(numberOf(peer.heard.find(({ type }) => type === "CDN") as Heard, 14)).toBe(sessionId);
  expect(numberOf(peer.heard.find(({ type }) => type === "StopCCN") as Heard, 9)).toBe(first);
});

test("an AVP with a reserved bit set is an unrecognized one: with the M bit it ends the session (RFC 2661 §4.1)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.icrq(500, avp(22, text("1"), { m: 1, reserved: 1 }));
  expect(peer.last.type).toBe("CDN");
  expect(stage.of("tunnel-down")).toEqual([]);
});

test("a message whose first AVP is no Message Type clears the tunnel (RFC 2661 §4.4.1)", () => {
  const { peer } = lnsWithSession();
  peer.raw(peer.make(0, A.sessionId(5)));
  expect(peer.last.type).toBe("StopCCN");
});

test("a retransmission has the Ns of the first, and the Nr of the moment (RFC 2661 §5.8)", () => {
  const { stage, peer, session } = lnsWithSession();
  peer.acknowledges = false;
  stage.endpoint.closeSession(stage.now, session);
  stage.pump();
  const first = peer.last;
  peer.raw(peer.make(0, [0x80, 8, 0, 0, 0, 0, 0, 6]).with(10, 0).with(11, 2));
  stage.pass(1_100);
  const again = peer.heard.filter(({ type }) => type === "CDN").at(-1);
  expect(again?.ns).toBe(first.ns);
  expect(again?.nr).toBe(first.nr + 1);
});

test("a hidden AVP that the secret opens is as good as one in clear", () => {
  const vector = new Array(16).fill(8);
  const stage = new Stage({ tunnel: { secrets: ["x"], challenge: false } });
  const peer = new Peer(stage).establish();
  peer.icrq(500, avp(36, vector), avp(18, hidden(18, "x", vector, [0, 0, 0, 2]), { h: 1 }));
  expect(stage.last("question")).toMatchObject({ request: { bearerType: 2 } });
});

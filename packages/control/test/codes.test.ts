/** Which Result and Error Code answers which misdeed, exactly; each row of the vectors' list. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { A, lnsWithSession, Peer, Stage } from "./stage.ts";
import { avp, type Heard, numberOf, resultOf, text } from "./wire.ts";

interface Usage {
  readonly condition: string;
  readonly send: string;
  readonly resultCode: number;
  readonly errorCode?: number | string;
}
const { usage } = JSON.parse(
  readFileSync(new URL("./vectors/result-code-usage.json", import.meta.url), "utf8"),
) as { usage: Usage[] };

const unknown = avp(9_999, [1], { m: 1 });
const established = () => {
  const stage = new Stage();
  return { stage, peer: new Peer(stage).establish() };
};
const answer = (peer: Peer): Heard => peer.last;

/** Each condition brought about; several ways where there are. */
const scenes: Record<string, (() => Heard)[]> = {
  "unknown AVP with M=1 in a tunnel message": [
    () => {
      const stage = new Stage();
      const peer = new Peer(stage);
      peer.sccrq(unknown);
      return answer(peer);
    },
    () => {
      const stage = new Stage();
      const peer = new Peer(stage);
      stage.dial(peer);
      peer.sccrp(unknown);
      return answer(peer);
    },
    () => {
      const stage = new Stage();
      const peer = new Peer(stage);
      peer.sccrq();
      peer.say("SCCCN", unknown);
      return answer(peer);
    },
    () => {
      const { peer } = established();
      peer.say("HELLO", unknown);
      return answer(peer);
    },
  ],
  "unknown AVP with M=1 in a session message": [
    () => {
      const { peer } = established();
      peer.icrq(500, unknown);
      return answer(peer);
    },
    () => {
      const { peer, sessionId } = lnsWithSession();
      peer.sayTo(sessionId, "WEN", A.callErrors(1, 2, 3, 4, 5, 6), unknown);
      return answer(peer);
    },
    () => {
      const { peer } = established();
      peer.icrq(500);
      peer.iccn(numberOf(peer.last, 14) as number, unknown);
      return answer(peer);
    },
  ],
  "malformed AVP with M=1 (bad length)": [
    () => {
      const stage = new Stage();
      const peer = new Peer(stage);
      peer.say("SCCRQ", A.version(), A.host("p"), avp(3, [0, 3]), A.tunnelId(7));
      return answer(peer);
    },
    () => {
      const { peer } = established();
      peer.icrq(500, avp(18, [1]));
      return answer(peer);
    },
    () => {
      const { peer } = established();
      peer.say("ICRQ", A.sessionId(5), A.serial(1), avp(18, [1], { length: 3 }));
      return answer(peer);
    },
  ],
  "value out of range, M=1": [
    () => {
      const { peer, stage } = established();
      peer.say("StopCCN", avp(9, [0, 0]), A.result(1));
      expect(stage.of("tunnel-down")).toHaveLength(1);
      return answer(peer);
    },
    () => {
      const { peer, sessionId } = lnsWithSession();
      peer.sayTo(sessionId, "CDN", A.result(1), avp(14, [0, 0]));
      return answer(peer);
    },
  ],
  "unknown Message Type with M=1": [
    () => {
      const { peer } = established();
      peer.say(99);
      return answer(peer);
    },
  ],
  "message in wrong state (tunnel)": [
    () => {
      const { peer } = established();
      peer.say("SCCCN");
      return answer(peer);
    },
    () => {
      const { peer } = established();
      peer.sccrp();
      return answer(peer);
    },
  ],
  "message in wrong state (session, v2)": [
    () => {
      const { peer, sessionId } = lnsWithSession();
      peer.iccn(sessionId);
      return answer(peer);
    },
  ],
  "challenge response mismatch or missing": [
    () => {
      const stage = new Stage({ tunnel: { secrets: ["x"] } });
      const peer = new Peer(stage).establish("y");
      return answer(peer);
    },
    () => {
      const stage = new Stage({ tunnel: { secrets: ["x"] } });
      const peer = new Peer(stage).establish();
      return answer(peer);
    },
  ],
  "tunnel refused by policy": [
    () => {
      const stage = new Stage({ accept: () => ({ accept: false }) });
      const peer = new Peer(stage);
      peer.sccrq();
      return answer(peer);
    },
  ],
  "Protocol Version AVP unsupported": [
    () => {
      const stage = new Stage();
      const peer = new Peer(stage);
      peer.say("SCCRQ", A.version(2), A.host("p"), A.framing(), A.tunnelId(7));
      return answer(peer);
    },
    () => {
      const stage = new Stage();
      const peer = new Peer(stage);
      stage.dial(peer);
      peer.say("SCCRP", A.version(3), A.framing(), A.host("p"), A.tunnelId(7));
      return answer(peer);
    },
  ],
  "session limit reached": [
    () => {
      const stage = new Stage({ tunnel: { maximumSessions: 1 } });
      const peer = new Peer(stage).establish();
      peer.call(1);
      peer.icrq(2);
      return answer(peer);
    },
    () => {
      const stage = new Stage({ limits: { sessions: 0 } });
      const peer = new Peer(stage).establish();
      peer.icrq(2);
      return answer(peer);
    },
  ],
  "framing or bearer type not advertised": [
    () => {
      const stage = new Stage({ tunnel: { framingCapabilities: 2 } });
      const peer = new Peer(stage).establish();
      peer.icrq(1);
      peer.iccn(numberOf(peer.last, 14) as number);
      return answer(peer);
    },
    () => {
      const stage = new Stage({ tunnel: { acceptOutgoing: true, bearerCapabilities: 2 } });
      const peer = new Peer(stage).establish();
      peer.ocrq(1);
      return answer(peer);
    },
  ],
  "administrative close of a session": [
    () => {
      const { stage, peer, session } = lnsWithSession();
      stage.endpoint.closeSession(stage.now, session);
      stage.pump();
      return answer(peer);
    },
  ],
  "administrative close of a tunnel": [
    () => {
      const { stage, peer, tunnel } = lnsWithSession();
      stage.endpoint.closeTunnel(stage.now, tunnel);
      stage.pump();
      return answer(peer);
    },
  ],
  "PPP link went down": [
    () => {
      const { stage, peer, session } = lnsWithSession();
      stage.endpoint.dropCarrier(stage.now, session);
      stage.pump();
      return answer(peer);
    },
  ],
};

test("there is a scene for every row", () => {
  expect(Object.keys(scenes).sort()).toEqual(usage.map(({ condition }) => condition).sort());
});

test.each(usage.map((row) => [row.condition, row] as const))("%s", (condition, row) => {
  for (const scene of scenes[condition] ?? []) {
    const heard = scene();
    if (row.send === "StopCCN" || row.send === "CDN") expect(heard.type).toBe(row.send);
    else expect(["StopCCN", "CDN"]).toContain(heard.type);
    const [result, error] = resultOf(heard);
    expect(result).toBe(row.resultCode);
    const expected = typeof row.errorCode === "string" ? 0x0100 : row.errorCode;
    if (expected !== undefined) expect(error).toBe(expected);
  }
});

test("a daemon that goes says so: StopCCN 6", () => {
  const { stage, peer } = lnsWithSession();
  stage.endpoint.shutDown(stage.now);
  stage.pump();
  expect(resultOf(peer.last)[0]).toBe(6);
});

test.each([
  ["Host Name", [A.version(), A.framing(), A.tunnelId(7)]],
  ["Protocol Version", [A.host("p"), A.framing(), A.tunnelId(7)]],
  ["Framing Capabilities", [A.version(), A.host("p"), A.tunnelId(7)]],
])(
  "an SCCRQ without %s is refused with StopCCN 2/3, and nothing is kept of it (RFC 2661 §6.1 MUST)",
  (_, avps) => {
    const stage = new Stage();
    const peer = new Peer(stage);
    peer.say("SCCRQ", ...avps);
    expect(resultOf(peer.last)).toEqual([2, 3]);
    expect(stage.statistics).toMatchObject({ tunnels: 0, closedTunnels: 0 });
    expect(stage.of("question")).toEqual([]);
  },
);

test("an SCCRQ without Assigned Tunnel ID is dropped: there is nobody to tell", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.say("SCCRQ", A.version(), A.host("p"), A.framing());
  expect(peer.heard).toEqual([]);
  expect(stage.statistics.discards.malformed).toBe(1);
});

test("an empty Host Name is refused: at least one octet (RFC 2661 §4.4.3 MUST)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.say("SCCRQ", A.version(), avp(7, []), A.framing(), A.tunnelId(7));
  expect(peer.last.type).toBe("StopCCN");
});

test("an SCCRP is refused with the Tunnel ID that it assigns (RFC 2661 §4.4.3 MUST)", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  stage.dial(peer);
  peer.say("SCCRP", A.version(), A.framing(), A.host("p"), A.tunnelId(4_711), unknown);
  expect(peer.last).toMatchObject({ type: "StopCCN", tunnelId: 4_711 });
});

test("the Error Message names the AVP (RFC 2661 §4.4.2, error 8)", () => {
  const { peer } = established();
  peer.say("HELLO", unknown);
  const said = new TextDecoder().decode(peer.last.avps.find(({ type }) => type === 1)?.value.slice(4));
  expect(said).toContain("9999");
});

test.each([
  ["unknown", avp(9_999, [1], { m: 0 })],
  ["of a vendor", avp(1, [1, 2, 3], { m: 0, vendor: 311 })],
  ["malformed", avp(38, [1, 2], { m: 0 })],
  ["with reserved bits", avp(22, text("1"), { m: 0, reserved: 1 })],
])("an AVP that is %s, without M bit, does no harm (RFC 2661 §4.1, §7.1)", (_, one) => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.call(500, one);
  expect(stage.of("session-up")).toHaveLength(1);
});

test("only what names a session ends a session: all else on the tunnel lives on", () => {
  const { stage, peer } = lnsWithSession();
  peer.icrq(501, unknown);
  peer.sayTo(999, "ICCN", A.txSpeed(1), A.framingType(1), unknown);
  stage.pass(100);
  expect(stage.statistics).toMatchObject({ tunnelsUp: 1, sessionsUp: 1 });
});

/** Every message in every state (RFC 2661 §7), said on the wire: the endpoint does what the tables say. */
import { expect, test } from "vitest";
import { CALLS, CONTROL_CONNECTION, isJudged, step } from "../src/index.ts";
import { A, lacWithSession, lnsWithSession, Peer, Stage, type StageOptions, tunnelIn } from "./stage.ts";
import { NEEDED, numberOf, resultOf } from "./wire.ts";

type Message = Exclude<keyof typeof NEEDED, "WEN" | "SLI">;

function say(peer: Peer, message: Message, sessionId = 0): void {
  peer.sayTo(sessionId, message, ...NEEDED[message]);
}

const controlMatrix = (Object.keys(tunnelIn) as (keyof typeof tunnelIn)[]).flatMap((state) =>
  (["SCCRQ", "SCCRP", "SCCCN", "StopCCN"] as const).map((message) => [message, state] as const),
);

test.each(controlMatrix)(
  "%s on a tunnel in state %s does what the table says (RFC 2661 §7.2.1)",
  (message, state) => {
    const { stage, peer } = tunnelIn[state]();
    const event = isJudged(CONTROL_CONNECTION, state, `rx-${message}`)
      ? `rx-${message}-acceptable`
      : `rx-${message}`;
    const [actions, next] = step(CONTROL_CONNECTION, state, event as "rx-SCCCN");
    peer.clear();
    say(peer, message);
    stage.pass(100);
    const stopped = peer.heard.filter(({ type }) => type === "StopCCN");
    expect(stopped).toHaveLength(actions.includes("send-StopCCN") ? 1 : 0);
    for (const stop of stopped) expect(resultOf(stop)[0]).toBe(7);
    expect(stage.of("tunnel-down")).toHaveLength(next === "idle" ? 1 : 0);
    expect(stage.of("tunnel-up").length > 0).toBe(next === "established" || state === "established");
  },
);

test.each(
  (["wait-ctl-reply", "wait-ctl-conn"] as const).flatMap((state) =>
    (["ICRQ", "OCRQ", "ICCN", "CDN"] as const).map((message) => [message, state] as const),
  ),
)(
  "%s on a tunnel that is not established (%s) clears it with StopCCN 7 (RFC 2661 §5.1 MUST, §7.1)",
  (message, state) => {
    const { stage, peer } = tunnelIn[state]();
    say(peer, message);
    expect(peer.last.type).toBe("StopCCN");
    expect(resultOf(peer.last)[0]).toBe(7);
    expect(stage.statistics.sessions).toBe(0);
  },
);

const notDecided: StageOptions = {
  accept: (question) => (question.about === "peer" ? { accept: true } : undefined),
};
const yes: StageOptions = { tunnel: { acceptOutgoing: true, bearerCapabilities: 3 } };

/** A session in each state, and the Session ID at our end. */
const sessionIn = {
  "lac-incoming": {
    "wait-reply": () => {
      const stage = new Stage();
      const peer = new Peer(stage);
      const tunnel = stage.dial(peer);
      peer.answers();
      stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
      stage.pump();
      return { stage, peer, id: numberOf(peer.last, 14) as number };
    },
    established: () => {
      const { stage, peer, sessionId } = lacWithSession();
      return { stage, peer, id: sessionId };
    },
  },
  "lns-incoming": {
    "wait-connect": () => {
      const stage = new Stage();
      const peer = new Peer(stage).establish();
      peer.icrq(500);
      return { stage, peer, id: numberOf(peer.last, 14) as number };
    },
    established: () => {
      const { stage, peer, sessionId } = lnsWithSession();
      return { stage, peer, id: sessionId };
    },
  },
  "lac-outgoing": {
    "wait-cs-answer": () => {
      const stage = new Stage(yes);
      const peer = new Peer(stage).establish();
      peer.ocrq(500);
      return { stage, peer, id: numberOf(peer.last, 14) as number };
    },
    established: () => {
      const stage = new Stage(yes);
      const peer = new Peer(stage).establish();
      peer.ocrq(500);
      const id = numberOf(peer.last, 14) as number;
      stage.endpoint.answerCall(stage.now, stage.last("place-call").session);
      stage.pump();
      return { stage, peer, id };
    },
  },
  "lns-outgoing": Object.fromEntries(
    ["wait-reply", "wait-connect", "established"].map((state) => [
      state,
      () => {
        const stage = new Stage();
        const peer = new Peer(stage).establish(undefined, A.bearerCapabilities(3));
        const request = { minimumBps: 1, maximumBps: 2, bearerType: 1, framingType: 1, calledNumber: "1" };
        stage.endpoint.openSession(stage.now, stage.last("tunnel-up").tunnel, { kind: "outgoing", request });
        stage.pump();
        const id = numberOf(peer.last, 14) as number;
        if (state !== "wait-reply") peer.sayTo(id, "OCRP", A.sessionId(600));
        if (state === "established") peer.occn(id);
        return { stage, peer, id };
      },
    ]),
  ),
} as unknown as Record<keyof typeof CALLS, Record<string, () => { stage: Stage; peer: Peer; id: number }>>;

const callMatrix = (Object.keys(sessionIn) as (keyof typeof CALLS)[]).flatMap((kind) =>
  Object.keys(sessionIn[kind]).flatMap((state) =>
    (["ICRQ", "ICRP", "ICCN", "OCRQ", "OCRP", "OCCN", "CDN"] as const).map(
      (message) => [message, kind, state] as const,
    ),
  ),
);

test.each(callMatrix)(
  "%s for a session (%s) in state %s does what the table says (RFC 2661 §7.4, §7.5)",
  (message, kind, state) => {
    const { stage, peer, id } = (sessionIn[kind][state] as () => { stage: Stage; peer: Peer; id: number })();
    const machine = CALLS[kind];
    const event = isJudged(machine, state as "idle", `rx-${message}`)
      ? `rx-${message}-acceptable`
      : `rx-${message}`;
    const [actions, next] = step(machine, state as "idle", event as "rx-CDN");
    peer.clear();
    const ended = stage.of("session-down").length;
    say(peer, message, id);
    stage.pass(100);
    const disconnects = peer.heard.filter(({ type }) => type === "CDN");
    expect(disconnects).toHaveLength(actions.includes("send-CDN") ? 1 : 0);
    for (const cdn of disconnects) expect(resultOf(cdn)).toEqual([2, 3]);
    expect(stage.of("session-down").length - ended).toBe(next === "idle" ? 1 : 0);
    expect(stage.of("tunnel-down")).toEqual([]);
  },
);

test.each([
  ["ICRP", [[2, 5]]],
  ["OCRP", [[2, 5]]],
  ["ICCN", []],
  ["OCCN", []],
  ["CDN", []],
  ["WEN", []],
] as const)("%s for a session that never was: %j; the tunnel lives on", (message, expected) => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  peer.clear();
  if (message === "WEN") peer.sayTo(999, "WEN", A.callErrors(1, 2, 3, 4, 5, 6));
  else say(peer, message, 999);
  stage.pass(100);
  expect(peer.heard.filter(({ type }) => type === "CDN").map(resultOf)).toEqual(expected);
  expect(stage.statistics.discards.unknownSession).toBe(1);
  expect(stage.of("tunnel-down")).toEqual([]);
});

test("an ICRP for a call that we ended a moment ago is answered by nothing: our CDN is on its way", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers();
  const session = stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
  stage.pump();
  const id = numberOf(peer.last, 14) as number;
  stage.endpoint.closeSession(stage.now, session);
  stage.pump();
  peer.clear();
  say(peer, "ICRP", id);
  stage.pass(100);
  expect(peer.types).toEqual([]);
});

test("an ICRQ with a Session ID in its header that is nobody's is refused with 2/5", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  say(peer, "ICRQ", 4_321);
  expect(resultOf(peer.last)).toEqual([2, 5]);
});

test("an ICCN before our ICRP (nobody has decided yet) ends the call", () => {
  const stage = new Stage(notDecided);
  const peer = new Peer(stage).establish();
  peer.icrq(500);
  const question = stage.last("question");
  const id = "session" in question ? (stage.endpoint.session(question.session)?.sessionId ?? 0) : 0;
  peer.iccn(id);
  expect(stage.last("session-down").ending.cause).toBe("protocol-error");
  expect(stage.of("tunnel-down")).toEqual([]);
});

test("a second SCCRQ on a channel that waits for its decision clears it", () => {
  const stage = new Stage({ accept: false });
  const peer = new Peer(stage);
  peer.sccrq();
  peer.theirs = stage.endpoint.tunnels().next().value?.tunnelId ?? 0;
  peer.sccrq();
  expect(stage.last("tunnel-down").ending.cause).toBe("protocol-error");
});

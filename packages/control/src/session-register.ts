/** Which sessions there are: made, and gone, with the rest of their IDs. */
import type { Instant } from "@l2tp/protocol";
import type { Ending } from "./ending.ts";
import { RestingIds } from "./ids.ts";
import type { SessionHandle } from "./names.ts";
import type { Parts } from "./parts.ts";
import { type Session, type Tunnel, whose } from "./state.ts";
import { CALLS, type CallKind } from "./tables/calls.ts";

export class SessionRegister {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Makes a session in state idle. */
  make(
    now: Instant,
    tunnel: Tunnel,
    sessionId: number,
    peerSessionId: number,
    kind: CallKind,
    callSerialNumber: number,
  ): Session {
    const { core, tunnels } = this.#parts;
    const session: Session = {
      handle: core.nextNumber() as SessionHandle,
      tunnel,
      sessionId,
      peerSessionId,
      name: "",
      kind,
      state: CALLS[kind].initial,
      callSerialNumber,
      question: 0,
      plane: "none",
      planeToken: 0,
      sequencingRequired: false,
      sequencing: false,
      up: false,
      timers: -1,
      openedAt: now,
      establishedAt: undefined,
      wenSentAt: undefined,
      called: undefined,
      calling: undefined,
      setup: undefined,
    };
    core.sessions.set(session.handle, session);
    tunnel.sessions.set(sessionId, session);
    if (peerSessionId !== 0) tunnel.byPeerSession.set(peerSessionId, sessionId);
    if (tunnel.sessions.size === 1) tunnels.sessionsChanged(now, tunnel);
    return session;
  }

  /** The session has ended: nothing of it is kept but its ID, which rests, and its place in the history. */
  remove(now: Instant, session: Session, end: Ending): void {
    const { core, planes, tunnels } = this.#parts;
    const { tunnel, sessionId } = session;
    core.sessions.delete(session.handle);
    tunnel.sessions.delete(sessionId);
    if (tunnel.byPeerSession.get(session.peerSessionId) === sessionId) {
      tunnel.byPeerSession.delete(session.peerSessionId);
    }
    session.state = "idle";
    session.setup = undefined;
    if (session.question !== 0) core.questions.answer(session.question);
    session.question = 0;
    const restUntil = now + core.restMs(tunnel);
    if (!tunnel.closed) this.rest(now, tunnel, sessionId);
    planes.tearDownSession(now, session, restUntil);
    const wasUp = session.up;
    session.up = false;
    if (wasUp) core.sessionsUp--;
    else tunnel.sessionsFailed++;
    core.counters.count(wasUp ? "sessionsClosed" : "sessionSetupFailures");
    core.closedSessions.add({
      session: session.handle,
      tunnel: tunnel.handle,
      name: session.name,
      kind: session.kind,
      sessionId,
      peerSessionId: session.peerSessionId,
      callSerialNumber: session.callSerialNumber,
      calledNumber: session.called,
      callingNumber: session.calling,
      openedAt: session.openedAt,
      establishedAt: session.establishedAt,
      closedAt: now,
      ending: end,
      messages: tunnel.log.ofSession(sessionId, session.peerSessionId),
    });
    core.emit({ type: "session-down", ...whose(session), kind: session.kind, wasUp, ending: end });
    if (tunnel.sessions.size === 0) tunnels.sessionsChanged(now, tunnel);
  }

  /** An ID is not given again for a full retransmission cycle. */
  rest(now: Instant, tunnel: Tunnel, sessionId: number): void {
    const { core, tunnels } = this.#parts;
    tunnel.resting ??= new RestingIds();
    tunnel.resting.rest(sessionId, now + core.restMs(tunnel));
    if (!core.timers.isArmed(tunnel, "restingIds")) tunnels.wakeForResting(now, tunnel);
  }
}

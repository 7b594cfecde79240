/**
 * Calls: opened, decided on, answered, ended (RFC 2661 §5.2, §5.6), at both ends and in both directions. What the peer says
 * of them is call-reception.ts's, what follows call-machine.ts's.
 */
import type { Instant } from "@l2tp/protocol";
import { faultOfOpening, isTaken, limitReached, takeId } from "./admission.ts";
import { CallMachine } from "./call-machine.ts";
import { CDN, type CdnFacts, cdn, occn, tryMessage, tryOpening } from "./call-messages.ts";
import { CallReception } from "./call-reception.ts";
import type { Cause } from "./cause.ts";
import { type Ending, ending } from "./ending.ts";
import { ControlError } from "./errors.ts";
import type { CallDecision } from "./events.ts";
import { freeId } from "./ids.ts";
import type { MessageOf } from "./message-of.ts";
import type { OutgoingConnectedAvps, SessionOpening } from "./parameters.ts";
import type { Parts } from "./parts.ts";
import { SessionRegister } from "./session-register.ts";
import { type Session, type Tunnel, whose } from "./state.ts";

export class Calls {
  readonly reception: CallReception;
  readonly #register: SessionRegister;
  readonly #machine: CallMachine;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#register = new SessionRegister(parts);
    this.#machine = new CallMachine(parts, this.#register);
    this.reception = new CallReception(parts, this.#register, this.#machine);
  }

  /** Opens a session. @throws ControlError, EncodeError; nothing has changed then. */
  open(now: Instant, tunnel: Tunnel, opening: SessionOpening): Session {
    const { core } = this.#parts;
    if (core.draining) {
      throw new ControlError(
        "ERR_L2TP_DRAINING",
        "no session is opened: the endpoint is draining or shut down",
      );
    }
    const full = limitReached(core, tunnel);
    if (full !== undefined) {
      core.counters.count("tooManySessions");
      throw new ControlError("ERR_L2TP_LIMIT", full);
    }
    tryOpening(opening);
    if (tunnel.state === "established") {
      const fault = faultOfOpening(tunnel, opening);
      if (fault !== undefined) throw new ControlError("ERR_L2TP_PARAMETER", fault);
    }
    const id = takeId(core, now, tunnel, opening.sessionId);
    const kind = opening.kind === "incoming" ? "lac-incoming" : "lns-outgoing";
    const session = this.#register.make(
      now,
      tunnel,
      id,
      0,
      kind,
      opening.callSerialNumber ?? core.nextSerial(),
    );
    session.name = opening.name ?? "";
    session.setup = { opening };
    session.called = opening.request?.calledNumber;
    session.calling = opening.kind === "incoming" ? opening.request?.callingNumber : undefined;
    session.sequencingRequired =
      opening.kind === "incoming" && opening.connected?.sequencingRequired !== undefined;
    session.sequencing = session.sequencingRequired || opening.sendSequence === true;
    core.counters.count("sessionsOpened");
    this.#machine.fire(now, session, opening.kind === "incoming" ? "incoming-ready" : "local-open-request");
    return session;
  }

  /** @throws EncodeError; the question stays open then. */
  prepareDecision(session: Session, decision: CallDecision): MessageOf<"ICRP" | "OCRP"> | undefined {
    if (!decision.accept) {
      const { result = 3, error, text } = decision;
      tryMessage(
        cdn(1, { result, ...(error !== undefined && { error }), ...(text !== undefined && { text }) }),
      );
      return undefined;
    }
    const reply: MessageOf<"ICRP" | "OCRP"> = {
      version: 2,
      type: session.kind === "lns-incoming" ? "ICRP" : "OCRP",
      assignedSessionId: session.sessionId,
      ...decision.reply,
    };
    tryMessage(reply);
    return reply;
  }

  /** Carries out what {@link prepareDecision} has found good. */
  decide(
    now: Instant,
    session: Session,
    decision: CallDecision,
    reply: MessageOf<"ICRP" | "OCRP"> | undefined,
  ): void {
    session.question = 0;
    const type = session.kind === "lns-incoming" ? "ICRQ" : "OCRQ";
    if (!decision.accept || reply === undefined) {
      const { result = 3, error, text, remedy } = decision as Extract<CallDecision, { accept: false }>;
      const facts = { result, ...(error !== undefined && { error }), ...(text !== undefined && { text }) };
      session.tunnel.source.statistics.sessionsRefused++;
      this.#machine.disconnect(now, session, `rx-${type}-unacceptable`, "refused", facts, remedy);
      return;
    }
    session.name = decision.name ?? session.name;
    session.sequencing = decision.sendSequence === true;
    this.#machine.fire(now, session, `rx-${type}-acceptable`, { reply });
    this.#parts.planes.setUpSession(now, session);
  }

  /** Nobody has decided in time. */
  undecided(now: Instant, session: Session): void {
    session.question = 0;
    this.#parts.core.counters.count("undecided");
    const type = session.kind === "lns-incoming" ? "ICRQ" : "OCRQ";
    const facts = { ...CDN.temporary, text: "no decision in time" };
    this.#machine.disconnect(now, session, `rx-${type}-unacceptable`, "undecided", facts);
  }

  /** As LAC: the called has answered. @throws ControlError, EncodeError. */
  answer(now: Instant, session: Session, connected: Partial<OutgoingConnectedAvps>): void {
    this.#expectPlacing(session, "answerCall");
    tryMessage(occn(connected, session.tunnel));
    if (session.setup === undefined) return;
    session.setup.outgoingConnected = { ...occn(connected, session.tunnel) };
    session.sequencingRequired = connected.sequencingRequired !== undefined;
    if (session.sequencingRequired) this.#parts.planes.updateSession(now, session, true);
    if (session.plane === "ready") this.#machine.fire(now, session, "bearer-answer-framing-detected");
  }

  /** As LAC: the call could not be placed. @throws ControlError. */
  fail(now: Instant, session: Session, facts: CdnFacts): void {
    this.#expectPlacing(session, "failCall");
    tryMessage(cdn(1, facts));
    this.#machine.disconnect(now, session, "bearer-failure", "bearer", facts);
  }

  /** Ends a session. @throws EncodeError when the text does not fit. */
  close(now: Instant, session: Session, facts: CdnFacts, cause: Cause, event?: "bearer-drop"): void {
    tryMessage(cdn(1, facts));
    // A call that is still to be decided on is refused.
    const undecided = session.state === "idle";
    const request = session.kind === "lns-incoming" ? "rx-ICRQ-unacceptable" : "rx-OCRQ-unacceptable";
    this.#machine.disconnect(
      now,
      session,
      undecided ? request : (event ?? "local-close-request"),
      cause,
      facts,
    );
  }

  /** A message of this session was malformed, or had an unknown AVP with the M bit. */
  protocolError(now: Instant, session: Session, facts: CdnFacts): void {
    this.#machine.disconnect(now, session, "protocol-error", "protocol-error", facts);
  }

  setUpTimeout(now: Instant, session: Session): void {
    const lac = session.kind.startsWith("lac");
    const facts = { ...(lac ? CDN.timeout : CDN.temporary), text: "not connected in time" };
    this.#machine.disconnect(now, session, "set-up-timeout", "set-up-timeout", facts);
  }

  /** Its tunnel is established, if it waits for that. */
  tunnelOpen(now: Instant, session: Session): void {
    if (session.state !== "wait-tunnel") return;
    const opening = session.setup?.opening;
    const fault = opening === undefined ? undefined : faultOfOpening(session.tunnel, opening);
    if (fault === undefined) this.#machine.fire(now, session, "tunnel-open");
    else {
      const end = ending({ by: "local", cause: "refused", text: fault });
      this.#machine.fire(now, session, "local-close-request", { ending: end });
    }
  }

  /** Its tunnel has ended; no message can be sent any more. */
  tunnelClosed(now: Instant, session: Session, why: Ending): void {
    const { by, text, tryAnother, ...rest } = why;
    const end: Ending = {
      ...rest,
      by,
      cause: "tunnel-ended",
      tryAnother,
      text: `${why.cause}${text === undefined ? "" : `: ${text}`}`,
    };
    this.#machine.fire(now, session, "tunnel-closed", { ending: end });
  }

  /** A session that waits for its tunnel goes over to the one that won the tie. */
  move(now: Instant, session: Session, to: Tunnel): void {
    const { core } = this.#parts;
    session.tunnel.sessions.delete(session.sessionId);
    const id = isTaken(to, session.sessionId)
      ? freeId(core.random, (taken) => isTaken(to, taken))
      : session.sessionId;
    if (id === undefined) {
      this.#register.remove(
        now,
        session,
        ending({ by: "local", cause: "limit", text: "no Session ID is free" }),
      );
      return;
    }
    session.tunnel = to;
    session.sessionId = id;
    to.sessions.set(id, session);
  }

  /** The data plane has the session. */
  planeReady(now: Instant, session: Session): void {
    const { setup } = session;
    if (session.state === "idle") return;
    if (setup?.heldReply !== undefined) {
      const reply = setup.heldReply;
      setup.heldReply = undefined;
      this.#parts.core.send(now, session.tunnel, reply, session.peerSessionId);
    }
    if (session.kind === "lac-incoming" && session.state === "wait-reply" && setup?.replied) {
      this.#machine.fire(now, session, "rx-ICRP-acceptable");
    } else if (session.state === "wait-cs-answer" && session.setup?.outgoingConnected !== undefined) {
      this.#machine.fire(now, session, "bearer-answer-framing-detected");
    } else this.#machine.upIfReady(now, session);
  }

  planeFailed(now: Instant, session: Session, reason: string): void {
    if (session.state === "idle") return;
    this.#machine.disconnect(now, session, "plane-failed", "data-plane", {
      ...CDN.noResources,
      text: reason,
    });
  }

  /** As LAC: the data plane does what it has seen the LNS do. */
  noteSequencing(session: Session, on: boolean): void {
    if (session.sequencing === on || session.sequencingRequired || !session.kind.startsWith("lac")) return;
    session.sequencing = on;
    this.#parts.core.emit({ type: "sequencing", on, ...whose(session) });
  }

  /** As LNS: switches sequence numbers on or off. As LAC: until the LNS does otherwise. @throws ControlError. */
  setSequencing(now: Instant, session: Session, on: boolean): void {
    if (session.sequencingRequired && !on) {
      const text = "sequence numbers are required for this call (Sequencing Required AVP): they stay on";
      throw new ControlError("ERR_L2TP_STATE", text);
    }
    if (session.sequencing !== on) this.#parts.planes.updateSession(now, session, on);
  }

  #expectPlacing(session: Session, what: string): void {
    if (session.state === "wait-cs-answer" && session.setup?.outgoingConnected === undefined) return;
    const text = `${what}: the call is not being placed (it is ${session.kind}, in state ${session.state})`;
    throw new ControlError("ERR_L2TP_STATE", text);
  }
}

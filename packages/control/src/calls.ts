/**
 * What calls do (RFC 2661 §5.2, §5.6, §7.4, §7.5), at both ends and in both directions. Which action belongs to which
 * event in which state is in tables/.
 */
import type { Instant, Message } from "@l2tp/protocol";
import { faultOfOpening, isTaken, limitReached, refusalOf, takeId } from "./admission.ts";
import { CDN, type CdnFacts, cdn, iccn, icrq, occn, ocrq, tryMessage, tryOpening } from "./call-messages.ts";
import type { Cause } from "./cause.ts";
import { type Ending, ending } from "./ending.ts";
import { ControlError } from "./errors.ts";
import type { CallDecision } from "./events.ts";
import { freeId } from "./ids.ts";
import { isJudged, step } from "./machine.ts";
import type { MessageOf } from "./message-of.ts";
import type { OutgoingConnectedAvps, SessionOpening } from "./parameters.ts";
import type { Parts } from "./parts.ts";
import { splitProxy } from "./proxy.ts";
import { SessionRegister } from "./session-register.ts";
import { type Session, type Tunnel, whose } from "./state.ts";
import { CALLS, type CallAction, type CallEvent } from "./tables/calls.ts";

type CallMessage = MessageOf<"ICRQ" | "ICRP" | "ICCN" | "OCRQ" | "OCRP" | "OCCN" | "CDN">;

/** What an event brings along for the actions. */
interface Context {
  readonly ending?: Ending;
  readonly cdn?: CdnFacts;
  readonly reply?: MessageOf<"ICRP" | "OCRP">;
}

export class Calls {
  readonly register: SessionRegister;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.register = new SessionRegister(parts);
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
    const session = this.register.make(
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
    session.sequencing = session.sequencingRequired;
    core.counters.count("sessionsOpened");
    this.fire(now, session, opening.kind === "incoming" ? "incoming-ready" : "local-open-request");
    return session;
  }

  /** The peer's ICRQ or OCRQ. `open` names an AVP in it that had to be hidden. */
  request(
    now: Instant,
    tunnel: Tunnel,
    headerSessionId: number,
    message: MessageOf<"ICRQ" | "OCRQ">,
    open?: string,
  ): void {
    const { core } = this.#parts;
    const known =
      tunnel.sessions.get(headerSessionId) ??
      tunnel.sessions.get(tunnel.byPeerSession.get(message.assignedSessionId) ?? 0);
    if (known !== undefined) {
      this.#outOfOrder(now, known, message.type);
      return;
    }
    const refusal =
      headerSessionId !== 0
        ? { ...CDN.badSession, text: "unknown Session ID" }
        : refusalOf(core, now, tunnel, message, open);
    if (refusal !== undefined) {
      this.refuseUnmade(now, tunnel, message.assignedSessionId, refusal);
      return;
    }
    const id = freeId(core.random, (taken) => isTaken(tunnel, taken));
    if (id === undefined) {
      core.counters.count("noSessionIds");
      this.refuseUnmade(now, tunnel, message.assignedSessionId, {
        ...CDN.temporary,
        text: "no Session ID is free",
      });
      return;
    }
    const kind = message.type === "ICRQ" ? "lns-incoming" : "lac-outgoing";
    const session = this.register.make(
      now,
      tunnel,
      id,
      message.assignedSessionId,
      kind,
      message.callSerialNumber,
    );
    session.setup = { request: message };
    session.called = message.calledNumber;
    session.calling = message.type === "ICRQ" ? message.callingNumber : undefined;
    core.counters.count("sessionsAccepted");
    core.timers.arm(session, "setUp", now + tunnel.settings.sessionSetupMs);
    const { token, deadline } = core.questions.ask(now, { about: "call", session });
    session.question = token;
    const common = { type: "question", token, ...whose(session), deadline } as const;
    if (message.type === "ICRQ") core.emit({ ...common, about: "incoming-call", request: message });
    else core.emit({ ...common, about: "outgoing-call", request: message });
  }

  /** Any other message of a call that is there. `open` names an AVP in it that had to be hidden. */
  receive(now: Instant, session: Session, message: CallMessage, open?: string): void {
    switch (message.type) {
      case "CDN":
        this.#disconnected(now, session, message);
        return;
      case "ICRP":
      case "OCRP":
        this.#replied(now, session, message);
        return;
      case "ICCN":
        if (!isJudged(CALLS[session.kind], session.state, "rx-ICCN")) break;
        this.#connected(now, session, message, open);
        return;
      case "OCCN":
        if (session.kind !== "lns-outgoing" || session.state !== "wait-connect") break;
        if (session.setup !== undefined) session.setup.connected = message;
        this.#learnSequencing(now, session, message.sequencingRequired !== undefined);
        this.fire(now, session, "rx-OCCN");
        return;
      default:
        break;
    }
    this.#outOfOrder(now, session, message.type);
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
      this.#disconnect(now, session, `rx-${type}-unacceptable`, "refused", facts, remedy);
      return;
    }
    session.name = decision.name ?? session.name;
    this.fire(now, session, `rx-${type}-acceptable`, { reply });
    this.#parts.planes.setUpSession(now, session);
  }

  /** Nobody has decided in time. */
  undecided(now: Instant, session: Session): void {
    session.question = 0;
    this.#parts.core.counters.count("undecided");
    const type = session.kind === "lns-incoming" ? "ICRQ" : "OCRQ";
    const facts = { ...CDN.temporary, text: "no decision in time" };
    this.#disconnect(now, session, `rx-${type}-unacceptable`, "undecided", facts);
  }

  /** As LAC: the called has answered. @throws ControlError, EncodeError. */
  answer(now: Instant, session: Session, connected: Partial<OutgoingConnectedAvps>): void {
    this.#expectPlacing(session, "answerCall");
    tryMessage(occn(connected, session.tunnel));
    if (session.setup === undefined) return;
    session.setup.outgoingConnected = { ...occn(connected, session.tunnel) };
    session.sequencingRequired = connected.sequencingRequired !== undefined;
    session.sequencing = session.sequencingRequired;
    if (session.plane === "ready") this.fire(now, session, "bearer-answer-framing-detected");
    // The plane was asked without knowing that.
    else if (session.plane === "asked" && session.sequencing) {
      this.#parts.planes.updateSession(now, session, true);
    }
  }

  /** As LAC: the call could not be placed. @throws ControlError. */
  fail(now: Instant, session: Session, facts: CdnFacts): void {
    this.#expectPlacing(session, "failCall");
    tryMessage(cdn(1, facts));
    this.#disconnect(now, session, "bearer-failure", "bearer", facts);
  }

  /** Ends a session. @throws EncodeError when the text does not fit. */
  close(now: Instant, session: Session, facts: CdnFacts, cause: Cause, event?: "bearer-drop"): void {
    tryMessage(cdn(1, facts));
    // A call that is still to be decided on is refused.
    const undecided = session.state === "idle";
    const request = session.kind === "lns-incoming" ? "rx-ICRQ-unacceptable" : "rx-OCRQ-unacceptable";
    this.#disconnect(now, session, undecided ? request : (event ?? "local-close-request"), cause, facts);
  }

  /** A message of this session was malformed, or had an unknown AVP with the M bit. */
  protocolError(now: Instant, session: Session, facts: CdnFacts): void {
    this.#disconnect(now, session, "protocol-error", "protocol-error", facts);
  }

  setUpTimeout(now: Instant, session: Session): void {
    const lac = session.kind.startsWith("lac");
    const facts = { ...(lac ? CDN.timeout : CDN.temporary), text: "not connected in time" };
    this.#disconnect(now, session, "set-up-timeout", "set-up-timeout", facts);
  }

  /** Its tunnel is established, if it waits for that. */
  tunnelOpen(now: Instant, session: Session): void {
    if (session.state !== "wait-tunnel") return;
    const opening = session.setup?.opening;
    const fault = opening === undefined ? undefined : faultOfOpening(session.tunnel, opening);
    if (fault === undefined) this.fire(now, session, "tunnel-open");
    else {
      const end = ending({ by: "local", cause: "refused", text: fault });
      this.fire(now, session, "local-close-request", { ending: end });
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
    this.fire(now, session, "tunnel-closed", { ending: end });
  }

  /** A session that waits for its tunnel goes over to the one that won the tie. */
  move(now: Instant, session: Session, to: Tunnel): void {
    const { core } = this.#parts;
    session.tunnel.sessions.delete(session.sessionId);
    const id = isTaken(to, session.sessionId)
      ? freeId(core.random, (taken) => isTaken(to, taken))
      : session.sessionId;
    if (id === undefined) {
      this.register.remove(
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
      this.fire(now, session, "rx-ICRP-acceptable");
    } else if (session.state === "wait-cs-answer" && session.setup?.outgoingConnected !== undefined) {
      this.fire(now, session, "bearer-answer-framing-detected");
    } else this.#upIfReady(now, session);
  }

  planeFailed(now: Instant, session: Session, reason: string): void {
    if (session.state === "idle") return;
    this.#disconnect(now, session, "plane-failed", "data-plane", { ...CDN.noResources, text: reason });
  }

  /** As LNS: switches sequence numbers on or off. As LAC: the LNS was seen to do so. @throws ControlError. */
  setSequencing(now: Instant, session: Session, on: boolean): void {
    if (session.sequencingRequired && !on) {
      const text = "sequence numbers are required for this call (Sequencing Required AVP): they stay on";
      throw new ControlError("ERR_L2TP_STATE", text);
    }
    if (session.sequencing !== on) this.#parts.planes.updateSession(now, session, on);
  }

  /** Refuses a call for which no session was made. Its ID of ours is never used for another within a cycle. */
  refuseUnmade(now: Instant, tunnel: Tunnel, peerSessionId: number, facts: CdnFacts): void {
    const { core } = this.#parts;
    const id = freeId(core.random, (taken) => isTaken(tunnel, taken)) ?? 1;
    this.register.rest(now, tunnel, id);
    tunnel.sessionsFailed++;
    core.counters.count("sessionSetupFailures");
    tunnel.source.statistics.sessionsRefused++;
    core.send(now, tunnel, cdn(id, facts), peerSessionId);
    core.notice(
      now,
      tunnel.peer,
      `call refused: CDN ${facts.result}/${facts.error ?? "-"} ${facts.text ?? ""}`,
    );
  }

  /** Steps the machine and does what the table says. */
  fire(now: Instant, session: Session, event: CallEvent, context: Context = {}): void {
    const { core } = this.#parts;
    if (!core.sessions.has(session.handle)) return;
    const [actions, next] = step(CALLS[session.kind], session.state, event);
    session.state = next;
    for (const action of actions) this.#act(now, session, action, context);
    if (next === "established") this.#upIfReady(now, session);
    core.timers.settle(session);
  }

  #act(now: Instant, session: Session, action: CallAction, context: Context): void {
    const { core, tunnels } = this.#parts;
    const { tunnel, setup } = session;
    switch (action) {
      case "initiate-tunnel-open":
        core.timers.arm(session, "setUp", now + tunnel.settings.sessionSetupMs);
        tunnels.wanted(now, session);
        break;
      case "send-ICRQ":
        core.send(now, tunnel, icrq(session));
        break;
      case "send-OCRQ":
        core.send(now, tunnel, ocrq(session));
        break;
      case "send-ICRP":
        // Upon an ICRP the LAC connects, and its first frames follow at once: the data plane is to be there for them.
        if (context.reply?.type !== "ICRP") break;
        if (setup !== undefined && session.plane !== "ready") setup.heldReply = context.reply;
        else core.send(now, tunnel, context.reply, session.peerSessionId);
        break;
      case "send-OCRP":
        if (context.reply !== undefined) core.send(now, tunnel, context.reply, session.peerSessionId);
        break;
      case "send-ICCN": {
        const connected = setup?.opening?.kind === "incoming" ? setup.opening.connected : undefined;
        core.send(now, tunnel, iccn(connected, tunnel), session.peerSessionId);
        break;
      }
      case "send-OCCN":
        core.send(now, tunnel, occn(setup?.outgoingConnected, tunnel), session.peerSessionId);
        break;
      case "open-bearer":
        core.emit({ type: "place-call", ...whose(session), request: setup?.request as Message<"OCRQ", 2> });
        break;
      case "prepare-for-data":
        // The data plane has been asked since the ICRP; see #upIfReady.
        break;
      case "send-CDN":
        core.send(now, tunnel, cdn(session.sessionId, context.cdn ?? CDN.badValue), session.peerSessionId);
        break;
      case "clean-up":
        this.register.remove(now, session, context.ending ?? ending({ by: "local", cause: "local-close" }));
        break;
    }
  }

  #upIfReady(now: Instant, session: Session): void {
    const { core } = this.#parts;
    if (session.up || session.state !== "established" || session.plane !== "ready") return;
    session.up = true;
    session.establishedAt = now;
    core.sessionsUp++;
    session.tunnel.sessionsEstablished++;
    session.tunnel.source.statistics.sessionsEstablished++;
    core.counters.count("sessionsEstablished");
    const { request, reply, connected, proxy } = session.setup ?? {};
    session.setup = undefined;
    core.timers.settle(session);
    core.emit({
      type: "session-up",
      ...whose(session),
      kind: session.kind,
      sessionId: session.sessionId,
      peerSessionId: session.peerSessionId,
      callSerialNumber: session.callSerialNumber,
      ...(request !== undefined && { request }),
      ...(reply !== undefined && { reply }),
      ...(connected !== undefined && { connected }),
      ...(proxy !== undefined && { proxy }),
      sequencingRequired: session.sequencingRequired,
    });
  }

  #replied(now: Instant, session: Session, message: MessageOf<"ICRP" | "OCRP">): void {
    const event = `rx-${message.type}` as const;
    if (!isJudged(CALLS[session.kind], session.state, event) || session.setup?.replied) {
      this.#outOfOrder(now, session, message.type);
      return;
    }
    const { tunnel } = session;
    if (tunnel.byPeerSession.has(message.assignedSessionId)) {
      const text = `Assigned Session ID ${message.assignedSessionId} is that of another session`;
      this.#disconnect(now, session, `${event}-unacceptable`, "protocol-error", { ...CDN.badValue, text });
      return;
    }
    session.peerSessionId = message.assignedSessionId;
    tunnel.byPeerSession.set(message.assignedSessionId, session.sessionId);
    if (session.setup !== undefined) {
      session.setup.reply = message as Message<"ICRP", 2>;
      session.setup.replied = true;
    }
    // An ICCN leaves when the data plane is ready for what the LNS sends upon it.
    if (message.type === "OCRP") this.fire(now, session, "rx-OCRP-acceptable");
    this.#parts.planes.setUpSession(now, session);
  }

  #connected(now: Instant, session: Session, message: Message<"ICCN", 2>, open: string | undefined): void {
    const { tunnel } = session;
    const framing = message.framingType & ~tunnel.settings.framingCapabilities;
    if (framing !== 0 || open !== undefined) {
      const facts =
        framing !== 0
          ? { ...CDN.permanent, text: "Framing Type that our Framing Capabilities do not have" }
          : { ...CDN.administrative, text: `${open} must be hidden` };
      this.#disconnect(now, session, "rx-ICCN-unacceptable", "refused", facts);
      return;
    }
    const { connected, proxy } = splitProxy(message);
    if (session.setup !== undefined) {
      session.setup.connected = connected;
      if (proxy !== undefined) session.setup.proxy = proxy;
    }
    this.#learnSequencing(now, session, message.sequencingRequired !== undefined);
    this.fire(now, session, "rx-ICCN-acceptable");
  }

  /** RFC 2661 §5.4: with the AVP sequence numbers MUST be there at all times. */
  #learnSequencing(now: Instant, session: Session, required: boolean): void {
    if (!required) return;
    session.sequencingRequired = true;
    if (session.plane === "none") session.sequencing = true;
    else this.#parts.planes.updateSession(now, session, true);
  }

  #disconnected(now: Instant, session: Session, message: Message<"CDN", 2>): void {
    const { core, tunnels } = this.#parts;
    const { resultCode, errorCode, errorMessage, swapped } = message.resultCode;
    const { q931CauseCode: q931, pppDisconnectCauseCode: ppp } = message;
    if (session.peerSessionId !== 0 && message.assignedSessionId !== session.peerSessionId) {
      core.counters.count("mismatchedIds");
    }
    if (swapped) tunnels.acquaintance.learnQuirk(session.tunnel, "swapped-result");
    if (resultCode === 2 && errorCode === undefined)
      tunnels.acquaintance.learnQuirk(session.tunnel, "short-result");
    const tryAnother = resultCode === 2 && (errorCode === 7 || errorCode === 4);
    const end = ending({
      by: "peer",
      cause: tryAnother ? "try-another" : session.up ? "peer-close" : "peer-refused",
      message: "CDN",
      result: resultCode,
      ...(errorCode !== undefined && { error: errorCode }),
      ...(errorMessage !== undefined && { text: errorMessage }),
      ...(q931 !== undefined && {
        q931: {
          cause: q931.causeCode,
          message: q931.causeMessage,
          ...(q931.advisoryMessage !== undefined && { text: q931.advisoryMessage }),
        },
      }),
      ...(ppp !== undefined && {
        disconnect: {
          code: ppp.disconnectCode,
          protocol: ppp.controlProtocolNumber,
          direction: ppp.direction,
          ...(ppp.message !== undefined && { text: ppp.message }),
        },
      }),
    });
    this.fire(now, session, "rx-CDN", { ending: end });
  }

  #outOfOrder(now: Instant, session: Session, type: CallMessage["type"]): void {
    const { core } = this.#parts;
    core.counters.count("illegalMessages");
    core.counters.messages[type].receiveErrors++;
    const facts = { ...CDN.badValue, text: `${type} in state ${session.state}` };
    const event = session.state === "idle" ? "protocol-error" : (`rx-${type}` as CallEvent);
    this.#disconnect(now, session, event, "protocol-error", facts);
  }

  #disconnect(
    now: Instant,
    session: Session,
    event: CallEvent,
    cause: Cause,
    facts: CdnFacts,
    remedy?: string,
  ): void {
    const { q931, disconnect, ...rest } = facts;
    const end = ending({
      by: "local",
      cause,
      message: "CDN",
      ...rest,
      ...(q931 !== undefined && { q931 }),
      ...(disconnect !== undefined && { disconnect }),
      ...(remedy !== undefined && { remedy }),
    });
    this.fire(now, session, event, { ending: end, cdn: facts });
  }

  #expectPlacing(session: Session, what: string): void {
    if (session.state === "wait-cs-answer" && session.setup?.outgoingConnected === undefined) return;
    const text = `${what}: the call is not being placed (it is ${session.kind}, in state ${session.state})`;
    throw new ControlError("ERR_L2TP_STATE", text);
  }
}

/** What a peer says of calls, judged: its requests, and the messages of calls that there are (RFC 2661 §5.2, §5.6, §7.4, §7.5). */
import type { Instant, Message } from "@l2tp/protocol";
import { isTaken, refusalOf } from "./admission.ts";
import type { CallMachine } from "./call-machine.ts";
import { CDN, type CdnFacts, cdn } from "./call-messages.ts";
import { ending } from "./ending.ts";
import { freeId } from "./ids.ts";
import { isJudged } from "./machine.ts";
import type { MessageOf } from "./message-of.ts";
import type { Parts } from "./parts.ts";
import { splitProxy } from "./proxy.ts";
import type { SessionRegister } from "./session-register.ts";
import { type Session, type Tunnel, whose } from "./state.ts";
import { CALLS, type CallEvent } from "./tables/calls.ts";

type CallMessage = MessageOf<"ICRQ" | "ICRP" | "ICCN" | "OCRQ" | "OCRP" | "OCCN" | "CDN">;

export class CallReception {
  readonly #parts: Parts;
  readonly #register: SessionRegister;
  readonly #machine: CallMachine;

  constructor(parts: Parts, register: SessionRegister, machine: CallMachine) {
    this.#parts = parts;
    this.#register = register;
    this.#machine = machine;
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
    const session = this.#register.make(
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
    if (message.type === "ICRQ") core.emit({ about: "incoming-call", request: message, ...common });
    else core.emit({ about: "outgoing-call", request: message, ...common });
  }

  /** Refuses a call for which no session was made. Its ID of ours is never used for another within a cycle. */
  refuseUnmade(now: Instant, tunnel: Tunnel, peerSessionId: number, facts: CdnFacts): void {
    const { core } = this.#parts;
    const id = freeId(core.random, (taken) => isTaken(tunnel, taken)) ?? 1;
    this.#register.rest(now, tunnel, id);
    tunnel.sessionsFailed++;
    core.counters.count("sessionSetupFailures");
    tunnel.source.statistics.sessionsRefused++;
    core.send(now, tunnel, cdn(id, facts), peerSessionId);
    core.notice(
      now,
      tunnel.peer,
      `call refused: CDN ${facts.result}${facts.error === undefined ? "" : `/${facts.error}`}${facts.text === undefined ? "" : `, ${facts.text}`}`,
    );
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
        this.#machine.fire(now, session, "rx-OCCN");
        return;
      default:
        break;
    }
    this.#outOfOrder(now, session, message.type);
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
      this.#machine.disconnect(now, session, `${event}-unacceptable`, "protocol-error", {
        ...CDN.badValue,
        text,
      });
      return;
    }
    session.peerSessionId = message.assignedSessionId;
    tunnel.byPeerSession.set(message.assignedSessionId, session.sessionId);
    if (session.setup !== undefined) {
      session.setup.reply = message as Message<"ICRP", 2>;
      session.setup.replied = true;
    }
    // An ICCN leaves when the data plane is ready for what the LNS sends upon it.
    if (message.type === "OCRP") this.#machine.fire(now, session, "rx-OCRP-acceptable");
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
      this.#machine.disconnect(now, session, "rx-ICCN-unacceptable", "refused", facts);
      return;
    }
    const { connected, proxy } = splitProxy(message);
    if (session.setup !== undefined) {
      session.setup.connected = connected;
      if (proxy !== undefined) session.setup.proxy = proxy;
    }
    this.#learnSequencing(now, session, message.sequencingRequired !== undefined);
    this.#machine.fire(now, session, "rx-ICCN-acceptable");
  }

  /** RFC 2661 §5.4: with the AVP sequence numbers MUST be there at all times. */
  #learnSequencing(now: Instant, session: Session, required: boolean): void {
    if (!required) return;
    session.sequencingRequired = true;
    this.#parts.planes.updateSession(now, session, true);
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
    this.#machine.fire(now, session, "rx-CDN", { ending: end });
  }

  #outOfOrder(now: Instant, session: Session, type: CallMessage["type"]): void {
    const { core } = this.#parts;
    core.counters.count("illegalMessages");
    core.counters.messages[type].receiveErrors++;
    const facts = { ...CDN.badValue, text: `${type} in state ${session.state}` };
    const event = session.state === "idle" ? "protocol-error" : (`rx-${type}` as CallEvent);
    this.#machine.disconnect(now, session, event, "protocol-error", facts);
  }
}

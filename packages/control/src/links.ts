/**
 * What the ends of a call tell each other while it lasts: SLI, WEN, modem status, speeds (RFC 2661 §6.13, §6.14, RFC 3573,
 * RFC 5515). None of it ever ends a session.
 */
import type { AnyMessage, Instant, Message } from "@l2tp/protocol";
import { tryMessage } from "./call-messages.ts";
import { ControlError } from "./errors.ts";
import type { MessageOf } from "./message-of.ts";
import type { Parts } from "./parts.ts";
import { type Session, type Tunnel, whose } from "./state.ts";

/** RFC 2661 §6.13: "not more than once every 60 seconds". */
const WEN_INTERVAL_MS = 60_000;

/** The counters of a WEN, since the call began. */
export type CallErrors = Message<"WEN", 2>["callErrors"];
/** AVPs of an SLI. */
export type LinkInfo = Omit<Message<"SLI", 2>, "version" | "type">;

export class Links {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @returns false when this message is not known here, or not at this end: it is ignored. */
  receive(tunnel: Tunnel, sessionId: number, message: AnyMessage): boolean {
    const { core } = this.#parts;
    switch (message.type) {
      case "CSUN":
        if (message.version !== 2) return false;
        for (const { remoteSessionId, txBps, rxBps } of message.connectSpeedUpdate) {
          const session = tunnel.sessions.get(remoteSessionId);
          if (session === undefined) core.counters.discard("unknownSession");
          else core.emit({ type: "speed-update", ...whose(session), txBps, rxBps });
        }
        return true;
      case "CSURQ":
        if (message.version !== 2) return false;
        for (const { remoteSessionId } of message.connectSpeedUpdate) {
          const session = tunnel.sessions.get(remoteSessionId);
          if (session === undefined) core.counters.discard("unknownSession");
          else core.emit({ type: "speed-request", ...whose(session) });
        }
        return true;
      case "SLI":
      case "WEN":
      case "MDMST":
        break;
      default:
        return false;
    }
    if (message.version !== 2) return false;
    const session = tunnel.sessions.get(sessionId);
    if (session === undefined) {
      core.counters.discard("unknownSession");
      return true;
    }
    const atLac = session.kind.startsWith("lac");
    // Some peers send SLI whatever end they are: no harm is done.
    if (message.type === "SLI" ? !atLac : atLac) return false;
    if (message.type === "SLI") core.emit({ type: "link-info", ...whose(session), info: message });
    else if (message.type === "WEN") {
      core.emit({ type: "wan-errors", ...whose(session), errors: message.callErrors });
    } else core.emit({ type: "modem-status", ...whose(session), status: message.modemOnHoldStatus });
    return true;
  }

  /** As LNS: SLI. @throws ControlError, EncodeError. */
  setLinkInfo(now: Instant, session: Session, info: LinkInfo): void {
    this.#expect(session, "lns", "setLinkInfo");
    this.#send(now, session, { version: 2, type: "SLI", ...info });
  }

  /** As LAC: WEN. @returns false when the last one is not a minute old. @throws ControlError, EncodeError. */
  reportErrors(now: Instant, session: Session, callErrors: CallErrors): boolean {
    this.#expect(session, "lac", "reportErrors");
    if (session.wenSentAt !== undefined && now - session.wenSentAt < WEN_INTERVAL_MS) return false;
    this.#send(now, session, { version: 2, type: "WEN", callErrors });
    session.wenSentAt = now;
    return true;
  }

  /** As LAC: MDMST, where the peer has said that it knows it (RFC 3573 §4.1). @throws ControlError, EncodeError. */
  reportModemStatus(now: Instant, session: Session, modemOnHoldStatus: number): void {
    this.#expect(session, "lac", "reportModemStatus");
    if (!session.tunnel.facts?.modemOnHold) {
      const text = "reportModemStatus: the peer sent no Modem On-Hold Capable AVP (RFC 3573 §4.1)";
      throw new ControlError("ERR_L2TP_STATE", text);
    }
    this.#parts.core.send(
      now,
      session.tunnel,
      { version: 2, type: "MDMST", modemOnHoldStatus },
      session.peerSessionId,
    );
  }

  /** As LAC: CSUN. @throws ControlError, EncodeError. */
  reportSpeed(now: Instant, session: Session, txBps: bigint, rxBps: bigint): void {
    this.#expect(session, "lac", "reportSpeed");
    const update = { remoteSessionId: session.peerSessionId, txBps, rxBps };
    const message: Message<"CSUN", 2> = { version: 2, type: "CSUN", connectSpeedUpdate: [update] };
    tryMessage(message);
    this.#parts.core.send(now, session.tunnel, message);
  }

  /** As LNS: CSURQ. @throws ControlError. */
  requestSpeed(now: Instant, session: Session): void {
    this.#expect(session, "lns", "requestSpeed");
    const update = { remoteSessionId: session.peerSessionId, txBps: 0n, rxBps: 0n };
    this.#parts.core.send(now, session.tunnel, { version: 2, type: "CSURQ", connectSpeedUpdate: [update] });
  }

  #send(now: Instant, session: Session, message: MessageOf<"SLI" | "WEN">): void {
    tryMessage(message);
    this.#parts.core.send(now, session.tunnel, message, session.peerSessionId);
  }

  #expect(session: Session, end: "lac" | "lns", what: string): void {
    if (!session.kind.startsWith(end)) {
      const text = `${what}: only the ${end.toUpperCase()} of a call does that; this end is ${session.kind}`;
      throw new ControlError("ERR_L2TP_STATE", text);
    }
    if (session.state === "established") return;
    throw new ControlError("ERR_L2TP_STATE", `${what}: the session is not established but ${session.state}`);
  }
}

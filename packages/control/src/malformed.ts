/** What is answered to a message that the codec refuses (RFC 2661 §4.1, §4.4.2, §7.1): by what it belongs to. */
import { type Instant, messageName, type Rejection } from "@l2tp/protocol";
import type { AllParts } from "./all-parts.ts";
import { STOP, type StopFacts } from "./control-messages.ts";
import type { Session, Tunnel } from "./state.ts";

const TYPE_SCCRP = 2;
const TYPE_STOPCCN = 4;
const TYPE_OCRQ = 7;
const TYPE_ICRQ = 10;

export class Malformed {
  readonly #parts: AllParts;

  constructor(parts: AllParts) {
    this.#parts = parts;
  }

  /** A message that the codec refuses: the RFC's own answer, by what it belongs to. */
  answer(now: Instant, tunnel: Tunnel, sessionId: number, rejection: Rejection): void {
    const { calls, core, tunnels } = this.#parts;
    const { answer, messageType, partial, text } = rejection;
    const name = messageType === undefined ? undefined : messageName(messageType);
    if (name !== undefined) core.counters.messages[name].receiveErrors++;
    if (messageType !== undefined) tunnel.log.note(now, false, messageType, sessionId);
    if (typeof answer === "string") {
      // Acknowledged by now, and ignored: an unknown message without M bit (RFC 2661 §4.4.1).
      core.counters.count("unsupportedMessages");
      core.counters.discard("unsupportedMessage");
      return;
    }
    core.counters.discard("malformed");
    const facts: StopFacts = {
      result: answer.result,
      ...(answer.error !== undefined && { error: answer.error }),
      // What ends by it says so in the log, once: with the message that did it.
      text: name === undefined || answer.text.startsWith(name) ? answer.text : `${name}: ${answer.text}`,
    };
    const { assignedTunnelId = 0, assignedSessionId: assigned } = (partial ?? {}) as {
      readonly assignedTunnelId?: number;
      readonly assignedSessionId?: number;
    };
    if (
      messageType === TYPE_SCCRP &&
      tunnel.originator &&
      tunnel.peerTunnelId === 0 &&
      assignedTunnelId > 0
    ) {
      // Who refuses it says so with the ID that it has learned (RFC 2661 §4.4.3).
      tunnels.acquaintance.learnPeerId(now, tunnel, assignedTunnelId);
    }
    if (messageType === TYPE_STOPCCN) {
      // It ends the tunnel, whatever else it says.
      tunnels.stop(now, tunnel, "protocol-error", facts);
      return;
    }
    if (answer.send === "StopCCN") {
      tunnels.protocolError(now, tunnel, facts);
      return;
    }
    if (tunnel.state !== "established") {
      tunnels.protocolError(now, tunnel, { ...STOP.stateMachine, text: `${name} in state ${tunnel.state}` });
      return;
    }
    const session = this.#sessionOf(tunnel, sessionId, assigned);
    if (session !== undefined) {
      if (assigned !== undefined && session.peerSessionId === 0) session.peerSessionId = assigned;
      calls.protocolError(now, session, facts);
    } else if (messageType === TYPE_ICRQ || messageType === TYPE_OCRQ) {
      // "Before the Assigned Session ID AVP is received", the header has Session ID 0 (RFC 2661 §4.4.4).
      calls.reception.refuseUnmade(now, tunnel, assigned ?? 0, facts);
    } else {
      core.counters.discard("unknownSession");
      core.notice(
        now,
        tunnel.peer,
        `${name ?? "message"} dropped: ${text}; nobody knows which call it is of`,
      );
    }
  }

  #sessionOf(tunnel: Tunnel, sessionId: number, assigned: number | undefined): Session | undefined {
    if (sessionId !== 0) return tunnel.sessions.get(sessionId);
    return assigned === undefined ? undefined : tunnel.sessions.get(tunnel.byPeerSession.get(assigned) ?? 0);
  }
}

/** From a datagram to the tunnel and session that it is for, and to what they make of it. */
import {
  type ControlDatagram,
  type decodeDatagram,
  HeaderCursor,
  type Instant,
  type Message,
} from "@l2tp/protocol";
import { isControlMessage, type TransportEvent } from "@l2tp/transport";
import type { AllParts } from "./all-parts.ts";
import { CDN } from "./call-messages.ts";
import { STOP } from "./control-messages.ts";
import { DISCARD_TEXT, decodeWith, faultOf, headerOf, knownFirst, typeOf } from "./decoding.ts";
import { openSensitiveAvp } from "./hiding.ts";
import type { Links } from "./links.ts";
import { Malformed } from "./malformed.ts";
import type { PeerAddress } from "./names.ts";
import { Newcomers } from "./newcomers.ts";
import { acceptsFrom, hasMoved } from "./peer-address.ts";
import type { Tunnel } from "./state.ts";
import type { Discard } from "./statistics.ts";

export class Reception {
  readonly #parts: AllParts;
  readonly #links: Links;
  readonly #cursor = new HeaderCursor();
  readonly newcomers: Newcomers;
  readonly #malformed: Malformed;

  constructor(parts: AllParts, links: Links) {
    this.#parts = parts;
    this.#links = links;
    this.#malformed = new Malformed(parts);
    this.newcomers = new Newcomers(parts, {
      deliver: (now, tunnel, from, datagram) => this.#deliver(now, tunnel, from, datagram),
      discard: (now, from, why) => this.#discard(now, from, why),
    });
  }

  /** Takes whatever came in. Never throws. */
  datagram(now: Instant, from: PeerAddress, octets: Uint8Array): void {
    const { core } = this.#parts;
    core.counters.count("controlDatagramsReceived");
    core.counters.count("controlOctetsReceived", octets.length);
    // A Buffer's slice() is a view: what the transport keeps has to be a copy.
    const datagram =
      octets.constructor === Uint8Array
        ? octets
        : new Uint8Array(octets.buffer, octets.byteOffset, octets.byteLength);
    const cursor = this.#cursor;
    if (!cursor.read(datagram)) {
      this.#discard(now, from, faultOf(cursor.fault));
      return;
    }
    if (!cursor.control) {
      this.#discard(now, from, cursor.version === 2 ? "unexpectedData" : "unknownVersion");
      return;
    }
    if (cursor.version !== 2) {
      this.#discard(now, from, "unknownVersion");
      return;
    }
    if (cursor.tunnelId === 0) this.newcomers.receive(now, from, datagram, cursor);
    else {
      const tunnel = core.tunnelsById.get(cursor.tunnelId);
      if (tunnel === undefined) this.#discard(now, from, "unknownTunnel");
      else this.#deliver(now, tunnel, from, datagram);
    }
  }

  /** Handles what reliable delivery reports. */
  transportEvents(now: Instant): void {
    const { core, tunnels } = this.#parts;
    for (let event = core.transport.pollEvent(); event !== undefined; event = core.transport.pollEvent()) {
      const tunnel = core.byChannel.get(event.channel);
      if (tunnel === undefined) continue;
      switch (event.type) {
        case "message":
          this.#message(now, tunnel, event.message);
          break;
        case "peer-reached":
          tunnels.reached(now, tunnel);
          break;
        case "failed":
          tunnels.noResponse(now, tunnel, event.what, event.transmissions, event.silentMs);
          break;
        case "closed":
          this.#closed(now, tunnel, event);
          break;
        default:
          break;
      }
    }
  }

  #closed(now: Instant, tunnel: Tunnel, event: TransportEvent & { type: "closed" }): void {
    if (!event.acknowledged && tunnel.ending?.by === "local") {
      // Nobody has acknowledged our StopCCN: nothing can be done about it any more.
      this.#parts.core.counters.count("noResponse");
    }
    this.newcomers.forget(tunnel);
    this.#parts.tunnels.register.remove(now, tunnel, 0);
  }

  /** A message for a tunnel that is there. */
  #deliver(now: Instant, tunnel: Tunnel, from: PeerAddress, datagram: Uint8Array): void {
    const { core, planes } = this.#parts;
    if (!acceptsFrom(tunnel, from)) {
      core.strays.set(tunnel, from.address === tunnel.peer.address ? `port ${from.port}` : from.address);
      this.#discard(now, from, "wrongAddress");
      return;
    }
    tunnel.source.statistics.messagesReceived++;
    if (this.#cursor.isZlb) core.counters.messages.ZLB.received++;
    const receipt = core.transport.receive(tunnel.channel, now, datagram);
    switch (receipt) {
      case "accepted":
        // Only what is new and in its order moves a peer: not what somebody has recorded.
        if (hasMoved(tunnel, from)) {
          const { family, address, port } = tunnel.peer;
          const moved = address !== from.address || port !== from.port;
          this.newcomers.forget(tunnel);
          tunnel.peer = { ...from };
          this.newcomers.knowsZeroId(tunnel);
          if (moved) {
            core.counters.count("peersMoved");
            core.emit({
              type: "peer-moved",
              tunnel: tunnel.handle,
              name: tunnel.name,
              before: { family, address, port },
              after: { family: from.family, address: from.address, port: from.port },
            });
            planes.moveTunnel(now, tunnel);
          }
        }
        break;
      case "out-of-window":
        core.counters.discard("outOfWindow");
        break;
      case "invalid-nr":
        core.counters.discard("invalidNr");
        break;
      case "closed":
        core.counters.discard("closed");
        break;
      default:
        break;
    }
    this.transportEvents(now);
  }

  /** A message in its order, for a tunnel that is there. */
  #message(now: Instant, tunnel: Tunnel, octets: Uint8Array): void {
    const { core, tunnels } = this.#parts;
    if (tunnel.closed || !isControlMessage(octets, 2)) return;
    const { sessionId, tunnelId } = headerOf(octets);
    const parsed = this.#decode(tunnel, octets);
    if (!parsed.ok) {
      this.#malformed.answer(now, tunnel, sessionId, parsed.rejection);
      return;
    }
    const datagram = parsed.value as ControlDatagram;
    const { message } = datagram;
    if (message.version !== 2 || message.type === "ZLB") return;
    core.counters.messages[message.type].received++;
    tunnel.log.note(now, false, typeOf(octets), sessionId);
    for (const { vendor } of message.extras ?? []) {
      core.counters.count(vendor === 0 ? "ignoredAvps" : "vendorAvps");
    }
    if (tunnel.answered >= 0 && tunnel.state === "established" && message.type !== "StopCCN") {
      tunnels.authentication.accepted(tunnel);
    }
    switch (message.type) {
      case "SCCRQ":
      case "SCCRP":
      case "SCCCN":
      case "StopCCN":
        tunnels.reception.receive(now, tunnel, message, tunnelId !== 0);
        this.newcomers.knowsZeroId(tunnel);
        return;
      case "HELLO":
        return;
      default:
        break;
    }
    if (tunnel.state !== "established") {
      core.counters.count("illegalMessages");
      core.counters.messages[message.type].receiveErrors++;
      const text = `${message.type} in state ${tunnel.state}`;
      tunnels.protocolError(now, tunnel, { ...STOP.stateMachine, text });
      return;
    }
    this.#callMessage(now, tunnel, sessionId, datagram, message as Message<"ICRQ", 2>);
  }

  /** A message of a call, or about calls. */
  #callMessage(
    now: Instant,
    tunnel: Tunnel,
    sessionId: number,
    datagram: ControlDatagram,
    message: Exclude<ControlDatagram["message"], { type: "ZLB" }>,
  ): void {
    const { calls, core } = this.#parts;
    if (message.version !== 2) return;
    const open = tunnel.settings.hiding === "require" ? openSensitiveAvp(datagram) : undefined;
    switch (message.type) {
      case "ICRQ":
      case "OCRQ":
        calls.reception.request(now, tunnel, sessionId, message, open);
        return;
      case "ICRP":
      case "OCRP":
      case "ICCN":
      case "OCCN": {
        const session = tunnel.sessions.get(sessionId);
        if (session !== undefined) {
          calls.reception.receive(now, session, message, open);
          return;
        }
        core.counters.discard("unknownSession");
        // A call of ours that ended a moment ago is no news; one that never was, the peer should forget.
        if ((message.type === "ICRP" || message.type === "OCRP") && tunnel.resting?.has(sessionId) !== true) {
          calls.reception.refuseUnmade(now, tunnel, message.assignedSessionId, {
            ...CDN.badSession,
            text: "unknown Session ID",
          });
        }
        return;
      }
      case "CDN": {
        const session =
          tunnel.sessions.get(sessionId) ??
          tunnel.sessions.get(tunnel.byPeerSession.get(message.assignedSessionId) ?? 0);
        if (session === undefined) core.counters.discard("unknownSession");
        else calls.reception.receive(now, session, message);
        return;
      }
      default:
        if (!this.#links.receive(tunnel, sessionId, message)) {
          core.counters.count("unsupportedMessages");
          core.counters.discard("unsupportedMessage");
        }
    }
  }

  #decode(tunnel: Tunnel, octets: Uint8Array): ReturnType<typeof decodeDatagram> {
    const { settings, leniency, originator, state } = tunnel;
    // Until somebody has decided on a caller, nobody knows which secret is the one between us: newcomers.ts has tried all.
    const undecided = !originator && state === "idle";
    if (undecided) {
      const opens = tunnel.hiddenWith === undefined ? [] : [tunnel.hiddenWith];
      return decodeWith(octets, opens, leniency.decode).parsed;
    }
    const secrets = knownFirst(settings.secrets, tunnel.secret);
    const { parsed, hiddenWith } = decodeWith(octets, secrets, leniency.decode);
    if (hiddenWith !== undefined) this.#parts.tunnels.authentication.hides(tunnel, hiddenWith);
    return parsed;
  }

  #discard(now: Instant, from: PeerAddress, why: Discard): void {
    const { core } = this.#parts;
    core.counters.discard(why);
    const source = core.sources.of(now, from.address);
    source.statistics.discarded++;
    core.noticeDiscard(now, from, `datagram dropped: ${DISCARD_TEXT[why] ?? why}`);
  }
}

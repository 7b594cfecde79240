/**
 * From a datagram to the tunnel and session that it is for. What is for nobody makes no state: only a well-formed SCCRQ
 * with Ns 0, within the limits, begins a tunnel.
 */
import {
  type ControlDatagram,
  type decodeDatagram,
  HeaderCursor,
  type Instant,
  type Message,
  messageName,
  type Rejection,
} from "@l2tp/protocol";
import { isControlMessage, type TransportEvent } from "@l2tp/transport";
import { CDN } from "./call-messages.ts";
import { STOP, type StopFacts } from "./control-messages.ts";
import { DISCARD_TEXT, decodeWith, faultOf, headerOf, sccrqKey, typeOf } from "./decoding.ts";
import { openSensitiveAvp } from "./hiding.ts";
import type { Links } from "./links.ts";
import { addressText, type PeerAddress } from "./names.ts";
import type { Parts } from "./parts.ts";
import { leniencyOf } from "./quirks.ts";
import { Refusals } from "./refusals.ts";
import type { Session, Tunnel } from "./state.ts";
import type { Discard } from "./statistics.ts";
import { tieOutcome } from "./tie-breaker.ts";
import { acceptsFrom, hasMoved } from "./tunnels.ts";

/** A source with more tunnels than that is no single host that has slept. */
const OLD_TUNNELS = 16;
const TYPE_STOPCCN = 4;
const TYPE_SCCRQ = 1;
const TYPE_ICRQ = 10;
const TYPE_OCRQ = 7;

export class Reception {
  readonly #parts: Parts;
  readonly #links: Links;
  readonly #cursor = new HeaderCursor();
  readonly #refusals: Refusals;
  /** Tunnels whose peer writes Tunnel ID 0, by its address and port. */
  readonly #zeroId = new Map<string, Tunnel>();

  constructor(parts: Parts, links: Links) {
    this.#parts = parts;
    this.#links = links;
    this.#refusals = new Refusals(parts.core);
    parts.tunnels.refuseCaller = (now, tunnel, stop) => this.#refuseTunnel(now, tunnel, stop);
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
    if (cursor.tunnelId === 0) this.#withoutId(now, from, datagram);
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

  /** A tunnel with the quirk of Tunnel ID 0 is found by where its datagrams come from. */
  knowsZeroId(tunnel: Tunnel): void {
    if (tunnel.leniency.zeroTunnelId) this.#zeroId.set(addressText(tunnel.peer), tunnel);
  }

  #closed(now: Instant, tunnel: Tunnel, event: TransportEvent & { type: "closed" }): void {
    if (!event.acknowledged && tunnel.ending?.by === "local") {
      // Nobody has acknowledged our StopCCN: nothing can be done about it any more.
      this.#parts.core.counters.count("noResponse");
    }
    this.forget(tunnel);
    this.#parts.tunnels.register.remove(now, tunnel, 0);
  }

  /** The tunnel goes. */
  forget(tunnel: Tunnel): void {
    const key = addressText(tunnel.peer);
    if (this.#zeroId.get(key) === tunnel) this.#zeroId.delete(key);
  }

  /** A message for a tunnel that is there. */
  #deliver(now: Instant, tunnel: Tunnel, from: PeerAddress, datagram: Uint8Array): void {
    const { core, planes } = this.#parts;
    if (!acceptsFrom(tunnel, from)) {
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
          this.forget(tunnel);
          tunnel.peer = { ...from };
          this.knowsZeroId(tunnel);
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

  /** The sender does not know our ID: an SCCRQ, or a StopCCN that comes right after it. */
  #withoutId(now: Instant, from: PeerAddress, datagram: Uint8Array): void {
    const { core } = this.#parts;
    const { isZlb, ns } = this.#cursor;
    const zero = this.#zeroId.get(addressText(from));
    if (isZlb) {
      if (zero === undefined) this.#discard(now, from, "notSccrq");
      else this.#deliver(now, zero, from, datagram);
      return;
    }
    const parsed = this.#decodeUnknown(datagram);
    const type = parsed.ok ? undefined : parsed.rejection.messageType;
    const message = parsed.ok && parsed.value.kind === "control" ? parsed.value.message : undefined;
    if (message?.type === "StopCCN" && message.version === 2) {
      const tunnel = this.#byPeerId(now, from, message.assignedTunnelId) ?? zero;
      if (tunnel === undefined) this.#discard(now, from, "unknownTunnel");
      else this.#deliver(now, tunnel, from, datagram);
      return;
    }
    if (message?.type !== "SCCRQ" && type !== TYPE_SCCRQ) {
      if (zero !== undefined) this.#deliver(now, zero, from, datagram);
      else this.#discard(now, from, "notSccrq");
      return;
    }
    if (ns !== 0) {
      this.#discard(now, from, "notSccrq");
      return;
    }
    const partial = parsed.ok ? message : parsed.rejection.partial;
    const peerTunnelId = (partial as { assignedTunnelId?: number } | undefined)?.assignedTunnelId ?? 0;
    const key = sccrqKey(from, peerTunnelId, datagram, this.#cursor.bodyEnd);
    this.#refusals.askedOctets = datagram.length;
    if (this.#refusals.repeated(now, from, key)) return;
    const known = core.bySccrq.get(key);
    if (known !== undefined) {
      core.counters.discard("duplicateSccrq");
      this.#deliver(now, known, from, datagram);
      return;
    }
    if (parsed.ok) this.#sccrq(now, from, datagram, message as Message<"SCCRQ", 2>, key);
    else this.#badSccrq(now, from, peerTunnelId, parsed.rejection, key);
  }

  /** A well-formed SCCRQ that was not seen before. */
  #sccrq(
    now: Instant,
    from: PeerAddress,
    datagram: Uint8Array,
    message: Message<"SCCRQ", 2>,
    key: string,
  ): void {
    const { core, tunnels } = this.#parts;
    const { limits } = core.settings;
    const source = core.sources.of(now, from.address);
    if (!source.sccrq.take(now) || !source.badAuthentication.has(now) || !core.tunnelRate.take(now)) {
      // Silence: a peer that is in earnest comes again.
      source.statistics.rateLimited++;
      this.#discard(now, from, "rateLimited");
      return;
    }
    const { assignedTunnelId } = message;
    if (core.draining) {
      core.counters.discard("draining");
      this.#refusals.refuse(
        now,
        from,
        assignedTunnelId,
        core.shutDown ? STOP.shutDown : STOP.tryAnother,
        key,
      );
      return;
    }
    if (source.halfOpen >= limits.halfOpenPerSource || core.halfOpen >= limits.halfOpen) {
      core.counters.count("tooManyTunnels");
      core.counters.discard("halfOpenLimit");
      this.#notice(now, from, "SCCRQ ignored: too many tunnels are half open");
      return;
    }
    if (core.tunnels.size - core.tombs.size >= limits.tunnels) {
      core.counters.count("tooManyTunnels");
      const stop = { ...STOP.noResources, text: `limits.tunnels: there are ${limits.tunnels}` };
      this.#refusals.refuse(now, from, assignedTunnelId, stop, key);
      return;
    }
    const lost = this.#tie(now, from, message, key);
    if (lost === "ignore") return;
    const tunnel = tunnels.accept(now, from, assignedTunnelId, key);
    if (tunnel === "noTunnelIds") {
      core.counters.count("noTunnelIds");
      this.#refusals.refuse(
        now,
        from,
        assignedTunnelId,
        { ...STOP.noResources, text: "no Tunnel ID is free" },
        key,
      );
      return;
    }
    source.statistics.tunnelsOpened++;
    this.#helloToOld(now, tunnel);
    this.#deliver(now, tunnel, from, datagram);
    for (const loser of lost) tunnels.loseTie(now, loser, tunnel);
  }

  /** Compares with our own SCCRQs to this peer that are not answered yet (RFC 2661 §4.4.3, Tie Breaker). */
  #tie(
    now: Instant,
    from: PeerAddress,
    message: Message<"SCCRQ", 2>,
    key: string,
  ): "ignore" | readonly Tunnel[] {
    const { core, tunnels } = this.#parts;
    const lost: Tunnel[] = [];
    for (const tunnel of [...core.outstanding]) {
      if (tunnel.peer.address !== from.address) continue;
      const outcome = tieOutcome(tunnel.tieBreaker, message.tieBreaker);
      if (outcome === "two-tunnels") continue;
      if (outcome === "we-lose") {
        lost.push(tunnel);
        continue;
      }
      core.counters.discard("lostTie");
      // What the peer sends again of it is still on its way when our tunnel is up.
      this.#refusals.remember(now, key, undefined);
      if (outcome === "we-win") tunnels.fire(now, tunnel, "rx-SCCRQ-win-tie-breaker");
      else tunnels.loseTie(now, tunnel, undefined);
      return "ignore";
    }
    return lost;
  }

  /** A caller that comes again from the same place may have slept: find out whether its old tunnel lives. */
  #helloToOld(now: Instant, fresh: Tunnel): void {
    const { core } = this.#parts;
    if (fresh.source.open.size > OLD_TUNNELS) return;
    for (const tunnel of fresh.source.open) {
      if (tunnel.peer.port !== fresh.peer.port || tunnel === fresh || tunnel.state !== "established")
        continue;
      if (!tunnel.leniency.withoutHello) core.transport.sendHello(tunnel.channel, now);
    }
  }

  #badSccrq(now: Instant, from: PeerAddress, peerTunnelId: number, rejection: Rejection, key: string): void {
    const { core } = this.#parts;
    core.counters.messages.SCCRQ.receiveErrors++;
    this.#notice(now, from, `SCCRQ refused: ${rejection.text}`);
    const { answer } = rejection;
    // Without its Tunnel ID there is no way to tell the sender.
    if (peerTunnelId === 0 || typeof answer === "string") {
      this.#discard(now, from, "malformed");
      return;
    }
    core.counters.discard("malformed");
    const { result, error, text } = answer;
    this.#refusals.refuse(
      now,
      from,
      peerTunnelId,
      { result, ...(error !== undefined && { error }), text },
      key,
    );
  }

  #decodeUnknown(datagram: Uint8Array): ReturnType<typeof decodeDatagram> {
    const { core } = this.#parts;
    const quirks = leniencyOf(core.settings.tunnel.quirks).decode;
    const secrets = core.settings.callerSecrets;
    return decodeWith(datagram, secrets, quirks);
  }

  /** By the ID that the peer has given the tunnel: it does not know ours yet. */
  #byPeerId(now: Instant, from: PeerAddress, peerTunnelId: number): Tunnel | undefined {
    const source = this.#parts.core.sources.of(now, from.address);
    if (source.halfOpen === 0) return undefined;
    for (const tunnel of source.open) {
      const same = tunnel.peerTunnelId === peerTunnelId && tunnel.peer.port === from.port;
      if (same && !tunnel.originator && tunnel.establishedAt === undefined) return tunnel;
    }
    return undefined;
  }

  /** A message in its order, for a tunnel that is there. */
  #message(now: Instant, tunnel: Tunnel, octets: Uint8Array): void {
    const { core, tunnels } = this.#parts;
    if (tunnel.closed || !isControlMessage(octets, 2)) return;
    const { sessionId } = headerOf(octets);
    const parsed = this.#decode(tunnel, octets);
    if (!parsed.ok) {
      this.#rejected(now, tunnel, sessionId, parsed.rejection);
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
    switch (message.type) {
      case "SCCRQ":
      case "SCCRP":
      case "SCCCN":
      case "StopCCN":
        tunnels.receive(now, tunnel, message);
        this.knowsZeroId(tunnel);
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
        calls.request(now, tunnel, sessionId, message, open);
        return;
      case "ICRP":
      case "OCRP":
      case "ICCN":
      case "OCCN": {
        const session = tunnel.sessions.get(sessionId);
        if (session !== undefined) {
          calls.receive(now, session, message, open);
          return;
        }
        core.counters.discard("unknownSession");
        // A call of ours that ended a moment ago is no news; one that never was, the peer should forget.
        if ((message.type === "ICRP" || message.type === "OCRP") && tunnel.resting?.has(sessionId) !== true) {
          calls.refuseUnmade(now, tunnel, message.assignedSessionId, {
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
        else calls.receive(now, session, message);
        return;
      }
      default:
        if (!this.#links.receive(tunnel, sessionId, message)) {
          core.counters.count("unsupportedMessages");
          core.counters.discard("unsupportedMessage");
        }
    }
  }

  /** A message that the codec refuses: the RFC's own answer, by what it belongs to. */
  #rejected(now: Instant, tunnel: Tunnel, sessionId: number, rejection: Rejection): void {
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
    this.#notice(now, tunnel.peer, `${name ?? "message"} refused: ${text}`);
    const facts: StopFacts = {
      result: answer.result,
      ...(answer.error !== undefined && { error: answer.error }),
      text: answer.text,
    };
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
    const assigned = (partial as { assignedSessionId?: number } | undefined)?.assignedSessionId;
    const session = this.#sessionOf(tunnel, sessionId, assigned);
    if (session !== undefined) {
      if (assigned !== undefined && session.peerSessionId === 0) session.peerSessionId = assigned;
      calls.protocolError(now, session, facts);
    } else if ((messageType === TYPE_ICRQ || messageType === TYPE_OCRQ) && assigned !== undefined) {
      calls.refuseUnmade(now, tunnel, assigned, facts);
    } else core.counters.discard("unknownSession");
  }

  #sessionOf(tunnel: Tunnel, sessionId: number, assigned: number | undefined): Session | undefined {
    if (sessionId !== 0) return tunnel.sessions.get(sessionId);
    return assigned === undefined ? undefined : tunnel.sessions.get(tunnel.byPeerSession.get(assigned) ?? 0);
  }

  #decode(tunnel: Tunnel, octets: Uint8Array): ReturnType<typeof decodeDatagram> {
    const { settings, leniency } = tunnel;
    const secrets = tunnel.secret < 0 ? settings.secrets : [settings.secrets[tunnel.secret] as string];
    return decodeWith(octets, secrets, leniency.decode);
  }

  /** Refuses a caller of whom a tunnel was made, before anything was sent to it. */
  #refuseTunnel(now: Instant, tunnel: Tunnel, stop: StopFacts): void {
    if (tunnel.originator || tunnel.sccrqKey === undefined) return;
    this.#refusals.refuse(now, tunnel.peer, tunnel.peerTunnelId, stop, tunnel.sccrqKey, tunnel.tunnelId);
  }

  #discard(now: Instant, from: PeerAddress, why: Discard): void {
    const { core } = this.#parts;
    core.counters.discard(why);
    const source = core.sources.of(now, from.address);
    source.statistics.discarded++;
    this.#notice(now, from, `datagram dropped: ${DISCARD_TEXT[why] ?? why}`);
  }

  #notice(now: Instant, from: PeerAddress, text: string): void {
    this.#parts.core.notice(now, from, text);
  }
}

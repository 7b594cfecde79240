/**
 * Those who do not know our ID for their tunnel: callers with an SCCRQ, and few others. Only a well-formed SCCRQ with Ns 0,
 * within the limits, begins a tunnel.
 */
import type { HeaderCursor, Instant, Message, Rejection } from "@l2tp/protocol";
import type { AllParts } from "./all-parts.ts";
import { STOP, type StopFacts } from "./control-messages.ts";
import { type Decoded, decodeWith, sccrqKey } from "./decoding.ts";
import { addressText, type PeerAddress } from "./names.ts";
import { leniencyOf } from "./quirks.ts";
import { type AskedFor, Refusals } from "./refusals.ts";
import { TokenBucket } from "./sources.ts";
import type { Tunnel } from "./state.ts";
import type { Discard } from "./statistics.ts";
import { tieOutcome } from "./tie-breaker.ts";

/** A source with more tunnels than that is no single host that has slept. */
const OLD_TUNNELS = 16;
/** Secrets that are tried on what strangers have hidden, each second and at once: some 15 µs each. */
const TRIALS = [5_000, 10_000] as const;
/** Copies of an SCCRQ that are still on their way when its tunnel is up. */
const LATE_MS = 3_000;
/** An old tunnel is not asked more often whether its peer is there. */
const ASK_AGAIN_MS = 10_000;
const TYPE_SCCRQ = 1;

/** What is done with a datagram whose place is known. */
export interface Gate {
  deliver(now: Instant, tunnel: Tunnel, from: PeerAddress, datagram: Uint8Array): void;
  discard(now: Instant, from: PeerAddress, why: Discard): void;
}

export class Newcomers {
  readonly #parts: AllParts;
  readonly #gate: Gate;
  readonly #refusals: Refusals;
  /** Tunnels whose peer writes Tunnel ID 0, by its address and port. */
  readonly #zeroId = new Map<string, Tunnel>();
  readonly #trials = new TokenBucket(0, TRIALS);

  constructor(parts: AllParts, gate: Gate) {
    this.#parts = parts;
    this.#gate = gate;
    this.#refusals = new Refusals(parts.core);
    parts.tunnels.machine.refuseCaller = (now, tunnel, stop) => this.#refuseTunnel(now, tunnel, stop);
  }

  /** A tunnel with the quirk of Tunnel ID 0 is found by where its datagrams come from. */
  knowsZeroId(tunnel: Tunnel): void {
    if (tunnel.leniency.zeroTunnelId) this.#zeroId.set(addressText(tunnel.peer), tunnel);
  }

  /** The tunnel goes. */
  forget(tunnel: Tunnel): void {
    const key = addressText(tunnel.peer);
    if (this.#zeroId.get(key) === tunnel) this.#zeroId.delete(key);
  }

  /** The sender does not know our ID: an SCCRQ, or a StopCCN that comes right after it. */
  receive(now: Instant, from: PeerAddress, datagram: Uint8Array, { isZlb, ns, bodyEnd }: HeaderCursor): void {
    const { core } = this.#parts;
    const zero = this.#zeroId.get(addressText(from));
    if (isZlb) {
      if (zero === undefined) this.#gate.discard(now, from, "notSccrq");
      else this.#gate.deliver(now, zero, from, datagram);
      return;
    }
    const { parsed, hiddenWith, givenUp } = this.#decodeUnknown(now, datagram);
    if (givenUp) {
      this.#gate.discard(now, from, "rateLimited");
      return;
    }
    const type = parsed.ok ? undefined : parsed.rejection.messageType;
    const message = parsed.ok && parsed.value.kind === "control" ? parsed.value.message : undefined;
    if (message?.type === "StopCCN" && message.version === 2) {
      const tunnel = this.#byPeerId(now, from, message.assignedTunnelId) ?? zero;
      if (tunnel === undefined) this.#gate.discard(now, from, "unknownTunnel");
      else this.#gate.deliver(now, tunnel, from, datagram);
      return;
    }
    if (message?.type !== "SCCRQ" && type !== TYPE_SCCRQ) {
      if (zero !== undefined) this.#gate.deliver(now, zero, from, datagram);
      else this.#gate.discard(now, from, "notSccrq");
      return;
    }
    if (ns !== 0) {
      this.#gate.discard(now, from, "notSccrq");
      return;
    }
    const partial = parsed.ok ? message : parsed.rejection.partial;
    const peerTunnelId = (partial as { assignedTunnelId?: number } | undefined)?.assignedTunnelId ?? 0;
    const key = sccrqKey(from, peerTunnelId, datagram, bodyEnd);
    const asked = {
      peerTunnelId,
      key,
      octets: datagram.length,
      ...(hiddenWith !== undefined && { hiddenWith }),
    };
    if (this.#refusals.repeated(now, from, key)) return;
    const known = core.bySccrq.get(key);
    if (known !== undefined && !this.#isNewCall(now, known)) {
      core.counters.discard("duplicateSccrq");
      this.#gate.deliver(now, known, from, datagram);
      return;
    }
    if (parsed.ok) this.#sccrq(now, from, datagram, message as Message<"SCCRQ", 2>, asked);
    else this.#badSccrq(now, from, parsed.rejection, asked);
  }

  /** A well-formed SCCRQ that was not seen before. */
  #sccrq(
    now: Instant,
    from: PeerAddress,
    datagram: Uint8Array,
    message: Message<"SCCRQ", 2>,
    asked: AskedFor,
  ): void {
    const { core, tunnels } = this.#parts;
    const { limits } = core.settings;
    const source = core.sources.of(now, from.address);
    if (!source.sccrq.take(now) || !source.badAuthentication.has(now) || !core.tunnelRate.take(now)) {
      // Silence: a peer that is in earnest comes again.
      source.statistics.rateLimited++;
      this.#gate.discard(now, from, "rateLimited");
      return;
    }
    if (core.draining) {
      core.counters.discard("draining");
      this.#refusals.refuse(now, from, asked, core.shutDown ? STOP.shutDown : STOP.tryAnother);
      return;
    }
    if (source.halfOpen >= limits.halfOpenPerSource || core.halfOpen >= limits.halfOpen) {
      core.counters.count("tooManyTunnels");
      core.counters.discard("halfOpenLimit");
      this.#parts.core.notice(now, from, "SCCRQ ignored: too many tunnels are half open");
      return;
    }
    if (core.tunnels.size - core.tombs.size >= limits.tunnels) {
      core.counters.count("tooManyTunnels");
      const stop = { ...STOP.noResources, text: `limits.tunnels: there are ${limits.tunnels}` };
      this.#refusals.refuse(now, from, asked, stop);
      return;
    }
    const lost = this.#tie(now, from, message, asked.key);
    if (lost === "ignore") return;
    const tunnel = tunnels.accept(now, from, asked);
    if (tunnel === "noTunnelIds") {
      core.counters.count("noTunnelIds");
      this.#refusals.refuse(now, from, asked, { ...STOP.noResources, text: "no Tunnel ID is free" });
      return;
    }
    source.statistics.tunnelsOpened++;
    this.#helloToOld(now, tunnel);
    this.#gate.deliver(now, tunnel, from, datagram);
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
    for (const tunnel of this.#awaiting(now, from)) {
      const outcome = tieOutcome(tunnel.tieBreaker, message.tieBreaker);
      if (outcome === "two-tunnels") continue;
      if (outcome === "we-lose") {
        lost.push(tunnel);
        continue;
      }
      core.counters.discard("lostTie");
      // What the peer sends again of it is still on its way when our tunnel is up.
      this.#refusals.remember(now, key, undefined);
      if (outcome === "we-win") tunnels.machine.fire(now, tunnel, "rx-SCCRQ-win-tie-breaker");
      else tunnels.loseTie(now, tunnel, undefined);
      return "ignore";
    }
    return lost;
  }

  /**
   * Our tunnels that wait for an answer of this peer. A host may have several peers, each with a port of its own (behind
   * NAT): where we have dialled the very port that calls, it is that one.
   */
  #awaiting(now: Instant, from: PeerAddress): readonly Tunnel[] {
    const { core } = this.#parts;
    const { open } = core.sources.of(now, from.address);
    // Whichever is fewer: a host may wait for many peers, or have many tunnels with this one.
    const some = [...(open.size < core.outstanding.size ? open : core.outstanding)].filter(
      ({ state, peer }) => state === "wait-ctl-reply" && peer.address === from.address,
    );
    const there = some.filter(({ peer }) => peer.port === from.port);
    return there.length > 0 ? there : some;
  }

  /**
   * An SCCRQ came that is the same in all as that of a tunnel: sent again, or its sender begins anew and has nothing random
   * in it. What has ended it may call again at once. What is up is not given up for a datagram that anybody may have
   * forged: its peer is asked, and when it is not there the next one is a new call.
   */
  #isNewCall(now: Instant, known: Tunnel): boolean {
    const { core, tunnels } = this.#parts;
    if (!known.closed) {
      const { establishedAt = now } = known;
      if (now - establishedAt > LATE_MS) this.#askOld(now, known);
      return false;
    }
    // Nothing of the old tunnel is sent again: its ID at the peer is that of the new one.
    this.forget(known);
    core.transport.release(known.channel);
    tunnels.register.remove(now, known, core.restMs(known));
    return true;
  }

  /** Finds out whether a peer is still there: not with each SCCRQ in its name, as anybody may forge those. */
  #askOld(now: Instant, tunnel: Tunnel): void {
    if (now - tunnel.askedAt < ASK_AGAIN_MS || tunnel.leniency.withoutHello) return;
    tunnel.askedAt = now;
    this.#parts.core.transport.sendHello(tunnel.channel, now);
  }

  /** A caller that comes again from the same place may have slept: find out whether its old tunnel lives. */
  #helloToOld(now: Instant, fresh: Tunnel): void {
    if (fresh.source.open.size > OLD_TUNNELS) return;
    for (const tunnel of fresh.source.open) {
      if (tunnel.peer.port !== fresh.peer.port || tunnel === fresh || tunnel.state !== "established")
        continue;
      this.#askOld(now, tunnel);
    }
  }

  #badSccrq(now: Instant, from: PeerAddress, rejection: Rejection, asked: AskedFor): void {
    const { core } = this.#parts;
    core.counters.messages.SCCRQ.receiveErrors++;
    const { answer } = rejection;
    // Without its Tunnel ID there is no way to tell the sender.
    if (asked.peerTunnelId === 0 || typeof answer === "string") {
      core.notice(now, from, `SCCRQ dropped: ${rejection.text}`);
      this.#gate.discard(now, from, "malformed");
      return;
    }
    core.counters.discard("malformed");
    const { result, error, text } = answer;
    this.#refusals.refuse(now, from, asked, { result, ...(error !== undefined && { error }), text });
  }

  #decodeUnknown(now: Instant, datagram: Uint8Array): Decoded {
    const { core } = this.#parts;
    const quirks = leniencyOf(core.settings.tunnel.quirks).decode;
    const secrets = core.settings.callerSecrets;
    return decodeWith(datagram, secrets, quirks, () => this.#trials.take(now));
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

  /** Refuses a caller of whom a tunnel was made, before anything was sent to it. */
  #refuseTunnel(now: Instant, tunnel: Tunnel, stop: StopFacts): void {
    if (tunnel.originator || tunnel.sccrqKey === undefined) return;
    const { peerTunnelId, sccrqKey: key, sccrqOctets: octets, tunnelId } = tunnel;
    this.#refusals.refuse(now, tunnel.peer, { peerTunnelId, key, octets }, stop, tunnelId);
  }
}

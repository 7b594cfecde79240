/** Answers to those for whom no tunnel is kept: one StopCCN, no longer than what it answers, and not too many of them. */
import { encodeMessage, type Instant, type Secret, textOctets } from "@l2tp/protocol";
import { type StopFacts, stopMessage } from "./control-messages.ts";
import type { Core } from "./core.ts";
import type { PeerAddress } from "./names.ts";

/** A StopCCN without text: header, Message Type, Assigned Tunnel ID, Result Code with Error Code. */
const SHORTEST_REFUSAL = 12 + 8 + 8 + 10;
/** Whoever has not heard a refusal asks again before that; after it the same SCCRQ is another try, and may be taken. */
const SILENCE_MS = 10_000;
/** Refusals that are repeated when the same SCCRQ comes again. */
const REFUSALS = 1_024;

/** The SCCRQ that is refused. */
export interface AskedFor {
  /** The ID that it assigns. */
  readonly peerTunnelId: number;
  /** What tells it from any other SCCRQ. */
  readonly key: string;
  readonly octets: number;
  /** The secret that opened its hidden AVPs. */
  readonly hiddenWith?: Secret;
}

interface Refusal {
  /** Undefined: silence. */
  readonly datagram: Uint8Array | undefined;
  readonly until: Instant;
  /** When it was said last. */
  at: Instant;
}

export class Refusals {
  readonly #core: Core;
  /** By what tells an SCCRQ from any other. */
  readonly #refusals = new Map<string, Refusal>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Sends one StopCCN and keeps nothing but it, to say it again when the SCCRQ comes again. One that is shorter than any
   * StopCCN, and so lacks most of what it needs, is not answered.
   */
  refuse(now: Instant, from: PeerAddress, asked: AskedFor, stop: StopFacts, assignedTunnelId?: number): void {
    const core = this.#core;
    if (asked.octets < SHORTEST_REFUSAL) {
      core.counters.count("refusalsSuppressed");
      core.notice(now, from, `SCCRQ dropped: ${stop.text ?? `${asked.octets} octets`}`);
      return;
    }
    const datagram = refusal(asked, assignedTunnelId ?? (core.random.u16() || 1), stop);
    this.remember(now, asked.key, datagram);
    if (assignedTunnelId === undefined) {
      const meaning = `StopCCN ${stop.result}${stop.error === undefined ? "" : `/${stop.error}`}`;
      core.notice(now, from, `SCCRQ refused: ${meaning}${stop.text === undefined ? "" : `, ${stop.text}`}`);
    }
    this.#sendRefusal(now, from, datagram);
  }

  #sendRefusal(now: Instant, to: PeerAddress, datagram: Uint8Array): void {
    const core = this.#core;
    if (!core.sources.of(now, to.address).refusals.take(now)) {
      core.counters.count("refusalsSuppressed");
      return;
    }
    core.counters.count("refusalsSent");
    core.counters.messages.StopCCN.sent++;
    core.unbound.push({
      tunnel: undefined,
      ...(to.local !== undefined && { from: to.local }),
      ...(to.wire !== undefined && { wire: to.wire }),
      to: { family: to.family, address: to.address, port: to.port },
      datagram,
    });
  }

  /** Answers the same SCCRQ so when it comes again; `undefined`: with silence. */
  remember(now: Instant, key: string, datagram: Uint8Array | undefined): void {
    const core = this.#core;
    for (const [old, { until }] of this.#refusals) {
      if (until > now && this.#refusals.size < REFUSALS) break;
      this.#refusals.delete(old);
    }
    const { transport } = core.settings.tunnel;
    const cycle = (transport.maxRetries + 1) * transport.retryTimeoutCapMs;
    this.#refusals.delete(key);
    this.#refusals.set(key, { datagram, until: now + Math.min(cycle, 60_000), at: now });
  }

  /** @returns whether this SCCRQ was refused before; it has been refused again then. */
  repeated(now: Instant, from: PeerAddress, key: string): boolean {
    const refusal = this.#refusals.get(key);
    if (refusal === undefined) return false;
    if (refusal.until <= now || now - refusal.at > SILENCE_MS) {
      this.#refusals.delete(key);
      return false;
    }
    refusal.at = now;
    const core = this.#core;
    core.counters.count("refusalsRepeated");
    if (refusal.datagram === undefined) core.counters.discard("lostTie");
    else this.#sendRefusal(now, from, refusal.datagram);
    return true;
  }
}

/** Never longer than the SCCRQ: nobody gets more octets than were sent in his name. */
function refusal(asked: AskedFor, assignedTunnelId: number, { text, ...stop }: StopFacts): Uint8Array {
  const room = asked.octets - SHORTEST_REFUSAL;
  const short = text === undefined || room <= 0 ? undefined : cut(text, room);
  const message = stopMessage(assignedTunnelId, { ...stop, ...(short !== undefined && { text: short }) });
  return encodeMessage(message, { tunnelId: asked.peerTunnelId, ns: 0, nr: 1 }).slice();
}

/** Text of at most so many octets; ours is ASCII, the codec's may quote a peer. */
function cut(text: string, octets: number): string {
  let short = text.slice(0, octets);
  while (textOctets(short).length > octets) short = short.slice(0, -1);
  return short;
}

/**
 * Which of two secrets answers a peer that has not shown yet which of them it has. RFC 2661 §5.1.1 knows a single secret; while
 * it is changed there are two, and whoever challenges us in its SCCRQ is answered before it has proved anything. So the first
 * secret is tried first, and what the peer makes of it is kept in mind for its next attempt, by its address and Host Name.
 *
 * What is believed: a refusal, of somebody who has received our answer (see `refused` for what that takes). It changes the
 * next answer to that address and name, and once both secrets were refused the answers are drawn by lot: so nobody who
 * shares the address and the name can keep a peer away by refusing in its stead. What is believed more: that a peer who has proved
 * that it has a secret goes on after our answer.
 */
import type { Instant } from "@l2tp/protocol";
import type { RandomSource } from "./random.ts";
import type { Tunnel } from "./state.ts";

/** How long a refusal is kept in mind: longer than peers wait before they try again. */
const REFUSAL_MS = 3_600_000;
/** Addresses that have refused, names at one of them, and peers that are known to take another secret than the first. */
const REFUSING_ADDRESSES = 1_024;
const NAMES_PER_ADDRESS = 8;
const ACCEPTING_PEERS = 4_096;

interface Refusal {
  readonly which: number;
  /** The other one was refused as well. */
  readonly both: boolean;
  readonly until: Instant;
}

export class SecondSecret {
  readonly #random: RandomSource;
  /** By address, then by Host Name. */
  readonly #refusals = new Map<string, Map<string, Refusal>>();
  readonly #accepted = new Map<string, number>();

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** Entries in mind. */
  get size(): number {
    let refusals = 0;
    for (const names of this.#refusals.values()) refusals += names.size;
    return refusals + this.#accepted.size;
  }

  /** @returns which secret answers the peer. */
  guess(now: Instant, tunnel: Tunnel): number {
    if (tunnel.settings.secrets.length < 2) return 0;
    const refusal = this.#refusal(now, tunnel);
    if (refusal === undefined) return this.#accepted.get(keyOf(tunnel)) ?? 0;
    return refusal.both ? this.#random.u16() & 1 : 1 - refusal.which;
  }

  /** The peer has refused `which`. @returns whether its next attempt is answered with the other one. */
  refused(now: Instant, tunnel: Tunnel, which: number): boolean {
    if (tunnel.settings.secrets.length < 2) return false;
    const { address } = tunnel.peer;
    const both = this.#refusal(now, tunnel) !== undefined;
    const names = this.#refusals.get(address) ?? new Map<string, Refusal>();
    put(names, nameOf(tunnel), { which, both, until: now + REFUSAL_MS }, NAMES_PER_ADDRESS);
    put(this.#refusals, address, names, REFUSING_ADDRESSES);
    return !both;
  }

  /** The peer has proved that it has a secret, and has taken `which` as an answer. */
  accepted(tunnel: Tunnel, which: number): void {
    if (tunnel.settings.secrets.length < 2) return;
    const names = this.#refusals.get(tunnel.peer.address);
    names?.delete(nameOf(tunnel));
    if (names?.size === 0) this.#refusals.delete(tunnel.peer.address);
    if (which === 0) this.#accepted.delete(keyOf(tunnel));
    else put(this.#accepted, keyOf(tunnel), which, ACCEPTING_PEERS);
  }

  #refusal(now: Instant, tunnel: Tunnel): Refusal | undefined {
    const refusal = this.#refusals.get(tunnel.peer.address)?.get(nameOf(tunnel));
    return refusal === undefined || refusal.until <= now ? undefined : refusal;
  }
}

const nameOf = ({ facts }: Tunnel): string => facts?.hostName ?? "";
const keyOf = (tunnel: Tunnel): string => `${tunnel.peer.address} ${nameOf(tunnel)}`;

/** Sets an entry as the newest; the oldest goes when there are too many. */
function put<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}

/**
 * Fragments put together (RFC 791 §3.2, RFC 8200 §4.5), in any order, in bounded memory.
 *
 * A datagram with fragments that overlap is dropped altogether, as RFC 5722 demands for IPv6 and Linux does for
 * IPv4: only an attacker sends such. A fragment that came twice, octet for octet, is ignored. Time is the packets'
 * own, so that a capture gives the same datagrams whenever it is read.
 */
import type { IpPacket } from "./ip.ts";

/** Limits of a {@link Reassembler}; each has a default. */
export interface ReassemblyLimits {
  /** How long the first fragment waits for the others, in milliseconds. RFC 8200 §4.5 says 60 s. */
  readonly timeoutMs?: number;
  /** Octets held for all unfinished datagrams together, book-keeping included; the oldest give way. */
  readonly memoryOctets?: number;
}

/** The longest payload that IP can describe. */
const MAX_PAYLOAD_OCTETS = 65_535;
const DEFAULT_TIMEOUT_MS = 60_000;
/** What Linux allows a network namespace (`ipfrag_high_thresh`). */
const DEFAULT_MEMORY_OCTETS = 4 * 1024 * 1024;
/** Roughly what the records for one fragment and for one datagram take. */
const FRAGMENT_OVERHEAD_OCTETS = 150;
const DATAGRAM_OVERHEAD_OCTETS = 500;

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface Unfinished {
  readonly startedMs: number;
  /** The protocol said by the fragment at offset 0. */
  protocol: number;
  /** Sorted by offset, none touching another's octets. */
  pieces: Piece[];
  /** Octets in `pieces`. */
  octets: number;
  /** Length of the payload, once the last fragment came. */
  total: number | undefined;
  /** Overlap, or a length that cannot be: fragments are swallowed until the time-out. */
  poisoned: boolean;
  /** What it counts against the limit. */
  cost: number;
}

/** Collects fragments of many datagrams at once. */
export class Reassembler {
  readonly #timeoutMs: number;
  readonly #memoryOctets: number;
  /** In the order of their first fragments. */
  readonly #unfinished = new Map<string, Unfinished>();
  #held = 0;
  #dropped = 0;

  constructor(limits: ReassemblyLimits = {}) {
    this.#timeoutMs = limits.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    this.#memoryOctets = limits.memoryOctets ?? DEFAULT_MEMORY_OCTETS;
  }

  /** Datagrams of which fragments are missing still. */
  get pending(): number {
    let count = 0;
    for (const datagram of this.#unfinished.values()) if (!datagram.poisoned) count += 1;
    return count;
  }

  /** Datagrams given up: timed out, overlapping, or pushed out by the memory limit. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Takes a fragment; its octets are copied.
   *
   * @param nowMs - when it was captured, in milliseconds of any one clock.
   * @param scope - keeps apart what only looks alike, such as VLANs.
   * @returns the whole datagram's payload and protocol when this was the last fragment wanting.
   */
  add(nowMs: number, packet: IpPacket, scope: string): { protocol: number; payload: Uint8Array } | undefined {
    const { fragment } = packet;
    if (fragment === undefined) return { protocol: packet.protocol, payload: packet.payload };
    this.#expire(nowMs);
    const key = keyOf(packet, fragment.identification, scope);
    let datagram = this.#unfinished.get(key);
    if (datagram === undefined) {
      datagram = {
        startedMs: nowMs,
        protocol: packet.protocol,
        pieces: [],
        octets: 0,
        total: undefined,
        poisoned: false,
        cost: DATAGRAM_OVERHEAD_OCTETS,
      };
      this.#unfinished.set(key, datagram);
      this.#held += datagram.cost;
    }
    if (!datagram.poisoned && !this.#insert(datagram, packet, fragment.offset, fragment.more)) {
      this.#poison(datagram);
    }
    if (datagram.octets === datagram.total) {
      this.#remove(key, datagram);
      return { protocol: datagram.protocol, payload: join(datagram.pieces, datagram.total) };
    }
    this.#makeRoom();
    return undefined;
  }

  /** @returns false when the fragment contradicts itself or those before it: the datagram is spoilt. */
  #insert(datagram: Unfinished, packet: IpPacket, offset: number, more: boolean): boolean {
    const { payload } = packet;
    const end = offset + payload.length;
    // Every fragment but the last is a multiple of 8 octets; where it is not, or was cut, nothing can follow it.
    if (packet.missing > 0 || payload.length === 0 || (more && (payload.length & 7) !== 0)) return false;
    if (end > MAX_PAYLOAD_OCTETS) return false;
    if (!more) {
      if (datagram.total !== undefined && datagram.total !== end) return false;
      datagram.total = end;
    }
    const { pieces } = datagram;
    let at = pieces.length;
    while (at > 0 && (pieces[at - 1]?.offset ?? 0) >= offset) at -= 1;
    const before = pieces[at - 1];
    const after = pieces[at];
    if (after !== undefined && after.offset === offset && same(after.bytes, payload)) return true;
    const overlaps =
      (before !== undefined && before.offset + before.bytes.length > offset) ||
      (after !== undefined && after.offset < end);
    const last = pieces.at(-1);
    const beyond =
      datagram.total !== undefined &&
      (end > datagram.total || (last !== undefined && last.offset + last.bytes.length > datagram.total));
    if (overlaps || beyond) return false;
    pieces.splice(at, 0, { offset, bytes: payload.slice() });
    if (offset === 0) datagram.protocol = packet.protocol;
    datagram.octets += payload.length;
    datagram.cost += payload.length + FRAGMENT_OVERHEAD_OCTETS;
    this.#held += payload.length + FRAGMENT_OVERHEAD_OCTETS;
    return true;
  }

  #poison(datagram: Unfinished): void {
    this.#held -= datagram.cost - DATAGRAM_OVERHEAD_OCTETS;
    this.#dropped += 1;
    datagram.cost = DATAGRAM_OVERHEAD_OCTETS;
    datagram.pieces = [];
    datagram.octets = 0;
    datagram.total = undefined;
    datagram.poisoned = true;
  }

  /** Captures may go back in time: only what is older than `nowMs` by the time-out goes. */
  #expire(nowMs: number): void {
    for (const [key, datagram] of this.#unfinished) {
      if (nowMs - datagram.startedMs < this.#timeoutMs) return;
      this.#giveUp(key, datagram);
    }
  }

  #makeRoom(): void {
    for (const [key, datagram] of this.#unfinished) {
      if (this.#held <= this.#memoryOctets) return;
      this.#giveUp(key, datagram);
    }
  }

  #giveUp(key: string, datagram: Unfinished): void {
    if (!datagram.poisoned) this.#dropped += 1;
    this.#remove(key, datagram);
  }

  #remove(key: string, datagram: Unfinished): void {
    this.#unfinished.delete(key);
    this.#held -= datagram.cost;
  }
}

/** RFC 791: source, destination, protocol and identification; RFC 8200: the same without the protocol. */
function keyOf(packet: IpPacket, identification: number, scope: string): string {
  const protocol = packet.version === 4 ? packet.protocol : "";
  return `${packet.source.join()}>${packet.destination.join()}/${protocol}/${identification}/${scope}`;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, i) => octet === b[i]);
}

function join(pieces: readonly Piece[], total: number): Uint8Array {
  const whole = new Uint8Array(total);
  for (const { offset, bytes } of pieces) whole.set(bytes, offset);
  return whole;
}

/** Sessions and destinations as the sending thread keeps them: plain fields, so that looking at one allocates nothing. */
import { MppeEncryptor } from "@l2tp/ppp";
import type { Arena } from "../arena.ts";
import { SEQUENCE_MASK, SEQUENCE_MASK_V2, SUBLAYER_S } from "../packet/data-header.ts";
import type { MssLimits } from "../packet/mss.ts";
import { ADDRESS_CONTROL, PPP } from "../packet/ppp-frame.ts";
import type { Prefix } from "../packet/prefix-table.ts";
import { TokenBucket } from "../packet/token-bucket.ts";
import type { DestinationRecord, HeaderRecord, LinkRecord, PppRecord, SendRecord } from "./messages.ts";
import type { Destination } from "./outbox.ts";

/** Octets of the arena for a header: it ends where the slot ends, and is copied in whole words. */
export const TEMPLATE = 32;
/** Octets of the arena for a `sockaddr` and a control message. */
export const NAMES = 128;

/** The L2TP header of a session: copied in front of each frame, with the next number if it has any. */
export class HeaderTemplate {
  length = 0;
  sequence = false;
  #version = 3;
  readonly #arena: Arena;
  /** One past its last octet. */
  readonly #end: number;
  readonly #row: number;

  /**
   * @param slot - {@link TEMPLATE} octets of the arena.
   * @param row - whose number it is.
   */
  constructor(arena: Arena, slot: number, row: number) {
    this.#arena = arena;
    this.#end = slot + TEMPLATE;
    this.#row = row;
  }

  set(record: HeaderRecord): void {
    this.length = record.octets.length;
    this.sequence = record.sequence;
    this.#version = record.version;
    this.#arena.u8.set(record.octets, this.#end - this.length);
  }

  /**
   * Copies it so that it ends before `end`; up to 3 octets in front of it are overwritten, too.
   *
   * @param ns - the numbers of all rows.
   * @returns where it begins.
   */
  write(end: number, ns: Int32Array): number {
    const { view } = this.#arena;
    const { length } = this;
    for (let i = 4; i < length + 4; i += 4) view.setUint32(end - i, view.getUint32(this.#end - i));
    if (this.sequence) {
      const n = ns[this.#row] as number;
      if (this.#version === 2) {
        view.setUint32(end - 4, n << 16);
        ns[this.#row] = (n + 1) & SEQUENCE_MASK_V2;
      } else {
        view.setUint32(end - 4, SUBLAYER_S | n);
        ns[this.#row] = (n + 1) & SEQUENCE_MASK;
      }
    }
    return end - length;
  }
}

/** What a PPP session has beyond an Ethernet one. */
export class TxPpp {
  readonly shared: number;
  readonly generation: number;
  /** Absent: no limit. */
  rate: TokenBucket | undefined;
  pfc = false;
  acfc = false;
  mtu = 0xffff;
  pass4 = false;
  pass6 = false;
  encryptor: MppeEncryptor | undefined;
  /** Of a shared TUN's table. */
  prefixes: readonly Prefix[] = [];

  constructor(record: PppRecord) {
    this.shared = record.shared;
    this.generation = record.generation;
  }

  set(link: LinkRecord, nowMs: number): void {
    this.pfc = link.pfc;
    this.acfc = link.acfc;
    this.mtu = link.mtu;
    this.rate = link.rateBps === 0 ? undefined : new TokenBucket(link.rateBps, nowMs);
    if (link.mppe !== "keep") {
      this.encryptor = link.mppe === undefined ? undefined : new MppeEncryptor(link.mppe, link.mppe.startKey);
    }
  }

  /**
   * Writes the PPP header in front of an IP packet, which is encrypted where that was agreed.
   *
   * @param packet - where it begins in the arena, with `MAX_PPP_HEADER` octets of room before it.
   * @returns where the header begins.
   */
  writeHeader({ view, u8 }: Arena, packet: number, length: number): number {
    let protocol: number = view.getUint8(packet) >>> 4 === 4 ? PPP.ipv4 : PPP.ipv6;
    let start = packet;
    if (this.encryptor !== undefined) {
      start -= 2;
      view.setUint16(start, protocol);
      // In place: the header goes before, each octet to where it was.
      this.encryptor.encrypt(u8.subarray(start, packet + length), u8, start - 2);
      start -= 2;
      protocol = PPP.compressed;
    }
    start -= this.pfc ? 1 : 2;
    if (this.pfc) view.setUint8(start, protocol);
    else view.setUint16(start, protocol);
    if (this.acfc) return start;
    view.setUint16(start - 2, ADDRESS_CONTROL);
    return start - 2;
  }
}

export class TxSession {
  readonly row: number;
  readonly tap: number;
  readonly header: HeaderTemplate;
  /** Absent: Ethernet. */
  readonly ppp: TxPpp | undefined;
  readonly destination: TxDestination;
  blocked = false;
  clamp = false;
  mss4 = 0;
  mss6 = 0;

  constructor(record: SendRecord, header: HeaderTemplate, destination: TxDestination) {
    this.row = record.row;
    this.tap = record.tap;
    this.header = header;
    header.set(record.header);
    this.destination = destination;
    this.ppp = record.ppp === undefined ? undefined : new TxPpp(record.ppp);
    this.setMss(record.mss);
  }

  setMss(mss: MssLimits | undefined): void {
    this.clamp = mss !== undefined;
    this.mss4 = mss?.ipv4 ?? 0;
    this.mss6 = mss?.ipv6 ?? 0;
  }
}

/** A destination, laid out for the outbox. */
export class TxDestination implements Destination {
  readonly tunnelId: number;
  fd = -1;
  readonly name: number;
  nameLength = 0;
  readonly control: number;
  controlLength = 0;
  gsoLimit = 0;
  /** Failures since the last report. */
  failures = 0;
  failure = 0;
  reportedAt = Number.NEGATIVE_INFINITY;
  refusedAt = 0;

  /** @param slot - {@link NAMES} octets of the arena. */
  constructor(tunnelId: number, slot: number) {
    this.tunnelId = tunnelId;
    this.name = slot;
    this.control = slot + NAMES / 2;
  }

  set(record: DestinationRecord, arena: Arena): void {
    arena.u8.set(record.address, this.name);
    arena.u8.set(record.control, this.control);
    this.fd = record.socket;
    this.nameLength = record.address.length;
    this.controlLength = record.control.length;
    this.gsoLimit = record.gso ? 0xffff : 0;
  }
}

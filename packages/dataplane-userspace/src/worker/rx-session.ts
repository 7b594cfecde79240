/** Sessions and peers as the receiving thread keeps them: plain fields, so that looking at one allocates nothing. */
import { cookieWords, SEQUENCE_MASK, SEQUENCE_MASK_V2 } from "../packet/data-header.ts";
import { type HoldingSlots, Sequence } from "../packet/sequence.ts";
import type { BridgeOut } from "./bridge.ts";
import type { ReceiveRecord } from "./messages.ts";
import { RxPpp } from "./rx-ppp.ts";
import type { TapTarget } from "./tap-writer.ts";

/** A tunnel's peer, to be compared with where a datagram came from. */
export class Peer {
  readonly tunnelId: number;
  /** When it was told last that its data comes from elsewhere. */
  movedAt = Number.NEGATIVE_INFINITY;
  /** Sessions that have it. */
  users = 0;
  #port = 0;
  readonly #words = new Uint32Array(4);
  readonly #addressAt: number;
  readonly #wordCount: number;

  constructor(tunnelId: number, family: 4 | 6) {
    this.tunnelId = tunnelId;
    this.#addressAt = family === 4 ? 4 : 8;
    this.#wordCount = family === 4 ? 1 : 4;
  }

  /** @param address - `sockaddr_in` or `sockaddr_in6`. */
  set(address: Uint8Array): void {
    const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
    this.#port = view.getUint16(2);
    for (let i = 0; i < this.#wordCount; i++) this.#words[i] = view.getUint32(this.#addressAt + i * 4);
  }

  /** Whether the `sockaddr` at `name` has this address. */
  hasAddress(view: DataView, name: number): boolean {
    const at = name + this.#addressAt;
    for (let i = 0; i < this.#wordCount; i++) if (view.getUint32(at + i * 4) !== this.#words[i]) return false;
    return true;
  }

  hasPort(view: DataView, name: number): boolean {
    return view.getUint16(name + 2) === this.#port;
  }
}

export class RxSession implements TapTarget {
  readonly row: number;
  readonly tap: number;
  readonly id: number;
  readonly version: 2 | 3;
  readonly bare: boolean;
  /** Absent: Ethernet. */
  readonly ppp: RxPpp | undefined;
  /** Where its frames go instead of to an interface. */
  bridge: BridgeOut | undefined;
  readonly peer: Peer;
  readonly cookieLength: number;
  readonly cookie0: number;
  readonly cookie1: number;
  readonly sublayer: boolean;
  /** Made with the first number that comes: most L2TPv2 sessions have none. */
  #sequence: Sequence | undefined;
  readonly #slots: HoldingSlots;
  receiveSequence: boolean;
  /** It is a LAC's: whether it numbers its messages is to be as the LNS does. */
  readonly follows: boolean;
  /** Ours have numbers; told by the main thread, so that what it has not heard is said again. */
  sends: boolean;
  /** When the main thread was told last to follow. */
  followedAt = Number.NEGATIVE_INFINITY;
  reorderMs: number;
  clamp = false;
  mss4 = 0;
  mss6 = 0;

  constructor(record: ReceiveRecord, peer: Peer, slots: HoldingSlots) {
    this.row = record.row;
    this.tap = record.tap;
    this.id = record.sessionId;
    this.version = record.version;
    this.ppp = record.ppp === undefined ? undefined : new RxPpp(record.ppp);
    this.bare = this.ppp !== undefined;
    this.peer = peer;
    this.cookieLength = record.cookie.length;
    [this.cookie0, this.cookie1] = cookieWords(record.cookie);
    this.sublayer = record.sublayer;
    this.#slots = slots;
    this.receiveSequence = record.receiveSequence;
    this.follows = record.follows === true;
    this.sends = record.sendSequence === true;
    this.reorderMs = record.reorderMs;
    this.setMss(record.mss);
  }

  get sequence(): Sequence {
    this.#sequence ??= new Sequence(this.#slots, this.version === 2 ? SEQUENCE_MASK_V2 : SEQUENCE_MASK);
    return this.#sequence;
  }

  /** Messages wait for those before them. */
  get holds(): boolean {
    return this.#sequence?.waiting === true;
  }

  setMss(mss: ReceiveRecord["mss"]): void {
    this.clamp = mss !== undefined;
    this.mss4 = mss?.ipv4 ?? 0;
    this.mss6 = mss?.ipv6 ?? 0;
  }
}

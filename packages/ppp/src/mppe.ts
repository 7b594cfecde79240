/**
 * MPPE packets (RFC 3078 §3 to §8): encrypting what goes out, decrypting what comes in, and finding the way back
 * after losses. One object per direction; the data path calls it for each packet.
 *
 *     | A | B | C | D |    Coherency Count (12 bits)    |  encrypted protocol field and data ...
 */
import { Rc4 } from "@l2tp/crypto";
import type { MppeMode } from "./ccp.ts";
import { firstSessionKey, nextSessionKey } from "./mppe-keys.ts";
import { u16At } from "./octets.ts";

/** A: the key stream begins anew here. D: the packet is encrypted. */
const FLUSHED = 0x8000;
const ENCRYPTED = 0x1000;
const COUNT_MASK = 0x0fff;
/** Octets of the header. */
export const MPPE_HEADER_LENGTH = 2;
/**
 * Packets that may be missing at once before a stateless receiver takes a packet for a stray of the past: half the
 * circle of the count. Each key change costs a hash, so this bounds what one forged packet costs too.
 */
const MAXIMUM_GAP = 2048;

/** Whether a protocol is encrypted: 0x0021 to 0x00fa, and no others (RFC 3078 §3). */
export const isEncrypted = (protocol: number): boolean => protocol >= 0x0021 && protocol <= 0x00fa;

/** What both directions have: the keys, the stream, the count. */
class Half {
  protected readonly mode: MppeMode;
  protected readonly startKey: Uint8Array;
  protected sessionKey: Uint8Array;
  protected readonly stream: Rc4;

  constructor(mode: MppeMode, startKey: Uint8Array) {
    this.mode = mode;
    this.startKey = startKey.slice();
    this.sessionKey = firstSessionKey(startKey, mode.bits);
    this.stream = new Rc4(this.sessionKey);
  }

  protected changeKey(): void {
    this.sessionKey = nextSessionKey(this.startKey, this.sessionKey, this.mode.bits);
    this.stream.rekey(this.sessionKey);
  }
}

/** Encrypts what we send. */
export class MppeEncryptor extends Half {
  #count = 0;
  #flush = true;

  /**
   * Encrypts one packet.
   * @param packet - its PPP protocol field (two octets, or one) and data.
   * @param output - where header and encrypted packet go; `packet.length + 2` octets are needed from `at` on.
   * @returns octets written: the information field of a frame with protocol 0x00fd.
   * @throws RangeError - no room in `output`.
   */
  encrypt(packet: Uint8Array, output: Uint8Array, at = 0): number {
    const length = packet.length + MPPE_HEADER_LENGTH;
    if (at < 0 || at + length > output.length)
      throw new RangeError(`${length} octets do not fit ${output.length} from ${at}`);
    if (this.mode.stateless) {
      // The first session key is changed before its first use too (§7.1).
      this.changeKey();
      this.#flush = true;
    } else if ((this.#count & 0xff) === 0xff) {
      this.changeKey();
      this.#flush = true;
    } else if (this.#flush) this.stream.rekey(this.sessionKey);
    const header = (this.#flush ? FLUSHED : 0) | ENCRYPTED | this.#count;
    output[at] = header >> 8;
    output[at + 1] = header;
    this.stream.process(packet, output, 0, packet.length, at + MPPE_HEADER_LENGTH);
    this.#flush = false;
    this.#count = (this.#count + 1) & COUNT_MASK;
    return length;
  }

  /** The peer sent a Reset-Request: the next packet begins the key stream anew (§8.2). */
  reset(): void {
    this.#flush = true;
  }
}

/**
 * What came of a received packet: decrypted; `lost` means that packets before it are missing and a Reset-Request should
 * be sent; `dropped` while waiting for its effect; `stale` an old one again; `clear` not encrypted; `malformed`.
 */
export type Decrypted = "ok" | "lost" | "dropped" | "stale" | "clear" | "malformed";

/** Decrypts what we receive. */
export class MppeDecryptor extends Half {
  /** The count that comes next. */
  #next = 0;
  #waiting = false;

  /**
   * Decrypts one packet.
   * @param information - of a frame with protocol 0x00fd.
   * @param output - where the packet goes, protocol field first; `information.length - 2` octets from `at` on. May be
   * `information` itself with `at` 0.
   * @returns what came of it; only after `ok` is there anything in `output`.
   * @throws RangeError - no room in `output`.
   */
  decrypt(information: Uint8Array, output: Uint8Array, at = 0): Decrypted {
    // One octet of data at least: the protocol field.
    if (information.length <= MPPE_HEADER_LENGTH) return "malformed";
    if (at < 0 || at + information.length - MPPE_HEADER_LENGTH > output.length) {
      throw new RangeError(
        `${information.length - MPPE_HEADER_LENGTH} octets do not fit ${output.length} from ${at}`,
      );
    }
    const header = u16At(information, 0);
    if ((header & ENCRYPTED) === 0) return "clear";
    const verdict = this.mode.stateless ? this.#placeStateless(header) : this.#placeStateful(header);
    if (verdict !== "ok") return verdict;
    this.stream.process(information, output, MPPE_HEADER_LENGTH, information.length, at);
    return "ok";
  }

  /** As many key changes as packets came and were lost (§8.1); the A bit is on every packet. */
  #placeStateless(header: number): Decrypted {
    if ((header & FLUSHED) === 0) return "malformed";
    const gap = ((header & COUNT_MASK) - this.#next) & COUNT_MASK;
    if (gap >= MAXIMUM_GAP) return "stale";
    for (let i = 0; i <= gap; i++) this.changeKey();
    this.#next = ((header & COUNT_MASK) + 1) & COUNT_MASK;
    return "ok";
  }

  /** Every packet in its place, or nothing until the sender begins anew (§8.2). */
  #placeStateful(header: number): Decrypted {
    const count = header & COUNT_MASK;
    const flushed = (header & FLUSHED) !== 0;
    const gap = (count - this.#next) & COUNT_MASK;
    if (gap >= MAXIMUM_GAP) return "stale";
    // Key changes at counts that end in ff: those on the way here, and this one.
    for (let missing = this.#next; missing !== count; missing = (missing + 1) & COUNT_MASK) {
      if ((missing & 0xff) === 0xff) this.changeKey();
    }
    if ((count & 0xff) === 0xff) this.changeKey();
    this.#next = (count + 1) & COUNT_MASK;
    if (flushed) {
      this.stream.rekey(this.sessionKey);
      this.#waiting = false;
      return "ok";
    }
    if (this.#waiting) return "dropped";
    if (gap === 0) return "ok";
    this.#waiting = true;
    return "lost";
  }
}

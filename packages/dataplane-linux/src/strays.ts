/**
 * What the kernel passes up and is no control message: data of sessions that are not there, data too short for a frame,
 * other versions, and what is no L2TP. It is counted; notices of it are few.
 */
import type { PlaneNotice } from "@l2tp/dataplane";
import type { SocketAddress } from "@l2tp/protocol";

/** At most one notice of a kind in this time, with the count of all. */
const NOTICE_EVERY_MS = 1_000;
/** Below this the kernel does not look at a datagram (the longest header of v2). */
const KERNEL_MINIMUM = 14;

const V2 = { flags: 0x02, length: 0x40 } as const;

/** What a data message says of where it belongs; `undefined` for what is none. */
export function readDataHeader(datagram: Uint8Array):
  | {
      readonly version: 2 | 3;
      readonly tunnelId: number;
      readonly sessionId: number;
      readonly header: number;
    }
  | undefined {
  if (datagram.length < 6) return undefined;
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  const version = view.getUint8(1) & 0x0f;
  if (version === 3) {
    // RFC 3931 §4.1.2.1; ID 0 is no session's.
    if (datagram.length < 8) return undefined;
    const sessionId = view.getUint32(4);
    return sessionId === 0 ? undefined : { version, tunnelId: 0, sessionId, header: 8 };
  }
  if (version !== V2.flags) return undefined;
  // RFC 2661 §3.1: the Length field, where it is there, stands before the IDs.
  const at = (view.getUint8(0) & V2.length) === 0 ? 2 : 4;
  if (datagram.length < at + 4) return undefined;
  if (at === 4 && view.getUint16(2) > datagram.length) return undefined;
  return { version, tunnelId: view.getUint16(at), sessionId: view.getUint16(at + 2), header: at + 4 };
}

/** Whether the kernel passed it up for its shortness alone. */
export const isShort = (datagram: Uint8Array): boolean => datagram.length < KERNEL_MINIMUM;

/**
 * The frame of a data message of v2 (RFC 2661 §3.1), behind sequence numbers and padding.
 * @param header - as {@link readDataHeader} says.
 */
export function frameOfV2(datagram: Uint8Array, header: number): Uint8Array {
  const [S, O] = [0x08, 0x02];
  const flags = datagram[0] ?? 0;
  let at = header + ((flags & S) === 0 ? 0 : 4);
  if ((flags & O) !== 0) at += 2 + (((datagram[at] ?? 0) << 8) | (datagram[at + 1] ?? 0));
  return datagram.subarray(at);
}

/** Lets one notice of a kind pass in a second, and sums up the others. */
export class NoticeLimiter {
  readonly #emit: (notice: PlaneNotice) => void;
  readonly #waiting = new Map<string, { count: number; make: (count: number) => PlaneNotice }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(emit: (notice: PlaneNotice) => void) {
    this.#emit = emit;
  }

  /**
   * Tells now, or within a second together with others of this kind: then the last one's words are told.
   * @param kind - what is summed up.
   */
  tell(kind: string, make: (count: number) => PlaneNotice): void {
    const known = this.#waiting.get(kind);
    if (known === undefined) {
      this.#waiting.set(kind, { count: 0, make });
      this.#emit(make(1));
      this.#timer ??= setTimeout(() => this.#flush(), NOTICE_EVERY_MS).unref();
      return;
    }
    known.count++;
    known.make = make;
  }

  #flush(): void {
    this.#timer = undefined;
    for (const [kind, { count, make }] of [...this.#waiting]) {
      if (count === 0) {
        this.#waiting.delete(kind);
        continue;
      }
      this.#waiting.set(kind, { count: 0, make });
      this.#emit(make(count));
    }
    if (this.#waiting.size > 0) this.#timer = setTimeout(() => this.#flush(), NOTICE_EVERY_MS).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting.clear();
  }
}

/** Addresses as text, to compare. */
export const sameAddress = (a: SocketAddress, b: SocketAddress): boolean =>
  a.port === b.port && a.address.replace(/%.*$/, "") === b.address.replace(/%.*$/, "");

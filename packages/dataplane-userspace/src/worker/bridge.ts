/**
 * Tunnel switching (`SessionPlane.bridge`): frames that are received for one session go out at another, octet by octet as they
 * came, without leaving the receiving thread. The other session's own thread sends nothing meanwhile, so its counters
 * and numbers, which are in shared memory, still have one writer.
 */
import { abi, type RawSyscalls } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { EIO } from "../errno.ts";
import { MAX_DATA_HEADER } from "../packet/data-header.ts";
import type { BridgeRecord } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { type Shared, TX } from "./shared.ts";
import { HeaderTemplate, NAMES, TEMPLATE, TxDestination } from "./tx-session.ts";

const HEADER_SLOT = 32;
const HEADER_SLOTS = 1_024;
/** How long a full socket buffer is waited for at a time. */
const WRITABLE_WAIT_MS = 20;
/** What UDP over IPv4 can carry. */
const LARGEST_MESSAGE = 65_507;

/** Octets of the arena that bridges need, beside those of an {@link Outbox}. */
export const BRIDGE_OCTETS = (rows: number): number =>
  HEADER_SLOTS * HEADER_SLOT + rows * (TEMPLATE + NAMES) + 128 * 1024;

/** The way out of one bridged session. */
export class BridgeOut extends TxDestination {
  readonly header: HeaderTemplate;
  readonly tx: Float64Array;
  readonly ns: Int32Array;
  /** Of the session that the frames go out by. */
  readonly row: number;

  constructor(record: BridgeRecord, arena: Arena, slot: number) {
    super(record.destination.tunnelId, slot + TEMPLATE);
    this.set(record.destination, arena);
    this.row = record.outRow;
    this.header = new HeaderTemplate(arena, slot, record.outRow);
    this.header.set(record.header);
    this.tx = new Float64Array(record.tx);
    this.ns = new Int32Array(record.ns);
  }

  /** Counts a message, or takes back what was counted. */
  count(packets: number, octets: number, errors: number): void {
    const at = this.row * TX.stride;
    const { tx } = this;
    tx[at + TX.packets] = (tx[at + TX.packets] as number) + packets;
    tx[at + TX.bytes] = (tx[at + TX.bytes] as number) + octets;
    tx[at + TX.errors] = (tx[at + TX.errors] as number) + errors;
  }
}

export class Bridges {
  readonly #arena: Arena;
  readonly #outbox: Outbox;
  readonly #slots: number;
  readonly #headerSlots: number;
  #headerSlot = 0;

  constructor(arena: Arena, sys: RawSyscalls, shared: Shared, rows: number) {
    this.#arena = arena;
    this.#slots = arena.take(rows * (TEMPLATE + NAMES));
    this.#headerSlots = arena.take(HEADER_SLOTS * HEADER_SLOT);
    const pollfd = arena.take(16);
    this.#outbox = new Outbox(arena, {
      sendmmsg: (fd, messages, count) =>
        sys.sendmmsg(fd, arena.base + messages, count, abi.MSG_DONTWAIT | abi.MSG_NOSIGNAL),
      waitWritable: (fd) => {
        const { view } = arena;
        view.setInt32(pollfd, fd, true);
        view.setUint16(pollfd + 4, abi.POLLOUT, true);
        view.setUint16(pollfd + 6, 0, true);
        sys.poll(arena.base + pollfd, 1, WRITABLE_WAIT_MS);
        return !shared.stopping;
      },
      failed: (_row, octets, destination) => (destination as BridgeOut).count(-1, -octets, 1),
      gsoRefused: (destination, octets, errno) => {
        destination.gsoLimit = errno === EIO ? 0 : octets - 1;
      },
    });
  }

  /** The way out for the frames of the session in `row`; none for `undefined`. */
  make(row: number, record: BridgeRecord | undefined): BridgeOut | undefined {
    this.flush();
    if (record === undefined) return undefined;
    return new BridgeOut(record, this.#arena, this.#slots + row * (TEMPLATE + NAMES));
  }

  /** The frame must stay where it is until {@link flush}. */
  send(out: BridgeOut, frame: number, length: number): void {
    if (length + MAX_DATA_HEADER > LARGEST_MESSAGE) {
      out.count(0, 0, 1);
      return;
    }
    if (this.#headerSlot === HEADER_SLOTS || this.#outbox.full) this.flush();
    const end = this.#headerSlots + (this.#headerSlot + 1) * HEADER_SLOT;
    this.#headerSlot++;
    const start = out.header.write(end, out.ns);
    const octets = end - start + length;
    out.count(1, octets, 0);
    this.#outbox.add(out, out.row, start, end - start, frame, length);
  }

  flush(): void {
    if (this.#outbox.datagrams === 0) return;
    this.#outbox.flush();
    this.#headerSlot = 0;
  }
}

/**
 * The sending thread of a wire: from its TAP interfaces to the socket. It waits on all TAPs by epoll, reads what
 * is there, puts headers in front where the frames lie, cuts large TCP frames into segments, and hands the lot to
 * the {@link Outbox}.
 */
import type { MessagePort } from "node:worker_threads";
import { abi } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { EAGAIN, EINTR, EIO } from "../errno.ts";
import { type Checksum, complement } from "../packet/checksum.ts";
import { MAX_DATA_HEADER, SEQUENCE_MASK, SUBLAYER_S } from "../packet/data-header.ts";
import { MssClamp } from "../packet/mss.ts";
import { MAX_CUT_HEADER, TcpCutter } from "../packet/tcp-cut.ts";
import { Loop, NOTICE_INTERVAL_MS } from "./loop.ts";
import type { Command, DestinationRecord, SendRecord, WorkerStart } from "./messages.ts";
import { type Destination, Outbox, type OutboxPort } from "./outbox.ts";
import { TX } from "./shared.ts";

/** Frames read from one TAP before the others have their turn. */
const FRAMES_PER_TURN = 64;
/** A frame of 64 KiB with all its headers. */
const LARGEST_READ = 65_536 + 256;
/** Frames are read into this much memory before they are sent; small enough to stay in the cache. */
const READ_ROOM = 4 * LARGEST_READ;
/** In front of each frame, so that its header fits there; the virtio header ends right before the frame. */
const HEADROOM = 16;
const VIRTIO = abi.virtio_net_hdr.size;
/** A fresh header for each segment of a cut frame. */
const HEADER_SLOT = 192;
const HEADER_SLOTS = 512;
/** What UDP over IPv4 can carry; IPv6 takes a little more. */
const LARGEST_MESSAGE = 65_507;
/** How long a destination goes without GSO that was refused. */
const GSO_RETRY_MS = 30_000;
/** How long a full socket buffer is waited for at a time. */
const WRITABLE_WAIT_MS = 20;

if (MAX_DATA_HEADER + MAX_CUT_HEADER > HEADER_SLOT) throw new RangeError("header slots are too small");

/** A session, laid out for the loop. */
class TxSession {
  readonly row: number;
  readonly tap: number;
  readonly header: number;
  readonly headerLength: number;
  readonly sublayer: boolean;
  destination: TxDestination;
  sequence: boolean;
  ns = 0;
  blocked = false;
  clamp = false;
  mss4 = 0;
  mss6 = 0;

  constructor(record: SendRecord, header: number, destination: TxDestination) {
    this.row = record.row;
    this.tap = record.tap;
    this.header = header;
    this.headerLength = record.header.length;
    this.sublayer = record.sublayer;
    this.sequence = record.sequence;
    this.destination = destination;
    this.setMss(record.mss);
  }

  setMss(mss: SendRecord["mss"]): void {
    this.clamp = mss !== undefined;
    this.mss4 = mss?.ipv4 ?? 0;
    this.mss6 = mss?.ipv6 ?? 0;
  }
}

/** A destination, laid out for the outbox. */
class TxDestination implements Destination {
  readonly tunnelId: number;
  fd: number;
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

  constructor(tunnelId: number, name: number, control: number) {
    this.tunnelId = tunnelId;
    this.fd = -1;
    this.name = name;
    this.control = control;
  }
}

/** Octets of the arena that one sender needs. */
export function senderArena(rows: number): number {
  return READ_ROOM + HEADER_SLOTS * HEADER_SLOT + rows * (32 + 128) + 256 * 1024;
}

export class Sender extends Loop {
  readonly #view: DataView;
  readonly #sessions: (TxSession | undefined)[] = [];
  readonly #destinations: (TxDestination | undefined)[] = [];
  readonly #outbox: Outbox;
  readonly #cutter: TcpCutter;
  readonly #clamp: MssClamp;
  readonly #checksum: Checksum;
  readonly #tx: Float64Array;
  /** Where a frame is read to: moves through the room until the outbox is emptied. */
  readonly #room: number;
  #at: number;
  readonly #headerSlots: number;
  #headerSlot = 0;
  readonly #templates: number;
  readonly #names: number;
  readonly #pollfd: number;
  readonly #vnet: boolean;
  /** Octets of a virtio header in front of each frame read. */
  readonly #virtio: number;
  readonly #failing = new Set<TxDestination>();
  /** Destinations whose GSO messages were refused, to be tried again. */
  readonly #limited = new Set<TxDestination>();

  constructor(start: WorkerStart, arena: Arena, port: MessagePort, checksum: Checksum) {
    super(start, arena, port);
    this.#view = arena.view;
    this.#checksum = checksum;
    this.#tx = this.shared.tx;
    this.#vnet = start.vnet;
    this.#virtio = start.vnet ? VIRTIO : 0;
    this.#room = arena.take(READ_ROOM);
    this.#at = this.#room;
    this.#headerSlots = arena.take(HEADER_SLOTS * HEADER_SLOT);
    this.#templates = arena.take(start.rows * 32);
    this.#names = arena.take(start.rows * 128);
    this.#pollfd = arena.take(16);
    this.#cutter = new TcpCutter(arena.view, checksum);
    this.#clamp = new MssClamp(arena.view);
    const outboxPort: OutboxPort = {
      sendmmsg: (fd, messages, count) =>
        this.sys.sendmmsg(fd, arena.base + messages, count, abi.MSG_DONTWAIT | abi.MSG_NOSIGNAL),
      waitWritable: (fd) => this.#waitWritable(fd),
      failed: (row, octets, destination, errno) =>
        this.#failed(row, octets, destination as TxDestination, errno),
      gsoRefused: (destination, octets, errno) => {
        const refused = destination as TxDestination;
        // EIO: no device on the way can do it; the others: too large for the path as it is now.
        refused.gsoLimit = errno === EIO ? 0 : octets - 1;
        refused.refusedAt = performance.now();
        this.#limited.add(refused);
        this.report({ type: "gso-refused", tunnelId: refused.tunnelId, octets, errno });
      },
    };
    this.#outbox = new Outbox(arena, outboxPort);
  }

  protected idleMs(): number {
    return this.#failing.size > 0 ? NOTICE_INTERVAL_MS : -1;
  }

  protected ready(row: number): void {
    const session = this.#sessions[row];
    if (session === undefined) return;
    for (let i = 0; i < FRAMES_PER_TURN; i++) {
      if (this.#at + LARGEST_READ > this.#room + READ_ROOM) this.#flush();
      const frame = this.#at + HEADROOM + VIRTIO;
      const into = frame - this.#virtio;
      const n = this.sys.read(session.tap, this.arena.base + into, LARGEST_READ - HEADROOM - VIRTIO);
      if (n < 0) {
        if (n === -EINTR) continue;
        if (n !== -EAGAIN) this.#lost(session, -n);
        return;
      }
      const length = n - this.#virtio;
      if (length <= 0) continue;
      this.#at = (frame + length + 63) & ~63;
      if (session.blocked) this.#drop(session, 1);
      else this.#frame(session, frame, length);
    }
  }

  protected settle(): void {
    this.#flush();
    if (this.#failing.size > 0) this.#reportFailures();
    if (this.#limited.size > 0) this.#tryAgain();
  }

  /** A path may take larger packets again; the price of a try is one system call. */
  #tryAgain(): void {
    const now = performance.now();
    for (const destination of this.#limited) {
      if (now - destination.refusedAt < GSO_RETRY_MS) continue;
      destination.gsoLimit = 0xffff;
      this.#limited.delete(destination);
    }
  }

  #flush(): void {
    this.#outbox.flush();
    this.#at = this.#room;
    this.#headerSlot = 0;
  }

  /** One frame as it was read, with its virtio header in front if the TAP has one. */
  #frame(session: TxSession, frame: number, length: number): void {
    const view = this.#view;
    if (!this.#vnet) {
      if (session.clamp) this.#clamp.clamp(frame, length, session.mss4, session.mss6, false);
      this.#ordinary(session, frame, length);
      return;
    }
    const virtio = frame - VIRTIO;
    const partial = (view.getUint8(virtio) & abi.VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0;
    const gso = view.getUint8(virtio + 1) & ~abi.VIRTIO_NET_HDR_GSO_ECN;
    if (session.clamp) this.#clamp.clamp(frame, length, session.mss4, session.mss6, partial);
    if (gso === abi.VIRTIO_NET_HDR_GSO_NONE) {
      if (partial && !this.#complete(frame, length, virtio)) this.#drop(session, 1);
      else this.#ordinary(session, frame, length);
    } else if (gso === abi.VIRTIO_NET_HDR_GSO_TCPV4 || gso === abi.VIRTIO_NET_HDR_GSO_TCPV6) {
      this.#cut(session, frame, length, view.getUint16(virtio + 4, true));
    } else {
      this.#drop(session, 1); // Not offered to the kernel, so it does not come.
    }
  }

  /** Finishes a checksum that the kernel left to the device: the field holds the sum of the pseudo-header. */
  #complete(frame: number, length: number, virtio: number): boolean {
    const view = this.#view;
    const start = view.getUint16(virtio + 6, true);
    const offset = view.getUint16(virtio + 8, true);
    if (start + offset + 2 > length) return false;
    const sum = complement(this.#checksum.sum(frame + start, length - start));
    // In UDP 0 means "no checksum" (RFC 768); 0xffff is the same sum, and as good in TCP.
    view.setUint16(frame + start + offset, sum === 0 ? 0xffff : sum);
    return true;
  }

  #ordinary(session: TxSession, frame: number, length: number): void {
    const headerLength = session.headerLength;
    if (headerLength + length > LARGEST_MESSAGE) {
      this.#drop(session, 1);
      return;
    }
    this.#header(session, frame - headerLength);
    this.#count(session, headerLength + length);
    this.#outbox.add(session.destination, session.row, frame - headerLength, headerLength + length, 0, 0);
  }

  #cut(session: TxSession, frame: number, length: number, size: number): void {
    const cutter = this.#cutter;
    if (!cutter.begin(frame, length, size)) {
      this.#drop(session, 1);
      return;
    }
    const front = session.headerLength + cutter.headerLength;
    if (front + size > LARGEST_MESSAGE) {
      this.#drop(session, cutter.segments);
      return;
    }
    for (let i = 0; i < cutter.segments; i++) {
      if (this.#headerSlot === HEADER_SLOTS || this.#outbox.full) {
        this.#outbox.flush();
        this.#headerSlot = 0;
      }
      const slot = this.#headerSlots + this.#headerSlot * HEADER_SLOT;
      this.#headerSlot++;
      this.#header(session, slot);
      cutter.header(i, slot + session.headerLength);
      this.#count(session, front + cutter.payloadLength);
      this.#outbox.add(
        session.destination,
        session.row,
        slot,
        front,
        cutter.payloadOffset,
        cutter.payloadLength,
      );
    }
  }

  /** Copies the session's header to `to`, with the next sequence number if it sends them. */
  #header(session: TxSession, to: number): void {
    const view = this.#view;
    const length = session.headerLength;
    for (let i = 0; i < length; i += 4) view.setUint32(to + i, view.getUint32(session.header + i));
    if (session.sequence && session.sublayer) {
      view.setUint32(to + length - 4, SUBLAYER_S | session.ns);
      session.ns = (session.ns + 1) & SEQUENCE_MASK;
    }
  }

  #count(session: TxSession, octets: number): void {
    const at = session.row * TX.stride;
    const tx = this.#tx;
    tx[at + TX.packets] = (tx[at + TX.packets] as number) + 1;
    tx[at + TX.bytes] = (tx[at + TX.bytes] as number) + octets;
  }

  #drop(session: TxSession, count: number): void {
    const at = session.row * TX.stride + TX.errors;
    this.#tx[at] = (this.#tx[at] as number) + count;
  }

  /** A datagram was counted as sent and was not. */
  #failed(row: number, octets: number, destination: TxDestination, errno: number): void {
    const at = row * TX.stride;
    const tx = this.#tx;
    tx[at + TX.packets] = (tx[at + TX.packets] as number) - 1;
    tx[at + TX.bytes] = (tx[at + TX.bytes] as number) - octets;
    tx[at + TX.errors] = (tx[at + TX.errors] as number) + 1;
    destination.failures++;
    destination.failure = errno;
    this.#failing.add(destination);
  }

  #reportFailures(): void {
    const now = performance.now();
    for (const destination of this.#failing) {
      if (now - destination.reportedAt < NOTICE_INTERVAL_MS) continue;
      const { tunnelId, failure, failures } = destination;
      this.report({ type: "send-failed", tunnelId, errno: failure, count: failures });
      destination.reportedAt = now;
      destination.failures = 0;
      this.#failing.delete(destination);
    }
  }

  /** Waits for room in the socket's buffer, but not when the thread is to stop. */
  #waitWritable(fd: number): boolean {
    const view = this.#view;
    const at = this.#pollfd;
    view.setInt32(at, fd, true);
    view.setUint16(at + 4, abi.POLLOUT, true);
    view.setUint16(at + 6, 0, true);
    this.sys.poll(this.arena.base + at, 1, WRITABLE_WAIT_MS);
    return !this.shared.stopping;
  }

  /** The TAP answers with an error: its interface is gone. */
  #lost(session: TxSession, errno: number): void {
    this.unwatch(session.tap);
    this.#sessions[session.row] = undefined;
    this.report({ type: "session-lost", row: session.row, errno });
  }

  protected command(command: Command): void {
    switch (command.do) {
      case "set-destination":
        this.#setDestination(command.index, command.destination);
        break;
      case "add-sender":
        this.#add(command.session);
        break;
      case "remove": {
        const session = this.#sessions[command.row];
        if (session !== undefined) this.unwatch(session.tap);
        this.#sessions[command.row] = undefined;
        break;
      }
      case "set-sequence": {
        const session = this.#sessions[command.row];
        if (session !== undefined && command.send !== undefined) session.sequence = command.send;
        break;
      }
      case "set-mss":
        this.#sessions[command.row]?.setMss(command.mss);
        break;
      case "block": {
        const session = this.#sessions[command.row];
        if (session !== undefined) session.blocked = command.blocked;
        break;
      }
    }
  }

  #add(record: SendRecord): void {
    const destination = this.#destinations[record.destination];
    if (destination === undefined) throw new Error(`no destination ${record.destination}`);
    const header = this.#templates + record.row * 32;
    this.arena.u8.set(record.header, header);
    const result = this.watch(record.tap, record.row, abi.EPOLLIN);
    if (result < 0) throw new Error(`epoll_ctl: errno ${-result}`);
    this.#sessions[record.row] = new TxSession(record, header, destination);
  }

  #setDestination(index: number, record: DestinationRecord | undefined): void {
    if (record === undefined) {
      const old = this.#destinations[index];
      if (old !== undefined) {
        this.#failing.delete(old);
        this.#limited.delete(old);
      }
      this.#destinations[index] = undefined;
      return;
    }
    const at = this.#names + index * 128;
    const destination = this.#destinations[index] ?? new TxDestination(record.tunnelId, at, at + 64);
    this.arena.u8.set(record.address, destination.name);
    this.arena.u8.set(record.control, destination.control);
    destination.fd = record.socket;
    destination.nameLength = record.address.length;
    destination.controlLength = record.control.length;
    destination.gsoLimit = record.gso ? 0xffff : 0;
    this.#destinations[index] = destination;
  }
}

/**
 * The sending thread of a wire: from its TAP and TUN interfaces, and from the main thread, to the socket. It waits on all
 * of them by epoll, reads what is there, puts headers in front where the frames lie, cuts large TCP frames into segments,
 * and hands the lot to the {@link Outbox}.
 */
import type { MessagePort } from "node:worker_threads";
import { abi } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { EAGAIN, EINTR } from "../errno.ts";
import { Allowance } from "../packet/allowance.ts";
import { type Checksum, completeChecksum } from "../packet/checksum.ts";
import { MAX_DATA_HEADER } from "../packet/data-header.ts";
import { MssClamp } from "../packet/mss.ts";
import { ADDRESS_CONTROL, MAX_PPP_HEADER, PPP } from "../packet/ppp-frame.ts";
import { MAX_CUT_HEADER, TcpCutter } from "../packet/tcp-cut.ts";
import { LARGEST_ANSWER, TooBig } from "../packet/too-big.ts";
import { ENTRY, FrameRing } from "./frame-ring.ts";
import { Loop, NOTICE_INTERVAL_MS, SHARED_TUN } from "./loop.ts";
import type { Command, WorkerStart } from "./messages.ts";
import { Outbox, type OutboxPort } from "./outbox.ts";
import { SendFailures } from "./send-failures.ts";
import { SendTables, sendTablesArena } from "./send-tables.ts";
import { TX } from "./shared.ts";
import type { TxDestination, TxPpp, TxSession } from "./tx-session.ts";

const IPV4_HEADER = 20;
/** Frames read from one interface before the others have their turn. */
const FRAMES_PER_TURN = 64;
/** What is taken of the main thread's ring in one turn. */
const ENTRIES_PER_TURN = 1_024;
/** A frame of 64 KiB with all its headers. */
const LARGEST_READ = 65_536 + 256;
/** Frames are read into this much memory before they are sent; small enough to stay in the cache. */
const READ_ROOM = 4 * LARGEST_READ;
/** Segments that are encrypted are put together here. */
const CRYPT_ROOM = 2 * LARGEST_READ;
const VIRTIO = abi.virtio_net_hdr.size;
/** An answer with a virtio header in front of it. */
const ANSWER_FRONT = 16;
const ANSWER_ROOM = ANSWER_FRONT + LARGEST_ANSWER;
/** In front of each frame, with room for a virtio header and ours; so that IP headers are at a multiple of four. */
const HEADROOM_ETHERNET = 42;
const HEADROOM_IP = 44;
/** What is read goes no further than this beyond its place. */
const LARGEST_FRAME = LARGEST_READ - HEADROOM_IP;
/** A fresh header for each segment of a cut frame; ours ends at the middle. */
const HEADER_SLOT = 192;
const HEADER_FRONT = 32;
const HEADER_SLOTS = 512;
/** What UDP over IPv4 can carry; IPv6 takes a little more. */
const LARGEST_MESSAGE = 65_507;
/** Answers to packets that are too large (RFC 1812 §4.3.2.8): this many at once, and this many a second. */
const ANSWERS_BURST = 50;
const ANSWERS_PER_SECOND = 200;
/** How long a full socket buffer is waited for at a time. */
const WRITABLE_WAIT_MS = 20;

if (HEADER_FRONT + MAX_CUT_HEADER > HEADER_SLOT) throw new RangeError("header slots are too small");
if (MAX_DATA_HEADER + MAX_PPP_HEADER + 3 > HEADER_FRONT) throw new RangeError("headers do not fit");

/** Octets of the arena that one sender needs. */
export function senderArena(rows: number): number {
  return (
    READ_ROOM + CRYPT_ROOM + ANSWER_ROOM + HEADER_SLOTS * HEADER_SLOT + sendTablesArena(rows) + 256 * 1024
  );
}

export class Sender extends Loop {
  readonly #view: DataView;
  readonly #tables: SendTables;
  /** Those of the tables. */
  readonly #sessions: SendTables["sessions"];
  readonly #sharedTuns: SendTables["sharedTuns"];
  readonly #failures = new SendFailures((report) => this.report(report));
  readonly #outbox: Outbox;
  readonly #cutter: TcpCutter;
  readonly #clamp: MssClamp;
  readonly #checksum: Checksum;
  readonly #tooBig: TooBig;
  readonly #answerRoom: number;
  readonly #answers = new Allowance(ANSWERS_BURST, ANSWERS_PER_SECOND);
  readonly #tx: Float64Array;
  readonly #ns: Int32Array;
  readonly #ring: FrameRing;
  /** Where a frame is read to: moves through the room until the outbox is emptied. */
  readonly #room: number;
  #at: number;
  readonly #cryptRoom: number;
  #cryptAt: number;
  readonly #headerSlots: number;
  #headerSlot = 0;
  readonly #pollfd: number;
  readonly #vnet: boolean;
  /** Octets of a virtio header in front of each frame read. */
  readonly #virtio: number;
  /** The time of this round, once something has asked; -1 before. */
  #time = -1;

  constructor(start: WorkerStart, arena: Arena, port: MessagePort, checksum: Checksum) {
    super(start, arena, port);
    this.#view = arena.view;
    this.#checksum = checksum;
    this.#tx = this.shared.tx;
    this.#ns = this.shared.ns;
    this.#ring = new FrameRing(start.shared.down);
    this.#vnet = start.vnet;
    this.#virtio = start.vnet ? VIRTIO : 0;
    this.#room = arena.take(READ_ROOM);
    this.#at = this.#room;
    this.#cryptRoom = arena.take(CRYPT_ROOM);
    this.#cryptAt = this.#cryptRoom;
    this.#tooBig = new TooBig(arena.view, arena.u8, checksum);
    this.#answerRoom = arena.take(ANSWER_ROOM);
    this.#headerSlots = arena.take(HEADER_SLOTS * HEADER_SLOT);
    this.#tables = new SendTables(arena, start.rows, {
      watch: (fd, data, events) => this.watch(fd, data, events),
      unwatch: (fd) => this.unwatch(fd),
    });
    this.#sessions = this.#tables.sessions;
    this.#sharedTuns = this.#tables.sharedTuns;
    this.#pollfd = arena.take(16);
    this.#cutter = new TcpCutter(arena.view, checksum);
    this.#clamp = new MssClamp(arena.view);
    const outboxPort: OutboxPort = {
      sendmmsg: (fd, messages, count) =>
        this.sys.sendmmsg(fd, arena.base + messages, count, abi.MSG_DONTWAIT | abi.MSG_NOSIGNAL),
      waitWritable: (fd) => this.#waitWritable(fd),
      failed: (row, octets, destination, errno) =>
        this.#failed(row, octets, destination as TxDestination, errno),
      gsoRefused: (destination, octets, errno) =>
        this.#failures.gsoRefused(destination as TxDestination, octets, errno),
    };
    this.#outbox = new Outbox(arena, outboxPort);
  }

  protected idleMs(): number {
    return this.#failures.pending ? NOTICE_INTERVAL_MS : -1;
  }

  protected ready(data: number): void {
    if (data >= SHARED_TUN) {
      this.#readShared(data - SHARED_TUN);
      return;
    }
    const session = this.#sessions[data];
    if (session === undefined) return;
    const headroom = session.ppp === undefined ? HEADROOM_ETHERNET : HEADROOM_IP;
    for (let i = 0; i < FRAMES_PER_TURN; i++) {
      const n = this.#read(session.tap, headroom);
      if (n < 0) {
        if (n !== -EAGAIN) this.#lost(session, -n);
        return;
      }
      if (n === 0) continue;
      const frame = this.#at + headroom;
      this.#at = (frame + n + 63) & ~63;
      this.#frame(session, frame, n, this.#vnet);
    }
  }

  /** Packets for subscribers: whose they are, their destination tells. */
  #readShared(index: number): void {
    const shared = this.#sharedTuns[index];
    if (shared === undefined) return;
    const view = this.#view;
    for (let i = 0; i < FRAMES_PER_TURN; i++) {
      const n = this.#read(shared.tap, HEADROOM_IP);
      if (n < 0) {
        if (n === -EAGAIN) return;
        this.unwatch(shared.tap);
        this.#sharedTuns[index] = undefined;
        this.report({ type: "shared-lost", shared: index, errno: -n });
        return;
      }
      const frame = this.#at + HEADROOM_IP;
      const version = n >= 20 ? view.getUint8(frame) >>> 4 : 0;
      let row = -1;
      if (version === 4) row = shared.table.find4(view, frame + 16);
      else if (version === 6 && n >= 40) row = shared.table.find6(view, frame + 24);
      const session = row === -1 ? undefined : this.#sessions[row];
      // Nobody's: what a host says to all, or for an address of a pool that is not given out.
      if (session === undefined) continue;
      this.#at = (frame + n + 63) & ~63;
      this.#frame(session, frame, n, this.#vnet);
    }
  }

  /**
   * Reads one frame to {@link #at} + `headroom`, its virtio header in front of it.
   *
   * @returns its length, or a negative error number.
   */
  #read(tap: number, headroom: number): number {
    if (this.#at + LARGEST_READ > this.#room + READ_ROOM) this.#flush();
    const into = this.#at + headroom - this.#virtio;
    for (;;) {
      const n = this.sys.read(tap, this.arena.base + into, LARGEST_FRAME);
      if (n >= 0) return n < this.#virtio ? 0 : n - this.#virtio;
      if (n !== -EINTR) return n;
    }
  }

  /** What the main thread has for the peers of PPP sessions. */
  protected override awake(): void {
    const ring = this.#ring;
    let left = ENTRIES_PER_TURN;
    while (ring.next()) {
      const session = this.#sessions[ring.row];
      const { kind, length } = ring;
      if (session?.ppp?.generation !== ring.generation || length > LARGEST_FRAME) continue;
      if (this.#at + LARGEST_READ > this.#room + READ_ROOM) this.#flush();
      const frame = this.#at + HEADROOM_IP;
      this.arena.u8.set(ring.u8.subarray(ring.offset, ring.offset + length), frame);
      this.#at = (frame + length + 63) & ~63;
      if (kind === ENTRY.raw) this.#send(session, frame, length);
      else if (kind === ENTRY.frame) this.#controlFrame(session, session.ppp, frame, length);
      else this.#frame(session, frame, length, false);
      if (--left === 0) {
        left = ENTRIES_PER_TURN;
        this.#flush();
      }
    }
  }

  protected settle(): void {
    this.#flush();
    this.#time = -1;
    this.#failures.settle();
  }

  #flush(): void {
    this.#flushOutbox();
    this.#at = this.#room;
  }

  /** Sends all, but leaves what was read where it is. */
  #flushOutbox(): void {
    this.#outbox.flush();
    this.#headerSlot = 0;
    this.#cryptAt = this.#cryptRoom;
  }

  /** Milliseconds: one reading of the clock for a round, and none where nothing needs it. */
  get #now(): number {
    if (this.#time < 0) this.#time = performance.now();
    return this.#time;
  }

  /**
   * One frame, or one packet of a PPP session.
   *
   * @param vnet - its virtio header lies in front.
   */
  #frame(session: TxSession, frame: number, length: number, vnet: boolean): void {
    const view = this.#view;
    const { ppp } = session;
    const bare = ppp !== undefined;
    if (session.blocked || (ppp !== undefined && !this.#passes(ppp, frame, length))) {
      this.#drop(session, 1);
      return;
    }
    if (!vnet) {
      if (session.clamp) this.#clamp.clamp(frame, length, session.mss4, session.mss6, false, bare);
      this.#ordinary(session, frame, length);
      return;
    }
    const virtio = frame - VIRTIO;
    const partial = (view.getUint8(virtio) & abi.VIRTIO_NET_HDR_F_NEEDS_CSUM) !== 0;
    const gso = view.getUint8(virtio + 1) & ~abi.VIRTIO_NET_HDR_GSO_ECN;
    if (session.clamp) this.#clamp.clamp(frame, length, session.mss4, session.mss6, partial, bare);
    if (gso === abi.VIRTIO_NET_HDR_GSO_NONE) {
      if (partial && !completeChecksum(this.#view, this.#checksum, virtio, frame, length))
        this.#drop(session, 1);
      else this.#ordinary(session, frame, length);
    } else if (gso === abi.VIRTIO_NET_HDR_GSO_TCPV4 || gso === abi.VIRTIO_NET_HDR_GSO_TCPV6) {
      this.#cut(session, frame, length, view.getUint16(virtio + 4, true));
    } else {
      this.#drop(session, 1); // Not offered to the kernel, so it does not come.
    }
  }

  /** Whether the network protocol is open and the rate allows the packet. */
  #passes(ppp: TxPpp, packet: number, length: number): boolean {
    if (length < 20) return false;
    const version = this.#view.getUint8(packet) >>> 4;
    if (!(version === 4 ? ppp.pass4 : version === 6 && ppp.pass6)) return false;
    return ppp.rate === undefined || ppp.rate.take(length, this.#now);
  }

  /** A whole frame, with room in front of it for all headers. */
  #ordinary(session: TxSession, frame: number, length: number): void {
    const { ppp, row } = session;
    if (length > (ppp === undefined ? LARGEST_MESSAGE - MAX_DATA_HEADER : ppp.mtu)) {
      if (ppp === undefined || !this.#fragments(session, ppp, frame, length)) {
        this.#drop(session, 1);
        if (ppp !== undefined) this.#answerTooBig(session, ppp, frame, length);
      }
      return;
    }
    let start = frame;
    if (ppp !== undefined) start = ppp.writeHeader(this.arena, frame, length);
    start = session.header.write(start, this.#ns);
    const octets = frame + length - start;
    this.#count(row, octets);
    this.#outbox.add(session.destination, row, start, octets, 0, 0);
  }

  /** A frame of the main thread's, protocol field first: LCP is never without FF 03 (RFC 1661 §6.6). */
  #controlFrame(session: TxSession, ppp: TxPpp, frame: number, length: number): void {
    const view = this.#view;
    if (length < 2) {
      this.#drop(session, 1);
    } else if (ppp.acfc && view.getUint16(frame) !== PPP.lcp) {
      this.#send(session, frame, length);
    } else {
      view.setUint16(frame - 2, ADDRESS_CONTROL);
      this.#send(session, frame - 2, length + 2);
    }
  }

  /** A frame of the main thread's as it is. */
  #send(session: TxSession, frame: number, length: number): void {
    if (length + MAX_DATA_HEADER > LARGEST_MESSAGE || session.blocked) {
      this.#drop(session, 1);
      return;
    }
    const start = session.header.write(frame, this.#ns);
    const octets = frame + length - start;
    this.#count(session.row, octets);
    this.#outbox.add(session.destination, session.row, start, octets, 0, 0);
  }

  #cut(session: TxSession, frame: number, length: number, size: number): void {
    const cutter = this.#cutter;
    const { ppp, row } = session;
    if (!cutter.begin(frame, length, size, ppp !== undefined)) {
      this.#drop(session, 1);
      return;
    }
    const most = ppp === undefined ? LARGEST_MESSAGE - MAX_DATA_HEADER : ppp.mtu;
    if (cutter.headerLength + Math.min(size, length - cutter.headerLength) > most) {
      this.#drop(session, cutter.segments);
      if (ppp !== undefined) this.#answerTooBig(session, ppp, frame, length);
      return;
    }
    for (let i = 0; i < cutter.segments; i++) {
      if (ppp?.encryptor !== undefined) {
        this.#encryptedSegment(session, i);
        continue;
      }
      if (this.#headerSlot === HEADER_SLOTS || this.#outbox.full) this.#flushOutbox();
      const front = this.#headerSlots + this.#headerSlot * HEADER_SLOT + HEADER_FRONT;
      this.#headerSlot++;
      cutter.header(i, front);
      let start = front;
      if (ppp !== undefined) start = ppp.writeHeader(this.arena, front, 0);
      start = session.header.write(start, this.#ns);
      const headers = front + cutter.headerLength - start;
      this.#count(row, headers + cutter.payloadLength);
      this.#outbox.add(session.destination, row, start, headers, cutter.payloadOffset, cutter.payloadLength);
    }
  }

  /** A segment in one piece, as what is encrypted has to be. */
  #encryptedSegment(session: TxSession, index: number): void {
    const cutter = this.#cutter;
    if (this.#cryptAt + LARGEST_READ > this.#cryptRoom + CRYPT_ROOM) this.#flushOutbox();
    const packet = this.#cryptAt + HEADROOM_IP;
    cutter.header(index, packet);
    const { headerLength, payloadOffset, payloadLength } = cutter;
    this.arena.u8.copyWithin(packet + headerLength, payloadOffset, payloadOffset + payloadLength);
    const length = headerLength + payloadLength;
    this.#cryptAt = (packet + length + 63) & ~63;
    this.#ordinary(session, packet, length);
  }

  /** Sends an IPv4 packet that is too large in fragments, if it may be cut. */
  #fragments(session: TxSession, ppp: TxPpp, packet: number, length: number): boolean {
    const most = this.#tooBig.fragmentPayload(packet, length, ppp.mtu);
    if (most === 0) return false;
    for (let from = 0; from < length - IPV4_HEADER; from += most) {
      if (this.#cryptAt + LARGEST_READ > this.#cryptRoom + CRYPT_ROOM) this.#flushOutbox();
      const into = this.#cryptAt + HEADROOM_IP;
      const octets = this.#tooBig.fragment(packet, length, from, most, into);
      this.#cryptAt = (into + octets + 63) & ~63;
      this.#ordinary(session, into, octets);
    }
    return true;
  }

  /** Tells the sender of a packet, by the interface that it came from, what is not too large. */
  #answerTooBig(session: TxSession, ppp: TxPpp, packet: number, length: number): void {
    const tap = session.tap === -1 ? (this.#sharedTuns[ppp.shared]?.tap ?? -1) : session.tap;
    if (tap === -1 || !this.#answers.has(this.#now)) return;
    const into = this.#answerRoom + ANSWER_FRONT;
    const octets = this.#tooBig.answer(packet, length, ppp.mtu, into);
    if (octets === 0) return;
    this.#answers.take(this.#now);
    const start = into - this.#virtio;
    this.arena.u8.fill(0, start, into);
    // Lost like any other packet where the interface does not take it.
    this.sys.write(tap, this.arena.base + start, this.#virtio + octets);
  }

  #count(row: number, octets: number): void {
    const at = row * TX.stride;
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
    this.#failures.failed(destination, errno);
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

  /** The interface answers with an error: it is gone. */
  #lost(session: TxSession, errno: number): void {
    this.unwatch(session.tap);
    this.#sessions[session.row] = undefined;
    this.report({ type: "session-lost", row: session.row, errno });
  }

  protected command(command: Command): void {
    switch (command.do) {
      case "set-destination":
        if (command.destination === undefined) this.#forgetDestination(command.index);
        else this.#tables.setDestination(command.index, command.destination);
        break;
      case "add-sender":
        this.#tables.add(command.session);
        break;
      case "remove":
        this.#tables.remove(command.row);
        break;
      case "set-header":
        this.#sessions[command.row]?.header.set(command.header);
        break;
      case "set-mss":
        this.#sessions[command.row]?.setMss(command.mss);
        break;
      case "block": {
        const session = this.#sessions[command.row];
        if (session !== undefined) session.blocked = command.blocked;
        break;
      }
      case "set-shared":
        this.#tables.setShared(command.shared, command.tap);
        break;
      case "set-link": {
        const session = this.#sessions[command.row];
        if (session !== undefined) this.#tables.setLink(session, command.link, this.#now);
        break;
      }
      case "set-gate": {
        const ppp = this.#sessions[command.row]?.ppp;
        if (ppp === undefined) break;
        if (command.family === 4) ppp.pass4 = command.pass;
        else ppp.pass6 = command.pass;
        break;
      }
      case "reset-mppe":
        this.#sessions[command.row]?.ppp?.encryptor?.reset();
        break;
    }
  }

  #forgetDestination(index: number): void {
    // What waits for it goes before its socket is closed.
    this.#flush();
    const { destinations } = this.#tables;
    const destination = destinations[index];
    if (destination !== undefined) this.#failures.forget(destination);
    destinations[index] = undefined;
  }
}

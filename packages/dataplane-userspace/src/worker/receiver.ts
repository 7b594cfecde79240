/**
 * The receiving thread of a wire: from the socket to its TAP interfaces. It takes what has arrived in one
 * `recvmmsg`, finds each data message's session, checks it as RFC 3931 asks, and writes the frame; TCP segments of
 * one flow that arrived together are joined and written as one.
 */
import type { MessagePort } from "node:worker_threads";
import { abi } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { EAGAIN } from "../errno.ts";
import type { Checksum } from "../packet/checksum.ts";
import { cookieWords, ETHERNET_HEADER, SEQUENCE_MASK, SUBLAYER_S, T_BIT } from "../packet/data-header.ts";
import { MssClamp } from "../packet/mss.ts";
import { HoldingSlots, Sequence, VERDICT } from "../packet/sequence.ts";
import { TcpCoalescer } from "../packet/tcp-coalesce.ts";
import { CONTROL_SOCKET, Loop, NOTICE_INTERVAL_MS, SOCKET } from "./loop.ts";
import type { Command, ReceiveRecord, WorkerStart } from "./messages.ts";
import { Ring } from "./ring.ts";
import { SessionTable } from "./session-table.ts";
import { COUNTER, RX } from "./shared.ts";

/** Messages of one `recvmmsg`; each may be a GRO batch of 64 KiB. */
const MESSAGES = 32;
/** The largest datagram, and some: at an odd number of cache lines, so that the slots do not share cache sets. */
const SLOT = 65_536 + 5 * 64;
const NAME = 32;
const CONTROL = 128;
/** Messages of all sessions of the wire that may wait for those before them. */
const HELD = 512;
/** How many times in a row the socket is emptied before commands and the control socket have their turn. */
const ROUNDS_PER_TURN = 8;
const IOVECS = 130;

const MSGHDR = abi.msghdr;
const STRIDE = abi.mmsghdr.size;
const IOV = abi.iovec.size;
const VIRTIO = abi.virtio_net_hdr.size;

/** Octets of the arena that one receiver needs; untouched pages cost nothing. */
export function receiverArena(): number {
  return (MESSAGES + HELD) * SLOT + MESSAGES * (STRIDE + IOV + NAME + CONTROL + 256) + 65_536;
}

/** A tunnel's peer as the receiver compares it. */
class Peer {
  readonly tunnelId: number;
  port = 0;
  readonly words = new Uint32Array(4);
  movedAt = Number.NEGATIVE_INFINITY;

  constructor(tunnelId: number) {
    this.tunnelId = tunnelId;
  }
}

/** A session, laid out for the loop. */
class RxSession {
  readonly row: number;
  readonly tap: number;
  readonly id: number;
  readonly peer: Peer;
  readonly cookieLength: number;
  readonly cookie0: number;
  readonly cookie1: number;
  readonly sublayer: boolean;
  readonly sequence: Sequence;
  receiveSequence: boolean;
  reorderMs: number;
  clamp = false;
  mss4 = 0;
  mss6 = 0;

  constructor(record: ReceiveRecord, peer: Peer, slots: HoldingSlots) {
    this.row = record.row;
    this.tap = record.tap;
    this.id = record.sessionId;
    this.peer = peer;
    this.cookieLength = record.cookie.length;
    [this.cookie0, this.cookie1] = cookieWords(record.cookie);
    this.sublayer = record.sublayer;
    this.sequence = new Sequence(slots);
    this.receiveSequence = record.receiveSequence;
    this.reorderMs = record.reorderMs;
    this.setMss(record.mss);
  }

  setMss(mss: ReceiveRecord["mss"]): void {
    this.clamp = mss !== undefined;
    this.mss4 = mss?.ipv4 ?? 0;
    this.mss6 = mss?.ipv6 ?? 0;
  }
}

export class Receiver extends Loop {
  readonly #view: DataView;
  readonly #rx: Float64Array;
  readonly #counters: Float64Array;
  readonly #ring: Ring;
  readonly #table = new SessionTable();
  readonly #sessions: (RxSession | undefined)[] = [];
  readonly #peers = new Map<number, Peer>();
  readonly #slots = new HoldingSlots(HELD);
  readonly #heldLength = new Int32Array(HELD);
  /** Octets of the whole data message, for the statistics. */
  readonly #heldOctets = new Int32Array(HELD);
  readonly #heldMemory: number;
  readonly #buffers: number;
  readonly #messages: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #iov: number;
  readonly #virtio: number;
  readonly #zeroVirtio: number;
  readonly #run: TcpCoalescer;
  readonly #clamp: MssClamp;
  readonly #vnet: boolean;
  readonly #udp: boolean;
  /** Where ports are and how many words an address has, in the family's sockaddr. */
  readonly #addressAt: number;
  readonly #addressWords: number;
  /** The session of the open run, and what is to be counted when it is written. */
  #runSession: RxSession | undefined;
  #runPackets = 0;
  #runOctets = 0;
  /** The message that is being looked at. */
  #name = 0;
  #local = 0;
  /** More follows in this batch: gathering may pay. */
  #more = false;
  #now = 0;
  #strayCount = 0;
  #strayId = 0;
  #strayFrom: Uint8Array | undefined;
  #strayAt = Number.NEGATIVE_INFINITY;
  #dropped = 0;
  #overrunCount = 0;
  #overrunAt = Number.NEGATIVE_INFINITY;
  #refusedCount = 0;
  #refusedErrno = 0;
  #refusedTo: Uint8Array | undefined;
  #refusedAt = Number.NEGATIVE_INFINITY;

  constructor(start: WorkerStart, arena: Arena, port: MessagePort, checksum: Checksum) {
    super(start, arena, port);
    this.#view = arena.view;
    this.#rx = this.shared.rx;
    this.#counters = this.shared.counters;
    this.#ring = new Ring(start.shared.ring);
    this.#udp = start.encapsulation === "udp";
    this.#vnet = start.vnet;
    this.#addressAt = start.family === 4 ? 4 : 8;
    this.#addressWords = start.family === 4 ? 1 : 4;
    this.#buffers = arena.take(MESSAGES * SLOT);
    this.#heldMemory = arena.take(HELD * SLOT);
    this.#messages = arena.take(MESSAGES * STRIDE);
    this.#names = arena.take(MESSAGES * NAME);
    this.#controls = arena.take(MESSAGES * CONTROL);
    const receiveIov = arena.take(MESSAGES * IOV);
    this.#iov = arena.take(IOVECS * IOV);
    this.#virtio = arena.take(16);
    this.#zeroVirtio = arena.take(16);
    this.#run = new TcpCoalescer(arena.view, checksum);
    this.#clamp = new MssClamp(arena.view);
    for (let i = 0; i < MESSAGES; i++) {
      arena.pointer(receiveIov + i * IOV, this.#buffers + i * SLOT);
      arena.size(receiveIov + i * IOV + 8, SLOT);
      const at = this.#messages + i * STRIDE;
      arena.pointer(at + MSGHDR.msg_name, this.#names + i * NAME);
      arena.pointer(at + MSGHDR.msg_iov, receiveIov + i * IOV);
      arena.size(at + MSGHDR.msg_iovlen, 1);
      arena.pointer(at + MSGHDR.msg_control, this.#controls + i * CONTROL);
      this.#reset(i);
    }
    this.watch(start.socket, SOCKET, abi.EPOLLIN);
    this.watch(start.control, CONTROL_SOCKET, abi.EPOLLIN | abi.EPOLLONESHOT);
  }

  /** The kernel writes the lengths: they are set again before the next call. */
  #reset(i: number): void {
    const at = this.#messages + i * STRIDE;
    this.#view.setUint32(at + MSGHDR.msg_namelen, NAME, true);
    this.arena.size(at + MSGHDR.msg_controllen, CONTROL);
    this.#view.setUint32(at + MSGHDR.msg_flags, 0, true);
  }

  /** Something was counted that has not been told yet. */
  get #untold(): boolean {
    return this.#strayCount > 0 || this.#overrunCount > 0 || this.#refusedCount > 0;
  }

  protected idleMs(): number {
    return this.#untold ? NOTICE_INTERVAL_MS : -1;
  }

  protected settle(): void {
    if (this.#untold) this.#reportLate();
  }

  protected ready(data: number, events: number): void {
    if (data === CONTROL_SOCKET) {
      this.report({ type: "control-readable" });
      return;
    }
    if ((events & abi.EPOLLERR) !== 0) this.#readErrors();
    for (let round = 0; round < ROUNDS_PER_TURN; round++) {
      const n = this.sys.recvmmsg(
        this.start.socket,
        this.arena.base + this.#messages,
        MESSAGES,
        abi.MSG_DONTWAIT,
        null,
      );
      if (n <= 0) {
        // Anything else is the report of an earlier datagram (an ICMP error) and is gone with this call.
        if (n === -EAGAIN || n === 0) return;
        continue;
      }
      this.#now = performance.now();
      for (let i = 0; i < n; i++) {
        this.#message(i, i + 1 < n);
        this.#reset(i);
      }
      this.#finishRun();
      if (n < MESSAGES) return;
    }
  }

  /**
   * Reads what became of datagrams that were sent (IP_RECVERR): ICMP errors, and packets too large for the path.
   * Left in the queue, they would wake the loop for ever.
   */
  #readErrors(): void {
    for (let i = 0; i < MESSAGES; i++) {
      const n = this.sys.recvmsg(
        this.start.socket,
        this.arena.base + this.#messages,
        abi.MSG_ERRQUEUE | abi.MSG_DONTWAIT,
      );
      if (n < 0) return;
      this.#name = this.#names;
      const errno = this.#extendedError(this.#controls, this.#controlLength(0));
      this.#reset(0);
      if (errno === 0) continue;
      this.#refusedCount++;
      this.#refusedErrno = errno;
      // The name is where the datagram was sent to.
      this.#refusedTo = this.#sockaddr();
    }
  }

  /** `struct sock_extended_err` in a control buffer: its error number, or 0. */
  #extendedError(start: number, length: number): number {
    const view = this.#view;
    for (let at = start; at + 20 <= start + length; ) {
      const octets = view.getUint32(at, true);
      if (octets < 16) return 0;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      if (level === abi.IPPROTO_IP && type === abi.IP_RECVERR) return view.getUint32(at + 16, true);
      if (level === abi.IPPROTO_IPV6 && type === abi.IPV6_RECVERR) return view.getUint32(at + 16, true);
      at += (octets + 7) & ~7;
    }
    return 0;
  }

  #controlLength(i: number): number {
    return this.#view.getUint32(this.#messages + i * STRIDE + MSGHDR.msg_controllen, true);
  }

  /** One message of the batch: a datagram, or with UDP GRO several of one size from one sender. */
  #message(i: number, more: boolean): void {
    const view = this.#view;
    const at = this.#messages + i * STRIDE;
    let offset = this.#buffers + i * SLOT;
    let length = view.getUint32(at + abi.mmsghdr.msg_len, true);
    this.#name = this.#names + i * NAME;
    this.#local = 0;
    const controlLength = this.#controlLength(i);
    let segment = length;
    if (controlLength > 0) {
      const gro = this.#control(this.#controls + i * CONTROL, controlLength);
      if (gro > 0) segment = gro;
    }
    if ((view.getUint32(at + MSGHDR.msg_flags, true) & abi.MSG_TRUNC) !== 0) {
      this.#malformed();
      return;
    }
    if (!this.#udp && this.start.family === 4) {
      // A raw IPv4 socket delivers the IP header, an IPv6 one does not.
      const header = length > 0 ? (view.getUint8(offset) & 0x0f) * 4 : 0;
      if (header < 20 || header > length) {
        this.#malformed();
        return;
      }
      offset += header;
      length -= header;
      segment = length;
    }
    const end = offset + length;
    if (length === 0) {
      this.#malformed();
      return;
    }
    for (; offset < end; offset += segment) {
      this.#more = more || offset + segment < end;
      this.#datagram(offset, Math.min(segment, end - offset));
    }
  }

  /** Reads the control messages that came with a datagram; returns the size of its GRO segments, or 0. */
  #control(start: number, length: number): number {
    const view = this.#view;
    const end = start + length;
    let gro = 0;
    for (let at = start; at + 16 <= end; ) {
      const octets = view.getUint32(at, true);
      if (octets < 16) break;
      const level = view.getInt32(at + 8, true);
      const type = view.getInt32(at + 12, true);
      if (level === abi.SOL_UDP && type === abi.UDP_GRO) gro = view.getUint16(at + 16, true);
      else if (level === abi.SOL_SOCKET && type === abi.SO_RXQ_OVFL)
        this.#overrun(view.getUint32(at + 16, true));
      else if (level === abi.IPPROTO_IP && type === abi.IP_PKTINFO) this.#local = at + 16 + 8;
      else if (level === abi.IPPROTO_IPV6 && type === abi.IPV6_PKTINFO) this.#local = at + 16;
      at += (octets + 7) & ~7;
    }
    return gro;
  }

  #datagram(at: number, length: number): void {
    const view = this.#view;
    let frame = at;
    if (this.#udp) {
      if ((view.getUint8(at) & T_BIT) !== 0) {
        this.#strayControl(at, length);
        return;
      }
      if (length < 8 || (view.getUint8(at + 1) & 0x0f) !== 3) {
        this.#malformed();
        return;
      }
      frame += 4;
    } else {
      if (length < 4) {
        this.#malformed();
        return;
      }
      if (view.getUint32(at) === 0) {
        this.#strayControl(at + 4, length - 4);
        return;
      }
    }
    const id = view.getUint32(frame);
    frame += 4;
    const row = this.#table.get(id);
    if (row === -1) {
      this.#strayData(id);
      return;
    }
    const session = this.#sessions[row] as RxSession;
    if (!this.#fromPeer(session)) {
      this.#discard(session);
      return;
    }

    // Cookie, then sublayer, then the frame (RFC 3931 §4.1): too short for any of them is one error.
    const end = at + length;
    if (frame + session.cookieLength + (session.sublayer ? 4 : 0) > end) {
      this.#invalid(session);
      return;
    }
    if (session.cookieLength > 0) {
      if (
        view.getUint32(frame) !== session.cookie0 ||
        (session.cookieLength === 8 && view.getUint32(frame + 4) !== session.cookie1)
      ) {
        this.#add(session, RX.cookieDiscards, 1);
        this.#discard(session);
        return;
      }
      frame += session.cookieLength;
    }
    let ns = -1;
    if (session.sublayer) {
      const word = view.getUint32(frame);
      if ((word & SUBLAYER_S) !== 0) ns = word & SEQUENCE_MASK;
      frame += 4;
    }
    if (frame + ETHERNET_HEADER > end) {
      this.#invalid(session);
      return;
    }
    if (session.sublayer) this.#sequenced(session, ns, frame, end - frame, length);
    else this.#deliver(session, frame, end - frame, length);
  }

  #sequenced(session: RxSession, ns: number, frame: number, length: number, octets: number): void {
    if (ns === -1 && session.receiveSequence) {
      this.#add(session, RX.seqDiscards, 1);
      this.#discard(session);
      return;
    }
    const { sequence } = session;
    const verdict = sequence.accept(ns, this.#now, session.reorderMs);
    if (verdict === VERDICT.deliver) {
      this.#deliver(session, frame, length, octets);
    } else if (verdict === VERDICT.held) {
      const slot = sequence.heldIn;
      this.arena.u8.copyWithin(this.#heldMemory + slot * SLOT, frame, frame + length);
      this.#heldLength[slot] = length;
      this.#heldOctets[slot] = octets;
    } else {
      // As in the kernel, what is dropped moves nothing on in the queue.
      if (verdict === VERDICT.outOfSequence) this.#add(session, RX.seqDiscards, 1);
      this.#discard(session);
      return;
    }
    for (let slot = sequence.release(this.#now); slot !== -1; slot = sequence.release(this.#now)) {
      this.#deliver(
        session,
        this.#heldMemory + slot * SLOT,
        this.#heldLength[slot] as number,
        this.#heldOctets[slot] as number,
      );
      // A slot may be taken again at once, so a run must not go on pointing into it.
      this.#finishRun();
      this.#slots.give(slot);
    }
    if (sequence.reordered > 0) {
      this.#add(session, RX.oosPackets, sequence.reordered);
      sequence.reordered = 0;
    }
    if (sequence.expired > 0) {
      this.#add(session, RX.seqDiscards, sequence.expired);
      this.#add(session, RX.errors, sequence.expired);
      sequence.expired = 0;
    }
  }

  #deliver(session: RxSession, frame: number, length: number, octets: number): void {
    if (session.clamp) this.#clamp.clamp(frame, length, session.mss4, session.mss6, false);
    if (!this.#vnet) {
      this.#write(session, frame, length, octets);
      return;
    }
    const run = this.#run;
    if (this.#runSession !== undefined) {
      const joined = this.#runSession === session ? run.join(frame, length) : -1;
      if (joined === 2) {
        this.#runPackets++;
        this.#runOctets += octets;
        if (run.closed) this.#finishRun();
        return;
      }
      this.#finishRun();
      if (joined === 0) {
        this.#write(session, frame, length, octets);
        return;
      }
      if (joined === 1 && this.#more) {
        run.restart(frame, length);
        this.#beginRun(session, octets);
        return;
      }
    }
    // A frame that comes alone is written as it is: the kernel checks it by itself.
    if (this.#more && run.begin(frame, length)) this.#beginRun(session, octets);
    else this.#write(session, frame, length, octets);
  }

  #beginRun(session: RxSession, octets: number): void {
    this.#runSession = session;
    this.#runPackets = 1;
    this.#runOctets = octets;
    if (this.#run.closed) this.#finishRun();
  }

  /** Writes what was gathered. */
  #finishRun(): void {
    const session = this.#runSession;
    if (session === undefined) return;
    this.#runSession = undefined;
    const run = this.#run;
    const { arena } = this;
    const slices = run.finish(this.#virtio);
    arena.pointer(this.#iov, this.#virtio);
    arena.size(this.#iov + 8, VIRTIO);
    for (let i = 0; i < slices; i++) {
      const at = this.#iov + (i + 1) * IOV;
      arena.pointer(at, run.offsets[i] as number);
      arena.size(at + 8, run.lengths[i] as number);
    }
    const n = this.sys.writev(session.tap, arena.base + this.#iov, slices + 1);
    this.#written(session, n, this.#runPackets, this.#runOctets);
  }

  #write(session: RxSession, frame: number, length: number, octets: number): void {
    const { arena } = this;
    let n: number;
    if (this.#vnet) {
      arena.pointer(this.#iov, this.#zeroVirtio);
      arena.size(this.#iov + 8, VIRTIO);
      arena.pointer(this.#iov + IOV, frame);
      arena.size(this.#iov + IOV + 8, length);
      n = this.sys.writev(session.tap, arena.base + this.#iov, 2);
    } else {
      n = this.sys.write(session.tap, arena.base + frame, length);
    }
    this.#written(session, n, 1, octets);
  }

  #written(session: RxSession, result: number, packets: number, octets: number): void {
    if (result >= 0) {
      this.#add(session, RX.packets, packets);
      this.#add(session, RX.bytes, octets);
    } else {
      // The interface is down (EIO), deleted (EBADFD: the sender reports it), or its queue is full.
      this.#add(session, RX.errors, packets);
    }
  }

  /**
   * Whether the datagram came from the tunnel's peer. A peer behind a NAT may get another port, and then the
   * session ID and cookie vouch for it; another address is believed only if there is a cookie to know it by
   * (RFC 3931 §8.2). In no case do data messages move the tunnel.
   */
  #fromPeer(session: RxSession): boolean {
    const view = this.#view;
    const { peer } = session;
    const { words } = peer;
    let sameAddress = true;
    for (let i = 0; i < this.#addressWords; i++) {
      if (view.getUint32(this.#name + this.#addressAt + i * 4) !== words[i]) sameAddress = false;
    }
    if (sameAddress && (!this.#udp || view.getUint16(this.#name + 2) === peer.port)) return true;
    if (this.#now - peer.movedAt >= NOTICE_INTERVAL_MS) {
      peer.movedAt = this.#now;
      this.report({ type: "peer-moved", tunnelId: peer.tunnelId, from: this.#sockaddr() });
    }
    return sameAddress || session.cookieLength > 0;
  }

  #sockaddr(): Uint8Array {
    return this.arena.u8.slice(this.#name, this.#name + (this.start.family === 4 ? 16 : 28));
  }

  #add(session: RxSession, field: number, n: number): void {
    const at = session.row * RX.stride + field;
    this.#rx[at] = (this.#rx[at] as number) + n;
  }

  #discard(session: RxSession): void {
    this.#add(session, RX.errors, 1);
  }

  #invalid(session: RxSession): void {
    this.#add(session, RX.invalid, 1);
    this.#discard(session);
  }

  #countUp(counter: number, n = 1): void {
    this.#counters[counter] = (this.#counters[counter] as number) + n;
  }

  #malformed(): void {
    this.#countUp(COUNTER.malformed);
  }

  #strayData(id: number): void {
    this.#countUp(COUNTER.strayData);
    this.#strayCount++;
    this.#strayId = id;
    if (this.#strayFrom === undefined) this.#strayFrom = this.#sockaddr();
  }

  /** A control message inside a batch of data: it goes up through the ring. */
  #strayControl(at: number, length: number): void {
    const result = this.#ring.push(this.arena.u8, this.#name, this.#local, at, length);
    if (result === "full") {
      this.#countUp(COUNTER.overruns);
      this.#overrunCount++;
    } else if (result === "first") {
      this.report({ type: "strays" });
    }
  }

  /** The socket's own count of datagrams lost in its full buffer: since it was made, modulo 2^32. */
  #overrun(total: number): void {
    const lost = (total - this.#dropped) >>> 0;
    this.#dropped = total;
    this.#countUp(COUNTER.overruns, lost);
    this.#overrunCount += lost;
  }

  #reportLate(): void {
    const now = performance.now();
    if (this.#strayCount > 0 && now - this.#strayAt >= NOTICE_INTERVAL_MS) {
      const from = this.#strayFrom as Uint8Array;
      this.report({ type: "stray-data", from, sessionId: this.#strayId, count: this.#strayCount });
      this.#strayAt = now;
      this.#strayCount = 0;
      this.#strayFrom = undefined;
    }
    if (this.#overrunCount > 0 && now - this.#overrunAt >= NOTICE_INTERVAL_MS) {
      this.report({ type: "overrun", count: this.#overrunCount });
      this.#overrunAt = now;
      this.#overrunCount = 0;
    }
    if (this.#refusedCount > 0 && now - this.#refusedAt >= NOTICE_INTERVAL_MS) {
      const to = this.#refusedTo as Uint8Array;
      this.report({ type: "send-refused", to, errno: this.#refusedErrno, count: this.#refusedCount });
      this.#refusedAt = now;
      this.#refusedCount = 0;
    }
  }

  protected command(command: Command): void {
    switch (command.do) {
      case "add-receiver": {
        const { session } = command;
        const peer = this.#peers.get(session.tunnelId) ?? new Peer(session.tunnelId);
        this.#peers.set(session.tunnelId, peer);
        this.#setPeer(peer, session.peer);
        this.#sessions[session.row] = new RxSession(session, peer, this.#slots);
        this.#table.set(session.sessionId, session.row);
        break;
      }
      case "remove": {
        const session = this.#sessions[command.row];
        if (session === undefined) break;
        session.sequence.clear();
        this.#table.delete(session.id);
        this.#sessions[command.row] = undefined;
        break;
      }
      case "set-sequence": {
        const session = this.#sessions[command.row];
        if (session === undefined) break;
        if (command.receive !== undefined) session.receiveSequence = command.receive;
        if (command.reorderMs !== undefined) session.reorderMs = command.reorderMs;
        break;
      }
      case "set-mss":
        this.#sessions[command.row]?.setMss(command.mss);
        break;
      case "set-peer": {
        const peer = this.#peers.get(command.tunnelId);
        if (peer !== undefined) this.#setPeer(peer, command.peer);
        break;
      }
    }
  }

  #setPeer(peer: Peer, address: Uint8Array): void {
    const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
    peer.port = view.getUint16(2);
    for (let i = 0; i < this.#addressWords; i++) peer.words[i] = view.getUint32(this.#addressAt + i * 4);
  }
}

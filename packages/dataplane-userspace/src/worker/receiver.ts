/**
 * The receiving thread of a wire: from the socket to its TAP and TUN interfaces. It takes what has arrived in one
 * `recvmmsg`, finds each data message's session, checks it as RFC 3931 and RFC 2661 ask, puts it in order, and writes the
 * frame, or sees to it that it goes where else it is to go.
 */
import type { MessagePort } from "node:worker_threads";
import { abi } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { EAGAIN } from "../errno.ts";
import type { Checksum } from "../packet/checksum.ts";
import { DataHeaderV2, ETHERNET_HEADER, SEQUENCE_MASK, SUBLAYER_S, T_BIT } from "../packet/data-header.ts";
import { HoldingSlots, VERDICT } from "../packet/sequence.ts";
import { BRIDGE_OCTETS, Bridges } from "./bridge.ts";
import { LateReports } from "./late-reports.ts";
import { CONTROL_SOCKET, Loop, NOTICE_INTERVAL_MS, SOCKET } from "./loop.ts";
import type { Command, WorkerStart } from "./messages.ts";
import { PppReceiver } from "./ppp-receiver.ts";
import { MESSAGES, RECEIVE_BATCH_OCTETS, ReceiveBatch, SLOT } from "./receive-batch.ts";
import { ReceiveTables } from "./receive-tables.ts";
import { Ring } from "./ring.ts";
import type { RxSession } from "./rx-session.ts";
import { COUNTER, RX } from "./shared.ts";
import { TapWriter } from "./tap-writer.ts";

/** Messages of all sessions of the wire that may wait for those before them. */
const HELD = 512;
/** How many times in a row the socket is emptied before commands and the control socket have their turn. */
const ROUNDS_PER_TURN = 8;
/** A session follows its LNS at most once in this time: one that changes with each message keeps nobody busy. */
const FOLLOW_INTERVAL_MS = 100;

/** Octets of the arena that one receiver needs; untouched pages cost nothing. */
export function receiverArena(rows: number): number {
  return RECEIVE_BATCH_OCTETS + HELD * SLOT + BRIDGE_OCTETS(rows) + 65_536;
}

export class Receiver extends Loop {
  readonly #view: DataView;
  readonly #rx: Float64Array;
  readonly #counters: Float64Array;
  readonly #ring: Ring;
  readonly #batch: ReceiveBatch;
  readonly #writer: TapWriter;
  readonly #late = new LateReports();
  readonly #ppp: PppReceiver;
  readonly #bridges: Bridges;
  readonly #slots = new HoldingSlots(HELD);
  readonly #tables: ReceiveTables;
  readonly #headerV2: DataHeaderV2;
  /** Sessions of which messages wait for those before them. */
  readonly #waiting = new Set<RxSession>();
  readonly #held: number;
  readonly #heldLength = new Int32Array(HELD);
  /** Octets of the whole data message, for the statistics. */
  readonly #heldOctets = new Int32Array(HELD);
  readonly #udp: boolean;
  readonly #rawIpv4: boolean;
  /** Another datagram of this batch follows the one at hand. */
  #more = false;
  /** When the batch at hand came, once something has asked; -1 before. */
  #batchTime = -1;
  #lost = 0;
  readonly #sender = () => this.#sockaddr();

  constructor(start: WorkerStart, arena: Arena, port: MessagePort, checksum: Checksum) {
    super(start, arena, port);
    this.#view = arena.view;
    this.#tables = new ReceiveTables(start.family, this.#slots);
    this.#headerV2 = new DataHeaderV2(arena.view);
    this.#rx = this.shared.rx;
    this.#counters = this.shared.counters;
    this.#ring = new Ring(start.shared.ring);
    this.#batch = new ReceiveBatch(arena, this.sys, start.socket);
    this.#writer = new TapWriter(arena, this.sys, this.#rx, start.vnet, checksum);
    this.#ppp = new PppReceiver(arena, this.shared, this.#writer, (report) => this.report(report));
    this.#bridges = new Bridges(arena, this.sys, this.shared, start.rows);
    this.#held = arena.take(HELD * SLOT);
    this.#udp = start.encapsulation === "udp";
    this.#rawIpv4 = start.encapsulation === "ip" && start.family === 4;
    this.watch(start.socket, SOCKET, abi.EPOLLIN);
    this.watch(start.control, CONTROL_SOCKET, abi.EPOLLIN | abi.EPOLLONESHOT);
  }

  protected idleMs(): number {
    return this.#late.pending ? NOTICE_INTERVAL_MS : -1;
  }

  protected settle(): void {
    if (this.#late.pending) this.#late.tell(performance.now(), (report) => this.report(report));
  }

  protected ready(data: number, events: number): void {
    if (data === CONTROL_SOCKET) {
      this.report({ type: "control-readable" });
      return;
    }
    if ((events & abi.EPOLLERR) !== 0) this.#readErrors();
    const batch = this.#batch;
    for (let round = 0; round < ROUNDS_PER_TURN; round++) {
      const n = batch.receive();
      if (n <= 0) {
        // Anything else is the report of an earlier datagram (an ICMP error) and is gone with this call.
        if (n === -EAGAIN || n === 0) return;
        continue;
      }
      this.#batchTime = -1;
      this.#ppp.begin();
      for (let i = 0; i < n; i++) {
        batch.look(i);
        this.#message(i + 1 < n);
        batch.done(i);
      }
      this.#writer.flush();
      this.#bridges.flush();
      if (batch.lost !== this.#lost) this.#overrun();
      if (n < MESSAGES) return;
    }
  }

  /** Milliseconds: one reading of the clock for a batch, and none where nothing needs it. */
  get #now(): number {
    if (this.#batchTime < 0) this.#batchTime = performance.now();
    return this.#batchTime;
  }

  #readErrors(): void {
    for (let i = 0; i < MESSAGES; i++) {
      const errno = this.#batch.readError();
      if (errno === -1) return;
      if (errno !== 0) this.#late.refused(this.#sockaddr(), errno);
    }
  }

  /** The message that the batch looks at: a datagram, or several. */
  #message(more: boolean): void {
    const batch = this.#batch;
    let at = batch.offset;
    const end = at + batch.length;
    let { segment } = batch;
    if (this.#rawIpv4) {
      // A raw IPv4 socket delivers the IP header, an IPv6 one does not.
      const header = batch.length > 0 ? (this.#view.getUint8(at) & 0x0f) * 4 : 0;
      if (header < 20 || header >= batch.length) {
        this.#malformed();
        return;
      }
      at += header;
      segment = end - at;
    }
    if (batch.truncated || at === end) {
      this.#malformed();
      return;
    }
    for (; at < end; at += segment) {
      this.#more = more || at + segment < end;
      this.#datagram(at, Math.min(segment, end - at));
    }
  }

  #datagram(at: number, length: number): void {
    const view = this.#view;
    let id = at;
    if (this.#udp) {
      if ((view.getUint8(at) & T_BIT) !== 0) {
        this.#strayControl(at, length);
        return;
      }
      const version = length < 8 ? 0 : view.getUint8(at + 1) & 0x0f;
      if (version === 2) {
        this.#datagramV2(at, length);
        return;
      }
      if (version !== 3) {
        this.#malformed();
        return;
      }
      id += 4;
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
    const session = this.#tables.find(view.getUint32(id));
    if (session === undefined) this.#stray(view.getUint32(id));
    else this.#data(session, id + 4, at + length, length);
  }

  #stray(sessionId: number): void {
    this.#counters[COUNTER.strayData] = (this.#counters[COUNTER.strayData] as number) + 1;
    this.#late.strayData(sessionId, this.#sender);
  }

  /** A data message of L2TPv2, of eight octets at least. */
  #datagramV2(at: number, length: number): void {
    const header = this.#headerV2;
    if (!header.read(at, length)) {
      this.#malformed();
      return;
    }
    const { tunnelId, sessionId, ns, start, end } = header;
    const session = this.#tables.findV2(tunnelId, sessionId);
    if (session === undefined) {
      this.#stray(sessionId);
      return;
    }
    if (!this.#fromPeer(session)) {
      this.#discard(session);
      return;
    }
    if (start === end) {
      this.#discard(session, RX.invalid);
      return;
    }
    if (session.follows && session.sends !== (ns !== -1)) this.#follow(session, ns !== -1);
    if (ns !== -1 || session.receiveSequence || session.holds) {
      this.#sequenced(session, ns, start, end - start, end - at);
    } else this.#deliver(session, start, end - start, end - at, this.#more);
  }

  /** RFC 2661 §5.4: the LNS decides whether a LAC numbers its messages, unless they are numbered at all times. */
  #follow(session: RxSession, on: boolean): void {
    const { ppp, row } = session;
    if (ppp === undefined || session.receiveSequence) return;
    if (this.#now - session.followedAt < FOLLOW_INTERVAL_MS) return;
    session.followedAt = this.#now;
    this.report({ type: "numbered", row, generation: ppp.generation, on });
  }

  /**
   * Cookie, then sublayer, then the frame (RFC 3931 §4.1): what is too short for any of them is one error.
   *
   * @param octets - of the whole message, for the statistics.
   */
  #data(session: RxSession, at: number, end: number, octets: number): void {
    const view = this.#view;
    if (!this.#fromPeer(session)) {
      this.#discard(session);
      return;
    }
    let frame = at + session.cookieLength;
    if (frame + (session.sublayer ? 4 : 0) > end) {
      this.#discard(session, RX.invalid);
      return;
    }
    if (
      session.cookieLength > 0 &&
      (view.getUint32(at) !== session.cookie0 ||
        (session.cookieLength === 8 && view.getUint32(at + 4) !== session.cookie1))
    ) {
      this.#discard(session, RX.cookieDiscards);
      return;
    }
    let ns = -1;
    if (session.sublayer) {
      const word = view.getUint32(frame);
      if ((word & SUBLAYER_S) !== 0) ns = word & SEQUENCE_MASK;
      frame += 4;
    }
    if (frame + (session.bare ? 1 : ETHERNET_HEADER) > end) this.#discard(session, RX.invalid);
    else if (session.sublayer) this.#sequenced(session, ns, frame, end - frame, octets);
    else this.#deliver(session, frame, end - frame, octets, this.#more);
  }

  /** A frame whose turn it is. */
  #deliver(session: RxSession, frame: number, length: number, octets: number, more: boolean): void {
    if (session.bridge !== undefined) {
      this.#add(session, RX.packets, 1);
      this.#add(session, RX.bytes, octets);
      this.#bridges.send(session.bridge, frame, length);
    } else if (session.ppp !== undefined) {
      this.#ppp.frame(session, session.ppp, frame, length, octets, more, this.#now);
    } else {
      this.#writer.deliver(session, frame, length, octets, more);
    }
  }

  #sequenced(session: RxSession, ns: number, frame: number, length: number, octets: number): void {
    if (ns === -1 && session.receiveSequence) {
      this.#discard(session, RX.seqDiscards);
      return;
    }
    const { sequence } = session;
    let verdict = sequence.accept(ns, this.#now, session.reorderMs);
    if (verdict === VERDICT.noRoom) {
      this.#makeRoom();
      verdict = sequence.accept(ns, this.#now, session.reorderMs);
    }
    if (verdict === VERDICT.deliver) {
      this.#deliver(session, frame, length, octets, this.#more);
    } else if (verdict === VERDICT.held) {
      const slot = sequence.heldIn;
      this.arena.u8.copyWithin(this.#held + slot * SLOT, frame, frame + length);
      this.#heldLength[slot] = length;
      this.#heldOctets[slot] = octets;
      this.#waiting.add(session);
    } else {
      // As in the kernel, what is dropped moves nothing on in the queue.
      if (verdict === VERDICT.outsideWindow) this.#discard(session);
      else this.#discard(session, RX.seqDiscards);
      return;
    }
    if (sequence.waiting || sequence.expired > 0) this.#release(session);
  }

  /** Delivers what can go now, and counts what became of the others. */
  #release(session: RxSession): void {
    const { sequence } = session;
    for (let slot = sequence.release(this.#now); slot !== -1; slot = sequence.release(this.#now)) {
      const length = this.#heldLength[slot] as number;
      const octets = this.#heldOctets[slot] as number;
      this.#deliver(session, this.#held + slot * SLOT, length, octets, true);
      // The slot may be taken again at once, so nothing must go on pointing into it.
      this.#writer.flush();
      this.#bridges.flush();
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
    if (!sequence.waiting) this.#waiting.delete(session);
  }

  /** A session moves on when something comes for it; where nothing comes, its slots are taken back like this. */
  #makeRoom(): void {
    for (const session of this.#waiting) this.#release(session);
  }

  /**
   * Whether the datagram came from the tunnel's peer. A peer behind a NAT may get another port, and then the
   * session ID and cookie vouch for it; another address is believed only if there is a cookie to know it by
   * (RFC 3931 §8.2). In no case do data messages move the tunnel.
   */
  #fromPeer({ peer, cookieLength }: RxSession): boolean {
    const { name } = this.#batch;
    const sameAddress = peer.hasAddress(this.#view, name);
    if (sameAddress && (!this.#udp || peer.hasPort(this.#view, name))) return true;
    if (this.#now - peer.movedAt >= NOTICE_INTERVAL_MS) {
      peer.movedAt = this.#now;
      this.report({ type: "peer-moved", tunnelId: peer.tunnelId, from: this.#sockaddr() });
    }
    return sameAddress || cookieLength > 0;
  }

  /** A copy of the address of the message at hand. */
  #sockaddr(): Uint8Array {
    const { name } = this.#batch;
    return this.arena.u8.slice(name, name + (this.start.family === 4 ? 16 : 28));
  }

  #add(session: RxSession, field: number, n: number): void {
    const at = session.row * RX.stride + field;
    this.#rx[at] = (this.#rx[at] as number) + n;
  }

  /** Counts a message that is dropped, and under `field` why. */
  #discard(session: RxSession, field?: number): void {
    this.#add(session, RX.errors, 1);
    if (field !== undefined) this.#add(session, field, 1);
  }

  #malformed(): void {
    this.#counters[COUNTER.malformed] = (this.#counters[COUNTER.malformed] as number) + 1;
  }

  /** A control message inside a batch of data: it goes up through the ring. */
  #strayControl(at: number, length: number): void {
    const result = this.#ring.push(this.arena.u8, this.#batch.name, this.#batch.local, at, length);
    if (result === "full") this.#countLost(1);
    else if (result === "first") this.report({ type: "strays" });
  }

  #overrun(): void {
    this.#countLost((this.#batch.lost - this.#lost) >>> 0);
    this.#lost = this.#batch.lost;
  }

  #countLost(count: number): void {
    this.#counters[COUNTER.overruns] = (this.#counters[COUNTER.overruns] as number) + count;
    this.#late.overrun(count);
  }

  protected command(command: Command): void {
    switch (command.do) {
      case "add-receiver":
        this.#tables.add(command.session);
        break;
      case "remove":
        this.#removeSession(command.row);
        break;
      case "set-sequence": {
        const session = this.#tables.get(command.row);
        if (session === undefined) break;
        if (command.receive !== undefined) session.receiveSequence = command.receive;
        if (command.send !== undefined) session.sends = command.send;
        if (command.reorderMs !== undefined) session.reorderMs = command.reorderMs;
        break;
      }
      case "set-mss":
        this.#tables.get(command.row)?.setMss(command.mss);
        break;
      case "set-peer":
        this.#tables.setPeer(command.tunnelId, command.peer);
        break;
      case "bridge": {
        const session = this.#tables.get(command.row);
        if (session === undefined) break;
        session.bridge = this.#bridges.make(command.row, command.to);
        break;
      }
      case "set-shared":
        this.#ppp.setShared(command.shared, command.tap !== -1);
        break;
      case "set-link":
      case "set-gate":
      case "divert": {
        const session = this.#tables.get(command.row);
        if (session !== undefined) this.#ppp.command(session, command, performance.now());
        break;
      }
    }
  }

  #removeSession(row: number): void {
    const session = this.#tables.remove(row);
    if (session === undefined) return;
    if (session.holds) session.sequence.clear();
    this.#waiting.delete(session);
    if (session.ppp !== undefined) this.#ppp.forget(session.ppp);
  }
}

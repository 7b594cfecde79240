/**
 * Drives an engine with recvmmsg and sendmmsg, some 64 datagrams a system call, in a thread of its own that sleeps in
 * poll: a generator must need less for a datagram than what it measures. Linux only.
 */

import { addressText, type PeerAddress } from "@l2tp/control";
import { abi, decodeSocketAddress, encodeSocketAddress, type Fd, raw, sys } from "@l2tp/linux";
import type { SocketAddress } from "@l2tp/protocol";
import type { Engine } from "../engine.ts";
import { BATCH, BatchMemory, ROOM } from "./batch-memory.ts";
import type { RunControl } from "./control.ts";

/** What may wait while the thread is busy: some ten thousand datagrams. */
const BUFFER_OCTETS = 16 * 1_024 * 1_024;
/** A wish to stop, and a look at the progress, wait no longer. */
const LONGEST_WAIT_MS = 50;
const PROGRESS_MS = 100;
const EINTR = 4;

function open(source: SocketAddress): Fd {
  const fd = sys.socket(source.family === 4 ? abi.AF_INET : abi.AF_INET6, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK);
  try {
    for (const [forced, polite] of [
      [abi.SO_RCVBUFFORCE, abi.SO_RCVBUF],
      [abi.SO_SNDBUFFORCE, abi.SO_SNDBUF],
    ] as const) {
      try {
        sys.setsockoptInt(fd, abi.SOL_SOCKET, forced, BUFFER_OCTETS);
      } catch {
        // Only root may have more than the system's limit.
        sys.setsockoptInt(fd, abi.SOL_SOCKET, polite, BUFFER_OCTETS);
      }
    }
    sys.bind(fd, encodeSocketAddress(source), `UDP ${addressText(source)}`);
    return fd;
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** Runs an engine to its end; blocks the thread. @throws SyscallError when a socket cannot be opened or bound. */
export function driveByBatches(engine: Engine, sources: readonly SocketAddress[], control: RunControl): void {
  const fds: Fd[] = [];
  try {
    for (const source of sources) fds.push(open(source));
    new BatchDriver(engine, fds, control).run();
  } finally {
    for (const fd of fds) sys.close(fd);
  }
}

class BatchDriver {
  readonly #engine: Engine;
  readonly #fds: readonly Fd[];
  readonly #control: RunControl;
  readonly #calls = raw();
  readonly #in = new BatchMemory();
  readonly #out = new BatchMemory();
  readonly #polls: Uint8Array;
  readonly #pollView: DataView;
  /** Peers are few: their addresses are decoded and encoded once. */
  readonly #names = new Map<string, Uint8Array>();
  #lastName = new Uint8Array();
  #lastFrom: SocketAddress = { family: 4, address: "0.0.0.0", port: 0 };
  #queued = 0;
  #wire = 0;

  constructor(engine: Engine, fds: readonly Fd[], control: RunControl) {
    this.#engine = engine;
    this.#fds = fds;
    this.#control = control;
    this.#polls = new Uint8Array(fds.length * abi.pollfd.size);
    this.#pollView = new DataView(this.#polls.buffer);
    for (const [n, fd] of fds.entries()) {
      this.#pollView.setInt32(n * abi.pollfd.size + abi.pollfd.fd, fd, true);
      this.#pollView.setInt16(n * abi.pollfd.size + abi.pollfd.events, abi.POLLIN, true);
    }
  }

  run(): void {
    const engine = this.#engine;
    let now = performance.now();
    let shown = 0;
    let stops = 0;
    engine.start(now);
    this.#transmit();
    for (let due = engine.pollTimeout(); due !== undefined; due = engine.pollTimeout()) {
      const wait = Math.min(LONGEST_WAIT_MS, Math.max(0, Math.ceil(due - performance.now())));
      const ready = this.#calls.poll(this.#polls, this.#fds.length, wait);
      if (ready > 0) this.#receiveAll();
      now = performance.now();
      while (stops < this.#control.stops) {
        stops++;
        engine.stop(now);
      }
      engine.handleTimeout(now);
      this.#transmit();
      if (now - shown < PROGRESS_MS) continue;
      shown = now;
      this.#control.progress = engine.progress;
    }
    this.#control.progress = engine.progress;
  }

  #receiveAll(): void {
    for (const [wire, fd] of this.#fds.entries()) {
      if (this.#pollView.getInt16(wire * abi.pollfd.size + abi.pollfd.revents, true) === 0) continue;
      this.#receive(wire, fd);
    }
  }

  #receive(wire: number, fd: Fd): void {
    const memory = this.#in;
    memory.prepare(BATCH);
    const count = this.#calls.recvmmsg(fd, memory.headers, BATCH, abi.MSG_DONTWAIT, null);
    const now = performance.now();
    for (let n = 0; n < count; n++) {
      const at = n * ROOM;
      const datagram = memory.payload.subarray(at, at + memory.received(n));
      this.#engine.handleDatagram(now, this.#from(memory.name(n), wire), datagram);
    }
    this.#transmit();
  }

  #from(name: Uint8Array, wire: number): PeerAddress {
    const isLast = name.every((octet, at) => octet === this.#lastName[at]);
    if (!isLast) {
      this.#lastName = name.slice();
      this.#lastFrom = decodeSocketAddress(name) as SocketAddress;
    }
    const { family, address, port } = this.#lastFrom;
    return { family, address, port, wire };
  }

  #transmit(): void {
    const engine = this.#engine;
    for (let out = engine.pollTransmit(); out !== undefined; out = engine.pollTransmit()) {
      if (this.#queued === BATCH || (this.#queued > 0 && out.wire !== this.#wire)) this.#flush();
      this.#wire = out.wire;
      this.#out.put(this.#queued++, out.datagram, this.#nameOf(out.to));
    }
    this.#flush();
  }

  #nameOf(to: SocketAddress): Uint8Array {
    const key = `${to.address} ${to.port}`;
    let name = this.#names.get(key);
    if (name === undefined) {
      name = encodeSocketAddress(to);
      this.#names.set(key, name);
    }
    return name;
  }

  /** What the system refuses is lost, as on any network, and counted. */
  #flush(): void {
    const fd = this.#fds[this.#wire] as Fd;
    let sent = 0;
    while (sent < this.#queued) {
      const headers = this.#out.headers.subarray(sent * abi.mmsghdr.size);
      const result = this.#calls.sendmmsg(fd, headers, this.#queued - sent, abi.MSG_DONTWAIT);
      if (result > 0) sent += result;
      else if (result === -EINTR) continue;
      else {
        sent++;
        this.#engine.tally.counts.sendFailures++;
      }
    }
    this.#queued = 0;
  }
}

/**
 * A UDP relay between two address pairs that loses, delays, doubles and reorders what it passes on, with a seed:
 * what the kernel's netem does, where there is none.
 *
 *     A ──► listens for A │ dice │ ──► B        A's peer is the relay, and so is B's
 *     A ◄── │ dice │ listens for B ◄── B
 */
import { createSocket, type Socket } from "node:dgram";
import { CLEAN, checkImpairment, type Impairment, type Random, seeded } from "@l2tp/dataplane-mock";

/** An IP address and a port. */
export interface Place {
  readonly address: string;
  readonly port: number;
}

/** One side: where the relay listens for it, and where it is. */
export interface RelaySide {
  readonly listen: Place;
  readonly peer: Place;
}

/** How the relay is to be. */
export interface RelayOptions {
  readonly a: RelaySide;
  readonly b: RelaySide;
  /** Of both directions. The MTU is not looked at. */
  readonly impairment?: Partial<Impairment>;
  /** The same seed rolls the same dice for the n-th datagram of each direction. Default 1. */
  readonly seed?: number;
}

/** What became of the datagrams of one direction. */
export interface RelayCounters {
  received: number;
  /** Put on the wire again, doubles included. */
  passed: number;
  lost: number;
  doubled: number;
  /** Held back, so that later ones overtake them. */
  held: number;
  /** From somebody else than the side's peer. */
  ignored: number;
}

/** One direction: where from, where to, its own dice. */
interface Direction {
  readonly from: Place;
  readonly to: Place;
  readonly random: Random;
  readonly counters: RelayCounters;
}

/** Two sockets and the dice between them. */
export class Relay implements AsyncDisposable {
  readonly #sockets: { readonly a: Socket; readonly b: Socket };
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #directions: { readonly aToB: Direction; readonly bToA: Direction };
  #impairment: Impairment;
  #open = true;

  /** @throws the error of `bind`, such as EADDRINUSE */
  static async open(options: RelayOptions): Promise<Relay> {
    const a = await bind(options.a.listen);
    const b = await bind(options.b.listen).catch((error: unknown) => {
      a.close();
      throw error;
    });
    return new Relay(options, a, b);
  }

  private constructor({ a, b, impairment, seed = 1 }: RelayOptions, socketA: Socket, socketB: Socket) {
    this.#sockets = { a: socketA, b: socketB };
    this.#impairment = checkImpairment({ ...CLEAN, delayMs: 0, ...impairment });
    this.#directions = {
      aToB: { from: a.peer, to: b.peer, random: seeded(seed), counters: none() },
      bToA: { from: b.peer, to: a.peer, random: seeded(seed + 0x1000_0000), counters: none() },
    };
    socketA.on("message", (datagram, from) => this.#take(this.#directions.aToB, socketB, datagram, from));
    socketB.on("message", (datagram, from) => this.#take(this.#directions.bToA, socketA, datagram, from));
    for (const socket of [socketA, socketB]) {
      // A peer that is not there answers with ICMP; to a path that loses datagrams that is nothing.
      socket.on("error", () => {});
    }
  }

  /** Where it listens, with the ports that were really bound. */
  get listening(): { readonly a: Place; readonly b: Place } {
    return { a: this.#sockets.a.address(), b: this.#sockets.b.address() };
  }

  get counters(): { readonly aToB: Readonly<RelayCounters>; readonly bToA: Readonly<RelayCounters> } {
    return { aToB: { ...this.#directions.aToB.counters }, bToA: { ...this.#directions.bToA.counters } };
  }

  /** Changes what it does from now on. @throws RangeError */
  impair(change: Partial<Impairment>): void {
    this.#impairment = checkImpairment({ ...this.#impairment, ...change });
  }

  /** What is held is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const { a, b } = this.#sockets;
    await Promise.all([a, b].map((socket) => new Promise<void>((closed) => socket.close(() => closed()))));
  }

  /** Rolls the same number of dice for each datagram, so that one setting does not shift the others' luck. */
  #take({ from: peer, to, random, counters }: Direction, out: Socket, datagram: Buffer, from: Place): void {
    if (from.address !== peer.address || (peer.port !== 0 && from.port !== peer.port)) {
      counters.ignored += 1;
      return;
    }
    counters.received += 1;
    const { loss, duplicate, reorder, reorderByMs, delayMs } = this.#impairment;
    const [lost, twice, held] = [random() < loss, random() < duplicate, random() < reorder];
    const [least, most] = typeof delayMs === "number" ? [delayMs, delayMs] : delayMs;
    const delays = [random(), random()].map((roll) => least + roll * (most - least));
    if (lost) {
      counters.lost += 1;
      return;
    }
    if (held) counters.held += 1;
    this.#pass(out, to, datagram, (delays[0] ?? 0) + (held ? reorderByMs : 0), counters);
    if (!twice) return;
    counters.doubled += 1;
    this.#pass(out, to, datagram, delays[1] ?? 0, counters);
  }

  #pass(out: Socket, to: Place, datagram: Buffer, delayMs: number, counters: RelayCounters): void {
    const send = () => {
      if (!this.#open) return;
      counters.passed += 1;
      out.send(datagram, to.port, to.address, () => {});
    };
    if (delayMs === 0) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      send();
    }, delayMs);
    this.#timers.add(timer);
  }
}

const none = (): RelayCounters => ({ received: 0, passed: 0, lost: 0, doubled: 0, held: 0, ignored: 0 });

function bind({ address, port }: Place): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, () => {
      socket.off("error", reject);
      resolve(socket);
    });
  });
}

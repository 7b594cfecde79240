/** The simulated network: hosts with addresses, and links between them that lose, delay and reorder. */
import type { Instant, IpAddress } from "@l2tp/protocol";
import { canonical } from "./address.ts";
import { type Scheduler, SimulatedClock } from "./clock.ts";
import { type Medium, MockHost, type Packet } from "./host.ts";
import { CLEAN, checkImpairment, type Impairment, range } from "./impairment.ts";
import { type Random, seeded } from "./random.ts";
import { overheadOctets, pcap, type WireRecord } from "./trace.ts";

/** How a network is to be. */
export interface MockNetworkOptions {
  /** The same seed gives the same trace. Default 1. */
  readonly seed?: number;
  /** Real time, say ({@link realTime}); absent: a simulated clock that the test moves. */
  readonly scheduler?: Scheduler;
  /** What every link does unless {@link MockNetwork.link} says otherwise. */
  readonly impairment?: Partial<Impairment>;
  /** How many datagrams {@link MockNetwork.trace} keeps, the newest; default 10,000. */
  readonly traceLimit?: number;
}

/** An in-memory network. Deterministic: no clock, no randomness and no scheduling but its own. */
export class MockNetwork implements Medium {
  readonly seed: number;
  /** What was put on the wire, in order of sending; see `traceLimit`. */
  readonly trace: WireRecord[] = [];
  readonly #clock: SimulatedClock | undefined;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #traceLimit: number;
  readonly #hosts = new Map<string, MockHost>();
  readonly #byAddress = new Map<IpAddress, MockHost>();
  #everywhere: Impairment;
  /** By direction, `a>b`. */
  readonly #links = new Map<string, Impairment>();
  readonly #partitions = new Set<string>();

  constructor(options: MockNetworkOptions = {}) {
    this.seed = options.seed ?? 1;
    this.#random = seeded(this.seed);
    this.#clock = options.scheduler === undefined ? new SimulatedClock() : undefined;
    this.#scheduler = options.scheduler ?? (this.#clock as SimulatedClock);
    this.#everywhere = checkImpairment({ ...CLEAN, ...options.impairment });
    this.#traceLimit = options.traceLimit ?? 10_000;
  }

  /** Milliseconds: simulated from 0, or those of the scheduler that was given. */
  now(): Instant {
    return this.#scheduler.now();
  }

  /** As {@link Scheduler}, for those who share the network's time: `{ now, after }`. */
  get scheduler(): Scheduler {
    return this.#scheduler;
  }

  /** The network's own dice. Who rolls them takes part in what the seed decides. */
  get random(): Random {
    return this.#random;
  }

  /** A host with one address or more. Its name is also the name of its "namespace" in a binding. */
  host(name: string, ...addresses: IpAddress[]): MockHost {
    if (this.#hosts.has(name)) throw new Error(`there is a host "${name}" already`);
    const host = new MockHost(this, name);
    this.#hosts.set(name, host);
    for (const address of addresses) host.addAddress(address);
    return host;
  }

  /** What the link between two hosts does, both ways unless `oneWay`; the rest is as everywhere. */
  link(a: MockHost, b: MockHost, impairment: Partial<Impairment>, options: { oneWay?: boolean } = {}): void {
    for (const way of ways(a, b, options.oneWay)) {
      this.#links.set(way, checkImpairment({ ...this.#everywhere, ...this.#links.get(way), ...impairment }));
    }
  }

  /** What every link does that {@link link} says nothing else of. */
  impair(impairment: Partial<Impairment>): void {
    this.#everywhere = checkImpairment({ ...this.#everywhere, ...impairment });
  }

  /** Nothing passes from `a` to `b`, nor back unless `oneWay`, until {@link heal}. */
  partition(a: MockHost, b: MockHost, options: { oneWay?: boolean } = {}): void {
    for (const way of ways(a, b, options.oneWay)) this.#partitions.add(way);
  }

  /** Ends the partition between two hosts, or all of them. */
  heal(a?: MockHost, b?: MockHost): void {
    if (a === undefined || b === undefined) this.#partitions.clear();
    else for (const way of ways(a, b)) this.#partitions.delete(way);
  }

  /** Moves simulated time; promises get no turn in between (see {@link advanceAsync}). */
  advance(byMs: number): void {
    this.#simulated().advance(byMs);
  }

  /** Moves simulated time, and lets promises come to rest before each instant at which something happens. */
  advanceAsync(byMs: number): Promise<void> {
    return this.#simulated().advanceAsync(byMs);
  }

  /** Jumps until nothing is in flight and no timer runs. @throws Error when that takes `limitMs` or more */
  runUntilIdle(limitMs?: number): Promise<void> {
    return this.#simulated().runUntilIdle(limitMs);
  }

  /** When the next datagram arrives or the next timer is due; `undefined` when nothing is left. */
  nextEvent(): Instant | undefined {
    return this.#simulated().next();
  }

  /** The trace as a pcap file of raw IP packets: what arrived, or `all` that was sent. */
  pcap(options: { all?: boolean } = {}): Uint8Array {
    return pcap(this.trace, options.all);
  }

  /** Who has this name. */
  findHost(name: string): MockHost | undefined {
    return this.#hosts.get(name);
  }

  /** @internal Who owns an address; a host calls it when it gets or loses one. */
  claim(address: IpAddress, host: MockHost | undefined): void {
    const key = canonical(address);
    const owner = this.#byAddress.get(key);
    if (host !== undefined && owner !== undefined && owner !== host) {
      throw new Error(`${address} belongs to host "${owner.name}"`);
    }
    if (host === undefined) this.#byAddress.delete(key);
    else this.#byAddress.set(key, host);
  }

  /** The MTU of the way to an address: what a data plane finds by path MTU discovery. */
  pathMtu(from: MockHost, to: IpAddress): number {
    const host = this.#byAddress.get(canonical(to));
    return host === undefined ? this.#everywhere.mtuOctets : this.#impairment(from, host).mtuOctets;
  }

  /** @internal Puts a datagram on the wire; hosts call it. What nobody owns the address of is lost silently. */
  transmit(sender: MockHost, packet: Packet): "sent" | "too-big" {
    const record: WireRecord = {
      at: this.now(),
      encapsulation: packet.encapsulation,
      from: packet.from,
      to: packet.to,
      datagram: packet.datagram.slice(),
      fate: "in-flight",
    };
    this.#keep(record);
    const receiver = this.#byAddress.get(canonical(packet.to.address));
    if (receiver === undefined) {
      record.fate = "unreachable";
      return "sent";
    }
    const link = this.#impairment(sender, receiver);
    const octets = overheadOctets(packet.to.family, packet.encapsulation) + packet.datagram.length;
    if (octets > link.mtuOctets && packet.dontFragment === true) {
      record.fate = "too-big";
      return "too-big";
    }
    this.#roll(link, record, sender, receiver);
    return "sent";
  }

  /** Rolls the dice, always the same number of them, so that one setting does not shift the others' luck. */
  #roll(link: Impairment, record: WireRecord, sender: MockHost, receiver: MockHost): void {
    const lost = this.#random() < link.loss;
    const twice = this.#random() < link.duplicate;
    const held = this.#random() < link.reorder;
    const [least, most] = range(link.delayMs);
    const delays = [this.#random(), this.#random()].map((roll) => least + roll * (most - least));
    if (this.#partitions.has(`${sender.name}>${receiver.name}`)) {
      record.fate = "partitioned";
      return;
    }
    if (lost) {
      record.fate = "lost";
      return;
    }
    this.#deliver(record, receiver, (delays[0] ?? 0) + (held ? link.reorderByMs : 0));
    if (twice) {
      const copy = { ...record };
      this.#keep(copy);
      this.#deliver(copy, receiver, delays[1] ?? 0);
    }
  }

  #deliver(record: WireRecord, receiver: MockHost, delayMs: number): void {
    this.#scheduler.after(delayMs, () => {
      record.arrivedAt = this.now();
      record.fate = receiver.deliver(record) ? "delivered" : "unreachable";
    });
  }

  #impairment(from: MockHost, to: MockHost): Impairment {
    return this.#links.get(`${from.name}>${to.name}`) ?? this.#everywhere;
  }

  #keep(record: WireRecord): void {
    this.trace.push(record);
    if (this.trace.length > this.#traceLimit) this.trace.shift();
  }

  #simulated(): SimulatedClock {
    if (this.#clock === undefined) throw new Error("this network runs on the scheduler that it was given");
    return this.#clock;
  }
}

function ways(a: MockHost, b: MockHost, oneWay = false): string[] {
  return oneWay ? [`${a.name}>${b.name}`] : [`${a.name}>${b.name}`, `${b.name}>${a.name}`];
}

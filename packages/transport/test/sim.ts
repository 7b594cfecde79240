/** A simulated network between two channels, with a seed: time jumps from one thing that happens to the next. */
import type { Instant, L2tpVersion } from "@l2tp/protocol";
import { seeds } from "@l2tp/testing";
import {
  type ChannelId,
  type ChannelOptions,
  type Receipt,
  readSequence,
  Transport,
  type TransportEvent,
  type TransportOptions,
} from "../src/index.ts";

/** mulberry32: small, fast, and the same everywhere. */
export function rng(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What a path does to datagrams; different delays reorder them. */
export interface Impairment {
  readonly loss?: number;
  readonly duplicate?: number;
  readonly delayMs?: readonly [number, number];
}

/** Runs `body` for each seed, and says which one failed and how to replay it. */
export function forSeeds(count: number, body: (seed: number) => void): void {
  for (const seed of seeds(count)) {
    try {
      body(seed);
    } catch (error) {
      const replay = `seed ${seed} failed; L2TP_TEST_SEED=${seed} replays it`;
      throw new Error(`${replay}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
}

const WEN = 15;

/** A control message with a number in it, which the transport knows nothing about. */
export function numbered(n: number, version: L2tpVersion = 3): Uint8Array {
  const octets = Uint8Array.of(
    ...[0xc8, version, 0, 30, 0, 0, 0, 1, 0, 0, 0, 0], // header; Ns and Nr are the transport's to write
    ...[0x80, 8, 0, 0, 0, 0, 0, WEN],
    ...[0, 10, 0xff, 0xff, 0, 1, 0, 0, 0, 0],
  );
  new DataView(octets.buffer).setUint32(26, n);
  return octets;
}

/** The number in a message of {@link numbered}. */
export const numberIn = (message: Uint8Array): number =>
  new DataView(message.buffer, message.byteOffset).getUint32(26);

/** One end: a transport with one channel, and what happened to it. */
export class Host {
  readonly name: string;
  transport: Transport;
  channel: ChannelId;
  readonly events: { readonly at: Instant; readonly event: TransportEvent }[] = [];
  /** Numbers of the messages received, in order. */
  readonly numbers: number[] = [];
  /** What becomes of every event as it happens. */
  onEvent: ((event: TransportEvent, now: Instant) => void) | undefined;
  readonly #options: TransportOptions;

  constructor(name: string, options: ChannelOptions, transportOptions: TransportOptions = {}) {
    this.name = name;
    this.#options = transportOptions;
    this.transport = new Transport(transportOptions);
    this.channel = this.transport.open(0, options);
  }

  /** The process dies and another takes its place: nothing is remembered. */
  restart(now: Instant, options: ChannelOptions): void {
    this.transport = new Transport(this.#options);
    this.channel = this.transport.open(now, options);
  }

  count(type: TransportEvent["type"]): number {
    return this.events.filter(({ event }) => event.type === type).length;
  }
}

interface Happening {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

export class Sim {
  now: Instant = 0;
  /** One line for each datagram that left and each that arrived. */
  readonly trace: string[] = [];
  /** How many datagrams have left. */
  sent = 0;
  /** Set to false where the trace is not wanted. */
  tracing = true;
  readonly random: () => number;
  readonly #heap: Happening[] = [];
  readonly #links = new Map<Host, { to: Host; impairment: Impairment; cut: boolean }>();
  readonly #silent = new Set<Host>();
  #order = 0;

  constructor(seed: number) {
    this.random = rng(seed);
  }

  /** Joins two hosts; `back` is the way from `b` to `a`. */
  join(a: Host, b: Host, impairment: Impairment, back: Impairment = impairment): void {
    this.#links.set(a, { to: b, impairment, cut: false });
    this.#links.set(b, { to: a, impairment: back, cut: false });
  }

  /** Cuts or mends the way from `host` to its peer. */
  cut(host: Host, cut: boolean): void {
    const link = this.#links.get(host);
    if (link) link.cut = cut;
  }

  /** Takes a host away, as a crash does, or brings it back. */
  silence(host: Host, silent: boolean): void {
    if (silent) this.#silent.add(host);
    else this.#silent.delete(host);
  }

  /** Does something at a time to come. */
  at(at: Instant, run: () => void): void {
    this.#push({ at, order: this.#order++, run });
  }

  /** Runs until `until`, or until nothing more would happen. */
  run(until: Instant): void {
    for (;;) {
      for (const host of this.#links.keys()) this.#pump(host);
      const wake = Math.min(this.#heap[0]?.at ?? Number.POSITIVE_INFINITY, ...this.#timeouts());
      if (wake > until) break;
      this.now = Math.max(this.now, wake);
      while ((this.#heap[0]?.at ?? Number.POSITIVE_INFINITY) <= this.now) this.#pop()?.run();
      for (const host of this.#links.keys()) {
        if (!this.#silent.has(host)) host.transport.handleTimeout(this.now);
      }
    }
    this.now = Math.max(this.now, until);
  }

  #timeouts(): number[] {
    return [...this.#links.keys()].map((host) =>
      this.#silent.has(host)
        ? Number.POSITIVE_INFINITY
        : (host.transport.pollTimeout() ?? Number.POSITIVE_INFINITY),
    );
  }

  #pump(host: Host): void {
    const link = this.#links.get(host);
    if (!link || this.#silent.has(host)) return;
    const { transport } = host;
    for (let event = transport.pollEvent(); event; event = transport.pollEvent()) {
      if (event.type === "message") {
        if (event.message.length === 30) host.numbers.push(numberIn(event.message));
      } else {
        host.events.push({ at: this.now, event });
      }
      host.onEvent?.(event, this.now);
    }
    for (let out = host.transport.pollTransmit(); out; out = host.transport.pollTransmit()) {
      this.sent++;
      this.#line(host, "sends", out.datagram);
      if (link.cut) continue;
      const { loss = 0, duplicate = 0, delayMs = [1, 1] } = link.impairment;
      const copies = (this.random() < loss ? 0 : 1) + (this.random() < duplicate ? 1 : 0);
      for (let copy = 0; copy < copies; copy++) {
        const datagram = out.datagram.slice();
        const delay = delayMs[0] + this.random() * (delayMs[1] - delayMs[0]);
        this.at(this.now + delay, () => this.#arrive(link.to, datagram));
      }
    }
  }

  #arrive(host: Host, datagram: Uint8Array): void {
    if (this.#silent.has(host)) return;
    const receipt = host.transport.receive(host.channel, this.now, datagram);
    this.#line(host, receipt, datagram);
  }

  #line(host: Host, what: Receipt | "sends", datagram: Uint8Array): void {
    if (!this.tracing) return;
    const numbers = `Ns ${readSequence(datagram).ns} Nr ${readSequence(datagram).nr}`;
    this.trace.push(`${this.now.toFixed(3)} ${host.name} ${what} ${numbers} (${datagram.length})`);
  }

  #push(happening: Happening): void {
    const heap = this.#heap;
    let at = heap.push(happening) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent] as Happening, happening)) break;
      heap[at] = heap[parent] as Happening;
      at = parent;
    }
    heap[at] = happening;
  }

  #pop(): Happening | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || last === undefined) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Happening, heap[child] as Happening)) child++;
      if (before(last, heap[child] as Happening)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}

const before = (a: Happening, b: Happening): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

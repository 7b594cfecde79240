/** Many LACs and one LNS on a bad network, on one clock: time jumps from one thing that happens to the next. */
import type { Instant, SocketAddress } from "@l2tp/protocol";
import {
  Endpoint,
  type EndpointChanges,
  type EndpointEvent,
  type SessionHandle,
  type TunnelHandle,
} from "../src/index.ts";
import { fillWith, rng } from "./stage.ts";

export interface Network {
  readonly loss: number;
  readonly duplicate: number;
  readonly delayMs: readonly [number, number];
}

interface Due {
  readonly at: Instant;
  readonly order: number;
  readonly run: () => void;
}

/** A host with an endpoint, which may be restarted. */
export class Host {
  readonly address: SocketAddress;
  readonly world: World;
  endpoint: Endpoint;
  cut = false;
  readonly #make: () => Endpoint;
  #wakeAt = Number.POSITIVE_INFINITY;
  onEvent: (event: EndpointEvent) => void = () => {};

  constructor(world: World, address: string, make: () => Endpoint) {
    this.world = world;
    this.address = { family: 4, address, port: 1701 };
    this.#make = make;
    this.endpoint = make();
    world.hosts.set(address, this);
  }

  /** The power fails: nothing is remembered, nobody is told. */
  restart(): void {
    this.endpoint = this.#make();
    this.#wakeAt = Number.POSITIVE_INFINITY;
  }

  receive(from: SocketAddress, datagram: Uint8Array): void {
    this.endpoint.handleDatagram(this.world.now, from, datagram);
    this.pump();
  }

  pump(): void {
    const { endpoint, world } = this;
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === "intent") endpoint.planeReady(world.now, event.token);
      else if (event.type === "question") endpoint.decide(world.now, event.token, { accept: true });
      else this.onEvent(event);
    }
    for (let out = endpoint.pollTransmit(); out !== undefined; out = endpoint.pollTransmit()) {
      world.send(this, out.to.address, out.datagram);
    }
    const due = endpoint.pollTimeout();
    if (due === undefined || due >= this.#wakeAt) return;
    this.#wakeAt = due;
    world.at(due, () => {
      if (this.endpoint !== endpoint || this.#wakeAt !== due) return;
      this.#wakeAt = Number.POSITIVE_INFINITY;
      endpoint.handleTimeout(world.now);
      this.pump();
    });
  }
}

export class World {
  now: Instant = 0;
  readonly hosts = new Map<string, Host>();
  readonly random: () => number;
  network: Network;
  datagrams = 0;
  readonly #heap: Due[] = [];
  #order = 0;

  constructor(seed: number, network: Network) {
    this.random = rng(seed);
    this.network = network;
  }

  host(address: string, changes: EndpointChanges = {}): Host {
    return new Host(
      this,
      address,
      () => new Endpoint({ random: fillWith(rng(this.random() * 2 ** 32)), ...changes }),
    );
  }

  send(from: Host, to: string, borrowed: Uint8Array): void {
    this.datagrams++;
    const { loss, duplicate, delayMs } = this.network;
    if (from.cut || this.random() < loss) return;
    const datagram = borrowed.slice();
    const copies = this.random() < duplicate ? 2 : 1;
    for (let n = 0; n < copies; n++) {
      const delay = delayMs[0] + this.random() * (delayMs[1] - delayMs[0]);
      this.at(this.now + delay, () => {
        const host = this.hosts.get(to);
        if (host !== undefined && !host.cut) host.receive(from.address, datagram);
      });
    }
  }

  at(at: Instant, run: () => void): void {
    const heap = this.#heap;
    const due = { at: Math.max(at, this.now), order: this.#order++, run };
    let child = heap.push(due) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!before(heap[child] as Due, heap[parent] as Due)) break;
      [heap[child], heap[parent]] = [heap[parent] as Due, heap[child] as Due];
      child = parent;
    }
  }

  run(until: Instant): void {
    for (let first = this.#heap[0]; first !== undefined && first.at <= until; first = this.#heap[0]) {
      this.#take();
      this.now = first.at;
      first.run();
    }
    this.now = until;
  }

  #take(): void {
    const heap = this.#heap;
    const last = heap.pop() as Due;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let parent = 0; ; ) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && before(heap[child] as Due, heap[least] as Due)) least = child;
      }
      if (least === parent) return;
      [heap[parent], heap[least]] = [heap[least] as Due, heap[parent] as Due];
      parent = least;
    }
  }
}

const before = (a: Due, b: Due): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** A LAC that keeps a tunnel to the LNS and some calls on it, which come and go. */
export class Customer {
  readonly host: Host;
  readonly #lns: SocketAddress;
  readonly #calls: number;
  readonly #callMs: number;
  #tunnel: TunnelHandle | undefined;
  readonly #sessions = new Set<SessionHandle>();
  active = true;
  #life = 0;

  constructor(host: Host, lns: SocketAddress, calls: number, callMs: number) {
    this.host = host;
    this.#lns = lns;
    this.#calls = calls;
    this.#callMs = callMs;
    host.onEvent = (event) => this.#event(event);
  }

  start(): void {
    this.#dial();
  }

  restart(): void {
    this.#life++;
    this.#tunnel = undefined;
    this.#sessions.clear();
    this.host.restart();
    this.#later(5_000, () => this.#dial());
  }

  #later(ms: number, run: () => void): void {
    const life = this.#life;
    const { world } = this.host;
    world.at(world.now + ms * (0.5 + world.random()), () => {
      if (life !== this.#life || !this.active) return;
      run();
      this.host.pump();
    });
  }

  #dial(): void {
    if (this.#tunnel !== undefined || !this.active) return;
    const { world, endpoint } = this.host;
    this.#tunnel = endpoint.openTunnel(world.now, { peer: this.#lns, tieBreaker: world.random() < 0.5 });
    while (this.#sessions.size < this.#calls) this.#call();
    this.host.pump();
  }

  #call(): void {
    if (this.#tunnel === undefined || !this.active) return;
    const { world, endpoint } = this.host;
    const session = endpoint.openSession(world.now, this.#tunnel, { kind: "incoming" });
    this.#sessions.add(session);
    this.#later(this.#callMs, () => endpoint.closeSession(world.now, session));
  }

  #event(event: EndpointEvent): void {
    if (event.type === "tunnel-down" && event.tunnel === this.#tunnel) {
      this.#tunnel = undefined;
      this.#later(3_000, () => this.#dial());
    } else if (event.type === "session-down" && this.#sessions.delete(event.session)) {
      this.#later(1_000, () => this.#call());
    }
  }
}

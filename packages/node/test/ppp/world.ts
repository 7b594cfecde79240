/** Two runners joined by links in memory, one clock for both, and an authority that counts what it gives. */
import type { AddressLease, Authority, LeaseRequest, Refusal, UserGrant, UserRequest } from "@l2tp/access";
import type { PppLink, PppLinkConfiguration, PppNetworkProtocol, PppPackets } from "@l2tp/dataplane";
import { SimulatedClock } from "@l2tp/dataplane-mock";
import type { PppOptions } from "@l2tp/ppp";
import { Alarms } from "../../src/alarms.ts";
import type { Logger } from "../../src/log.ts";
import {
  newDuid,
  type PppCall,
  type PppHost,
  type PppProfileInit,
  PppRunner,
  type PppSessionEvent,
  pppProfile,
  UserRegister,
} from "../../src/ppp/index.ts";

/** A small generator (mulberry32): the same seed gives the same run. */
export function rng(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A logger that writes down `level message`. */
function recorder(lines: string[]): Logger {
  const level = (name: string) => (_: unknown, message: string) => void lines.push(`${name} ${message}`);
  return { error: level("error"), warn: level("warn"), info: level("info"), debug: level("debug") };
}

/** One end's link: what was asked of it is kept. */
export class FakeLink implements PppLink {
  readonly configurations: PppLinkConfiguration[] = [];
  readonly gates: Record<PppNetworkProtocol, "pass" | "drop"> = { ipv4: "drop", ipv6: "drop" };
  /** In the order in which they took effect: `configure`, `ipv4 pass` … */
  readonly calls: string[] = [];
  peer: FakeLink | undefined;
  resets = 0;
  /** How long a configuration takes, and what it fails with. */
  configureMs = 0;
  configureError: Error | undefined;
  /** Frames and packets are lost on their way to the peer. */
  isCut = false;
  /** Sees each frame that is sent; `false` loses it. */
  tap: (frame: Uint8Array) => boolean = () => true;
  lastData = Number.NEGATIVE_INFINITY;
  /** Its interface is one that many share. */
  isShared = false;
  readonly ipv6Control?: PppPackets;
  readonly packets: PppPackets;
  readonly #clock: SimulatedClock;
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onIpv6: ((packet: Uint8Array) => void) | undefined;
  #onPacket: ((packet: Uint8Array) => void) | undefined;
  #onMppeLost: (() => void) | undefined;
  readonly #early: Uint8Array[] = [];

  constructor(clock: SimulatedClock, hasIpv6Control = true) {
    this.#clock = clock;
    const port = (
      take: (handler: ((packet: Uint8Array) => void) | undefined) => void,
      send: (packet: Uint8Array) => void,
    ) => ({
      send,
      onPacket: (handler: (packet: Uint8Array) => void) => {
        take(handler);
        return { [Symbol.dispose]: () => take(undefined) };
      },
    });
    this.packets = port(
      (handler) => {
        this.#onPacket = handler;
      },
      (packet) => this.sendPacket(packet),
    );
    if (!hasIpv6Control) return;
    this.ipv6Control = port(
      (handler) => {
        this.#onIpv6 = handler;
      },
      (packet) => this.sendPacket(packet),
    );
  }

  get last(): PppLinkConfiguration | undefined {
    return this.configurations.at(-1);
  }

  /** Whether anybody still listens. */
  get isUsed(): boolean {
    return [this.#onFrame, this.#onIpv6, this.#onMppeLost].some((handler) => handler !== undefined);
  }

  sendFrame(frame: Uint8Array): void {
    if (this.isCut || !this.tap(frame)) return;
    const copy = frame.slice();
    this.#clock.after(1, () => this.peer?.take(copy));
  }

  take(frame: Uint8Array): void {
    if (this.#onFrame) this.#onFrame(frame);
    else if (this.#early.length < 64) this.#early.push(frame);
  }

  /** An IP packet to the peer, through both gates; IPv6's own protocols go where they are answered. */
  sendPacket(packet: Uint8Array): void {
    const protocol = (packet[0] as number) >> 4 === 6 ? "ipv6" : "ipv4";
    if (this.isCut || this.gates[protocol] === "drop") return;
    const copy = packet.slice();
    this.#clock.after(1, () => this.peer?.takePacket(protocol, copy));
  }

  takePacket(protocol: PppNetworkProtocol, packet: Uint8Array): void {
    if (this.gates[protocol] === "drop") return;
    this.lastData = this.#clock.now();
    const isControl =
      protocol === "ipv6" &&
      (packet[24] === 0xff || packet[24] === 0xfe) &&
      ((packet[6] === 58 && (packet[40] as number) >= 133 && (packet[40] as number) <= 136) ||
        (packet[6] === 58 && packet[40] === 128 && this.isShared) ||
        (packet[6] === 17 && packet[42] === 2 && (packet[43] === 0x22 || packet[43] === 0x23)));
    if (isControl && this.#onIpv6) this.#onIpv6(packet);
    else this.#onPacket?.(packet);
  }

  onFrame(handler: (frame: Uint8Array) => void): Disposable {
    this.#onFrame = handler;
    for (const frame of this.#early.splice(0)) handler(frame);
    return {
      [Symbol.dispose]: () => {
        this.#onFrame = undefined;
      },
    };
  }

  async configure(configuration: PppLinkConfiguration): Promise<void> {
    if (this.configureMs > 0) await new Promise<void>((done) => this.#clock.after(this.configureMs, done));
    if (this.configureError) throw this.configureError;
    this.configurations.push(configuration);
    this.calls.push(`configure${configuration.mppe ? " mppe" : ""}`);
  }

  gate(protocol: PppNetworkProtocol, mode: "pass" | "drop"): void {
    this.gates[protocol] = mode;
    this.calls.push(`${protocol} ${mode}`);
  }

  resetMppe(): void {
    this.resets += 1;
  }

  onMppeLost(handler: () => void): Disposable {
    this.#onMppeLost = handler;
    return {
      [Symbol.dispose]: () => {
        this.#onMppeLost = undefined;
      },
    };
  }

  loseMppe(): void {
    this.#onMppeLost?.();
  }

  lastDataReceived(): number {
    return this.lastData;
  }
}

/** Knows users and a pool of addresses, and remembers who has which. */
export class CountingAuthority implements Authority {
  readonly users = new Map<string, Partial<UserGrant>>();
  /** Addresses by key of the session that has them. */
  readonly leased = new Map<string, AddressLease>();
  readonly free: AddressLease[] = [];
  readonly requests: UserRequest[] = [];
  readonly leases: LeaseRequest[] = [];
  /** What should not have been released. */
  readonly wrongReleases: string[] = [];
  released = 0;
  /** How long each answer takes; undefined: at once, and not as a promise. */
  userMs: number | undefined;
  leaseMs: number | undefined;
  fails: "throw" | "reject" | undefined;
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  peer(): Refusal {
    return { accept: false, reason: "not asked here" };
  }

  call(): Refusal {
    return { accept: false, reason: "not asked here" };
  }

  user(request: UserRequest): UserGrant | Refusal | Promise<UserGrant | Refusal> {
    this.requests.push(request);
    if (this.fails === "throw") throw new Error("out of order");
    if (this.fails === "reject") return Promise.reject(new Error("out of order"));
    const user = this.users.get(request.name);
    const answer: UserGrant | Refusal = user
      ? { accept: true, ...user }
      : { accept: false, reason: `there is no user ${request.name}`, text: "No such user" };
    return this.#later(this.userMs, () => answer);
  }

  lease(request: LeaseRequest): AddressLease | Refusal | Promise<AddressLease | Refusal> {
    this.leases.push(request);
    return this.#later(this.leaseMs, () => {
      if (this.leased.has(request.session)) throw new Error(`${request.session} asked twice`);
      const lease = this.free.shift();
      if (lease === undefined) return { accept: false, reason: "the pool is empty", text: "No address left" };
      this.leased.set(request.session, lease);
      return lease;
    });
  }

  release(session: string): void {
    const lease = this.leased.get(session);
    if (lease === undefined) {
      this.wrongReleases.push(session);
      return;
    }
    this.leased.delete(session);
    this.free.push(lease);
    this.released += 1;
  }

  #later<T>(ms: number | undefined, answer: () => T): T | Promise<T> {
    if (ms === undefined) return answer();
    return new Promise((resolve, reject) => {
      this.#clock.after(ms, () => {
        try {
          resolve(answer());
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }
}

/** What one end is, beside its profile. */
export interface EndOptions {
  readonly authority?: Authority | undefined;
  readonly call?: Partial<PppCall>;
  readonly link?: FakeLink;
}

/** One end of a session. */
export interface End {
  readonly runner: PppRunner;
  readonly link: FakeLink;
  readonly events: PppSessionEvent[];
}

/** Hosts for both ends, and sessions between them. */
export class PppWorld {
  readonly clock = new SimulatedClock();
  readonly authority = new CountingAuthority(this.clock);
  readonly log: string[] = [];
  readonly lac: PppHost;
  readonly lns: PppHost;
  readonly alarms: { readonly lac: Alarms; readonly lns: Alarms };

  constructor(seed = 1) {
    const next = rng(seed);
    const random = (count: number) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256));
    this.alarms = { lac: new Alarms(this.clock), lns: new Alarms(this.clock) };
    const host = (alarms: Alarms): PppHost => ({
      clock: this.clock,
      alarms,
      random,
      logger: recorder(this.log),
      users: new UserRegister(),
      duid: newDuid(random),
    });
    this.lac = host(this.alarms.lac);
    this.lns = { ...host(this.alarms.lns), authority: this.authority };
  }

  end(host: PppHost, profile: PppProfileInit, { link, call, ...more }: EndOptions = {}): End {
    const events: PppSessionEvent[] = [];
    const ofEnd = link ?? new FakeLink(this.clock);
    const runner = new PppRunner({
      host: "authority" in more ? withAuthority(host, more.authority) : host,
      link: ofEnd,
      profile: pppProfile(profile),
      call: { tunnel: "t", session: "s", peer: { family: 4, address: "192.0.2.1", port: 1701 }, ...call },
      listener: { interfaceName: "ppp7", onEvent: (event) => void events.push(event) },
    });
    return { runner, link: ofEnd, events };
  }

  /** Client and server, joined, not started. */
  pair(
    client: PppProfileInit = CLIENT,
    server: PppProfileInit = SERVER,
    options: { readonly client?: EndOptions; readonly server?: EndOptions } = {},
  ): { readonly client: End; readonly server: End } {
    const a = this.end(this.lac, client, options.client);
    const b = this.end(this.lns, server, options.server);
    a.link.peer = b.link;
    b.link.peer = a.link;
    return { client: a, server: b };
  }

  /** The same, started, after some time. */
  async run(
    client?: PppProfileInit,
    server?: PppProfileInit,
    options?: { readonly client?: EndOptions; readonly server?: EndOptions },
    ms = 1_000,
  ): Promise<{ readonly client: End; readonly server: End }> {
    const ends = this.pair(client, server, options);
    ends.client.runner.start();
    ends.server.runner.start();
    await this.advance(ms);
    return ends;
  }

  advance(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** A user `name` with the password `secret`, and an address for it. */
  user(name = "alice", grant: Partial<UserGrant> = {}): this {
    this.authority.users.set(name, { secret: "secret", ...grant });
    return this;
  }

  address(lease: AddressLease = { address: "10.0.0.2", local: "10.0.0.1" }): this {
    this.authority.free.push(lease);
    return this;
  }
}

function withAuthority({ authority: _, ...host }: PppHost, authority: Authority | undefined): PppHost {
  return authority === undefined ? host : { ...host, authority };
}

/** The newest event of a type. */
export const last = <T extends PppSessionEvent["type"]>(
  { events }: End,
  type: T,
): Extract<PppSessionEvent, { type: T }> | undefined =>
  events.findLast((event): event is Extract<PppSessionEvent, { type: T }> => event.type === type);

export const typesOf = ({ events }: End): string[] => events.map(({ type }) => type);

export const CLIENT_OPTIONS: PppOptions = {
  authenticateSelf: {
    name: "alice",
    password: "secret",
    methods: ["eap-mschap-v2", "mschap-v2", "eap-md5", "chap-md5", "mschap-v1", "pap"],
  },
  ipv4: { requestDns: true },
};
export const CLIENT: PppProfileInit = { name: "client", options: CLIENT_OPTIONS };
export const SERVER_OPTIONS: PppOptions = {
  authenticatePeer: { methods: ["mschap-v2"] },
  ipv4: { local: "10.0.0.1", dns: ["10.0.0.53"] },
};
export const SERVER: PppProfileInit = { name: "server", options: SERVER_OPTIONS, pool: "subscribers" };

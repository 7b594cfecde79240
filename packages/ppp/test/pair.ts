/** Two links, one clock, one seeded line between them; what each said is kept in order. */
import {
  answerFromSecret,
  type Decision,
  type PppEvent,
  type PppOptions,
  PppSession,
  pppSettings,
} from "../src/index.ts";

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

/** Octets from such a generator. */
export const octets = (next: () => number) => (count: number) =>
  Uint8Array.from({ length: count }, () => Math.floor(next() * 256));

export type Side = "a" | "b";
export interface Line {
  /** Chances of a frame being lost, or arriving twice. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly delayMs?: readonly [least: number, most: number];
}

/** Answers a question, at once or after a while; the default knows `user` with the password `secret`. */
export type Authority = (event: Extract<PppEvent, { type: "question" }>) => Decision;
export const knowsUser: Authority = ({ credentials }) =>
  answerFromSecret(credentials, credentials.name.endsWith("user") ? "secret" : undefined);

export class Pair {
  now = 0;
  readonly events: { at: number; side: Side; event: PppEvent }[] = [];
  readonly link: Record<Side, PppSession>;
  authority: Record<Side, Authority> = { a: knowsUser, b: knowsUser };
  /** How long the authority thinks. */
  thinkMs = 0;
  /** Sees, and may change or swallow, every frame on its way. */
  tap: (from: Side, frame: Uint8Array) => Uint8Array | undefined = (_, frame) => frame;
  #queue: { at: number; run: () => void }[] = [];
  readonly #line: Line;
  readonly #next: () => number;

  constructor(a: PppOptions, b: PppOptions, line: Line = {}, seed = 1) {
    this.#line = line;
    this.#next = rng(seed);
    const random = octets(rng(seed ^ 0x5eed));
    this.link = { a: new PppSession(pppSettings(a), random), b: new PppSession(pppSettings(b), random) };
  }

  start(): this {
    this.link.a.start(this.now);
    this.link.b.start(this.now);
    this.#pump();
    return this;
  }

  /** Runs until `until`, or for at most `ms`. */
  run(ms: number, until: () => boolean = () => false): this {
    const end = this.now + ms;
    this.#pump();
    while (!until()) {
      const due = Math.min(
        ...this.#queue.map(({ at }) => at),
        this.link.a.pollTimeout() ?? Number.POSITIVE_INFINITY,
        this.link.b.pollTimeout() ?? Number.POSITIVE_INFINITY,
      );
      if (due > end) break;
      this.now = Math.max(this.now, due);
      const ready = this.#queue.filter(({ at }) => at <= this.now);
      this.#queue = this.#queue.filter(({ at }) => at > this.now);
      for (const { run } of ready) run();
      this.link.a.handleTimeout(this.now);
      this.link.b.handleTimeout(this.now);
      this.#pump();
    }
    if (!until()) this.now = end;
    return this;
  }

  later(ms: number, run: () => void): void {
    this.#queue.push({ at: this.now + ms, run });
  }

  #pump(): void {
    for (let again = true; again; ) {
      again = false;
      for (const side of ["a", "b"] as const) {
        for (let event = this.link[side].pollEvent(); event; event = this.link[side].pollEvent()) {
          again = true;
          if (event.type === "frame") this.#send(side, event.frame);
          else this.events.push({ at: this.now, side, event });
          if (event.type === "question") {
            const { token } = event;
            const decision = this.authority[side](event);
            this.later(this.thinkMs, () => this.link[side].decide(this.now, token, decision));
          }
        }
      }
    }
  }

  #send(from: Side, sent: Uint8Array): void {
    const frame = this.tap(from, sent);
    if (frame === undefined) return;
    const { loss = 0, duplicate = 0, delayMs: [least, most] = [1, 1] } = this.#line;
    const copies = (this.#next() < loss ? 0 : 1) + (this.#next() < duplicate ? 1 : 0);
    for (let i = 0; i < copies; i++) {
      this.later(least + this.#next() * (most - least), () =>
        this.link[from === "a" ? "b" : "a"].receive(this.now, frame),
      );
    }
  }

  /** Events of a side and type, the newest last. */
  all<T extends PppEvent["type"]>(side: Side, type: T): Extract<PppEvent, { type: T }>[] {
    return this.events
      .filter((entry) => entry.side === side && entry.event.type === type)
      .map(({ event }) => event as Extract<PppEvent, { type: T }>);
  }

  last<T extends PppEvent["type"]>(side: Side, type: T): Extract<PppEvent, { type: T }> | undefined {
    return this.all(side, type).at(-1);
  }

  /** Whether both sides' network protocols are open as far as they have any. */
  get settled(): boolean {
    return (["a", "b"] as const).every((side) => {
      const { lcp, ipcp, ipv6cp } = this.link[side].states;
      // A protocol that the peer rejected is Stopped; one that had no use for what was agreed is Closed.
      const open = [ipcp, ipv6cp].filter(
        (state) => state !== undefined && state !== "Stopped" && state !== "Closed",
      );
      return lcp === "Opened" && open.length > 0 && open.every((state) => state === "Opened");
    });
  }
}

/** A client that dials in, and a server that knows it. */
export const CLIENT: PppOptions = {
  authenticateSelf: {
    name: "user",
    password: "secret",
    methods: ["mschap-v2", "chap-md5", "eap-mschap-v2", "eap-md5", "mschap-v1", "pap"],
  },
  ipv4: { requestDns: true },
};
export const SERVER: PppOptions = {
  authenticatePeer: { methods: ["mschap-v2"], localName: "lns" },
  ipv4: { local: "10.0.0.1", peer: "10.0.0.2", dns: ["10.0.0.53", "10.0.0.54"] },
};

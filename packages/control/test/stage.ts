/** A stage for an endpoint and scripted peers: one clock, datagrams delivered at once, nothing happens by itself. */
import { seeds } from "@l2tp/testing";
import {
  Endpoint,
  type EndpointChanges,
  type EndpointEvent,
  type EndpointOptions,
  type PeerAddress,
  type SessionHandle,
  type Token,
  type TunnelHandle,
} from "../src/index.ts";
import {
  A,
  avpOf,
  body,
  control,
  type Heard,
  hear,
  numberOf,
  response,
  TYPE,
  type TypeName,
} from "./wire.ts";

/** mulberry32 */
export function rng(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
export const fillWith =
  (random: () => number) =>
  (into: Uint8Array): void => {
    for (let n = 0; n < into.length; n++) into[n] = Math.floor(random() * 256);
  };

/** Runs `body` for each seed, and says which one failed and how to replay it. */
export function forSeeds(count: number, run: (seed: number) => void): void {
  for (const seed of seeds(count)) {
    try {
      run(seed);
    } catch (error) {
      throw new Error(
        `seed ${seed} failed; L2TP_TEST_SEED=${seed} replays it: ${error instanceof Error ? error.stack : error}`,
      );
    }
  }
}

type EventOf<T extends EndpointEvent["type"]> = Extract<EndpointEvent, { type: T }>;

export interface StageOptions extends EndpointChanges, Pick<EndpointOptions, "isOwn"> {
  readonly seed?: number;
  /** Answers intents at once; default true. */
  readonly planes?: boolean;
  /** Answers questions at once with yes; default true. A function decides itself. */
  readonly accept?: boolean | ((question: EventOf<"question">) => object | undefined);
}

export class Stage {
  now = 1_000;
  readonly endpoint: Endpoint;
  readonly events: EndpointEvent[] = [];
  readonly peers = new Map<string, Peer>();
  /** Everything that left, to anybody. */
  readonly sent: { readonly to: string; readonly heard: Heard }[] = [];
  readonly #options: StageOptions;

  constructor(options: StageOptions = {}) {
    const { seed = 1, planes: _, accept: __, ...changes } = options;
    this.#options = options;
    this.endpoint = new Endpoint({ random: fillWith(rng(seed)), ...changes });
  }

  /** Lets everything happen that can happen without time passing. */
  pump(): void {
    for (let again = true; again; ) {
      again = false;
      for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent()) {
        again = true;
        this.events.push(event);
        this.#react(event);
      }
      for (let out = this.endpoint.pollTransmit(); out !== undefined; out = this.endpoint.pollTransmit()) {
        again = true;
        const heard = hear(out.datagram.slice());
        const to = `${out.to.address}:${out.to.port}`;
        this.sent.push({ to, heard });
        this.peers.get(to)?.hears(heard);
      }
    }
  }

  #react(event: EndpointEvent): void {
    const { planes = true, accept = true } = this.#options;
    if (event.type === "intent" && planes) this.endpoint.planeReady(this.now, event.token);
    if (event.type !== "question" || accept === false) return;
    const answer = accept === true ? { accept: true } : accept(event);
    if (answer !== undefined) this.endpoint.decide(this.now, event.token, answer as { accept: true });
  }

  /** Time passes, in the steps that the endpoint asks for. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const due = this.endpoint.pollTimeout();
      if (due === undefined || due > until) break;
      this.now = Math.max(this.now, due);
      this.endpoint.handleTimeout(this.now);
      this.pump();
    }
    this.now = until;
    this.endpoint.handleTimeout(this.now);
    this.pump();
  }

  deliver(from: PeerAddress, datagram: Uint8Array): void {
    this.endpoint.handleDatagram(this.now, from, datagram);
    this.pump();
  }

  of<T extends EndpointEvent["type"]>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }
  last<T extends EndpointEvent["type"]>(type: T): EventOf<T> {
    const found = this.of(type).at(-1);
    if (found === undefined)
      throw new Error(`no ${type} among ${this.events.map((event) => event.type).join(", ")}`);
    return found;
  }
  intent(name: string): EventOf<"intent"> {
    const found = this.of("intent").findLast((event) => event.intent === name);
    if (found === undefined) throw new Error(`no intent ${name}`);
    return found;
  }
  token(): Token {
    return this.last("question").token;
  }
  get statistics() {
    return this.endpoint.statistics();
  }

  /** We open a tunnel to a scripted peer. */
  dial(peer: Peer, opening: object = {}): TunnelHandle {
    const { family, address, port } = peer.address;
    const tunnel = this.endpoint.openTunnel(this.now, { peer: { family, address, port }, ...opening });
    this.pump();
    return tunnel;
  }

  /** Nothing is left of anything: no tunnel, session, timer, question or intent. */
  get isEmpty(): boolean {
    const { tunnels, closedTunnels, sessions, questions, intents, halfOpen, tunnelsUp, sessionsUp } =
      this.statistics;
    const left = tunnels + closedTunnels + sessions + questions + intents + halfOpen + tunnelsUp + sessionsUp;
    return left === 0 && this.endpoint.pollTimeout() === undefined;
  }
}

/** A peer that says what the test tells it to, and keeps the numbers of reliable delivery as a good peer does. */
export class Peer {
  readonly stage: Stage;
  address: PeerAddress;
  /** The ID that we give to the tunnel, and that the endpoint gave it. */
  tunnelId: number;
  theirs = 0;
  ns = 0;
  nr = 0;
  readonly heard: Heard[] = [];
  /** Answers messages with a ZLB, as it should. */
  acknowledges = true;

  constructor(stage: Stage, address = "192.0.2.1", port = 1701, tunnelId = 77) {
    this.stage = stage;
    this.address = { family: address.includes(":") ? 6 : 4, address, port };
    this.tunnelId = tunnelId;
    stage.peers.set(`${address}:${port}`, this);
  }

  hears(heard: Heard): void {
    this.heard.push(heard);
    if (heard.type === "ZLB") return;
    if (heard.type === "SCCRQ" || heard.type === "SCCRP") this.theirs = numberOf(heard, 9) ?? this.theirs;
    if (heard.ns !== this.nr) {
      if (this.acknowledges) this.acknowledge();
      return;
    }
    this.nr = (this.nr + 1) & 0xffff;
    if (this.acknowledges) this.acknowledge();
  }

  acknowledge(): void {
    this.raw(control({ tunnelId: this.theirs, ns: this.ns, nr: this.nr }, []), false);
  }

  raw(datagram: Uint8Array, pump = true): void {
    this.stage.endpoint.handleDatagram(this.stage.now, this.address, datagram);
    if (pump) this.stage.pump();
  }

  /** Sends a message with the next Ns. */
  say(type: TypeName | number, ...avps: number[][]): void {
    this.sayTo(0, type, ...avps);
  }
  sayTo(sessionId: number, type: TypeName | number, ...avps: number[][]): void {
    this.raw(this.make(sessionId, body(type, ...avps)));
  }
  /** A message with the next Ns, not sent yet. */
  make(sessionId: number, octets: number[]): Uint8Array {
    const datagram = control({ tunnelId: this.theirs, sessionId, ns: this.ns, nr: this.nr }, octets);
    this.ns = (this.ns + 1) & 0xffff;
    return datagram;
  }

  /** The last message that is no ZLB. */
  get last(): Heard {
    const found = this.heard.findLast(({ type }) => type !== "ZLB");
    if (found === undefined) throw new Error("nothing was heard");
    return found;
  }
  /** Names of all messages that were heard, ZLBs left out. */
  get types(): (string | number)[] {
    return this.heard.map(({ type }) => type).filter((type) => type !== "ZLB");
  }
  clear(): void {
    this.heard.length = 0;
  }

  sccrq(...more: number[][]): void {
    this.say("SCCRQ", A.version(), A.host("peer"), A.framing(), A.tunnelId(this.tunnelId), ...more);
  }
  sccrp(...more: number[][]): void {
    this.say("SCCRP", A.version(), A.framing(), A.host("peer"), A.tunnelId(this.tunnelId), ...more);
  }

  /** The peer calls, and has a tunnel. With a secret it answers the challenge. */
  establish(secret?: string, ...more: number[][]): this {
    this.sccrq(...more);
    const challenge = avpOf(this.last, 11);
    if (secret !== undefined && challenge !== undefined)
      this.say("SCCCN", A.response(response(3, secret, challenge)));
    else this.say("SCCCN");
    return this;
  }

  /** The peer answers our SCCRQ, so that the tunnel is there. */
  answers(...more: number[][]): this {
    this.sccrp(...more);
    return this;
  }

  icrq(id: number, ...more: number[][]): void {
    this.say("ICRQ", A.sessionId(id), A.serial(id), ...more);
  }
  iccn(session: number, ...more: number[][]): void {
    this.sayTo(session, "ICCN", A.txSpeed(1e6), A.framingType(1), ...more);
  }
  ocrq(id: number, ...more: number[][]): void {
    this.say(
      "OCRQ",
      A.sessionId(id),
      A.serial(id),
      A.minimumBps(1),
      A.maximumBps(1e6),
      A.bearerType(1),
      A.framingType(1),
      A.called("12345"),
      ...more,
    );
  }
  occn(session: number, ...more: number[][]): void {
    this.sayTo(session, "OCCN", A.txSpeed(1e6), A.framingType(1), ...more);
  }
  /** The peer, a LAC, brings a call up; returns the endpoint's Session ID. */
  call(id = 500, ...more: number[][]): number {
    this.icrq(id);
    const session = numberOf(this.last, 14) ?? 0;
    this.iccn(session, ...more);
    return session;
  }
}

/** A tunnel in each state that it can be in with a peer, and the peer. */
export const tunnelIn = {
  "wait-ctl-reply": () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    stage.dial(peer);
    return { stage, peer };
  },
  "wait-ctl-conn": () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    peer.sccrq();
    return { stage, peer };
  },
  established: () => {
    const stage = new Stage();
    return { stage, peer: new Peer(stage).establish() };
  },
} as const;

/** The peer's LAC has called, and a session is up. */
export function lnsWithSession(options: StageOptions = {}) {
  const stage = new Stage(options);
  const peer = new Peer(stage).establish();
  const sessionId = peer.call(500);
  return {
    stage,
    peer,
    sessionId,
    session: stage.last("session-up").session,
    tunnel: stage.last("tunnel-up").tunnel,
  };
}

/** We, a LAC, have called, and a session is up. */
export function lacWithSession(options: StageOptions = {}, opening: object = {}) {
  const stage = new Stage(options);
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers(A.bearerCapabilities());
  const session: SessionHandle = stage.endpoint.openSession(stage.now, tunnel, {
    kind: "incoming",
    ...opening,
  });
  stage.pump();
  const sessionId = numberOf(peer.last, 14) ?? 0;
  peer.sayTo(sessionId, "ICRP", A.sessionId(600));
  return { stage, peer, tunnel, session, sessionId };
}

export { A, body, control, hear, TYPE };

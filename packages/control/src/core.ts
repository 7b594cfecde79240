/**
 * What all parts of an endpoint share: who is there, what is counted, what is to be told and sent. No behaviour of the
 * protocol is here; see tunnels.ts, calls.ts, planes.ts and reception.ts.
 */
import {
  type AnyMessage,
  encodeMessage,
  type HideOptions,
  type Instant,
  MESSAGES,
  type Message,
  type Secret,
  SharedSecret,
  type SocketAddress,
} from "@l2tp/protocol";
import { type ChannelId, fullRetransmissionIntervalMs, Transport } from "@l2tp/transport";
import type { EndpointEvent } from "./events.ts";
import { type ClosedSession, type ClosedTunnel, History } from "./history.ts";
import { RestingIds } from "./ids.ts";
import type { PeerAddress, SessionHandle, Token, Transmit, TunnelHandle } from "./names.ts";
import type { EndpointSettings } from "./parameters.ts";
import { Pending } from "./pending.ts";
import { Queue } from "./queue.ts";
import { type FillRandom, RandomSource } from "./random.ts";
import { Sources, TokenBucket } from "./sources.ts";
import type { Session, Tunnel } from "./state.ts";
import { Counters } from "./statistics.ts";
import { Timers } from "./timers.ts";

/** What a question is about. */
export type QuestionSubject =
  | { readonly about: "peer"; readonly tunnel: Tunnel }
  | { readonly about: "call"; readonly session: Session };

/** What an intent is for. A tear-down keeps only the IDs: what they named has gone. */
export type IntentSubject =
  | { readonly intent: "set-up-tunnel" | "move-tunnel"; readonly tunnel: Tunnel }
  | { readonly intent: "set-up-session"; readonly session: Session }
  | { readonly intent: "update-session"; readonly session: Session; readonly on: boolean }
  | { readonly intent: "tear-down-tunnel"; readonly tunnelId: number }
  | {
      readonly intent: "tear-down-session";
      readonly tunnel: Tunnel;
      readonly sessionId: number;
      /** When its ID may be given again at the earliest. */
      readonly restUntil: Instant;
    };

/** Messages that are never hidden: nothing in them is secret, and which secret the receiver has is not known yet. */
const NEVER_HIDDEN: readonly string[] = ["SCCRQ", "SCCRP", "StopCCN"];
const RANDOM_VECTOR_OCTETS = 16;

export class Core {
  #settings: EndpointSettings;
  readonly random: RandomSource;
  readonly transport: Transport;
  readonly timers: Timers;
  readonly counters = new Counters();
  readonly sources: Sources<Tunnel>;
  readonly questions: Pending<QuestionSubject>;
  readonly intents: Pending<IntentSubject>;

  /** Tunnels by our ID, closed ones whose channel lingers included. */
  readonly tunnelsById = new Map<number, Tunnel>();
  readonly tunnels = new Map<TunnelHandle, Tunnel>();
  readonly byChannel = new Map<ChannelId, Tunnel>();
  readonly sessions = new Map<SessionHandle, Session>();
  /** Incoming tunnels by what tells their SCCRQ from any other, see reception.ts. */
  readonly bySccrq = new Map<string, Tunnel>();
  /** Tunnels that we opened and that wait for an SCCRP. */
  readonly outstanding = new Set<Tunnel>();
  /** Closed tunnels that still acknowledge, oldest first. */
  readonly tombs = new Set<Tunnel>();
  readonly restingTunnelIds = new RestingIds();
  readonly closedTunnels: History<ClosedTunnel>;
  readonly closedSessions: History<ClosedSession>;

  readonly tunnelRate: TokenBucket;
  readonly sessionRate: TokenBucket;
  readonly #lineRate: TokenBucket;
  readonly #discardRate: TokenBucket;
  halfOpen = 0;
  tunnelsUp = 0;
  sessionsUp = 0;
  /** Nothing new is begun; with `shutDown` nothing is kept. */
  draining = false;
  shutDown = false;
  /** How long a closed tunnel's channel stays, see `CloseOptions` of the transport. */
  closeUntil: "interval" | "acknowledged" = "interval";

  /** Datagrams to those whom no tunnel is kept for. */
  readonly unbound = new Queue<Transmit>();
  readonly #events = new Queue<EndpointEvent>();
  /** Whether datagrams from there are our own. */
  readonly isOwn: (from: PeerAddress) => boolean;
  /** Of tunnels whose messages came from elsewhere, and were not taken: from where the last one did. */
  readonly strays = new WeakMap<Tunnel, string>();
  readonly #secrets = new WeakMap<object, SharedSecret>();
  #handles = 0;
  #serial: number;

  constructor(
    settings: EndpointSettings,
    fill: FillRandom,
    tickMs: number,
    isOwn: (from: PeerAddress) => boolean,
  ) {
    this.#settings = settings;
    this.isOwn = isOwn;
    this.random = new RandomSource(fill);
    this.transport = new Transport({ tickMs, random: () => this.random.fraction() });
    this.timers = new Timers(tickMs);
    this.sources = new Sources<Tunnel>(settings.limits);
    const token = (): Token => this.nextNumber() as Token;
    this.questions = new Pending(token, settings.questionMs);
    this.intents = new Pending(token, settings.intentMs);
    this.tunnelRate = new TokenBucket(0, [settings.limits.tunnelRate, settings.limits.tunnelRate]);
    this.sessionRate = new TokenBucket(0, [settings.limits.sessionRate, settings.limits.sessionRate]);
    this.#lineRate = new TokenBucket(0, settings.limits.notices);
    this.#discardRate = new TokenBucket(0, settings.limits.notices);
    this.closedTunnels = new History(settings.historyTunnels, settings.historyMs);
    this.closedSessions = new History(settings.historySessions, settings.historyMs);
    // "Progressively increasing values, which are likely to be unique" across hosts (RFC 2661 §4.4.4).
    this.#serial = this.random.u16() * 65_536 + this.random.u16();
  }

  get settings(): EndpointSettings {
    return this.#settings;
  }

  /** Other settings for all that is begun from now on; what is there already stays as it is, even beyond a new limit. */
  set settings(settings: EndpointSettings) {
    this.#settings = settings;
    const { limits, historyMs } = settings;
    this.sources.limit(limits);
    this.tunnelRate.limit([limits.tunnelRate, limits.tunnelRate]);
    this.sessionRate.limit([limits.sessionRate, limits.sessionRate]);
    this.#lineRate.limit(limits.notices);
    this.#discardRate.limit(limits.notices);
    this.questions.waitMs = settings.questionMs;
    this.intents.waitMs = settings.intentMs;
    this.closedTunnels.limit(settings.historyTunnels, historyMs);
    this.closedSessions.limit(settings.historySessions, historyMs);
  }

  /** Handles and tokens: counted up, so that none is ever given twice. */
  nextNumber(): number {
    return ++this.#handles;
  }

  nextSerial(): number {
    this.#serial = (this.#serial + 1) % 2 ** 32;
    return this.#serial;
  }

  emit(event: EndpointEvent): void {
    this.#events.push(event);
  }

  nextEvent(): EndpointEvent | undefined {
    return this.#events.shift();
  }

  /** Tells something for the log, at the rate allowed for its source. */
  notice(now: Instant, from: SocketAddress, text: string): void {
    this.#tell(from, text, this.takeLine(now, from.address));
  }

  /** The same of a datagram that was dropped. */
  noticeDiscard(now: Instant, from: SocketAddress, text: string): void {
    this.#tell(
      from,
      text,
      this.#counted(this.sources.of(now, from.address).discards.line(now, this.#discardRate)),
    );
  }

  /** @returns how many lines about this address were left out before this one; `undefined`: this one is left out, too. */
  takeLine(now: Instant, address: string): number | undefined {
    return this.#counted(this.sources.of(now, address).lines.line(now, this.#lineRate));
  }

  #counted(leftOut: number | undefined): number | undefined {
    if (leftOut === undefined) this.counters.count("noticesSuppressed");
    return leftOut;
  }

  #tell({ family, address, port }: SocketAddress, text: string, suppressed: number | undefined): void {
    if (suppressed !== undefined)
      this.emit({ type: "notice", from: { family, address, port }, text, suppressed });
  }

  /** A full retransmission cycle of a tunnel (RFC 2661 §5.7): how long its IDs rest. */
  restMs(tunnel: Tunnel): number {
    return fullRetransmissionIntervalMs(tunnel.settings.transport);
  }

  /** The secret of a tunnel that we answer and hide with, if it has one. */
  secretOf(tunnel: Tunnel): SharedSecret | undefined {
    const { answered, settings } = tunnel;
    const secret = settings.secrets[Math.max(0, tunnel.secret >= 0 ? tunnel.secret : answered)];
    return secret === undefined ? undefined : this.shared(secret);
  }

  /** Keys are derived once for each secret that is an object; text costs little. */
  shared(secret: Secret): SharedSecret {
    if (secret instanceof SharedSecret || typeof secret === "string") return SharedSecret.from(secret);
    const known = this.#secrets.get(secret) ?? new SharedSecret(secret);
    this.#secrets.set(secret, known);
    return known;
  }

  /**
   * Hands a message over to reliable delivery.
   *
   * @throws EncodeError when an AVP that the caller gave does not fit: parameters are tried before they are kept.
   */
  send(now: Instant, tunnel: Tunnel, message: Exclude<AnyMessage, { type: "ZLB" }>, sessionId = 0): void {
    const datagram = encodeMessage(
      message as Message<"HELLO", 2>,
      { tunnelId: tunnel.peerTunnelId, sessionId, ns: 0, nr: 0 },
      this.#hiding(tunnel, message.type),
    );
    const { type } = message;
    if (!this.transport.send(tunnel.channel, now, datagram)) return;
    this.counters.messages[type].sent++;
    tunnel.log.note(now, true, MESSAGES[type].type, sessionId);
  }

  #hiding(tunnel: Tunnel, type: string): { hide: HideOptions } | undefined {
    const { hiding, secrets } = tunnel.settings;
    if (hiding === "accept" || NEVER_HIDDEN.includes(type)) return undefined;
    // A guess: whoever has the other secret is to be able to read it, and to say that it is wrong.
    if (type === "SCCCN" && tunnel.secret < 0 && secrets.length > 1) return undefined;
    const secret = this.secretOf(tunnel);
    if (secret === undefined) return undefined;
    return { hide: { secret, randomVector: this.random.octets(RANDOM_VECTOR_OCTETS) } };
  }
}

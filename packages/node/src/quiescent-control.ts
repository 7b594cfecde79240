/**
 * A quiescent tunnel: configured as a static one, but the reliable transport runs. Hellos find out whether the
 * peer lives, and the peer's are acknowledged; no other control message means anything here.
 *
 *     hellos off:  up as soon as the tunnel is in the data plane, and for good.
 *     hellos on:   waiting ── the peer acknowledges our Hello ──► up
 *                  up ── the channel fails (a Hello is not acknowledged) ──► waiting
 *                  waiting: a Hello at once, then again with back-off; at once, too, when the peer is heard.
 *
 * The channel listens all the time, so that a peer that begins again is acknowledged whatever we do. See
 * docs/quiescent-tunnels.md.
 */
import { BlockList, isIPv6 } from "node:net";
import type { ControlDatagram } from "@l2tp/dataplane";
import type { Instant, IpAddress, SocketAddress } from "@l2tp/protocol";
import {
  type ChannelId,
  FIELD_SETTINGS,
  isControlMessage,
  messageKind,
  peerGoneWithinMs,
  retransmissionSchedule,
  type TransportEvent,
  type TransportSettings,
  transportSettings,
} from "@l2tp/transport";
import { Backoff } from "./backoff.ts";
import type { ControlLink, ControlStatistics, TunnelControl } from "./control.ts";
import type { ChannelUser } from "./control-plane.ts";
import { ParameterError } from "./errors.ts";
import type { Host } from "./host.ts";
import { type ConfiguredTunnel, ownAddress, type TunnelInit } from "./parameters.ts";

/**
 * From where control messages with the tunnel's ID are taken.
 * `address`: the peer's address, any port (what is behind a NAT changes its port). `address-and-port`: exactly
 * the peer's. `any`: from anywhere; the ID alone decides.
 */
export type PeerPolicy = "address" | "address-and-port" | "any";

/** What a quiescent tunnel has beyond a static one. */
export interface QuiescentInit extends TunnelInit {
  /** What differs from `FIELD_SETTINGS` of `@l2tp/transport`: the hello, retransmission, window. */
  readonly transport?: Partial<TransportSettings>;
  /** Default `address`. */
  readonly peerPolicy?: PeerPolicy;
}

/** @throws ParameterError */
function settingsOf(init: QuiescentInit, { version }: ConfiguredTunnel): TransportSettings {
  try {
    return transportSettings(FIELD_SETTINGS[version], init.transport);
  } catch (error) {
    throw new ParameterError("transport", error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

/** That the peer began anew is logged at most so often, with the count. */
const REBASE_LOG_MS = 60_000;

/** How much longer than the peer takes to miss us we are silent: clocks differ, and messages are under way. */
const MUTE_MARGIN = 1.1;

/** Seconds for people: 4.2 s, 65 s. */
const seconds = (ms: number): string => `${ms < 10_000 ? (ms / 1000).toFixed(1) : Math.round(ms / 1000)} s`;

/** The control part of one quiescent tunnel. */
export class QuiescentControl implements TunnelControl, ChannelUser {
  readonly #host: Host;
  readonly #link: ControlLink;
  readonly #tunnel: ConfiguredTunnel;
  readonly #settings: TransportSettings;
  /** While the peer is not there: when a Hello is sent is the back-off's business, not the channel's. */
  readonly #waiting: TransportSettings;
  readonly #policy: PeerPolicy;
  readonly #backoff: Backoff;
  readonly #probe: ReturnType<Host["alarms"]["create"]>;
  #channel: ChannelId | undefined;
  #up = false;
  /** While up and with hellos on: data that is heard puts them off. */
  #data: Disposable | undefined;
  /** Until then nothing is said and nothing heard, so that the peer takes its end down, too. */
  #mutedUntil: Instant = Number.NEGATIVE_INFINITY;
  /** Where the peer called us last; only where we listen on all addresses. */
  #calledAt: IpAddress | undefined;
  /** A Hello came since the channel began. */
  #heard = false;
  #foreign = 0;
  #unexpected = 0;
  /** How often the channel began anew, and from when on that is logged again. */
  #rebases = 0;
  #tellRebaseAt: Instant = Number.NEGATIVE_INFINITY;

  /** @throws ParameterError */
  constructor(host: Host, link: ControlLink, tunnel: ConfiguredTunnel, init: QuiescentInit) {
    this.#host = host;
    this.#link = link;
    this.#tunnel = tunnel;
    this.#settings = settingsOf(init, tunnel);
    this.#waiting = { ...this.#settings, helloTimeoutMs: 0 };
    this.#policy = init.peerPolicy ?? "address";
    this.#backoff = new Backoff(host.backoff, host.random);
    this.#probe = host.alarms.create(() => this.#sayHello());
  }

  start(): void {
    this.#heard = false;
    const { version, peerTunnelId } = this.#tunnel;
    this.#channel = this.#host.control.open(
      { version, peerConnectionId: peerTunnelId, settings: this.#waiting, rebase: true },
      this,
    );
    if (this.#settings.helloTimeoutMs === 0) this.#alive();
    else this.#sayHello();
  }

  beginAnew(text: string): boolean {
    if (!this.#up || this.#channel === undefined || this.#settings.helloTimeoutMs === 0) return false;
    this.#down();
    this.#heard = false;
    const { control, clock } = this.#host;
    control.transport.configure(this.#channel, clock.now(), { settings: this.#waiting });
    control.transport.reset(this.#channel, clock.now());
    // Its settings are those of ours, as far as is known here.
    this.#mutedUntil = clock.now() + peerGoneWithinMs(this.#settings) * MUTE_MARGIN;
    this.#probe.set(this.#mutedUntil);
    this.#link.gone(text, this.#mutedUntil);
    return true;
  }

  stop(): void {
    this.#mutedUntil = Number.NEGATIVE_INFINITY;
    this.#down();
    this.#probe.clear();
    if (this.#channel !== undefined) this.#host.control.release(this.#channel);
    this.#channel = undefined;
  }

  close(): void {
    this.#probe[Symbol.dispose]();
  }

  handle({ from, to, datagram }: ControlDatagram): void {
    if (this.#channel === undefined || this.#host.clock.now() < this.#mutedUntil) return;
    if (!this.#isPeer(from)) {
      this.#foreign += 1;
      if (this.#foreign > 1) return;
      const text = `control messages with the ID of tunnel ${this.#tunnel.name} come from ${from.address} port ${from.port}, which is not its peer; they are ignored`;
      this.#link.logger.warn({ from: from.address, port: from.port }, text);
      return;
    }
    // On all addresses: the peer knows us by the one that it calls.
    if (ownAddress(this.#tunnel) === undefined) this.#calledAt = to;
    const { control, clock } = this.#host;
    this.#hurry(datagram);
    control.transport.receive(this.#channel, clock.now(), datagram);
    control.pump();
  }

  /**
   * The first Hello of a peer that we wait for. One of ours may be on its way, and be sent again only after
   * seconds: the channel begins again, and a new one goes out with the "peer-heard" event.
   */
  #hurry(datagram: Uint8Array): void {
    const { version } = this.#tunnel;
    if (this.#up || this.#heard || this.#channel === undefined) return;
    if (!isControlMessage(datagram, version) || messageKind(datagram, version) !== "hello") return;
    this.#heard = true;
    this.#host.control.transport.reset(this.#channel, this.#host.clock.now());
  }

  statistics(): ControlStatistics {
    const ignored = this.#foreign + this.#unexpected;
    const { transport } = this.#host.control;
    const counters = this.#channel === undefined ? undefined : transport.statistics(this.#channel);
    return counters === undefined ? { ignored } : { ignored, transport: counters };
  }

  transmit(datagram: Uint8Array): void {
    this.#link.send(datagram, this.#calledAt);
  }

  channelEvent(event: TransportEvent): void {
    if (event.type === "peer-heard") {
      // It lives, but does it hear us? Our own Hello finds out, and need not wait for the back-off.
      if (!this.#up) this.#sayHello();
    } else if (event.type === "peer-reached") this.#alive();
    else if (event.type === "failed") this.#failed(event);
    else if (event.type === "message") this.#message(event.message);
    else if (event.type === "rebased") this.#rebased(event);
  }

  /** Anybody who can write the peer's address into Hellos can do this thousands of times a second. */
  #rebased({ side, expected, received }: Extract<TransportEvent, { type: "rebased" }>): void {
    this.#rebases += 1;
    const now = this.#host.clock.now();
    if (now < this.#tellRebaseAt) return;
    this.#tellRebaseAt = now + REBASE_LOG_MS;
    this.#link.logger.info(
      { side, expected, received, count: this.#rebases },
      `the peer of tunnel ${this.#tunnel.name} began anew, and so does the channel`,
    );
  }

  #isPeer(from: SocketAddress): boolean {
    const { peer } = this.#tunnel;
    if (this.#policy === "any") return true;
    if (!sameAddress(from.address, peer.address)) return false;
    return this.#policy === "address" || from.port === peer.port;
  }

  /** Asks the peer for a sign of life now. */
  #sayHello(): void {
    if (this.#channel === undefined || this.#settings.helloTimeoutMs === 0) return;
    this.#probe.clear();
    const { control, clock } = this.#host;
    control.transport.sendHello(this.#channel, clock.now());
    control.pump();
  }

  #alive(): void {
    this.#probe.clear();
    this.#backoff.reset();
    if (this.#up || this.#channel === undefined) return;
    this.#up = true;
    const { control, clock } = this.#host;
    control.transport.configure(this.#channel, clock.now(), { settings: this.#settings });
    this.#watchData(this.#channel);
    this.#link.alive();
  }

  /** The channel begins again, silent but listening; the next Hello of ours comes with the back-off. */
  #failed({ what, transmissions, silentMs }: Extract<TransportEvent, { type: "failed" }>): void {
    if (this.#channel === undefined) return;
    const wasUp = this.#up;
    this.#down();
    this.#heard = false;
    const { control, clock } = this.#host;
    control.transport.configure(this.#channel, clock.now(), { settings: this.#waiting });
    control.transport.reset(this.#channel, clock.now());
    const waitMs = this.#backoff.next();
    const retryAt = clock.now() + waitMs;
    this.#probe.set(retryAt);
    const unanswered = `${transmissions} transmissions of a ${what === "hello" ? "Hello" : "message"} had no acknowledgement`;
    this.#link.logger.debug({ transmissions, silentMs, waitMs }, unanswered);
    // Data that arrives is no answer: it does not say that ours gets there.
    const whileAsked = silentMs < retransmissionSchedule(this.#settings, what).giveUpMs;
    const silence = whileAsked
      ? `though it was heard ${seconds(silentMs)} ago: does what we send reach it?`
      : `and nothing was heard from it for ${seconds(silentMs)}`;
    // While it was never there, the text stays the same, so that it is told once.
    const text = wasUp
      ? `the peer is gone: ${unanswered}, ${silence}`
      : `the peer does not answer: ${unanswered}`;
    this.#link.gone(text, retryAt);
  }

  #down(): void {
    this.#up = false;
    this.#data?.[Symbol.dispose]();
    this.#data = undefined;
  }

  /** A Hello comes after silence of data, too (RFC 2661 §5.5, RFC 3931 §4.4). */
  #watchData(channel: ChannelId): void {
    const { helloTimeoutMs } = this.#settings;
    if (helloTimeoutMs === 0) return;
    const { transport } = this.#host.control;
    this.#data = this.#link.watchData(helloTimeoutMs, (at) => transport.noteHeard(channel, at));
  }

  /** The transport has acknowledged it, whatever it is. */
  #message(message: Uint8Array): void {
    if (messageKind(message, this.#tunnel.version) === "hello") return;
    this.#unexpected += 1;
    if (this.#unexpected > 1) return;
    this.#link.logger.warn(
      { octets: message.length },
      `the peer of tunnel ${this.#tunnel.name} sends other control messages than Hello; they are acknowledged and ignored. Is its tunnel quiescent, too?`,
    );
  }
}

/** The same address however it is written; a zone (`%eth0`) counts only when both have one. */
function sameAddress(a: string, b: string): boolean {
  if (a === b) return true;
  const [plainA = a, zoneA] = a.split("%");
  const [plainB = b, zoneB] = b.split("%");
  if (zoneA !== undefined && zoneB !== undefined && zoneA !== zoneB) return false;
  if (plainA === plainB) return true;
  const list = new BlockList();
  try {
    list.addAddress(plainA, isIPv6(plainA) ? "ipv6" : "ipv4");
    return list.check(plainB, isIPv6(plainB) ? "ipv6" : "ipv4");
  } catch {
    return false;
  }
}

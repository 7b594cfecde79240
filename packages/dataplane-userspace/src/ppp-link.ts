/** The link of a PPP session, on the main thread: its frames through the rings, its settings to the packet threads. */
import {
  type MppeDirection,
  PlaneError,
  type PppLink,
  type PppLinkConfiguration,
  type PppLinkSettings,
  type PppNetworkProtocol,
  type PppPackets,
} from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import { type SendSide, type TunnelHost, tell } from "./host.ts";
import { type NamedPrefix, prefixesOf } from "./prefixes.ts";
import { ENTRY } from "./worker/frame-ring.ts";
import type { LinkRecord, MppeRecord } from "./worker/messages.ts";
import { RX } from "./worker/shared.ts";

/** Frames that are kept until there is a handler. */
const EARLY_FRAMES = 64;
/** Packets that wait for a gate that is about to open. */
const HELD_PACKETS = 64;
/** A frame that fits into a data message whatever its header. */
const LARGEST_FRAME = 65_000;

/** Gates that are open, one bit each. */
const GATE: Readonly<Record<PppNetworkProtocol, number>> = { ipv4: 1, ipv6: 2 };

/** Nothing is at work. */
const AT_REST: Promise<void> = Promise.resolve();

/** What a link needs of its session. */
export interface LinkOwner {
  readonly wire: TunnelHost;
  readonly row: number;
  /** By whom its messages are sent. */
  readonly out: SendSide;
  /** For messages. */
  readonly what: string;
  readonly closed: boolean;
  /** Sees to addresses and routes. @throws PlaneError */
  apply(configuration: PppLinkConfiguration, prefixes: readonly NamedPrefix[]): Promise<void>;
}

export class UserspacePppLink implements PppLink {
  readonly packets?: PppPackets;
  /** What could not be handed to the sending thread. */
  unsent = 0;
  readonly #owner: LinkOwner;
  readonly #settings: PppLinkSettings;
  // There are thousands of links: what most of them have no use for is made when it is.
  #early: Uint8Array[] | undefined;
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onPacket: ((packet: Uint8Array) => void) | undefined;
  #onIpv6Control: ((packet: Uint8Array) => void) | undefined;
  #ipv6Control: PppPackets | undefined;
  #onMppeLost: (() => void) | undefined;
  /** Gates that are about to open, and packets that wait for it. */
  #opening = 0;
  #held: Uint8Array[] | undefined;
  #gates = 0;
  #configuration: PppLinkConfiguration | undefined;
  /** Keys that are in use: the same ones again change nothing. */
  #keys: PppLinkConfiguration["mppe"];
  #mtuOctets: number | undefined;
  /** Configurations one after the other, and what opens a gate after them. */
  #turn: Promise<void> | undefined;

  constructor(owner: LinkOwner, settings: PppLinkSettings) {
    this.#owner = owner;
    this.#settings = settings;
    if (settings.attach.to !== "program") return;
    this.packets = {
      send: (packet) => this.#sendPacket(packet),
      onPacket: (handler) => {
        this.#onPacket = handler;
        return disposable(() => {
          if (this.#onPacket === handler) this.#onPacket = undefined;
        });
      },
    };
  }

  get ipv6Control(): PppPackets {
    this.#ipv6Control ??= {
      send: (packet) => this.#sendPacket(packet),
      onPacket: (handler) => {
        this.#onIpv6Control = handler;
        this.#divert(true);
        return disposable(() => {
          if (this.#onIpv6Control !== handler) return;
          this.#onIpv6Control = undefined;
          this.#divert(false);
        });
      },
    };
    return this.#ipv6Control;
  }

  sendFrame(frame: Uint8Array): void {
    this.#push(ENTRY.frame, frame);
  }

  /** A packet that is sent when a gate was just opened waits until it is. */
  #sendPacket(packet: Uint8Array): void {
    if (this.#opening === 0) this.#push(ENTRY.packet, packet);
    else {
      this.#held ??= [];
      if (this.#held.length < HELD_PACKETS) this.#held.push(packet.slice());
      else this.unsent++;
    }
  }

  #push(kind: number, octets: Uint8Array): void {
    const { out, closed } = this.#owner;
    if (closed) return;
    const { wire, row, generation } = out;
    if (octets.length > LARGEST_FRAME || !wire.pushDown(row, generation, kind, octets)) this.unsent++;
  }

  onFrame(handler: (frame: Uint8Array) => void): Disposable {
    this.#onFrame = handler;
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const frame of early) handler(frame);
    return new FrameHandler(this, handler);
  }

  onMppeLost(handler: () => void): Disposable {
    this.#onMppeLost = handler;
    return new MppeLostHandler(this, handler);
  }

  /** @internal For {@link FrameHandler}. */
  forgetFrames(handler: (frame: Uint8Array) => void): void {
    if (this.#onFrame === handler) this.#onFrame = undefined;
  }

  /** @internal For {@link MppeLostHandler}. */
  forgetMppeLost(handler: () => void): void {
    if (this.#onMppeLost === handler) this.#onMppeLost = undefined;
  }

  /** Something for this session came out of a ring. */
  arrived(kind: number, octets: Uint8Array): void {
    if (kind === ENTRY.packet) this.#onPacket?.(octets);
    else if (kind === ENTRY.ipv6Control) this.#onIpv6Control?.(octets);
    else if (this.#onFrame !== undefined) this.#onFrame(octets);
    else {
      this.#early ??= [];
      if (this.#early.length < EARLY_FRAMES) this.#early.push(octets);
    }
  }

  mppeLost(): void {
    this.#onMppeLost?.();
  }

  configure(configuration: PppLinkConfiguration): Promise<void> {
    return this.#inTurn(async () => {
      this.#requireOpen("configure");
      check(this.#owner.what, configuration);
      const { prefixes, peerLinkLocal } = prefixesOf(configuration, this.#settings);
      await this.#owner.apply(this.#sized(configuration), prefixes);
      this.#configuration = configuration;
      await this.#tell(configuration, prefixes, peerLinkLocal);
    });
  }

  /** The MTU as a person has changed it meanwhile; absent: as it was agreed. */
  async setMtu(mtuOctets: number): Promise<void> {
    this.#mtuOctets = mtuOctets;
    if (this.#configuration !== undefined) await this.configure(this.#configuration);
  }

  #sized(configuration: PppLinkConfiguration): PppLinkConfiguration {
    const mtu = this.#mtuOctets ?? configuration.mtu;
    return mtu === configuration.mtu ? configuration : { ...configuration, mtu };
  }

  async #tell(
    configuration: PppLinkConfiguration,
    prefixes: readonly NamedPrefix[],
    peerLinkLocal: LinkRecord["peerLinkLocal"],
  ): Promise<void> {
    const { wire, row, out } = this.#owner;
    const { attach, checkSource = attach.to === "shared" } = this.#settings;
    const { pfc, acfc, tcpMss, mppe } = configuration;
    const rate = configuration.rateLimit ?? this.#settings.rateLimit ?? {};
    const same = sameKeys(this.#keys, mppe);
    this.#keys = mppe;
    const keys = (one: MppeDirection | undefined): MppeRecord | "keep" | undefined =>
      one === undefined
        ? undefined
        : same
          ? "keep"
          : { bits: one.bits, stateless: one.stateless, startKey: one.startKey.slice() };
    const { mtu } = this.#sized(configuration);
    const plain = prefixes.map(({ family, length, words }) => ({ family, length, words }));
    const link = (rateBps = 0, direction?: MppeDirection): LinkRecord => ({
      pfc,
      acfc,
      mtu,
      mss: tcpMss,
      checkSource: checkSource !== false,
      peerLinkLocal,
      prefixes: plain,
      rateBps,
      mppe: keys(direction),
    });
    await Promise.all([
      wire.receiver.order({
        do: "set-link",
        row,
        link: link(rate.fromPeerBps, mppe?.receive),
      }),
      out.wire.sender.order({
        do: "set-link",
        row: out.row,
        link: link(rate.toPeerBps, mppe?.send),
      }),
    ]);
  }

  gate(protocol: PppNetworkProtocol, mode: "pass" | "drop"): void {
    if (mode === "pass") this.#gates |= GATE[protocol];
    else this.#gates &= ~GATE[protocol];
    // Closed at once; open only when addresses and keys are in place that were asked for before.
    if (mode === "drop") void this.#setGate(protocol);
    else {
      this.#opening++;
      void this.#inTurn(async () => {
        await this.#setGate(protocol);
        if (--this.#opening > 0) return;
        const held = this.#held ?? [];
        this.#held = undefined;
        for (const packet of held) this.#push(ENTRY.packet, packet);
      });
    }
  }

  async #setGate(protocol: PppNetworkProtocol): Promise<void> {
    const { wire, row, out } = this.#owner;
    const family = protocol === "ipv4" ? 4 : 6;
    const pass = (this.#gates & GATE[protocol]) !== 0;
    await Promise.all([
      tell(wire.receiver, { do: "set-gate", row, family, pass }),
      tell(out.wire.sender, { do: "set-gate", row: out.row, family, pass }),
    ]);
  }

  resetMppe(): void {
    const { wire, row } = this.#owner.out;
    void tell(wire.sender, { do: "reset-mppe", row });
  }

  #divert(on: boolean): void {
    const { wire, row, closed } = this.#owner;
    if (!closed) void tell(wire.receiver, { do: "divert", row, on });
  }

  lastDataReceived(): Instant {
    const { wire, row } = this.#owner;
    const at = wire.shared.rx[row * RX.stride + RX.lastData] as number;
    return at === 0 ? Number.NEGATIVE_INFINITY : at - performance.timeOrigin;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.settled().then(work);
    const over = () => {
      if (this.#turn === turn) this.#turn = undefined;
    };
    const turn = done.then(over, over);
    this.#turn = turn;
    return done;
  }

  /** Resolves when nothing is being configured any more. */
  settled(): Promise<void> {
    return this.#turn ?? AT_REST;
  }

  #requireOpen(call: string): void {
    if (this.#owner.closed) throw new PlaneError("closed", `${this.#owner.what}: ${call} after its end`);
  }
}

// Classes, since there is one of each for each of thousands of links, and closures cost more.

class FrameHandler implements Disposable {
  readonly #link: UserspacePppLink;
  readonly #handler: (frame: Uint8Array) => void;

  constructor(link: UserspacePppLink, handler: (frame: Uint8Array) => void) {
    this.#link = link;
    this.#handler = handler;
  }

  [Symbol.dispose](): void {
    this.#link.forgetFrames(this.#handler);
  }
}

class MppeLostHandler implements Disposable {
  readonly #link: UserspacePppLink;
  readonly #handler: () => void;

  constructor(link: UserspacePppLink, handler: () => void) {
    this.#link = link;
    this.#handler = handler;
  }

  [Symbol.dispose](): void {
    this.#link.forgetMppeLost(this.#handler);
  }
}

const disposable = (dispose: () => void): Disposable => ({ [Symbol.dispose]: dispose });

/** @throws PlaneError `invalid-parameters` */
function check(what: string, { mtu, mppe }: PppLinkConfiguration): void {
  if (!Number.isInteger(mtu) || mtu < 68 || mtu > 0xffff) {
    throw new PlaneError(
      "invalid-parameters",
      `${what}: an MTU of ${mtu} octets; 68 (RFC 791) to 65,535 are allowed`,
    );
  }
  for (const { bits, startKey } of mppe === undefined ? [] : [mppe.send, mppe.receive]) {
    const wanted = bits === 128 ? 16 : 8;
    if (startKey.length !== wanted) {
      throw new PlaneError(
        "invalid-parameters",
        `${what}: the start key of MPPE with ${bits} bits has ${wanted} octets, not ${startKey.length}`,
      );
    }
  }
}

/** Whether nothing about the keys has changed, so that the streams go on. */
function sameKeys(before: PppLinkConfiguration["mppe"], now: PppLinkConfiguration["mppe"]): boolean {
  if (before === undefined || now === undefined) return before === now;
  const same = (a: MppeDirection, b: MppeDirection) =>
    a.bits === b.bits &&
    a.stateless === b.stateless &&
    a.startKey.length === b.startKey.length &&
    a.startKey.every((octet, i) => octet === b.startKey[i]);
  return same(before.send, now.send) && same(before.receive, now.receive);
}

/** A session of the mock: a port for frames on one side, data messages on the other. */
import {
  type Bridge,
  checkSessionChange,
  emptyStatistics,
  PlaneError,
  type PlaneStatistics,
  type PppLinkSettings,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import type { Encapsulation, Instant, L2tpVersion } from "@l2tp/protocol";
import type { CallLog } from "./calls.ts";
import { type DataArrival, encodeData, readV3 } from "./data-message.ts";
import { MockPppLink } from "./ppp-link.ts";
import { ReceiveSequence } from "./sequencing.ts";

/** What a session needs of its tunnel. */
export interface SessionOwner {
  readonly version: L2tpVersion;
  readonly encapsulation: Encapsulation;
  readonly peerTunnelId: number;
  readonly log: CallLog;
  now(): Instant;
  /** Puts a data message on the wire to the peer. */
  transmit(datagram: Uint8Array, dontFragment: boolean): "sent" | "too-big" | "no-route";
  /** Takes the session out of all tables. */
  remove(session: MockSession): void;
  /** It sends numbers now, or does not any more, as its peer. */
  followed(session: MockSession, on: boolean): void;
}

/** Octets of an Ethernet header, with and without a VLAN tag. */
const ETHERNET_OCTETS = 14;
const VLAN_OCTETS = 4;
/** Address and Control of a PPP frame (RFC 1662 §3.1): written always, taken off where present. */
const PPP_ADDRESS_CONTROL = Uint8Array.of(0xff, 0x03);
/** How many received frames are kept for {@link MockSession.received}. */
const RECEIVED_LIMIT = 1_000;

/** A data message whose header was found good. */
interface Message {
  /** From the L2TP header on. */
  readonly octets: number;
  readonly frame: Uint8Array;
}

/** A session whose "interface" is a pair of methods: {@link inject} and {@link onFrame}. */
export class MockSession implements SessionPlane {
  readonly sessionId: number;
  /** Absent where the packets go to the program. */
  declare readonly interfaceName?: string;
  /** Of a session that was made with `pppLink`. */
  declare readonly link?: MockPppLink;
  /** The newest frames that came out of the tunnel. */
  readonly received: Uint8Array[] = [];
  readonly #owner: SessionOwner;
  readonly #sequence: ReceiveSequence<Message>;
  readonly #statistics = emptyStatistics();
  readonly #handlers = new Set<(frame: Uint8Array) => void>();
  #parameters: SessionPlaneParameters;
  #mtuOctets: number;
  #ns = 0;
  #gone: string | undefined;
  #closing: Promise<void> | undefined;
  #bridge: MockSession | undefined;

  constructor(
    owner: SessionOwner,
    parameters: SessionPlaneParameters,
    interfaceName: string | undefined,
    mtuOctets: number,
  ) {
    this.#owner = owner;
    this.#parameters = parameters;
    this.sessionId = parameters.sessionId;
    if (interfaceName !== undefined) this.interfaceName = interfaceName;
    this.#mtuOctets = mtuOctets;
    if (parameters.pppLink !== undefined) this.link = this.#makeLink(parameters.pppLink);
    this.#sequence = new ReceiveSequence(owner.version, {
      deliver: (message) => this.#deliver(message),
      discard: () => {
        this.#statistics.rxSeqDiscards += 1;
        this.#statistics.rxErrors += 1;
      },
      reordered: () => {
        this.#statistics.rxOosPackets += 1;
      },
    });
  }

  /** What the session was made with, and what was changed since. */
  get parameters(): SessionPlaneParameters {
    return this.#parameters;
  }

  get mtuOctets(): number {
    return this.#mtuOctets;
  }

  /** Whether it still carries frames. */
  get up(): boolean {
    return this.#gone === undefined;
  }

  /**
   * A frame comes in at the interface and goes out into the tunnel: an Ethernet frame from its destination
   * address on, or a PPP frame from its protocol field on. Copied.
   * @returns whether it was put on the wire; it can still be lost there
   */
  inject(frame: Uint8Array): boolean {
    if (!this.up) return false;
    const ppp = this.#parameters.pseudowire !== "eth";
    const largest = this.#mtuOctets + (ppp ? 2 : ETHERNET_OCTETS + VLAN_OCTETS);
    if (frame.length > largest || (!ppp && frame.length < ETHERNET_OCTETS)) {
      this.#statistics.txErrors += 1;
      return false;
    }
    return this.#transmit(ppp ? Uint8Array.of(...PPP_ADDRESS_CONTROL, ...frame) : frame);
  }

  /** A frame as it goes on the wire, with or without FF 03. */
  #transmit(octets: Uint8Array): boolean {
    const { sendSequence, peerSessionId, peerCookie, l2SpecificSublayer, mtu } = this.#parameters;
    const statistics = this.#statistics;
    const { version, encapsulation, peerTunnelId } = this.#owner;
    const message = encodeData(
      {
        version,
        encapsulation,
        tunnelId: peerTunnelId,
        sessionId: peerSessionId,
        cookie: peerCookie,
        l2SpecificSublayer,
        ...(sendSequence ? { ns: this.#ns } : {}),
      },
      octets,
    );
    if (this.#owner.transmit(message, mtu?.dontFragment !== "clear") !== "sent") {
      statistics.txErrors += 1;
      return false;
    }
    // Only what was sent has used its number up.
    if (sendSequence) this.#ns = (this.#ns + 1) & (version === 2 ? 0xffff : 0xff_ffff);
    statistics.txPackets += 1;
    statistics.txBytes += message.length;
    return true;
  }

  /** Called for each frame that comes out of the tunnel, with a copy of its own. */
  onFrame(handler: (frame: Uint8Array) => void): Disposable {
    this.#handlers.add(handler);
    return { [Symbol.dispose]: () => this.#handlers.delete(handler) };
  }

  update(change: SessionPlaneChange): Promise<void> {
    return this.#owner.log.run("updateSession", this.#what, change, () => {
      this.#assertUp("update");
      checkSessionChange(change, this.#parameters, this.#owner.version);
      const { mtuOctets, ...sequencing } = change;
      this.#parameters = { ...this.#parameters, ...sequencing };
      if (mtuOctets !== undefined) this.#mtuOctets = mtuOctets;
    });
  }

  statistics(): Promise<PlaneStatistics> {
    return this.#owner.log.run("sessionStatistics", this.#what, undefined, () => {
      this.#assertUp("statistics");
      return this.peekStatistics();
    });
  }

  bridge(other: SessionPlane): Promise<Bridge> {
    return this.#owner.log.run("bridge", this.#what, { with: other.sessionId }, () => {
      this.#assertUp("bridge");
      const peer = other as MockSession;
      if (!(other instanceof MockSession) || peer === this) {
        throw new PlaneError("invalid-parameters", `${this.#what}: a bridge joins two sessions of mocks`);
      }
      peer.#assertUp("bridge");
      if (this.#bridge !== undefined || peer.#bridge !== undefined) {
        throw new PlaneError("invalid-parameters", `${this.#what}: one of the two is bridged already`);
      }
      this.#bridge = peer;
      peer.#bridge = this;
      return { kind: "direct", [Symbol.asyncDispose]: async () => this.#unbridge(peer) };
    });
  }

  #unbridge(peer: MockSession): void {
    if (this.#bridge !== peer) return;
    this.#bridge = undefined;
    peer.#bridge = undefined;
  }

  /** The counters now, without a call that is recorded or made to fail; also after the end. */
  peekStatistics(): PlaneStatistics {
    return { ...this.#statistics };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#owner.log.run("closeSession", this.#what, undefined, () => this.end("closed"), {
      evenIfFailed: true,
    });
    return this.#closing;
  }

  /** @internal Takes it down without a call: its tunnel closed, or its interface vanished. */
  end(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    if (this.#bridge !== undefined) this.#unbridge(this.#bridge);
    this.#handlers.clear();
    this.link?.end();
    this.#owner.remove(this);
  }

  /** @internal Whether the cookie of a v3 message is ours; the source is only believed if so. */
  hasCookie(datagram: Uint8Array, at: number): boolean {
    return typeof readV3(datagram, at, this.#parameters.cookie, "none") === "object";
  }

  /** @internal A v3 data message, `at` where the cookie begins. */
  receiveV3(datagram: Uint8Array, at: number): void {
    const { cookie, l2SpecificSublayer } = this.#parameters;
    const header = readV3(datagram, at, cookie, l2SpecificSublayer);
    if (header === "wrong-cookie") {
      this.#statistics.rxCookieDiscards += 1;
      this.#statistics.rxErrors += 1;
    } else if (header === "too-short") this.#invalid();
    else this.#receive(header.ns, { octets: datagram.length, frame: datagram.subarray(header.at) });
  }

  /** @internal A v2 data message; its header says all. */
  receiveV2(datagram: Uint8Array, { at, end, ns }: DataArrival): void {
    this.#receive(ns, { octets: end, frame: datagram.subarray(at, end) });
  }

  /** @internal The row of a statistics table. */
  addTo(row: PlaneStatistics): void {
    Object.assign(row, this.#statistics);
  }

  #receive(ns: number | undefined, message: Message): void {
    if (ns === undefined && this.#parameters.receiveSequence) {
      this.#statistics.rxSeqDiscards += 1;
      this.#statistics.rxErrors += 1;
      return;
    }
    this.#follow(ns !== undefined);
    // The network hands out its own copy, which is ours to keep in the reordering queue.
    this.#sequence.receive(this.#owner.now(), ns, message, this.#parameters.reorderMs);
  }

  /** A LAC numbers its messages while the LNS does (RFC 2661 §5.4), unless they are numbered at all times. */
  #follow(numbered: boolean): void {
    const { role, sendSequence, receiveSequence } = this.#parameters;
    if (this.#owner.version !== 2 || role !== "lac" || receiveSequence || numbered === sendSequence) return;
    this.#parameters = { ...this.#parameters, sendSequence: numbered };
    this.#owner.followed(this, numbered);
  }

  #deliver(message: Message): void {
    const ppp = this.#parameters.pseudowire !== "eth";
    const frame = ppp ? this.#pppFrame(message.frame) : message.frame;
    if (frame.length < (ppp ? 1 : ETHERNET_OCTETS)) {
      this.#invalid();
      return;
    }
    const errors = this.#statistics.rxErrors;
    const taken = this.#bridge === undefined && this.link?.receive(frame) === false;
    // What the link dropped it has counted.
    if (this.#statistics.rxErrors > errors) return;
    this.#statistics.rxPackets += 1;
    this.#statistics.rxBytes += message.octets;
    // As it came: whether FF 03 may be left out was agreed by those at the far ends.
    if (this.#bridge?.up === true) this.#bridge.#transmit(message.frame);
    if (taken || this.#bridge !== undefined) return;
    this.received.push(frame.slice());
    if (this.received.length > RECEIVED_LIMIT) this.received.shift();
    for (const handler of this.#handlers) handler(frame.slice());
  }

  /** From the protocol field on; where there is a link, with two octets of it (RFC 1661 §6.5). */
  #pppFrame(octets: Uint8Array): Uint8Array {
    const frame = withoutAddressControl(octets);
    const short = this.link !== undefined && ((frame[0] ?? 0) & 1) === 1;
    return short ? Uint8Array.of(0, ...frame) : frame;
  }

  #makeLink(settings: PppLinkSettings): MockPppLink {
    const session = this;
    return new MockPppLink(
      {
        get up() {
          return session.up;
        },
        log: this.#owner.log,
        what: this.#what,
        now: () => this.#owner.now(),
        transmit: (frame) => this.#bridge === undefined && this.#transmit(frame),
        discard: () => {
          this.#statistics.rxErrors += 1;
        },
      },
      settings,
    );
  }

  #invalid(): void {
    this.#statistics.rxInvalid += 1;
    this.#statistics.rxErrors += 1;
  }

  #assertUp(call: string): void {
    if (this.#gone !== undefined) {
      throw new PlaneError("closed", `${this.#what}: ${call} after its end (${this.#gone})`);
    }
  }

  get #what(): string {
    return `session ${this.sessionId}`;
  }
}

function withoutAddressControl(frame: Uint8Array): Uint8Array {
  return frame[0] === 0xff && frame[1] === 0x03 ? frame.subarray(2) : frame;
}

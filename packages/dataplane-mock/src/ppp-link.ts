/**
 * The PPP link of a simulated session. Frames and IP packets travel on the mock's wire as PPP in L2TP; addresses,
 * routes and keys are kept for the test to look at. MPPE is not computed: what was agreed is in {@link MockPppLink.configuration}.
 */
import {
  PlaneError,
  type PppLink,
  type PppLinkConfiguration,
  type PppLinkSettings,
  type PppNetworkProtocol,
  type PppPackets,
} from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import { parseAddress } from "./address.ts";
import type { CallLog } from "./calls.ts";

/** What a link needs of its session. */
export interface LinkOwner {
  readonly up: boolean;
  readonly log: CallLog;
  /** For the record of calls and for messages. */
  readonly what: string;
  now(): Instant;
  /** A frame to the peer, as it is. */
  transmit(frame: Uint8Array): boolean;
  /** Counts a frame from the peer that was dropped. */
  discard(): void;
}

/** Frames that are kept until there is a handler. */
const EARLY_FRAMES = 64;
const IPV4 = 0x0021;
const IPV6 = 0x0057;

/** See {@link PppLink}; the rest is for tests. */
export class MockPppLink implements PppLink {
  /** What the session was made with. */
  readonly settings: PppLinkSettings;
  readonly packets?: PppPackets;
  readonly ipv6Control: PppPackets;
  /** What {@link configure} said last. */
  configuration: PppLinkConfiguration | undefined;
  /** Which protocols pass now. */
  readonly gates: Record<PppNetworkProtocol, "pass" | "drop"> = { ipv4: "drop", ipv6: "drop" };
  /** How often new keys were asked for. */
  mppeResets = 0;
  /** Packets from the peer that were dropped: at a closed gate, or with a source that is not the peer's. */
  readonly dropped = { gate: 0, source: 0 };
  readonly #owner: LinkOwner;
  readonly #early: Uint8Array[] = [];
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onPacket: ((packet: Uint8Array) => void) | undefined;
  #onIpv6Control: ((packet: Uint8Array) => void) | undefined;
  #onMppeLost: (() => void) | undefined;
  #sources: Prefix[] = [];
  #lastData: Instant = Number.NEGATIVE_INFINITY;

  constructor(owner: LinkOwner, settings: PppLinkSettings) {
    this.#owner = owner;
    this.settings = settings;
    this.ipv6Control = {
      send: (packet) => {
        this.sendPacket(packet);
      },
      onPacket: (handler) => {
        this.#onIpv6Control = handler;
        return disposable(() => {
          if (this.#onIpv6Control === handler) this.#onIpv6Control = undefined;
        });
      },
    };
    if (settings.attach.to !== "program") return;
    this.packets = {
      send: (packet) => {
        this.sendPacket(packet);
      },
      onPacket: (handler) => {
        this.#onPacket = handler;
        return disposable(() => {
          if (this.#onPacket === handler) this.#onPacket = undefined;
        });
      },
    };
  }

  sendFrame(frame: Uint8Array): void {
    if (!this.#owner.up) return;
    const lcp = frame[0] === 0xc0 && frame[1] === 0x21;
    this.#owner.transmit(this.configuration?.acfc === true && !lcp ? frame : withHeader(frame));
  }

  onFrame(handler: (frame: Uint8Array) => void): Disposable {
    this.#onFrame = handler;
    for (const frame of this.#early.splice(0)) handler(frame);
    return disposable(() => {
      if (this.#onFrame === handler) this.#onFrame = undefined;
    });
  }

  configure(configuration: PppLinkConfiguration): Promise<void> {
    const { log, what } = this.#owner;
    return log.run("configureLink", what, configuration, () => {
      if (!this.#owner.up) throw new PlaneError("closed", `${what}: configure after its end`);
      this.#sources = sourcesOf(configuration, this.settings);
      this.configuration = configuration;
    });
  }

  gate(protocol: PppNetworkProtocol, mode: "pass" | "drop"): void {
    const { log, what } = this.#owner;
    log.runNow("gateLink", what, { protocol, mode }, () => {
      this.gates[protocol] = mode;
    });
  }

  resetMppe(): void {
    this.#owner.log.runNow("resetMppe", this.#owner.what, undefined, () => {
      this.mppeResets += 1;
    });
  }

  onMppeLost(handler: () => void): Disposable {
    this.#onMppeLost = handler;
    return disposable(() => {
      if (this.#onMppeLost === handler) this.#onMppeLost = undefined;
    });
  }

  lastDataReceived(): Instant {
    return this.#lastData;
  }

  // What tests do to it.

  /**
   * An IP packet goes out to the peer, as if it came from the interface or the program.
   * @returns whether it was put on the wire; not when the gate is closed, or it is no IP packet
   */
  sendPacket(packet: Uint8Array): boolean {
    const family = (packet[0] ?? 0) >> 4;
    if ((family !== 4 && family !== 6) || this.gates[family === 4 ? "ipv4" : "ipv6"] === "drop") return false;
    if (!this.#owner.up || packet.length > (this.configuration?.mtu ?? packet.length)) return false;
    const { pfc = false, acfc = false } = this.configuration ?? {};
    const protocol = family === 4 ? IPV4 : IPV6;
    const frame = Uint8Array.of(...(pfc ? [protocol] : [0, protocol]), ...packet);
    return this.#owner.transmit(acfc ? frame : withHeader(frame));
  }

  /** The decryptor lost its place. */
  loseMppe(): void {
    this.#onMppeLost?.();
  }

  /**
   * @internal A frame from the peer, with its protocol in two octets.
   * @returns whether it is an IP packet that passes: the session's "interface" has it then
   */
  receive(frame: Uint8Array): boolean {
    const protocol = ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);
    if (protocol !== IPV4 && protocol !== IPV6) {
      this.#control(frame);
      return false;
    }
    const family = protocol === IPV4 ? 4 : 6;
    const packet = frame.subarray(2);
    this.#lastData = this.#owner.now();
    if (this.gates[family === 4 ? "ipv4" : "ipv6"] === "drop" || (packet[0] ?? 0) >> 4 !== family) {
      this.dropped.gate += 1;
      this.#owner.discard();
      return false;
    }
    const { attach, checkSource = attach.to === "shared" } = this.settings;
    const isControl = isIpv6Control(packet) || (attach.to === "shared" && isLinkEcho(packet));
    if (family === 6 && this.#onIpv6Control !== undefined && isControl) {
      this.#onIpv6Control(packet.slice());
      return false;
    }
    if (checkSource !== false && !this.#isPeers(packet, family)) {
      this.dropped.source += 1;
      this.#owner.discard();
      return false;
    }
    this.#onPacket?.(packet.slice());
    return true;
  }

  /** @internal The session is gone. */
  end(): void {
    this.#onFrame = undefined;
    this.#onPacket = undefined;
    this.#onIpv6Control = undefined;
    this.#onMppeLost = undefined;
  }

  #control(frame: Uint8Array): void {
    if (this.#onFrame !== undefined) this.#onFrame(frame.slice());
    else if (this.#early.length < EARLY_FRAMES) this.#early.push(frame.slice());
    else this.#owner.discard();
  }

  #isPeers(packet: Uint8Array, family: 4 | 6): boolean {
    const source = family === 4 ? packet.subarray(12, 16) : packet.subarray(8, 24);
    return this.#sources.some((prefix) => contains(prefix, source));
  }
}

interface Prefix {
  readonly octets: Uint8Array;
  readonly length: number;
}

/** Where packets of the peer may come from. @throws PlaneError `invalid-parameters` */
function sourcesOf(configuration: PppLinkConfiguration, settings: PppLinkSettings): Prefix[] {
  const { ipv4, ipv6 } = configuration;
  const texts = [
    ...(ipv4?.peer === undefined ? [] : [ipv4.peer]),
    ...(ipv4?.routes ?? []),
    ...(ipv6 === undefined ? [] : [ipv6.peer]),
    ...(ipv6?.routes ?? []),
    ...(settings.routes ?? []),
  ];
  return texts.map((text) => {
    const [address = "", length] = text.split("/");
    try {
      const { octets } = parseAddress(address);
      return { octets, length: length === undefined ? octets.length * 8 : Number(length) };
    } catch (error) {
      throw new PlaneError("invalid-parameters", `"${text}" is neither an address nor a prefix`, {
        cause: error,
      });
    }
  });
}

function contains({ octets, length }: Prefix, address: Uint8Array): boolean {
  if (octets.length !== address.length) return false;
  for (let bit = 0; bit < length; bit += 8) {
    const mask = (0xff00 >> Math.min(8, length - bit)) & 0xff;
    if ((((octets[bit >> 3] ?? 0) ^ (address[bit >> 3] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** Address and Control (RFC 1662 §3.1) in front of a copy. */
function withHeader(frame: Uint8Array): Uint8Array {
  const octets = new Uint8Array(2 + frame.length);
  octets.set([0xff, 0x03]);
  octets.set(frame, 2);
  return octets;
}

/** Router and neighbour solicitations and advertisements, and DHCPv6: see `PppLink.ipv6Control`. */
function isIpv6Control(packet: Uint8Array): boolean {
  const word = (at: number) => ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  const to = word(24);
  if (packet.length < 44 || ((to & 0xffc0) !== 0xfe80 && to !== 0xff02)) return false;
  const type = packet[40] ?? 0;
  if (packet[6] === 58) return type >= 133 && type <= 136;
  return packet[6] === 17 && (word(42) === 546 || word(42) === 547);
}

/** An Echo Request to a link-local address: see `PppLink.ipv6Control`. */
const isLinkEcho = (packet: Uint8Array): boolean =>
  packet.length >= 48 &&
  packet[24] === 0xfe &&
  ((packet[25] ?? 0) & 0xc0) === 0x80 &&
  packet[6] === 58 &&
  packet[40] === 128;

const disposable = (dispose: () => void): Disposable => ({ [Symbol.dispose]: dispose });

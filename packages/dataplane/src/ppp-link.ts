/**
 * One PPP link, the same for `/dev/ppp`, the userspace data plane's worker and the in-process endpoint: the data plane
 * carries IP packets by itself, and hands the frames of all other protocols (LCP, authentication, the network control
 * protocols) to whoever runs the link, as `PppSession` of `@l2tp/ppp` does.
 */
import type { Instant } from "@l2tp/protocol";

/** Protocols whose packets the data plane carries. */
export type PppNetworkProtocol = "ipv4" | "ipv6";

/** Where the IP packets of a session go to and come from. */
export type PppAttachment =
  /** An interface of the session's own: a TUN, or the kernel's `pppN`. Its name is in `interface.name`. */
  | { readonly to: "interface" }
  /**
   * One interface that all sessions with the same `name` share, each with its addresses: for an LNS with many
   * subscribers. What arrives from a session with another source address is dropped, always.
   */
  | {
      readonly to: "shared";
      readonly name: string;
      /** Addresses of the interface itself. */
      readonly addresses?: readonly string[];
      /** Prefixes that are routed to it, one for each pool: `10.0.0.0/16`. */
      readonly routes?: readonly string[];
    }
  /** No interface: the packets are handed to the program, see {@link PppLink.packets}. Needs no privilege. */
  | { readonly to: "program" };

/** A session of pseudowire `ppp` that is run through a {@link PppLink} and not by pppd. */
export interface PppLinkSettings {
  readonly attach: PppAttachment;
  /**
   * A packet from the peer must have one of the addresses or prefixes that were agreed for it as its source; others are
   * dropped and counted. `if-possible`: a data plane that cannot goes on without, and says so (`feature-missing`,
   * `check-source`); with `true` the session fails. Default true for `shared`, else false.
   */
  readonly checkSource?: boolean | "if-possible";
  /** Bits per second of IP packets, with half a second's worth of burst; absent: no limit. */
  readonly rateLimit?: { readonly toPeerBps?: number; readonly fromPeerBps?: number };
  /** Answer ARP for the peer's IPv4 address on this interface (`true`: on the one that has the address's subnet). */
  readonly proxyArp?: boolean | string;
  /** Prefixes that are routed to the peer while the session is up, beside its own addresses. */
  readonly routes?: readonly string[];
  /** Point the default route of the families that come up at the session (for clients). */
  readonly defaultRoute?: boolean;
}

/** Start key of one direction for MPPE (RFC 3079), with what CCP agreed on. */
export interface MppeDirection {
  readonly bits: 40 | 56 | 128;
  readonly stateless: boolean;
  /** 16 octets for 128 bits, else 8. */
  readonly startKey: Uint8Array;
}

/** The whole of what the data plane has to know of the link; each call replaces what was said before. */
export interface PppLinkConfiguration {
  /** Control characters to escape, and those that the peer escapes; of use on asynchronous lines only. */
  readonly sendAccm: number;
  readonly receiveAccm: number;
  /** Send protocol numbers in one octet where they fit, and leave out FF 03. Both forms are always taken. */
  readonly pfc: boolean;
  readonly acfc: boolean;
  readonly mru: number;
  /** Largest IP packet to send. */
  readonly mtu: number;
  /** Largest TCP segment to let pass in a SYN, in octets; absent: SYNs are left alone. */
  readonly tcpMss?: { readonly ipv4: number; readonly ipv6: number };
  readonly ipv4?: {
    /** Absent: unnumbered. */
    readonly local?: string;
    readonly peer?: string;
    /** Further prefixes behind the peer. */
    readonly routes?: readonly string[];
  };
  readonly ipv6?: {
    /** Link-local addresses, from the interface identifiers. */
    readonly local: string;
    readonly peer: string;
    /** Global addresses and prefixes of ours on the link (from a router advertisement or DHCPv6), with length. */
    readonly addresses?: readonly string[];
    /** Prefixes behind the peer (given to it by advertisement or delegation). */
    readonly routes?: readonly string[];
  };
  /** What the user was granted, in place of {@link PppLinkSettings.rateLimit}; absent: that one. */
  readonly rateLimit?: { readonly toPeerBps?: number; readonly fromPeerBps?: number };
  readonly mppe?: { readonly send: MppeDirection; readonly receive: MppeDirection };
}

/** IP packets that the program exchanges with the peer. */
export interface PppPackets {
  /** One IP packet to the peer; copied before it returns. What cannot be sent is dropped and counted. */
  send(packet: Uint8Array): void;
  /** Called for each IP packet from the peer; the octets are valid only during the call. */
  onPacket(handler: (packet: Uint8Array) => void): Disposable;
}

/** The link of one session. It is gone with its session. */
export interface PppLink {
  /** Protocol field first, two octets; `FF 03` is the data plane's business. Copied before it returns; never throws. */
  sendFrame(frame: Uint8Array): void;
  /**
   * Takes the frames that the data plane does not carry: protocol field first, two octets, never compressed. One handler;
   * frames that come before there is one are kept (up to 64) and handed to it. Valid only during the call.
   */
  onFrame(handler: (frame: Uint8Array) => void): Disposable;
  /** Resolves when interface, addresses, routes, sizes and keys are as said. @throws PlaneError */
  configure(configuration: PppLinkConfiguration): Promise<void>;
  /** Lets packets of a protocol pass in both directions; `drop` is the state at the beginning. */
  gate(protocol: PppNetworkProtocol, mode: "pass" | "drop"): void;
  /** The peer asked for new keys (CCP Reset-Request). */
  resetMppe(): void;
  /** Called when our decryptor lost its place and a CCP Reset-Request is due. */
  onMppeLost(handler: () => void): Disposable;
  /** When an IP packet was last received of the peer, as far as is known without asking; -Infinity: never. */
  lastDataReceived(): Instant;
  /** Only with `attach: { to: "program" }`. */
  readonly packets?: PppPackets;
  /**
   * How an IPv6 address comes to be (RFC 4861, RFC 8415), for whoever runs the link, with any attachment; absent: the data
   * plane cannot, and IPv6 has link-local addresses only.
   *
   * `onPacket` takes, of the packets from the peer, those to a link-local or multicast address (`fe80::/10`, `ff02::/16`)
   * that are ICMPv6 of types 133 to 136 (Router and Neighbor Solicitation and Advertisement) or UDP to port 546 or 547
   * (DHCPv6), without extension headers: octet 6 is 58 or 17, the type is octet 40, the port octets 42 and 43. While there
   * is a handler they go nowhere else, not to the interface either, and are not held to `checkSource`: whoever takes them
   * judges them. With `attach: { to: "shared" }` so do ICMPv6 Echo Requests (type 128) to `fe80::/10`: each link has a
   * link-local address of ours, and an interface that many share has none of them. Up to 64 that wait for the main thread
   * are enough; more are dropped and counted. `send` writes to the peer only, encrypted like all packets where that was
   * agreed; while the gate of `ipv6` drops, it does nothing.
   */
  readonly ipv6Control?: PppPackets;
}

import type { SessionParameters } from "@l2tp/protocol";
import type { PppLink, PppLinkSettings } from "./ppp-link.ts";
import type { PlaneStatistics } from "./statistics.ts";

/** An address of an interface: `192.0.2.1/24`, with `peer` on a point-to-point one. */
export interface InterfaceAddress {
  readonly address: string;
  readonly prefixLength: number;
  readonly peer?: string;
}

/** What a data message may be larger than the path takes. */
export interface MtuPolicy {
  /** MTU of the session's interface in octets; absent: the path's less the overhead of the encapsulation. */
  readonly mtuOctets?: number;
  /**
   * `set`: never fragment the outer packet, an inner packet that is too big is dropped or answered by ICMP.
   * `clear`: let the outer packet be fragmented. `path`: as the kernel's path MTU discovery finds.
   */
  readonly dontFragment: "set" | "clear" | "path";
  /** Rewrite the MSS of TCP SYNs to what fits: `true` from the MTU, a number for a fixed value in octets. */
  readonly clampMss?: boolean | number;
}

/** How the interface of an Ethernet pseudowire is to be. */
export interface EthernetInterface {
  /** At most 15 octets; a `%d` is numbered by the kernel. Absent: the data plane's choice (`l2tpeth%d`). */
  readonly name?: string;
  readonly macAddress?: string;
  /** Name of a bridge that the interface joins; it must exist. */
  readonly bridge?: string;
  readonly addresses?: readonly InterfaceAddress[];
  /** Bring it up; default true. */
  readonly up?: boolean;
}

/** How pppd is to run a session of pseudowire `ppp`. */
export interface PppSettings {
  /** Path of a file with options for pppd, as go-l2tp's `pppd_args`; read again each time that pppd is started. */
  readonly optionsFile?: string;
  /** Options for pppd, one word each: `["noauth", "10.0.0.1:10.0.0.2"]`. They follow the file's, and the last wins. */
  readonly options?: readonly string[];
  /** The program by its path; default: `pppd` from where programs of the system are. */
  readonly program?: string;
}

/** The PPPoE session (RFC 2516) that a session of pseudowire `pppac` joins. */
export interface PppoeLink {
  /** 1 to 65,534. */
  readonly sessionId: number;
  /** `02:42:94:d1:4e:9a` */
  readonly peerMac: string;
  /** Name of the Ethernet interface, in the wire's network namespace. */
  readonly device: string;
}

/** What a data plane needs to know of a session. */
export interface SessionPlaneParameters extends SessionParameters {
  /** Of an Ethernet pseudowire's interface, or what of it a PPP interface has: name, addresses. */
  readonly interface?: EthernetInterface;
  /** For pseudowire `ppp` that pppd runs. */
  readonly ppp?: PppSettings;
  /** For pseudowire `ppp` that is run through {@link SessionPlane.link}; then no pppd is started. */
  readonly pppLink?: PppLinkSettings;
  /** For pseudowire `pppac`. */
  readonly pppoe?: PppoeLink;
  readonly mtu?: MtuPolicy;
  /**
   * Of L2TPv2: whose end of the call it is. A `lac` whose session does not require numbers (`receiveSequence`) begins to
   * send them when the LNS's data messages have them, and stops when they have none: the LNS decides (RFC 2661 §4.4.6,
   * §5.4). Absent, as for `lns`: what was asked for stays.
   */
  readonly role?: "lac" | "lns";
}

/** What can change while a session is up. */
export interface SessionPlaneChange {
  readonly sendSequence?: boolean;
  readonly receiveSequence?: boolean;
  readonly reorderMs?: number;
  readonly mtuOctets?: number;
}

/** Two sessions joined so that the frames of each go out at the other. */
export interface Bridge extends AsyncDisposable {
  /** `direct` within one data plane, `relay` when frames are copied between two. */
  readonly kind: "direct" | "relay";
}

/**
 * One session in a data plane. Sequencing is the kernel's: numbers count from 0 (16 bits in v2, 24 in v3).
 * Without reordering a message that is not the expected one is dropped and counted, and after five that follow
 * one another the session takes the sender's numbering; with reordering it is held for up to `reorderMs`, and
 * when the missing ones do not come, the session goes on with what does. After disposal no call does anything
 * but throw `closed`; disposing twice is one disposal.
 */
export interface SessionPlane extends AsyncDisposable {
  readonly sessionId: number;
  /** `l2tpeth0`, `ppp3`, `tun7` …; absent where the session has no interface, not even a simulated one. */
  readonly interfaceName?: string;
  /** Addresses of a PPP interface, as they were negotiated; absent where nothing is negotiated. */
  readonly addresses?: readonly InterfaceAddress[];
  /** MTU of the interface in octets, as it was set. */
  readonly mtuOctets: number;
  /** Of a session that was made with `pppLink`. */
  readonly link?: PppLink;
  /** @throws PlaneError `closed`, `invalid-parameters` */
  update(change: SessionPlaneChange): Promise<void>;
  /**
   * Tunnel switching: from now on the frames of each session go out at the other, control protocols too, until the bridge
   * or one of the sessions is disposed of. Sessions of one data plane are joined in it; those of two by a copying relay.
   * Absent where the data plane cannot. @throws PlaneError `closed`, `unsupported`, `invalid-parameters`
   */
  bridge?(other: SessionPlane): Promise<Bridge>;
  /** @throws PlaneError `closed` */
  statistics(): Promise<PlaneStatistics>;
}

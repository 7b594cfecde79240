import type { Encapsulation, IpAddress, L2tpVersion, Pseudowire, SocketAddress } from "@l2tp/protocol";
import type { PlaneNotice } from "./notice.ts";
import type { PppAttachment } from "./ppp-link.ts";
import type { SessionPlane, SessionPlaneParameters } from "./session.ts";
import type { StatisticsTable } from "./statistics.ts";

/** What a data plane can do where it runs now; a closed answer, found by probing and not by version. */
export interface DataPlaneCapabilities {
  readonly versions: readonly L2tpVersion[];
  readonly encapsulations: readonly Encapsulation[];
  readonly families: readonly (4 | 6)[];
  readonly pseudowires: readonly Pseudowire[];
  /** A session has a network interface of the operating system (false for the mock). */
  readonly interfaces: boolean;
  /** Where IP packets of a PPP session can go that is run through a `PppLink`; none: there is no `PppLink`. */
  readonly pppLink?: readonly PppAttachment["to"][];
  /** `ppp` sessions can be run by pppd: by its `pppol2tp` plugin, or over a pseudo-terminal. */
  readonly pppd?: "plugin" | "pty";
}

/** One optional feature: what is in use, and why not something better. */
export interface FeatureStatus {
  /** Such as `udp-gro`, `tap-tso`, `checksum`. */
  readonly feature: string;
  /** What is in use, such as `UDP_GRO`, `WebAssembly`, `off`. */
  readonly using: string;
  /** Why the better step before it is not in use; absent when the best is. */
  readonly why?: string;
}

/** What is in use in a data plane, for people. */
export interface DataPlaneStatus {
  /** `linux`, `userspace`, `mock`. */
  readonly name: string;
  readonly capabilities: DataPlaneCapabilities;
  readonly features: readonly FeatureStatus[];
}

/** Where a wire listens: one local address, or all of them. */
export interface Binding {
  readonly encapsulation: Encapsulation;
  /** Port 0: any free port. `0.0.0.0` or `::`: all addresses of the family. */
  readonly local: SocketAddress;
  /** Network namespace by path (`/run/netns/NAME`, `/proc/PID/ns/net`); absent: that of the process. */
  readonly namespace?: string;
}

/** One control message (T bit set) as it arrived. */
export interface ControlDatagram {
  readonly from: SocketAddress;
  /** The local address that it was sent to: answers leave from it. */
  readonly to: IpAddress;
  /**
   * The L2TP message from its first flag octet; over IP without the four zero octets that mark a control
   * message (RFC 3931 §4.1.1.2). Valid only during the call: who keeps it copies it.
   */
  readonly datagram: Uint8Array;
}

/** Called for each control message; must not throw. */
export type ControlHandler = (message: ControlDatagram) => void;

/** A control message to send. */
export interface ControlMessageOut {
  readonly tunnel?: TunnelPlane;
  /** Source address; absent: the tunnel's, or the system's choice. */
  readonly from?: IpAddress;
  readonly to: SocketAddress;
  /** Copied before `send` returns; over IP without the four zero octets. */
  readonly datagram: Uint8Array;
}

/** A tunnel ID that nobody else will be given until it is released or used by `createTunnel`. */
export interface Reservation extends AsyncDisposable {
  readonly tunnelId: number;
}

/** What a data plane needs to know of a tunnel. */
export interface TunnelPlaneParameters {
  readonly version: L2tpVersion;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  /** Source address; absent: the wire's, or the system's choice of route. */
  readonly local?: IpAddress;
  readonly peer: SocketAddress;
  /** Compute UDP checksums on data messages (they are always on for control messages). Default true. */
  readonly udpChecksum?: boolean;
  /**
   * Whether the tunnel has a socket of ours, by which control messages pass; default true. `false` is for static
   * tunnels of the Linux kernel, which then makes a socket of its own: the tunnel costs no descriptor, hears no
   * control message, and stays when the process is killed. Other data planes refuse it as `unsupported`, or take
   * no notice where there is no difference.
   */
  readonly managed?: boolean;
}

/** What happened to datagrams that belong to no session, counted per wire since it was opened. */
export interface WireCounters {
  /** Data for a session that is not there. */
  readonly strayData: number;
  /** Too short, of another version, or otherwise no L2TP. */
  readonly malformed: number;
  /** Control messages handed up. */
  readonly controlReceived: number;
  readonly controlSent: number;
  /** Datagrams lost in a full socket buffer or a full ring. */
  readonly overruns: number;
}

/** A way to carry L2TP: the kernel's, one of our own, or a simulated one. */
export interface DataPlane extends AsyncDisposable {
  readonly capabilities: DataPlaneCapabilities;
  status(): DataPlaneStatus;
  /** @throws PlaneError when the address cannot be bound or the encapsulation is not to be had. */
  open(binding: Binding, onControl: ControlHandler): Promise<Wire>;
}

/**
 * One local address or all of them, with the tunnels that use it. Disposing of it ends them; disposing twice is
 * one disposal. No control message is handed up after it.
 */
export interface Wire extends AsyncDisposable {
  /** With the port that was really bound. */
  readonly local: SocketAddress;
  readonly encapsulation: Encapsulation;
  /** Never blocks and never throws: what cannot be sent is lost, as on any wire, and counted. */
  send(message: ControlMessageOut): void;
  /**
   * Takes an unpredictable free ID; the kernel's IDs are shared by everyone in a namespace.
   * @throws PlaneError `closed`, `limit`, `unsupported`
   */
  reserveTunnelId(version: L2tpVersion): Promise<Reservation>;
  /**
   * Tunnel IDs of v2 and v3 are one number space. The reservation of the same ID, if this wire gave it, is used up.
   * @throws PlaneError `closed`, `id-in-use`, `invalid-parameters`, `unsupported`, …
   */
  createTunnel(parameters: TunnelPlaneParameters): Promise<TunnelPlane>;
  /** What happens without being asked for. One reader; ends when the wire closes. */
  readonly notices: AsyncIterable<PlaneNotice>;
  /** Writes the statistics of all sessions at once, for 100,000 of them. */
  statistics(into: StatisticsTable): Promise<void>;
  counters(): Promise<WireCounters>;
}

/** One tunnel in a data plane. Disposing of it ends its sessions. */
export interface TunnelPlane extends AsyncDisposable {
  readonly tunnelId: number;
  readonly peer: SocketAddress;
  update(change: { readonly peer?: SocketAddress }): Promise<void>;
  /**
   * Session IDs are unique in their tunnel, in v3 also among the tunnels of one wire.
   * @throws PlaneError `closed`, `id-in-use`, `invalid-parameters`, `name-in-use`, `no-bridge`, `unsupported`,
   * `route-through-itself`, …
   */
  createSession(parameters: SessionPlaneParameters): Promise<SessionPlane>;
}

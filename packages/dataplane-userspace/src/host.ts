/** What a tunnel and its sessions need of the wire that they are on. */
import type { DataPlaneCapabilities, PlaneNotice, PlaneStatistics, PppAttachment } from "@l2tp/dataplane";
import type { TunInterface } from "@l2tp/linux";
import type { Encapsulation, IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import type { Features } from "./features.ts";
import type { NetworkView } from "./network.ts";
import type { PppdService } from "./pppd.ts";
import type { NamedPrefix } from "./prefixes.ts";
import type { WireSockets } from "./sockets.ts";
import type { Shared } from "./worker/shared.ts";
import type { Order } from "./workers.ts";

/** A thread that takes orders. */
export interface OrderTaker {
  /** @throws PlaneError `closed` when the thread is gone, `system` when it could not */
  order(order: Order): Promise<void>;
}

/** Orders what is as good as done when the thread is gone: to forget, to stop, to let pass. Never rejects. */
export const tell = (thread: OrderTaker, order: Order): Promise<void> => thread.order(order).catch(() => {});

/** By which thread a session's messages are sent: its wire's, or that of the wire which has the interface that it shares. */
export interface SendSide {
  readonly wire: TunnelHost;
  readonly row: number;
  readonly generation: number;
}

/** The wire, from below. */
export interface TunnelHost {
  readonly name: string;
  readonly local: SocketAddress;
  readonly encapsulation: Encapsulation;
  readonly capabilities: DataPlaneCapabilities;
  readonly features: Features;
  readonly sockets: WireSockets;
  readonly network: NetworkView;
  readonly sender: OrderTaker;
  readonly receiver: OrderTaker;
  inNamespace<T>(work: () => T): T;
  /** @throws PlaneError `closed` */
  requireOpen(): void;
  notice(notice: PlaneNotice): void;
  /** Source address of a tunnel's messages, if the wire does not decide it. */
  sourceFor(local: IpAddress | undefined): IpAddress | undefined;
  /** @throws PlaneError `limit` */
  takeDestination(): number;
  releaseDestination(index: number): void;
  /**
   * Takes a session ID and a row of the statistics.
   * @throws PlaneError `id-in-use`, `limit`
   */
  claim(version: L2tpVersion, sessionId: number, tunnelId: number): number;
  release(version: L2tpVersion, sessionId: number, tunnelId: number, row: number): void;
  /** Which use of its row a session is. */
  generation(row: number): number;
  /**
   * A row for what is sent by this wire for a session of another.
   * @throws PlaneError `limit`
   */
  takeRow(): number;
  giveRow(row: number): void;
  /** Counters and numbers of the wire's sessions, which other threads may have to write, too. */
  readonly shared: Shared;
  /** Where it is, as its binding has it; undefined for the process's own namespace. */
  readonly namespacePath: string | undefined;
  /** Interfaces that PPP sessions share, of all wires of the data plane. */
  readonly sharedTuns: SharedInterfaces;
  readonly pppd: PppdService;
  /** Hands a frame or packet of a PPP session to the sending thread; false when there is no room. */
  pushDown(row: number, generation: number, kind: number, octets: Uint8Array): boolean;
  /** The session carries packets from now on. */
  adopt(session: HostedSession): void;
  rowStatistics(row: number): PlaneStatistics;
  forgetTunnel(tunnelId: number): void;
}

/** A session on an interface that it shares. */
export interface SharedUser {
  readonly wire: TunnelHost;
  lost(reason: string): Promise<void>;
}

/** An interface that PPP sessions share. */
export interface SharedInterface {
  readonly name: string;
  readonly interfaceIndex: number;
  readonly mtuOctets: number;
  /** Its number in the packet threads, of all wires. */
  readonly number: number;
  readonly tun: TunInterface;
  /** The wire that reads it, and sends for the sessions of all wires. */
  readonly wire: TunnelHost;
  /** Prefixes that are routed to it: for what lies in them no session needs a route of its own. */
  readonly routes: readonly NamedPrefix[];
  readonly users: Set<SharedUser>;
  /**
   * Gives the prefixes to a session, in place of those that it had.
   * @throws PlaneError `address-in-use` when another session has one of them
   */
  own(owner: PrefixOwner, before: readonly NamedPrefix[], now: readonly NamedPrefix[]): void;
  disown(owner: PrefixOwner, prefixes: readonly NamedPrefix[]): void;
}

/** Who has prefixes of a shared interface. */
export interface PrefixOwner {
  /** For messages. */
  readonly what: string;
}

/** What a session asks of a shared interface. */
export type SharedAttachment = Extract<PppAttachment, { to: "shared" }>;

/** Those of a data plane. */
export interface SharedInterfaces {
  /**
   * The interface of that name, for a session of the wire.
   * @param mtuOctets - of a new one.
   * @throws PlaneError
   */
  get(wire: TunnelHost, attachment: SharedAttachment, mtuOctets: number): Promise<SharedInterface>;
}

/** A session, from above. */
export interface HostedSession {
  readonly version: L2tpVersion;
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly row: number;
  /** Index of its interface; -1 when it has none. */
  readonly interfaceIndex: number;
  /** Absent: its messages are sent by its own wire, and counted in its row. */
  readonly out?: SendSide;
  /** What could not be handed to the sending thread. */
  readonly unsent?: number;
  /** Of a PPP session: which use of the row it is, and what comes for it. */
  readonly generation?: number;
  arrived?(kind: number, octets: Uint8Array): void;
  mppeLost?(): void;
  /** Of a session that follows: the LNS numbers its messages, or does not any more. */
  numbered?(on: boolean): void;
  /** The address that its messages go to. */
  readonly peer: SocketAddress;
  /** Its interface is gone though nobody here removed it. */
  lost(reason: string): Promise<void>;
  /** Whether its messages would be routed into its own interface: then it sends nothing. */
  setLooping(looping: boolean): Promise<void>;
}

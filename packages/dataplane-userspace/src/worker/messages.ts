/** What the main thread and a worker tell each other: plain records over the worker's port. */
import type { Encapsulation, L2tpVersion } from "@l2tp/protocol";
import type { MssLimits } from "../packet/mss.ts";
import type { Prefix } from "../packet/prefix-table.ts";
import type { SharedBuffers } from "./shared.ts";

/** What a worker is started with. */
export interface WorkerStart {
  readonly role: "receive" | "send";
  readonly encapsulation: Encapsulation;
  readonly family: 4 | 6;
  /** The data socket; the sender is told of its sockets by destination. */
  readonly socket: number;
  /** The control socket, whose readiness the receiver reports; -1 for the sender. */
  readonly control: number;
  /** The epoll descriptor, made by the main thread so that it can arm the control socket again. */
  readonly epoll: number;
  /** An eventfd: there is a command, or it is time to stop. */
  readonly wake: number;
  readonly shared: SharedBuffers;
  /** UDP GSO in the sender. */
  readonly gso: boolean;
  /** TAPs and TUNs have a virtio header and take and give large TCP frames. */
  readonly vnet: boolean;
  readonly checksum: "WebAssembly SIMD" | "WebAssembly" | "JavaScript";
  readonly rows: number;
}

/** A destination, as the sender keeps it. */
export interface DestinationRecord {
  readonly tunnelId: number;
  readonly socket: number;
  /** `sockaddr_in` or `sockaddr_in6`. */
  readonly address: Uint8Array;
  /** A ready control message with the source address; empty for none. */
  readonly control: Uint8Array;
  readonly gso: boolean;
}

/** Where the packets of a PPP session go to and come from. */
export type PppPath =
  /** A TUN of its own, in `tap`. */
  | "interface"
  /** A TUN that it shares; which, is told by `shared`. */
  | "shared"
  /** The main thread, which has them as packets. */
  | "program"
  /** The main thread, which has every frame as it is. */
  | "relay";

/** What the threads know of a PPP session from the start. */
export interface PppRecord {
  readonly path: PppPath;
  /** The number of the shared TUN; -1 for none. */
  readonly shared: number;
  /** Rows are given to one session after another: what is in a ring says which one it is for. */
  readonly generation: number;
}

/** A session, as the sender keeps it. */
export interface SendRecord {
  readonly row: number;
  /** -1 when it has no interface of its own. */
  readonly tap: number;
  /** Index of its destination. */
  readonly destination: number;
  readonly header: HeaderRecord;
  readonly mss: MssLimits | undefined;
  /** Of a PPP session; absent: Ethernet. */
  readonly ppp?: PppRecord;
}

/** The L2TP header of a session's messages. */
export interface HeaderRecord {
  readonly octets: Uint8Array;
  readonly version: L2tpVersion;
  /** The last four octets are for the sequence number. */
  readonly sequence: boolean;
}

/** A session, as the receiver keeps it. */
export interface ReceiveRecord {
  readonly row: number;
  readonly tap: number;
  readonly version: L2tpVersion;
  readonly sessionId: number;
  readonly tunnelId: number;
  readonly cookie: Uint8Array;
  readonly sublayer: boolean;
  readonly receiveSequence: boolean;
  /** A LAC's, of L2TPv2: whether its messages have numbers is to be as those that come. */
  readonly follows?: boolean;
  /** Ours have them now. */
  readonly sendSequence?: boolean;
  readonly reorderMs: number;
  readonly mss: MssLimits | undefined;
  readonly peer: Uint8Array;
  readonly ppp?: PppRecord;
}

/** One direction of MPPE. */
export interface MppeRecord {
  readonly bits: 40 | 56 | 128;
  readonly stateless: boolean;
  readonly startKey: Uint8Array;
}

/** What was agreed on a PPP link, as far as a thread needs it. */
export interface LinkRecord {
  readonly pfc: boolean;
  readonly acfc: boolean;
  /** Largest IP packet to send. */
  readonly mtu: number;
  readonly mss: MssLimits | undefined;
  /** A packet's source must be one of the prefixes of the session, or this link-local address. */
  readonly checkSource: boolean;
  readonly peerLinkLocal: readonly [number, number, number, number] | undefined;
  /** All that the peer has, and what is behind it. */
  readonly prefixes: readonly Prefix[];
  /** Of this direction, in bits per second; 0 for no limit. */
  readonly rateBps: number;
  /** `keep` what there is: the keys are those of before. */
  readonly mppe: MppeRecord | "keep" | undefined;
}

/** Where the frames of a bridged session go out. */
export interface BridgeRecord {
  readonly destination: DestinationRecord;
  readonly header: HeaderRecord;
  /** The row of the session that they go out by, and the memory that it is in. */
  readonly outRow: number;
  readonly tx: SharedArrayBuffer;
  readonly ns: SharedArrayBuffer;
}

/** What a worker is told; each is answered by `done` with the same `id`. */
export type Command = { readonly id: number } & (
  | {
      readonly do: "set-destination";
      readonly index: number;
      readonly destination: DestinationRecord | undefined;
    }
  | { readonly do: "add-sender"; readonly session: SendRecord }
  | { readonly do: "add-receiver"; readonly session: ReceiveRecord }
  | { readonly do: "remove"; readonly row: number }
  /** The sender's header, with or without a place for numbers. */
  | { readonly do: "set-header"; readonly row: number; readonly header: HeaderRecord }
  | {
      readonly do: "set-sequence";
      readonly row: number;
      readonly receive?: boolean;
      /** Whether our messages have numbers, for one that follows the peer's. */
      readonly send?: boolean;
      readonly reorderMs?: number;
    }
  | { readonly do: "set-mss"; readonly row: number; readonly mss: MssLimits | undefined }
  | { readonly do: "set-peer"; readonly tunnelId: number; readonly peer: Uint8Array }
  | { readonly do: "block"; readonly row: number; readonly blocked: boolean }
  /** A shared TUN to read; -1: no more. */
  | { readonly do: "set-shared"; readonly shared: number; readonly tap: number }
  | { readonly do: "set-link"; readonly row: number; readonly link: LinkRecord }
  | { readonly do: "set-gate"; readonly row: number; readonly family: 4 | 6; readonly pass: boolean }
  | { readonly do: "reset-mppe"; readonly row: number }
  /** Whether IPv6 control packets go to the main thread. */
  | { readonly do: "divert"; readonly row: number; readonly on: boolean }
  | { readonly do: "bridge"; readonly row: number; readonly to: BridgeRecord | undefined }
);

/** What a worker tells. */
export type Report =
  | { readonly type: "ready"; readonly checksum: WorkerStart["checksum"] }
  /** Commands that were carried out, in order; those that could not be are in `errors`, by their ID. */
  | {
      readonly type: "done";
      readonly ids: readonly number[];
      readonly errors?: Readonly<Record<number, string>>;
    }
  | { readonly type: "control-readable" }
  | { readonly type: "strays" }
  /** There is something in a ring. */
  | { readonly type: "frames" }
  | { readonly type: "packets" }
  /** Messages have begun to come with numbers, or without, to a session that follows. */
  | { readonly type: "numbered"; readonly row: number; readonly generation: number; readonly on: boolean }
  | { readonly type: "mppe-lost"; readonly row: number; readonly generation: number }
  | { readonly type: "session-lost"; readonly row: number; readonly errno: number }
  | { readonly type: "shared-lost"; readonly shared: number; readonly errno: number }
  | {
      readonly type: "stray-data";
      readonly from: Uint8Array;
      readonly sessionId: number;
      readonly count: number;
    }
  | { readonly type: "peer-moved"; readonly tunnelId: number; readonly from: Uint8Array }
  | { readonly type: "overrun"; readonly count: number }
  | {
      readonly type: "send-failed";
      readonly tunnelId: number;
      readonly errno: number;
      readonly count: number;
    }
  | { readonly type: "send-refused"; readonly to: Uint8Array; readonly errno: number; readonly count: number }
  | {
      readonly type: "gso-refused";
      readonly tunnelId: number;
      readonly octets: number;
      readonly errno: number;
    };

/** What the main thread and a worker tell each other: plain records over the worker's port. */
import type { Encapsulation } from "@l2tp/protocol";
import type { MssLimits } from "../packet/mss.ts";
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
  /** TAPs have a virtio header and take and give large TCP frames. */
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

/** A session, as the sender keeps it. */
export interface SendRecord {
  readonly row: number;
  readonly tap: number;
  /** Index of its destination. */
  readonly destination: number;
  readonly header: Uint8Array;
  /** The header's last four octets are the sublayer. */
  readonly sublayer: boolean;
  readonly sequence: boolean;
  readonly mss: MssLimits | undefined;
}

/** A session, as the receiver keeps it. */
export interface ReceiveRecord {
  readonly row: number;
  readonly tap: number;
  readonly sessionId: number;
  readonly tunnelId: number;
  readonly cookie: Uint8Array;
  readonly sublayer: boolean;
  readonly receiveSequence: boolean;
  readonly reorderMs: number;
  readonly mss: MssLimits | undefined;
  readonly peer: Uint8Array;
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
  | {
      readonly do: "set-sequence";
      readonly row: number;
      readonly send?: boolean;
      readonly receive?: boolean;
      readonly reorderMs?: number;
    }
  | { readonly do: "set-mss"; readonly row: number; readonly mss: MssLimits | undefined }
  | { readonly do: "set-peer"; readonly tunnelId: number; readonly peer: Uint8Array }
  | { readonly do: "block"; readonly row: number; readonly blocked: boolean }
);

/** What a worker tells. */
export type Report =
  | { readonly type: "ready"; readonly checksum: WorkerStart["checksum"] }
  | { readonly type: "done"; readonly id: number; readonly error?: string }
  | { readonly type: "control-readable" }
  | { readonly type: "strays" }
  | { readonly type: "session-lost"; readonly row: number; readonly errno: number }
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

import type { SocketAddress } from "@l2tp/protocol";
import type { InterfaceAddress } from "./session.ts";

/** What a data plane tells without being asked. Plain records; they name things by ID, never by object. */
export type PlaneNotice =
  /** The tunnel is gone from the data plane though nobody here closed it. */
  | { readonly type: "tunnel-lost"; readonly tunnelId: number; readonly reason: string }
  /** The session is gone: its interface was deleted, say. */
  | {
      readonly type: "session-lost";
      readonly tunnelId: number;
      readonly sessionId: number;
      readonly reason: string;
    }
  /**
   * The peer's sequence numbers began again behind those that came before, and this data plane drops its messages until
   * they have caught up: so many since it was looked last. Told again while that lasts.
   */
  | {
      readonly type: "numbers-behind";
      readonly tunnelId: number;
      readonly sessionId: number;
      readonly count: number;
    }
  /** The addresses of a session's PPP interface have been negotiated, or were taken away (none are left). */
  | {
      readonly type: "session-addresses";
      readonly tunnelId: number;
      readonly sessionId: number;
      readonly interfaceName: string;
      readonly addresses: readonly InterfaceAddress[];
    }
  /**
   * The session of a LAC has begun, or ended, to send sequence numbers, as its LNS did (see `role` of the session's
   * parameters). The kernel's says so when its counters are read.
   */
  | {
      readonly type: "sequencing";
      readonly tunnelId: number;
      readonly sessionId: number;
      readonly on: boolean;
    }
  /** Data arrived for a session that is not there (rate-limited; the count is in the wire's counters). */
  | {
      readonly type: "stray-data";
      readonly from: SocketAddress;
      readonly sessionId: number;
      readonly count: number;
    }
  /** Data of a tunnel arrives from another address or port than its peer's. */
  | { readonly type: "peer-moved"; readonly tunnelId: number; readonly peer: SocketAddress }
  /** Datagrams were lost before anybody saw them. */
  | { readonly type: "overrun"; readonly count: number; readonly where: string }
  /**
   * Something that sessions were to have is not to be had here, and they go on without it: `mss-clamp`, say, as the
   * data plane's status names it. `why` ends with what can be done about it. Told once.
   */
  | { readonly type: "feature-missing"; readonly feature: string; readonly why: string }
  /** Sending fails (no route, refused by the peer's host); rate-limited. */
  | { readonly type: "send-failed"; readonly tunnelId: number; readonly code: string; readonly count: number }
  /** The wire itself failed and carries nothing more. */
  | { readonly type: "wire-lost"; readonly reason: string };

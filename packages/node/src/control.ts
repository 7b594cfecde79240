/**
 * The control part of a tunnel: what decides whether the peer lives, and what answers its control messages.
 * A static tunnel has none to speak of; a quiescent one runs the reliable transport.
 */
import type { ControlDatagram } from "@l2tp/dataplane";
import type { Instant, IpAddress } from "@l2tp/protocol";
import type { ChannelStatistics } from "@l2tp/transport";
import type { Logger } from "./log.ts";

/** What happened to the control messages of one tunnel, since it was made. */
export interface ControlStatistics {
  /** Messages that were not for this tunnel's control part: of another version, from another peer, unexpected. */
  readonly ignored: number;
  /** The reliable transport's counters; absent on a static tunnel. */
  readonly transport?: ChannelStatistics;
}

/** What a control part may do with its tunnel. */
export interface ControlLink {
  readonly logger: Logger;
  /** Sends to the peer; copied before it returns. `from`: where the peer called us, where we listen everywhere. */
  send(datagram: Uint8Array, from?: IpAddress): void;
  /** Calls `heard` when data of the tunnel has been received, where a silence of `silenceMs` matters. */
  watchData(silenceMs: number, heard: (at: Instant) => void): Disposable | undefined;
  /** The peer lives, or nobody asks: the tunnel is up. */
  alive(): void;
  /** The peer does not answer: the tunnel is down, and stays in the data plane. It is asked again at `retryAt`. */
  gone(text: string, retryAt: Instant): void;
}

/** The control part. Methods are called only between `start` and `stop`, but for `statistics`. */
export interface TunnelControl {
  /** The tunnel is in the data plane. */
  start(): void;
  /** A control message with the tunnel's ID; the bytes are valid only during the call. */
  handle(message: ControlDatagram): void;
  /** The tunnel leaves the data plane; `start` may follow. */
  stop(): void;
  /**
   * Both ends are to begin anew, sessions and all: says nothing until the peer has missed us.
   * @returns whether it can; a static tunnel's peer misses nobody
   */
  beginAnew?(text: string): boolean;
  /** After `stop`: for good. */
  close(): void;
  statistics(): ControlStatistics;
}

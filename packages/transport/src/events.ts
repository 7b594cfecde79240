/** What goes in and out of the transport, as plain records. */
import type { L2tpVersion } from "@l2tp/protocol";
import type { TransportSettings } from "./settings.ts";

declare const channelId: unique symbol;

/**
 * A channel of one {@link Transport}: a small number, good as the key of a `Map`. An ID is not given again for a long
 * time after its channel has gone; using it then does nothing.
 */
export type ChannelId = number & { readonly [channelId]: true };

/** What makes a channel. */
export interface ChannelOptions {
  readonly version: L2tpVersion;
  /** What goes into the headers of acknowledgements and Hellos; 0 until the peer has assigned it. */
  readonly peerConnectionId: number;
  readonly settings: TransportSettings;
  /** The peer's Receive Window Size AVP; absent or 0 (which is invalid): 4. */
  readonly peerWindow?: number;
  /**
   * Quiescent tunnels only: a Hello with an Ns that was not expected re-bases the channel and is acknowledged, and an
   * Nr that was not expected says where the peer stands. See docs/reliable-delivery.md.
   */
  readonly rebase?: boolean;
  /** L2TPv3 authentication: what stands in the place of a bare acknowledgement and a bare Hello, and is sealed. */
  readonly sealed?: SealedMessages;
}

/**
 * The messages that the transport itself sends on an authenticated channel, whole, with room for the digest. Every
 * datagram of such a channel goes through {@link TransportOptions.seal} once its Ns and Nr are written.
 */
export interface SealedMessages {
  readonly acknowledgement: Uint8Array;
  readonly hello: Uint8Array;
}

/** What a channel may be told later; what is left out stays. */
export interface ChannelChange {
  readonly peerConnectionId?: number;
  readonly peerWindow?: number;
  readonly settings?: TransportSettings;
  readonly sealed?: SealedMessages;
}

/** What makes a transport. */
export interface TransportOptions {
  /** Milliseconds of the timer wheel's tick, a whole number. Default 10. */
  readonly tickMs?: number;
  /** Channels to make room for at once. Default 16. */
  readonly channels?: number;
  /** A number from 0 up to but not 1, for the jitter of Hellos. Without it there is no jitter. */
  random?(): number;
  /**
   * Computes the Message Digest AVP of a datagram, in place: called for channels that are `sealed`, each time that a
   * datagram leaves, because Nr, which the digest covers, may have changed.
   */
  seal?(channel: ChannelId, datagram: Uint8Array): void;
}

/** One datagram to send to the channel's peer. */
export interface Transmit {
  readonly channel: ChannelId;
  /** The whole message, Ns and Nr written. Borrowed: valid until the transport is called again. */
  readonly datagram: Uint8Array;
}

/** What has happened. */
export type TransportEvent =
  /** The next message in order, header and all; the bytes are the receiver's to keep. */
  | { readonly type: "message"; readonly channel: ChannelId; readonly message: Uint8Array }
  /** The first valid message from the peer since the channel was opened or reset. */
  | { readonly type: "peer-heard"; readonly channel: ChannelId }
  /** The first acknowledgement of a message of ours since then: both directions work. */
  | { readonly type: "peer-reached"; readonly channel: ChannelId }
  /** A quiescent peer began anew; `expected` and `received` are Ns (side "receive") or Nr (side "send"). */
  | {
      readonly type: "rebased";
      readonly channel: ChannelId;
      readonly side: "receive" | "send";
      readonly expected: number;
      readonly received: number;
    }
  /** A message was not acknowledged after all its transmissions. The channel is silent until `reset` or `release`. */
  | {
      readonly type: "failed";
      readonly channel: ChannelId;
      /** What was not acknowledged. */
      readonly what: "message" | "hello";
      readonly transmissions: number;
      /** Since anything was last heard from the peer (or since the channel was opened). */
      readonly silentMs: number;
    }
  /** A channel that was closed is gone. `acknowledged`: whether the peer has acknowledged all that was sent. */
  | { readonly type: "closed"; readonly channel: ChannelId; readonly acknowledged: boolean };

/**
 * What became of a received datagram. `accepted` and `rebased`: delivered (a "message" event, and those that waited
 * behind it). `held`: out of order, kept. `duplicate`: acknowledged again. `acknowledgement`: a ZLB or ACK.
 * The others were dropped and counted: `out-of-window`, `invalid-nr`, `malformed`, and `closed` (no such channel, or
 * one that has failed or is going).
 */
export type Receipt =
  | "accepted"
  | "rebased"
  | "held"
  | "duplicate"
  | "acknowledgement"
  | "out-of-window"
  | "invalid-nr"
  | "malformed"
  | "closed";

/** How long a closing channel goes on. */
export interface CloseOptions {
  /**
   * `interval`: a full retransmission interval after the last exchange (RFC 2661 §5.7, §5.8).
   * `acknowledged`: until all that was sent is acknowledged, at most that interval (RFC 3931 §4.2).
   * Default: `acknowledged` in v3 when something of ours is still unacknowledged, else `interval`, because the peer may
   * not have got our acknowledgement of its StopCCN.
   */
  readonly until?: "interval" | "acknowledged";
}

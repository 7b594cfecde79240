/** The names of what an endpoint holds: numbers that are never given twice, so that an old one means nothing new. */
import type { IpAddress, SocketAddress } from "@l2tp/protocol";

declare const tunnelHandle: unique symbol;
declare const sessionHandle: unique symbol;
declare const token: unique symbol;

/**
 * A tunnel of one endpoint, for as long as the endpoint lives. (The 16-bit ID on the wire, `tunnelId`, comes back after
 * a while; a handle does not.)
 */
export type TunnelHandle = number & { readonly [tunnelHandle]: true };

/** A session of one endpoint, as {@link TunnelHandle}. */
export type SessionHandle = number & { readonly [sessionHandle]: true };

/**
 * A question or an intent that waits for its answer. Each is used once: an answer that comes twice, too late, or after
 * what it concerned has ended changes nothing.
 */
export type Token = number & { readonly [token]: true };

/** Where a datagram came from, and where it arrived: an answer leaves from there. */
export interface PeerAddress extends SocketAddress {
  /** Our address that it was sent to, where the caller knows it. */
  readonly local?: IpAddress;
  /** Which of the caller's sockets it came through; given back in {@link Transmit}. */
  readonly wire?: number;
}

/** One datagram to send. */
export interface Transmit {
  /** Absent for an answer to somebody whom no tunnel is kept for. */
  readonly tunnel: TunnelHandle | undefined;
  /** Our address to send it from; absent: any. */
  readonly from?: IpAddress;
  /** The caller's socket, as in {@link PeerAddress}. */
  readonly wire?: number;
  readonly to: SocketAddress;
  /** Borrowed: good until the endpoint is called again. */
  readonly datagram: Uint8Array;
}

/** `192.0.2.1:1701`, `[2001:db8::1]:1701`. */
export const addressText = ({ family, address, port }: SocketAddress): string =>
  family === 6 ? `[${address}]:${port}` : `${address}:${port}`;

/** A tunnel and a session of the load: plain data, as there are tens of thousands. */
import type { SessionHandle, TunnelHandle } from "@l2tp/control";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import type { Numbers } from "./pattern.ts";
import type { PppLink } from "./ppp-link.ts";

/** One tunnel. */
export class LoadTunnel {
  readonly handle: TunnelHandle;
  /** From 1, through all shares. */
  readonly number: number;
  readonly wire: number;
  readonly openedAt: Instant;
  /** Where data messages go: as the control messages. */
  peer: SocketAddress;
  tunnelId = 0;
  peerTunnelId = 0;
  isUp = false;
  isUnderWay = true;
  /** Sessions that were begun on it. */
  sessions = 0;

  constructor(handle: TunnelHandle, number: number, wire: number, peer: SocketAddress, now: Instant) {
    this.handle = handle;
    this.number = number;
    this.wire = wire;
    this.peer = peer;
    this.openedAt = now;
  }
}

/** One session. */
export class LoadCall {
  readonly handle: SessionHandle;
  readonly tunnel: LoadTunnel;
  readonly numbers: Numbers;
  readonly openedAt: Instant;
  /** Its key in the timer wheel, and its place among those that are up; -1 without. */
  slot = -1;
  place = -1;
  sessionId = 0;
  peerSessionId = 0;
  link: PppLink<LoadCall> | undefined;
  /** The next sequence number of data, from when the LNS uses them on (RFC 2661 §5.4). */
  ns: number | undefined;
  isUnderWay = true;
  /** We have ended it, for a reason that is counted already or needs no counting. */
  isClosed = false;

  constructor(handle: SessionHandle, tunnel: LoadTunnel, numbers: Numbers, now: Instant) {
    this.handle = handle;
    this.tunnel = tunnel;
    this.numbers = numbers;
    this.openedAt = now;
  }
}

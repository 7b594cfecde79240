/** The causes for which tunnels and sessions end. */

/** What happened, in one word. Part of the API; each has a remedy for people in remedies.ts. */
export type Cause =
  /** Closed by whoever uses this endpoint. */
  | "local-close"
  /** The peer sent StopCCN or CDN. */
  | "peer-close"
  /** We refused the caller or the call. */
  | "refused"
  /** The peer refused us: StopCCN or CDN before it was up. */
  | "peer-refused"
  /** The peer knows another place that would serve us (General Error 7, or 4: it is full). */
  | "try-another"
  /** The secret of one end is not that of the other, or one end has none. */
  | "authentication"
  /** The peer's messages broke the protocol. */
  | "protocol-error"
  /** The peer, or the network between, was silent while a message was to be acknowledged. */
  | "no-response"
  /** … a Hello was to be acknowledged. */
  | "hello-missed"
  /** Not up within the time for it. */
  | "set-up-timeout"
  /** Nobody decided in time about the caller or the call. */
  | "undecided"
  /** A limit of ours. */
  | "limit"
  /** Both ends opened a tunnel, and one was wanted. */
  | "tie-breaker"
  /** The data plane could not do what it was asked for, or did not answer in time. */
  | "data-plane"
  /** No session was left on the tunnel. */
  | "idle"
  /** The endpoint is emptied, or goes. */
  | "drained"
  | "shut-down"
  /** A session whose tunnel ended; see the tunnel's own ending. */
  | "tunnel-ended"
  /** The call itself ended: carrier lost, busy, not answered. */
  | "bearer";

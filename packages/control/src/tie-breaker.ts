/** Simultaneous opens (RFC 2661 §4.4.3, Tie Breaker). */

/** What becomes of our outstanding SCCRQ and of the peer's. `both-lose`: equal values. `two-tunnels`: nobody cares. */
export type TieOutcome = "we-win" | "we-lose" | "both-lose" | "two-tunnels";

/**
 * Compares our Tie Breaker with the peer's: the lower value wins; who has none loses against one who has; with none at
 * either end "two separate tunnels are opened".
 */
export function tieOutcome(ours: bigint | undefined, peers: bigint | undefined): TieOutcome {
  if (ours === undefined) return peers === undefined ? "two-tunnels" : "we-lose";
  if (peers === undefined || ours < peers) return "we-win";
  return ours === peers ? "both-lose" : "we-lose";
}

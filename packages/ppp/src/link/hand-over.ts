/**
 * A link that goes on elsewhere: a LAC, or who switches a call from tunnel to tunnel, has answered LCP and knows who the peer
 * is; what was agreed on goes with the call, and the LNS begins with the network protocols (RFC 2661 §4.4.5).
 */
import { octetsIn } from "../kept.ts";
import { passedOn } from "../proxy.ts";
import type { LinkState } from "./state.ts";

/** Both sides know who the other is. */
export function handOver(link: LinkState): void {
  const { lcp, firstReceived, proof, authenticator } = link;
  link.phase = "handed-over";
  link.phaseDeadline = undefined;
  link.proof = undefined;
  const authentication = passedOn(proof, authenticator?.identifier ?? 0);
  link.tell({
    type: "handed-over",
    proxy: {
      // The request that was acknowledged, where a LAC before us did not tell the first one.
      initialReceived: octetsIn(firstReceived || lcp.theirs),
      lastSent: octetsIn(lcp.ours),
      lastReceived: octetsIn(lcp.theirs),
      ...(authentication !== undefined && { authentication }),
    },
  });
}

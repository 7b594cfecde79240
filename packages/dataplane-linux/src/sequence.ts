/** Sequencing in the kernel's terms. */
import type { SessionPlaneParameters } from "@l2tp/dataplane";
import type { L2tpAttributes } from "./family.ts";

/** What decides it. */
export type Sequencing = Pick<
  SessionPlaneParameters,
  "role" | "sendSequence" | "receiveSequence" | "reorderMs"
>;

/**
 * SEND_SEQ, RECV_SEQ, LNS_MODE and RECV_TIMEOUT. With LNS_MODE the kernel does what it is told; without, it begins and ends
 * to send numbers as the peer does. With LNS_MODE, however, who sends numbers drops what comes without: so a session
 * that is to send them and not to require them goes without, and stops to send when the peer sends none. So does the
 * session of a LAC, which is to follow the LNS (RFC 2661 §5.4).
 */
export function sequenceAttributes(sequencing: Sequencing): L2tpAttributes {
  const { role, sendSequence, receiveSequence, reorderMs } = sequencing;
  const follows = !receiveSequence && (sendSequence || role === "lac");
  return {
    SEND_SEQ: sendSequence ? 1 : 0,
    RECV_SEQ: receiveSequence ? 1 : 0,
    LNS_MODE: follows ? 0 : 1,
    RECV_TIMEOUT: Math.ceil(reorderMs),
  };
}

/** Sequencing in the kernel's terms. */
import type { SessionParameters } from "@l2tp/protocol";
import type { L2tpAttributes } from "./family.ts";

/** What decides it. */
export type Sequencing = Pick<SessionParameters, "sendSequence" | "receiveSequence" | "reorderMs">;

/**
 * SEND_SEQ, RECV_SEQ, LNS_MODE and RECV_TIMEOUT. With LNS_MODE the kernel does what it is told; without, it begins and ends
 * to send numbers as the peer does. With LNS_MODE, however, who sends numbers drops what comes without: so a session
 * that is to send them and not to require them goes without, and stops to send when the peer sends none.
 */
export function sequenceAttributes({ sendSequence, receiveSequence, reorderMs }: Sequencing): L2tpAttributes {
  return {
    SEND_SEQ: sendSequence ? 1 : 0,
    RECV_SEQ: receiveSequence ? 1 : 0,
    LNS_MODE: sendSequence && !receiveSequence ? 0 : 1,
    RECV_TIMEOUT: Math.ceil(reorderMs),
  };
}

/** How a link ends: in order, with a Terminate-Request that is answered or not, and then for good. */
import type { DownCode, DownReason } from "../events.ts";
import type { Negotiation } from "../negotiation.ts";
import { FINISHES, reasonOf } from "../reasons.ts";
import type { LinkState } from "./state.ts";

/** Takes the link down in order: `down` follows when LCP has finished. */
export function endLink(link: LinkState, now: number, code: DownCode, text?: string): void {
  if (link.phase === "terminate" || link.isSilent) return;
  beginEnd(link, reasonOf(code, text));
  link.lcp.close(now, code === "closed" ? text : link.reason?.text);
}

/** The link is of no use from now on, whoever began it. */
export function beginEnd(link: LinkState, reason: DownReason): void {
  link.reason = reason;
  link.phase = "terminate";
  link.phaseDeadline = undefined;
  link.usefulBy = undefined;
  link.tell({ type: "terminating", reason });
}

/** LCP has finished: nothing is sent or received any more. */
export function lcpFinished(link: LinkState): void {
  link.reason ??= finishOf(link.lcp);
  finished(link);
}

/** The last event. */
export function finished(link: LinkState): void {
  if (link.phase === "dead") return;
  link.phase = "dead";
  link.phaseDeadline = undefined;
  link.isAsking = false;
  link.tell({ type: "down", reason: link.reason ?? reasonOf("closed") });
}

/** Why LCP finished; a peer that says why it terminates the link is quoted. */
export const finishOf = ({ finish, farewell }: Pick<Negotiation<never>, "finish" | "farewell">): DownReason =>
  reasonOf(FINISHES[finish], finish === "terminated" ? farewell : undefined);

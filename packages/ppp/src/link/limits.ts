/** Time: what each protocol is due for, the keep-alive, and how long a phase may take. */
import type { DownCode } from "../events.ts";
import { handleEchoTimeout } from "../lcp.ts";
import { endLink } from "./end.ts";
import type { LinkState } from "./state.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** Whatever is due. @param lastData - when the data plane last received a packet. */
export function handleTimeouts(link: LinkState, now: number, lastData: number): void {
  link.lcp.handleTimeout(now);
  if (link.agreed !== undefined && link.lcp.state === "Opened")
    handleEchoTimeout(link.lcpLink, link.agreed, now, lastData);
  link.authenticator?.handleTimeout(now);
  link.supplicant?.handleTimeout(now);
  link.ccp?.handleTimeout(now);
  link.ipcp?.handleTimeout(now);
  link.ipv6cp?.handleTimeout(now);
  if (isPast(link.anonymousDeadline, now)) endLink(link, now, "authentication-failed", "no decision in time");
  if (isPast(link.phaseDeadline, now) || isPast(link.usefulBy, now)) endLink(link, now, ...lateness(link));
}

const isPast = (deadline: number | undefined, now: number): boolean =>
  deadline !== undefined && now >= deadline;

/** What a phase that took too long waited for. */
function lateness({ phase, supplicant, mppe, mppeSettings }: LinkState): [DownCode, string?] {
  if (phase === "establish") return ["lcp-timeout"];
  if (phase === "authenticate") {
    return supplicant?.done === false
      ? ["authentication-refused", `no ${supplicant.asked ? "answer" : "question"} in time`]
      : ["authentication-failed", "out of time"];
  }
  return mppeSettings.policy === "require" && mppe === undefined ? ["encryption"] : ["no-network-protocol"];
}

/** When {@link handleTimeouts} is to be called next; `undefined`: nothing is due. */
export function nextTimeout(link: LinkState): number | undefined {
  const { lcp, lcpLink, authenticator, supplicant, ccp, ipcp, ipv6cp } = link;
  const due = Math.min(
    lcp.deadline,
    lcp.state === "Opened" ? lcpLink.echoDeadline : NEVER,
    authenticator?.deadline ?? NEVER,
    authenticator?.limit ?? NEVER,
    supplicant?.deadline ?? NEVER,
    ccp?.deadline ?? NEVER,
    ipcp?.deadline ?? NEVER,
    ipv6cp?.deadline ?? NEVER,
    link.anonymousDeadline ?? NEVER,
    link.phaseDeadline ?? NEVER,
    link.usefulBy ?? NEVER,
  );
  return due === NEVER ? undefined : due;
}

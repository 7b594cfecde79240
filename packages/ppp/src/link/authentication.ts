/** The phase in which both sides prove who they are, as far as each is asked to (RFC 1661 §3.5). */
import { Authenticator } from "../auth/authenticator.ts";
import type { Accepted, Decision } from "../auth/question.ts";
import { Supplicant } from "../auth/supplicant.ts";
import type { LinkAgreement } from "../lcp.ts";
import type { MppeStartKeys } from "../mppe-keys.ts";
import { NO_OCTETS } from "../octets.ts";
import { proxiedCredentials } from "../proxy.ts";
import type { AuthenticatePeer } from "../settings.ts";
import { endLink } from "./end.ts";
import { handOver } from "./hand-over.ts";
import { startNetworks } from "./networks.ts";
import type { LinkState } from "./state.ts";

/** LCP is up: both sides begin at once. */
export function startAuthentication(link: LinkState, now: number, agreed: LinkAgreement): void {
  link.phase = "authenticate";
  const { settings } = link;
  const { authenticatePeer, authenticateSelf } = settings;
  if (authenticateSelf !== undefined && agreed.weProve.length > 0) {
    link.supplicant = new Supplicant(settings, authenticateSelf, link, agreed.weProve);
    // Without a demand of ours nothing else limits how long the peer may take.
    link.phaseDeadline = now + settings.phaseLimitMs;
    link.supplicant.start(now);
  }
  if (authenticatePeer === undefined) goOn(link, now);
  else if (agreed.peerProves === undefined) askAboutNobody(link, now, authenticatePeer);
  else askPeer(link, now, authenticatePeer, agreed.peerProves);
}

/** The peer proves nothing, and may not have to. */
function askAboutNobody(link: LinkState, now: number, { decisionLimitMs }: AuthenticatePeer): void {
  link.anonymousDeadline = now + decisionLimitMs;
  const nobody = { name: "", nameOctets: NO_OCTETS, proxied: false, trusted: false, again: false };
  link.ask(now, { ...nobody, method: "none" });
}

function askPeer(
  link: LinkState,
  now: number,
  demand: AuthenticatePeer,
  method: NonNullable<LinkAgreement["peerProves"]>,
): void {
  const { settings, proxy } = link;
  link.allowance ??= { attempts: demand.attempts, until: now + demand.timeLimitMs };
  const authenticator = new Authenticator(settings, demand, link, method, link.allowance);
  link.authenticator = authenticator;
  link.proxy = undefined;
  if (link.allowance.attempts <= 0) {
    endLink(link, now, "authentication-failed", "too many attempts");
    return;
  }
  const proof = proxy && proxiedCredentials(method, proxy, settings.proxy === "use");
  if (proof === undefined) authenticator.start(now);
  else authenticator.takeUp(now, proxy?.identifier ?? 0, proxy?.challenge ?? NO_OCTETS, proof);
}

/** The answer to the question that is open. */
export function decided(link: LinkState, now: number, decision: Decision): void {
  link.isAsking = false;
  if (link.anonymousDeadline === undefined) link.authenticator?.decide(now, decision);
  else {
    link.anonymousDeadline = undefined;
    if (decision.accept) welcome(link, now, "", "none", decision);
    else endLink(link, now, "authentication-failed", decision.message);
  }
}

/** The peer is who it says. */
export function welcome(
  link: LinkState,
  now: number,
  name: string,
  method: LinkAgreement["peerProves"] | "none",
  decision: Accepted,
): void {
  link.grants = decision.grants;
  takeKeys(link, decision.mppeKeys, !link.settings.caller);
  link.tell({ type: "peer-authenticated", name, method: method ?? "none" });
  goOn(link, now);
}

/** The peer believes us. */
export function accepted(link: LinkState, now: number, keys: MppeStartKeys | undefined): void {
  takeKeys(link, keys, link.settings.caller);
  link.tell({ type: "authenticated" });
  goOn(link, now);
}

/** Where both sides proved themselves, the caller's proof gives the keys (RFC 3079 §3). */
function takeKeys(link: LinkState, keys: MppeStartKeys | undefined, first: boolean): void {
  link.keys = first ? (keys ?? link.keys) : (link.keys ?? keys);
}

/** On to the network protocols, when both sides know who the other is. */
function goOn(link: LinkState, now: number): void {
  if (link.phase !== "authenticate") return;
  if (link.supplicant !== undefined && !link.supplicant.done) return;
  const isAnonymous = link.agreed?.peerProves === undefined && !link.isAsking;
  const mustProve = link.settings.authenticatePeer !== undefined && !isAnonymous;
  if (mustProve && link.authenticator?.stage !== "done") return;
  if (link.settings.handOver) handOver(link);
  else startNetworks(link, now);
}

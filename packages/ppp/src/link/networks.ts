/**
 * The phase for which a link is there (RFC 1661 §3.6): CCP for MPPE, IPCP and IPV6CP. Where MPPE is required, neither of the
 * others begins before it, and nothing passes in the clear while it is down.
 */
import { CCP, CcpLink, mppeAgreement } from "../ccp.ts";
import type { NetworkProtocol } from "../events.ts";
import { IPCP, IpcpLink, ipv4Agreement } from "../ipcp.ts";
import { IPV6CP, Ipv6cpLink, ipv6Agreement } from "../ipv6cp.ts";
import { IPV6_MINIMUM_MTU, MPPE_OVERHEAD } from "../mtu.ts";
import { Negotiation } from "../negotiation.ts";
import { ipv4Settings, ipv6Settings } from "../settings.ts";
import { configure, gate, gateAll } from "./configuration.ts";
import { endLink } from "./end.ts";
import type { LinkState } from "./state.ts";

/** Who the peer is, is known: its protocols begin. */
export function startNetworks(link: LinkState, now: number): void {
  link.phase = "network";
  link.phaseDeadline = now + link.settings.phaseLimitMs;
  const { policy } = link.mppeSettings;
  // Keys that nothing will use are not kept.
  if (policy === "off") link.keys = undefined;
  if (policy === "require" && link.keys === undefined) {
    endLink(link, now, "encryption", "MPPE is required, and the authentication gives no keys for it");
    return;
  }
  if (policy === "request" || policy === "require") openCcp(link, now);
  if (policy !== "require") openNetworks(link, now);
}

/** Whether IPCP is spoken on this link. */
export const takesIpv4 = ({ settings, grants }: LinkState): boolean =>
  settings.ipv4 !== undefined && grants?.ipv4 !== false;

/**
 * Whether IPV6CP is. IPv6 needs packets of 1280 octets (RFC 8200 §5): where the peer takes only smaller ones, it is not spoken.
 */
export function takesIpv6(link: LinkState): boolean {
  const { settings, grants, peerMru } = link;
  const mppe = link.mppeSettings.policy === "off" ? 0 : MPPE_OVERHEAD;
  const hasRoom = Math.min(peerMru, settings.mtu) - mppe >= IPV6_MINIMUM_MTU;
  return settings.ipv6 !== undefined && grants?.ipv6 !== false && hasRoom;
}

/** CCP, where there are keys: by our policy, or because the peer begins. */
export function openCcp(link: LinkState, now: number): void {
  if (link.keys === undefined) return;
  link.ccp = new Negotiation(CCP, new CcpLink(link.mppeSettings, link), link, link.settings);
  link.ccp.open(now);
  link.ccp.up(now);
}

function openNetworks(link: LinkState, now: number): void {
  const { settings, grants } = link;
  const { ipv4, ipv6 } = settings;
  if (ipv4 !== undefined && takesIpv4(link) && link.ipcp === undefined) {
    const granted = grants?.ipv4 || undefined;
    const own = granted === undefined ? ipv4 : ipv4Settings(Object.assign({}, ipv4, granted));
    link.ipcp = new Negotiation(IPCP, new IpcpLink(own), link, settings);
    link.ipcp.open(now);
    link.ipcp.up(now);
  }
  if (ipv6 !== undefined && takesIpv6(link) && link.ipv6cp === undefined) {
    const granted = grants?.ipv6 || undefined;
    const own = granted === undefined ? ipv6 : ipv6Settings(Object.assign({}, ipv6, granted));
    link.ipv6cp = new Negotiation(IPV6CP, new Ipv6cpLink(own, link.random), link, settings);
    link.ipv6cp.open(now);
    link.ipv6cp.up(now);
  }
  if (link.ipcp === undefined && link.ipv6cp === undefined) endLink(link, now, "no-network-protocol");
}

// CCP.

export function ccpUp(link: LinkState, now: number): void {
  const modes = link.ccp && mppeAgreement(link.ccp);
  const isRequired = link.mppeSettings.policy === "require";
  if (modes === undefined || link.keys === undefined) {
    if (isRequired) endLink(link, now, "encryption");
    return;
  }
  link.mppe = { ...modes, keys: link.keys };
  configure(link);
  if (isRequired) gateAll(link, "pass");
  if (link.ipv4 !== undefined || link.ipv6 !== undefined) {
    link.phaseDeadline = undefined;
    link.usefulBy = undefined;
  }
  openNetworks(link, now);
}

/** An Ack that got lost makes the peer ask again, so this is no refusal; but nothing goes in the clear meanwhile. */
export function ccpDown(link: LinkState, now: number): void {
  link.mppe = undefined;
  if (link.phase !== "network") return;
  if (link.mppeSettings.policy === "require") {
    gateAll(link, "drop");
    link.phaseDeadline = now + link.settings.phaseLimitMs;
  }
  configure(link);
}

/** Refused or lost, MPPE is missed only where it is required; IPCP and IPV6CP go on as if nothing was. */
export function ccpFinished(link: LinkState, now: number): void {
  if (link.phase === "network" && link.mppeSettings.policy === "require") endLink(link, now, "encryption");
}

// IPCP and IPV6CP.

export function ipcpUp(link: LinkState, now: number): void {
  link.ipv4 = link.ipcp && ipv4Agreement(link.ipcp);
  networkUp(link, now, "ipv4");
}

export function ipv6cpUp(link: LinkState, now: number): void {
  link.ipv6 = link.ipv6cp && ipv6Agreement(link.ipv6cp);
  networkUp(link, now, "ipv6");
}

function networkUp(link: LinkState, now: number, protocol: NetworkProtocol): void {
  if (link[protocol] === undefined) {
    // Opened, and without an address that the link needs.
    (protocol === "ipv4" ? link.ipcp : link.ipv6cp)?.close(now);
    return;
  }
  const isHeld = link.mppeSettings.policy === "require" && link.mppe === undefined;
  if (!isHeld) link.phaseDeadline = undefined;
  configure(link);
  if (isHeld) return; // the gate opens with CCP
  link.usefulBy = undefined;
  gate(link, protocol, "pass");
  if (link.isUp) return;
  link.isUp = true;
  link.tell({ type: "up" });
}

export function networkDown(link: LinkState, now: number, protocol: NetworkProtocol): void {
  if (link[protocol] === undefined) return;
  link[protocol] = undefined;
  // With none left, the link has to be of use again within its time.
  if (link.phase === "network" && link.ipv4 === undefined && link.ipv6 === undefined)
    link.phaseDeadline = now + link.settings.phaseLimitMs;
  gate(link, protocol, "drop");
  configure(link);
}

/** A link without any network protocol is none. */
export function networkFinished(link: LinkState, now: number): void {
  if (link.phase !== "network") return;
  const { ipcp, ipv6cp } = link;
  if ([ipcp, ipv6cp].some((one) => one !== undefined && !isOver(one.state))) return;
  const noAddress = ipcp?.finish === "not-converging" || ipcp?.finish === "closed";
  endLink(link, now, noAddress ? "address" : "no-network-protocol");
}

const isOver = (state: string): boolean => state === "Stopped" || state === "Closed" || state === "Initial";

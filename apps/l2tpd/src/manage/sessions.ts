/** Sessions as the management interface shows them. */
import type { PlaneStatistics } from "@l2tp/dataplane";
import type { ClosedSession, PppStatus, SessionDetail, SessionSummary } from "@l2tp/management";
import type { DynamicSession, EndedSession, PppStatus as PppState } from "@l2tp/node";
import type { Instant } from "@l2tp/protocol";
import {
  type AnySession,
  type AnyTunnel,
  age,
  counters,
  defined,
  endingValue,
  isCall,
  messageValue,
  place,
  reasonValue,
} from "./common.ts";

/** What the configuration knows of a session. */
export interface SessionFacts {
  readonly pseudowire: string;
  /** Who we are for the peer's PPP, on a session that we open. */
  readonly ownName?: string | undefined;
  /** Why its packets get nowhere. */
  readonly warnings?: readonly string[] | undefined;
}

/** @param data - the data plane's counters, where they were asked for. */
export function sessionSummary(
  tunnel: AnyTunnel,
  session: AnySession,
  now: Instant,
  { pseudowire, ownName }: SessionFacts,
  data?: PlaneStatistics,
): SessionSummary {
  const { name, sessionId, peerSessionId, state, upSince, reason, interfaceName, mtuOctets } = session;
  const call = isCall(session) ? session : undefined;
  return defined({
    name,
    tunnel: tunnel.name,
    tunnelId: tunnel.tunnelId,
    sessionId,
    peerSessionId,
    kind: call?.kind ?? "configured",
    pseudowire,
    state,
    callState: call?.status()?.state,
    up: state === "up",
    upForMs: age(now, upSince),
    peer: place(tunnel.peer),
    ...addressesOf(session),
    user: call?.ppp?.user ?? ownName,
    interfaceName,
    mtuOctets,
    rxOctets: data?.rxBytes,
    txOctets: data?.txBytes,
    reason: state === "up" ? undefined : reasonValue(reason),
  } as const);
}

/** Of our own PPP; of pppd's, what the interface has. */
function addressesOf(session: AnySession): Pick<SessionSummary, "ipv4" | "ipv6"> {
  const { ipv4, ipv6 } = (isCall(session) ? session.ppp : undefined) ?? {};
  if (ipv4 !== undefined || ipv6 !== undefined) {
    return defined({
      ipv4: ipv4 && defined({ local: ipv4.local, peer: ipv4.peer }),
      ipv6: ipv6 && { local: ipv6.addresses[0] ?? ipv6.local, peer: ipv6.prefixes[0] ?? ipv6.peer },
    });
  }
  const of = (wanted: (address: string) => boolean) => {
    const found = session.addresses?.find(({ address }) => wanted(address));
    return found && defined({ local: found.address, peer: found.peer });
  };
  return defined({
    ipv4: of((address) => !address.includes(":")),
    ipv6: of((address) => address.includes(":")),
  });
}

/** All about one. */
export function sessionDetail(
  tunnel: AnyTunnel,
  session: AnySession,
  now: Instant,
  facts: SessionFacts,
  data: PlaneStatistics,
): SessionDetail {
  const call = isCall(session) ? session : undefined;
  const status = call?.status();
  return defined({
    ...sessionSummary(tunnel, session, now, facts, data),
    openedAgoMs: age(now, status?.openedAt),
    setupMs: status?.setupMs,
    callSerialNumber: call?.callSerialNumber,
    calledNumber: call?.calledNumber,
    callingNumber: call?.callingNumber,
    sequencing: status?.sequencing,
    sequencingRequired: status?.sequencingRequired,
    plane: status?.plane,
    data: counters(data),
    ppp: call && pppStatus(call),
    warnings: facts.warnings?.length ? [...facts.warnings] : undefined,
    switchedTo: call?.switchedTo && `${call.switchedTo.tunnel}/${call.switchedTo.session}`,
  });
}

function pppStatus({ ppp }: DynamicSession): PppStatus | undefined {
  if (ppp === undefined) return undefined;
  const { phase, method, link, ipv4, ipv6, counters: counted } = ppp;
  const mppe = link?.mppe;
  return defined({
    by: "l2tpd",
    phase,
    peerAuthentication: method,
    mruOctets: link?.mru,
    mtuOctets: link?.mtu,
    dns: dnsOf(ppp),
    networks: [...(ipv4 ? ["ipv4"] : []), ...(ipv6 ? ["ipv6"] : [])],
    mppe: mppe && `${mppe.bits} bits, ${mppe.stateless ? "stateless" : "stateful"}`,
    counters: counters(counted),
  } as const);
}

function dnsOf({ ipv4, ipv6 }: PppState): string[] | undefined {
  const all = [...(ipv4?.dns ?? []), ...(ipv6?.dns ?? [])];
  return all.length === 0 ? undefined : all;
}

/** @param ownName - who we are there, of a session that we dial. */
export function closedSession(
  session: EndedSession,
  now: Instant,
  ownName: string | undefined,
): ClosedSession {
  const { name, tunnelName, sessionId, peerSessionId, kind, userName, peer, data } = session;
  const { establishedAt, closedAt, ending, messages } = session;
  return defined({
    name,
    tunnel: tunnelName ?? "?",
    sessionId,
    peerSessionId,
    kind,
    user: userName ?? ownName,
    peer: peer && place(peer),
    wasUp: establishedAt !== undefined,
    upForMs: age(closedAt, establishedAt),
    endedAgoMs: age(now, closedAt) ?? 0,
    ending: endingValue(ending),
    data: data && counters(data),
    messages: messages.map((message) => messageValue(message, now)),
  });
}

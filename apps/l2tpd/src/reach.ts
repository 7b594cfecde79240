/** What is asked of the host's network about one session: see host-network.ts. */
import type { ReachOf } from "./host-network.ts";
import { type AnySession, type AnyTunnel, isCall, isDynamic } from "./manage/common.ts";
import type { Runtime } from "./runtime.ts";

/** Of a call that came in and has an interface of this host; undefined for any other session. */
export function reachOf({ loaded }: Runtime, tunnel: AnyTunnel, session: AnySession): ReachOf | undefined {
  if (!isDynamic(tunnel) || !isCall(session) || session.state !== "up") return undefined;
  if (tunnel.listener === undefined || session.interfaceName === undefined) return undefined;
  const { profiles, listeners } = loaded.config;
  const { ppp, addresses = [] } = session;
  return {
    namespace: listeners.find(({ name }) => name === tunnel.listener)?.namespace,
    profile: profiles.ppp.find(({ name }) => name === ppp?.profile),
    // Of our own PPP, else what pppd gave the interface.
    addresses: [
      ppp?.ipv4?.peer,
      ...(ppp?.ipv6?.prefixes ?? []),
      ...(ppp === undefined ? addresses.map(({ peer }) => peer) : []),
    ].filter((address) => address !== undefined),
  };
}

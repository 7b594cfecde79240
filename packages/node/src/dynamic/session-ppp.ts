/** The PPP of one call, where it is ours: from its profile to the runner, and what the runner tells put into a call's words. */
import type { CdnFacts, ProxyInformation } from "@l2tp/control";
import type { SessionPlane } from "@l2tp/dataplane";
import type { SocketAddress } from "@l2tp/protocol";
import {
  type PppDownReason,
  type PppHost,
  type PppProfile,
  type PppRun,
  PppRunner,
  type PppSessionEvent,
  proxyOf,
} from "../ppp/index.ts";
import { type Reason, reason } from "../reason.ts";

/** The call that it runs on. */
export interface PppCallFacts {
  readonly tunnel: string;
  readonly session: string;
  readonly peer: SocketAddress;
  readonly calledNumber: string | undefined;
  readonly callingNumber: string | undefined;
  readonly proxy: ProxyInformation | undefined;
}

/** Begins PPP on a session of the data plane; undefined where that has no link for it. */
export function startPpp(
  host: PppHost,
  plane: SessionPlane,
  profile: PppProfile,
  facts: PppCallFacts,
  onEvent: (event: PppSessionEvent) => void,
): PppRun | undefined {
  const { link } = plane;
  if (link === undefined) return undefined;
  const { tunnel, session, peer, calledNumber, callingNumber, proxy } = facts;
  const run = new PppRunner({
    host,
    link,
    profile: forPath(profile, plane.mtuOctets),
    call: {
      tunnel,
      session,
      peer,
      ...(calledNumber !== undefined && { calledNumber }),
      ...(callingNumber !== undefined && { callingNumber }),
      ...(proxy !== undefined && { proxy: proxyOf(proxy) }),
    },
    interfaceName: () => plane.interfaceName,
    onEvent,
  });
  return run;
}

/** Profiles by what the path takes: thousands of sessions share one. */
const fitted = new WeakMap<PppProfile, Map<number, PppProfile>>();

/** The profile with an MRU and MTU that need no fragments: what the path takes, less what goes around a packet. */
function forPath(profile: PppProfile, mtuOctets: number): PppProfile {
  const { settings } = profile;
  if (settings.mru <= mtuOctets && settings.mtu <= mtuOctets) return profile;
  const known = fitted.get(profile) ?? new Map<number, PppProfile>();
  fitted.set(profile, known);
  const mru = Math.min(settings.mru, mtuOctets);
  const mtu = Math.min(settings.mtu, mtuOctets);
  const made = known.get(mtuOctets) ?? { ...profile, settings: { ...settings, mru, mtu } };
  known.set(mtuOctets, made);
  return made;
}

/** Ends that somebody decided on; others are a loss of carrier. */
const ADMINISTRATIVE: readonly PppDownReason["code"][] = [
  "closed",
  "session-timeout",
  "idle-timeout",
  "replaced",
  "authentication-failed",
  "authentication-refused",
  "no-address",
];

/** What the CDN says of a PPP that has ended (RFC 2661 §4.4.2, RFC 3145). */
export function cdnOfPpp({ code, disconnect }: PppDownReason): CdnFacts {
  return { result: ADMINISTRATIVE.includes(code) ? 3 : 1, disconnect };
}

/** For events and states. */
export const reasonOfPpp = ({ text }: PppDownReason): Reason => reason("ppp", `PPP ended: ${text}`);

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
    profile,
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

/** What a LAC has negotiated already, from the control plane's words to PPP's (RFC 2661 §4.4.5). */
import type { ProxyInformation as ProxyAvps } from "@l2tp/control";
import type { ProxyInformation } from "@l2tp/ppp";

/** For `PppCall.proxy`. The result may hold a password: not for logs. */
export function proxyOf(avps: ProxyAvps): ProxyInformation {
  const { authenType, authenName, authenChallenge, authenId, authenResponse } = avps;
  return {
    initialReceived: avps.initialReceivedLcpConfreq,
    lastSent: avps.lastSentLcpConfreq,
    lastReceived: avps.lastReceivedLcpConfreq,
    ...(authenType !== undefined && {
      authentication: {
        type: authenType,
        name: authenName === undefined ? undefined : new TextEncoder().encode(authenName),
        challenge: authenChallenge,
        identifier: authenId,
        response: authenResponse,
      },
    }),
  };
}

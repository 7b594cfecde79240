/** What a LAC has negotiated already, in the control plane's words and in PPP's (RFC 2661 §4.4.5). */
import { ProxyInformation as ProxyAvps } from "@l2tp/control";
import type { ProxyAuthentication, ProxyInformation } from "@l2tp/ppp";

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

/** The way back. */
export function proxyAvps(proxy: ProxyInformation): ProxyAvps {
  const { initialReceived, lastSent, lastReceived } = proxy;
  const known: Partial<ProxyAuthentication> = proxy.authentication ?? {};
  const { type, name, challenge, identifier, response } = known;
  return new ProxyAvps({
    ...(initialReceived !== undefined && { initialReceivedLcpConfreq: initialReceived }),
    ...(lastSent !== undefined && { lastSentLcpConfreq: lastSent }),
    ...(lastReceived !== undefined && { lastReceivedLcpConfreq: lastReceived }),
    ...(type !== undefined && { proxyAuthenType: type }),
    ...(name !== undefined && { proxyAuthenName: new TextDecoder().decode(name) }),
    ...(challenge !== undefined && { proxyAuthenChallenge: challenge }),
    ...(identifier !== undefined && { proxyAuthenId: { id: identifier } }),
    ...(response !== undefined && { proxyAuthenResponse: response }),
  });
}

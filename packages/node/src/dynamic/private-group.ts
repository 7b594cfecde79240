/**
 * A call that came in may be for a private group (RFC 2661 §4.4.4), which is only said in its ICCN, when the call has been let
 * in: whoever let it in is asked once more, and PPP gets the profile of that answer. Where packets go was the first one's.
 */
import type { CallKind, SessionUp } from "@l2tp/control";
import type { DynamicHost, SecondAnswer } from "./host.ts";
import type { SessionTunnel } from "./session-settings.ts";

const utf8 = new TextDecoder();

/** The call, as far as it was known before. */
export interface ConnectedCall {
  readonly kind: CallKind;
  readonly tunnel: SessionTunnel;
  readonly calledNumber: string | undefined;
  readonly callingNumber: string | undefined;
}

/** @returns undefined where there is nothing to ask, or nobody. */
export function askedAgain(
  host: DynamicHost,
  { kind, tunnel, calledNumber, callingNumber }: ConnectedCall,
  { connected, request }: SessionUp,
): Promise<SecondAnswer> | undefined {
  if (kind !== "lns-incoming" || connected?.type !== "ICCN") return undefined;
  const { privateGroupId } = connected;
  if (privateGroupId === undefined) return undefined;
  const subAddress = request?.subAddress;
  return host.askAgain?.({
    kind: "incoming",
    tunnel: tunnel.name,
    peer: tunnel.peerName,
    privateGroup: utf8.decode(privateGroupId),
    ...(calledNumber !== undefined && { calledNumber }),
    ...(callingNumber !== undefined && { callingNumber }),
    ...(subAddress !== undefined && { subAddress }),
  });
}

/** AVPs that tell about people, and must be hidden where hiding is required (RFC 2661 §4.3, §4.4.5). */
import { AVPS, type ControlDatagram } from "@l2tp/protocol";

const SENSITIVE = [
  "calledNumber",
  "callingNumber",
  "subAddress",
  "proxyAuthenName",
  "proxyAuthenChallenge",
  "proxyAuthenResponse",
  "privateGroupId",
] as const;

const NAMES: ReadonlyMap<number, string> = new Map(
  SENSITIVE.map((name) => [AVPS[name].type, AVPS[name].name]),
);

/** @returns the name of the first such AVP that is in the message in clear. */
export function openSensitiveAvp(datagram: ControlDatagram): string | undefined {
  const open = datagram.avps.find(({ vendor, type, hidden }) => vendor === 0 && !hidden && NAMES.has(type));
  return open === undefined ? undefined : NAMES.get(open.type);
}

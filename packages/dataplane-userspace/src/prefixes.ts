/** Addresses and prefixes as people write them, for the tables of the packet threads. */
import { PlaneError, type PppLinkConfiguration, type PppLinkSettings } from "@l2tp/dataplane";
import { formatIp, parseIp } from "@l2tp/linux";
import type { Prefix } from "./packet/prefix-table.ts";

/** A prefix with its one spelling, so that two can be compared. */
export interface NamedPrefix extends Prefix {
  /** `10.0.0.0/8`, host bits cleared. */
  readonly text: string;
}

/**
 * Reads an address, or a prefix (`10.0.0.0/8`, `2001:db8::/56`).
 * @throws PlaneError `invalid-parameters`
 */
export function parsePrefix(text: string): NamedPrefix {
  const [address = "", wanted] = text.split("/");
  let octets: Uint8Array;
  try {
    octets = parseIp(address).octets;
  } catch (error) {
    throw new PlaneError("invalid-parameters", `"${text}" is neither an address nor a prefix`, {
      cause: error,
    });
  }
  const most = octets.length * 8;
  const length = wanted === undefined ? most : Number(wanted);
  if (wanted !== undefined && (!/^\d{1,3}$/.test(wanted) || length > most)) {
    throw new PlaneError("invalid-parameters", `"${text}": the length of a prefix is 0 to ${most}`);
  }
  const clean = octets.map((octet, i) => octet & (0xff00 >> Math.max(0, Math.min(8, length - i * 8))));
  const view = new DataView(clean.buffer, clean.byteOffset, clean.byteLength);
  const word = (i: number) => (i * 4 < clean.length ? view.getUint32(i * 4) : 0);
  return {
    family: octets.length === 4 ? 4 : 6,
    length,
    words: [word(0), word(1), word(2), word(3)],
    text: `${formatIp(clean)}/${length}`,
  };
}

/** Whether `outer` contains all of `inner`. */
export function covers(outer: NamedPrefix, inner: NamedPrefix): boolean {
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  return parsePrefix(`${inner.text.split("/")[0]}/${outer.length}`).text === outer.text;
}

/** fe80::/10 */
const isLinkLocal = ({ family, words }: Prefix): boolean => family === 6 && words[0] >>> 22 === 0x3fa;

/** All that the peer has, and what is behind it: where packets for it go, and where those from it come from. */
export function prefixesOf(
  { ipv4, ipv6 }: PppLinkConfiguration,
  { routes = [] }: PppLinkSettings,
): { readonly prefixes: NamedPrefix[]; readonly peerLinkLocal: Prefix["words"] | undefined } {
  const texts = [
    ...(ipv4?.peer === undefined ? [] : [ipv4.peer]),
    ...(ipv4?.routes ?? []),
    ...(ipv6 === undefined ? [] : [ipv6.peer, ...(ipv6.routes ?? [])]),
    ...routes,
  ];
  const all = texts.map(parsePrefix);
  const unique = [...new Map(all.map((prefix) => [prefix.text, prefix])).values()];
  return {
    // Each link has link-local addresses of its own, which may be those of another: they are no way to a session.
    prefixes: unique.filter((prefix) => !isLinkLocal(prefix)),
    peerLinkLocal: unique.find((prefix) => isLinkLocal(prefix))?.words,
  };
}

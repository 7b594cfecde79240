/**
 * Reads addresses as people write them. What is wrong comes back as text that ends a sentence
 * ("… is no IP address"), not as an exception: the caller knows the key and the line.
 */
import { isIP } from "node:net";
import type { SocketAddress } from "@l2tp/protocol";
import type { InterfaceAddressConfig } from "./types.ts";

/** Registered for L2TP over UDP (RFC 2661 §8.1). */
export const L2TP_PORT = 1701;

/** What was read, or why not. */
export type Read<T> = { readonly value: T } | { readonly wrong: string; readonly remedy?: string };

/** An address as written; the parts that were left out are absent. */
export interface WrittenAddress {
  readonly family?: 4 | 6;
  readonly address?: string;
  readonly port?: number;
}

const PORT = /^[0-9]{1,5}$/;

/**
 * Reads `192.0.2.1:1701`, `192.0.2.1`, `[2001:db8::1]:1701`, `2001:db8::1`, `[fe80::1%eth0]:1701` and `:1701`.
 * IPv6 comes back in the form of RFC 5952, so that two spellings of one address compare equal.
 */
export function readSocketAddress(text: string): Read<WrittenAddress> {
  if (text === "") return { wrong: "is empty" };
  const split = splitPort(text);
  if (split === undefined) return { wrong: "has a [ without its ]" };
  const { host, port: portText } = split;
  let port: number | undefined;
  if (portText !== undefined) {
    port = Number(portText);
    if (!PORT.test(portText) || port > 0xffff) {
      return { wrong: `has the port ${JSON.stringify(portText)}`, remedy: "A UDP port is 0 to 65535." };
    }
  }
  if (host === "") return { value: { ...(port !== undefined && { port }) } };
  const family = isIP(host);
  if (family === 0) return wrongHost(host);
  const address = family === 6 ? canonicalIpv6(host) : host;
  return { value: { family: family as 4 | 6, address, ...(port !== undefined && { port }) } };
}

/** Labels of a host's name (RFC 1123 §2.1); an underscore is let pass, as resolvers do. */
const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/**
 * Reads `lns.example` and `lns.example:1701`.
 * @returns `undefined` for what is an address, or would like to be one.
 */
export function readHostAndPort(text: string): Read<{ host: string; port?: number }> | undefined {
  const split = splitPort(text);
  const host = split?.host ?? "";
  if (host === "" || host.includes(":") || /^[0-9.]+$/.test(host)) return undefined;
  const labels = host.replace(/\.$/, "").split(".");
  if (host.length > 253 || !labels.every((label) => LABEL.test(label))) {
    return { wrong: "is no IP address and no name of a host" };
  }
  const port = split?.port === undefined ? undefined : Number(split.port);
  if (split?.port !== undefined && (!PORT.test(split.port) || port === 0 || Number(port) > 0xffff)) {
    return { wrong: `has the port ${JSON.stringify(split.port)}`, remedy: "A UDP port is 1 to 65535." };
  }
  return { value: { host, ...(port !== undefined && { port }) } };
}

function splitPort(text: string): { host: string; port?: string } | undefined {
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    if (end < 0) return undefined;
    const rest = text.slice(end + 1);
    if (rest === "") return { host: text.slice(1, end) };
    return rest.startsWith(":") ? { host: text.slice(1, end), port: rest.slice(1) } : { host: text };
  }
  // More than one colon and no brackets: IPv6 without a port.
  const colon = text.indexOf(":");
  if (colon < 0 || text.includes(":", colon + 1)) return { host: text };
  return { host: text.slice(0, colon), port: text.slice(colon + 1) };
}

function wrongHost(host: string): { wrong: string; remedy: string } {
  if (/^[0-9.]+$/.test(host)) {
    return { wrong: "is no IPv4 address", remedy: "Write four numbers from 0 to 255, such as 192.0.2.1." };
  }
  if (host.includes(":")) {
    return {
      wrong: "is no IPv6 address",
      remedy: "Put an IPv6 address with a port in brackets: [2001:db8::1]:1701.",
    };
  }
  return {
    wrong: "is a host name",
    remedy: "Host names are not looked up: write the IP address, such as 192.0.2.1:1701.",
  };
}

/** The form of RFC 5952; a zone stays as it is. */
export function canonicalIpv6(address: string): string {
  const percent = address.indexOf("%");
  const bare = percent < 0 ? address : address.slice(0, percent);
  const zone = percent < 0 ? "" : address.slice(percent);
  return new URL(`http://[${bare}]`).hostname.slice(1, -1) + zone;
}

/** `fe80::/10`: means nothing without a zone. */
export function needsZone({ family, address }: SocketAddress): boolean {
  return family === 6 && /^fe[89ab][0-9a-f]:/.test(address) && !address.includes("%");
}

/** `0.0.0.0` and `::`. */
export function isUnspecified(address: string): boolean {
  return address === "0.0.0.0" || address.replace(/%.*$/, "") === "::";
}

/** 224.0.0.0/4 and ff00::/8. */
export function isMulticast({ family, address }: SocketAddress): boolean {
  return family === 6 ? /^ff[0-9a-f]{2}:/.test(address) : /^2(2[4-9]|3[0-9])\./.test(address);
}

/** Reads `10.0.0.1/24` and `2001:db8::1/64`. */
export function readInterfaceAddress(text: string): Read<InterfaceAddressConfig> {
  const slash = text.lastIndexOf("/");
  if (slash < 0)
    return { wrong: "has no prefix length", remedy: `Write ${text}/24, or what the network has.` };
  const address = text.slice(0, slash);
  const prefix = text.slice(slash + 1);
  const family = isIP(address);
  if (family === 0 || address.includes("%")) return { wrong: "is no IP address with a prefix length" };
  const longest = family === 4 ? 32 : 128;
  const prefixLength = Number(prefix);
  if (!/^[0-9]{1,3}$/.test(prefix) || prefixLength > longest) {
    return { wrong: `has no prefix length from 0 to ${longest}` };
  }
  return { value: { address: family === 6 ? canonicalIpv6(address) : address, prefixLength } };
}

/** Reads `02:00:00:00:00:01`, with `-` too, or six octets; the result is lower case with colons. */
export function readMac(written: string | readonly number[]): Read<string> {
  if (typeof written !== "string") {
    if (written.length !== 6)
      return { wrong: `has ${written.length} octets`, remedy: "A MAC address has 6." };
    return { value: written.map((octet) => octet.toString(16).padStart(2, "0")).join(":") };
  }
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(written)) return { wrong: "is no MAC address" };
  return { value: written.toLowerCase().replaceAll("-", ":") };
}

/** Reads an array of octets, or hex digits with or without `:` between the octets. */
export function readOctets(written: string | readonly number[]): Read<Uint8Array> {
  if (typeof written !== "string") return { value: Uint8Array.from(written) };
  const digits = written.replace(/^0x/i, "").replaceAll(":", "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) return { wrong: "is not made of pairs of hex digits" };
  return { value: Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)) };
}

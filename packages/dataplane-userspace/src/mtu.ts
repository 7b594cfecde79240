/** How large the frames of a session may be, so that what carries them fits the path. */
import type { Encapsulation } from "@l2tp/protocol";
import { dataHeaderLength, ETHERNET_HEADER } from "./packet/data-header.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
/** What an IPv4 total length, or an IPv6 payload length, can say. */
const LARGEST_PACKET = 65_535;
/** The least MTU of an interface with IPv4 (RFC 791). */
const LEAST_MTU = 68;
/** What is assumed of a path that has no route yet. */
export const USUAL_PATH_MTU = 1500;

/** What lies around an inner Ethernet frame's payload. */
export interface Encapsulating {
  readonly family: 4 | 6;
  readonly encapsulation: Encapsulation;
  readonly peerCookieLength: number;
  readonly sublayer: boolean;
}

/** Octets that encapsulation adds to the payload of an Ethernet frame, its own header included. */
export function overhead(around: Encapsulating): number {
  return (
    (around.family === 4 ? IPV4_HEADER : IPV6_HEADER) +
    (around.encapsulation === "udp" ? UDP_HEADER : 0) +
    dataHeaderLength(around.encapsulation, around.peerCookieLength, around.sublayer) +
    ETHERNET_HEADER
  );
}

/** MTU of a session's interface for a path that takes packets of `pathMtu` octets. */
export function interfaceMtu(pathMtu: number, around: Encapsulating): number {
  const largest = around.family === 4 ? LARGEST_PACKET : LARGEST_PACKET + IPV6_HEADER;
  return Math.max(LEAST_MTU, Math.min(pathMtu, largest, LARGEST_PACKET) - overhead(around));
}

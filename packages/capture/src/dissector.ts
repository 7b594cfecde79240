/**
 * From a captured frame to the datagram that it carries: link layer, VLAN tags, IP with its fragments, UDP.
 */
import { IP_PROTOCOL, type IpPacket, parseIp, walk } from "./ip.ts";
import { isSupportedLinkType, type LinkPayload, linkPayload } from "./link-layer.ts";
import type { CapturedPacket } from "./packet.ts";
import { Reassembler, type ReassemblyLimits } from "./reassembly.ts";

/** What an IP datagram carries, with the addresses around it. */
export interface Datagram {
  /** VLAN identifiers, the outermost first. */
  readonly vlans: readonly number[];
  readonly ipVersion: 4 | 6;
  /** 4 or 16 octets, views into the frame; `formatIpAddress` makes text of them. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** IP protocol number: 17 for UDP, 115 for L2TPv3. */
  readonly protocol: number;
  /** UDP ports; 0 for every other protocol. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The UDP payload, or what follows the IP headers for every other protocol. */
  readonly payload: Uint8Array;
  /** The datagram came in more than one fragment; the frame is the one that completed it. */
  readonly reassembled: boolean;
  /** Octets at the end of the payload that the capture did not keep, or that never were there. */
  readonly missing: number;
  /** What makes a receiver's UDP drop it: `payload` is then what a lenient reader would take. */
  readonly fault: string | undefined;
}

/** Why a frame gives no datagram. */
export type Skip =
  /** The link type of the interface is not known here. */
  | "unsupported-link-type"
  /** ARP, LLC and the like; also a frame too short for its link layer. */
  | "not-ip"
  /** An IP header that is cut, or whose lengths contradict each other. */
  | "broken-ip"
  /** A fragment; the datagram is not complete (yet). */
  | "fragment"
  /** The UDP header is cut. */
  | "broken-udp";

/** Octets of a UDP header: source port, destination port, length, checksum. */
const UDP_HEADER_LENGTH = 8;

/** Takes frames apart. Holds nothing but unfinished fragments, so one is needed for each capture. */
export class Dissector {
  readonly #reassembler: Reassembler;

  constructor(limits: ReassemblyLimits = {}) {
    this.#reassembler = new Reassembler(limits);
  }

  /** Datagrams of which fragments are still missing. */
  get unfinished(): number {
    return this.#reassembler.pending;
  }

  /** Datagrams whose fragments were given up: they timed out, overlapped, or were too many. */
  get abandoned(): number {
    return this.#reassembler.dropped;
  }

  /**
   * @param packet - borrowed; the datagram has views into it, unless it was put together of fragments.
   * @returns the datagram, or why there is none; never throws, whatever the octets are.
   */
  dissect(packet: CapturedPacket): Datagram | Skip {
    const link = linkPayload(packet.linkType, packet.data);
    if (link === undefined) return isSupportedLinkType(packet.linkType) ? "not-ip" : "unsupported-link-type";
    const bytes = link.offset === 0 ? packet.data : packet.data.subarray(link.offset);
    const ip = parseIp(bytes, link.ipVersion);
    if (ip === undefined) return "broken-ip";
    if (ip.fragment === undefined) return upperLayer(ip, link, false);
    const { timestamp } = packet;
    const nowMs = timestamp === undefined ? 0 : timestamp.seconds * 1000 + timestamp.nanoseconds / 1e6;
    const whole = this.#reassembler.add(nowMs, ip, link.vlans.join());
    if (whole === undefined) return "fragment";
    const { fragment: _, ...rest } = ip;
    const walked = walk({ ...rest, ...whole, missing: 0 });
    // A fragment inside a fragmented datagram is nobody's packet.
    return walked === undefined || walked.fragment !== undefined
      ? "broken-ip"
      : upperLayer(walked, link, true);
  }
}

function upperLayer(ip: IpPacket, link: LinkPayload, reassembled: boolean): Datagram | Skip {
  let { payload, missing } = ip;
  let sourcePort = 0;
  let destinationPort = 0;
  let fault: string | undefined;
  if (ip.protocol === IP_PROTOCOL.udp) {
    if (payload.length < UDP_HEADER_LENGTH) return "broken-udp";
    sourcePort = u16(payload, 0);
    destinationPort = u16(payload, 2);
    const said = u16(payload, 4);
    const there = payload.length + missing;
    // A length of 0 means "all of it" in IPv6 (RFC 2675 §4), and only there.
    let end = said === 0 && ip.version === 6 ? there : said;
    if (end < UDP_HEADER_LENGTH || end > there) {
      fault = `UDP length ${said} in an IP payload of ${there} octets`;
      end = there;
    }
    missing = Math.max(0, end - payload.length);
    payload = payload.subarray(UDP_HEADER_LENGTH, end);
  }
  const { version, source, destination, protocol } = ip;
  return {
    vlans: link.vlans,
    ipVersion: version,
    source,
    destination,
    protocol,
    sourcePort,
    destinationPort,
    payload,
    reassembled,
    missing,
    fault,
  };
}

function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

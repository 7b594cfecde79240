/**
 * Control messages of sendmsg and recvmsg (`struct cmsghdr`, cmsg(3)): building and reading them.
 *
 * {@link findControl} is for packet loops: it gives an offset and allocates nothing.
 */
import {
  cmsghdr,
  IP_PKTINFO,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPV6_PKTINFO,
  in_pktinfo,
  in6_pktinfo,
  SO_RXQ_OVFL,
  SOL_SOCKET,
  SOL_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from "./abi.ts";
import { formatIp, parseIp } from "./ip.ts";

/** One control message: who it is for, and its octets. */
export interface ControlMessage {
  readonly level: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** CMSG_ALIGN: messages begin at multiples of 8. */
const align = (octets: number) => (octets + 7) & ~7;
/** CMSG_LEN(n): what `cmsg_len` says. */
export const controlLength = (dataOctets: number): number => cmsghdr.size + dataOctets;
/** CMSG_SPACE(n): what one message takes in the buffer. */
export const controlSpace = (dataOctets: number): number => cmsghdr.size + align(dataOctets);

/** The buffer of `msg_control`, with every message padded to 8 octets. */
export function encodeControl(messages: readonly ControlMessage[]): Uint8Array {
  const octets = new Uint8Array(messages.reduce((sum, { data }) => sum + controlSpace(data.length), 0));
  const view = new DataView(octets.buffer);
  let at = 0;
  for (const { level, type, data } of messages) {
    view.setUint32(at + cmsghdr.cmsg_len, controlLength(data.length), true);
    view.setInt32(at + cmsghdr.cmsg_level, level, true);
    view.setInt32(at + cmsghdr.cmsg_type, type, true);
    octets.set(data, at + cmsghdr.size);
    at += controlSpace(data.length);
  }
  return octets;
}

/** The messages in a received control buffer (of `msg_controllen` octets); `data` are views into it. */
export function decodeControl(octets: Uint8Array): ControlMessage[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const messages: ControlMessage[] = [];
  for (let at = 0; at + cmsghdr.size <= octets.length; ) {
    const length = view.getUint32(at + cmsghdr.cmsg_len, true);
    if (length < cmsghdr.size || at + length > octets.length) break;
    messages.push({
      level: view.getInt32(at + cmsghdr.cmsg_level, true),
      type: view.getInt32(at + cmsghdr.cmsg_type, true),
      data: octets.subarray(at + cmsghdr.size, at + length),
    });
    at += align(length);
  }
  return messages;
}

/**
 * Where the data of a control message begins, or -1. For packet loops: no allocation.
 *
 * @param words - the arena in 32-bit words; the control buffer begins at a multiple of 8 octets.
 * @param start - octets from the arena's start to the control buffer.
 * @param length - its `msg_controllen`.
 * @returns octets from the arena's start to the message's data.
 */
export function findControl(
  words: Uint32Array,
  start: number,
  length: number,
  level: number,
  type: number,
): number {
  const end = start + length;
  for (let at = start; at + cmsghdr.size <= end; ) {
    const octets = words[at >> 2] as number;
    if (octets < cmsghdr.size || at + octets > end) return -1;
    if (words[(at + cmsghdr.cmsg_level) >> 2] === level && words[(at + cmsghdr.cmsg_type) >> 2] === type) {
      return at + cmsghdr.size;
    }
    at += align(octets);
  }
  return -1;
}

/** Which local address and interface a datagram came to, or is to leave from. */
export interface PacketInfo {
  /** The local address: of the datagram when received, to send from when sent. */
  readonly address: string;
  /** 0 when sending: let the routing decide. */
  readonly interfaceIndex: number;
}

/**
 * IP_PKTINFO or IPV6_PKTINFO by the address's family: send from this address (and interface).
 * @throws TypeError for a malformed address.
 */
export function packetInfoControl({ address, interfaceIndex }: PacketInfo): ControlMessage {
  const { octets } = parseIp(address);
  if (octets.length === 4) {
    const data = new Uint8Array(in_pktinfo.size);
    new DataView(data.buffer).setInt32(in_pktinfo.ipi_ifindex, interfaceIndex, true);
    data.set(octets, in_pktinfo.ipi_spec_dst);
    return { level: IPPROTO_IP, type: IP_PKTINFO, data };
  }
  const data = new Uint8Array(in6_pktinfo.size);
  data.set(octets, in6_pktinfo.ipi6_addr);
  new DataView(data.buffer).setUint32(in6_pktinfo.ipi6_ifindex, interfaceIndex, true);
  return { level: IPPROTO_IPV6, type: IPV6_PKTINFO, data };
}

/** UDP_SEGMENT: cut this send into datagrams of `octets`; the last may be shorter. */
export function segmentControl(octets: number): ControlMessage {
  return { level: SOL_UDP, type: UDP_SEGMENT, data: new Uint8Array(Uint16Array.of(octets).buffer) };
}

/** What recvmsg said beside the datagram, of the kinds this package knows. */
export interface ReceivedControl {
  readonly packetInfo?: PacketInfo;
  /** UDP_GRO: the buffer holds datagrams of this size, the last may be shorter. */
  readonly segmentOctets?: number;
  /** SO_RXQ_OVFL: datagrams that this socket has dropped for want of buffer since it was made. */
  readonly dropped?: number;
}

/** Reads a received control buffer; unknown messages are passed over. */
export function readControl(octets: Uint8Array): ReceivedControl {
  const result: { packetInfo?: PacketInfo; segmentOctets?: number; dropped?: number } = {};
  for (const { level, type, data } of decodeControl(octets)) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    if (level === IPPROTO_IP && type === IP_PKTINFO && data.length >= in_pktinfo.size) {
      const at = in_pktinfo.ipi_addr;
      result.packetInfo = {
        address: formatIp(data.subarray(at, at + 4)),
        interfaceIndex: view.getInt32(in_pktinfo.ipi_ifindex, true),
      };
    } else if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && data.length >= in6_pktinfo.size) {
      result.packetInfo = {
        address: formatIp(data.subarray(in6_pktinfo.ipi6_addr, in6_pktinfo.ipi6_addr + 16)),
        interfaceIndex: view.getUint32(in6_pktinfo.ipi6_ifindex, true),
      };
    } else if (level === SOL_UDP && type === UDP_GRO && data.length >= 2) {
      // An int in the kernel's source; the first kernels with it wrote a u16.
      result.segmentOctets = data.length >= 4 ? view.getInt32(0, true) : view.getUint16(0, true);
    } else if (level === SOL_SOCKET && type === SO_RXQ_OVFL && data.length >= 4) {
      result.dropped = view.getUint32(0, true);
    }
  }
  return result;
}

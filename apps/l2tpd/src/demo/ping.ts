/**
 * ICMP Echo (RFC 792) on a raw socket, as a machine with only Node has no `ping`. It blocks its thread while it
 * waits, and so runs in a process of its own; in return the round trip time is not the event loop's.
 */
import { randomInt } from "node:crypto";
import { abi, encodeSocketAddress, type Fd, sys } from "@l2tp/linux";

/** What became of one echo request. */
export interface PingResult {
  readonly sequence: number;
  /** Undefined: no reply within the time. */
  readonly rttMs: number | undefined;
}

const ICMP_ECHO_REPLY = 0;
const ICMP_ECHO_REQUEST = 8;
const ICMP_HEADER_OCTETS = 8;
/** As much as `ping` sends. */
const DATA_OCTETS = 56;
const IPPROTO_ICMP = 1;
/** `struct pollfd`: int fd, short events, short revents. */
const POLLFD_OCTETS = 8;
const POLLIN = 1;

/** The Internet checksum, RFC 1071. */
export function internetChecksum(octets: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) sum += ((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An Echo message with its checksum. */
export function echoRequest(identifier: number, sequence: number): Uint8Array {
  const message = new Uint8Array(ICMP_HEADER_OCTETS + DATA_OCTETS);
  const view = new DataView(message.buffer);
  message[0] = ICMP_ECHO_REQUEST;
  view.setUint16(4, identifier);
  view.setUint16(6, sequence & 0xffff);
  for (let i = 0; i < DATA_OCTETS; i++) message[ICMP_HEADER_OCTETS + i] = i;
  view.setUint16(2, internetChecksum(message));
  return message;
}

/** Whether an IPv4 packet, header and all as a raw socket gives it, is the reply to this request. */
export function isEchoReply(packet: Uint8Array, identifier: number, sequence: number): boolean {
  const at = ((packet[0] ?? 0) & 0x0f) * 4;
  if (packet.length < at + ICMP_HEADER_OCTETS || packet[at] !== ICMP_ECHO_REPLY) return false;
  const view = new DataView(packet.buffer, packet.byteOffset + at, packet.length - at);
  return view.getUint16(4) === identifier && view.getUint16(6) === (sequence & 0xffff);
}

/** Sends echo requests to one IPv4 address. */
export class Pinger implements Disposable {
  readonly #fd: Fd;
  readonly #to: Uint8Array;
  readonly #identifier = randomInt(0x10000);
  readonly #buffer = new Uint8Array(2048);
  #sequence = 0;

  /** @throws SyscallError EPERM without CAP_NET_RAW. */
  constructor(address: string) {
    this.#to = encodeSocketAddress({ family: 4, address, port: 0 });
    this.#fd = sys.socket(abi.AF_INET, abi.SOCK_RAW | abi.SOCK_CLOEXEC, IPPROTO_ICMP, "ICMP");
  }

  /** Blocks until the reply is there, at most `timeoutMs`. */
  ping(timeoutMs: number): PingResult {
    this.#sequence += 1;
    const sequence = this.#sequence;
    const sentAt = performance.now();
    try {
      sys.sendto(this.#fd, echoRequest(this.#identifier, sequence), this.#to);
    } catch {
      return { sequence, rttMs: undefined }; // no route, no buffer: as good as lost
    }
    for (;;) {
      const leftMs = Math.ceil(sentAt + timeoutMs - performance.now());
      if (leftMs <= 0 || !this.#readable(leftMs)) return { sequence, rttMs: undefined };
      const octets = sys.recv(this.#fd, this.#buffer);
      const now = performance.now();
      if (isEchoReply(this.#buffer.subarray(0, octets), this.#identifier, sequence)) {
        return { sequence, rttMs: now - sentAt };
      }
    }
  }

  #readable(timeoutMs: number): boolean {
    const pollfd = new Uint8Array(POLLFD_OCTETS);
    const view = new DataView(pollfd.buffer);
    view.setInt32(0, this.#fd, true);
    view.setInt16(4, POLLIN, true);
    return sys.poll(pollfd, 1, timeoutMs) > 0;
  }

  [Symbol.dispose](): void {
    sys.close(this.#fd);
  }
}

/**
 * The sockets of a wire. One for control messages, which the main thread reads; one for data, which the workers
 * read and send by; and, when sessions ask for another fragmentation policy or for no UDP checksum, more to send
 * data by, as these are properties of a socket.
 *
 * Over UDP the sockets share one port (`SO_REUSEPORT`), and a classic BPF program steers each datagram by its
 * T bit. Over IP protocol 115 they are raw sockets, each with a filter on the session ID. None of it needs a
 * privilege but the raw sockets (CAP_NET_RAW).
 */
import { type Binding, PlaneError, planeError } from "@l2tp/dataplane";
import {
  abi,
  assembleBpf,
  attachFilter,
  attachReuseportFilter,
  decodeSocketAddress,
  encodeSocketAddress,
  type Fd,
  raw,
  SyscallError,
  sys,
} from "@l2tp/linux";
import type { SocketAddress } from "@l2tp/protocol";
import { claimRaw } from "./raw-claims.ts";

/** Asked for the data socket; what the system gives is in the status. */
const DATA_BUFFER = 8 * 1024 * 1024;
/** Control messages are small and few, but a thousand tunnels may say hello at once. */
const CONTROL_BUFFER = 1024 * 1024;

/** What the outer packets may suffer: `MtuPolicy.dontFragment`. */
export type Fragmentation = "set" | "clear" | "path";

const DISCOVER: Readonly<Record<Fragmentation, number>> = {
  set: abi.IP_PMTUDISC_DO,
  clear: abi.IP_PMTUDISC_DONT,
  path: abi.IP_PMTUDISC_WANT,
};

/** The T bit (RFC 3931 §3.2.1) chooses the socket: 0 the first that was bound, for control; 1 the second. */
const STEER_BY_T_BIT = assembleBpf([
  ["ldb", 0],
  ["jset", 0x80, "control"],
  ["ret", 1],
  "control",
  ["ret", 0],
]);

/**
 * Session ID 0 marks a control message over IP (RFC 3931 §4.1.1.2). What is too short for a session ID goes to the
 * data socket, where it is counted; a load beyond the end would drop it unseen.
 */
function sessionFilter(family: 4 | 6, wanted: "control" | "data"): Uint8Array {
  const keep = 0xffff_ffff;
  const load =
    family === 4
      ? ([
          ["ldx-ip-header", 0],
          ["ldw-x", 0],
        ] as const)
      : ([["ldw", 0]] as const);
  return assembleBpf([
    ["ld-len"],
    ["jge", family === 4 ? 24 : 4, null, "data"],
    ...load,
    ["jeq", 0, "control"],
    "data",
    ["ret", wanted === "data" ? keep : 0],
    "control",
    ["ret", wanted === "data" ? 0 : keep],
  ]);
}

const NOTHING = assembleBpf([["ret", 0]]);

/** The sockets of one wire. */
export class WireSockets {
  readonly local: SocketAddress;
  readonly control: Fd;
  readonly data: Fd;
  /** The wire is bound to all addresses of its family. */
  readonly wildcard: boolean;
  /** Why UDP_GRO is not in use, if it is not. */
  readonly withoutGro: string | undefined;
  /** Octets of the data socket's receive buffer. */
  readonly receiveBuffer: number;
  readonly #binding: Binding;
  readonly #inNamespace: <T>(work: () => T) => T;
  readonly #senders = new Map<string, Fd>();
  #unclaim: () => void = () => {};

  /**
   * @param binding - where to listen.
   * @param gro - whether to ask for UDP_GRO.
   * @param inNamespace - runs work in the wire's network namespace.
   * @throws PlaneError
   */
  constructor(binding: Binding, gro: boolean, inNamespace: <T>(work: () => T) => T) {
    this.#binding = binding;
    this.#inNamespace = inNamespace;
    const { address } = binding.local;
    this.wildcard = address === "0.0.0.0" || /^[0:]+$/.test(address);
    const opened: Fd[] = [];
    try {
      const { local, control, data } = inNamespace(() =>
        binding.encapsulation === "udp" ? this.#udp(opened) : this.#ip(opened),
      );
      this.local = local;
      this.control = control;
      this.data = data;
      this.receiveBuffer = growBuffer(data, DATA_BUFFER);
      growBuffer(control, CONTROL_BUFFER);
      raw().setsockopt(data, abi.SOL_SOCKET, abi.SO_RXQ_OVFL, Int32Array.of(1), 4);
      // The kernel gives an ICMP error to either of the two, as it does not ask the steering program for it.
      for (const fd of [control, data]) wantErrors(fd, binding.local.family);
      this.withoutGro = binding.encapsulation === "udp" && gro ? enableGro(data) : undefined;
    } catch (error) {
      for (const fd of opened) sys.close(fd);
      this.#unclaim();
      throw planeError(error, `wire on ${describe(binding)}`);
    }
    this.#senders.set("path", this.data);
  }

  #udp(opened: Fd[]): { local: SocketAddress; control: Fd; data: Fd } {
    const { local } = this.#binding;
    // Bound without SO_REUSEPORT first: otherwise two programs of one user would share the port unnoticed.
    const probe = this.#bound(local, false, opened);
    const name = decodeSocketAddress(sys.getsockname(probe)) as SocketAddress;
    sys.close(opened.pop() as Fd);
    const taken: SocketAddress = { family: local.family, address: local.address, port: name.port };
    const control = this.#bound(taken, true, opened);
    attachReuseportFilter(control, STEER_BY_T_BIT);
    const data = this.#bound(taken, true, opened);
    this.#wantPacketInfo(control);
    if (this.wildcard) this.#wantPacketInfo(data);
    return { local: taken, control, data };
  }

  #bound(local: SocketAddress, reusePort: boolean, opened: Fd[]): Fd {
    const what = describe({ ...this.#binding, local });
    const family = local.family === 4 ? abi.AF_INET : abi.AF_INET6;
    const fd = sys.socket(family, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, what);
    opened.push(fd);
    if (local.family === 6) sys.setsockoptInt(fd, abi.IPPROTO_IPV6, abi.IPV6_V6ONLY, 1, what);
    if (reusePort) sys.setsockoptInt(fd, abi.SOL_SOCKET, abi.SO_REUSEPORT, 1, what);
    sys.bind(fd, encodeSocketAddress(local), what);
    return fd;
  }

  #ip(opened: Fd[]): { local: SocketAddress; control: Fd; data: Fd } {
    const { local } = this.#binding;
    this.#unclaim = claimRaw(local);
    const control = this.#raw(local, sessionFilter(local.family, "control"), opened);
    const data = this.#raw(local, sessionFilter(local.family, "data"), opened);
    this.#wantPacketInfo(control);
    return { local: { family: local.family, address: local.address, port: 0 }, control, data };
  }

  #raw(local: SocketAddress, filter: Uint8Array, opened: Fd[]): Fd {
    const what = `raw socket of IP protocol 115 on ${local.address}`;
    const family = local.family === 4 ? abi.AF_INET : abi.AF_INET6;
    const fd = sys.socket(family, abi.SOCK_RAW | abi.SOCK_NONBLOCK, abi.IPPROTO_L2TP, what);
    opened.push(fd);
    // Before the bind, so that nothing else is ever in its queue.
    attachFilter(fd, filter);
    sys.bind(fd, encodeSocketAddress({ ...local, port: 0 }), what);
    return fd;
  }

  /** Each datagram comes with the address that it was sent to. */
  #wantPacketInfo(fd: Fd): void {
    if (this.#binding.local.family === 4) sys.setsockoptInt(fd, abi.IPPROTO_IP, abi.IP_PKTINFO, 1);
    else sys.setsockoptInt(fd, abi.IPPROTO_IPV6, abi.IPV6_RECVPKTINFO, 1);
  }

  /**
   * The socket that sends data with these properties; it is made when it is first asked for.
   * @throws PlaneError
   */
  sender(fragmentation: Fragmentation, udpChecksum: boolean): Fd {
    const udp = this.#binding.encapsulation === "udp";
    const key = fragmentation + (udp && !udpChecksum ? " without checksum" : "");
    let fd = this.#senders.get(key);
    if (fd === undefined) {
      const opened: Fd[] = [];
      try {
        fd = this.#inNamespace(() => this.#openSender(fragmentation, udp && !udpChecksum, opened));
      } catch (error) {
        for (const half of opened) sys.close(half);
        throw planeError(error, `sending socket of the wire on ${describe(this.#binding)}`);
      }
      this.#senders.set(key, fd);
    }
    return fd;
  }

  #openSender(fragmentation: Fragmentation, withoutChecksum: boolean, opened: Fd[]): Fd {
    const { family } = this.local;
    // Bound third or later, so the steering program never chooses it; a raw one is told to receive nothing.
    const fd =
      this.#binding.encapsulation === "udp"
        ? this.#bound(this.local, true, opened)
        : this.#raw(this.local, NOTHING, opened);
    const level = family === 4 ? abi.IPPROTO_IP : abi.IPPROTO_IPV6;
    const option = family === 4 ? abi.IP_MTU_DISCOVER : abi.IPV6_MTU_DISCOVER;
    sys.setsockoptInt(fd, level, option, DISCOVER[fragmentation]);
    if (withoutChecksum) {
      if (family === 4) sys.setsockoptInt(fd, abi.SOL_SOCKET, abi.SO_NO_CHECK, 1);
      else sys.setsockoptInt(fd, abi.SOL_UDP, abi.UDP_NO_CHECK6_TX, 1);
    }
    return fd;
  }

  close(): void {
    for (const fd of new Set([...this.#senders.values(), this.control])) sys.close(fd);
    this.#senders.clear();
    this.#unclaim();
  }
}

/** Asks for a large buffer, beyond the system's limit where that is allowed; returns what it has become. */
function growBuffer(fd: Fd, octets: number): number {
  const value = Int32Array.of(octets);
  if (raw().setsockopt(fd, abi.SOL_SOCKET, abi.SO_RCVBUFFORCE, value, 4) < 0) {
    raw().setsockopt(fd, abi.SOL_SOCKET, abi.SO_RCVBUF, value, 4);
  }
  if (raw().setsockopt(fd, abi.SOL_SOCKET, abi.SO_SNDBUFFORCE, value, 4) < 0) {
    raw().setsockopt(fd, abi.SOL_SOCKET, abi.SO_SNDBUF, value, 4);
  }
  return sys.getsockoptInt(fd, abi.SOL_SOCKET, abi.SO_RCVBUF);
}

/** ICMP errors for datagrams that were sent are queued, with their destination. */
function wantErrors(fd: Fd, family: 4 | 6): void {
  if (family === 4) sys.setsockoptInt(fd, abi.IPPROTO_IP, abi.IP_RECVERR, 1);
  else sys.setsockoptInt(fd, abi.IPPROTO_IPV6, abi.IPV6_RECVERR, 1);
}

/** Turns UDP_GRO on; returns why not when the kernel refuses (before Linux 5.0). */
function enableGro(fd: Fd): string | undefined {
  const result = raw().setsockopt(fd, abi.SOL_UDP, abi.UDP_GRO, Int32Array.of(1), 4);
  return result < 0 ? new SyscallError("setsockopt", -result, "UDP_GRO").message : undefined;
}

/** For messages: `udp 192.0.2.1:1701`. */
export function describe(binding: Binding): string {
  const { address, family, port } = binding.local;
  if (binding.encapsulation === "ip") return `IP protocol 115 on ${address}`;
  return family === 4 ? `UDP ${address}:${port}` : `UDP [${address}]:${port}`;
}

/** A destination address of the wire's family, for messages sent over it. */
export function encodeDestination(to: SocketAddress, encapsulation: Binding["encapsulation"]): Uint8Array {
  try {
    return encodeSocketAddress({ ...to, port: encapsulation === "udp" ? to.port : 0 });
  } catch (error) {
    throw new PlaneError("invalid-parameters", error instanceof Error ? error.message : String(error), {
      cause: error,
    });
  }
}

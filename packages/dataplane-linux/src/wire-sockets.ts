/**
 * The sockets of a wire: one that listens, and one for each managed tunnel, connected to its peer, which the kernel
 * carries data by and passes control messages up from.
 *
 * Over UDP all have the same port. The kernel's look-up prefers a connected socket for what its peer sends; all else is
 * the listener's. They share the port by SO_REUSEADDR, which the listener has only in the moment when a tunnel's socket
 * is bound: so no other program gets to share it, and there is no group of sockets among which the kernel would spread
 * what is nobody's yet.
 *
 * Over IP the socket of a tunnel is bound to its connection ID, the listener to 0 (what belongs to no tunnel).
 */
import { randomInt } from "node:crypto";
import { PlaneError } from "@l2tp/dataplane";
import { abi, decodeSocketAddress, type Fd, raw, sys } from "@l2tp/linux";
import type { Encapsulation, IpAddress, SocketAddress } from "@l2tp/protocol";
import { isErrno, socketError } from "./failure.ts";
import { describePlace, isWildcard, wireAddress } from "./sockaddr.ts";

/** Control messages are small, but a thousand tunnels may say hello, or begin, at once. */
const LISTENER_BUFFER = 1024 * 1024;
/** Random connection IDs that are tried for a socket that is only to send. */
const SENDER_ATTEMPTS = 20;

/** Where a wire's sockets are to be. */
export interface WirePlace {
  readonly encapsulation: Encapsulation;
  readonly local: SocketAddress;
  /** Runs work in the wire's network namespace. */
  readonly inNamespace: <T>(work: () => T) => T;
}

/** How a tunnel's socket is to be. */
export interface TunnelSocketOptions {
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  /** The address to bind; the wire's when that is not all of them. */
  readonly local: IpAddress;
  readonly peer: SocketAddress;
  readonly udpChecksum: boolean;
}

export class WireSockets {
  readonly encapsulation: Encapsulation;
  /** With the port that was really bound. */
  readonly local: SocketAddress;
  /** The wire is bound to all addresses of its family. */
  readonly wildcard: boolean;
  readonly #place: WirePlace;
  #listener: Fd | undefined;
  /** Sockets that send from one address of a wildcard wire over IPv4, where packet info is not heeded. */
  readonly #senders = new Map<IpAddress, Fd>();

  /** @throws PlaneError */
  constructor(place: WirePlace) {
    this.#place = place;
    this.encapsulation = place.encapsulation;
    this.wildcard = isWildcard(place.local.address);
    const [fd, port] = this.#attempt(`wire on ${describePlace(place.encapsulation, place.local)}`, () =>
      this.#openListener(place.local),
    );
    this.#listener = fd;
    this.local = { ...place.local, port };
  }

  /** The socket for what belongs to no tunnel; `undefined` while it is put away. */
  get listener(): Fd | undefined {
    return this.#listener;
  }

  #attempt<T>(doing: string, work: () => T): T {
    try {
      return this.#place.inNamespace(work);
    } catch (error) {
      const { encapsulation, local } = this.#place;
      throw socketError(error, doing, { encapsulation, family: local.family });
    }
  }

  #socket(what: string): Fd {
    const family = this.#place.local.family === 4 ? abi.AF_INET : abi.AF_INET6;
    const udp = this.encapsulation === "udp";
    const fd = sys.socket(family, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, udp ? 0 : abi.IPPROTO_L2TP, what);
    // Over IP the two families have tables of their own.
    if (udp && family === abi.AF_INET6) sys.setsockoptInt(fd, abi.IPPROTO_IPV6, abi.IPV6_V6ONLY, 1, what);
    return fd;
  }

  /** In the wire's namespace. */
  #openListener(local: SocketAddress): [Fd, number] {
    const what = describePlace(this.encapsulation, local);
    const fd = this.#socket(what);
    try {
      sys.bind(fd, wireAddress(this.encapsulation, local, 0), what);
      this.#wantPacketInfo(fd);
      growBuffer(fd, LISTENER_BUFFER);
      raw().setsockopt(fd, abi.SOL_SOCKET, abi.SO_RXQ_OVFL, Int32Array.of(1), 4);
      const bound = decodeSocketAddress(sys.getsockname(fd));
      return [fd, this.encapsulation === "udp" && "port" in bound ? bound.port : 0];
    } catch (error) {
      sys.close(fd);
      throw error;
    }
  }

  #wantPacketInfo(fd: Fd): void {
    if (this.#place.local.family === 4) sys.setsockoptInt(fd, abi.IPPROTO_IP, abi.IP_PKTINFO, 1);
    else sys.setsockoptInt(fd, abi.IPPROTO_IPV6, abi.IPV6_RECVPKTINFO, 1);
  }

  /** Closes the listener, so that the kernel can have its port. */
  putListenerAway(): void {
    if (this.#listener !== undefined) sys.close(this.#listener);
    this.#listener = undefined;
  }

  /** Opens it again. @throws PlaneError */
  bringListenerBack(): Fd {
    [this.#listener] = this.#attempt(`wire on ${describePlace(this.encapsulation, this.local)}`, () =>
      this.#openListener(this.local),
    );
    return this.#listener;
  }

  /**
   * Opens a tunnel's socket and connects it to the peer. In the moment between the two it may get what others sent:
   * whoever reads it must look at each datagram's sender.
   * @throws PlaneError
   */
  openTunnel(options: TunnelSocketOptions, reserved?: Fd): Fd {
    const { tunnelId, local, peer } = options;
    const at = { ...this.local, address: local };
    return this.#attempt(
      `tunnel ${tunnelId} from ${describePlace(this.encapsulation, at)} to ${peer.address}`,
      () => {
        const fd = reserved ?? this.#bound(at, tunnelId, `tunnel ${tunnelId}`);
        try {
          this.#connect(fd, options);
          if (!options.udpChecksum) this.#withoutChecksum(fd);
          return fd;
        } catch (error) {
          if (reserved === undefined) sys.close(fd);
          throw error;
        }
      },
    );
  }

  /** Connects a tunnel's socket, also to another peer than before. @throws SyscallError */
  connect(fd: Fd, to: Omit<TunnelSocketOptions, "local" | "udpChecksum">): void {
    this.#place.inNamespace(() => this.#connect(fd, to));
  }

  /** In the wire's namespace, whose interfaces the name of a scope is among; entering it is no small thing. */
  #connect(
    fd: Fd,
    { tunnelId, peerTunnelId, peer }: Omit<TunnelSocketOptions, "local" | "udpChecksum">,
  ): void {
    const address = wireAddress(this.encapsulation, peer, peerTunnelId);
    sys.connect(fd, address, `tunnel ${tunnelId} to ${peer.address}`);
  }

  /**
   * Holds a connection ID over IP: from now on the control messages to it arrive.
   * @throws PlaneError `id-in-use`, `limit`
   */
  openReservation(tunnelId: number): Fd {
    const doing = `tunnel ID ${tunnelId} on ${describePlace(this.encapsulation, this.local)}`;
    try {
      return this.#place.inNamespace(() => this.#bound(this.local, tunnelId, doing));
    } catch (error) {
      if (isErrno(error, "EADDRINUSE")) {
        throw new PlaneError("id-in-use", `${doing}: another socket has it`, { cause: error });
      }
      throw socketError(error, doing, { encapsulation: this.encapsulation, family: this.local.family });
    }
  }

  /** A socket beside the listener, on the same port or with another ID; in the wire's namespace. */
  #bound(at: SocketAddress, connectionId: number, what: string): Fd {
    const fd = this.#socket(what);
    const listener = this.encapsulation === "udp" ? this.#listener : undefined;
    try {
      if (listener !== undefined) {
        sys.setsockoptInt(fd, abi.SOL_SOCKET, abi.SO_REUSEADDR, 1, what);
        sys.setsockoptInt(listener, abi.SOL_SOCKET, abi.SO_REUSEADDR, 1, what);
      }
      this.#wantPacketInfo(fd);
      sys.bind(fd, wireAddress(this.encapsulation, at, connectionId), what);
      return fd;
    } catch (error) {
      sys.close(fd);
      throw error;
    } finally {
      if (listener !== undefined) sys.setsockoptInt(listener, abi.SOL_SOCKET, abi.SO_REUSEADDR, 0);
    }
  }

  #withoutChecksum(fd: Fd): void {
    if (this.encapsulation !== "udp") return;
    if (this.local.family === 4) {
      sys.setsockoptInt(fd, abi.SOL_SOCKET, abi.SO_NO_CHECK, 1, "SO_NO_CHECK");
    } else {
      // Zero is no checksum that IPv6 allows unless both ends agree (RFC 6935): as the peer is told to send none, too.
      sys.setsockoptInt(fd, abi.SOL_UDP, abi.UDP_NO_CHECK6_TX, 1, "UDP_NO_CHECK6_TX");
      sys.setsockoptInt(fd, abi.SOL_UDP, abi.UDP_NO_CHECK6_RX, 1, "UDP_NO_CHECK6_RX");
    }
  }

  /**
   * A socket that sends from this address, where packet info cannot say it: L2TP/IP over IPv4. It is bound to an ID
   * that is nobody's; `undefined` when it cannot be had.
   */
  sender(address: IpAddress, opened: (fd: Fd) => void): Fd | undefined {
    const known = this.#senders.get(address);
    if (known !== undefined) return known;
    for (let attempt = 0; attempt < SENDER_ATTEMPTS; attempt++) {
      try {
        const at = { ...this.local, address };
        const fd = this.#place.inNamespace(() => this.#bound(at, randomInt(2 ** 31, 2 ** 32), "sender"));
        this.#senders.set(address, fd);
        opened(fd);
        return fd;
      } catch (error) {
        if (!isErrno(error, "EADDRINUSE")) return undefined;
      }
    }
    return undefined;
  }

  close(): void {
    this.putListenerAway();
    for (const fd of this.#senders.values()) sys.close(fd);
    this.#senders.clear();
  }
}

/** Asks for a larger buffer, beyond the system's limit where that is allowed. */
function growBuffer(fd: Fd, octets: number): void {
  const value = Int32Array.of(octets);
  if (raw().setsockopt(fd, abi.SOL_SOCKET, abi.SO_RCVBUFFORCE, value, 4) < 0) {
    raw().setsockopt(fd, abi.SOL_SOCKET, abi.SO_RCVBUF, value, 4);
  }
}

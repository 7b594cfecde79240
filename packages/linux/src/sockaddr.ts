/**
 * `struct sockaddr_*` to and from values: IPv4, IPv6 with scope, UNIX (path and abstract), netlink.
 * Layouts and byte orders are those of `abi.ts`.
 */
import {
  AF_INET,
  AF_INET6,
  AF_NETLINK,
  AF_UNIX,
  IFNAMSIZ,
  ifreq,
  SIOCGIFINDEX,
  SIOCGIFNAME,
  SOCK_DGRAM,
  sockaddr_in,
  sockaddr_in6,
  sockaddr_un,
} from "./abi.ts";
import { sockaddr_nl } from "./abi-netlink.ts";
import { formatIp, parseIp } from "./ip.ts";
import { close, ioctl, socket } from "./sys.ts";

/** An IP address and port; `port` is 0 where the protocol has none. */
export interface InetSocketAddress {
  readonly family: 4 | 6;
  /** `192.0.2.1`, `2001:db8::1`; a link-local one with its interface, `fe80::1%eth0` or `fe80::1%3`. */
  readonly address: string;
  readonly port: number;
}

/** A UNIX socket; a path that begins with `@` is an abstract name, as `ss` and systemd write it. */
export interface UnixSocketAddress {
  readonly family: "unix";
  readonly path: string;
}

/** A netlink socket: `portId` 0 is the kernel, or "choose one" in bind. */
export interface NetlinkSocketAddress {
  readonly family: "netlink";
  readonly portId: number;
  /** The first 32 multicast groups as bits. */
  readonly groups: number;
}

/** Any address that {@link encodeSocketAddress} knows. */
export type AnySocketAddress = InetSocketAddress | UnixSocketAddress | NetlinkSocketAddress;

/**
 * A value to what bind, connect and sendto take. The name of a scope (`%eth0`) is looked up in the calling
 * thread's network namespace.
 * @throws TypeError for a malformed address, RangeError for a port or path that does not fit,
 * {@link SyscallError} ENODEV for a scope that is no interface.
 */
export function encodeSocketAddress(value: AnySocketAddress): Uint8Array {
  switch (value.family) {
    case 4:
    case 6:
      return encodeInet(value);
    case "unix":
      return encodeUnix(value.path);
    case "netlink": {
      const octets = new Uint8Array(sockaddr_nl.size);
      const view = new DataView(octets.buffer);
      view.setUint16(sockaddr_nl.nl_family, AF_NETLINK, true);
      view.setUint32(sockaddr_nl.nl_pid, value.portId, true);
      view.setUint32(sockaddr_nl.nl_groups, value.groups, true);
      return octets;
    }
  }
}

function encodeInet({ family, address, port }: InetSocketAddress): Uint8Array {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`port ${port} of ${address}: expected 0 to 65535`);
  }
  const { octets: ip, scope } = parseIp(address);
  if (ip.length !== (family === 4 ? 4 : 16)) throw new TypeError(`${address} is no IPv${family} address`);
  if (family === 4) {
    const octets = new Uint8Array(sockaddr_in.size);
    const view = new DataView(octets.buffer);
    view.setUint16(sockaddr_in.sin_family, AF_INET, true);
    view.setUint16(sockaddr_in.sin_port, port, false);
    octets.set(ip, sockaddr_in.sin_addr);
    return octets;
  }
  const octets = new Uint8Array(sockaddr_in6.size);
  const view = new DataView(octets.buffer);
  view.setUint16(sockaddr_in6.sin6_family, AF_INET6, true);
  view.setUint16(sockaddr_in6.sin6_port, port, false);
  octets.set(ip, sockaddr_in6.sin6_addr);
  if (scope !== undefined) view.setUint32(sockaddr_in6.sin6_scope_id, scopeIndex(scope), true);
  return octets;
}

const scopeIndex = (scope: string) => (/^[0-9]+$/.test(scope) ? Number(scope) : interfaceIndex(scope));

function encodeUnix(path: string): Uint8Array {
  const name = new TextEncoder().encode(path.startsWith("@") ? `\0${path.slice(1)}` : path);
  const room = sockaddr_un.size - sockaddr_un.sun_path;
  // An abstract name is as long as the address says; a path ends with NUL.
  const length = path.startsWith("@") ? name.length : name.length + 1;
  if (length > room)
    throw new RangeError(`the socket path ${path} has ${name.length} octets: at most ${room - 1} fit`);
  const octets = new Uint8Array(sockaddr_un.sun_path + length);
  new DataView(octets.buffer).setUint16(sockaddr_un.sun_family, AF_UNIX, true);
  octets.set(name, sockaddr_un.sun_path);
  return octets;
}

/**
 * What the kernel wrote to a value. A scope is given as its number (`fe80::1%3`), which names the interface
 * also after it was renamed; see {@link interfaceName}.
 * @throws RangeError for a family that is not among ours, or a truncated structure.
 */
export function decodeSocketAddress(octets: Uint8Array): AnySocketAddress {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const family = octets.length >= 2 ? view.getUint16(0, true) : -1;
  if (family === AF_INET && octets.length >= sockaddr_in.size) {
    const ip = octets.subarray(sockaddr_in.sin_addr, sockaddr_in.sin_addr + 4);
    return { family: 4, address: formatIp(ip), port: view.getUint16(sockaddr_in.sin_port, false) };
  }
  if (family === AF_INET6 && octets.length >= sockaddr_in6.size) {
    const ip = formatIp(octets.subarray(sockaddr_in6.sin6_addr, sockaddr_in6.sin6_addr + 16));
    const scope = view.getUint32(sockaddr_in6.sin6_scope_id, true);
    return {
      family: 6,
      address: scope === 0 ? ip : `${ip}%${scope}`,
      port: view.getUint16(sockaddr_in6.sin6_port, false),
    };
  }
  if (family === AF_UNIX) {
    const path = octets.subarray(sockaddr_un.sun_path);
    const text = (part: Uint8Array) => new TextDecoder().decode(part);
    if (path.length > 0 && path[0] === 0) return { family: "unix", path: `@${text(path.subarray(1))}` };
    const end = path.indexOf(0);
    return { family: "unix", path: text(end < 0 ? path : path.subarray(0, end)) };
  }
  if (family === AF_NETLINK && octets.length >= sockaddr_nl.size) {
    return {
      family: "netlink",
      portId: view.getUint32(sockaddr_nl.nl_pid, true),
      groups: view.getUint32(sockaddr_nl.nl_groups, true),
    };
  }
  throw new RangeError(`a socket address of family ${family} and ${octets.length} octets is not understood`);
}

/** The `struct ifreq` with a name in it. */
export function ifreqOf(name: string): Uint8Array {
  const octets = new Uint8Array(ifreq.size);
  const encoded = new TextEncoder().encode(name);
  if (
    encoded.length === 0 ||
    encoded.length >= IFNAMSIZ ||
    /[/\s\0]/.test(name) ||
    name === "." ||
    name === ".."
  ) {
    throw new TypeError(
      `"${name}" is no interface name: expected 1 to ${IFNAMSIZ - 1} octets without blanks and slashes`,
    );
  }
  octets.set(encoded, ifreq.ifr_name);
  return octets;
}

/** The name in a `struct ifreq`. */
export function nameInIfreq(octets: Uint8Array): string {
  const end = octets.indexOf(0);
  return new TextDecoder().decode(octets.subarray(0, end < 0 || end >= IFNAMSIZ ? IFNAMSIZ - 1 : end));
}

/**
 * The index of an interface by name, in the calling thread's network namespace (`if_nametoindex`).
 * @throws {@link SyscallError} ENODEV when there is none.
 */
export function interfaceIndex(name: string): number {
  const request = ifreqOf(name);
  withControlSocket((fd) => ioctl(fd, SIOCGIFINDEX, request, `SIOCGIFINDEX ${name}`));
  return new DataView(request.buffer).getInt32(ifreq.ifr_ifindex, true);
}

/**
 * The name of an interface by index, in the calling thread's network namespace (`if_indextoname`).
 * @throws {@link SyscallError} ENODEV when there is none.
 */
export function interfaceName(index: number): string {
  const request = new Uint8Array(ifreq.size);
  new DataView(request.buffer).setInt32(ifreq.ifr_ifindex, index, true);
  withControlSocket((fd) => ioctl(fd, SIOCGIFNAME, request, `SIOCGIFNAME ${index}`));
  return nameInIfreq(request);
}

/** Interface ioctls need any socket of the namespace. */
function withControlSocket(use: (fd: ReturnType<typeof socket>) => void): void {
  const fd = socket(AF_UNIX, SOCK_DGRAM);
  try {
    use(fd);
  } finally {
    close(fd);
  }
}

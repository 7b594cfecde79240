/**
 * What this package throws: at people and programs, never at packets. `code` is for programs, the message is
 * for people and ends with what can be done about it.
 */
import { errnoName, errnoText } from "./errno.ts";

/** This machine cannot do it at all: not Linux, an unknown architecture, koffi's binary missing. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
  readonly code = "ERR_UNSUPPORTED";
}

/** The object was closed before or while it was used. */
export class ClosedError extends Error {
  override readonly name = "ClosedError";
  readonly code = "ERR_CLOSED";
}

/** A system call failed. */
export class SyscallError extends Error {
  // Not readonly with one value: NetlinkError is one of these.
  override readonly name: string = "SyscallError";
  /** The error's name, such as `EADDRINUSE`. */
  readonly code: string;
  /** The error's number, positive. */
  readonly errno: number;
  /** The C function that failed. */
  readonly syscall: string;
  /** What it was called on, in words a person knows, such as `/dev/net/tun` or `192.0.2.1:1701`. */
  readonly what: string | undefined;
  /** What a person can do about it, where that is known; the message ends with it. */
  readonly remedy: string | undefined;

  /**
   * @param syscall - the C function's name.
   * @param errno - positive, as in `errno.h`.
   * @param what - what it was called on.
   */
  constructor(syscall: string, errno: number, what?: string, options?: ErrorOptions) {
    const remedy = remedyFor(syscall, errno, what);
    super(
      `${syscall}${what === undefined ? "" : ` ${what}`}: ${errnoName(errno)} (${errno}, ${errnoText(errno)})` +
        (remedy === undefined ? "" : `: ${remedy}`),
      options,
    );
    this.syscall = syscall;
    this.errno = errno;
    this.code = errnoName(errno);
    this.what = what;
    this.remedy = remedy;
  }
}

interface Remedy {
  readonly errors: readonly string[];
  /** Matched against `syscall what`; without it the row fits every call. */
  readonly when?: RegExp;
  readonly advice: string;
}

const NET_ADMIN =
  "this needs the capability CAP_NET_ADMIN in the user namespace that owns the network namespace; " +
  "run as root, give the service AmbientCapabilities=CAP_NET_ADMIN, or run inside `unshare -Urn`";

/** The first row that fits is taken: the special before the general. */
const REMEDIES: readonly Remedy[] = [
  {
    errors: ["ENOENT"],
    when: /^open \/dev\/net\/tun/,
    advice:
      "the device node is missing: load the module with `modprobe tun` (in a container, pass --device /dev/net/tun)",
  },
  {
    errors: ["ENODEV", "ENXIO"],
    when: /^open \/dev\/net\/tun/,
    advice: "this kernel has no TUN/TAP driver: `modprobe tun`, or a kernel with CONFIG_TUN",
  },
  {
    errors: ["ENOENT"],
    when: /^open \/dev\/ppp/,
    advice:
      "the device node is missing: load the module with `modprobe ppp_generic` (in a container, pass --device /dev/ppp)",
  },
  {
    errors: ["ENODEV", "ENXIO"],
    when: /^open \/dev\/ppp/,
    advice: "this kernel has no PPP driver: `modprobe ppp_generic`, or a kernel with CONFIG_PPP",
  },
  {
    errors: ["EPERM"],
    when: /^open \/dev\/ppp/,
    advice: NET_ADMIN,
  },
  {
    errors: ["EACCES", "EPERM"],
    when: /^open \/dev\//,
    advice:
      "the device node is not ours to open: run as root, `chmod 0666` it, or (in a container) pass --device",
  },
  {
    errors: ["EBUSY"],
    when: /TUNSETIFF/,
    advice:
      "another process holds this TUN/TAP interface, or an interface of that name is of another kind; choose another name",
  },
  {
    errors: ["EINVAL"],
    when: /TUNSETIFF/,
    advice:
      "the interface exists with other flags (TUN or TAP, multi-queue), or the name is longer than 15 characters",
  },
  { errors: ["EPERM", "EACCES"], when: /TUNSET/, advice: NET_ADMIN },
  {
    errors: ["EPERM", "EACCES"],
    when: /^socket .*\b(raw|packet)\b/i,
    advice:
      "raw sockets need the capability CAP_NET_RAW; run as root or give the service AmbientCapabilities=CAP_NET_RAW",
  },
  {
    errors: ["EAFNOSUPPORT"],
    when: /^socket PPPo/,
    advice:
      "this kernel has no PPPoX sockets: `modprobe pppox`, or a kernel with CONFIG_PPPOE or CONFIG_PPPOL2TP",
  },
  {
    errors: ["EPROTONOSUPPORT"],
    when: /^socket PPPoL2TP/,
    advice: "this kernel has no PPP over L2TP: `modprobe l2tp_ppp`, or a kernel with CONFIG_PPPOL2TP",
  },
  {
    errors: ["EPROTONOSUPPORT"],
    when: /^socket PPPoE/,
    advice: "this kernel has no PPP over Ethernet: `modprobe pppoe`, or a kernel with CONFIG_PPPOE",
  },
  {
    errors: ["ENOTTY", "EINVAL"],
    when: /PPPIOCBRIDGECHAN/,
    advice: "bridging PPP channels needs Linux 5.11 or newer",
  },
  {
    errors: ["EACCES"],
    when: /^bind /,
    advice:
      "ports below net.ipv4.ip_unprivileged_port_start (1024) need CAP_NET_BIND_SERVICE; choose a higher port or run as root",
  },
  {
    errors: ["EPERM"],
    when: /^(setns|unshare|mount|umount2)\b/,
    advice:
      "entering or making namespaces needs CAP_SYS_ADMIN (and is refused in some containers); run as root or inside `unshare -Urn`",
  },
  {
    errors: ["EINVAL"],
    when: /^setns\b/,
    advice: "the descriptor is no namespace of the kind asked for",
  },
  {
    errors: ["EPERM", "EACCES"],
    when: /^(setsockopt|ioctl|netlink|RTM_|bind|sendmsg|sendto)\b/,
    advice: NET_ADMIN,
  },
  {
    errors: ["EEXIST"],
    when: /RTM_NEWLINK/,
    advice:
      "an interface of that name is there already; `ip link` shows it; choose another name or delete it",
  },
  {
    errors: ["EEXIST"],
    when: /RTM_NEW(ADDR|ROUTE|NEIGH)/,
    advice: "the same entry is there already; ask for `replace` to change it",
  },
  {
    errors: ["ENODEV", "ENXIO"],
    when: /RTM_|SIOCGIF/,
    advice: "there is no such interface in this network namespace; `ip link` lists those that are",
  },
  {
    errors: ["EOPNOTSUPP"],
    when: /RTM_NEWLINK/,
    advice:
      "this kernel has no interfaces of that kind: the module may be missing (`modprobe veth`, `bridge`, `dummy` …)",
  },
  {
    errors: ["ENOENT"],
    when: /CTRL_CMD_GETFAMILY/,
    advice:
      "this kernel has no such generic netlink family: the module that brings it is missing (`modprobe`)",
  },
  {
    errors: ["EINVAL", "EOPNOTSUPP"],
    when: /NFT_MSG_GETTABLE|nf_tables transaction/,
    advice: "this kernel has no nf_tables: `modprobe nf_tables`, or a kernel with CONFIG_NF_TABLES",
  },
  {
    errors: ["EAFNOSUPPORT", "EOPNOTSUPP"],
    when: /NFT_MSG_NEWTABLE inet/,
    advice:
      "this kernel's nf_tables has no tables of both IPv4 and IPv6: `modprobe nf_tables_inet`, or a kernel with CONFIG_NF_TABLES_INET",
  },
  {
    errors: ["ENOENT"],
    when: /NFT_MSG_NEWRULE inet/,
    advice:
      "this kernel's nf_tables cannot change options of TCP: `modprobe nft_exthdr`, or Linux 4.14 or newer with CONFIG_NF_TABLES",
  },
  {
    errors: ["ENOENT"],
    when: /NFT_MSG_NEWCHAIN/,
    advice:
      "this kernel's nf_tables cannot translate addresses: `modprobe nft_chain_nat`, or a kernel with CONFIG_NFT_NAT",
  },
  {
    errors: ["ENOENT"],
    when: /NFT_MSG_NEWRULE/,
    advice:
      "this kernel's nf_tables cannot masquerade: `modprobe nft_masq`, or a kernel with CONFIG_NFT_MASQ",
  },
  {
    errors: ["EPROTONOSUPPORT"],
    when: /^socket netlink protocol 12$/,
    advice:
      "this kernel has no netfilter netlink: `modprobe nfnetlink`, or a kernel with CONFIG_NETFILTER_NETLINK and CONFIG_NF_TABLES",
  },
  {
    errors: ["EADDRINUSE"],
    advice:
      "another socket has this address and port; `ss -lnp` shows whose it is; stop it or choose another port",
  },
  {
    errors: ["EADDRNOTAVAIL"],
    advice:
      "the address is not on any interface of this network namespace; `ip address` lists those that are",
  },
  {
    errors: ["EAFNOSUPPORT"],
    advice: "this kernel or network namespace has the address family switched off (IPv6: ipv6.disable=1?)",
  },
  {
    errors: ["EPROTONOSUPPORT", "ESOCKTNOSUPPORT"],
    advice: "the kernel has no such protocol; the module that brings it may be missing",
  },
  { errors: ["ENETUNREACH", "EHOSTUNREACH"], advice: "there is no route to the address; see `ip route get`" },
  { errors: ["ENETDOWN"], advice: "the interface is down" },
  {
    errors: ["EMFILE"],
    advice: "this process has too many descriptors open: raise its limit (ulimit -n, systemd LimitNOFILE=)",
  },
  { errors: ["ENFILE"], advice: "the system has too many descriptors open: raise fs.file-max" },
  {
    errors: ["ENOBUFS", "ENOMEM"],
    advice: "the kernel is out of memory or a socket buffer limit is reached (net.core.rmem_max, wmem_max)",
  },
  { errors: ["EMSGSIZE"], advice: "the packet is larger than the path's MTU and may not be fragmented" },
  { errors: ["EBADF"], advice: "the descriptor is not open (closed twice?)" },
  {
    errors: ["EOPNOTSUPP", "ENOSYS"],
    advice: "this kernel does not offer it; it may be too old or built without the option",
  },
];

/** What a person can do about a failed call, or `undefined` where nothing is known that helps. */
export function remedyFor(syscall: string, errno: number, what?: string): string | undefined {
  const name = errnoName(errno);
  const call = what === undefined ? syscall : `${syscall} ${what}`;
  return REMEDIES.find(({ errors, when }) => errors.includes(name) && (when === undefined || when.test(call)))
    ?.advice;
}

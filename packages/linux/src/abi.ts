/**
 * Numbers and layouts of Linux's system call interface, under the names of the kernel's headers, each block
 * with the header it comes from. All values are those of little-endian LP64 (x86_64, aarch64), where they
 * are identical; a test compiles a C program and compares. {@link requirePlatform} refuses elsewhere.
 *
 * A layout is `{ size, member: offset }` in octets. What netlink has of its own is in `abi-netlink.ts`.
 */
import { UnsupportedError } from "./errors.ts";

/** The architectures whose numbers these are, in Node's words. */
export const ARCHITECTURES: readonly string[] = ["x64", "arm64"];

/**
 * @throws {@link UnsupportedError} where these numbers are not the system's: not Linux, or another
 * architecture than x86_64 and aarch64.
 */
export function requirePlatform(platform: string = process.platform, arch: string = process.arch): void {
  if (platform !== "linux") {
    throw new UnsupportedError(
      `@l2tp/linux makes Linux system calls and this is ${platform}: run it on Linux, or use a data plane that ` +
        "needs no system (the mock)",
    );
  }
  if (!ARCHITECTURES.includes(arch)) {
    throw new UnsupportedError(
      `@l2tp/linux knows the system call layouts of x86_64 and aarch64, not of ${arch}: run a 64-bit Node.js ` +
        "there, or ask for this architecture to be added",
    );
  }
}

// ── asm-generic/fcntl.h, linux/stat.h ────────────────────────────────────────────────────────────────────
// O_DIRECTORY and a few others differ between x86_64 and aarch64: they are left out, take node:fs's.

export const O_RDONLY = 0o0;
export const O_WRONLY = 0o1;
export const O_RDWR = 0o2;
export const O_CREAT = 0o100;
export const O_EXCL = 0o200;
export const O_NONBLOCK = 0o4000;
export const O_CLOEXEC = 0o2000000;
export const F_DUPFD_CLOEXEC = 1030;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const FD_CLOEXEC = 1;

/** struct iovec (bits/types/struct_iovec.h) */
export const iovec = { size: 16, iov_base: 0, iov_len: 8 } as const;

// ── asm-generic/poll.h, sys/epoll.h, sys/eventfd.h ───────────────────────────────────────────────────────

export const POLLIN = 0x1;
export const POLLPRI = 0x2;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;
export const POLLHUP = 0x10;
export const POLLNVAL = 0x20;
/** struct pollfd */
export const pollfd = { size: 8, fd: 0, events: 4, revents: 6 } as const;
/** struct timespec */
export const timespec = { size: 16, tv_sec: 0, tv_nsec: 8 } as const;

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x1;
export const EPOLLPRI = 0x2;
export const EPOLLOUT = 0x4;
export const EPOLLERR = 0x8;
export const EPOLLHUP = 0x10;
export const EPOLLRDHUP = 0x2000;
export const EPOLLEXCLUSIVE = 0x10000000;
export const EPOLLONESHOT = 0x40000000;
export const EPOLLET = 0x80000000;
/** The layout of {@link epoll_event}: packed on x86_64 and nowhere else. */
export function epollEventLayout(arch: string = process.arch): {
  readonly size: number;
  readonly events: number;
  readonly data: number;
} {
  return arch === "x64" ? { size: 12, events: 0, data: 4 } : { size: 16, events: 0, data: 8 };
}
/** struct epoll_event of this machine: `events` u32, `data` u64. */
export const epoll_event = epollEventLayout();

export const EFD_CLOEXEC = 0o2000000;
export const EFD_NONBLOCK = 0o4000;
export const EFD_SEMAPHORE = 1;

// ── asm-generic/socket.h, linux/socket.h ─────────────────────────────────────────────────────────────────

export const AF_UNSPEC = 0;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_BRIDGE = 7;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_CLOEXEC = 0o2000000;
export const SOCK_NONBLOCK = 0o4000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_TYPE = 3;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_NO_CHECK = 11;
export const SO_PRIORITY = 12;
export const SO_REUSEPORT = 15;
export const SO_RCVTIMEO = 20;
export const SO_SNDTIMEO = 21;
export const SO_BINDTODEVICE = 25;
export const SO_ATTACH_FILTER = 26;
export const SO_DETACH_FILTER = 27;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_MARK = 36;
export const SO_PROTOCOL = 38;
export const SO_DOMAIN = 39;
export const SO_RXQ_OVFL = 40;
export const SO_LOCK_FILTER = 44;
export const SO_BUSY_POLL = 46;
export const SO_INCOMING_CPU = 49;
export const SO_ATTACH_REUSEPORT_CBPF = 51;
export const SO_MEMINFO = 55;

export const MSG_PEEK = 0x2;
export const MSG_CTRUNC = 0x8;
export const MSG_TRUNC = 0x20;
export const MSG_DONTWAIT = 0x40;
export const MSG_ERRQUEUE = 0x2000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_WAITFORONE = 0x10000;
export const MSG_ZEROCOPY = 0x4000000;
export const MSG_CMSG_CLOEXEC = 0x40000000;

/** struct sockaddr_in (linux/in.h): port and address in network order. */
export const sockaddr_in = { size: 16, sin_family: 0, sin_port: 2, sin_addr: 4 } as const;
/** struct sockaddr_in6 (linux/in6.h): port, flow information and address in network order, scope in host order. */
export const sockaddr_in6 = {
  size: 28,
  sin6_family: 0,
  sin6_port: 2,
  sin6_flowinfo: 4,
  sin6_addr: 8,
  sin6_scope_id: 24,
} as const;
/** struct sockaddr_un (linux/un.h): a path of at most 108 octets. */
export const sockaddr_un = { size: 110, sun_family: 0, sun_path: 2 } as const;
/** struct sockaddr_storage: room for any address. */
export const sockaddr_storage = { size: 128, ss_family: 0 } as const;

/** struct msghdr (bits/socket.h) */
export const msghdr = {
  size: 56,
  msg_name: 0,
  msg_namelen: 8,
  msg_iov: 16,
  msg_iovlen: 24,
  msg_control: 32,
  msg_controllen: 40,
  msg_flags: 48,
} as const;
/** struct mmsghdr (bits/socket.h): an array of them has this stride. */
export const mmsghdr = { size: 64, msg_hdr: 0, msg_len: 56 } as const;
/** struct cmsghdr (bits/socket.h): `cmsg_len` u64, then level and type as int. */
export const cmsghdr = { size: 16, cmsg_len: 0, cmsg_level: 8, cmsg_type: 12 } as const;

// ── linux/in.h, linux/in6.h ──────────────────────────────────────────────────────────────────────────────

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_L2TP = 115;
export const IPPROTO_RAW = 255;

export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_HDRINCL = 3;
export const IP_PKTINFO = 8;
export const IP_MTU_DISCOVER = 10;
export const IP_RECVERR = 11;
export const IP_RECVTTL = 12;
export const IP_RECVTOS = 13;
export const IP_MTU = 14;
export const IP_FREEBIND = 15;
export const IP_TRANSPARENT = 19;
export const IP_BIND_ADDRESS_NO_PORT = 24;
export const IP_PMTUDISC_DONT = 0;
export const IP_PMTUDISC_WANT = 1;
export const IP_PMTUDISC_DO = 2;
export const IP_PMTUDISC_PROBE = 3;
export const IP_PMTUDISC_INTERFACE = 4;
export const IP_PMTUDISC_OMIT = 5;

export const IPV6_UNICAST_HOPS = 16;
export const IPV6_MTU_DISCOVER = 23;
export const IPV6_MTU = 24;
export const IPV6_RECVERR = 25;
export const IPV6_V6ONLY = 26;
export const IPV6_RECVPKTINFO = 49;
export const IPV6_PKTINFO = 50;
export const IPV6_DONTFRAG = 62;
export const IPV6_RECVTCLASS = 66;
export const IPV6_TCLASS = 67;
export const IPV6_FREEBIND = 78;

/** struct in_pktinfo: `ipi_spec_dst` is the local address to answer from. */
export const in_pktinfo = { size: 12, ipi_ifindex: 0, ipi_spec_dst: 4, ipi_addr: 8 } as const;
/** struct in6_pktinfo (linux/ipv6.h) */
export const in6_pktinfo = { size: 20, ipi6_addr: 0, ipi6_ifindex: 16 } as const;

// ── linux/udp.h ──────────────────────────────────────────────────────────────────────────────────────────

export const SOL_UDP = 17;
export const UDP_CORK = 1;
export const UDP_ENCAP = 100;
export const UDP_NO_CHECK6_TX = 101;
export const UDP_NO_CHECK6_RX = 102;
/** setsockopt int, or cmsg u16: the segment size of a batch that is sent. */
export const UDP_SEGMENT = 103;
/** setsockopt int 1; then cmsg int: the segment size of a batch that was received. */
export const UDP_GRO = 104;

// ── linux/filter.h, linux/bpf_common.h ───────────────────────────────────────────────────────────────────

/** struct sock_filter: one instruction of classic BPF. */
export const sock_filter = { size: 8, code: 0, jt: 2, jf: 3, k: 4 } as const;
/** struct sock_fprog: `filter` is a pointer. */
export const sock_fprog = { size: 16, len: 0, filter: 8 } as const;
export const BPF_LD = 0x00;
export const BPF_LDX = 0x01;
export const BPF_ALU = 0x04;
export const BPF_JMP = 0x05;
export const BPF_RET = 0x06;
export const BPF_MISC = 0x07;
export const BPF_W = 0x00;
export const BPF_H = 0x08;
export const BPF_B = 0x10;
export const BPF_IMM = 0x00;
export const BPF_ABS = 0x20;
export const BPF_IND = 0x40;
export const BPF_LEN = 0x80;
export const BPF_MSH = 0xa0;
export const BPF_ADD = 0x00;
export const BPF_AND = 0x50;
export const BPF_OR = 0x40;
export const BPF_LSH = 0x60;
export const BPF_RSH = 0x70;
export const BPF_XOR = 0xa0;
export const BPF_JA = 0x00;
export const BPF_JEQ = 0x10;
export const BPF_JGT = 0x20;
export const BPF_JGE = 0x30;
export const BPF_JSET = 0x40;
export const BPF_K = 0x00;
export const BPF_X = 0x08;
export const BPF_A = 0x10;
export const BPF_MAXINSNS = 4096;

// ── linux/if.h, linux/if_tun.h, linux/virtio_net.h ───────────────────────────────────────────────────────

/** Octets of an interface's name with its NUL: 15 characters fit. */
export const IFNAMSIZ = 16;
export const IFF_UP = 0x1;
export const IFF_BROADCAST = 0x2;
export const IFF_LOOPBACK = 0x8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;
export const IFF_MULTICAST = 0x1000;
export const IFF_LOWER_UP = 0x10000;

// linux/sockios.h
export const SIOCGIFNAME = 0x8910;
export const SIOCGIFMTU = 0x8921;
export const SIOCGIFINDEX = 0x8933;

export const TUNSETNOCSUM = 0x400454c8;
export const TUNSETIFF = 0x400454ca;
export const TUNSETPERSIST = 0x400454cb;
export const TUNSETOWNER = 0x400454cc;
export const TUNSETLINK = 0x400454cd;
export const TUNSETGROUP = 0x400454ce;
export const TUNGETFEATURES = 0x800454cf;
export const TUNSETOFFLOAD = 0x400454d0;
export const TUNGETIFF = 0x800454d2;
export const TUNSETSNDBUF = 0x400454d4;
export const TUNGETVNETHDRSZ = 0x800454d7;
export const TUNSETVNETHDRSZ = 0x400454d8;
export const TUNSETQUEUE = 0x400454d9;
export const TUNSETVNETLE = 0x400454dc;
export const TUNSETCARRIER = 0x400454e2;

export const IFF_TUN = 0x1;
export const IFF_TAP = 0x2;
export const IFF_NAPI = 0x10;
export const IFF_NAPI_FRAGS = 0x20;
export const IFF_MULTI_QUEUE = 0x100;
export const IFF_ATTACH_QUEUE = 0x200;
export const IFF_DETACH_QUEUE = 0x400;
export const IFF_PERSIST = 0x800;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;
export const IFF_TUN_EXCL = 0x8000;

export const TUN_F_CSUM = 0x01;
export const TUN_F_TSO4 = 0x02;
export const TUN_F_TSO6 = 0x04;
export const TUN_F_TSO_ECN = 0x08;
export const TUN_F_UFO = 0x10;
/** Linux 6.2; EINVAL before. */
export const TUN_F_USO4 = 0x20;
/** Linux 6.2; EINVAL before. */
export const TUN_F_USO6 = 0x40;

/** struct ifreq (linux/if.h): the members of the union all start at 16. */
export const ifreq = { size: 40, ifr_name: 0, ifr_flags: 16, ifr_ifindex: 16, ifr_mtu: 16 } as const;
/** struct virtio_net_hdr, in host order unless TUNSETVNETLE. */
export const virtio_net_hdr = {
  size: 10,
  flags: 0,
  gso_type: 1,
  hdr_len: 2,
  gso_size: 4,
  csum_start: 6,
  csum_offset: 8,
} as const;
export const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
export const VIRTIO_NET_HDR_F_DATA_VALID = 2;
export const VIRTIO_NET_HDR_GSO_NONE = 0;
export const VIRTIO_NET_HDR_GSO_TCPV4 = 1;
export const VIRTIO_NET_HDR_GSO_UDP = 3;
export const VIRTIO_NET_HDR_GSO_TCPV6 = 4;
/** Linux 6.2. */
export const VIRTIO_NET_HDR_GSO_UDP_L4 = 5;
export const VIRTIO_NET_HDR_GSO_ECN = 0x80;

// ── linux/sched.h, linux/mount.h, linux/nsfs.h, linux/magic.h ────────────────────────────────────────────

export const CLONE_NEWNS = 0x00020000;
export const CLONE_NEWUSER = 0x10000000;
export const CLONE_NEWNET = 0x40000000;
export const MS_BIND = 4096;
export const MS_REC = 16384;
export const MS_SHARED = 1 << 20;
export const MNT_DETACH = 2;

// ── asm-generic/resource.h ───────────────────────────────────────────────────────────────────────────────

export const RLIMIT_NOFILE = 7;
export const RLIMIT_MEMLOCK = 8;
/** struct rlimit64: `rlim_cur` and `rlim_max`, u64, all ones for "no limit". */
export const rlimit64 = { size: 16, rlim_cur: 0, rlim_max: 8 } as const;

// ── linux/capability.h ───────────────────────────────────────────────────────────────────────────────────

/** Capability numbers by name, those that concern a network daemon. */
export const CAPABILITY = {
  CAP_DAC_OVERRIDE: 1,
  CAP_SETUID: 7,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_BROADCAST: 11,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_SYS_MODULE: 16,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_NICE: 23,
  CAP_SYS_RESOURCE: 24,
  CAP_BPF: 39,
} as const;

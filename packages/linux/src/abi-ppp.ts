/**
 * Numbers and layouts of the kernel's PPP: sockets of the family AF_PPPOX, the device /dev/ppp and its ioctls, under
 * the names of the kernel's headers. As in `abi.ts`, values are those of little-endian LP64, and a test asks gcc.
 */

// ── linux/if_pppox.h ─────────────────────────────────────────────────────────────────────────────────────

export const AF_PPPOX = 24;
export const PX_PROTO_OE = 0;
export const PX_PROTO_OL2TP = 1;
export const PX_PROTO_PPTP = 2;
/** linux/socket.h: the level of the options below. */
export const SOL_PPPOL2TP = 273;

/** struct sockaddr_pppox, packed; here with the members of a PPPoE address. */
export const sockaddr_pppox = {
  size: 30,
  sa_family: 0,
  sa_protocol: 2,
  "sa_addr.pppoe.sid": 6,
  "sa_addr.pppoe.remote": 8,
  "sa_addr.pppoe.dev": 14,
} as const;

/** struct sockaddr_pppol2tp, packed: L2TPv2 over IPv4. */
export const sockaddr_pppol2tp = {
  size: 38,
  sa_family: 0,
  sa_protocol: 2,
  "pppol2tp.pid": 6,
  "pppol2tp.fd": 10,
  "pppol2tp.addr": 14,
  "pppol2tp.s_tunnel": 30,
  "pppol2tp.s_session": 32,
  "pppol2tp.d_tunnel": 34,
  "pppol2tp.d_session": 36,
} as const;

/** struct sockaddr_pppol2tpv3, packed: L2TPv3 over IPv4. */
export const sockaddr_pppol2tpv3 = {
  size: 46,
  sa_family: 0,
  sa_protocol: 2,
  "pppol2tp.pid": 6,
  "pppol2tp.fd": 10,
  "pppol2tp.addr": 14,
  "pppol2tp.s_tunnel": 30,
  "pppol2tp.s_session": 34,
  "pppol2tp.d_tunnel": 38,
  "pppol2tp.d_session": 42,
} as const;

/** struct sockaddr_pppol2tpin6, packed: L2TPv2 over IPv6, the IDs before the address. */
export const sockaddr_pppol2tpin6 = {
  size: 50,
  sa_family: 0,
  sa_protocol: 2,
  "pppol2tp.pid": 6,
  "pppol2tp.fd": 10,
  "pppol2tp.s_tunnel": 14,
  "pppol2tp.s_session": 16,
  "pppol2tp.d_tunnel": 18,
  "pppol2tp.d_session": 20,
  "pppol2tp.addr": 22,
} as const;

/** struct sockaddr_pppol2tpv3in6, packed: L2TPv3 over IPv6, the IDs before the address. */
export const sockaddr_pppol2tpv3in6 = {
  size: 58,
  sa_family: 0,
  sa_protocol: 2,
  "pppol2tp.pid": 6,
  "pppol2tp.fd": 10,
  "pppol2tp.s_tunnel": 14,
  "pppol2tp.s_session": 18,
  "pppol2tp.d_tunnel": 22,
  "pppol2tp.d_session": 26,
  "pppol2tp.addr": 30,
} as const;

// ── linux/if_pppol2tp.h ──────────────────────────────────────────────────────────────────────────────────

export const PPPOL2TP_SO_DEBUG = 1;
export const PPPOL2TP_SO_RECVSEQ = 2;
export const PPPOL2TP_SO_SENDSEQ = 3;
export const PPPOL2TP_SO_LNSMODE = 4;
export const PPPOL2TP_SO_REORDERTO = 5;

// ── linux/ppp-ioctl.h ────────────────────────────────────────────────────────────────────────────────────

export const PPPIOCUNBRIDGECHAN = 0x7434;
export const PPPIOCBRIDGECHAN = 0x40047435;
export const PPPIOCGL2TPSTATS = 0x80487436;
export const PPPIOCGCHAN = 0x80047437;
export const PPPIOCATTCHAN = 0x40047438;
export const PPPIOCDISCONN = 0x7439;
export const PPPIOCCONNECT = 0x4004743a;
export const PPPIOCSMRRU = 0x4004743b;
export const PPPIOCATTACH = 0x4004743d;
export const PPPIOCNEWUNIT = 0xc004743e;
export const PPPIOCGIDLE = 0x8010743f;
export const PPPIOCSDEBUG = 0x40047440;
export const PPPIOCGDEBUG = 0x80047441;
export const PPPIOCSACTIVE = 0x40107446;
export const PPPIOCSPASS = 0x40107447;
export const PPPIOCSNPMODE = 0x4008744b;
export const PPPIOCGNPMODE = 0xc008744c;
export const PPPIOCSCOMPRESS = 0x4010744d;
export const PPPIOCSMAXCID = 0x40047451;
export const PPPIOCSMRU = 0x40047452;
export const PPPIOCGMRU = 0x80047453;
export const PPPIOCGUNIT = 0x80047456;
export const PPPIOCSFLAGS = 0x40047459;
export const PPPIOCGFLAGS = 0x8004745a;

/** struct pppol2tp_ioc_stats; bit 0 of the u32 at 4 says that the tunnel uses IPsec. */
export const pppol2tp_ioc_stats = {
  size: 72,
  tunnel_id: 0,
  session_id: 2,
  tx_packets: 8,
  tx_bytes: 16,
  tx_errors: 24,
  rx_packets: 32,
  rx_bytes: 40,
  rx_seq_discards: 48,
  rx_oos_packets: 56,
  rx_errors: 64,
} as const;

/** Flags of a unit (PPPIOCSFLAGS), SC_*. */
export const SC_COMP_PROT = 0x1;
export const SC_COMP_AC = 0x2;
export const SC_CCP_OPEN = 0x40;
export const SC_CCP_UP = 0x80;
/** Packets that the compressor (of MPPE: the cipher) does not take are dropped and not sent as they are. */
export const SC_MUST_COMP = 0x400000;

/** struct ppp_option_data: a CCP option with what belongs to it, for a compressor or a decompressor. */
export const ppp_option_data = { size: 16, ptr: 0, length: 8, transmit: 12 } as const;
/** struct ppp_idle: seconds since the last packet that counts, sent and received. */
export const ppp_idle = { size: 16, xmit_idle: 0, recv_idle: 8 } as const;
/** linux/ppp-comp.h: MPPE's number as a CCP option, and the octets of it (RFC 3078 §2). */
export const CI_MPPE = 18;
export const CILEN_MPPE = 6;
/** linux/if_link.h: attributes of interfaces of kind `ppp`. */
export const IFLA_PPP_DEV_FD = 1;

/** struct npioctl: a network protocol and what becomes of its packets, NPMODE_*. */
export const npioctl = { size: 8, protocol: 0, mode: 4 } as const;
export const NPMODE_PASS = 0;
export const NPMODE_DROP = 1;
export const NPMODE_ERROR = 2;
export const NPMODE_QUEUE = 3;

/** The keys of `[tunnel.NAME.session.NAME]`. */
import * as z from "zod";
import { integer, key, octets } from "./declare.ts";

const MAX_32 = 0xffff_ffff;
const cookie = () => z.union([octets, z.string()]);
const COOKIE = "4 or 8 octets, as an array or a string of hex digits";

/** The keys, in the order of the documentation. */
export const SESSION_KEYS = {
  pseudowire: key(z.enum(["eth", "ppp", "pppac"]), {
    description:
      "What the session carries: Ethernet frames (L2TPv3), PPP, or `pppac`, PPPoE joined to L2TP. L2TPv2 has no `eth`.",
    default: '`"eth"` for L2TPv3, `"ppp"` for L2TPv2',
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 3931 §5.4.4, RFC 4719",
    example: 'pseudowire = "eth"',
    aliases: ["pw_type", "pwtype"],
  }),
  sid: key(integer(1, MAX_32), {
    description:
      "Our session ID (v2: 1 to 65535). The peer's `psid`. Unique in the tunnel for L2TPv2, on the local address for L2TPv3 in UDP, on the host for L2TPv3 in IP.",
    default: "required; in a dynamic tunnel chosen at random",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §3.1, RFC 3931 §4.1",
    example: "sid = 11",
    aliases: ["session_id", "local_session_id"],
  }),
  psid: key(integer(1, MAX_32), {
    description: "The peer's session ID: its `sid`.",
    default: "required; in a dynamic tunnel learned from the peer",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §3.1, RFC 3931 §4.1",
    example: "psid = 22",
    aliases: ["peer_session_id", "remote_session_id", "peer_sid"],
  }),
  cookie: key(cookie(), {
    description:
      "What we put into the data messages that we send: the peer's `peer_cookie`. 4 or 8 octets, `[0x12, …]` or hex digits; L2TPv3 only.",
    expects: COOKIE,
    default: "none",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 3931 §4.1.1.1, §4.1.2.1, §8.2",
    example: 'cookie = "12e9540fe26872bc"',
    secret: true,
    aliases: ["local_cookie", "tx_cookie"],
  }),
  peer_cookie: key(cookie(), {
    description:
      "What the data messages of the peer must have in them: its `cookie`. Others are dropped and counted. 4 or 8 octets; L2TPv3 only.",
    expects: COOKIE,
    default: "none",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 3931 §4.1.1.1, §4.1.2.1, §8.2",
    example: 'peer_cookie = "742e28a8742e28a8"',
    secret: true,
    aliases: ["remote_cookie", "rx_cookie"],
  }),
  l2spec_type: key(z.enum(["none", "default"]), {
    description:
      "The L2-specific sublayer, four octets that hold the sequence number. Both ends must say the same: `ip l2tp` and Cisco have `default`, go-l2tp `none`. L2TPv2 has none.",
    default: { field: '`"default"`', goL2tp: '`"none"`' },
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 3931 §4.6",
    example: 'l2spec_type = "default"',
    aliases: ["l2_specific_sublayer", "l2spec", "l2ss"],
  }),
  seqnum: key(z.boolean(), {
    description: "Sequence numbers on data messages: send them, and require them of the peer.",
    default: "`false`",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §5.4, RFC 3931 §4.6",
    example: "seqnum = true",
    aliases: ["seq", "sequence", "dataseq"],
  }),
  seqnum_required: key(z.boolean(), {
    description:
      "Drop data messages without a sequence number; for a peer that numbers when we do not, or the reverse.",
    default: "as `seqnum`",
    origin: "l2tpd",
    since: "0.1",
    standard: "RFC 2661 §5.4, RFC 3931 §4.6",
    example: "seqnum_required = false",
    aliases: ["sequencing_required", "recv_seq"],
  }),
  reorder_timeout: key(integer(0, 0x7fff_ffff), {
    description:
      "How long a data message that came too early waits for those before it. 0: it is dropped, as by the kernel. Needs `seqnum`.",
    unit: "ms",
    default: "0",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 appendix C",
    example: "reorder_timeout = 100",
    aliases: ["recv_timeout"],
  }),
  interface_name: key(z.string(), {
    description:
      "Name of the session's interface. A `%d` is numbered by the system: `l2tpeth%d`. For `pppac` the Ethernet interface of the PPPoE session.",
    expects: "an interface name of 1 to 15 octets without spaces, / and :",
    default: "the system's choice",
    origin: "go-l2tp",
    since: "0.1",
    example: 'interface_name = "l2tpeth0"',
    aliases: ["ifname", "interface", "dev"],
  }),
  up: key(z.boolean(), {
    description: "Bring the interface up.",
    default: "`true`",
    origin: "l2tpd",
    since: "0.1",
    example: "up = true",
    aliases: ["enabled"],
  }),
  mtu: key(integer(68, 65_535), {
    description: "MTU of the interface.",
    unit: "octets",
    default: "the path's MTU less the overhead of the encapsulation",
    origin: "l2tpd",
    since: "0.1",
    standard: "RFC 3931 §4.1.4",
    example: "mtu = 1446",
    aliases: ["mru"],
  }),
  dont_fragment: key(z.enum(["set", "clear", "path"]), {
    description:
      "The outer packet's DF bit. `set`: never fragment. `clear`: let it be fragmented on the way. `path`: as path MTU discovery finds.",
    default: '`"path"`',
    origin: "l2tpd",
    since: "0.1",
    standard: "RFC 3931 §4.1.4",
    example: 'dont_fragment = "path"',
    aliases: ["df", "pmtu_discovery"],
  }),
  clamp_mss: key(z.union([z.boolean(), integer(88, 65_495)]), {
    description:
      "Lower the MSS in TCP SYNs to what fits: `true` works it out from the MTU, a number is in octets.",
    expects: "true, false or an integer from 88 to 65495",
    unit: "octets",
    default: "`false`",
    origin: "l2tpd",
    since: "0.1",
    standard: "RFC 879, RFC 6691",
    example: "clamp_mss = true",
    aliases: ["mss", "tcp_mss_adjust"],
  }),
  bridge: key(z.string(), {
    description: "Bridge that the interface joins; it must exist. For `eth`.",
    expects: "an interface name of 1 to 15 octets without spaces, / and :",
    default: "none",
    origin: "l2tpd",
    since: "0.1",
    example: 'bridge = "br0"',
    aliases: ["master", "bridge_name"],
  }),
  addresses: key(z.array(z.string()), {
    description: "Addresses of the interface, with prefix length, IPv4 and IPv6. For `eth`.",
    expects: 'an array of addresses such as ["10.0.0.1/24", "2001:db8::1/64"]',
    default: "none",
    origin: "l2tpd",
    since: "0.1",
    example: 'addresses = ["10.0.0.1/24", "2001:db8::1/64"]',
    aliases: ["address", "ip", "ipaddr"],
  }),
  mac_address: key(z.union([z.string(), octets]), {
    description: "MAC address of the interface. For `eth`.",
    expects: 'a MAC address such as "02:00:00:00:00:01"',
    default: "random",
    origin: "l2tpd",
    since: "0.1",
    example: 'mac_address = "02:00:00:00:00:01"',
    aliases: ["mac", "lladdr"],
  }),
  pppoe_session_id: key(integer(1, 0xffff), {
    description: "PPPoE session that a `pppac` pseudowire joins.",
    default: "required for `pppac` in a static or quiescent tunnel",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2516 §4",
    example: "pppoe_session_id = 1234",
  }),
  pppoe_peer_mac: key(z.union([octets, z.string()]), {
    description: "MAC address of the PPPoE peer, for `pppac`: six octets, or `02:42:94:d1:4e:9a`.",
    expects: '6 octets, or a MAC address such as "02:42:94:d1:4e:9a"',
    default: "required for `pppac` in a static or quiescent tunnel",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2516 §4",
    example: "pppoe_peer_mac = [0x02, 0x42, 0x94, 0xd1, 0x4e, 0x9a]",
  }),
  pppd_args: key(z.string().min(1), {
    description:
      "File with options for pppd, for `ppp`: words as in pppd's own files. Read each time that pppd is started.",
    expects: "the path of a file",
    default: "none",
    origin: "go-l2tp",
    since: "0.1",
    example: 'pppd_args = "/etc/ppp/l2tp-options"',
    aliases: ["pppoptfile"],
  }),
  pppd_options: key(z.array(z.string()), {
    description:
      "Options for pppd, one word each, for `ppp`. They follow those of `pppd_args`, and the last of a kind wins.",
    expects: 'an array of words such as ["noauth", "10.0.0.1:10.0.0.2"]',
    default: "none",
    origin: "l2tpd",
    since: "0.1",
    example: 'pppd_options = ["noauth", "10.0.0.1:10.0.0.2"]',
    // Any word may be a password.
    secret: true,
    aliases: ["pppd_opts", "ppp_options", "pppopt"],
  }),
};

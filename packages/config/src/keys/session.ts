/** The keys of `[tunnel.NAME.session.NAME]` and `[profile.session.NAME]`. */
import * as z from "zod";
import { filePath, inherits, profileName } from "./common.ts";
import { integer, key, octets, ours, text } from "./declare.ts";

const MAX_32 = 0xffff_ffff;
const cookie = () => z.union([octets, z.string()]);
const COOKIE = "4 or 8 octets, as an array or a string of hex digits";

/** What a session and a session profile have in common. */
export const SESSION_SETTING_KEYS = {
  seqnum: key(z.boolean(), {
    description:
      "Sequence numbers on data messages: send them, and require them of the peer. In L2TPv2's calls the LNS decides for both ends.",
    default: "`false`",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §5.4, RFC 3931 §4.6",
    example: "seqnum = true",
    aliases: ["seq", "sequence", "dataseq"],
  }),
  seqnum_required: key(z.boolean(), {
    description:
      "Drop data messages without a sequence number; for a peer that numbers when we do not, or the reverse. A LAC of L2TPv2 says so in ICCN and OCCN; an LNS requires what a LAC has said so of.",
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
  tx_connect_speed: ours(integer(0, 0xffff_ffff), {
    description: "What the (Tx) Connect Speed AVP of our calls says.",
    unit: "bit/s",
    default: "1000000000",
    standard: "RFC 2661 §4.4.4",
    example: "tx_connect_speed = 1000000000",
    aliases: ["tx_bps", "bps", "connect_speed", "tx_speed"],
  }),
  rx_connect_speed: ours(integer(0, 0xffff_ffff), {
    description: "What the Rx Connect Speed AVP says.",
    unit: "bit/s",
    default: "the AVP is not sent: as `tx_connect_speed`",
    standard: "RFC 2661 §4.4.4",
    example: "rx_connect_speed = 1000000000",
    aliases: ["rx_bps", "rx_speed"],
  }),
  framing_type: ours(z.enum(["sync", "async", "any"]), {
    description: "What the Framing Type AVP of our calls says; `any` only in outgoing ones.",
    default: '`"sync"`, in outgoing calls `"any"`',
    standard: "RFC 2661 §4.4.4",
    example: 'framing_type = "sync"',
    aliases: ["framing"],
  }),
  bearer_type: ours(z.enum(["analog", "digital", "any"]), {
    description: "What the Bearer Type AVP of our calls says.",
    default: '`"any"`; in incoming calls the AVP is not sent',
    standard: "RFC 2661 §4.4.4",
    example: 'bearer_type = "digital"',
    aliases: ["bearer"],
  }),
  ppp_profile: profileName({
    description: "PPP profile of the session.",
    default: "the tunnel's `ppp_profile`",
    example: 'ppp_profile = "default"',
    aliases: ["ppp_profile_name"],
  }),
};

/** The keys of `[profile.session.NAME]`. */
export const SESSION_PROFILE_KEYS = {
  inherits: inherits(),
  ...SESSION_SETTING_KEYS,
};

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
  profile: profileName({
    description: "Session profile whose keys hold where the session is silent.",
    default: "the tunnel's `session_profile`",
    example: 'profile = "default"',
    aliases: ["profile_name", "session_profile", "session_profile_name"],
  }),
  call: ours(z.enum(["incoming", "outgoing"]), {
    description:
      "Direction of the call. `incoming`: one has come in here, and the peer (LNS) is to take it. `outgoing`: the peer (LAC) is to place a call to `called_number`.",
    default: '`"incoming"`',
    standard: "RFC 2661 §5.2",
    example: 'call = "incoming"',
    aliases: ["session_type", "call_type", "direction"],
  }),
  called_number: ours(z.string(), {
    description: "What the Called Number AVP says; required for outgoing calls.",
    expects: "a string",
    default: "none",
    standard: "RFC 2661 §4.4.4",
    example: 'called_number = "5551234"',
    aliases: ["callednum", "called"],
  }),
  calling_number: ours(z.string(), {
    description: "What the Calling Number AVP says.",
    expects: "a string",
    default: "none",
    standard: "RFC 2661 §4.4.4",
    example: 'calling_number = "5550000"',
    aliases: ["callingnum", "calling"],
  }),
  sub_address: ours(z.string(), {
    description: "What the Sub-Address AVP says.",
    expects: "a string",
    default: "none",
    standard: "RFC 2661 §4.4.4",
    example: 'sub_address = "42"',
    aliases: ["subaddress"],
  }),
  physical_channel: ours(integer(0, 0xffff_ffff), {
    description: "What the Physical Channel ID AVP says.",
    default: "none",
    standard: "RFC 2661 §4.4.4",
    example: "physical_channel = 7",
    aliases: ["physical_channel_id"],
  }),
  private_group: ours(text(), {
    description:
      "What the Private Group ID AVP says: the customer's network that the LNS is to put the session in.",
    default: "none",
    standard: "RFC 2661 §4.4.5",
    example: 'private_group = "corp"',
    aliases: ["priv_group_id", "private_group_id"],
  }),
  minimum_bps: ours(integer(0, 0xffff_ffff), {
    description: "What the Minimum BPS AVP of an outgoing call says.",
    unit: "bit/s",
    default: "0",
    standard: "RFC 2661 §4.4.4",
    example: "minimum_bps = 64000",
    aliases: ["min_bps"],
  }),
  maximum_bps: ours(integer(0, 0xffff_ffff), {
    description: "What the Maximum BPS AVP of an outgoing call says.",
    unit: "bit/s",
    default: "4294967295",
    standard: "RFC 2661 §4.4.4",
    example: "maximum_bps = 128000",
    aliases: ["max_bps"],
  }),
  user: ours(text(), {
    description: "Name that we say to a peer that wants to know who we are, in PPP.",
    default: "none",
    example: 'user = "test"',
    aliases: ["user_name", "username", "name", "ppp_username"],
  }),
  password: ours(text(), {
    description: "Password that we prove it with.",
    default: "none",
    example: 'password = "test"',
    secret: true,
    aliases: ["user_password", "ppp_password"],
  }),
  password_file: filePath({
    description: "File that holds the password: its first line. Only its owner may be able to read it.",
    default: "none",
    example: 'password_file = "/etc/l2tpd/password"',
  }),
  ...SESSION_SETTING_KEYS,
};

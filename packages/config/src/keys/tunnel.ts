/** The keys of `[tunnel.NAME]` and `[profile.tunnel.NAME]`. */
import * as z from "zod";
import { inherits, profileName, SECRET_KEYS } from "./common.ts";
import { integer, key, milliseconds, ours } from "./declare.ts";
import { QUIRK_WORDS } from "./quirks.ts";

const MAX_32 = 0xffff_ffff;

/** One of several peers. */
const PEER_TABLE = z.strictObject({
  address: z.string(),
  port: integer(1, 0xffff).optional(),
  priority: integer(0, 0xffff).optional(),
  weight: integer(0, 0xffff).optional(),
});

/** What a tunnel and a tunnel profile have in common. */
export const TUNNEL_SETTING_KEYS = {
  hello_timeout: key(integer(0, MAX_32), {
    description:
      "A Hello is sent after so long without control messages and data from the peer, and the tunnel comes down when it is not acknowledged. 0: no hellos.",
    unit: "ms",
    default: { field: "60000", goL2tp: "0 (off)" },
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §5.5, RFC 3931 §4.4",
    example: "hello_timeout = 5000",
    aliases: ["hello_interval", "keepalive", "hello"],
  }),
  window_size: key(integer(0, 0xffff), {
    description: "Receive window: how many control messages may be unacknowledged. 0: the default.",
    unit: "messages",
    default: { field: "16", goL2tp: "4" },
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §5.8, RFC 3931 §4.2",
    example: "window_size = 16",
    aliases: ["rws", "recv_window", "tunnel_rws", "receive_window_size"],
  }),
  retry_timeout: key(integer(0, MAX_32), {
    description:
      "Wait before an unacknowledged control message is sent again; doubles with each try. 0: the default.",
    unit: "ms",
    default: "1000",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §5.8, RFC 3931 §4.2",
    example: "retry_timeout = 1000",
    aliases: ["rtimeout"],
  }),
  retry_timeout_max: key(integer(0, MAX_32), {
    description: "The doubling of `retry_timeout` ends here. 0: no end. The RFCs ask for 8 seconds or more.",
    unit: "ms",
    default: "8000",
    origin: "l2tpd",
    since: "0.1",
    standard: "RFC 2661 §5.8, RFC 3931 §4.2",
    example: "retry_timeout_max = 8000",
    aliases: ["cap_backoff", "rtimeout_cap"],
  }),
  max_retries: key(integer(0, 0xffff), {
    description:
      "How often a control message is sent again before the peer is taken for dead. 0: the default.",
    default: { field: "5 for L2TPv2, 10 for L2TPv3", goL2tp: "3" },
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §5.8, RFC 3931 §4.2",
    example: "max_retries = 10",
    aliases: ["retransmit", "max_retry"],
  }),
  udp_checksum: key(z.boolean(), {
    description:
      "UDP checksums on data messages. Control messages always have them. Off is for peers that cannot take them.",
    default: "`true`",
    origin: "l2tpd",
    since: "0.1",
    standard: "RFC 3931 §4.1.2.3",
    example: "udp_checksum = true",
    aliases: ["udp_csum", "use_udp_checksums"],
  }),
  host_name: key(z.string().min(1), {
    description: "What the Host Name AVP says; for dynamic tunnels.",
    expects: "a string that is not empty",
    default: "the name of the host",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §4.4.3, RFC 3931 §5.4.3",
    example: 'host_name = "lac1.example"',
    aliases: ["hostname", "name"],
  }),
  framing_caps: key(z.array(z.enum(["sync", "async"])), {
    description: "What the Framing Capabilities AVP says; for dynamic L2TPv2 tunnels.",
    expects: 'an array of "sync" and "async"',
    default: '`["sync", "async"]`',
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §4.4.3",
    example: 'framing_caps = ["sync", "async"]',
    aliases: ["framing_capabilities"],
  }),
  vendor_name: ours(z.string(), {
    description: "What the Vendor Name AVP says; empty: it is not sent.",
    expects: "a string",
    default: '`"l2tp.js"`',
    standard: "RFC 2661 §4.4.3",
    example: 'vendor_name = "example"',
    aliases: ["vendor", "l2tp_vendor_name"],
  }),
  firmware_revision: ours(integer(0, 0xffff), {
    description: "What the Firmware Revision AVP says.",
    default: "it is not sent",
    standard: "RFC 2661 §4.4.3",
    example: "firmware_revision = 1",
    aliases: ["firmware"],
  }),
  bearer_caps: ours(z.array(z.enum(["analog", "digital"])), {
    description: "What the Bearer Capabilities AVP says: the bearers on which we place outgoing calls.",
    expects: 'an array of "analog" and "digital"',
    default: "`[]`: we place none, and the AVP is not sent",
    standard: "RFC 2661 §4.4.3",
    example: 'bearer_caps = ["digital"]',
    aliases: ["bearer_capabilities"],
  }),
  challenge: ours(z.boolean(), {
    description: "Ask the peer to prove that it knows the secret.",
    default: "`true` when there is a secret",
    standard: "RFC 2661 §5.1.1",
    example: "challenge = true",
    aliases: ["auth_mode", "require_challenge"],
  }),
  hiding: ours(z.enum(["accept", "send", "require"]), {
    description:
      "Hidden AVPs. `accept`: those of the peer are opened. `send`: ours are hidden too. `require`: besides, the peer must hide numbers, names and passwords. Needs a secret.",
    default: '`"accept"`',
    standard: "RFC 2661 §4.3",
    example: 'hiding = "send"',
    aliases: ["hidden_bit", "hide_avps", "hidden"],
  }),
  tie_breaker: ours(z.boolean(), {
    description: "Send a Tie Breaker: when both ends dial at the same time, one tunnel is to be left.",
    default: "`false`",
    standard: "RFC 2661 §4.4.3",
    example: "tie_breaker = true",
    aliases: ["use_tiebreaker", "tiebreaker"],
  }),
  peer_address_policy: ours(z.enum(["strict", "port", "roam"]), {
    description:
      "What of the peer's address may change once the tunnel is there. `strict`: nothing. `port`: the port. `roam`: the address too, of a peer that has shown its secret.",
    default: '`"port"`',
    standard: "RFC 2661 §8.1",
    example: 'peer_address_policy = "port"',
    aliases: ["auth_tunnel_change_addr_src"],
  }),
  accept_incoming: ours(z.boolean(), {
    description: "Take the peer's incoming calls: it is LAC, we are LNS.",
    default: "`true`",
    example: "accept_incoming = true",
    aliases: ["we_can_be_lns", "accept_dialin", "l2tp_accept_dialin"],
  }),
  accept_outgoing: ours(z.boolean(), {
    description: "Place calls for the peer: it is LNS, we are LAC.",
    default: "`false`",
    example: "accept_outgoing = false",
    aliases: ["we_can_be_lac", "outcall"],
  }),
  max_sessions: ours(integer(0, 65_535), {
    description: "Sessions that the tunnel takes.",
    default: "65535",
    example: "max_sessions = 200",
    aliases: ["session_limit", "call_limit"],
  }),
  tunnel_setup_timeout: ours(milliseconds(1), {
    description: "How long the tunnel may take to be set up.",
    unit: "ms",
    default: "60000",
    example: "tunnel_setup_timeout = 60000",
    aliases: ["tunnel_establish_timeout", "timeout", "setup_timeout"],
  }),
  session_setup_timeout: ours(milliseconds(1), {
    description: "How long a session may take to be set up.",
    unit: "ms",
    default: "60000",
    example: "session_setup_timeout = 60000",
    aliases: ["session_establish_timeout"],
  }),
  idle_timeout: ours(milliseconds(0), {
    description: "A tunnel without sessions is closed after this; 0: it stays.",
    unit: "ms",
    default: "0",
    standard: "RFC 2661 §5.6",
    example: "idle_timeout = 0",
    aliases: ["persist"],
  }),
  send_window: ours(integer(1, 32_768), {
    description: "The most control messages that we have unacknowledged, whatever window the peer offers.",
    unit: "messages",
    default: "as `window_size`",
    standard: "RFC 2661 §5.8",
    example: "send_window = 16",
    aliases: ["tx_window_size"],
  }),
  hello_misses: ours(integer(0, 1_000), {
    description:
      "Transmissions of one Hello without an answer after which the peer is taken for dead; 0: as many as of any message.",
    default: "0",
    standard: "RFC 2661 §5.5",
    example: "hello_misses = 3",
    aliases: ["hello_failures"],
  }),
  ack_delay: ours(integer(0, 500), {
    description: "How long an acknowledgement waits for a message that it can go with.",
    unit: "ms",
    default: "0",
    standard: "RFC 2661 §5.8",
    example: "ack_delay = 100",
    aliases: ["ack_timeout", "zlb_timeout"],
  }),
  quirks: ours(z.array(z.enum(QUIRK_WORDS)), {
    description:
      "Leniencies for peers that break the RFC in known ways, beside those that their Vendor Name brings.",
    expects: 'an array of names such as "apple", see below',
    default: "`[]`",
    example: 'quirks = ["apple"]',
    aliases: ["avp_permissive", "dir300_quirk", "compat"],
  }),
  dial: ours(z.enum(["start", "demand", "manual"]), {
    description:
      "When we dial. `start`: with the daemon, and always again. `demand`: when `l2tpctl dial` or a call wants it, until it is up. `manual`: once, by `l2tpctl dial`.",
    default: '`"start"`',
    example: 'dial = "start"',
    aliases: ["autodial", "auto", "dial_on_demand"],
  }),
  redial: ours(z.boolean(), {
    description: "Dial again after a failure, or when the tunnel has ended.",
    default: '`true`; with `dial = "manual"` `false`',
    example: "redial = true",
    aliases: ["reconnect", "auto_redial"],
  }),
  redial_timeout: ours(milliseconds(0), {
    description:
      "Wait before the first redial; doubles with each failure, and differs by up to a fifth by chance.",
    unit: "ms",
    default: "`retry_initial` of `[daemon]`",
    example: "redial_timeout = 1000",
    aliases: ["tunnel_persist_pend_timeout", "holdoff"],
  }),
  redial_timeout_max: ours(milliseconds(0), {
    description: "The longest such wait. The same as `redial_timeout`: always that long, as of xl2tpd.",
    unit: "ms",
    default: "`retry_max` of `[daemon]`",
    example: "redial_timeout_max = 60000",
  }),
  max_redials: ours(integer(0, 1_000_000_000), {
    description: "Redials after which it is given up until `l2tpctl dial`; 0: never.",
    default: "0",
    example: "max_redials = 0",
  }),
  stable_time: ours(milliseconds(0), {
    description:
      "A tunnel that was up for this long was a success: waits and redials are counted anew when it has ended.",
    unit: "ms",
    default: "60000",
    example: "stable_time = 60000",
  }),
  lockout: ours(milliseconds(0), {
    description:
      "A peer that failed is left alone for this long while there are others, doubling with each failure.",
    unit: "ms",
    default: "10000",
    example: "lockout = 10000",
    aliases: ["fail_timeout", "lockout_time"],
  }),
  lockout_max: ours(milliseconds(0), {
    description: "The longest lock-out.",
    unit: "ms",
    default: "600000",
    example: "lockout_max = 600000",
  }),
  failback: ours(z.enum(["new-tunnels", "move"]), {
    description:
      "What happens when a peer of better priority may be tried again: `new-tunnels` takes it for the next tunnel, `move` dials it at once and moves when it answers.",
    default: '`"new-tunnels"`',
    example: 'failback = "move"',
  }),
  failback_time: ours(milliseconds(0), {
    description:
      "While another peer serves, those of better priority that failed are left alone for this long.",
    unit: "ms",
    default: "300000",
    example: "failback_time = 300000",
  }),
  address_family: ours(z.enum(["any", "ipv4", "ipv6", "prefer-ipv4", "prefer-ipv6"]), {
    description: "Which addresses of a name are dialled. `any`: as the resolver orders them.",
    default: '`"any"`',
    example: 'address_family = "prefer-ipv6"',
    aliases: ["family"],
  }),
  session_profile: profileName({
    description: "Session profile of calls that the peer makes on it.",
    default: '`"default"`',
    example: 'session_profile = "default"',
    aliases: ["session_profile_name"],
  }),
  ppp_profile: profileName({
    description: "PPP profile of the tunnel's sessions that have none of their own.",
    default: '`"default"`',
    example: 'ppp_profile = "default"',
    aliases: ["ppp_profile_name"],
  }),
};

/** The keys of `[profile.tunnel.NAME]`. */
export const TUNNEL_PROFILE_KEYS = {
  inherits: inherits(),
  ...TUNNEL_SETTING_KEYS,
};

/** The keys, in the order of the documentation. `session` is a table of tables and not among them. */
export const TUNNEL_KEYS = {
  version: key(z.enum(["l2tpv2", "l2tpv3"]), {
    description: "Version of the protocol.",
    default: '`"l2tpv3"`',
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661, RFC 3931",
    example: 'version = "l2tpv3"',
    aliases: ["proto", "protocol"],
  }),
  encap: key(z.enum(["udp", "ip"]), {
    description:
      "Encapsulation: in UDP, or directly in IP as protocol 115. L2TPv2 has UDP only; IP saves 12 octets per packet and does not pass NAT.",
    default: '`"udp"`',
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §8.1, RFC 3931 §4.1",
    example: 'encap = "udp"',
    aliases: ["encapsulation"],
  }),
  local: key(z.string(), {
    description:
      'Our address, `address:port`. `:1701` is any address; without a port it is 1701, with `encap = "ip"` there is none.',
    expects: 'an address such as "192.0.2.1:1701" or "[2001:db8::1]:1701"',
    default: "any address; port 1701 for a static or quiescent tunnel, any free one for a dynamic tunnel",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §8.1, RFC 3931 §4.1.2",
    example: 'local = "192.0.2.1:1701"',
    aliases: ["src_ipaddr", "bind", "listen", "local_address"],
  }),
  peer: key(z.union([z.string(), z.array(z.union([z.string(), PEER_TABLE])).min(1)]), {
    description:
      'The peer\'s address, `address:port`; port 1701 when it is left out. A dynamic tunnel may have the name of a host, which is looked up at every try, and an array of addresses, names and tables: `{ address = "lns1.example", priority = 0, weight = 1 }`. The lowest priority (0 where none is given) is tried first; among equal ones each gets the share of its weight (1).',
    expects: 'an address such as "192.0.2.2:1701" or "[2001:db8::2]:1701"',
    default: "required",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §8.1, RFC 3931 §4.1.2",
    example: 'peer = "192.0.2.2:1701"',
    aliases: ["remote", "lns", "dest_ipaddr", "peer_address", "endpoint", "peers", "gateway"],
  }),
  mode: key(z.enum(["static", "quiescent", "dynamic"]), {
    description:
      "How the tunnel comes to be. `static`: both ends are configured and no control message is sent. `quiescent`: configured too, but hellos find out whether the peer lives. `dynamic`: negotiated with the peer.",
    default:
      "`dynamic` for L2TPv2; for L2TPv3 `quiescent` when `tid` or `ptid` is given, as ql2tpd has it, else `dynamic`",
    origin: "l2tpd",
    since: "0.1",
    standard: "RFC 2661 §5.1, RFC 3931 §3.3",
    example: 'mode = "quiescent"',
    aliases: ["type"],
  }),
  tid: key(integer(1, MAX_32), {
    description:
      "Our tunnel ID (v2: 1 to 65535) or control connection ID (v3). The peer's `ptid`. Required in a static or quiescent tunnel.",
    default: "required; in a dynamic tunnel chosen at random",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §3.1, RFC 3931 §4.1",
    example: "tid = 1",
    aliases: ["tunnel_id", "local_tunnel_id"],
  }),
  ptid: key(integer(1, MAX_32), {
    description:
      "The peer's tunnel ID or control connection ID: its `tid`. Required in a static or quiescent tunnel.",
    default: "required; in a dynamic tunnel learned from the peer",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §3.1, RFC 3931 §4.1",
    example: "ptid = 2",
    aliases: ["peer_tunnel_id", "peer_tid", "remote_tunnel_id"],
  }),
  namespace: key(z.string().min(1), {
    description:
      "Network namespace that the tunnel's packets travel in: the name of one of `ip netns`, or a path such as `/proc/42/ns/net`.",
    expects: "the name or the path of a network namespace",
    default: "that of the daemon",
    origin: "l2tpd",
    since: "0.1",
    example: 'namespace = "wan"',
    aliases: ["netns", "vrf"],
  }),
  profile: profileName({
    description: "Tunnel profile whose keys hold where the tunnel is silent.",
    default: '`"default"`',
    example: 'profile = "default"',
    aliases: ["profile_name", "tunnel_profile_name", "tunnel_profile", "inherits"],
  }),
  ...SECRET_KEYS,
  ...TUNNEL_SETTING_KEYS,
};

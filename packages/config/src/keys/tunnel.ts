/** The keys of `[tunnel.NAME]`. */
import * as z from "zod";
import { integer, key } from "./declare.ts";

const MAX_32 = 0xffff_ffff;

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
  peer: key(z.string(), {
    description:
      "The peer's address, `address:port`; port 1701 when it is left out. An IP address: host names are not looked up.",
    expects: 'an address such as "192.0.2.2:1701" or "[2001:db8::2]:1701"',
    default: "required",
    origin: "go-l2tp",
    since: "0.1",
    standard: "RFC 2661 §8.1, RFC 3931 §4.1.2",
    example: 'peer = "192.0.2.2:1701"',
    aliases: ["remote", "lns", "dest_ipaddr", "peer_address", "endpoint"],
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
};

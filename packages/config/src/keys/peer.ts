/** The keys of `[listen.NAME]`, `[peer.NAME]` and `[call.NAME]`: where others reach us, who may, and what becomes of their calls. */
import * as z from "zod";
import { denial, profileName, SECRET_KEYS } from "./common.ts";
import { ours, text, texts } from "./declare.ts";

/** The keys of `[listen.NAME]`. */
export const LISTEN_KEYS = {
  local: ours(text(), {
    description: "Address that callers reach us at. `:1701` is all addresses of IPv4, `[::]:1701` of IPv6.",
    expects: 'an address such as "192.0.2.1:1701" or "[2001:db8::1]:1701"',
    default: "required",
    standard: "RFC 2661 §8.1",
    example: 'local = "0.0.0.0:1701"',
    aliases: ["listen_addr", "listen", "bind", "address", "bind_address", "self", "port"],
  }),
  namespace: ours(text(), {
    description: "Network namespace that it is in: the name of one of `ip netns`, or a path.",
    expects: "the name or the path of a network namespace",
    default: "that of the daemon",
    example: 'namespace = "wan"',
    aliases: ["netns", "vrf"],
  }),
  udp_checksum: ours(z.boolean(), {
    description: "UDP checksums on data messages.",
    default: "`true`",
    example: "udp_checksum = true",
    aliases: ["udp_csum"],
  }),
};

/** The keys of `[peer.NAME]`. */
export const PEER_KEYS = {
  from: ours(texts(), {
    description: "Addresses that the peer calls from: addresses, prefixes, ranges.",
    expects: 'an array of addresses such as ["192.0.2.0/24", "2001:db8::1", "192.0.2.10-192.0.2.20"]',
    default: "any",
    example: 'from = ["192.0.2.0/24", "192.0.3.10-192.0.3.20"]',
    aliases: ["peer", "lac", "address", "peer_ipaddr", "client_ip_range", "ip", "peer_address", "netmask"],
  }),
  host_name: ours(texts(), {
    description:
      "Patterns of its Host Name AVP; `*` is any characters, `?` is one, and upper and lower case are one.",
    expects: 'an array of patterns such as ["lac*.example"]',
    default: "any",
    example: 'host_name = ["lac*.example"]',
    aliases: ["hostname", "name", "pmask"],
  }),
  vendor_name: ours(texts(), {
    description: "Patterns of its Vendor Name AVP.",
    expects: 'an array of patterns such as ["Cisco*"]',
    default: "any",
    example: 'vendor_name = ["Cisco*"]',
    aliases: ["vendor"],
  }),
  listen: ours(texts(), {
    description: "Names of the listeners that it may call.",
    expects: "an array of names of listeners",
    default: "any",
    example: 'listen = ["public"]',
    aliases: ["listener", "listeners"],
  }),
  deny: denial("it", "stolen router", ["reject", "refuse", "block"]),
  ...SECRET_KEYS,
  tunnel_profile: profileName({
    description: "Tunnel profile of its tunnels.",
    default: '`"default"`',
    example: 'tunnel_profile = "default"',
    aliases: ["tunnel_profile_name", "profile"],
  }),
  session_profile: profileName({
    description: "Session profile of its calls.",
    default: "the tunnel profile's",
    example: 'session_profile = "default"',
    aliases: ["session_profile_name"],
  }),
  ppp_profile: profileName({
    description: "PPP profile of its sessions.",
    default: "the session profile's, or the tunnel profile's",
    example: 'ppp_profile = "default"',
    aliases: ["ppp_profile_name"],
  }),
};

/** The keys of `[call.NAME]`. */
export const CALL_KEYS = {
  kind: ours(z.enum(["incoming", "outgoing"]), {
    description: "Which calls: those that a LAC has for us, or those that an LNS wants us to place.",
    default: "both",
    example: 'kind = "incoming"',
    aliases: ["direction", "type"],
  }),
  peer: ours(texts(), {
    description:
      "Names of the `[peer.NAME]` that let the caller in, or of the `[tunnel.NAME]` that we dialled.",
    expects: "an array of names of peers and tunnels",
    default: "any",
    example: 'peer = ["lacs"]',
    aliases: ["from", "lac", "lns", "peers"],
  }),
  called_number: ours(texts(), {
    description: "Patterns of the called number.",
    expects: 'an array of patterns such as ["555*"]',
    default: "any",
    example: 'called_number = ["555*"]',
    aliases: ["callednum", "called"],
  }),
  calling_number: ours(texts(), {
    description: "Patterns of the calling number.",
    expects: 'an array of patterns such as ["+49*"]',
    default: "any",
    example: 'calling_number = ["+49*"]',
    aliases: ["callingnum", "calling"],
  }),
  sub_address: ours(texts(), {
    description: "Patterns of the sub-address.",
    expects: 'an array of patterns such as ["42"]',
    default: "any",
    example: 'sub_address = ["42"]',
  }),
  private_group: ours(texts(), {
    description:
      "Patterns of the private group, which is known when the call is connected: the profile of its PPP can follow from it (not `attach`, nor `switch_to`), or that it is denied.",
    expects: 'an array of patterns such as ["corp"]',
    default: "any",
    example: 'private_group = ["corp"]',
    aliases: ["priv_group_id"],
  }),
  deny: denial("the call", "no premium numbers", ["reject", "refuse"]),
  session_profile: profileName({
    description: "Session profile of the call.",
    default: "the peer's",
    example: 'session_profile = "default"',
  }),
  ppp_profile: profileName({
    description: "PPP profile of the call.",
    default: "the peer's",
    example: 'ppp_profile = "default"',
  }),
  switch_to: ours(text(), {
    description: "Tunnel that the session is passed on to: tunnel switching.",
    expects: "the name of a tunnel",
    default: "none: it ends here",
    example: 'switch_to = "isp"',
    aliases: ["switch", "forward", "setforward", "lns"],
  }),
  switch_ppp: ours(z.enum(["pass", "end"]), {
    description:
      "What becomes of the PPP of an incoming call that is passed on. `pass`: all of it goes through, and the other LNS sees the subscriber as if it had called there. `end`: LCP and authentication are ours, by the call's PPP profile and our users; then the other LNS is told what was negotiated and proved (Proxy LCP and Authentication AVPs), and goes on with the rest of PPP.",
    default: "pass",
    example: 'switch_ppp = "end"',
  }),
};

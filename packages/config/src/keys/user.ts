/** The keys of `[user.NAME]`, `[pool.NAME]` and `[names]`: who uses PPP sessions, and which addresses there are. */
import * as z from "zod";
import { denial, filePath } from "./common.ts";
import { AUTH_WORDS, bitRate, integer, milliseconds, ours, text, texts } from "./declare.ts";

/** The keys of `[user.NAME]`; NAME is what the user says, in quotes where it has a realm or is a pattern. */
export const USER_KEYS = {
  password: ours(text(), {
    description: "The user's password.",
    default: "none: the user comes in only where no proof is asked for",
    example: 'password = "test"',
    secret: true,
    aliases: ["secret", "user_password"],
  }),
  password_file: filePath({
    description: "File that holds it: its first line. Only its owner may be able to read it.",
    default: "none",
    example: 'password_file = "/etc/l2tpd/test.password"',
    aliases: ["secret_file"],
  }),
  deny: denial("the user", "has not paid", ["disabled", "enabled", "block"]),
  auth: ours(z.array(z.enum(AUTH_WORDS)).min(1), {
    description: "Ways of proof that are taken of this user.",
    default: "all that the PPP profile asks for",
    example: 'auth = ["mschap-v2"]',
    aliases: ["methods", "auth_methods"],
  }),
  calling_number: ours(texts(), {
    description: "Patterns of the numbers that it may call from.",
    expects: 'an array of patterns such as ["+49*"]',
    default: "any",
    example: 'calling_number = ["+49*"]',
    aliases: ["calling", "callers", "allowed_callers"],
  }),
  called_number: ours(texts(), {
    description: "Patterns of the numbers that it may call.",
    expects: 'an array of patterns such as ["555*"]',
    default: "any",
    example: 'called_number = ["555*"]',
  }),
  from: ours(texts(), {
    description: "Addresses of the peers that it may come by.",
    expects: 'an array of addresses such as ["192.0.2.0/24", "2001:db8::1", "192.0.2.10-192.0.2.20"]',
    default: "any",
    example: 'from = ["192.0.2.0/24"]',
    aliases: ["peer", "allowed"],
  }),
  ppp_profiles: ours(texts(), {
    description: "PPP profiles that it may use.",
    expects: "an array of names of PPP profiles",
    default: "any",
    example: 'ppp_profiles = ["default"]',
  }),
  address: ours(text(), {
    description: "Its IPv4 address. Nobody else is given it.",
    expects: "an IPv4 address such as 10.0.0.9",
    default: "one of the pool",
    example: 'address = "10.0.0.9"',
    aliases: ["ip", "ip_address", "remote_ip", "framed_ip_address"],
  }),
  pool: ours(text(), {
    description: "Pool that its addresses come from.",
    expects: "the name of a pool",
    default: "that of the PPP profile",
    example: 'pool = "subscribers"',
    aliases: ["ip_pool", "ip_pool_name"],
  }),
  interface_id: ours(text(), {
    description: "Its IPv6 interface identifier.",
    expects: "an interface identifier such as ::1",
    default: "its own choice",
    standard: "RFC 5072",
    example: 'interface_id = "::1"',
    aliases: ["ipv6_intf_id", "interface_identifier"],
  }),
  ipv6_prefix: ours(text(), {
    description: "IPv6 prefix that is advertised to it, a /64.",
    expects: "a prefix such as 2001:db8:1::/64",
    default: "one of the pool",
    example: 'ipv6_prefix = "2001:db8:1::/64"',
  }),
  delegated_prefix: ours(text(), {
    description: "IPv6 prefix that is delegated to it.",
    expects: "a prefix such as 2001:db8:100::/56",
    default: "one of the pool",
    example: 'delegated_prefix = "2001:db8:100::/56"',
    aliases: ["ipv6_delegated_prefix"],
  }),
  dns: ours(z.array(z.string()), {
    description: "DNS servers for the user.",
    expects: 'an array of addresses such as ["192.0.2.53"]',
    default: "those of the PPP profile",
    standard: "RFC 1877",
    example: 'dns = ["192.0.2.53"]',
    aliases: ["ms_dns", "dns1"],
  }),
  wins: ours(z.array(z.string()), {
    description: "WINS (NBNS) servers for the user.",
    expects: 'an array of addresses such as ["192.0.2.53"]',
    default: "those of the PPP profile",
    standard: "RFC 1877",
    example: 'wins = ["192.0.2.54"]',
    aliases: ["ms_wins", "nbns"],
  }),
  routes: ours(z.array(z.string()), {
    description: "Prefixes behind the user that are routed to its session.",
    expects: 'an array of prefixes such as ["10.20.0.0/16"]',
    default: "none",
    example: 'routes = ["10.20.0.0/16"]',
    aliases: ["framed_route", "route"],
  }),
  to_peer_rate: ours(bitRate(), {
    description: "Limit of what goes to the user.",
    unit: "bit/s",
    default: "that of the PPP profile, or none",
    example: "to_peer_rate = 50000000",
    aliases: ["rate_down", "down_speed", "download", "rate_limit"],
  }),
  from_peer_rate: ours(bitRate(), {
    description: "Limit of what comes from the user.",
    unit: "bit/s",
    default: "that of the PPP profile, or none",
    example: "from_peer_rate = 10000000",
    aliases: ["rate_up", "up_speed", "upload"],
  }),
  session_timeout: ours(milliseconds(0, 31_536_000_000), {
    description: "The session is ended after this; 0: never.",
    unit: "ms",
    default: "that of the PPP profile",
    example: "session_timeout = 86400000",
    aliases: ["max_connect_time"],
  }),
  idle_timeout: ours(milliseconds(0, 31_536_000_000), {
    description: "The session is ended after so long without a packet; 0: never.",
    unit: "ms",
    default: "that of the PPP profile",
    example: "idle_timeout = 600000",
  }),
  exclusive: ours(z.enum(["replace", "refuse", "no"]), {
    description:
      "What a second session of the user does: `replace` ends the first, `refuse` is refused, `no` is let be.",
    default: "that of the PPP profile",
    example: 'exclusive = "replace"',
    aliases: ["single_session", "allow_duplicate_users", "user_max_session"],
  }),
};

/** The keys of `[pool.NAME]`. */
export const POOL_KEYS = {
  ranges: ours(texts(), {
    description:
      "IPv4 addresses to give: ranges, and prefixes, of which all but the first and the last address are given.",
    expects: 'an array of ranges such as ["10.0.0.10-10.0.0.250", "10.1.0.0/16"]',
    default: "none",
    example: 'ranges = ["10.0.0.10-10.0.0.250", "10.1.0.0/16"]',
    aliases: ["ip_range", "range", "addresses", "pool_address"],
  }),
  exclude: ours(texts(), {
    description: "IPv4 addresses and ranges that are not given.",
    expects: 'an array of addresses such as ["10.1.0.1", "10.1.0.250-10.1.0.254"]',
    default: "none",
    example: 'exclude = ["10.1.0.1"]',
    aliases: ["no_ip_range", "reserved"],
  }),
  local: ours(text(), {
    description: "Our own end's IPv4 address, the same on all sessions.",
    expects: "an IPv4 address such as 10.1.0.1",
    default: "`local_address` of the PPP profile",
    example: 'local = "10.1.0.1"',
    aliases: ["gw_ip_address", "local_ip", "gateway", "gw", "local_ipaddr"],
  }),
  ipv6: ours(texts(), {
    description: "IPv6 prefixes of which each session gets a part that is advertised to it.",
    expects: 'an array of prefixes such as ["2001:db8:1::/48"]',
    default: "none",
    example: 'ipv6 = ["2001:db8:1::/48"]',
    aliases: ["ipv6_prefix", "ipv6_pool", "prefix"],
  }),
  ipv6_length: ours(integer(1, 64), {
    description: "Prefix length of each part; only a /64 lets hosts choose their addresses.",
    default: "64",
    example: "ipv6_length = 64",
    aliases: ["mask"],
  }),
  delegated: ours(texts(), {
    description: "IPv6 prefixes of which each session gets a part delegated.",
    expects: 'an array of prefixes such as ["2001:db8:100::/40"]',
    default: "none",
    standard: "RFC 8415 §6.3",
    example: 'delegated = ["2001:db8:100::/40"]',
    aliases: ["delegate", "ipv6_pool_delegate"],
  }),
  delegated_length: ours(integer(1, 64), {
    description: "Prefix length of each delegated part.",
    default: "56",
    example: "delegated_length = 56",
  }),
  next: ours(text(), {
    description: "Pool that is asked when this one has nothing left.",
    expects: "the name of a pool",
    default: "none",
    example: 'next = "overflow"',
  }),
};

/** The keys of `[names]`. */
export const NAME_KEYS = {
  strip_nt_domain: ours(z.boolean(), {
    description:
      "Look up `DOMAIN\\user`, as Windows says it, as `user` when there is no user of the whole name.",
    default: "`true`",
    example: "strip_nt_domain = true",
  }),
  strip_realm: ours(z.boolean(), {
    description: "Look up `user@realm` as `user` when there is no user of the whole name.",
    default: "`false`",
    example: "strip_realm = false",
    aliases: ["strip_atmark_realm", "default_realm"],
  }),
  ignore_case: ours(z.boolean(), {
    description: "Do not tell upper from lower case.",
    default: "`false`",
    example: "ignore_case = false",
    aliases: ["single_session_ignore_case"],
  }),
};

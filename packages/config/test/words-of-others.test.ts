/** People come with the words of other programs: each leads to ours, where it stands or where it belongs. */
import { describe, expect, test } from "vitest";
import { checkConfig } from "../src/index.ts";

const answer = (table: string, word: string): string | undefined => {
  const checked = checkConfig(`[${table.replaceAll("NAME", "x")}]\n"${word}" = 1\n`);
  const problem = checked.ok ? undefined : checked.error.problems.find(({ line }) => line === 2);
  return problem?.nearest ?? problem?.remedy;
};

/** Word, table, and what of ours it is. */
const WORDS: Record<string, readonly (readonly [word: string, table: string, ours: string])[]> = {
  xl2tpd: [
    ["listen-addr", "listen.NAME", "local"],
    ["auth file", "peer.NAME", "secret_file"],
    ["ip range", "pool.NAME", "ranges"],
    ["no ip range", "pool.NAME", "exclude"],
    ["lns", "tunnel.NAME", "peer"],
    ["autodial", "tunnel.NAME", "dial"],
    ["redial timeout", "tunnel.NAME", "redial_timeout"],
    ["max redials", "tunnel.NAME", "max_redials"],
    ["hidden bit", "tunnel.NAME", "hiding"],
    ["tunnel rws", "tunnel.NAME", "window_size"],
    ["cap backoff", "tunnel.NAME", "retry_timeout_max"],
    ["hostname", "tunnel.NAME", "host_name"],
    ["pppoptfile", "tunnel.NAME.session.NAME", "pppd_args"],
    ["tx bps", "tunnel.NAME.session.NAME", "tx_connect_speed"],
    ["force userspace", "daemon", "data_plane"],
    ["require pap", "profile.ppp.NAME", "auth"],
    ["refuse pap", "profile.ppp.NAME", "own_auth"],
    ["local ip", "profile.ppp.NAME", "local_address"],
    ["defaultroute", "profile.ppp.NAME", "default_route"],
  ],
  OpenL2TP: [
    ["max_tunnels", "limits", "tunnels"],
    ["max_sessions", "limits", "sessions"],
    ["drain_tunnels", "daemon", "drain_rate"],
    ["tunnel_establish_timeout", "tunnel.NAME", "tunnel_setup_timeout"],
    ["session_establish_timeout", "profile.tunnel.NAME", "session_setup_timeout"],
    ["use_tiebreaker", "tunnel.NAME", "tie_breaker"],
    ["hide_avps", "tunnel.NAME", "hiding"],
    ["bearer_capabilities", "tunnel.NAME", "bearer_caps"],
    ["tx_window_size", "tunnel.NAME", "send_window"],
    ["session_type", "tunnel.NAME.session.NAME", "call"],
    ["priv_group_id", "tunnel.NAME.session.NAME", "private_group"],
    ["user_password", "tunnel.NAME.session.NAME", "password"],
    ["use_ppp_proxy", "profile.ppp.NAME", "proxy"],
    ["chap_interval", "profile.ppp.NAME", "auth_interval"],
    ["lcp_echo_fail_count", "profile.ppp.NAME", "echo_failures"],
    ["max_connect_time", "profile.ppp.NAME", "session_timeout"],
    ["ip_pool_name", "profile.ppp.NAME", "pool"],
  ],
  "accel-ppp": [
    ["hello-interval", "profile.tunnel.NAME", "hello_timeout"],
    ["rtimeout", "profile.tunnel.NAME", "retry_timeout"],
    ["rtimeout-cap", "profile.tunnel.NAME", "retry_timeout_max"],
    ["retransmit", "profile.tunnel.NAME", "max_retries"],
    ["recv-window", "profile.tunnel.NAME", "window_size"],
    ["dir300_quirk", "profile.tunnel.NAME", "quirks"],
    ["single-session", "profile.ppp.NAME", "exclusive"],
    ["lcp-echo-interval", "profile.ppp.NAME", "echo_interval"],
    ["dns1", "profile.ppp.NAME", "dns"],
    ["ipv6-intf-id", "profile.ppp.NAME", "interface_id"],
    ["gw-ip-address", "pool.NAME", "local"],
    ["client-ip-range", "peer.NAME", "from"],
  ],
  "l2tpns and npppd": [
    ["l2tp_secret", "peer.NAME", "secret"],
    ["primary_dns", "profile.ppp.NAME", "dns"],
    ["idle_echo_timeout", "profile.ppp.NAME", "echo_interval"],
    ["allow_duplicate_users", "profile.ppp.NAME", "exclusive"],
    ["tundevicename", "profile.ppp.NAME", "shared_name"],
    ["strip-atmark-realm", "names", "strip_realm"],
    ["tcp-mss-adjust", "profile.ppp.NAME", "clamp_mss"],
    ["ingress-filter", "profile.ppp.NAME", "check_source"],
    ["l2tp-lcp-renegotiation", "profile.ppp.NAME", "proxy"],
  ],
};

describe.each(Object.entries(WORDS))("a word of %s", (_program, words) => {
  test.each(words)("%s in [%s] is %s", (word, table, ours) => {
    expect(answer(table, word)).toBe(ours);
  });
});

test.each([
  ["max_sessions", "peer.NAME", "It belongs in [tunnel.NAME]."],
  ["password", "tunnel.NAME", "It belongs in [user.NAME] or in [tunnel.NAME.session.NAME]."],
  ["ranges", "user.NAME", "It belongs in [pool.NAME]."],
  ["auth", "tunnel.NAME", "It belongs in [user.NAME]."],
  ["echo_interval", "tunnel.NAME.session.NAME", "It belongs in [profile.ppp.NAME]."],
  ["hello_timeout", "daemon", "It belongs in [tunnel.NAME]."],
  ["tunnel_rate", "daemon", "It belongs in [limits]."],
])("a key of ours in the wrong place, %s in [%s], is sent where it belongs", (word, table, where) => {
  expect(answer(table, word)).toBe(where);
});

/** What a reload says of a change, in the words of the document. */
import { expect, test } from "vitest";
import { KEY_TABLES, parseConfig, plan } from "../src/index.ts";
import * as written from "../src/written-as.ts";

const TABLES = [
  ["[daemon]", written.DAEMON_WRITTEN],
  ["[limits]", written.LIMITS_WRITTEN],
  ["[hooks]", written.HOOKS_WRITTEN],
  ["[names]", written.NAMES_WRITTEN],
  ["[listen.NAME]", written.LISTENER_WRITTEN],
  ["[tunnel.NAME]", written.TUNNEL_WRITTEN],
  ["[tunnel.NAME.session.NAME]", written.SESSION_WRITTEN],
] as const;

/** The names of all keys that a table of members leads to. */
const leaves = (of: unknown): string[] =>
  typeof of === "string" ? [of] : Object.values(of as object).flatMap((one) => leaves(one));

test.each(TABLES)("the members of %s are written as its keys, and every key is there", (title, table) => {
  const declared = Object.keys(KEY_TABLES.find((one) => one.table === title)?.keys ?? {});
  // The sessions of a tunnel are tables of their own.
  expect(new Set(leaves(table).filter((key) => key !== "session"))).toEqual(new Set(declared));
});

const DIALLED = `[tunnel.d]
version = "l2tpv2"
peer = "192.0.2.9"
secret = "opensesame"
[tunnel.d.session.s]
called_number = "100"
user = "me"
password_file = "/etc/l2tpd/me"
`;
const CONFIGURED = `[tunnel.e]
local = "192.0.2.1:1701"
peer = "192.0.2.2:1701"
mode = "quiescent"
tid = 1
ptid = 2
[tunnel.e.session.s]
sid = 3
psid = 4
cookie = "00112233"
`;
const LISTENING = `[daemon]
trace_secrets = false
[limits]
source_tunnel_rate = 5
[names]
strip_realm = false
[listen.a]
local = ":1701"
`;

/** What the steps from a document to another say, each once. */
function reasons(document: string, was: string, is: string): string[] {
  expect(document).toContain(was);
  const steps = plan(parseConfig(document), parseConfig(document.replace(was, is)));
  return [...new Set(steps.map((step) => ("why" in step ? step.why : step.keys.join(", "))))];
}

test.each([
  [
    DIALLED,
    'secret = "opensesame"',
    'secret_file = "/etc/l2tpd/s"',
    ["secret, secret_file (from its next connection)"],
  ],
  [DIALLED, "secret =", 'old_secret = "sesame street"\nsecret =', ["old_secret (from its next connection)"]],
  [DIALLED, "secret =", "redial_timeout = 9\nsecret =", ["redial_timeout (from its next connection)"]],
  [DIALLED, "secret =", "send_window = 9\nsecret =", ["send_window (from its next connection)"]],
  [DIALLED, "secret =", "window_size = 9\nsecret =", ["window_size (from its next connection)"]],
  [DIALLED, "/etc/l2tpd/me", "/etc/l2tpd/you", ["password_file"]],
  [DIALLED, 'user = "me"', 'user = "you"', ["user"]],
  [DIALLED, '"100"', '"200"', ["called_number"]],
  [DIALLED, '"100"', '"100"\nprivate_group = "g"', ["private_group"]],
  [DIALLED, "[tunnel.d]", "[profile.ppp.default]\nmru = 1400\n[tunnel.d]", ["ppp_profile", "default"]],
  [CONFIGURED, "cookie =", "peer_cookie =", ["peer_cookie, cookie"]],
  [CONFIGURED, "sid = 3", "sid = 5", ["sid"]],
  [CONFIGURED, "sid = 3", 'sid = 3\ninterface_name = "l2"\nbridge = "br0"', ["interface_name, bridge"]],
  [CONFIGURED, "sid = 3", 'sid = 3\ndont_fragment = "set"\nclamp_mss = true', ["dont_fragment, clamp_mss"]],
  [CONFIGURED, "ptid = 2", "ptid = 3", ["ptid"]],
  [CONFIGURED, "ptid = 2", "ptid = 2\nretry_timeout_max = 20000", ["retry_timeout_max"]],
  [LISTENING, "trace_secrets = false", "trace_secrets = true", ["trace_secrets"]],
  [LISTENING, "trace_secrets = false", "history_time = 5", ["history_time"]],
  [
    LISTENING,
    "source_tunnel_rate = 5",
    "source_tunnel_burst = 5",
    ["source_tunnel_rate, source_tunnel_burst"],
  ],
  [LISTENING, "strip_realm = false", "strip_realm = true", ["strip_realm"]],
  [LISTENING, '":1701"', '":1701"\nudp_checksum = false', ["udp_checksum"]],
])("a reload says the key that was changed (%#)", (document, was, is, expected) => {
  expect(reasons(document, was, is).map((text) => text.replace(/^changed: /, ""))).toEqual(expected);
});

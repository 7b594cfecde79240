/** pppd's options (pppd(8)): what each becomes in our PPP profile, or why it becomes nothing. */
import type { Notes, Place } from "./notes.ts";
import type { Word } from "./words.ts";

/** Ways of proof, the stronger first: the order in which pppd asks for them. */
export const AUTH = ["eap-md5", "mschap-v2", "mschap-v1", "chap-md5", "pap"] as const;
export type AuthWord = (typeof AUTH)[number];

/** What a set of options comes to. */
export interface PppSettings {
  /** The peer has to prove who it is; undefined: nothing is said. */
  auth?: { readonly on: boolean; readonly place: Place };
  readonly required: Map<AuthWord, Place>;
  readonly refused: Map<AuthWord, Place>;
  name?: { readonly text: string; readonly place: Place };
  user?: { readonly text: string; readonly place: Place };
  password?: { readonly text: string; readonly place: Place };
  mppe?: { readonly policy: "require" | "off"; readonly bits: readonly number[]; readonly place: Place };
  mppeStateful?: Place;
  interfaceName?: { readonly text: string; readonly place: Place };
  readonly dns: { readonly text: string; readonly place: Place }[];
  readonly wins: { readonly text: string; readonly place: Place }[];
  /** Keys of `[profile.ppp.NAME]` that follow from one option alone. */
  readonly keys: Map<string, { readonly value: string | number | boolean; readonly from: string }>;
}

export const emptySettings = (): PppSettings => ({
  required: new Map(),
  refused: new Map(),
  dns: [],
  wins: [],
  keys: new Map(),
});

type Apply = (it: {
  settings: PppSettings;
  args: readonly string[];
  place: Place;
  notes: Notes;
  what: string;
}) => void;

/** One option: how many words follow it, and what it does. */
interface Option {
  readonly args: number;
  readonly apply: Apply;
}

const key =
  (name: string, value: string | number | boolean | ((text: string) => string | number | undefined)): Apply =>
  ({ settings, args, place, what, notes }) => {
    const made = typeof value === "function" ? value(args[0] ?? "") : value;
    if (made === undefined) notes.leftOut(place, what, "the value is not one that is taken");
    else settings.keys.set(name, { value: made, from: `${place.file}:${place.line} ${what}` });
  };
const whole =
  (least: number, times = 1) =>
  (text: string): number | undefined => {
    const value = Number(text);
    return Number.isInteger(value) && value >= least ? value * times : undefined;
  };
const require_ =
  (...methods: AuthWord[]): Apply =>
  ({ settings, place }) => {
    for (const method of methods) settings.required.set(method, place);
    settings.auth = { on: true, place };
  };
const refuse =
  (...methods: AuthWord[]): Apply =>
  ({ settings, place }) => {
    for (const method of methods) settings.refused.set(method, place);
  };
const mppe =
  (policy: "require" | "off", ...bits: number[]): Apply =>
  ({ settings, place }) => {
    settings.mppe = { policy, bits, place };
  };
const auth =
  (on: boolean): Apply =>
  ({ settings, place }) => {
    settings.auth = { on, place };
  };
const text =
  (name: "name" | "user" | "password" | "interfaceName"): Apply =>
  ({ settings, args, place }) => {
    settings[name] = { text: args[0] ?? "", place };
  };
const server =
  (which: "dns" | "wins"): Apply =>
  ({ settings, args, place, notes, what }) => {
    if (!/^\d+\.\d+\.\d+\.\d+$/.test(args[0] ?? ""))
      return notes.leftOut(place, what, "an IPv4 address is taken, no name");
    if (settings[which].length === 2) return notes.leftOut(place, what, "IPCP has two of them (RFC 1877)");
    settings[which].push({ text: args[0] ?? "", place });
  };
const notNeeded =
  (why: string): Apply =>
  ({ notes, place, what }) =>
    notes.notNeeded(place, what, why);
const leftOut =
  (why: string): Apply =>
  ({ notes, place, what }) =>
    notes.leftOut(place, what, why);
const silent: Apply = () => {};

const LINE = "it is for serial lines; L2TP carries frames";
const COMPRESSION = "no compression but MPPE is negotiated, and others are refused";
const DEBUG = "PPP tells in the daemon's log: log_level of [daemon], l2tpctl trace";
const REDIAL = "the tunnel's keys say when it is dialled again";
const PLUGIN = "plug-ins of pppd are not for our PPP; l2tpctl config import --keep-pppd lets pppd run";
const HOOKS = "programs are run by [hooks], see docs/configuration.md";

const rows = (args: number, apply: Apply, ...names: string[]): [string, Option][] =>
  names.map((name) => [name, { args, apply }]);

const OPTIONS: ReadonlyMap<string, Option> = new Map([
  ...rows(0, auth(true), "auth"),
  ...rows(0, auth(false), "noauth", "-auth"),
  ...rows(0, require_("pap"), "require-pap", "+pap"),
  ...rows(0, require_("chap-md5"), "require-chap", "+chap"),
  ...rows(0, require_("mschap-v1"), "require-mschap", "+mschap", "+chapms"),
  ...rows(0, require_("mschap-v2"), "require-mschap-v2", "+mschap-v2", "+chapms-v2"),
  ...rows(0, require_("eap-md5"), "require-eap", "+eap"),
  ...rows(0, refuse("pap"), "refuse-pap", "-pap"),
  ...rows(0, refuse("chap-md5"), "refuse-chap", "-chap"),
  ...rows(0, refuse("mschap-v1"), "refuse-mschap", "-mschap", "-chapms"),
  ...rows(0, refuse("mschap-v2"), "refuse-mschap-v2", "-mschap-v2", "-chapms-v2"),
  ...rows(0, refuse("eap-md5"), "refuse-eap", "-eap"),
  ...rows(1, text("name"), "name"),
  ...rows(1, text("user"), "user"),
  ...rows(1, text("password"), "password"),
  ...rows(1, text("interfaceName"), "ifname"),
  ...rows(
    1,
    ({ settings, args, place }) => {
      settings.interfaceName = { text: `ppp${args[0]}`, place };
    },
    "unit",
  ),
  ...rows(1, server("dns"), "ms-dns", "dns-addr"),
  ...rows(1, server("wins"), "ms-wins", "wins-addr"),
  ...rows(0, key("request_dns", true), "usepeerdns"),
  ...rows(
    0,
    silent,
    "nousepeerdns",
    "noipdefault",
    "nodetach",
    "-detach",
    "updetach",
    "noreplacedefaultroute",
  ),
  ...rows(1, key("mtu", whole(128)), "mtu"),
  ...rows(1, key("mru", whole(128)), "mru"),
  ...rows(0, silent, "default-mru", "-mru"),
  ...rows(1, key("echo_interval", whole(0, 1000)), "lcp-echo-interval"),
  ...rows(1, key("echo_failures", whole(1)), "lcp-echo-failure"),
  ...rows(0, notNeeded("echo requests are quiet while data flows, always"), "lcp-echo-adaptive"),
  ...rows(1, key("restart_timeout", whole(1, 1000)), "lcp-restart"),
  ...rows(1, key("max_configure", whole(1)), "lcp-max-configure"),
  ...rows(1, key("max_terminate", whole(1)), "lcp-max-terminate"),
  ...rows(1, key("max_failure", whole(1)), "lcp-max-failure"),
  ...rows(
    1,
    notNeeded("one wait and one limit serves LCP, IPCP and the others"),
    "ipcp-restart",
    "ipcp-max-configure",
    "ipcp-max-terminate",
    "ipcp-max-failure",
    "ipv6cp-restart",
    "ipv6cp-max-configure",
    "ipv6cp-max-failure",
    "ipv6cp-max-terminate",
    "ccp-restart",
    "ccp-max-configure",
    "ccp-max-terminate",
    "ccp-max-failure",
    "chap-restart",
    "pap-restart",
  ),
  ...rows(1, key("auth_interval", whole(0, 1000)), "chap-interval"),
  ...rows(1, key("auth_attempts", whole(1)), "chap-max-challenge", "pap-max-authreq"),
  ...rows(1, key("auth_timeout", whole(1, 1000)), "pap-timeout", "chap-timeout"),
  ...rows(0, key("proxy_arp", true), "proxyarp"),
  ...rows(0, silent, "noproxyarp", "-proxyarp"),
  ...rows(0, key("default_route", true), "defaultroute", "replacedefaultroute"),
  ...rows(0, silent, "nodefaultroute", "-defaultroute"),
  ...rows(0, key("accept_local_address", true), "ipcp-accept-local"),
  ...rows(0, key("accept_peer_address", true), "ipcp-accept-remote"),
  ...rows(0, key("ipv4", false), "noip", "-ip"),
  ...rows(0, key("ipv6", false), "noipv6", "-ipv6"),
  ...rows(0, silent, "+ipv6"),
  ...rows(1, leftOut("interface_id and peer_interface_id of the profile say them"), "ipv6"),
  ...rows(1, key("idle_timeout", whole(0, 1000)), "idle"),
  ...rows(1, key("session_timeout", whole(0, 1000)), "maxconnect"),
  ...rows(0, key("pfc", false), "nopcomp", "-pc"),
  ...rows(0, key("acfc", false), "noaccomp", "-ac"),
  ...rows(0, key("magic", false), "nomagic", "-mn"),
  ...rows(0, mppe("require", 128, 40), "require-mppe", "+mppe"),
  ...rows(0, mppe("require", 128), "require-mppe-128", "+mppe-128"),
  ...rows(0, mppe("require", 40), "require-mppe-40", "+mppe-40"),
  ...rows(0, mppe("off"), "nomppe", "-mppe", "noccp", "-ccp"),
  ...rows(0, silent, "nomppe-40", "-mppe-40", "nomppe-56"),
  ...rows(0, leftOut("strengths are mppe_bits of the profile"), "nomppe-128", "-mppe-128"),
  ...rows(
    0,
    ({ settings, place }) => {
      settings.mppeStateful = place;
    },
    "mppe-stateful",
  ),
  ...rows(0, silent, "nomppe-stateful"),
  ...rows(
    1,
    ({ settings, args, place }) => {
      const given = (args[0] ?? "").split(",");
      const bits = [128, 56, 40].filter((it) => !given.includes(`no${it}`));
      settings.mppe = { policy: given.includes("required") ? "require" : "off", bits, place };
    },
    "mppe",
  ),
  ...rows(
    0,
    notNeeded(COMPRESSION),
    "nobsdcomp",
    "-bsdcomp",
    "nodeflate",
    "-deflate",
    "novj",
    "-vj",
    "novjccomp",
    "-vjccomp",
    "nopredictor1",
    "-predictor1",
    "nocomp",
    "nodeflatedraft",
    "predictor1",
  ),
  ...rows(1, notNeeded(COMPRESSION), "bsdcomp", "deflate", "vj-max-slots"),
  ...rows(
    0,
    notNeeded(LINE),
    "lock",
    "nolock",
    "crtscts",
    "nocrtscts",
    "-crtscts",
    "xonxoff",
    "modem",
    "local",
    "sync",
    "default-asyncmap",
    "-am",
    "receive-all",
    "passive",
    "silent",
    "-p",
    "cdtrcts",
    "nocdtrcts",
  ),
  ...rows(
    1,
    notNeeded(LINE),
    "asyncmap",
    "escape",
    "connect-delay",
    "connect",
    "disconnect",
    "init",
    "pty",
    "mrru",
    "tty",
    "datarate",
  ),
  ...rows(0, notNeeded("IPX is not there"), "noipx", "-ipx"),
  ...rows(0, notNeeded("multilink is not there"), "nomultilink", "nomp", "-mp", "noendpoint"),
  ...rows(0, leftOut("multilink (RFC 1990) is not there"), "multilink", "mp", "+mp"),
  ...rows(
    0,
    notNeeded(DEBUG),
    "debug",
    "nodebug",
    "-d",
    "dump",
    "dryrun",
    "nolog",
    "hide-password",
    "show-password",
    "logfd",
  ),
  ...rows(1, notNeeded(DEBUG), "kdebug", "logfile", "debugfile", "record", "pppdsubnet"),
  ...rows(0, notNeeded(REDIAL), "persist", "nopersist", "demand"),
  ...rows(1, notNeeded(REDIAL), "maxfail", "holdoff", "active-filter", "pass-filter"),
  ...rows(1, notNeeded("hooks are told everything, the peer's address too"), "ipparam", "linkname"),
  ...rows(
    1,
    leftOut(HOOKS),
    "ip-up-script",
    "ip-down-script",
    "ipv6-up-script",
    "ipv6-down-script",
    "ip-pre-up-script",
    "welcome",
  ),
  ...rows(
    1,
    ({ args, place, notes, what }) => {
      if (/pppol2tp|openl2tp|rp-pppoe/.test(args[0] ?? ""))
        notes.notNeeded(place, what, "the kernel's L2TP is used where it is there");
      else notes.leftOut(place, what, PLUGIN);
    },
    "plugin",
  ),
  ...rows(1, leftOut(PLUGIN), "ntlm_auth-helper", "radius-config-file", "radattr", "map-to-ifname", "avpair"),
  ...rows(
    0,
    leftOut("users of the system (PAM, /etc/passwd) are not asked; [user.NAME] has names and passwords"),
    "login",
  ),
  ...rows(
    1,
    leftOut("the peer's name is not checked against it; of users, [user.NAME] is asked"),
    "remotename",
  ),
  ...rows(0, leftOut("secrets of PAP are taken as they are"), "papcrypt"),
  ...rows(
    0,
    notNeeded("our name in PPP is auth_name of the profile, and user of the session"),
    "usehostname",
  ),
  ...rows(1, leftOut("a pool or the user says which addresses it may have"), "allow-ip"),
  ...rows(1, leftOut("addresses of point-to-point links have none"), "netmask"),
  ...rows(1, leftOut("a metric for the default route is not there"), "defaultroute-metric"),
  ...rows(0, leftOut("default routes of IPv6 come by router advertisement"), "defaultroute6"),
  ...rows(0, silent, "nodefaultroute6", "ktune", "noktune", "privgroup", "noremoteip"),
  ...rows(1, leftOut("routing domains are not there"), "domain", "set", "unset"),
]);

/** Options that name another file of options. */
const INCLUDES = new Set(["file", "call"]);

/**
 * Applies words to settings.
 * @param include - gives the words of another file; `undefined` when it cannot be read, and it has said so.
 */
export function applyOptions(
  words: readonly Word[],
  settings: PppSettings,
  notes: Notes,
  include: (kind: "file" | "call", name: string, place: Place) => readonly Word[] | undefined,
  depth = 0,
): void {
  for (let at = 0; at < words.length; at++) {
    const { text: word, place } = words[at] as Word;
    if (INCLUDES.has(word)) {
      const name = words[++at]?.text;
      const more =
        name !== undefined && depth < 8 ? include(word as "file" | "call", name, place) : undefined;
      if (more) applyOptions(more, settings, notes, include, depth + 1);
      continue;
    }
    const option = OPTIONS.get(word);
    if (option) {
      const args = words.slice(at + 1, at + 1 + option.args).map((it) => it.text);
      at += option.args;
      if (args.length < option.args) notes.leftOut(place, word, "its value is missing");
      else
        option.apply({
          settings,
          args,
          place,
          notes,
          what: word === "password" ? word : [word, ...args].join(" "),
        });
    } else if (!addressPair(word, settings, place) && !/^(\d+|tty\w+|\/dev\/\S+)$/.test(word)) {
      notes.leftOut(place, word, "this option of pppd is not known here");
    } else if (/^(\d+|tty|\/dev)/.test(word) && !word.includes(":")) notes.notNeeded(place, word, LINE);
  }
}

/** `local:remote`, either of which may be missing. */
function addressPair(word: string, settings: PppSettings, place: Place): boolean {
  const [, local = "", remote = ""] = /^(\d+\.\d+\.\d+\.\d+)?:(\d+\.\d+\.\d+\.\d+)?$/.exec(word) ?? [];
  if (local === "" && remote === "") return false;
  const from = `${place.file}:${place.line} ${word}`;
  if (local !== "") settings.keys.set("local_address", { value: local, from });
  if (remote !== "") settings.keys.set("peer_address", { value: remote, from });
  return true;
}

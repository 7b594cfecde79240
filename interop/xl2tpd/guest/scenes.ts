/** What the scenes with xl2tpd share: documents of ours, its sections, and the names and secrets of both. */
import { OUTER } from "../../kernel/combinations.ts";

export const SECRET = "opensesame";
export const USER = { name: "alice", password: "wonderland" };
/** Addresses inside the sessions. */
export const INNER = { lns: "10.77.0.1", first: "10.77.0.10" };
/** Where both are outside. */
export const [OURS, PEERS] = [OUTER[4].a, OUTER[4].b];

/** Who runs PPP at our end: pppd or our own, on the kernel's sessions or on our data plane's. */
export const WAYS = [
  { way: "pppd on the kernel's L2TP", dataPlane: "linux", pppd: true },
  { way: "our PPP on the kernel's L2TP", dataPlane: "linux", pppd: false },
  { way: "our PPP on our data plane", dataPlane: "userspace", pppd: false },
  { way: "pppd over a pseudo-terminal on our data plane", dataPlane: "userspace", pppd: true },
] as const;
export type Way = (typeof WAYS)[number];
/** How many scenes play at a time: each waits long for timers of the peer's and of ours. */
export const AT_ONCE = 3;

/** Fifty sessions take their time to come down in the virtual machine. */
const DAEMON = `
[daemon]
stop_timeout = 60000
`;
/** On a busy machine an answer may take long. */
const PATIENT = ["lcp-max-configure", "40", "ipcp-max-configure", "40", "lcp-echo-interval", "0"];
const PLAIN = ["noccp", "novj", "noipv6", "nodefaultroute"];
/** Options of our pppd as a client, and as a server. */
const CLIENT = ["noauth", "user", USER.name, "password", USER.password, "noipdefault", ...PLAIN, ...PATIENT];
const SERVER = ["auth", "name", "lns", `${INNER.lns}:${INNER.first}`, ...PLAIN, ...PATIENT];
const words = (all: readonly string[]): string => all.map((word) => JSON.stringify(word)).join(", ");

/** `[profile.ppp.default]`: keys of the scene in the place of the usual. */
function pppProfile(
  usual: Readonly<Record<string, string>>,
  scene: Readonly<Record<string, string>>,
): string {
  const lines = Object.entries({ ...usual, ...scene }).map(([key, value]) => `${key} = ${value}`);
  return ["[profile.ppp.default]", ...lines].join("\n");
}

/** What differs in a document of ours. */
export interface Scene {
  readonly secret?: string;
  readonly password?: string;
  /** Where the LNS listens. */
  readonly local?: string;
  /** Of the LAC. */
  readonly sessions?: number;
  /** Keys of our PPP, as TOML. */
  readonly ppp?: Readonly<Record<string, string>>;
  /** Options of our pppd. */
  readonly pppd?: readonly string[];
}

/** We are LAC, and dial xl2tpd at start. */
export function lacDocument({ pppd }: Way, scene: Scene = {}): string {
  const { secret = SECRET, password = USER.password, sessions = 1 } = scene;
  const who = pppd
    ? `pppd_options = [${words([...CLIENT, ...(scene.pppd ?? [])])}]`
    : `user = "${USER.name}"\npassword = "${password}"`;
  const session = (n: number) => `
[tunnel.office.session.line${n}]
pseudowire = "ppp"
interface_name = "line${n}"
${who}`;
  return `${DAEMON}
[tunnel.office]
version = "l2tpv2"
local = "${OURS}:1701"
peer = "${PEERS}:1701"
secret = "${secret}"
hello_timeout = 3000
retry_timeout = 500
max_retries = 4
redial_timeout = 500
redial_timeout_max = 2000
${Array.from({ length: sessions }, (_, n) => session(n + 1)).join("\n")}

${pppProfile({ ipv6: "false" }, scene.ppp ?? {})}
`;
}

/** We are LNS, and xl2tpd dials. */
export function lnsDocument({ pppd }: Way, scene: Scene = {}): string {
  const options = [...SERVER, ...(scene.pppd ?? ["require-chap"])];
  const usual = {
    auth: '["mschap-v2", "chap-md5", "pap"]',
    local_address: `"${INNER.lns}"`,
    pool: '"callers"',
    ipv6: "false",
  };
  return `${DAEMON}
[listen.wan]
local = "${scene.local ?? OURS}:1701"
[peer.xl2tpd]
from = ["${PEERS}"]
secret = "${scene.secret ?? SECRET}"
${pppd ? `[profile.session.default]\npppd_options = [${words(options)}]` : ""}
${pppProfile(usual, scene.ppp ?? {})}
[pool.callers]
ranges = ["${INNER.first}-10.77.0.99"]
[user.${USER.name}]
password = "${scene.password ?? USER.password}"
`;
}

/** `[lns default]` of xl2tpd, with a tunnel secret. */
export const LNS_SECTIONS = `
[lns default]
ip range = ${INNER.first}-10.77.0.99
local ip = ${INNER.lns}
require authentication = yes
name = lns
challenge = yes
length bit = yes
pppoptfile = OPTIONS
`;

/** A `[lac NAME]` of xl2tpd, of which the first is `office`: it dials this address of ours, and again. */
export const lacSection = (lns: string, n: number): string => `
[lac ${n === 0 ? "office" : `office${n + 1}`}]
lns = ${lns}
autodial = yes
redial = yes
redial timeout = 2
challenge = yes
length bit = yes
name = ${USER.name}
pppoptfile = OPTIONS
`;

const lines = (options: readonly string[]): string => `${options.join(" ")}\n`;
/** Its pppd's options, as server and as client. They say nothing of CCP, VJ and IPv6. */
export const SERVER_OPTIONS = lines(["auth", "name lns", "nodefaultroute", ...PATIENT]);
export const CLIENT_OPTIONS = lines([
  ...["noauth", `user ${USER.name}`, "nodefaultroute", "noipdefault"],
  ...PATIENT,
]);
/** Nothing but IPv4, without compression. */
export const ONLY_IPV4 = lines(["noccp", "novj", "noipv6"]);

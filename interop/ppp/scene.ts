/** Two daemons of ours, an LNS and a LAC, each in its site, and what goes through PPP between them. */
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { TwoSites } from "../support/pseudowire.ts";

export const LAC = "192.0.2.1";
export const LNS = "192.0.2.2";
/** The LNS's end of all sessions. */
export const GATEWAY = "100.64.0.1";

/** One kind of line: what the LNS says of it in a PPP profile, and the LAC in its own. */
export interface Line {
  readonly name: string;
  /** Keys of `[profile.ppp.NAME]` at the LNS, as TOML. */
  readonly lns?: string;
  /** The same at the LAC. */
  readonly lac?: string;
  /** Keys of the session at the LAC. */
  readonly session?: string;
}

/** An LNS with the lines as profiles, chosen by the called number; every user's password is `test`. */
export const lnsDocument = (lines: readonly Line[], ctl: Ctl, more = ""): string => `
[daemon]
${ctl.key}

[listen.here]
local = "${LNS}:1701"

[peer.lac]
secret = "opensesame"

[user."*"]
password = "test"

[pool.subscribers]
ranges = ["100.64.0.0/16"]
local = "${GATEWAY}"
ipv6 = ["2001:db8:1::/48"]
delegated = ["2001:db8:100::/40"]

${lines
  .map(
    ({ name, lns = "" }) => `[call.${name}]
called_number = ["${name}"]
ppp_profile = "${name}"
[profile.ppp.${name}]
${lns.includes("pool") ? "" : 'pool = "subscribers"'}
${lns.includes("attach") ? "" : 'attach = "interface"'}
${lns.includes("attach") ? "" : "check_source = false # one host has all sessions, and answers by any of them"}
${lns}
`,
  )
  .join("\n")}
${more}`;

/** A LAC that dials it, with a session for each line, on an interface of the line's name. */
export const lacDocument = (lines: readonly Line[], ctl: Ctl, more = ""): string => `
[daemon]
${ctl.key}
retry_initial = 200
retry_max = 1000

[tunnel.lns]
version = "l2tpv2"
peer = "${LNS}"
secret = "opensesame"
redial_timeout = 300
redial_timeout_max = 1000
max_retries = 3

${lines
  .map(
    ({ name, lac = "", session = "" }) => `[tunnel.lns.session.${name}]
called_number = "${name}"
${session.includes("user") ? "" : `user = "user-${name}"`}
${session.includes("password") ? "" : 'password = "test"'}
interface_name = "${name}"
ppp_profile = "${name}"
${session}
[profile.ppp.${name}]
${lac}
`,
  )
  .join("\n")}
${more}`;

/** What a scene's documents have beside their lines. */
export interface More {
  readonly lns?: string;
  readonly lac?: string;
}

/** Both daemons. Site A has the LAC, site B the LNS. */
export class Scene implements AsyncDisposable {
  readonly sites = new TwoSites();
  readonly lnsCtl = new Ctl();
  readonly lacCtl = new Ctl();
  readonly lns: Daemon;
  readonly lac: Daemon;

  constructor(lines: readonly Line[], more: More = {}) {
    this.lns = new Daemon(this.sites.b, lnsDocument(lines, this.lnsCtl, more.lns));
    this.lac = new Daemon(this.sites.a, lacDocument(lines, this.lacCtl, more.lac));
  }

  /** Waits for the sessions of these names at the LAC. */
  async up(...names: string[]): Promise<void> {
    for (const name of names) await this.lac.says(new RegExp(`^session ${name} is up`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lac[Symbol.asyncDispose]();
    await this.lns[Symbol.asyncDispose]();
    this.sites[Symbol.dispose]();
    this.lacCtl[Symbol.dispose]();
    this.lnsCtl[Symbol.dispose]();
  }
}

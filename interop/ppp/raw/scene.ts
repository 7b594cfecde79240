/** An LNS of ours, and a LAC written out by hand that brings it subscribers of all kinds. */
import { Ctl } from "../../support/ctl.ts";
import { Daemon } from "../../support/daemon.ts";
import { TwoSites } from "../../support/pseudowire.ts";
import { RawLac } from "./raw-lac.ts";

const LNS = "192.0.2.2";
/** The LNS's end of all sessions. */
export const GATEWAY = "100.64.0.1";

/** PPP profiles by name, which is the number to call; the keys as TOML. */
const PROFILES = {
  shared: 'attach = "shared"',
  interface: 'attach = "interface"',
  trusted: 'attach = "interface"\ncheck_source = false',
  program: 'attach = "program"',
  // Each in the phase in which its subscriber hangs; in those before it has the time that it needs.
  hasty_lcp: "phase_timeout = 2000\nrestart_timeout = 300\nmax_configure = 4\nmax_terminate = 1",
  hasty_authentication: "auth_timeout = 2000\nmax_terminate = 1",
  hasty_ipcp: "phase_timeout = 4000\nmax_terminate = 1",
  tiny: 'pool = "tiny"',
  eap: 'auth = ["eap-md5", "eap-mschap-v2"]',
  mppe: 'auth = ["mschap-v2"]\nmppe = "require"\nmppe_bits = [128, 56, 40]\nmppe_mode = "either"',
  use: 'proxy = "use"',
  verify: 'proxy = "verify"',
  renegotiate: 'proxy = "renegotiate"',
} as const;
export type Profile = keyof typeof PROFILES;

const document = (ctl: Ctl) => `
[daemon]
${ctl.key}
[listen.here]
local = "${LNS}:1701"
[peer.anybody]
secret = "opensesame"
[limits]                            # all callers come from one address here, and every line is wanted
source_notice_rate = 1000
source_notice_burst = 10000
[user."*"]
password = "test"
[user.fixed]
password = "test"
address = "100.64.9.9"
[user.alone]
password = "test"
exclusive = "refuse"
[user.newest]
password = "test"
exclusive = "replace"
[user.site]
password = "test"
routes = ["10.66.0.0/16", "2001:db8:66::/48"]
[user.gone]
password = "test"
deny = "left us in May"
[profile.ppp.default]
auth = ["mschap-v2", "chap-md5", "pap"]
pool = "subscribers"
restart_timeout = 500
[pool.subscribers]
ranges = ["100.64.0.0/24"]
local = "${GATEWAY}"
ipv6 = ["2001:db8:1::/48"]
delegated = ["2001:db8:100::/40"]
[pool.tiny]
ranges = ["100.65.0.1-100.65.0.1"]
local = "${GATEWAY}"
${Object.entries(PROFILES)
  .map(
    ([name, keys]) =>
      `[call.${name}]\ncalled_number = ["${name}"]\nppp_profile = "${name}"\n[profile.ppp.${name}]\n${keys}`,
  )
  .join("\n")}
`;

/** Site A has the LAC, site B the LNS. */
export class RawScene implements AsyncDisposable {
  readonly sites = new TwoSites();
  readonly ctl = new Ctl();
  readonly lns = new Daemon(this.sites.b, document(this.ctl));
  readonly lac = new RawLac(this.sites.a, LNS);

  async ready(): Promise<void> {
    await this.lns.says(/^listening for tunnels/);
    await this.lac.open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lac[Symbol.asyncDispose]();
    await this.lns[Symbol.asyncDispose]();
    this.sites[Symbol.dispose]();
    this.ctl[Symbol.dispose]();
  }
}

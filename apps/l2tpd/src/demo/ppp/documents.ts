/** The two documents of the PPP scene: an LNS with two users, and a LAC that dials it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where both ends of the cable are. */
export const OUTER = { lac: "192.0.2.1", lns: "192.0.2.2" } as const;

/** The LAC's sessions, in the order in which they are shown. */
export const USERS = ["alice", "bob"] as const;

/** The name of an interface, where there is one. */
const ours = (name: string, profile: string): string =>
  profile === "" ? `interface_name = "${name}"\n` : "";

/** Where the two are. */
export interface Places {
  readonly lac: string;
  readonly lns: string;
  readonly port: number;
  /** More keys of `[profile.ppp.default]`, each with a line break. */
  readonly profile?: string;
}

const lnsDocument = ({
  lac,
  lns,
  port,
  profile = "",
}: Places): string => `# An LNS: whoever knows the secret may have a tunnel, and its users get addresses of two pools.
[daemon]
host_name = "lns.example"

[listen.wan]
local = "${lns}:${port}"

[peer.lac]
from = ["${lac}"]
host_name = ["lac.example"]
secret = "opensesame"

[user.alice]
password = "wonderland"

[user.bob]
password = "builder"
auth = ["chap-md5"]
pool = "silver"

# The best way of proof is asked for first; bob's end wants the other.
[profile.ppp.default]
auth = ["mschap-v2", "chap-md5"]
pool = "gold"
${profile}
[pool.gold]
ranges = ["10.64.1.0/24"]
local = "10.64.1.1"

[pool.silver]
ranges = ["10.64.2.0/24"]
local = "10.64.2.1"
`;

const lacDocument = ({
  lns,
  port,
  profile = "",
}: Places): string => `# A LAC that dials the LNS, and has two sessions there.
[daemon]
host_name = "lac.example"

[tunnel.lns]
version = "l2tpv2"
peer = "${lns}:${port}"
secret = "opensesame"
redial_timeout = 500

[tunnel.lns.session.alice]
user = "alice"
password = "wonderland"
${ours("ppp-alice", profile)}
[tunnel.lns.session.bob]
user = "bob"
password = "builder"
${ours("ppp-bob", profile)}ppp_profile = "old"

${profile === "" ? "" : `[profile.ppp.default]\n${profile}\n`}[profile.ppp.old]
own_auth = ["chap-md5"]
`;

/** Both documents as texts. */
export const documentsFor = (places: Places): { readonly lac: string; readonly lns: string } => ({
  lac: lacDocument(places),
  lns: lnsDocument(places),
});

/** Both documents as files that only we can read, gone at the end. */
export interface Documents extends Disposable {
  readonly lac: string;
  readonly lns: string;
}

/** Writes them to a folder of their own. */
export function writeDocuments(): Documents {
  const texts = documentsFor({ ...OUTER, port: 1701 });
  const folder = mkdtempSync(join(tmpdir(), "l2tpd-demo-"));
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    return path;
  };
  return {
    lac: write("lac.toml", texts.lac),
    lns: write("lns.toml", texts.lns),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

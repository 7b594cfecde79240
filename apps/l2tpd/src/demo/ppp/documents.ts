/** The two documents of the PPP scene: an LNS with two users, and a LAC that dials it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where both ends of the cable are. */
export const OUTER = { lac: "192.0.2.1", lns: "192.0.2.2" } as const;

/** The LAC's sessions, in the order in which they are shown. */
export const USERS = ["alice", "bob"] as const;

const LNS = `# An LNS: whoever knows the secret may have a tunnel, and its users get addresses of two pools.
[daemon]
host_name = "lns.example"

[listen.wan]
local = "${OUTER.lns}:1701"

[peer.lac]
from = ["${OUTER.lac}"]
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

[pool.gold]
ranges = ["10.64.1.0/24"]
local = "10.64.1.1"

[pool.silver]
ranges = ["10.64.2.0/24"]
local = "10.64.2.1"
`;

const LAC = `# A LAC that dials the LNS, and has two sessions there.
[daemon]
host_name = "lac.example"

[tunnel.lns]
version = "l2tpv2"
peer = "${OUTER.lns}:1701"
secret = "opensesame"
redial_timeout = 500

[tunnel.lns.session.alice]
user = "alice"
password = "wonderland"
interface_name = "ppp-alice"

[tunnel.lns.session.bob]
user = "bob"
password = "builder"
interface_name = "ppp-bob"
ppp_profile = "old"

[profile.ppp.old]
own_auth = ["chap-md5"]
`;

/** Both documents as files that only we can read, gone at the end. */
export interface Documents extends Disposable {
  readonly lac: string;
  readonly lns: string;
}

/** Writes them to a folder of their own. */
export function writeDocuments(): Documents {
  const folder = mkdtempSync(join(tmpdir(), "l2tpd-demo-"));
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    chmodSync(path, 0o600);
    return path;
  };
  return {
    lac: write("lac.toml", LAC),
    lns: write("lns.toml", LNS),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Documents, ports and folders for tests with daemons that dial each other. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export { freePort } from "@l2tp/testing/free-port";

/** A folder of its own, gone at the end. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "l2tpd-scene-"));

  of(name: string): string {
    return join(this.path, name);
  }

  write(name: string, text: string, mode = 0o600): string {
    const path = this.of(name);
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** An LNS: its secret, two users and a pool. */
export const lns = (port: number, { secret = "opensesame", more = "" } = {}): string => `
[listen.lns]
local = "127.0.0.1:${port}"

[peer.anyone]
secret = "${secret}"
ppp_profile = "subscribers"

[user.test]
password = "test"

[user.test2]
password = "test"

[pool.subscribers]
ranges = ["10.123.0.2-10.123.0.254"]
local = "10.123.0.1"

[profile.ppp.subscribers]
auth = ["mschap-v2", "chap-md5", "pap"]
pool = "subscribers"
attach = "program"
ipv6 = false
${more}`;

/** A LAC that dials it, with one session. */
export const lac = (port: number, { secret = "opensesame", more = "", password = "test" } = {}): string => `
[tunnel.out]
version = "l2tpv2"
peer = "127.0.0.1:${port}"
secret = "${secret}"
redial_timeout = 200

[tunnel.out.session.call]
pseudowire = "ppp"
user = "test"
password = "${password}"
ppp_profile = "caller"

[profile.ppp.caller]
attach = "program"
ipv6 = false
${more}`;

/** xl2tpd as LNS, with a stand-in for pppd mounted over it: this measures the daemon, and most kernels here have no PPP. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildReference } from "../dataplane/lab.ts";
import type { Program, Space } from "./space.ts";

export function startXl2tpd(space: Space): Program {
  const { folder } = space;
  const standIn = buildReference("pppd-stand-in", "-static");
  writeFileSync(
    join(folder, "xl2tpd.conf"),
    `[global]
port = 1701
auth file = ${folder}/secrets
[lns default]
ip range = 10.66.0.2-10.66.255.254
local ip = 10.66.0.1
require authentication = no
`,
  );
  writeFileSync(join(folder, "secrets"), "");
  return space.start(
    "unshare",
    "-m",
    "sh",
    "-c",
    `mount --bind ${standIn} /usr/sbin/pppd && ulimit -n $(ulimit -Hn) && ` +
      `exec xl2tpd -D -c ${folder}/xl2tpd.conf -p ${folder}/xl2tpd.pid -C ${folder}/control`,
  );
}

/** l2tpns as LNS: its configuration is mounted over /etc/l2tpns, its users are asked of a RADIUS server of ours. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "../dataplane/lab.ts";
import type { Program, Space } from "./space.ts";

export const L2TPNS_SECRET = "opensesame";

export async function startL2tpns(space: Space): Promise<Program> {
  const { folder } = space;
  const etc = join(folder, "etc");
  mkdirSync(etc, { recursive: true });
  writeFileSync(
    join(etc, "startup-config"),
    `set debug 0
set log_file "${folder}/log"
set pid_file "${folder}/pid"
set l2tp_secret "${L2TPNS_SECRET}"
set primary_dns 10.64.0.1
set primary_radius 127.0.0.1
set primary_radius_port 1812
set radius_secret "secret"
set radius_authtypes "pap"
set allow_duplicate_users yes
set cli_bind_address 127.0.0.1
set peer_address 10.64.0.1
set cluster_interface lo
set ppp_keepalive yes
`,
  );
  writeFileSync(join(etc, "ip_pool"), "10.64.0.0/15\n");
  writeFileSync(join(etc, "users"), "");
  const radius = space.start(
    process.execPath,
    "--import",
    "tsx",
    fileURLToPath(new URL("radius.ts", import.meta.url)),
    "1812",
    "secret",
  );
  for (let n = 0; n < 100 && !radius.output.includes("ready"); n++) await sleep(100);
  return space.start(
    "unshare",
    "-m",
    "sh",
    "-c",
    `mount --bind ${etc} /etc/l2tpns && ulimit -n $(ulimit -Hn) && exec l2tpns`,
  );
}

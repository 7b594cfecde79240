/** Our own daemon as LNS, as it is built and installed. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Program, Space } from "./space.ts";

const program = fileURLToPath(new URL("../../apps/l2tpd/dist/main.js", import.meta.url));

/** What it is to do beside tunnels and sessions. */
export interface L2tpdOptions {
  /** `null` carries nothing, as xl2tpd with its stand-in. */
  readonly dataPlane: "null" | "userspace";
  /** PPP in the sessions, on one interface for all, for the user `test` with the password `test`. */
  readonly ppp?: { readonly echoMs: number };
  /** Where it listens; 127.0.0.1 when absent. */
  readonly address?: string;
}

/** Starts it with room for any load; limits for single sources stay as they are. */
export function startL2tpd(space: Space, { dataPlane, ppp, address = "127.0.0.1" }: L2tpdOptions): Program {
  const file = join(space.folder, "l2tpd.toml");
  writeFileSync(file, document(address, ppp), { mode: 0o600 });
  return space.start(
    process.execPath,
    program,
    "--config",
    file,
    "--data-plane",
    dataPlane,
    "--log-level",
    "warn",
    "--no-socket",
  );
}

function document(address: string, ppp: L2tpdOptions["ppp"]): string {
  const base = `[limits]
half_open = 60000
closed_tunnels = 60000
tunnel_rate = 1000000
session_rate = 1000000

[listen.bench]
local = "${address}:1701"

[peer.everybody]
`;
  if (ppp === undefined) return base;
  return `${base}ppp_profile = "bench"

[profile.ppp.bench]
auth = ["pap"]
attach = "shared"
pool = "bench"
ipv6 = false
echo_interval = ${ppp.echoMs}

[pool.bench]
ranges = ["10.64.0.0/15"]
local = "10.64.0.1"

[user.test]
password = "test"
`;
}

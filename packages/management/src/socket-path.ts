/** Where the daemon's socket is when nobody says otherwise. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The system's daemon. */
export const SYSTEM_SOCKET = "/run/l2tpd/l2tpd.sock";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a daemon listens: `/run/l2tpd/l2tpd.sock` for root, else `$XDG_RUNTIME_DIR/l2tpd.sock` where that is set. */
export function daemonSocketPath(env: Environment = process.env, uid = process.getuid?.()): string {
  const runtime = env["XDG_RUNTIME_DIR"];
  return uid !== 0 && runtime ? join(runtime, "l2tpd.sock") : SYSTEM_SOCKET;
}

/** Where a client looks: the user's own daemon where there is one, else the system's. */
export function defaultSocketPath(env: Environment = process.env, uid = process.getuid?.()): string {
  const own = daemonSocketPath(env, uid);
  return existsSync(own) ? own : SYSTEM_SOCKET;
}

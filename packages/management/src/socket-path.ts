/** Where the daemon's socket is when nobody says otherwise. */
import { join } from "node:path";

/** The system's daemon. */
export const SYSTEM_SOCKET = "/run/l2tpd/l2tpd.sock";

/**
 * `/run/l2tpd/l2tpd.sock` for root, else `$XDG_RUNTIME_DIR/l2tpd.sock`, else the first all the same (the error then
 * tells what to do).
 */
export function defaultSocketPath(
  env: Readonly<Record<string, string | undefined>> = process.env,
  uid: number | undefined = process.getuid?.(),
): string {
  const runtime = env["XDG_RUNTIME_DIR"];
  return uid !== 0 && runtime ? join(runtime, "l2tpd.sock") : SYSTEM_SOCKET;
}

/**
 * Telling systemd how we are (sd_notify(3)): a datagram to the socket in `NOTIFY_SOCKET`. Node has no datagram
 * sockets of the UNIX family, so it goes through `@l2tp/linux`.
 */
import type { Logger } from "@l2tp/node";

/** Sends `READY=1`, `STOPPING=1`, `STATUS=…`; does nothing where no service manager asked for it. */
export type Notify = (state: string) => void;

/** Made once, at start. What fails is logged once: no service manager is reason enough to stop. */
export async function createNotify(
  logger: Logger,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Notify> {
  const path = environment["NOTIFY_SOCKET"];
  if (!path || process.platform !== "linux") return () => {};
  const { abi, encodeSocketAddress, sys } = await import("@l2tp/linux");
  let broken = false;
  return (state) => {
    if (broken) return;
    try {
      const fd = sys.socket(abi.AF_UNIX, abi.SOCK_DGRAM | abi.SOCK_CLOEXEC);
      try {
        sys.sendto(fd, new TextEncoder().encode(state), encodeSocketAddress({ family: "unix", path }));
      } finally {
        sys.close(fd);
      }
    } catch (error) {
      broken = true;
      logger.warn({ error, path }, "the service manager could not be notified");
    }
  };
}

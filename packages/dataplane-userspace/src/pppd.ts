/** pppd on a pseudo-terminal: whether it can be had here. */
import { openPty, ppp, pppd as pppds, sys, ttyabi } from "@l2tp/linux";

/** What sessions with pppd need of the data plane. */
export interface PppdService {
  /** Why there are none; absent where there are. */
  readonly missing: string | undefined;
  /** Takes each line that pppd says, without secrets. */
  log(line: string): void;
}

/**
 * Why pppd cannot run a session here; undefined when it can. A line discipline is put on a pseudo-terminal, for which the
 * kernel may load the module `ppp_async`.
 */
export function probePppd(): string | undefined {
  try {
    pppds.findPppd();
    sys.close(ppp.openPpp());
    const { master, slave } = openPty();
    try {
      sys.ioctl(slave, ttyabi.TIOCSETD, Int32Array.of(ttyabi.N_PPP), "TIOCSETD N_PPP");
    } finally {
      sys.close(slave);
      sys.close(master);
    }
  } catch (error) {
    return (error as Error).message;
  }
  return process.geteuid?.() === 0 ? undefined : "pppd wants root";
}

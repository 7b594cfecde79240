/**
 * The process's limit of descriptors: raised where that is allowed, and otherwise said before anything is half done.
 * A managed tunnel costs one descriptor, a PPP session three.
 */
import { readdirSync } from "node:fs";
import { PlaneError } from "@l2tp/dataplane";
import { abi, sys } from "@l2tp/linux";

/** Left for everything else: log files, state files, the standard streams, look-ups. */
const SPARE = 32;

const inUse = (): number => readdirSync("/proc/self/fd").length;

/** Raises the soft limit as far as the hard one allows. @returns the limit then in force */
export function raiseDescriptorLimit(): number {
  const { soft, hard } = sys.getrlimit(abi.RLIMIT_NOFILE);
  if (soft < hard) return tryRaise(hard, hard) ? hard : soft;
  return soft;
}

function tryRaise(soft: number, hard: number): boolean {
  try {
    sys.setrlimit(abi.RLIMIT_NOFILE, { soft, hard });
    return true;
  } catch {
    return false; // Above the hard limit, and no CAP_SYS_RESOURCE; or above fs.nr_open.
  }
}

/** Counts descriptors ahead of their use. */
export class DescriptorBudget {
  /** Descriptors of the process when they were last counted, and those taken since. */
  #used = inUse();
  #limit = raiseDescriptorLimit();

  /** The limit in force. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * Makes sure that there is room.
   *
   * @param count - descriptors that are about to be opened.
   * @param what - for the message: `tunnel 7`.
   * @throws PlaneError `limit` with the number that is needed
   */
  take(count: number, what: string): void {
    if (this.#used + count + SPARE > this.#limit) this.#makeRoom(count, what);
    this.#used += count;
  }

  /** They are closed again. */
  release(count: number): void {
    this.#used -= count;
  }

  /** Others of the process open and close as well: near the limit it is counted anew. */
  #makeRoom(count: number, what: string): void {
    this.#used = inUse();
    const needed = this.#used + count + SPARE;
    const { soft, hard } = sys.getrlimit(abi.RLIMIT_NOFILE);
    this.#limit = soft;
    if (needed <= soft) return;
    // In steps, so that not every tunnel asks.
    for (const wanted of [needed * 2, needed]) {
      if (!tryRaise(wanted, Math.max(wanted, hard))) continue;
      this.#limit = wanted;
      return;
    }
    throw new PlaneError(
      "limit",
      `${what} needs ${count} more descriptor${count === 1 ? "" : "s"}, and the process may have ${soft}: raise the ` +
        `limit to ${needed} or more (systemd: LimitNOFILE=${needed}; shell: ulimit -n ${needed}; more than ` +
        "the hard limit needs CAP_SYS_RESOURCE, and sysctl fs.nr_open is above all)",
    );
  }
}

/** What one round of `kernel-guest.ts` found. */
import type { LoopReport } from "@l2tp/testing/loop-watch";

/** Milliseconds for all tunnels with all sessions. */
export interface Steps {
  readonly create: number;
  readonly list: number;
  readonly remove: number;
}

/** One round. */
export interface KernelRound {
  readonly tunnels: number;
  /** In each tunnel. */
  readonly sessions: number;
  readonly ours: Steps;
  readonly ip: Steps;
  /** Of our process's resident memory; a session's share of its tunnel included. */
  readonly octetsPerSession: number;
  /** Of our event loop, while each step was done. */
  readonly loop: readonly LoopReport[];
  /** Of an event loop with nothing to do, while `ip` does the same in the same machine: the machine's own lateness. */
  readonly ipLoop: readonly LoopReport[];
}

/** Marks the lines of JSON. */
export const KERNEL_LINE = "@@l2tp-kernel ";

/** What one round of `kernel-guest.ts` found. */

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
  readonly loopLongestMs: number;
  readonly loopP999Ms: number;
}

/** Marks the lines of JSON. */
export const KERNEL_LINE = "@@l2tp-kernel ";

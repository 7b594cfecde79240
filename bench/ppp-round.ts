/** What one round of `ppp-guest.ts` found. */

/** One LNS with one session in the virtual machine. */
export interface PppPath {
  /** TCP to the subscriber and from it. */
  readonly gbit: { readonly down: number; readonly up: number };
  /** CPU seconds of the LNS, pppd included, for a GB of TCP payload. */
  readonly cpuPerGb: { readonly down: number; readonly up: number };
}

export interface PppRound {
  readonly ours: PppPath;
  readonly xl2tpd: PppPath;
}

/** Marks the lines of JSON. */
export const PPP_LINE = "@@l2tp-ppp ";

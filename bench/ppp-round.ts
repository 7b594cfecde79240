/** What one round of `ppp-guest.ts` found. */

/** One LNS with one session in the virtual machine. */
export interface PppPath {
  /** TCP to the subscriber and from it. */
  readonly gbit: { readonly down: number; readonly up: number };
  /** CPU seconds of the LNS, pppd included, for a GB of TCP payload. */
  readonly cpuPerGb: { readonly down: number; readonly up: number };
}

/** Both LNSs in one round. */
export interface PppRound {
  readonly path: { readonly ours: PppPath; readonly xl2tpd: PppPath };
  /** Sessions fully up each second: LCP, CHAP, IPCP. */
  readonly perSecond: { readonly ours: number; readonly xl2tpd: number };
}

/** Marks the lines of JSON. */
export const PPP_LINE = "@@l2tp-ppp ";

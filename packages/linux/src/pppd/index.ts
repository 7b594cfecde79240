/** pppd as a child of ours: its options, its life, what it says, and the interface that it makes. */
export { PppdError, type PppdErrorCode } from "./error.ts";
export { explainPppdExit, PPPD_EXIT_STATUS, type ProcessExit } from "./exit.ts";
export { checkPppdOptions, formatPppdOptions, parsePppdOptions } from "./options.ts";
export { findPppd, Pppd, type PppdLine, type PppdStart, readPppdOptions } from "./process.ts";
export {
  interfaceOptions,
  type PppdInterfaceWish,
  type PppdOwner,
  type PppdPlan,
  PppdSession,
  type PppdWish,
  planPppd,
} from "./session.ts";

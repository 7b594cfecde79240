/** Dialling: which LNS, when, and when again. */
export type {
  ChosenTarget,
  DialEvent,
  DialerStatus,
  DialFailure,
  DialSettings,
  DialStep,
  LnsTarget,
  RedialSettings,
  ResolvedAddress,
  Resolver,
  TargetSettings,
  TargetStatus,
} from "./types.ts";

/** Dialling: which LNS, when, and when again. */
export { Dialer, type DialerOptions } from "./dialer.ts";
export { dialFailure } from "./failure.ts";
export { Redial, type RedialRules, redialRules } from "./redial.ts";
export { type DnsResolverOptions, dnsResolver, ResolveError } from "./resolver.ts";
export { LnsTargets, type Target } from "./targets.ts";
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

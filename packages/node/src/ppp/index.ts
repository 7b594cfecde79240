/** PPP sessions of our own: a `PppSession` of `@l2tp/ppp` on a `PppLink` of the data plane, with an `Authority` to ask. */
export type {
  PppAddresses,
  PppDownCode,
  PppDownReason,
  PppSessionEvent,
  PppStatus,
  PppUp,
} from "./events.ts";
export type { PppCall, PppHost, PppRun, PppRunnerOptions } from "./host.ts";
export { type PppIpv6, type PppProfile, type PppProfileInit, pppProfile } from "./profile.ts";
export { UserRegister, type UserSession } from "./user-register.ts";

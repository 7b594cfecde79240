/** PPP sessions of our own: a `PppSession` of `@l2tp/ppp` on a `PppLink` of the data plane, with an `Authority` to ask. */
export { newDuid } from "./duid.ts";
export { EchoResponder, respondToEcho } from "./echo-responder.ts";
export type {
  PppAddresses,
  PppDownCode,
  PppDownReason,
  PppHandedOver,
  PppSessionEvent,
  PppStatus,
  PppUp,
} from "./events.ts";
export type { PppCall, PppHost, PppListener, PppRun, PppRunnerOptions } from "./host.ts";
export { handingOver, type PppIpv6, type PppProfile, type PppProfileInit, pppProfile } from "./profile.ts";
export { proxyAvps, proxyOf } from "./proxy.ts";
export { PppRunner } from "./runner.ts";
export { UserRegister, type UserSession } from "./user-register.ts";

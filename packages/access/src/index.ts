/** Who may dial in, as whom, with which address: the questions, and answers from rules, users, profiles and pools. */
export type {
  AddressLease,
  Authority,
  CallGrant,
  CallRequest,
  LeaseRequest,
  PeerGrant,
  PeerRequest,
  Refusal,
  UserGrant,
  UserRequest,
} from "./authority.ts";
export { RulesError } from "./errors.ts";
export { isPattern, matchesPattern } from "./pattern.ts";
export type { CallRule, NameRule, PeerRule, PoolRule, RulesData, UserRule } from "./rules-data.ts";

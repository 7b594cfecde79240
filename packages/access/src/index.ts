/** Who may dial in, as whom, with which address: the questions, and answers from rules, users, profiles and pools. */

export {
  type AddressNumber,
  type AddressRange,
  formatAddress,
  formatRange,
  overlap,
  prefixesOf,
  type ReadRange,
  readAddress,
  readRange,
  within,
} from "./address.ts";
export type {
  AddressLease,
  Authority,
  CallGrant,
  CallRequest,
  LeaseRequest,
  PeerGrant,
  PeerRequest,
  Refusal,
  SwitchPpp,
  UserAttributes,
  UserGrant,
  UserRequest,
} from "./authority.ts";
export { RulesError } from "./errors.ts";
export { isPattern, matchesPattern } from "./pattern.ts";
export { type PoolCount, type PoolStatus, Pools } from "./pools.ts";
export { Rules, type RulesStatus } from "./rules.ts";
export type { CallRule, NameRule, PeerRule, PoolRule, RulesData, UserRule } from "./rules-data.ts";

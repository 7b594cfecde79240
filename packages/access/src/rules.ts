/** An authority that answers from rules: what `l2tpd` makes of its document. */
import type {
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
import { askCall, PeerRules } from "./peers.ts";
import { type PoolStatus, Pools } from "./pools.ts";
import type { CallRule, RulesData, UserRule } from "./rules-data.ts";
import { UserRules } from "./users.ts";

/** What there is, for people; nothing in it is secret. */
export interface RulesStatus {
  readonly peers: number;
  readonly calls: number;
  readonly users: number;
  /** Sessions that have addresses. */
  readonly leases: number;
  readonly pools: readonly PoolStatus[];
}

/**
 * Answers at once, from rules. Peers and calls are asked in order; users by their name. Addresses that were given stay
 * with their sessions when the rules are replaced.
 */
export class Rules implements Authority {
  #peers: PeerRules;
  #calls: readonly CallRule[];
  #users: UserRules;
  #counts: Pick<RulesStatus, "peers" | "calls" | "users">;
  readonly #pools: Pools;

  /** @throws RulesError - where a rule is wrong. */
  constructor(data: RulesData = {}) {
    this.#peers = new PeerRules(data.peers);
    this.#calls = data.calls ?? [];
    this.#users = new UserRules(data.users, data.names);
    this.#pools = new Pools(data.pools, reservedBy(data.users));
    this.#counts = countsOf(data);
  }

  /** Other rules from now on; leases stay. @throws RulesError, and then nothing has changed. */
  replace(data: RulesData): void {
    const peers = new PeerRules(data.peers);
    const users = new UserRules(data.users, data.names);
    this.#pools.replace(data.pools ?? [], reservedBy(data.users));
    this.#peers = peers;
    this.#calls = data.calls ?? [];
    this.#users = users;
    this.#counts = countsOf(data);
  }

  /** May it have a tunnel? The first peer that matches says. */
  peer(request: PeerRequest): PeerGrant | Refusal {
    return this.#peers.ask(request);
  }

  /** May this call be? The first rule that matches says; a call that none matches may. */
  call(request: CallRequest): CallGrant | Refusal {
    return askCall(this.#calls, request);
  }

  /** Who is this user? */
  user(request: UserRequest): UserGrant | Refusal {
    return this.#users.ask(request);
  }

  /** Addresses for a session; the same again when it asks twice. */
  lease(request: LeaseRequest): AddressLease | Refusal {
    return this.#pools.lease(request);
  }

  /** Its addresses are free again. A session that has none is no mistake. */
  release(session: string): void {
    this.#pools.release(session);
  }

  /** How many rules there are, and what is left in each pool. */
  status(): RulesStatus {
    return { ...this.#counts, leases: this.#pools.leases, pools: this.#pools.status() };
  }
}

/** Fixed addresses of users, which pools leave alone. */
function reservedBy(users: readonly UserRule[] = []): string[] {
  return users.flatMap(({ address, ipv6Prefix, delegatedPrefix }) =>
    [address, ipv6Prefix, delegatedPrefix].filter((one) => one !== undefined),
  );
}

const countsOf = ({ peers, calls, users }: RulesData): Pick<RulesStatus, "peers" | "calls" | "users"> => ({
  peers: peers?.length ?? 0,
  calls: calls?.length ?? 0,
  users: users?.length ?? 0,
});

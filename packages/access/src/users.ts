/** Who a user is: by its name as it is, or by the first pattern that its name fits. */
import { type AddressRange, readAddress } from "./address.ts";
import type { Refusal, UserGrant, UserRequest } from "./authority.ts";
import { RulesError } from "./errors.ts";
import { isPattern, matchesAny, matchesPattern } from "./pattern.ts";
import { comesFrom, rangesOf } from "./peers.ts";
import type { NameRule, UserRule } from "./rules-data.ts";

interface User {
  readonly rule: UserRule;
  readonly from: readonly AddressRange[] | undefined;
}

/** User rules. Finding a user by its name takes the same time however many there are. */
export class UserRules {
  readonly #exact = new Map<string, User>();
  readonly #patterns: User[] = [];
  readonly #names: NameRule;

  /** @throws RulesError */
  constructor(rules: readonly UserRule[] = [], names: NameRule = {}) {
    this.#names = names;
    for (const rule of rules) {
      const where = `user ${JSON.stringify(rule.name)}`;
      const user = { rule, from: rangesOf(`${where}: from`, rule.from) };
      if (isPattern(rule.name)) this.#patterns.push(user);
      else if (this.#exact.has(this.#fold(rule.name))) {
        throw new RulesError(where, "there are two of this name");
      } else this.#exact.set(this.#fold(rule.name), user);
      if (isPattern(rule.name) && rule.address !== undefined) {
        throw new RulesError(`${where}: address`, "all users that the pattern fits would have the same one");
      }
    }
  }

  /** Answers who a user is. The proof is for the asker to check. */
  ask(request: UserRequest): UserGrant | Refusal {
    const user = this.#find(request.name);
    const who = `user ${quote(request.name)}`;
    if (user === undefined) return no(`there is no ${who}`);
    const { rule } = user;
    if (rule.deny !== undefined) {
      return no(`user ${JSON.stringify(rule.name)} is denied${rule.deny === "" ? "" : `: ${rule.deny}`}`);
    }
    const { method, profile } = request;
    if (rule.methods !== undefined && !rule.methods.includes(method)) {
      return no(`${who} may not come by ${method}, only by ${rule.methods.join(", ")}`);
    }
    if (rule.password === undefined && method !== "none") {
      return no(`${who} has no password here to check ${method} with`);
    }
    if (rule.password !== undefined && method === "none" && rule.methods === undefined) {
      return no(`${who} has a password, and has not shown that it knows it`);
    }
    if (rule.profiles !== undefined && !rule.profiles.includes(profile)) {
      return no(`${who} may not use the PPP profile ${JSON.stringify(profile)}`);
    }
    if (!comesFrom(user.from, readAddress(request.peer.address))) {
      return no(`${who} may not come by ${request.peer.address}`);
    }
    for (const member of ["callingNumber", "calledNumber"] as const) {
      if (matchesAny(rule[member], request[member] ?? "")) continue;
      const which = member === "callingNumber" ? "call from" : "call";
      return no(`${who} may not ${which} ${quote(request[member] ?? "")}`);
    }
    return grantOf(rule, method === "none");
  }

  #fold(name: string): string {
    return this.#names.ignoreCase ? name.toLowerCase() : name;
  }

  #find(name: string): User | undefined {
    const whole = this.#fold(name);
    const spellings = [whole];
    const backslash = whole.indexOf("\\");
    if ((this.#names.stripNtDomain ?? true) && backslash >= 0) spellings.push(whole.slice(backslash + 1));
    if (this.#names.stripRealm) {
      for (const one of [...spellings]) {
        const at = one.lastIndexOf("@");
        if (at > 0) spellings.push(one.slice(0, at));
      }
    }
    for (const one of spellings) {
      const user = this.#exact.get(one);
      if (user !== undefined) return user;
    }
    return this.#patterns.find(({ rule }) =>
      spellings.some((one) => matchesPattern(this.#fold(rule.name), one)),
    );
  }
}

const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}…` : text);

/** What the peer is told is the same for all reasons, so that it cannot find out which names there are. */
const no = (reason: string): Refusal => ({ accept: false, reason });

function grantOf(rule: UserRule, proven: boolean): UserGrant {
  const {
    name: _name,
    deny: _deny,
    password,
    methods: _m,
    callingNumber: _c,
    calledNumber: _d,
    ...rest
  } = rule;
  const { from: _f, profiles: _p, ...grant } = rest;
  return {
    accept: true,
    // So that spellings of one name are one user; of a pattern each name is a user of its own.
    ...(!isPattern(rule.name) && { user: rule.name }),
    ...(proven ? { verified: {} } : password !== undefined && { secret: password }),
    ...grant,
  };
}

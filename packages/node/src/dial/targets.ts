/**
 * Which LNS is next: among several by priority and weight as DNS SRV does it (RFC 2782), one after the other until one
 * serves. A round tries each target that is not locked out once, and each address of it; when all are locked out, all.
 * Pure: time and randomness are parameters.
 */
import { isIP } from "node:net";
import type { Instant, IpAddress, SocketAddress } from "@l2tp/protocol";
import { ParameterError } from "../errors.ts";
import type { LnsTarget, ResolvedAddress, TargetSettings, TargetStatus } from "./types.ts";

const L2TP_PORT = 1701;
const NEVER = Number.NEGATIVE_INFINITY;

/** One target, and what became of it. */
export interface Target {
  readonly index: number;
  readonly host: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
  /** The host is an address. */
  readonly address: ResolvedAddress | undefined;
}

interface State extends Target {
  /** Failures in a row, by which the lock-out grows; a short success does not end the row. */
  strikes: number;
  failures: number;
  tries: number;
  successes: number;
  lockedUntil: Instant;
  lastReason: string | undefined;
  lastAddress: IpAddress | undefined;
}

/** The targets of one tunnel. */
export class LnsTargets {
  readonly #settings: Required<Omit<TargetSettings, "family">> & Pick<TargetSettings, "family">;
  readonly #random: () => number;
  readonly #targets: readonly State[];
  /** Targets that had their turn in this round. */
  readonly #had = new Set<State>();
  #ignoreLocks = false;
  /** The target whose turn it is, its addresses that were tried, and whether it is to blame for a failure. */
  #current: State | undefined;
  readonly #triedAddresses = new Set<string>();
  #known: readonly ResolvedAddress[] = [];
  #isToBlame = false;

  /**
   * @param random - a number from 0 up to but not 1.
   * @throws ParameterError naming what cannot be.
   */
  constructor(targets: readonly LnsTarget[], settings: TargetSettings, random: () => number) {
    if (targets.length === 0) throw new ParameterError("targets", "name one LNS at least");
    const { lockOutMs = 10_000, maxLockOutMs = 600_000, failBackMs = 300_000, family } = settings;
    for (const [key, value] of Object.entries({ lockOutMs, maxLockOutMs, failBackMs })) {
      whole(key, value, 0, Number.MAX_SAFE_INTEGER);
    }
    const { failBack = "new-tunnels" } = settings;
    this.#settings = { lockOutMs, maxLockOutMs, failBackMs, failBack, ...(family && { family }) };
    this.#random = random;
    this.#targets = targets.map((target, index) => newState(target, index));
    if (family?.only) this.#checkFamily(family.prefer);
  }

  /** A literal address of the family that is excluded could never be dialled. */
  #checkFamily(only: 4 | 6): void {
    const other = this.#targets.find(({ address }) => address !== undefined && address.family !== only);
    if (other) {
      throw new ParameterError(
        `targets[${other.index}].host`,
        `an IPv${only} address or a name was expected, as only IPv${only} is to be used; got ${other.host}`,
      );
    }
  }

  get count(): number {
    return this.#targets.length;
  }

  /** Begins a round. @param without - a target that had its turn already: the one whose tunnel has just ended. */
  newRound(now: Instant, without?: Target): void {
    this.#had.clear();
    const had = this.#targets.find((state) => state === without);
    if (had) this.#had.add(had);
    this.leave();
    // Locks keep a target from its turn only while another has one.
    this.#ignoreLocks = had === undefined && this.#targets.every((state) => state.lockedUntil > now);
  }

  /** Whose turn it is now; `undefined`: the round is over. The same one, until all its addresses were tried. */
  choose(now: Instant): Target | undefined {
    if (this.#current) return this.#current;
    const free = this.#targets.filter(
      (state) => !this.#had.has(state) && (this.#ignoreLocks || state.lockedUntil <= now),
    );
    const chosen = weighted(free, this.#random);
    if (chosen) this.#take(chosen);
    return chosen;
  }

  /**
   * The address of the target in turn to dial.
   * @param found - all that it has now; they are put in the order of the family that is preferred.
   * @returns `undefined` when it has none that was not tried in this turn: tell {@link failed}.
   */
  address(found: readonly ResolvedAddress[]): SocketAddress | undefined {
    const target = this.#current;
    if (target === undefined) return undefined;
    this.#known = this.#inOrder(found);
    const next = this.#known.find(({ address }) => !this.#triedAddresses.has(address));
    if (next === undefined) return undefined;
    this.#triedAddresses.add(next.address);
    target.tries += 1;
    target.lastAddress = next.address;
    return { family: next.family, address: next.address, port: target.port };
  }

  #inOrder(found: readonly ResolvedAddress[]): readonly ResolvedAddress[] {
    const { family } = this.#settings;
    if (family === undefined) return found;
    const preferred = found.filter((one) => one.family === family.prefer);
    return family.only ? preferred : [...preferred, ...found.filter((one) => one.family !== family.prefer)];
  }

  /**
   * The try at the target in turn failed.
   * @param kind - `lns`: its other addresses are tried, then it is locked out. `network`: its other addresses, no lock-out.
   * `try-another`: its turn is over, no lock-out.
   * @returns the target, when it was locked out.
   */
  failed(now: Instant, kind: "lns" | "network" | "try-another", text: string): Target | undefined {
    const target = this.#current;
    if (target === undefined) return undefined;
    target.lastReason = text;
    target.failures += 1;
    this.#isToBlame ||= kind === "lns";
    const left = this.#known.some(({ address }) => !this.#triedAddresses.has(address));
    if (left && kind !== "try-another") return undefined;
    const blamed = this.#isToBlame && kind !== "try-another";
    this.leave();
    return blamed ? this.#lock(now, target) : undefined;
  }

  /** A tunnel to the target in turn is up. @returns it. */
  succeeded(now: Instant): Target | undefined {
    const target = this.#current;
    if (target === undefined) return undefined;
    this.leave();
    target.successes += 1;
    target.failures = 0;
    target.lockedUntil = NEVER;
    for (const other of this.#targets) {
      if (other.priority < target.priority && other.failures > 0) {
        other.lockedUntil = Math.max(other.lockedUntil, now + this.#settings.failBackMs);
      }
    }
    return target;
  }

  /** Whether an address of the target in turn was tried: with none left its turn is over, and the name is not to blame. */
  get hasTriedAddresses(): boolean {
    return this.#triedAddresses.size > 0;
  }

  /** {@link address} found none: of those that the target has, all were tried, or there are none. @returns as {@link failed}. */
  hasNoAddress(now: Instant): Target | undefined {
    const target = this.#current;
    if (target === undefined) return undefined;
    this.#known = [];
    if (this.#triedAddresses.size > 0) return this.failed(now, "network", target.lastReason ?? "");
    const { family } = this.#settings;
    return this.failed(now, "lns", `${target.host}: no ${family?.only ? `IPv${family.prefer} ` : ""}address`);
  }

  /** Nobody has a turn any more. */
  leave(): void {
    this.#current = undefined;
    this.#triedAddresses.clear();
    this.#known = [];
    this.#isToBlame = false;
  }

  /** A target has its turn now. */
  get hasTurn(): boolean {
    return this.#current !== undefined;
  }

  /** The tunnel to `target` has ended. @param wasStable - it was up for long enough to have been a success. */
  ended(
    now: Instant,
    target: Target,
    wasStable: boolean,
    kind: "lns" | "network" | "try-another",
    text: string,
  ) {
    const state = this.#targets[target.index] as State;
    if (wasStable) state.strikes = 0;
    state.lastReason = text;
    state.failures += 1;
    return kind === "lns" ? this.#lock(now, state) : undefined;
  }

  /** Locks are void: what failed did so before this host slept. */
  forgive(): void {
    for (const target of this.#targets) {
      target.lockedUntil = NEVER;
      target.strikes = 0;
    }
  }

  /** When a target that is preferred to `target` may be tried again; `undefined`: there is none. */
  failBackAt(target: Target): Instant | undefined {
    if (this.#settings.failBack !== "move") return undefined;
    const before = this.#targets.filter(({ priority }) => priority < target.priority);
    return before.length === 0
      ? undefined
      : Math.max(0, Math.min(...before.map(({ lockedUntil }) => lockedUntil)));
  }

  /** Gives the turn to a target that is preferred to `target` and not locked out. */
  chooseBefore(now: Instant, target: Target): Target | undefined {
    if (this.#current) return this.#current.priority < target.priority ? this.#current : undefined;
    const free = this.#targets.filter(
      ({ priority, lockedUntil }) => priority < target.priority && lockedUntil <= now,
    );
    const chosen = weighted(free, this.#random);
    if (chosen) this.#take(chosen);
    return chosen;
  }

  /** Keeps a target that could not be used now from being asked for at once again. @returns when it may be. */
  postpone(now: Instant, target: Target): Instant {
    const state = this.#targets[target.index] as State;
    state.lockedUntil = Math.max(state.lockedUntil, now + this.#settings.failBackMs);
    return state.lockedUntil;
  }

  lockedUntil(target: Target): Instant {
    return (this.#targets[target.index] as State).lockedUntil;
  }

  /** For people. @param up - the target of the tunnel that is up. */
  status(now: Instant, up?: Target): TargetStatus[] {
    return this.#targets.map((state) => {
      const { host, port, priority, weight, failures, tries, successes, lastReason, lastAddress } = state;
      const isLocked = state.lockedUntil > now;
      const doing = state === this.#current ? "trying" : isLocked ? "locked-out" : "ready";
      return {
        host,
        port,
        priority,
        weight,
        state: state === up ? "up" : doing,
        failures,
        tries,
        successes,
        ...(lastAddress !== undefined && { address: lastAddress }),
        ...(isLocked && { lockedUntil: state.lockedUntil }),
        ...(lastReason !== undefined && { lastReason }),
      };
    });
  }

  #take(state: State): void {
    this.#had.add(state);
    this.#current = state;
  }

  #lock(now: Instant, state: State): Target | undefined {
    const { lockOutMs, maxLockOutMs } = this.#settings;
    // 2 ** 1024 is Infinity, which the minimum takes well.
    const wait = Math.min(maxLockOutMs, lockOutMs * 2 ** state.strikes);
    state.strikes += 1;
    state.lockedUntil = now + wait;
    return wait > 0 ? state : undefined;
  }
}

/** What a weight of 0 counts, so that it has "a very small chance of being selected" (RFC 2782). */
const LEAST_WEIGHT = 0.01;

/** RFC 2782: one of the lowest priority, each as likely as its weight is to the sum of all. */
function weighted(targets: readonly State[], random: () => number): State | undefined {
  const lowest = Math.min(...targets.map(({ priority }) => priority));
  const group = targets.filter(({ priority }) => priority === lowest);
  const share = ({ weight }: State) => weight || LEAST_WEIGHT;
  let left = random() * group.reduce((sum, state) => sum + share(state), 0);
  // The last one where rounding leaves a hair.
  for (const state of group) {
    left -= share(state);
    if (left < 0) return state;
  }
  return group.at(-1);
}

function newState({ host, port, priority, weight }: LnsTarget, index: number): State {
  const path = `targets[${index}]`;
  const family = isIP(host);
  // No spaces or slashes, and not empty: what else a name may be is the resolver's to say.
  if (!/^[^\s/]+$/.test(host)) {
    throw new ParameterError(
      `${path}.host`,
      `an address or a name was expected, got ${JSON.stringify(host)}`,
    );
  }
  return {
    index,
    host,
    port: whole(`${path}.port`, port ?? L2TP_PORT, 1, 65_535),
    priority: whole(`${path}.priority`, priority ?? 0, 0, 65_535),
    weight: whole(`${path}.weight`, weight ?? 1, 0, 65_535),
    address: family === 0 ? undefined : { address: host, family: family === 6 ? 6 : 4 },
    strikes: 0,
    failures: 0,
    tries: 0,
    successes: 0,
    lockedUntil: NEVER,
    lastReason: undefined,
    lastAddress: undefined,
  };
}

function whole(path: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new ParameterError(path, `a whole number from ${least} to ${most} was expected, got ${value}`);
}

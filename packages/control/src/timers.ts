/** The timers of tunnels and sessions: their names, which run in which state, and the one wheel they are on. */
import type { Instant } from "@l2tp/protocol";
import { TimerWheel } from "@l2tp/transport";
import type { Session, Tunnel } from "./state.ts";

/** Names of timers. */
export const TIMER = {
  /** It is to be up by then. */
  setUp: 0,
  /** No session for so long. */
  idle: 1,
  /** A Session ID has rested long enough. */
  restingIds: 2,
} as const;
/** See {@link TIMER}. */
export type TimerName = keyof typeof TIMER;
const TIMERS = 3;

/** What a timer belongs to. */
export type TimerOwner = Tunnel | Session;

const NONE: readonly TimerName[] = [];

/**
 * Which timers run, by state, and nothing else decides it: a change of state stops the others. (Resting IDs outlive
 * their sessions, but not their tunnel.)
 */
export function runningTimers(owner: TimerOwner): readonly TimerName[] {
  if ("sessions" in owner) {
    if (owner.closed) return NONE;
    if (owner.state !== "established") return ["setUp", "restingIds"];
    return owner.sessions.size === 0 && owner.settings.idleTimeoutMs > 0
      ? ["idle", "restingIds"]
      : ["restingIds"];
  }
  return owner.up ? NONE : ["setUp"];
}

/** The wheel, and whose each of its keys is. An owner without a timer running has no row. */
export class Timers {
  readonly #wheel: TimerWheel;
  readonly #owners: (TimerOwner | undefined)[] = [];
  readonly #free: number[] = [];

  constructor(tickMs: number) {
    this.#wheel = new TimerWheel({ tickMs });
  }

  /** How many timers run. */
  get size(): number {
    return this.#wheel.size;
  }

  /** Starts a timer, or moves it. */
  arm(owner: TimerOwner, name: TimerName, due: Instant): void {
    if (owner.timers < 0) {
      owner.timers = this.#free.pop() ?? this.#owners.length;
      this.#owners[owner.timers] = owner;
    }
    this.#wheel.arm(owner.timers * TIMERS + TIMER[name], due);
  }

  isArmed(owner: TimerOwner, name: TimerName): boolean {
    return owner.timers >= 0 && this.#wheel.isArmed(owner.timers * TIMERS + TIMER[name]);
  }

  /** Stops every timer that is not to run in the owner's state. */
  settle(owner: TimerOwner): void {
    if (owner.timers < 0) return;
    const running = runningTimers(owner);
    let left = 0;
    for (const name of Object.keys(TIMER) as TimerName[]) {
      const key = owner.timers * TIMERS + TIMER[name];
      if (!running.includes(name)) this.#wheel.cancel(key);
      else if (this.#wheel.isArmed(key)) left++;
    }
    if (left === 0) this.#release(owner);
  }

  /** @returns the next timer that is due, and whose it is; it runs no more. */
  expire(now: Instant): { readonly owner: TimerOwner; readonly name: TimerName } | undefined {
    for (let key = this.#wheel.expire(now); key >= 0; key = this.#wheel.expire(now)) {
      const owner = this.#owners[Math.floor(key / TIMERS)];
      if (owner === undefined) continue;
      const name = (Object.keys(TIMER) as TimerName[])[key % TIMERS] as TimerName;
      this.settle(owner);
      return { owner, name };
    }
    return undefined;
  }

  nextWake(): Instant | undefined {
    return this.#wheel.nextWake();
  }

  #release(owner: TimerOwner): void {
    this.#owners[owner.timers] = undefined;
    this.#free.push(owner.timers);
    owner.timers = -1;
  }
}

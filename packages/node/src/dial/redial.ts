/** When to try again: back-off with jitter, a limit of tries, quickly while there is no network. Pure. */
import type { Instant } from "@l2tp/protocol";
import { Backoff } from "../backoff.ts";
import { ParameterError } from "../errors.ts";
import type { RedialSettings } from "./types.ts";

/** All settings, filled in. */
export type RedialRules = Required<RedialSettings>;

/** What is not a number has no row: setting, default, least, most. */
const NUMBERS = {
  initialMs: [1_000, 0, 86_400_000],
  maxMs: [60_000, 0, 86_400_000],
  jitter: [0.2, 0, 1],
  maxRedials: [0, 0, 1e9],
  stableMs: [60_000, 0, 86_400_000],
  quickMs: [500, 10, 86_400_000],
  quickForMs: [15_000, 0, 86_400_000],
  sleptMs: [5_000, 100, 86_400_000],
} as const;

/** Fills in and checks. @throws ParameterError */
export function redialRules(settings: RedialSettings): RedialRules {
  const { mode = "at-start" } = settings;
  const rules: Record<string, number> = {};
  for (const [key, [preset, least, most]] of Object.entries(NUMBERS)) {
    const value = settings[key as keyof typeof NUMBERS] ?? preset;
    if (!(value >= least && value <= most)) {
      throw new ParameterError(key, `a number from ${least} to ${most} was expected, got ${value}`);
    }
    rules[key] = value;
  }
  const { initialMs, maxMs } = settings;
  if (initialMs !== undefined && maxMs !== undefined && maxMs < initialMs) {
    throw new ParameterError("maxMs", `no less than initialMs (${initialMs}) was expected, got ${maxMs}`);
  }
  const numbers = rules as Record<keyof typeof NUMBERS, number>;
  return {
    ...numbers,
    // A first wait that is longer than the usual longest one is the longest one.
    maxMs: Math.max(numbers.maxMs, numbers.initialMs),
    mode,
    redial: settings.redial ?? mode !== "manual",
  };
}

/** Counts failures, and says when to try again. */
export class Redial {
  readonly #rules: RedialRules;
  readonly #random: () => number;
  readonly #backoff: Backoff;
  #redials = 0;
  /** Since when this host has had no network. */
  #noNetworkSince: Instant | undefined;

  /** @param random - a number from 0 up to but not 1. */
  constructor(rules: RedialRules, random: () => number) {
    this.#rules = rules;
    this.#random = random;
    this.#backoff = new Backoff(
      { firstMs: rules.initialMs, maxMs: rules.maxMs, jitter: rules.jitter },
      random,
    );
  }

  /** New tries since the last success that count towards the limit. */
  get redials(): number {
    return this.#redials;
  }

  /**
   * All targets failed, or a tunnel ended too soon.
   * @param isNetwork - none of them is to blame: this host has no network. That is looked at often for a while, as it
   * is over in a moment after a sleep or a change of networks, and does not count while it is.
   * @returns when to try again; `undefined`: no more, the limit is reached or redialling is off.
   */
  failed(now: Instant, isNetwork: boolean): Instant | undefined {
    const { redial, maxRedials, quickMs, quickForMs, jitter } = this.#rules;
    if (!redial) return undefined;
    this.#noNetworkSince = isNetwork ? (this.#noNetworkSince ?? now) : undefined;
    if (this.#noNetworkSince !== undefined && now - this.#noNetworkSince < quickForMs) {
      return now + Math.round(quickMs * (1 + jitter * (2 * this.#random() - 1)));
    }
    if (maxRedials > 0 && this.#redials >= maxRedials) return undefined;
    this.#redials += 1;
    return now + this.#backoff.next();
  }

  /** Begins anew: after a success, on a person's word, or after a sleep. */
  reset(): void {
    this.#redials = 0;
    this.#noNetworkSince = undefined;
    this.#backoff.reset();
  }
}

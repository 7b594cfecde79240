/** Takes values or their defaults, and keeps book of which it was. */
import type { Origin } from "./types.ts";

/** A table's book. */
export class Ledger<V extends object> {
  readonly #values: V;
  readonly origins: Record<string, Origin> = {};

  constructor(values: V) {
    this.#values = values;
  }

  /** The value of `name`, or its default. */
  take<N extends keyof V & string, D>(
    name: N,
    fallback: D,
    otherwise: Exclude<Origin, "given"> = "default",
  ): Exclude<V[N], undefined> | D {
    const value = this.#values[name];
    this.origins[name] = value === undefined ? otherwise : "given";
    return value === undefined ? fallback : (value as Exclude<V[N], undefined>);
  }

  /** As {@link take} for go-l2tp's numbers, where 0 is the same as nothing. */
  takeNonZero<N extends keyof V & string>(name: N, fallback: number): number {
    const value = this.#values[name];
    const given = typeof value === "number" && value !== 0;
    this.origins[name] = given ? "given" : "default";
    return given ? value : fallback;
  }
}

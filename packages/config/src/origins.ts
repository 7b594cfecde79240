/** Takes values or their defaults, and keeps book of which it was. */
import type { Origin } from "./types.ts";

/** A table's book. */
export class Ledger<V extends object> {
  readonly #values: V;
  readonly #inherited: Partial<V>;
  readonly origins: Record<string, Origin> = {};

  /** @param inherited - values of the profiles, for keys that the table itself has not. */
  constructor(values: V, inherited: Partial<V> = {}) {
    this.#values = values;
    this.#inherited = inherited;
  }

  /** The value of `name`, or its default. */
  take<N extends keyof V & string, D>(
    name: N,
    fallback: D,
    otherwise: Exclude<Origin, "given"> = "default",
  ): Exclude<V[N], undefined> | D {
    const own = this.#values[name];
    const value = own ?? this.#inherited[name];
    this.origins[name] = own !== undefined ? "given" : value !== undefined ? "inherited" : otherwise;
    return value === undefined ? fallback : (value as Exclude<V[N], undefined>);
  }

  /** As {@link take} for go-l2tp's numbers, where 0 is the same as nothing. */
  takeNonZero<N extends keyof V & string>(name: N, fallback: number): number {
    const value = this.take(name, undefined);
    if (typeof value === "number" && value !== 0) return value;
    this.origins[name] = "default";
    return fallback;
  }

  /** `{ member: value }` when there is a value, for members that may be absent. */
  optional<N extends keyof V & string, M extends string>(
    name: N,
    member: M,
  ): { readonly [K in M]?: Exclude<V[N], undefined> } {
    const value = this.take(name, undefined);
    return (value === undefined ? {} : { [member]: value }) as {
      readonly [K in M]?: Exclude<V[N], undefined>;
    };
  }
}

/** Tables that inherit: `[profile.tunnel.NAME]`, `[profile.session.NAME]`, `[profile.ppp.NAME]`. */
import type { Shape } from "./extensions.ts";
import { nearest } from "./nearest.ts";
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";
import { type NamedTable, type ReadTable, readTable, type Values } from "./table.ts";

/** All profiles inherit from it in the end, and it is there whether the document says it or not. */
export const DEFAULT_PROFILE = "default";

/** The profiles of one kind. */
export class ProfileBook<K extends Shape> {
  readonly #report: Report;
  readonly #kind: string;
  readonly #tables = new Map<string, ReadTable<K>>();
  readonly #merged = new Map<string, Values<K>>();
  readonly #used = new Set<string>([DEFAULT_PROFILE]);

  constructor(report: Report, kind: "tunnel" | "session" | "ppp", tables: readonly NamedTable[], keys: K) {
    this.#report = report;
    this.#kind = kind;
    for (const [name, raw] of tables) {
      const form = { keys, extension: undefined, children: [], title: `[profile.${kind}.NAME]` };
      this.#tables.set(name, readTable(report, this.path(name), raw, form));
    }
    for (const name of this.#tables.keys()) this.#checkInheritance(name);
  }

  /** In the document's order, `default` at the end when the document has none. */
  get names(): readonly string[] {
    return [...new Set([...this.#tables.keys(), DEFAULT_PROFILE])];
  }

  path(name: string): KeyPath {
    return ["profile", this.#kind, name];
  }

  /** What the profile itself says. */
  own(name: string): Values<K> {
    return this.#tables.get(name)?.values ?? ({} as Values<K>);
  }

  /** What it says and inherits; of a name that there is not, what `default` says. */
  values(name: string): Values<K> {
    const known = this.#merged.get(name);
    if (known !== undefined) return known;
    let merged: Record<string, unknown> = {};
    for (const one of this.#chain(name)) merged = { ...this.own(one), ...merged };
    delete merged["inherits"];
    this.#merged.set(name, merged as Values<K>);
    return merged as Values<K>;
  }

  /** What it inherits only. */
  inherited(name: string): Values<K> {
    const [, base] = this.#chain(name);
    return base === undefined ? ({} as Values<K>) : this.values(base);
  }

  /** Whether it, or one that it inherits from, says `key`; what `default` says does not count. */
  saysApart(name: string, key: keyof K & string): boolean {
    return this.#chain(name).some((one) => one !== DEFAULT_PROFILE && this.own(one)[key] !== undefined);
  }

  /** Someone uses the profile `name`, and says so at `path`. */
  refer(path: KeyPath, name: string): void {
    this.#used.add(name);
    if (name === DEFAULT_PROFILE || this.#tables.has(name)) return;
    const near = nearest(name, this.names);
    this.#report.error({
      code: "unknown-name",
      path,
      reason: `there is no [profile.${this.#kind}.${name}]`,
      ...(near === undefined
        ? { remedy: `There ${this.names.length === 1 ? "is" : "are"} ${this.names.join(", ")}.` }
        : { nearest: near }),
    });
  }

  /** Warns of profiles that nothing uses. */
  reportUnused(): void {
    for (const name of this.#tables.keys()) {
      if (this.#used.has(name)) continue;
      this.#report.warn({
        code: "unused",
        path: this.path(name),
        part: "key",
        reason: `no ${this.#kind === "tunnel" ? "tunnel or peer" : "session, call, tunnel or peer"} uses this profile`,
      });
    }
  }

  /** The profile, those that it inherits from, and `default`; ends where it would go round. */
  #chain(name: string): string[] {
    const chain: string[] = [];
    let next: string | undefined = name;
    while (next !== undefined && !chain.includes(next)) {
      chain.push(next);
      const base: unknown = this.own(next)["inherits"];
      next = typeof base === "string" ? base : next === DEFAULT_PROFILE ? undefined : DEFAULT_PROFILE;
    }
    return chain;
  }

  #checkInheritance(name: string): void {
    const base = this.own(name)["inherits"];
    if (typeof base !== "string") return;
    const path = [...this.path(name), "inherits"];
    this.refer(path, base);
    const way = [name];
    let next: unknown = base;
    while (typeof next === "string" && !way.includes(next)) {
      way.push(next);
      next = this.own(next)["inherits"];
    }
    // Told once, by the first of the circle.
    const inCircle = next === name;
    const names = [...this.#tables.keys()];
    const first = Math.min(...way.map((one) => names.indexOf(one)).filter((at) => at >= 0));
    if (inCircle && names[first] === name) {
      this.#report.error({
        code: "conflict",
        path,
        reason: `the profile inherits from itself: ${[...way, name].join(" → ")}`,
        remedy: "Let one of them inherit from another.",
      });
    }
  }
}

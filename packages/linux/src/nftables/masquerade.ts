/**
 * Masquerading: packets from these prefixes leave with the address of the interface that they leave by (source NAT), in
 * tables of nf_tables that are ours alone (see `own-tables.ts`).
 */
import { ClosedError } from "../errors.ts";
import { masquerade, matchAddress, matchOutputInterface, passOver, readPrefix } from "./expressions.ts";
import { addRule, addSourceNatChain, flushChain, type TableKey } from "./messages.ts";
import { OwnTables, type OwnTablesOptions } from "./own-tables.ts";

const CHAIN = "postrouting";
const FAMILIES = ["ip", "ip6"] as const;
type Family = (typeof FAMILIES)[number];

/** What comes from a prefix is masqueraded, unless it goes to a prefix of another rule or its own, or `wherever` is said. */
export interface MasqueradeRule {
  /** `10.0.0.0/16`, `fd00::/48`, or an address. */
  readonly prefix: string;
  /** Only where it leaves by this interface; absent: by any. It need not be there yet. */
  readonly outputInterface?: string;
  /** Also where it goes to such a prefix; and its own is none of them. */
  readonly wherever?: boolean;
}

/** Whose, and where. */
export type MasqueradeOptions = OwnTablesOptions;

/** Masquerading in one network namespace. */
export class Masquerade implements AsyncDisposable {
  readonly #name: string;
  readonly #tables: OwnTables;
  /** One after another. */
  #turn: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(name: string, tables: OwnTables) {
    this.#name = name;
    this.#tables = tables;
  }

  /**
   * Nothing is masqueraded yet; what a process that is no more has left is gone.
   * @throws SyscallError, NetlinkError: EPERM without CAP_NET_ADMIN, others where the kernel has no nf_tables
   */
  static async open(options: MasqueradeOptions): Promise<Masquerade> {
    return new Masquerade(options.name, await OwnTables.open(options));
  }

  /** Our tables, those that there are now. */
  get tables(): readonly TableKey[] {
    return this.#tables.all;
  }

  /**
   * These rules, and no others, from here on. Of each family all change at once; connections that are translated stay so.
   * @throws TypeError, RangeError for what is no prefix or no name of an interface; nothing has changed then
   * @throws NetlinkError with what the kernel lacks; the rules before are in force then
   */
  set(rules: readonly MasqueradeRule[]): Promise<void> {
    const done = this.#turn.then(async () => {
      if (this.#closed !== undefined) throw new ClosedError(`masquerading as ${this.#name} has ended`);
      const parsed = rules.map((rule) => ({ rule, family: familyOf(rule.prefix) }));
      const wanted = FAMILIES.map((family) => ({
        family,
        bodies: bodiesOf(parsed.filter((one) => one.family === family).map(({ rule }) => rule)),
      }));
      for (const { family, bodies } of wanted) await this.#replace(family, bodies);
    });
    this.#turn = done.catch(() => {});
    return done;
  }

  /** Masquerading ends: the tables are gone. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#turn.then(() => this.#tables.close());
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #replace(family: Family, bodies: readonly RuleBody[]): Promise<void> {
    const tables = this.#tables;
    if (bodies.length === 0) return tables.remove(family);
    const rulesOf = (key: TableKey) => bodies.map((body) => addRule(key, CHAIN, body));
    const made = tables.of(family);
    if (made === undefined) {
      await tables.create(family, (key) => [addSourceNatChain(key, CHAIN), ...rulesOf(key)]);
    } else {
      const chain = [addSourceNatChain(made, CHAIN), flushChain(made, CHAIN)];
      await tables.change([tables.again(made), ...chain, ...rulesOf(made)]);
    }
  }
}

type RuleBody = Parameters<typeof addRule>[2];

const familyOf = (prefix: string): Family => (readPrefix(prefix).family === 4 ? "ip" : "ip6");

/** Between those behind us nothing is translated: but for what is to be wherever it goes, that is the first of all. */
function bodiesOf(rules: readonly MasqueradeRule[]): RuleBody[] {
  const bodyOf = ({ prefix, outputInterface }: MasqueradeRule): RuleBody => [
    ...matchAddress("source", prefix),
    ...(outputInterface === undefined ? [] : matchOutputInterface(outputInterface)),
    masquerade,
  ];
  const others = rules.filter(({ wherever }) => wherever !== true);
  return [
    ...rules.filter(({ wherever }) => wherever === true).map(bodyOf),
    ...[...new Set(others.map(({ prefix }) => prefix))].map((prefix) => [
      ...matchAddress("destination", prefix),
      passOver,
    ]),
    ...others.map(bodyOf),
  ];
}

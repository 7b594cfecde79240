/**
 * Masquerading: packets from these prefixes leave with the address of the interface that they leave by (source NAT), in a
 * table of nf_tables that is ours alone. The tables of others are neither read for it nor changed.
 *
 * The table belongs to our socket (NFT_TABLE_F_OWNER) and goes with it, however the process ends. Kernels before 5.12
 * cannot do that: there its name says whose it is, and whoever comes next takes away what has nobody any more.
 */
import { readFileSync, statSync } from "node:fs";
import { NETLINK_NETFILTER, NFT_TABLE_F_OWNER } from "../abi-nftables.ts";
import { ERRNO } from "../errno.ts";
import { ClosedError } from "../errors.ts";
import type { NetlinkPart, NetlinkRequest } from "../netlink.ts";
import { NetlinkError } from "../netlink-error.ts";
import { NetlinkSocket } from "../netlink-socket.ts";
import type { Fd } from "../syscalls.ts";
import { masquerade, matchAddress, matchOutputInterface, passOver, readPrefix } from "./expressions.ts";
import {
  addRule,
  addSourceNatChain,
  addTable,
  deleteTable,
  flushChain,
  type Table,
  type TableFamily,
  type TableKey,
  tables,
  transaction,
} from "./messages.ts";

const CHAIN = "postrouting";
const FAMILIES = ["ip", "ip6"] as const;
/** The part of a transaction that makes the table. */
const NEW_TABLE = /^NFT_MSG_NEWTABLE /;

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
export interface MasqueradeOptions {
  /** Of the table: who looks at `nft list ruleset` sees whose it is. Where it is taken, more is added to it. */
  readonly name: string;
  /** Default: that of the calling thread. */
  readonly namespace?: Fd;
  /** `false`: not bound to the socket, as before Linux 5.12. Default: where the kernel can. */
  readonly owned?: boolean;
}

/** Masquerading in one network namespace. */
export class Masquerade implements AsyncDisposable {
  readonly #name: string;
  readonly #socket: NetlinkSocket;
  readonly #tables = new Map<TableFamily, TableKey>();
  #owned: boolean;
  /** One after another. */
  #turn: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor({ name, namespace, owned = true }: MasqueradeOptions) {
    this.#name = name;
    this.#owned = owned;
    this.#socket = new NetlinkSocket(NETLINK_NETFILTER, { namespace });
  }

  /**
   * Nothing is masqueraded yet; what a process that is no more has left is gone.
   * @throws SyscallError, NetlinkError: EPERM without CAP_NET_ADMIN, others where the kernel has no nf_tables
   */
  static async open(options: MasqueradeOptions): Promise<Masquerade> {
    const opened = new Masquerade(options);
    try {
      await opened.#removeLeftovers();
      return opened;
    } catch (error) {
      await opened.#socket.close();
      throw error;
    }
  }

  /** Our tables, those that there are now. */
  get tables(): readonly TableKey[] {
    return [...this.#tables.values()];
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
    this.#closed ??= this.#turn.then(async () => {
      try {
        for (const family of FAMILIES) await this.#remove(family);
      } finally {
        await this.#socket.close();
      }
    });
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #replace(family: TableFamily, bodies: readonly RuleBody[]): Promise<void> {
    if (bodies.length === 0) return this.#remove(family);
    const made = this.#tables.get(family);
    if (made === undefined) return this.#create(family, bodies);
    // Table and chain once more, for the case that somebody has flushed all there was.
    const owned = this.#owned;
    await this.#socket.run(
      transaction([
        addTable(made, { owned }),
        addSourceNatChain(made, CHAIN),
        flushChain(made, CHAIN),
        ...bodies.map((body) => addRule(made, CHAIN, body)),
      ]),
    );
  }

  async #create(family: TableFamily, bodies: readonly RuleBody[]): Promise<void> {
    // A table that would outlive us has a name that says whose it is.
    for (let name = this.#owned ? this.#name : ownName(this.#name); ; ) {
      const key = { family, name };
      const owned = this.#owned;
      try {
        const parts: NetlinkPart[] = [addTable(key, { owned, exclusive: true })];
        parts.push(addSourceNatChain(key, CHAIN), ...bodies.map((body) => addRule(key, CHAIN, body)));
        await this.#socket.run(transaction(parts));
        this.#tables.set(family, key);
        return;
      } catch (error) {
        const code = refusalOfTable(error);
        if (owned && (code === "EOPNOTSUPP" || code === "EINVAL")) this.#owned = false;
        // EPERM: it is another socket's. To somebody without CAP_NET_ADMIN the transaction itself is refused.
        else if (name !== this.#name || (code !== "EEXIST" && code !== "EPERM")) throw error;
        name = ownName(this.#name);
      }
    }
  }

  async #remove(family: TableFamily): Promise<void> {
    const made = this.#tables.get(family);
    if (made === undefined) return;
    await this.#socket.run(unlessGone(made));
    this.#tables.delete(family);
  }

  async #removeLeftovers(): Promise<void> {
    for (const table of await this.#socket.run(tables())) {
      if (isLeftover(table, this.#name)) await this.#socket.run(unlessGone(table));
    }
  }
}

type RuleBody = Parameters<typeof addRule>[2];

const familyOf = (prefix: string): TableFamily => (readPrefix(prefix).family === 4 ? "ip" : "ip6");

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

/** Why the kernel refused to make a table; undefined where it was about something else. */
function refusalOfTable(error: unknown): string | undefined {
  return error instanceof NetlinkError && NEW_TABLE.test(error.what ?? "") ? error.code : undefined;
}

const unlessGone = (key: TableKey): NetlinkRequest<void> => ({
  ...transaction([deleteTable(key)]),
  absent: { errno: ERRNO["ENOENT"] as number, value: undefined },
});

// ── Whose a table is, by its name: `l2tpd-PID-START-PIDNAMESPACE` ────────────────────────────────────────────────

/** A process ID means something in its PID namespace only, and to one process only together with its start. */
function ownName(name: string): string {
  return `${name}-${process.pid}-${startOf(process.pid)}-${pidNamespace()}`;
}

function isLeftover({ name, flags }: Table, of: string): boolean {
  if ((flags & NFT_TABLE_F_OWNER) !== 0 || !name.startsWith(`${of}-`)) return false;
  const [, pid, start, namespace] =
    /^(\d{1,10})-([0-9a-z]{1,13})-([0-9a-f]{1,16})$/.exec(name.slice(of.length + 1))?.map(String) ?? [];
  return pid !== undefined && namespace === pidNamespace() && startOf(Number(pid)) !== start;
}

/** When a process began, in ticks since the machine did; undefined when there is none. proc_pid_stat(5), field 22. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name, in which may be anything: fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(fields[19]).toString(36);
  } catch {
    return undefined;
  }
}

const pidNamespace = (): string => statSync("/proc/self/ns/pid").ino.toString(16);

/**
 * Tables of nf_tables that are ours alone. Those of others are neither read for it nor changed.
 *
 * A table belongs to our socket (NFT_TABLE_F_OWNER) and goes with it, however the process ends. Kernels before 5.12
 * cannot do that: there its name says whose it is, and whoever comes next takes away what has nobody any more.
 */
import { readFileSync, statSync } from "node:fs";
import { NETLINK_NETFILTER, NFT_TABLE_F_OWNER } from "../abi-nftables.ts";
import { ERRNO } from "../errno.ts";
import type { NetlinkPart, NetlinkRequest } from "../netlink.ts";
import { NetlinkError } from "../netlink-error.ts";
import { NetlinkSocket } from "../netlink-socket.ts";
import type { Fd } from "../syscalls.ts";
import {
  addTable,
  deleteTable,
  type Table,
  type TableFamily,
  type TableKey,
  tables,
  transaction,
} from "./messages.ts";

/** The part of a transaction that makes the table. */
const NEW_TABLE = /^NFT_MSG_NEWTABLE /;

/** Whose, and where. */
export interface OwnTablesOptions {
  /** Of the table: who looks at `nft list ruleset` sees whose it is. Where it is taken, more is added to it. */
  readonly name: string;
  /** Default: that of the calling thread. */
  readonly namespace?: Fd;
  /** `false`: not bound to the socket, as before Linux 5.12. Default: where the kernel can. */
  readonly owned?: boolean;
}

/** At most one table of each family. */
export class OwnTables {
  readonly #name: string;
  readonly #socket: NetlinkSocket;
  readonly #made = new Map<TableFamily, TableKey>();
  #owned: boolean;

  private constructor({ name, namespace, owned = true }: OwnTablesOptions) {
    this.#name = name;
    this.#owned = owned;
    this.#socket = new NetlinkSocket(NETLINK_NETFILTER, { namespace });
  }

  /**
   * There is no table yet; what a process that is no more has left is gone.
   * @throws SyscallError, NetlinkError: EPERM without CAP_NET_ADMIN, others where the kernel has no nf_tables
   */
  static async open(options: OwnTablesOptions): Promise<OwnTables> {
    const opened = new OwnTables(options);
    try {
      for (const table of await opened.#socket.run(tables())) {
        if (isLeftover(table, options.name)) await opened.#socket.run(unlessGone(table));
      }
      return opened;
    } catch (error) {
      await opened.#socket.close();
      throw error;
    }
  }

  /** Those that there are now. */
  get all(): readonly TableKey[] {
    return [...this.#made.values()];
  }

  of(family: TableFamily): TableKey | undefined {
    return this.#made.get(family);
  }

  /**
   * Makes the table of a family that has none, with what is to be in it, in one transaction.
   * @throws NetlinkError
   */
  async create(family: TableFamily, content: (key: TableKey) => readonly NetlinkPart[]): Promise<TableKey> {
    // A table that would outlive us has a name that says whose it is.
    for (let name = this.#owned ? this.#name : ownName(this.#name); ; ) {
      const key = { family, name };
      const owned = this.#owned;
      try {
        await this.#socket.run(transaction([addTable(key, { owned, exclusive: true }), ...content(key)]));
        this.#made.set(family, key);
        return key;
      } catch (error) {
        const code = refusalOfTable(error);
        if (owned && (code === "EOPNOTSUPP" || code === "EINVAL")) this.#owned = false;
        // EPERM: it is another socket's. To somebody without CAP_NET_ADMIN the transaction itself is refused.
        else if (name !== this.#name || (code !== "EEXIST" && code !== "EPERM")) throw error;
        name = ownName(this.#name);
      }
    }
  }

  /** The table of a family that has one once more, for the case that somebody has flushed all there was. */
  again(key: TableKey): NetlinkPart {
    return addTable(key, { owned: this.#owned });
  }

  /** One transaction. @throws NetlinkError */
  change(parts: readonly NetlinkPart[]): Promise<void> {
    return this.#socket.run(transaction(parts));
  }

  /** Takes the table of a family away, if there is one. @throws NetlinkError */
  async remove(family: TableFamily): Promise<void> {
    const made = this.#made.get(family);
    if (made === undefined) return;
    await this.#socket.run(unlessGone(made));
    this.#made.delete(family);
  }

  /** All tables are gone. */
  async close(): Promise<void> {
    try {
      for (const family of [...this.#made.keys()]) await this.remove(family);
    } finally {
      await this.#socket.close();
    }
  }
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

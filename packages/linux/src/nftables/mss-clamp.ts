/**
 * Lowers the maximum segment size that TCP announces in its SYNs (RFC 9293 §3.7.1) to what fits an interface, of what this
 * host forwards into it and out of it: for interfaces with a small MTU, behind which hosts do not hear of what was too big.
 * A table of nf_tables that is ours alone (see `own-tables.ts`), as `nft` writes it:
 *
 *     table inet NAME {
 *       map ipv4 { typeof oif : tcp option maxseg size; elements = { "ppp0" : 1360 } }
 *       map ipv6 { typeof oif : tcp option maxseg size; elements = { "ppp0" : 1340 } }
 *       chain forward { type filter hook forward priority mangle; policy accept; tcp flags syn / syn,rst jump clamp }
 *       chain clamp {
 *         meta nfproto ipv4 tcp option maxseg size set iif map @ipv4
 *         meta nfproto ipv4 tcp option maxseg size set oif map @ipv4
 *         …and both for ipv6
 *       }
 *     }
 *
 * However many interfaces there are, a packet that opens no connection meets one rule, and all others four.
 */
import { ClosedError } from "../errors.ts";
import type { NetlinkPart } from "../netlink.ts";
import { NetlinkError } from "../netlink-error.ts";
import { jumpTo, lowerMss, matchFamily, matchTcpSyn } from "./expressions.ts";
import {
  addChain,
  addElements,
  addForwardChain,
  addMap,
  addRule,
  deleteElements,
  deleteTable,
  type MapKey,
  type TableKey,
} from "./messages.ts";
import { OwnTables, type OwnTablesOptions } from "./own-tables.ts";

const FORWARD = "forward";
const CLAMP = "clamp";
const FAMILIES = [4, 6] as const;
const LARGEST_MSS = 0xffff;
/** Interfaces that change in one transaction: a message of some 20,000 octets. */
const AT_A_TIME = 256;

/** Largest segments to let pass, in octets; 0: as they are. */
export interface MssLimits {
  readonly ipv4: number;
  readonly ipv6: number;
}

/** Whose, and where. */
export type MssClampOptions = OwnTablesOptions;

/** The interfaces of one network namespace whose MSS is clamped. */
export class MssClamp implements AsyncDisposable {
  readonly #name: string;
  readonly #tables: OwnTables;
  /** What the maps have, by index of the interface. */
  readonly #there = new Map<number, MssLimits>();
  #wanted = new Map<number, MssLimits | undefined>();
  #next: Promise<void> | undefined;
  /** One after another. */
  #turn: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  private constructor(name: string, tables: OwnTables) {
    this.#name = name;
    this.#tables = tables;
  }

  /**
   * Nothing is clamped yet; what a process that is no more has left is gone.
   * @throws SyscallError, NetlinkError: EPERM without CAP_NET_ADMIN, others where the kernel has no nf_tables
   */
  static async open(options: MssClampOptions): Promise<MssClamp> {
    return new MssClamp(options.name, await OwnTables.open(options));
  }

  /** The table, if there is one now. */
  get table(): TableKey | undefined {
    return this.#tables.of("inet");
  }

  /**
   * From here on no MSS passes through this interface that is larger, in either direction; one that is smaller stays as it
   * is. What is asked for in one turn of the event loop is done in one transaction. The entry of an interface that goes is
   * to be taken away: its index may be another's one day.
   * @param limits - `undefined`: no longer.
   * @throws NetlinkError, ClosedError
   */
  set(interfaceIndex: number, limits: MssLimits | undefined): Promise<void> {
    if (this.#closed !== undefined) {
      return Promise.reject(new ClosedError(`clamping the MSS as ${this.#name} has ended`));
    }
    this.#wanted.set(interfaceIndex, limits);
    if (this.#next === undefined) {
      this.#next = this.#turn.then(() => this.#work());
      this.#turn = this.#next.catch(() => {});
    }
    return this.#next;
  }

  /** Clamping ends: the table is gone. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#turn.then(() => this.#tables.close());
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #work(): Promise<void> {
    // Whoever changes many does so in one turn.
    await new Promise(setImmediate);
    const wanted = [...this.#wanted];
    this.#wanted = new Map();
    this.#next = undefined;
    for (let i = 0; i < wanted.length; i += AT_A_TIME) await this.#change(wanted.slice(i, i + AT_A_TIME));
    // Packets meet no rule that is there for nobody.
    if (this.#there.size === 0) await this.#tables.remove("inet");
  }

  async #change(wanted: readonly (readonly [number, MssLimits | undefined])[]): Promise<void> {
    const parts = (key: TableKey) => FAMILIES.flatMap((family) => this.#difference(key, family, wanted));
    const { table } = this;
    if (table !== undefined) {
      const changes = parts(table);
      if (changes.length > 0) await this.#tryChange(table, changes);
    } else if (wanted.some(([, limits]) => limits !== undefined)) {
      await this.#tables.create("inet", (key) => [...skeleton(key), ...parts(key)]);
    }
    for (const [index, limits] of wanted) {
      if (limits === undefined) this.#there.delete(index);
      else this.#there.set(index, limits);
    }
  }

  /** What of a map differs from what is wanted: entries do not change, they go and come. */
  #difference(
    key: TableKey,
    family: 4 | 6,
    wanted: readonly (readonly [number, MssLimits | undefined])[],
  ): NetlinkPart[] {
    const gone: number[] = [];
    const come: [number, number][] = [];
    for (const [index, limits] of wanted) {
      const before = limitOf(this.#there.get(index), family);
      const after = limitOf(limits, family);
      if (before === after) continue;
      if (before !== undefined) gone.push(index);
      if (after !== undefined) come.push([index, after]);
    }
    const map = mapOf(key, family);
    return [
      ...(gone.length === 0 ? [] : [deleteElements(map, gone)]),
      ...(come.length === 0 ? [] : [addElements(map, come)]),
    ];
  }

  /** Where the table is not as we left it (somebody has flushed all there was), it is made anew. */
  async #tryChange(key: TableKey, changes: readonly NetlinkPart[]): Promise<void> {
    try {
      await this.#tables.change(changes);
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      const again = this.#tables.again(key);
      await this.#tables.change([again, deleteTable(key), again, ...skeleton(key)]);
      const all = [...this.#there];
      for (const family of FAMILIES) {
        const entries = all.flatMap(([index, limits]): [number, number][] => {
          const limit = limitOf(limits, family);
          return limit === undefined ? [] : [[index, limit]];
        });
        for (let i = 0; i < entries.length; i += AT_A_TIME) {
          await this.#tables.change([addElements(mapOf(key, family), entries.slice(i, i + AT_A_TIME))]);
        }
      }
      await this.#tables.change(changes);
    }
  }
}

const mapOf = (table: TableKey, family: 4 | 6): MapKey =>
  family === 4 ? { table, name: "ipv4", id: 1 } : { table, name: "ipv6", id: 2 };

const limitOf = (limits: MssLimits | undefined, family: 4 | 6): number | undefined => {
  const limit = family === 4 ? limits?.ipv4 : limits?.ipv6;
  return limit === undefined || limit <= 0 ? undefined : Math.min(limit, LARGEST_MSS);
};

/** All of the table but the entries. */
function skeleton(key: TableKey): NetlinkPart[] {
  const maps = FAMILIES.map((family) => mapOf(key, family));
  return [
    addForwardChain(key, FORWARD),
    addChain(key, CLAMP),
    ...maps.map(addMap),
    addRule(key, FORWARD, [...matchTcpSyn, jumpTo(CLAMP)]),
    ...FAMILIES.flatMap((family, i) =>
      (["input", "output"] as const).map((by) =>
        addRule(key, CLAMP, [...matchFamily(family), ...lowerMss(by, maps[i] as MapKey)]),
      ),
    ),
  ];
}

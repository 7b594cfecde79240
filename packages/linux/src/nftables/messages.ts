/**
 * nf_tables over nfnetlink (`linux/netfilter/nf_tables.h`): tables, base chains and rules, as `nft` makes them. Whatever
 * changes something travels in a transaction: all of it takes effect, or nothing.
 */

import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from "../abi-netlink.ts";
import * as nft from "../abi-nftables.ts";
import {
  type AttributeValues,
  attributes,
  be32,
  decodeAttributes,
  decodeHeader,
  encodeHeader,
  type NetlinkPart,
  type NetlinkRequest,
  nested,
  string,
} from "../netlink.ts";
import { type Expression, expressionList } from "./expressions.ts";
import { FAMILIES, FAMILY, NFGENMSG, named, part, type TableKey, typeOf } from "./part.ts";

export { addElements, addMap, deleteElements, type MapKey } from "./maps.ts";
export type { TableFamily, TableKey } from "./part.ts";

/** NFTA_TABLE_* */
const TABLE = attributes({
  NAME: [nft.NFTA_TABLE_NAME, string],
  FLAGS: [nft.NFTA_TABLE_FLAGS, be32],
  OWNER: [nft.NFTA_TABLE_OWNER, be32],
});

/** NFTA_HOOK_* */
const HOOK = attributes({
  HOOKNUM: [nft.NFTA_HOOK_HOOKNUM, be32],
  PRIORITY: [nft.NFTA_HOOK_PRIORITY, be32],
});

/** NFTA_CHAIN_* */
const CHAIN = attributes({
  TABLE: [nft.NFTA_CHAIN_TABLE, string],
  NAME: [nft.NFTA_CHAIN_NAME, string],
  TYPE: [nft.NFTA_CHAIN_TYPE, string],
  POLICY: [nft.NFTA_CHAIN_POLICY, be32],
  HOOK: [nft.NFTA_CHAIN_HOOK, nested(HOOK)],
});

/** NFTA_RULE_* */
const RULE = attributes({
  TABLE: [nft.NFTA_RULE_TABLE, string],
  CHAIN: [nft.NFTA_RULE_CHAIN, string],
  EXPRESSIONS: [nft.NFTA_RULE_EXPRESSIONS, expressionList],
});

/** A table as the kernel has it. */
export interface Table extends TableKey {
  /** NFT_TABLE_F_* */
  readonly flags: number;
  /** Netlink port of the socket that it belongs to (NFT_TABLE_F_OWNER). */
  readonly owner?: number;
}

/** All tables of these families in the namespace (`nft list tables`). */
export function tables(): NetlinkRequest<Table[]> {
  return {
    name: "NFT_MSG_GETTABLE",
    type: typeOf(nft.NFT_MSG_GETTABLE),
    flags: 0,
    kind: "dump",
    payload: encodeHeader(NFGENMSG, { nfgen_family: nft.NFPROTO_UNSPEC }),
    decode: (replies) =>
      replies.flatMap((reply): Table[] => {
        const header = decodeHeader(NFGENMSG, reply.payload);
        if (reply.type !== typeOf(nft.NFT_MSG_NEWTABLE) || header === undefined) return [];
        const { NAME, FLAGS = 0, OWNER } = decodeAttributes(TABLE, reply.payload.subarray(NFGENMSG.size));
        const family = FAMILIES.find((name) => FAMILY[name] === header.nfgen_family);
        if (NAME === undefined || family === undefined) return [];
        return [{ family, name: NAME, flags: FLAGS, ...(OWNER === undefined ? {} : { owner: OWNER }) }];
      }),
  };
}

/**
 * `add table`, or with `exclusive` `create table`: EEXIST when there is one.
 * @param options - `owned`: it belongs to the socket that this is sent on, and goes with it; Linux 5.12, EOPNOTSUPP or
 * EINVAL before.
 */
export function addTable(key: TableKey, { owned = false, exclusive = false } = {}): NetlinkPart {
  const values = { NAME: key.name, FLAGS: owned ? nft.NFT_TABLE_F_OWNER : 0 };
  const flags = exclusive ? NLM_F_CREATE | NLM_F_EXCL : 0;
  return part(named("NFT_MSG_NEWTABLE", key), nft.NFT_MSG_NEWTABLE, key, TABLE, values, flags);
}

/** `delete table`, with all that is in it; ENOENT when there is none. */
export function deleteTable(key: TableKey): NetlinkPart {
  return part(named("NFT_MSG_DELTABLE", key), nft.NFT_MSG_DELTABLE, key, TABLE, { NAME: key.name });
}

/** `add chain … { type nat hook postrouting priority srcnat; policy accept; }` */
export function addSourceNatChain(key: TableKey, chain: string): NetlinkPart {
  return addChain(key, chain, {
    TYPE: "nat",
    POLICY: nft.NF_ACCEPT,
    HOOK: { HOOKNUM: nft.NF_INET_POST_ROUTING, PRIORITY: nft.NF_IP_PRI_NAT_SRC },
  });
}

/** `add chain … { type filter hook forward priority mangle; policy accept; }` */
export function addForwardChain(key: TableKey, chain: string): NetlinkPart {
  return addChain(key, chain, {
    TYPE: "filter",
    POLICY: nft.NF_ACCEPT,
    HOOK: { HOOKNUM: nft.NF_INET_FORWARD, PRIORITY: nft.NF_IP_PRI_MANGLE >>> 0 },
  });
}

/** `add chain`: one that no packet comes to unless a rule jumps there, or with a hook. */
export function addChain(
  key: TableKey,
  chain: string,
  base: Pick<AttributeValues<typeof CHAIN>, "TYPE" | "POLICY" | "HOOK"> = {},
): NetlinkPart {
  const name = `${named("NFT_MSG_NEWCHAIN", key)} ${chain}`;
  const values = { TABLE: key.name, NAME: chain, ...base };
  return part(name, nft.NFT_MSG_NEWCHAIN, key, CHAIN, values, NLM_F_CREATE);
}

/** `add rule`: behind those that are there. */
export function addRule(key: TableKey, chain: string, expressions: readonly Expression[]): NetlinkPart {
  const values = { TABLE: key.name, CHAIN: chain, EXPRESSIONS: expressions };
  const name = `${named("NFT_MSG_NEWRULE", key)} ${chain}`;
  return part(name, nft.NFT_MSG_NEWRULE, key, RULE, values, NLM_F_CREATE | NLM_F_APPEND);
}

/** `flush chain`: its rules go, it stays. */
export function flushChain(key: TableKey, chain: string): NetlinkPart {
  const name = `${named("NFT_MSG_DELRULE", key)} ${chain}`;
  return part(name, nft.NFT_MSG_DELRULE, key, RULE, { TABLE: key.name, CHAIN: chain });
}

/** The expressions of a rule's message; for tests and for looking at what is there. */
export function expressionsOf(payload: Uint8Array): readonly Expression[] {
  return decodeAttributes(RULE, payload.subarray(NFGENMSG.size)).EXPRESSIONS ?? [];
}

/** `res_id` is in network byte order, the codec's integers are not. */
const batch = (type: number, name: string): NetlinkPart => ({
  name,
  type,
  flags: 0,
  payload: encodeHeader(NFGENMSG, { res_id: nft.NFNL_SUBSYS_NFTABLES << 8 }),
});

/**
 * One transaction of these parts, in their order.
 * @throws TypeError without any part
 */
export function transaction(parts: readonly NetlinkPart[]): NetlinkRequest<void> {
  const last = parts.at(-1);
  if (last === undefined) throw new TypeError("nf_tables: a transaction of nothing");
  return {
    ...last,
    kind: "ack",
    around: {
      before: [batch(nft.NFNL_MSG_BATCH_BEGIN, "nf_tables transaction"), ...parts.slice(0, -1)],
      after: [batch(nft.NFNL_MSG_BATCH_END, "nf_tables transaction")],
    },
    decode: () => {},
  };
}

/** What every message about tables of nf_tables has: the table, and the header before the attributes. */
import * as nft from "../abi-nftables.ts";
import {
  type AttributeTable,
  type AttributeValues,
  concat,
  encodeAttributes,
  encodeHeader,
  type NetlinkPart,
} from "../netlink.ts";

/** struct nfgenmsg */
export const NFGENMSG = {
  size: nft.nfgenmsg.size,
  members: {
    nfgen_family: [nft.nfgenmsg.nfgen_family, "u8"],
    version: [nft.nfgenmsg.version, "u8"],
    res_id: [nft.nfgenmsg.res_id, "u16"],
  },
} as const;

/** Family of a table, as `nft` calls it (`inet`: both others); there are more. */
export type TableFamily = "ip" | "ip6" | "inet";

export const FAMILY = { ip: nft.NFPROTO_IPV4, ip6: nft.NFPROTO_IPV6, inet: nft.NFPROTO_INET } as const;
export const FAMILIES = Object.keys(FAMILY) as TableFamily[];

/** A table by name. */
export interface TableKey {
  readonly family: TableFamily;
  readonly name: string;
}

/** As netlink numbers them, those of all subsystems apart. */
export const typeOf = (message: number) => (nft.NFNL_SUBSYS_NFTABLES << 8) | message;
/** For messages: which table it was about. */
export const named = (type: string, { family, name }: TableKey) => `${type} ${family} ${name}`;

/** One change, as it travels in a transaction. */
export function part<T extends AttributeTable>(
  name: string,
  message: number,
  key: TableKey,
  table: T,
  values: AttributeValues<T>,
  flags = 0,
): NetlinkPart {
  return {
    name,
    type: typeOf(message),
    flags,
    payload: concat([
      encodeHeader(NFGENMSG, { nfgen_family: FAMILY[key.family] }),
      encodeAttributes(table, values),
    ]),
    table,
    headerOctets: NFGENMSG.size,
  };
}

/** Maps of nf_tables, whose entries come and go while the rules stay: from the index of an interface to an MSS. */
import { NLM_F_CREATE } from "../abi-netlink.ts";
import * as nft from "../abi-nftables.ts";
import {
  type AttributeValue,
  attributes,
  be16,
  be32,
  concat,
  encodeAttributes,
  type NetlinkPart,
  nested,
  octets,
  string,
  u32,
} from "../netlink.ts";
import { DATA } from "./expressions.ts";
import { named, part, type TableKey } from "./part.ts";

/** A map of a table. */
export interface MapKey {
  readonly table: TableKey;
  readonly name: string;
  /** Unique in its transaction. */
  readonly id: number;
}

/** NFTA_SET_* */
const SET = attributes({
  TABLE: [nft.NFTA_SET_TABLE, string],
  NAME: [nft.NFTA_SET_NAME, string],
  FLAGS: [nft.NFTA_SET_FLAGS, be32],
  KEY_TYPE: [nft.NFTA_SET_KEY_TYPE, be32],
  KEY_LEN: [nft.NFTA_SET_KEY_LEN, be32],
  DATA_TYPE: [nft.NFTA_SET_DATA_TYPE, be32],
  DATA_LEN: [nft.NFTA_SET_DATA_LEN, be32],
  ID: [nft.NFTA_SET_ID, be32],
  USERDATA: [nft.NFTA_SET_USERDATA, octets],
});

/** NFTA_SET_ELEM_* */
const ELEMENT = attributes({
  KEY: [nft.NFTA_SET_ELEM_KEY, nested(DATA)],
  DATA: [nft.NFTA_SET_ELEM_DATA, nested(DATA)],
});

const LISTED = attributes({ ELEM: [nft.NFTA_LIST_ELEM, { ...octets, nested: true }] });
/** Elements in the octets that the kernel takes: {@link ELEMENT}, each of type NFTA_LIST_ELEM. */
const elementList: AttributeValue<readonly Uint8Array[]> = {
  nested: true,
  read: () => undefined,
  write: (list) => concat(list.map((one) => encodeAttributes(LISTED, { ELEM: one }))),
};

/** NFTA_SET_ELEM_LIST_* */
const ELEMENTS = attributes({
  TABLE: [nft.NFTA_SET_ELEM_LIST_TABLE, string],
  SET: [nft.NFTA_SET_ELEM_LIST_SET, string],
  SET_ID: [nft.NFTA_SET_ELEM_LIST_SET_ID, be32],
  ELEMENTS: [nft.NFTA_SET_ELEM_LIST_ELEMENTS, elementList],
});

/** Types of data by their numbers in `nft`, which is what they are there for. */
const [NFT_IFACE_INDEX, NFT_INTEGER] = [20, 4];

/** For `nft list`: what key and data are, in its own words. A type of one octet, a length of one octet, a value. */
const tlv = (type: number, ...values: readonly Uint8Array[]): Uint8Array => {
  const value = concat(values);
  return concat([Uint8Array.of(type, value.length), value]);
};
const number = (type: number, value: number): Uint8Array => tlv(type, u32.write(value));
/** The byte orders of key (host) and data (network), `typeof meta oif`, `tcp option maxseg size`, and that it is no range. */
const TYPEOF = concat([
  number(0, 1),
  number(1, 2),
  tlv(3, number(0, 9), tlv(1, number(0, nft.NFT_META_OIF))),
  tlv(4, number(0, 8), tlv(1, number(1, 2), number(2, nft.NFT_EXTHDR_OP_TCPOPT), number(0, 2))),
  number(6, 0),
]);

/** `add map … { typeof meta oif : tcp option maxseg size; }` */
export function addMap({ table, name, id }: MapKey): NetlinkPart {
  const values = {
    TABLE: table.name,
    NAME: name,
    FLAGS: nft.NFT_SET_MAP,
    KEY_TYPE: NFT_IFACE_INDEX,
    KEY_LEN: 4,
    DATA_TYPE: NFT_INTEGER,
    DATA_LEN: 2,
    ID: id,
    USERDATA: TYPEOF,
  };
  return part(
    `${named("NFT_MSG_NEWSET", table)} ${name}`,
    nft.NFT_MSG_NEWSET,
    table,
    SET,
    values,
    NLM_F_CREATE,
  );
}

/**
 * `add element … { IFACE : MSS, … }`: EBUSY for one that is there with another MSS.
 * @param entries - index of an interface, and octets; no more than some 2,000 fit.
 */
export function addElements(map: MapKey, entries: readonly (readonly [number, number])[]): NetlinkPart {
  const elements = entries.map(([index, mss]) =>
    encodeAttributes(ELEMENT, { KEY: { VALUE: u32.write(index) }, DATA: { VALUE: be16.write(mss) } }),
  );
  return elementsOf(map, "NFT_MSG_NEWSETELEM", nft.NFT_MSG_NEWSETELEM, elements, NLM_F_CREATE);
}

/** `delete element … { IFACE, … }`: ENOENT for one that is not there. */
export function deleteElements(map: MapKey, indexes: readonly number[]): NetlinkPart {
  const elements = indexes.map((index) => encodeAttributes(ELEMENT, { KEY: { VALUE: u32.write(index) } }));
  return elementsOf(map, "NFT_MSG_DELSETELEM", nft.NFT_MSG_DELSETELEM, elements);
}

function elementsOf(
  { table, name, id }: MapKey,
  request: string,
  message: number,
  elements: readonly Uint8Array[],
  flags = 0,
): NetlinkPart {
  const added = message === nft.NFT_MSG_NEWSETELEM;
  const values = { TABLE: table.name, SET: name, ...(added && { SET_ID: id }), ELEMENTS: elements };
  return part(`${named(request, table)} ${name}`, message, table, ELEMENTS, values, flags);
}

/**
 * Expressions of nf_tables' rules (`linux/netfilter/nf_tables.h`): small steps over registers, each with attributes of its
 * own. A rule is a list of them: load a field, mask it, compare it (no match ends the rule), then a statement.
 */
import * as nft from "../abi-nftables.ts";
import { parseIp } from "../ip.ts";
import {
  type AttributeTable,
  type AttributeValue,
  type AttributeValues,
  attributes,
  be32,
  concat,
  decodeAttributes,
  encodeAttributes,
  nested,
  octets,
  splitAttributes,
  string,
  u8,
} from "../netlink-attributes.ts";

/** A verdict's code is a number with a sign in network byte order. */
const verdictCode: AttributeValue<number> = {
  read: (payload) => (payload.length < 4 ? undefined : (be32.read(payload) as number) | 0),
  write: (value) => be32.write(value >>> 0),
};

/** NFTA_DATA_*: a constant, or a verdict. */
export const DATA = attributes({
  VALUE: [nft.NFTA_DATA_VALUE, octets],
  VERDICT: [
    nft.NFTA_DATA_VERDICT,
    nested(
      attributes({
        CODE: [nft.NFTA_VERDICT_CODE, verdictCode],
        CHAIN: [nft.NFTA_VERDICT_CHAIN, string],
      }),
    ),
  ],
});

/** Attributes of each expression, by its name in the kernel. */
const EXPRESSIONS = {
  payload: attributes({
    DREG: [nft.NFTA_PAYLOAD_DREG, be32],
    BASE: [nft.NFTA_PAYLOAD_BASE, be32],
    OFFSET: [nft.NFTA_PAYLOAD_OFFSET, be32],
    LEN: [nft.NFTA_PAYLOAD_LEN, be32],
  }),
  bitwise: attributes({
    SREG: [nft.NFTA_BITWISE_SREG, be32],
    DREG: [nft.NFTA_BITWISE_DREG, be32],
    OP: [nft.NFTA_BITWISE_OP, be32],
    LEN: [nft.NFTA_BITWISE_LEN, be32],
    MASK: [nft.NFTA_BITWISE_MASK, nested(DATA)],
    XOR: [nft.NFTA_BITWISE_XOR, nested(DATA)],
  }),
  cmp: attributes({
    SREG: [nft.NFTA_CMP_SREG, be32],
    OP: [nft.NFTA_CMP_OP, be32],
    DATA: [nft.NFTA_CMP_DATA, nested(DATA)],
  }),
  meta: attributes({ KEY: [nft.NFTA_META_KEY, be32], DREG: [nft.NFTA_META_DREG, be32] }),
  immediate: attributes({
    DREG: [nft.NFTA_IMMEDIATE_DREG, be32],
    DATA: [nft.NFTA_IMMEDIATE_DATA, nested(DATA)],
  }),
  masq: attributes({}),
  lookup: attributes({
    SET: [nft.NFTA_LOOKUP_SET, string],
    SREG: [nft.NFTA_LOOKUP_SREG, be32],
    DREG: [nft.NFTA_LOOKUP_DREG, be32],
    SET_ID: [nft.NFTA_LOOKUP_SET_ID, be32],
  }),
  exthdr: attributes({
    TYPE: [nft.NFTA_EXTHDR_TYPE, u8],
    OFFSET: [nft.NFTA_EXTHDR_OFFSET, be32],
    LEN: [nft.NFTA_EXTHDR_LEN, be32],
    OP: [nft.NFTA_EXTHDR_OP, be32],
    SREG: [nft.NFTA_EXTHDR_SREG, be32],
  }),
} as const satisfies Record<string, AttributeTable>;

type ExpressionName = keyof typeof EXPRESSIONS;

/** One expression of a rule; of those that are not in the table, the octets of its attributes. */
export type Expression =
  | {
      [N in ExpressionName]: { readonly name: N; readonly data: AttributeValues<(typeof EXPRESSIONS)[N]> };
    }[ExpressionName]
  | { readonly name: "other"; readonly kernelName: string; readonly data: Uint8Array };

const HEAD = attributes({ NAME: [nft.NFTA_EXPR_NAME, string], DATA: [nft.NFTA_EXPR_DATA, octets] });
/** As {@link HEAD}, for writing: the inner attributes are flagged as a nest. */
const HEAD_WRITTEN = attributes({
  NAME: [nft.NFTA_EXPR_NAME, string],
  DATA: [nft.NFTA_EXPR_DATA, { ...octets, nested: true }],
});

/** NFTA_RULE_EXPRESSIONS: a list whose elements are all of type NFTA_LIST_ELEM. */
export const expressionList: AttributeValue<readonly Expression[]> = {
  nested: true,
  read: (payload) => splitAttributes(payload).flatMap(({ payload: one }) => readExpression(one) ?? []),
  write: (list) => {
    const element = attributes({ ELEM: [nft.NFTA_LIST_ELEM, { ...octets, nested: true }] });
    return concat(list.map((one) => encodeAttributes(element, { ELEM: writeExpression(one) })));
  },
};

function readExpression(payload: Uint8Array): Expression | undefined {
  const { NAME: name, DATA: data = new Uint8Array(0) } = decodeAttributes(HEAD, payload);
  if (name === undefined) return undefined;
  if (!Object.hasOwn(EXPRESSIONS, name)) return { name: "other", kernelName: name, data };
  // The name says which of the union's members it is, which the compiler cannot follow.
  return { name, data: decodeAttributes(EXPRESSIONS[name as ExpressionName], data) } as Expression;
}

function writeExpression(one: Expression): Uint8Array {
  if (one.name === "other") return encodeAttributes(HEAD_WRITTEN, { NAME: one.kernelName, DATA: one.data });
  const table: AttributeTable = EXPRESSIONS[one.name];
  return encodeAttributes(HEAD_WRITTEN, { NAME: one.name, DATA: encodeAttributes(table, one.data) });
}

// ── What rules are made of ───────────────────────────────────────────────────────────────────────────────────

const REG = nft.NFT_REG_1;
/** Octets from the start of the IP header: RFC 791 §3.1, RFC 8200 §3. */
const ADDRESSES = {
  4: { source: 12, destination: 16 },
  6: { source: 8, destination: 24 },
} as const;
/** RFC 9293 §3.1: where in the TCP header, and the bits of the flags. */
const TCP_FLAGS = 13;
const [SYN, RST] = [0x02, 0x04];
/** RFC 9293 §3.2: kind and length, then the segment's size. */
const MAXIMUM_SEGMENT_SIZE = { kind: 2, offset: 2, octets: 2 } as const;
const IPPROTO_TCP = 6;
/** IFNAMSIZ: names are compared with all their zeros. */
const NAME_OCTETS = 16;

const equals = (value: Uint8Array): Expression => ({
  name: "cmp",
  data: { SREG: REG, OP: nft.NFT_CMP_EQ, DATA: { VALUE: value } },
});

/** Takes a prefix (`10.0.0.0/8`) or an address apart. @throws TypeError, RangeError */
export function readPrefix(text: string): { family: 4 | 6; octets: Uint8Array; length: number } {
  const [address = "", written] = text.split("/");
  const { octets } = parseIp(address);
  const most = octets.length * 8;
  const length = written === undefined ? most : Number(written);
  if (!/^\d{1,3}$/.test(written ?? "0") || length > most)
    throw new RangeError(`prefix length of ${text}: expected 0 to ${most}`);
  return { family: octets.length === 4 ? 4 : 6, octets, length };
}

/** `ip saddr PREFIX` or `ip daddr PREFIX`; of IPv6 as well. No expression at all for a prefix of length 0. */
export function matchAddress(which: "source" | "destination", prefix: string): Expression[] {
  const { family, octets: address, length } = readPrefix(prefix);
  if (length === 0) return [];
  const mask = maskOf(length, address.length);
  const value = address.map((octet, i) => octet & (mask[i] as number));
  // Whole octets need no mask: only those are loaded.
  const whole = length % 8 === 0;
  const loaded = whole ? length / 8 : address.length;
  const load: Expression = {
    name: "payload",
    data: {
      DREG: REG,
      BASE: nft.NFT_PAYLOAD_NETWORK_HEADER,
      OFFSET: ADDRESSES[family][which],
      LEN: loaded,
    },
  };
  if (whole) return [load, equals(value.subarray(0, loaded))];
  const xor = new Uint8Array(address.length);
  const masked: Expression = {
    name: "bitwise",
    data: { SREG: REG, DREG: REG, LEN: loaded, MASK: { VALUE: mask }, XOR: { VALUE: xor } },
  };
  return [load, masked, equals(value)];
}

const maskOf = (length: number, size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, i) => 0xff & ~(0xff >> Math.min(8, Math.max(0, length - 8 * i))));

/** `oifname NAME`: the interface that a packet leaves by. @throws RangeError for a name that no interface can have */
export function matchOutputInterface(name: string): Expression[] {
  const written = new TextEncoder().encode(name);
  if (written.length === 0 || written.length >= NAME_OCTETS)
    throw new RangeError(`"${name}" is no name of an interface: expected 1 to ${NAME_OCTETS - 1} octets`);
  const value = new Uint8Array(NAME_OCTETS);
  value.set(written);
  return [{ name: "meta", data: { KEY: nft.NFT_META_OIFNAME, DREG: REG } }, equals(value)];
}

/** `masquerade` */
export const masquerade: Expression = { name: "masq", data: {} };

/** `return`: the rest of the chain is passed over. */
export const passOver: Expression = {
  name: "immediate",
  data: { DREG: nft.NFT_REG_VERDICT, DATA: { VERDICT: { CODE: nft.NFT_RETURN } } },
};

/** `jump CHAIN` */
export const jumpTo = (chain: string): Expression => ({
  name: "immediate",
  data: { DREG: nft.NFT_REG_VERDICT, DATA: { VERDICT: { CODE: nft.NFT_JUMP, CHAIN: chain } } },
});

const loadMeta = (key: number): Expression => ({ name: "meta", data: { KEY: key, DREG: REG } });

/** `tcp flags syn / syn,rst`: who opens a connection, and who answers that. */
export const matchTcpSyn: readonly Expression[] = [
  loadMeta(nft.NFT_META_L4PROTO),
  equals(Uint8Array.of(IPPROTO_TCP)),
  {
    name: "payload",
    data: { DREG: REG, BASE: nft.NFT_PAYLOAD_TRANSPORT_HEADER, OFFSET: TCP_FLAGS, LEN: 1 },
  },
  {
    name: "bitwise",
    data: {
      SREG: REG,
      DREG: REG,
      OP: nft.NFT_BITWISE_BOOL,
      LEN: 1,
      MASK: { VALUE: Uint8Array.of(SYN | RST) },
      XOR: { VALUE: Uint8Array.of(0) },
    },
  },
  equals(Uint8Array.of(SYN)),
];

/** `meta nfproto ipv4` or `ipv6`: of a table of both. */
export function matchFamily(family: 4 | 6): Expression[] {
  const protocol = family === 4 ? nft.NFPROTO_IPV4 : nft.NFPROTO_IPV6;
  return [loadMeta(nft.NFT_META_NFPROTO), equals(Uint8Array.of(protocol))];
}

/**
 * `tcp option maxseg size set iif map @MAP`, or `oif`: the MSS is lowered to what the map has for the interface that the
 * packet came in or goes out by. The kernel never raises one; without an entry, or the option, nothing happens.
 */
export function lowerMss(by: "input" | "output", map: { name: string; id: number }): Expression[] {
  const { kind, offset, octets: length } = MAXIMUM_SEGMENT_SIZE;
  return [
    loadMeta(by === "input" ? nft.NFT_META_IIF : nft.NFT_META_OIF),
    { name: "lookup", data: { SREG: REG, DREG: REG, SET: map.name, SET_ID: map.id } },
    {
      name: "exthdr",
      data: { SREG: REG, TYPE: kind, OFFSET: offset, LEN: length, OP: nft.NFT_EXTHDR_OP_TCPOPT },
    },
  ];
}

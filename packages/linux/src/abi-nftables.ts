/**
 * nf_tables' numbers and layouts, under the names of the kernel's headers; as in `abi.ts`.
 * Integers in attributes of nf_tables are in network byte order.
 */

// ── linux/netfilter.h, linux/netfilter_ipv4.h ────────────────────────────────────────────────────────────────

export const NFPROTO_UNSPEC = 0;
/** A table of both IPv4 and IPv6. */
export const NFPROTO_INET = 1;
export const NFPROTO_IPV4 = 2;
export const NFPROTO_IPV6 = 10;
export const NF_INET_FORWARD = 2;
export const NF_INET_POST_ROUTING = 4;
export const NF_IP_PRI_MANGLE = -150;
export const NF_IP_PRI_NAT_SRC = 100;
export const NF_ACCEPT = 1;

// ── linux/netfilter/nfnetlink.h ──────────────────────────────────────────────────────────────────────────────

export const NETLINK_NETFILTER = 12;
/** struct nfgenmsg; `res_id` is in network byte order. */
export const nfgenmsg = { size: 4, nfgen_family: 0, version: 1, res_id: 2 } as const;
/** Upper octet of the message types of nf_tables. */
export const NFNL_SUBSYS_NFTABLES = 10;
export const NFNL_MSG_BATCH_BEGIN = 16;
export const NFNL_MSG_BATCH_END = 17;

// ── linux/netfilter/nf_tables.h ──────────────────────────────────────────────────────────────────────────────

export const NFT_MSG_NEWTABLE = 0;
export const NFT_MSG_GETTABLE = 1;
export const NFT_MSG_DELTABLE = 2;
export const NFT_MSG_NEWCHAIN = 3;
export const NFT_MSG_NEWRULE = 6;
export const NFT_MSG_DELRULE = 8;
export const NFT_MSG_NEWSET = 9;
export const NFT_MSG_NEWSETELEM = 12;
export const NFT_MSG_DELSETELEM = 14;

/** The table belongs to the socket that made it: nobody else can change it, and it goes with the socket (Linux 5.12). */
export const NFT_TABLE_F_OWNER = 2;

export const NFTA_TABLE_NAME = 1;
export const NFTA_TABLE_FLAGS = 2;
export const NFTA_TABLE_OWNER = 7;
export const NFTA_CHAIN_TABLE = 1;
export const NFTA_CHAIN_NAME = 3;
export const NFTA_CHAIN_HOOK = 4;
export const NFTA_CHAIN_POLICY = 5;
export const NFTA_CHAIN_TYPE = 7;
export const NFTA_HOOK_HOOKNUM = 1;
export const NFTA_HOOK_PRIORITY = 2;
export const NFTA_RULE_TABLE = 1;
export const NFTA_RULE_CHAIN = 2;
export const NFTA_RULE_EXPRESSIONS = 4;
export const NFTA_LIST_ELEM = 1;
export const NFTA_EXPR_NAME = 1;
export const NFTA_EXPR_DATA = 2;
export const NFTA_DATA_VALUE = 1;
export const NFTA_DATA_VERDICT = 2;
export const NFTA_VERDICT_CODE = 1;
export const NFTA_VERDICT_CHAIN = 2;
export const NFTA_PAYLOAD_DREG = 1;
export const NFTA_PAYLOAD_BASE = 2;
export const NFTA_PAYLOAD_OFFSET = 3;
export const NFTA_PAYLOAD_LEN = 4;
export const NFTA_BITWISE_SREG = 1;
export const NFTA_BITWISE_DREG = 2;
export const NFTA_BITWISE_LEN = 3;
export const NFTA_BITWISE_MASK = 4;
export const NFTA_BITWISE_XOR = 5;
export const NFTA_BITWISE_OP = 6;
export const NFTA_CMP_SREG = 1;
export const NFTA_CMP_OP = 2;
export const NFTA_CMP_DATA = 3;
export const NFTA_META_DREG = 1;
export const NFTA_META_KEY = 2;
export const NFTA_IMMEDIATE_DREG = 1;
export const NFTA_IMMEDIATE_DATA = 2;
export const NFTA_LOOKUP_SET = 1;
export const NFTA_LOOKUP_SREG = 2;
export const NFTA_LOOKUP_DREG = 3;
export const NFTA_LOOKUP_SET_ID = 4;
export const NFTA_EXTHDR_TYPE = 2;
export const NFTA_EXTHDR_OFFSET = 3;
export const NFTA_EXTHDR_LEN = 4;
export const NFTA_EXTHDR_OP = 6;
export const NFTA_EXTHDR_SREG = 7;
export const NFTA_SET_TABLE = 1;
export const NFTA_SET_NAME = 2;
export const NFTA_SET_FLAGS = 3;
export const NFTA_SET_KEY_TYPE = 4;
export const NFTA_SET_KEY_LEN = 5;
export const NFTA_SET_DATA_TYPE = 6;
export const NFTA_SET_DATA_LEN = 7;
export const NFTA_SET_ID = 10;
export const NFTA_SET_USERDATA = 13;
export const NFTA_SET_ELEM_LIST_TABLE = 1;
export const NFTA_SET_ELEM_LIST_SET = 2;
export const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
export const NFTA_SET_ELEM_LIST_SET_ID = 4;
export const NFTA_SET_ELEM_KEY = 1;
export const NFTA_SET_ELEM_DATA = 2;

export const NFT_REG_VERDICT = 0;
/** A register of 16 octets. */
export const NFT_REG_1 = 1;
export const NFT_PAYLOAD_NETWORK_HEADER = 1;
export const NFT_PAYLOAD_TRANSPORT_HEADER = 2;
/** Mask and exclusive or; what is meant where nothing is said, too. */
export const NFT_BITWISE_BOOL = 0;
export const NFT_CMP_EQ = 0;
export const NFT_CMP_NEQ = 1;
export const NFT_META_IIF = 4;
export const NFT_META_OIF = 5;
export const NFT_META_OIFNAME = 7;
export const NFT_META_NFPROTO = 15;
export const NFT_META_L4PROTO = 16;
/** Options of TCP; the kernel only ever lowers what `maxseg` says. */
export const NFT_EXTHDR_OP_TCPOPT = 1;
/** The set is a map: its elements have data. */
export const NFT_SET_MAP = 8;
/** Verdict: on with the chain that is named, and back. */
export const NFT_JUMP = -3;
/** Verdict: on with the chain that this one was called from, or with its policy. */
export const NFT_RETURN = -5;

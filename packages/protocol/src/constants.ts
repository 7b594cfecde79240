/** Numbers of the specifications. */

/** UDP port of L2TP (RFC 2661 §8.1, RFC 3931 §4.1.2). */
export const UDP_PORT = 1701;
/** IP protocol number of L2TPv3 (RFC 3931 §4.1.1). */
export const IP_PROTOCOL = 115;

/** Bits of the first 16 of a header (RFC 2661 §3.1, RFC 3931 §3.2.1). */
export const FLAG = {
  /** Type: control message. */
  T: 0x8000,
  /** Length present. */
  L: 0x4000,
  /** Ns and Nr present. */
  S: 0x0800,
  /** Offset Size present; v2 data only. */
  O: 0x0200,
  /** Priority; v2 data only. */
  P: 0x0100,
  /** Version. */
  version: 0x000f,
  /** Sent as 0, ignored on receipt. */
  reserved: 0x34f0,
} as const;

/** Bits of the first 16 of an AVP (RFC 2661 §4.1, RFC 3931 §5.1). */
export const AVP_FLAG = { mandatory: 0x8000, hidden: 0x4000, reserved: 0x3c00, length: 0x03ff } as const;

/** Octets of an AVP header. */
export const AVP_HEADER = 6;
/** The most octets an AVP can have, with its header. */
export const MAXIMUM_AVP = 1023;
/** Octets of a control header of either version, without the 4 zero octets that precede it over IP. */
export const CONTROL_HEADER = 12;
/** The most octets the Length of a control header can say. */
export const MAXIMUM_MESSAGE = 0xffff;

/** Bits of the default L2-specific sublayer (RFC 3931 §4.6, RFC 5085 §6.3, RFC 4623 §3.2). */
export const SUBLAYER = {
  /** VCCV control channel. */
  V: 0x8000_0000,
  /** The sequence number is valid. */
  S: 0x4000_0000,
  /** First fragment. */
  B: 0x2000_0000,
  /** Last fragment. */
  E: 0x1000_0000,
  sequence: 0x00ff_ffff,
} as const;

/** Window a peer is taken to have when it does not say (RFC 2661 §4.4.3, RFC 3931 §5.4.3). */
export const DEFAULT_RECEIVE_WINDOW = 4;

/** Attribute types that the codec itself looks at. */
export const TYPE = { messageType: 0, randomVector: 36, messageDigest: 59, nonce: 73 } as const;

/** SMI enterprise numbers that occur in AVPs. */
export const VENDOR = { ietf: 0, cisco: 9, threeCom: 43, microsoft: 311, broadbandForum: 3561 } as const;

/** Names of {@link VENDOR}, for people. */
export const VENDOR_NAMES: Readonly<Record<number, string>> = {
  0: "IETF",
  9: "Cisco",
  43: "3Com",
  311: "Microsoft",
  3561: "Broadband Forum",
};

/** Framing and bearer bits (RFC 2661 §4.4.3, RFC 3301). */
export const FRAMING = { synchronous: 0x1, asynchronous: 0x2 } as const;
/** See {@link FRAMING}. */
export const BEARER = { digital: 0x1, analog: 0x2, broadband: 0x4 } as const;

/** Circuit Status bits (RFC 3931 §5.4.5, RFC 5641). */
export const CIRCUIT_STATUS = {
  active: 0x0001,
  new: 0x0002,
  acReceiveFault: 0x0004,
  acTransmitFault: 0x0008,
  psnReceiveFault: 0x0010,
  psnTransmitFault: 0x0020,
  standby: 0x0040,
} as const;

/** Pseudowire types that this suite speaks of. */
export const PSEUDOWIRE = { ethernetVlan: 4, ethernet: 5, hdlc: 6, ppp: 7, ip: 11 } as const;

/** Registered pseudowire types (RFC 4349, 4454, 4591, 4719, 5611, and the registry). */
export const PSEUDOWIRE_TYPES: Readonly<Record<number, string>> = {
  1: "Frame Relay DLCI",
  2: "ATM AAL5 SDU VCC transport",
  3: "ATM Cell transparent Port Mode",
  4: "Ethernet VLAN",
  5: "Ethernet",
  6: "HDLC",
  7: "PPP",
  9: "ATM Cell transport VCC Mode",
  10: "ATM Cell transport VPC Mode",
  11: "IP Transport",
  12: "MPEG-TS Payload Type",
  13: "Packet Streaming Protocol",
  17: "Structure-agnostic E1 circuit",
  18: "Structure-agnostic T1 (DS1) circuit",
  19: "Structure-agnostic E3 circuit",
  20: "Structure-agnostic T3 (DS3) circuit",
  21: "CESoPSN basic mode",
  23: "CESoPSN TDM with CAS",
};

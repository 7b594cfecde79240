/**
 * Every AVP, declared once: RFC 2661, RFC 3931 and the extensions of both. Types, encoder, decoder, checks,
 * the printout of l2tpctl and the reference page docs/protocol.md come from here. To add an AVP is to add a row.
 *
 * Row: type, name, value, where it is defined for each version ("1"/"0" must, "(1)"/"(0)" should be the M
 * bit, "*" the sender's choice; "H" it may be hidden), what it says, and what is out of the ordinary.
 */
import { PPP_DISCONNECT_TEXTS } from "./codes.ts";
import { PSEUDOWIRE_TYPES, VENDOR } from "./constants.ts";
import {
  type Field,
  list,
  none,
  octets,
  optional,
  record,
  reserved,
  text,
  u8,
  u16,
  u32,
  u32AsBigint,
  u64,
} from "./field.ts";
import { circuitErrorsValue, errorCounters, protocolVersionValue, resultValue } from "./values.ts";

const BROADBAND_FORUM = VENDOR.broadbandForum;
const CISCO = VENDOR.cisco;
const DRAFT = "draft-ietf-l2tpext-l2tp-base";

/** How the sender has to set the M bit: "1"/"0" MUST, "(1)"/"(0)" SHOULD, "*" its choice. */
export type MandatoryRule = "1" | "0" | "(1)" | "(0)" | "*";

/** Where an AVP is defined for one version of the protocol. */
export interface Definition {
  readonly version: 2 | 3;
  readonly mandatory: MandatoryRule;
  readonly hideable: boolean;
  /** As in `RFC 2661 §4.4.3`. */
  readonly reference: string;
}

/** One AVP. */
export interface AvpRow<T, Repeatable extends boolean = boolean> {
  readonly vendor: number;
  readonly type: number;
  /** As the RFC writes it. */
  readonly name: string;
  /** The value, for each version. */
  readonly field: { readonly 2: Field<T>; readonly 3: Field<T> };
  readonly definitions: readonly Definition[];
  readonly description: string;
  /** May occur more than once in a message: its value in a message is an array. */
  readonly repeatable: Repeatable;
  /** A malformed one is never ignored, whatever its M bit: leaving it out would decide something else. */
  readonly critical: boolean;
}

function definition(
  version: 2 | 3,
  mandatory: MandatoryRule,
  hide: "H" | "-",
  rfc: number | string,
  section: string,
): Definition {
  const source = typeof rfc === "number" ? `RFC ${rfc}` : rfc;
  return { version, mandatory, hideable: hide === "H", reference: `${source} §${section}` };
}
const v2 = (mandatory: MandatoryRule, hide: "H" | "-", rfc: number | string, section: string): Definition =>
  definition(2, mandatory, hide, rfc, section);
const v3 = (mandatory: MandatoryRule, hide: "H" | "-", rfc: number | string, section: string): Definition =>
  definition(3, mandatory, hide, rfc, section);

interface ByVersion<T> {
  readonly 2: Field<T>;
  readonly 3: Field<T>;
}
const byVersion = <T>(two: Field<T>, three: Field<T>): ByVersion<T> => ({ 2: two, 3: three });

function avp<T, const R extends boolean = false>(
  type: number,
  name: string,
  field: Field<T> | ByVersion<T>,
  definitions: readonly Definition[],
  description: string,
  { vendor = 0, repeatable, critical = false }: { vendor?: number; repeatable?: R; critical?: boolean } = {},
): AvpRow<T, R> {
  return {
    vendor,
    type,
    name,
    field: "kind" in field ? { 2: field, 3: field } : field,
    definitions,
    description,
    repeatable: (repeatable ?? false) as R,
    critical,
  };
}

/** Every AVP by its name in messages. */
export const AVPS = {
  messageType: avp(
    0,
    "Message Type",
    u16(),
    [v2("1", "-", 2661, "4.4.1"), v3("1", "-", 3931, "5.4.1")],
    "First AVP of every message. M bit is about the message, not the AVP: 1 and unknown type => clear the tunnel; 0 and unknown => ignore the message. Extension messages 17, 21-27 set M=0. First AVP. A non-zero Vendor ID makes it a vendor-specific message.",
  ),
  resultCode: avp(
    1,
    "Result Code",
    resultValue,
    [v2("1", "-", 2661, "4.4.2"), v3("(1)", "-", 3931, "5.4.2")],
    "8 octets without error code, 10 with, 10+n with message.",
  ),
  protocolVersion: avp(
    2,
    "Protocol Version",
    protocolVersionValue,
    [v2("1", "-", 2661, "4.4.3")],
    "Value is 0x0100, unrelated to the header version.",
  ),
  framingCapabilities: avp(
    3,
    "Framing Capabilities",
    u32({ bits: { 2: "async framing", 1: "sync framing" } }),
    [v2("1", "H", 2661, "4.4.3")],
    "Framing the sender can do for calls.",
  ),
  bearerCapabilities: avp(
    4,
    "Bearer Capabilities",
    u32({ bits: { 2: "analog", 1: "digital", 4: "broadband/ATM (RFC 3301)" } }),
    [v2("1", "H", 2661, "4.4.3")],
    "Bearers on which the sender can place outgoing calls; must be there if it can place any.",
  ),
  tieBreaker: avp(
    5,
    "Tie Breaker",
    u64(),
    [v2("0", "-", 2661, "4.4.3")],
    "Lower value wins; equal => both discard; peer without one loses.",
    { critical: true },
  ),
  controlConnectionTieBreaker: avp(
    5,
    "Control Connection Tie Breaker",
    u64(),
    [v3("(1)", "-", 3931, "5.4.3")],
    "SCCRQ only; lower wins; equal => both discard and restart with new random values.",
    { critical: true },
  ),
  sessionTieBreaker: avp(
    5,
    "Session Tie Breaker",
    u64(),
    [v3("(1)", "-", 3931, "5.4.4")],
    "ICRQ/OCRQ only; same attribute type as the control connection tie breaker; loser gets CDN result 13; if neither side sent one both tear down.",
    { critical: true },
  ),
  firmwareRevision: avp(
    6,
    "Firmware Revision",
    u16(),
    [v2("0", "H", 2661, "4.4.3")],
    "Vendor-specific revision of the sender.",
  ),
  hostName: avp(
    7,
    "Host Name",
    text({ min: 1 }),
    [v2("1", "-", 2661, "4.4.3"), v3("(1)", "-", 3931, "5.4.3")],
    "Name of the sender, one octet or more; need not be unique.",
  ),
  vendorName: avp(
    8,
    "Vendor Name",
    text(),
    [v2("0", "H", 2661, "4.4.3"), v3("(0)", "H", 3931, "5.4.3")],
    "Vendor of the sender, for people.",
  ),
  assignedTunnelId: avp(
    9,
    "Assigned Tunnel ID",
    u16({ min: 1 }),
    [v2("1", "H", 2661, "4.4.3")],
    "Non-zero. In StopCCN the same value first sent to this peer.",
  ),
  receiveWindowSize: avp(
    10,
    "Receive Window Size",
    u16({ min: 1 }),
    [v2("1", "-", 2661, "4.4.3"), v3("(1)", "-", 3931, "5.4.3")],
    "Control messages that may be sent to us unacknowledged; 4 where the AVP is missing, never 0.",
  ),
  challenge: avp(
    11,
    "Challenge",
    octets({ min: 1 }),
    [v2("1", "H", 2661, "4.4.3")],
    "Octets to be answered with MD5(message type, secret, challenge).",
    { critical: true },
  ),
  q931CauseCode: avp(
    12,
    "Q.931 Cause Code",
    record(["causeCode", u16()], ["causeMessage", u8()], ["advisoryMessage", optional(text())]),
    [v2("1", "-", 2661, "4.4.4")],
    "Why an ISDN call ended, as the switch said it.",
  ),
  challengeResponse: avp(
    13,
    "Challenge Response",
    octets({ lengths: [16] }),
    [v2("1", "H", 2661, "4.4.3")],
    "MD5(id + secret + challenge), id = message type of this message as one octet: 2 in SCCRP, 3 in SCCCN.",
    { critical: true },
  ),
  assignedSessionId: avp(
    14,
    "Assigned Session ID",
    u16({ min: 1 }),
    [v2("1", "H", 2661, "4.4.4")],
    "What the peer puts into the headers of this session; never 0.",
  ),
  callSerialNumber: avp(
    15,
    "Call Serial Number",
    u32(),
    [v2("1", "H", 2661, "4.4.4")],
    "Number of the call at its sender, for logs on both ends.",
  ),
  serialNumber: avp(
    15,
    "Serial Number",
    u32(),
    [v3("(0)", "H", 3931, "5.4.4")],
    "Same attribute as the v2 Call Serial Number.",
  ),
  minimumBps: avp(
    16,
    "Minimum BPS",
    u32(),
    [v2("1", "H", 2661, "4.4.4")],
    "Lowest acceptable line speed, bits per second.",
  ),
  maximumBps: avp(
    17,
    "Maximum BPS",
    u32(),
    [v2("1", "H", 2661, "4.4.4")],
    "Highest acceptable line speed, bits per second.",
  ),
  bearerType: avp(
    18,
    "Bearer Type",
    u32({ bits: { 2: "analog", 1: "digital", 4: "broadband/ATM (RFC 3301)" } }),
    [v2("1", "H", 2661, "4.4.4")],
    "Bearer of this call; all bits clear where there is none.",
  ),
  framingType: avp(
    19,
    "Framing Type",
    u32({ bits: { 2: "async framing", 1: "sync framing" } }),
    [v2("1", "H", 2661, "4.4.4")],
    "Framing of this call.",
  ),
  calledNumber: avp(
    21,
    "Called Number",
    text(),
    [v2("1", "H", 2661, "4.4.4")],
    "With the B bearer bit (RFC 3301): 20-octet NSAP, M=0, length 26.",
  ),
  callingNumber: avp(
    22,
    "Calling Number",
    text(),
    [v2("1", "H", 2661, "4.4.4")],
    "With the B bearer bit (RFC 3301): 20-octet NSAP, M=0, length 26.",
  ),
  subAddress: avp(
    23,
    "Sub-Address",
    text(),
    [v2("1", "H", 2661, "4.4.4")],
    "With the B bearer bit (RFC 3301): 20-octet NSAP, M=0, length 26.",
  ),
  txConnectSpeedBps: avp(
    24,
    "Tx Connect Speed BPS",
    u32(),
    [v2("1", "H", 2661, "4.4.4")],
    'RFC name "(Tx) Connect Speed".',
  ),
  physicalChannelId: avp(
    25,
    "Physical Channel ID",
    u32(),
    [v2("0", "H", 2661, "4.4.4"), v3("(0)", "H", 3931, "5.4.4")],
    "Vendor-specific number of the physical channel.",
  ),
  initialReceivedLcpConfreq: avp(
    26,
    "Initial Received LCP CONFREQ",
    octets(),
    [v2("0", "H", 2661, "4.4.5")],
    "Body of an LCP Configure-Request from the first option on (no code/id/length).",
  ),
  lastSentLcpConfreq: avp(
    27,
    "Last Sent LCP CONFREQ",
    octets(),
    [v2("0", "H", 2661, "4.4.5")],
    "Body of an LCP Configure-Request from the first option on (no code/id/length).",
  ),
  lastReceivedLcpConfreq: avp(
    28,
    "Last Received LCP CONFREQ",
    octets(),
    [v2("0", "H", 2661, "4.4.5")],
    "Body of an LCP Configure-Request from the first option on (no code/id/length).",
  ),
  proxyAuthenType: avp(
    29,
    "Proxy Authen Type",
    u16({
      values: {
        0: "reserved",
        1: "textual username/password exchange",
        2: "PPP CHAP",
        3: "PPP PAP",
        4: "no authentication",
        5: "MS-CHAPv1",
      },
    }),
    [v2("0", "H", 2661, "4.4.5")],
    "How the LAC authenticated the caller.",
  ),
  proxyAuthenName: avp(
    30,
    "Proxy Authen Name",
    text(),
    [v2("0", "H", 2661, "4.4.5")],
    "MUST be present for authen types 1, 2, 3, 5.",
  ),
  proxyAuthenChallenge: avp(
    31,
    "Proxy Authen Challenge",
    octets({ min: 1 }),
    [v2("0", "H", 2661, "4.4.5")],
    "MUST be present for authen types 2, 5.",
  ),
  proxyAuthenId: avp(
    32,
    "Proxy Authen ID",
    record(reserved(1), ["id", u8()]),
    [v2("0", "H", 2661, "4.4.5")],
    "MUST be present for authen types 2, 3, 5. High octet MUST be 0.",
  ),
  proxyAuthenResponse: avp(
    33,
    "Proxy Authen Response",
    octets(),
    [v2("0", "H", 2661, "4.4.5")],
    "MUST be present for authen types 1, 2, 3, 5: CHAP response value (2, 5) or clear text password (1, 3; hide it).",
  ),
  callErrors: avp(
    34,
    "Call Errors",
    errorCounters,
    [v2("1", "H", 2661, "4.4.6")],
    "Errors on the line since the call began.",
  ),
  circuitErrors: avp(
    34,
    "Circuit Errors",
    circuitErrorsValue,
    [v3("(0)", "H", 3931, "5.4.5")],
    "The RFC 3931 figure draws only the last four counters (24-octet AVP) but states Length 32; the length only fits the RFC 2661 layout with CRC Errors and Framing Errors first. Send the 32-octet layout; accept 24 as reserved + the four named counters.",
  ),
  accm: avp(
    35,
    "ACCM",
    record(reserved(2), ["sendAccm", u32()], ["receiveAccm", u32()]),
    [v2("1", "H", 2661, "4.4.6")],
    "Asynchronous control character maps for both directions.",
  ),
  randomVector: avp(
    36,
    "Random Vector",
    octets(),
    [v2("1", "-", 2661, "4.4.1"), v3("(1)", "-", 3931, "5.4.1")],
    "Must precede the first hidden AVP; a hidden AVP uses the nearest preceding one.",
  ),
  privateGroupId: avp(
    37,
    "Private Group ID",
    octets(),
    [v2("0", "H", 2661, "4.4.4")],
    "Which private customer network the call belongs to.",
  ),
  rxConnectSpeedBps: avp(
    38,
    "Rx Connect Speed BPS",
    u32(),
    [v2("0", "H", 2661, "4.4.4")],
    'RFC name "Rx Connect Speed". Section 7.1: a malformed one is ignored, not fatal.',
  ),
  sequencingRequired: avp(
    39,
    "Sequencing Required",
    none(),
    [v2("1", "-", 2661, "4.4.4")],
    "Sequence numbers must be on all data messages.",
  ),
  rxMinimumBps: avp(
    40,
    "Rx Minimum BPS",
    u32(),
    [v2("0", "H", 3301, "5.2")],
    "Lowest acceptable speed from the caller, bits per second.",
  ),
  rxMaximumBps: avp(
    41,
    "Rx Maximum BPS",
    u32(),
    [v2("0", "H", 3301, "5.2")],
    "Highest acceptable speed from the caller, bits per second.",
  ),
  serviceCategory: avp(
    42,
    "Service Category",
    u16({ bits: { 1: "real time (0 = non real time)" } }),
    [v2("0", "H", 3301, "5.2")],
    "ATM service category.",
  ),
  serviceName: avp(
    43,
    "Service Name",
    text({ min: 1 }),
    [v2("0", "H", 3301, "5.2")],
    "Name of the service that the call goes to.",
  ),
  callingSubAddress: avp(
    44,
    "Calling Sub-Address",
    octets({ lengths: [20] }),
    [v2("0", "H", 3301, "5.2")],
    "ATM sub-address of the caller: an NSAP.",
  ),
  vpiVciIdentifier: avp(
    45,
    "VPI/VCI Identifier",
    u32(),
    [v2("0", "H", 3301, "5.2")],
    "Virtual path and channel: 4 bits reserved, 12 bits VPI, 16 bits VCI.",
  ),
  pppDisconnectCauseCode: avp(
    46,
    "PPP Disconnect Cause Code",
    record(
      ["disconnectCode", u16({ values: PPP_DISCONNECT_TEXTS })],
      ["controlProtocolNumber", u16()],
      ["direction", u8({ values: { 0: "global error", 1: "at peer", 2: "at local" } })],
      ["message", optional(text())],
    ),
    [v2("0", "H", 3145, "2"), v3("0", "H", 3145, "2")],
    "CDN only. Accept vendor 43 type 46 as an alias; never send it.",
  ),
  ccds: avp(
    47,
    "CCDS",
    u16(),
    [v2("0", "H", 3308, "3.1")],
    "PHB code per RFC 3140, left-justified. Refusal: StopCCN result 8.",
  ),
  sds: avp(48, "SDS", u16(), [v2("0", "H", 3308, "4.1")], "Refusal: CDN result 12."),
  lcpWantOptions: avp(
    49,
    "LCP Want Options",
    octets(),
    [v2("*", "H", 3437, "2.1")],
    "LCP options the LNS wants in the negotiation of the LAC.",
  ),
  lcpAllowOptions: avp(
    50,
    "LCP Allow Options",
    octets(),
    [v2("*", "H", 3437, "2.2")],
    "LCP options the LNS allows the peer of the LAC.",
  ),
  lnsLastSentLcpConfreq: avp(
    51,
    "LNS Last Sent LCP Confreq",
    octets(),
    [v2("0", "H", 3437, "2.3")],
    "LCP options of the Configure-Request the LNS sent last.",
  ),
  lnsLastReceivedLcpConfreq: avp(
    52,
    "LNS Last Received LCP Confreq",
    octets(),
    [v2("0", "H", 3437, "2.3")],
    "LCP options of the Configure-Request the LNS received last.",
  ),
  modemOnHoldCapable: avp(
    53,
    "Modem On-Hold Capable",
    none(),
    [v2("0", "H", 3573, "4.1")],
    "The sender knows Modem-Status messages.",
  ),
  modemOnHoldStatus: avp(
    54,
    "Modem On-Hold Status",
    u16(),
    [v2("0", "H", 3573, "4.2")],
    "H bit 0x8000: on hold; low 4 bits: time-out code.",
  ),
  pppoeRelay: avp(
    55,
    "PPPoE Relay",
    octets(),
    [v2("*", "H", 3817, "4")],
    "Whole PAD frame including Ethernet source and destination addresses.",
  ),
  pppoeRelayResponseCapability: avp(
    56,
    "PPPoE Relay Response Capability",
    none(),
    [v2("*", "H", 3817, "2.4.1")],
    "The sender can answer relayed PPPoE discovery.",
  ),
  pppoeRelayForwardCapability: avp(
    57,
    "PPPoE Relay Forward Capability",
    none(),
    [v2("*", "H", 3817, "2.4.2")],
    "The sender can forward relayed PPPoE discovery.",
  ),
  extendedVendorId: avp(
    58,
    "Extended Vendor ID",
    record(["vendorId", u32()], ["attributeType", u16()], ["value", optional(octets())]),
    [v3("0", "H", 3931, "5.1")],
    "Wraps a vendor AVP with a 32-bit vendor number. May occur in any message, more than once.",
    { repeatable: true },
  ),
  messageDigest: avp(
    59,
    "Message Digest",
    record(
      ["digestType", u8({ values: { 0: "HMAC-MD5 (16 octets)", 1: "HMAC-SHA-1 (20 octets)" } })],
      ["digest", octets({ lengths: [16, 20] })],
    ),
    [v3("(1)", "-", 3931, "5.4.1")],
    "Directly after Message Type; a second one directly after the first. Total length 23 (MD5) or 27 (SHA-1). The RFC length sentence numbers the types 1 and 2: an error of the text; the values are 0 and 1.",
  ),
  routerId: avp(
    60,
    "Router ID",
    u32(),
    [v3("(1)", "-", 3931, "5.4.3")],
    "Opaque identifier of the sender, unique in its domain.",
  ),
  assignedControlConnectionId: avp(
    61,
    "Assigned Control Connection ID",
    u32({ min: 1 }),
    [v3("(1)", "H", 3931, "5.4.3")],
    "What the peer puts into control headers to us; never 0.",
  ),
  pseudowireCapabilitiesList: avp(
    62,
    "Pseudowire Capabilities List",
    list(u16({ values: PSEUDOWIRE_TYPES }), { min: 1, tolerated: [0] }),
    [v3("(1)", "H", 3931, "5.4.3")],
    "Pseudowire types the sender can carry.",
  ),
  localSessionId: avp(
    63,
    "Local Session ID",
    u32({ min: 1 }),
    [v3("(1)", "H", 3931, "5.4.4")],
    "What the peer puts into data messages of this session to us; never 0.",
  ),
  remoteSessionId: avp(
    64,
    "Remote Session ID",
    u32(),
    [v3("(1)", "H", 3931, "5.4.4")],
    "0 when the peer's Local Session ID is not known yet (always in ICRQ and OCRQ).",
  ),
  assignedCookie: avp(
    65,
    "Assigned Cookie",
    octets({ lengths: [4, 8] }),
    [v3("(1)", "H", 3931, "5.4.4")],
    "What the peer must put into data messages to us: 4 or 8 random octets. No cookie is said by leaving the AVP out.",
    { critical: true },
  ),
  remoteEndId: avp(
    66,
    "Remote End ID",
    octets(),
    [v3("(1)", "H", 3931, "5.4.4")],
    "Which circuit of the peer the session is for.",
  ),
  pseudowireType: avp(
    68,
    "Pseudowire Type",
    u16({ values: PSEUDOWIRE_TYPES }),
    [v3("(1)", "H", 3931, "5.4.4")],
    "What the session carries.",
  ),
  l2SpecificSublayer: avp(
    69,
    "L2-Specific Sublayer",
    u16({ values: { 0: "none", 1: "default", 2: "ATM-specific (RFC 4454)" } }),
    [v3("(1)", "H", 3931, "5.4.4")],
    "The sublayer of data messages towards the sender.",
  ),
  dataSequencing: avp(
    70,
    "Data Sequencing",
    u16({ values: { 0: "none", 1: "non-IP only", 2: "all" } }),
    [v3("(1)", "H", 3931, "5.4.4")],
    "Without an L2-Specific Sublayer => CDN result 15.",
  ),
  circuitStatus: avp(
    71,
    "Circuit Status",
    u16({
      bits: {
        1: "active",
        2: "new (use deprecated by RFC 5641)",
        4: "AC receive fault (RFC 5641)",
        8: "AC transmit fault",
        16: "PSN receive fault",
        32: "PSN transmit fault",
        64: "standby",
      },
    }),
    [v3("(1)", "H", 3931, "5.4.5")],
    "State of the attachment circuit.",
  ),
  preferredLanguage: avp(
    72,
    "Preferred Language",
    text(),
    [v3("(0)", "H", 3931, "5.4.3")],
    "Language tag for Error Messages.",
  ),
  controlMessageAuthenticationNonce: avp(
    73,
    "Control Message Authentication Nonce",
    octets(),
    [v3("(1)", "-", 3931, "5.4.1")],
    "Random octets that go into every Message Digest of the connection.",
  ),
  txConnectSpeed: avp(
    74,
    "Tx Connect Speed",
    u64(),
    [v3("(0)", "H", 3931, "5.4.4")],
    "Speed towards the circuit, bits per second.",
  ),
  rxConnectSpeed: avp(
    75,
    "Rx Connect Speed",
    u64(),
    [v3("(0)", "H", 3931, "5.4.4")],
    "Speed from the circuit, bits per second.",
  ),
  failoverCapability: avp(
    76,
    "Failover Capability",
    record(
      [
        "capability",
        u16({ bits: { 1: "control channel failover", 2: "data channel (sequenced) failover" } }),
      ],
      ["recoveryTimeMs", u32()],
    ),
    [v2("0", "H", 4951, "5.1"), v3("0", "H", 4951, "5.1")],
    "What the sender can recover after a failover, and how long the peer should wait.",
  ),
  tunnelRecovery: avp(
    77,
    "Tunnel Recovery",
    byVersion(
      record(reserved(2), reserved(2), ["recoverTunnelId", u16()], reserved(2), [
        "recoverRemoteTunnelId",
        u16(),
      ]),
      record(reserved(2), ["recoverTunnelId", u32()], ["recoverRemoteTunnelId", u32()]),
    ),
    [v2("1", "-", 4951, "5.2"), v3("1", "-", 4951, "5.2")],
    "Which tunnel or control connection this one recovers.",
  ),
  suggestedControlSequence: avp(
    78,
    "Suggested Control Sequence",
    record(reserved(2), ["suggestedNs", u16()], ["suggestedNr", u16()]),
    [v2("0", "H", 4951, "5.3"), v3("0", "H", 4951, "5.3")],
    "Where Ns and Nr of the recovered connection go on.",
  ),
  failoverSessionState: avp(
    79,
    "Failover Session State",
    byVersion(
      record(reserved(2), reserved(2), ["sessionId", u16()], reserved(2), ["remoteSessionId", u16()]),
      record(reserved(2), ["sessionId", u32()], ["remoteSessionId", u32()]),
    ),
    [v2("1", "H", 4951, "5.4"), v3("1", "H", 4951, "5.4")],
    "May occur more than once.",
    { repeatable: true },
  ),
  multicastCapability: avp(
    80,
    "Multicast Capability",
    none(),
    [v2("0", "H", 4045, "3")],
    "The sender knows multicast sessions.",
  ),
  newOutgoingSessions: avp(
    81,
    "New Outgoing Sessions",
    list(u16(), { min: 1 }),
    [v2("1", "H", 4045, "6.2.1")],
    "Sessions to add to the multicast group.",
  ),
  newOutgoingSessionsAcknowledgement: avp(
    82,
    "New Outgoing Sessions Acknowledgement",
    list(u16(), { min: 1 }),
    [v2("1", "H", 4045, "6.2.2")],
    "Sessions that were added.",
  ),
  withdrawOutgoingSessions: avp(
    83,
    "Withdraw Outgoing Sessions",
    list(u16(), { min: 1 }),
    [v2("1", "H", 4045, "6.2.3")],
    "Sessions to take from the multicast group.",
  ),
  multicastPacketsPriority: avp(
    84,
    "Multicast Packets Priority",
    u16({ values: { 0: "best effort", 1: "unicast priority", 2: "multicast priority" } }),
    [v2("0", "H", 4045, "6.3")],
    "Whether multicast or unicast goes first.",
  ),
  frameRelayHeaderLength: avp(
    85,
    "Frame Relay Header Length",
    u16({ values: { 2: "two octets (default)", 4: "four octets" } }),
    [v3("(0)", "H", 4591, "3.5")],
    "Octets of the Frame Relay header.",
  ),
  atmMaximumConcatenatedCells: avp(
    86,
    "ATM Maximum Concatenated Cells",
    u16(),
    [v3("(0)", "H", 4454, "6")],
    "Most ATM cells in one data message.",
  ),
  oamEmulationRequired: avp(
    87,
    "OAM Emulation Required",
    none(),
    [v3("(0)", "H", 4454, "7")],
    "ATM OAM cells must be emulated.",
  ),
  atmAlarmStatus: avp(
    88,
    "ATM Alarm Status",
    record(
      [
        "circuitStatusReason",
        u16({
          values: {
            1: "no alarm or alarm cleared",
            2: "unspecified or unknown alarm",
            3: "F1 alarm",
            4: "F2 alarm",
            5: "F3 alarm",
            6: "F4 alarm",
            7: "F5 alarm",
            8: "port shutdown on peer",
            9: "loop-back timeout",
          },
        }),
      ],
      [
        "alarm",
        u16({
          values: { 1: "unspecified", 2: "AIS", 3: "RDI", 4: "LOS", 5: "LOP", 6: "LOF", 7: "LB", 8: "CC" },
        }),
      ],
    ),
    [v3("(0)", "H", 4454, "8.1")],
    "Alarm of the ATM circuit.",
  ),
  attachmentGroupIdentifier: avp(
    89,
    "Attachment Group Identifier",
    octets(),
    [v3("(0)", "H", 4667, "4.3")],
    "Group of forwarders (L2VPN).",
  ),
  localEndId: avp(
    90,
    "Local End ID",
    octets(),
    [v3("(0)", "H", 4667, "4.3")],
    "Forwarder of the sender (L2VPN).",
  ),
  interfaceMaximumTransmissionUnit: avp(
    91,
    "Interface Maximum Transmission Unit",
    u16(),
    [v3("(0)", "H", 4667, "4.3")],
    "Mismatch => CDN result 23.",
  ),
  fcsRetention: avp(
    92,
    "FCS Retention",
    u16({ values: { 2: "16-bit FCS", 4: "32-bit FCS" } }),
    [v3("0", "H", 4720, "4")],
    "Frames keep their frame check sequence of this length.",
  ),
  maximumReceiveUnit: avp(
    94,
    "Maximum Receive Unit",
    u16(),
    [v2("(0)", "H", 4623, "5.3"), v3("(0)", "H", 4623, "5.3")],
    "Largest data message the sender takes without fragmentation.",
  ),
  maximumReassembledReceiveUnit: avp(
    95,
    "Maximum Reassembled Receive Unit",
    u16(),
    [v2("(0)", "H", 4623, "5.4"), v3("(0)", "H", 4623, "5.4")],
    "Requires MRU to be present too.",
  ),
  vccvCapability: avp(
    96,
    "VCCV Capability",
    record(
      ["ccTypes", u8({ bits: { 1: "L2-Specific Sublayer with V bit" } })],
      ["cvTypes", u8({ bits: { 1: "ICMP ping" } })],
    ),
    [v3("(0)", "H", 5085, "6.3.1")],
    "Control channel and connectivity verification types of VCCV.",
  ),
  connectSpeedUpdate: avp(
    97,
    "Connect Speed Update",
    byVersion(
      record(reserved(2), ["remoteSessionId", u16()], ["txBps", u32AsBigint()], ["rxBps", u32AsBigint()]),
      record(["remoteSessionId", u32()], ["txBps", u64()], ["rxBps", u64()]),
    ),
    [v2("(0)", "H", 5515, "6.1"), v3("(0)", "H", 5515, "6.1")],
    "New speeds of a session, bits per second.",
    { repeatable: true },
  ),
  connectSpeedUpdateEnable: avp(
    98,
    "Connect Speed Update Enable",
    none(),
    [v2("(0)", "H", 5515, "6.2"), v3("(0)", "H", 5515, "6.2")],
    "The sender wants Connect-Speed-Update-Notification.",
  ),
  tdmPseudowire: avp(
    99,
    "TDM Pseudowire",
    record(["flags", u16()], ["bitRate", u16()], ["payloadBytes", u16()]),
    [v3("(0)", "H", 5611, "2.1")],
    "Structure, bit rate and payload size of a TDM pseudowire.",
  ),
  rtp: avp(
    100,
    "RTP",
    record(["flags", u16()], reserved(2), ["timestampClockFrequency", u16()], ["ssrc", u32()]),
    [v3("(0)", "H", 5611, "2.2")],
    "RTP header parameters of a TDM pseudowire.",
  ),
  pwSwitchingPoint: avp(
    101,
    "PW Switching Point",
    octets(),
    [v3("0", "H", 6073, "8.6")],
    "A switching point on the way of a multi-segment pseudowire.",
  ),
  sbfdTargetDiscriminatorId: avp(
    102,
    "S-BFD Target Discriminator ID",
    list(u32(), { min: 1 }),
    [v3("0", "H", 7886, "2.1")],
    "Discriminators of the S-BFD reflector.",
  ),
  ecnCapability: avp(
    103,
    "ECN Capability",
    u16({ bits: { 1: "ECN propagation supported" } }),
    [v2("0", "H", 9601, "5"), v3("0", "H", 9601, "5")],
    "The sender propagates ECN between outer and inner header. The number is registered; the layout is not verified.",
  ),
  accessLineAgentCircuitId: avp(
    1,
    "Access Line Agent-Circuit-Id",
    text({ min: 2, max: 63 }),
    [v2("(0)", "H", 5515, "5.1"), v3("(0)", "H", 5515, "5.1")],
    "Access node and port, as the access node named them.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineAgentRemoteId: avp(
    2,
    "Access Line Agent-Remote-Id",
    text({ min: 2, max: 63 }),
    [v2("(0)", "H", 5515, "5.2"), v3("(0)", "H", 5515, "5.2")],
    "The subscriber, as the access node named it.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineActualDataRateUpstream: avp(
    129,
    "Access Line Actual-Data-Rate-Upstream",
    u64(),
    [v2("(0)", "H", 5515, "5.3"), v3("(0)", "H", 5515, "5.3")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineActualDataRateDownstream: avp(
    130,
    "Access Line Actual-Data-Rate-Downstream",
    u64(),
    [v2("(0)", "H", 5515, "5.4"), v3("(0)", "H", 5515, "5.4")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMinimumDataRateUpstream: avp(
    131,
    "Access Line Minimum-Data-Rate-Upstream",
    u64(),
    [v2("(0)", "H", 5515, "5.5"), v3("(0)", "H", 5515, "5.5")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMinimumDataRateDownstream: avp(
    132,
    "Access Line Minimum-Data-Rate-Downstream",
    u64(),
    [v2("(0)", "H", 5515, "5.6"), v3("(0)", "H", 5515, "5.6")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineAttainableDataRateUpstream: avp(
    133,
    "Access Line Attainable-Data-Rate-Upstream",
    u64(),
    [v2("(0)", "H", 5515, "5.7"), v3("(0)", "H", 5515, "5.7")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineAttainableDataRateDownstream: avp(
    134,
    "Access Line Attainable-Data-Rate-Downstream",
    u64(),
    [v2("(0)", "H", 5515, "5.8"), v3("(0)", "H", 5515, "5.8")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMaximumDataRateUpstream: avp(
    135,
    "Access Line Maximum-Data-Rate-Upstream",
    u64(),
    [v2("(0)", "H", 5515, "5.9"), v3("(0)", "H", 5515, "5.9")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMaximumDataRateDownstream: avp(
    136,
    "Access Line Maximum-Data-Rate-Downstream",
    u64(),
    [v2("(0)", "H", 5515, "5.10"), v3("(0)", "H", 5515, "5.10")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMinimumDataRateUpstreamLowPower: avp(
    137,
    "Access Line Minimum-Data-Rate-Upstream-Low-Power",
    u64(),
    [v2("(0)", "H", 5515, "5.11"), v3("(0)", "H", 5515, "5.11")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMinimumDataRateDownstreamLowPower: avp(
    138,
    "Access Line Minimum-Data-Rate-Downstream-Low-Power",
    u64(),
    [v2("(0)", "H", 5515, "5.12"), v3("(0)", "H", 5515, "5.12")],
    "Data rate of the access line, bits per second.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMaximumInterleavingDelayUpstream: avp(
    139,
    "Access Line Maximum-Interleaving-Delay-Upstream",
    u32(),
    [v2("(0)", "H", 5515, "5.13"), v3("(0)", "H", 5515, "5.13")],
    "Interleaving delay, milliseconds.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineActualInterleavingDelayUpstream: avp(
    140,
    "Access Line Actual-Interleaving-Delay-Upstream",
    u32(),
    [v2("(0)", "H", 5515, "5.14"), v3("(0)", "H", 5515, "5.14")],
    "Interleaving delay, milliseconds.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineMaximumInterleavingDelayDownstream: avp(
    141,
    "Access Line Maximum-Interleaving-Delay-Downstream",
    u32(),
    [v2("(0)", "H", 5515, "5.15"), v3("(0)", "H", 5515, "5.15")],
    "Interleaving delay, milliseconds.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineActualInterleavingDelayDownstream: avp(
    142,
    "Access Line Actual-Interleaving-Delay-Downstream",
    u32(),
    [v2("(0)", "H", 5515, "5.16"), v3("(0)", "H", 5515, "5.16")],
    "Interleaving delay, milliseconds.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineAccessLoopEncapsulation: avp(
    144,
    "Access Line Access-Loop-Encapsulation",
    record(
      ["dataLink", u8({ values: { 0: "ATM AAL5", 1: "Ethernet" } })],
      ["encaps1", u8({ values: { 0: "NA", 1: "untagged Ethernet", 2: "single-tagged Ethernet" } })],
      [
        "encaps2",
        u8({
          values: {
            0: "NA",
            1: "PPPoA LLC",
            2: "PPPoA null",
            3: "IPoA LLC",
            4: "IPoA null",
            5: "Ethernet over AAL5 LLC with FCS",
            6: "Ethernet over AAL5 LLC without FCS",
            7: "Ethernet over AAL5 null with FCS",
            8: "Ethernet over AAL5 null without FCS",
          },
        }),
      ],
    ),
    [v2("(0)", "H", 5515, "5.17"), v3("(0)", "H", 5515, "5.17")],
    "Encapsulation on the access loop.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineAncpAccessLineType: avp(
    145,
    "Access Line ANCP Access Line Type",
    record(
      [
        "transmissionSystem",
        u8({
          values: { 1: "ADSL1", 2: "ADSL2", 3: "ADSL2+", 4: "VDSL1", 5: "VDSL2", 6: "SDSL", 7: "unknown" },
        }),
      ],
      reserved(3),
    ),
    [v2("(0)", "H", 5515, "5.18"), v3("(0)", "H", 5515, "5.18")],
    "Transmission system of the access line.",
    { vendor: BROADBAND_FORUM },
  ),
  accessLineIwfSession: avp(
    254,
    "Access Line IWF-Session",
    u32({ values: { 0: "IWF not performed", 1: "IWF performed" } }),
    [v2("(0)", "H", 5515, "5.19"), v3("(0)", "H", 5515, "5.19")],
    "Whether the access node turns PPPoA into PPPoE.",
    { vendor: BROADBAND_FORUM },
  ),
  // Cisco's numbers from the drafts of RFC 3931: its routers send them beside or instead of the IETF's.
  ciscoAssignedControlConnectionId: avp(
    1,
    "Cisco Assigned Control Connection ID",
    u32(),
    [v3("*", "-", DRAFT, "5.4.3")],
    "As Assigned Control Connection ID.",
    { vendor: CISCO },
  ),
  ciscoPseudowireCapabilitiesList: avp(
    2,
    "Cisco Pseudowire Capabilities List",
    list(u16({ values: PSEUDOWIRE_TYPES })),
    [v3("*", "-", DRAFT, "5.4.3")],
    "As Pseudowire Capabilities List.",
    { vendor: CISCO },
  ),
  ciscoLocalSessionId: avp(
    3,
    "Cisco Local Session ID",
    u32(),
    [v3("*", "-", DRAFT, "5.4.4")],
    "As Local Session ID.",
    { vendor: CISCO },
  ),
  ciscoRemoteSessionId: avp(
    4,
    "Cisco Remote Session ID",
    u32(),
    [v3("*", "-", DRAFT, "5.4.4")],
    "As Remote Session ID.",
    { vendor: CISCO },
  ),
  ciscoPseudowireType: avp(
    7,
    "Cisco Pseudowire Type",
    u16({ values: PSEUDOWIRE_TYPES }),
    [v3("*", "-", DRAFT, "5.4.4")],
    "As Pseudowire Type.",
    { vendor: CISCO },
  ),
  ciscoDraftVersion: avp(
    10,
    "Cisco Draft AVP Version",
    u16(),
    [v3("*", "-", DRAFT, "5.4.3")],
    "Which draft the other AVPs of this vendor follow.",
    { vendor: CISCO },
  ),
} as const;

/** Name of an AVP, as in `message.hostName`. */
export type AvpName = keyof typeof AVPS;

type ValueOfRow<R> =
  R extends AvpRow<infer T, infer Repeatable> ? (Repeatable extends true ? readonly T[] : T) : never;

/** The type of an AVP's value in a message: an array where the AVP may occur more than once. */
export type AvpValue<N extends AvpName> = ValueOfRow<(typeof AVPS)[N]>;

/** All names, in the order of the table. */
export const AVP_NAMES = Object.keys(AVPS) as readonly AvpName[];

/** The row of a name, without its value's type: for tools that walk the table. */
export const avpRow = (name: AvpName): AvpRow<unknown> => AVPS[name] as AvpRow<unknown>;

/** Where `row` is defined for `version`, or `undefined` when it is not. */
export const definitionFor = (row: AvpRow<unknown>, version: 2 | 3): Definition | undefined =>
  row.definitions.find((one) => one.version === version);

/**
 * Every control message, declared once: type, level, what it requires and allows for each version, by the
 * names of avps.ts. Message Type, Random Vector and Message Digest are of every message and not listed:
 * they are the envelope, which the codec sees to.
 */
import type { AvpName, AvpValue } from "./avps.ts";
import type { ExtraAvp } from "./raw-avp.ts";

/** What a message of one version holds. */
export interface MessageVersion<Required extends AvpName = AvpName, Allowed extends AvpName = AvpName> {
  /** As in `RFC 2661 §6.1`. */
  readonly reference: string;
  /** Who sends it to whom. */
  readonly direction: string;
  readonly requires: readonly Required[];
  /** Allowed by the RFC of the message. */
  readonly allows: readonly Allowed[];
  /** Allowed by an extension's RFC. */
  readonly extensions: readonly Allowed[];
}

/** One control message. */
export interface MessageRow<
  V extends Partial<Record<2 | 3, MessageVersion>> = Partial<Record<2 | 3, MessageVersion>>,
> {
  /** Value of the Message Type AVP. */
  readonly type: number;
  readonly longName: string;
  /** What an error in it ends: the whole control connection (StopCCN), or one session (CDN). */
  readonly level: "control-connection" | "session";
  /** M bit of its Message Type AVP; `0|1` where the sender may choose (0 is sent). */
  readonly mandatory: 0 | 1 | "0|1";
  readonly versions: V;
}

const version = <const R extends AvpName, const A extends AvpName, const E extends AvpName>(
  reference: string,
  direction: string,
  requires: readonly R[],
  allows: readonly A[],
  extensions: readonly E[],
): MessageVersion<R, A | E> => ({ reference, direction, requires, allows, extensions });

const message = <const V extends Partial<Record<2 | 3, MessageVersion>>>(
  type: number,
  longName: string,
  level: MessageRow["level"],
  mandatory: MessageRow["mandatory"],
  versions: V,
): MessageRow<V> => ({ type, longName, level, mandatory, versions });

/** Every control message by its name. */
export const MESSAGES = {
  SCCRQ: message(1, "Start-Control-Connection-Request", "control-connection", 1, {
    2: version(
      "RFC 2661 §6.1",
      "LAC to LNS, LNS to LAC",
      ["protocolVersion", "hostName", "framingCapabilities", "assignedTunnelId"],
      [
        "bearerCapabilities",
        "receiveWindowSize",
        "challenge",
        "tieBreaker",
        "firmwareRevision",
        "vendorName",
      ],
      [
        "ccds",
        "modemOnHoldCapable",
        "pppoeRelayResponseCapability",
        "pppoeRelayForwardCapability",
        "failoverCapability",
        "tunnelRecovery",
        "multicastCapability",
        "ecnCapability",
      ],
    ),
    3: version(
      "RFC 3931 §6.1",
      "LCCE to LCCE",
      ["hostName", "routerId", "assignedControlConnectionId", "pseudowireCapabilitiesList"],
      [
        "controlMessageAuthenticationNonce",
        "controlConnectionTieBreaker",
        "vendorName",
        "receiveWindowSize",
        "preferredLanguage",
      ],
      ["failoverCapability", "tunnelRecovery", "ecnCapability"],
    ),
  }),
  SCCRP: message(2, "Start-Control-Connection-Reply", "control-connection", 1, {
    2: version(
      "RFC 2661 §6.2",
      "LAC to LNS, LNS to LAC",
      ["protocolVersion", "framingCapabilities", "hostName", "assignedTunnelId"],
      [
        "bearerCapabilities",
        "firmwareRevision",
        "vendorName",
        "receiveWindowSize",
        "challenge",
        "challengeResponse",
      ],
      [
        "ccds",
        "modemOnHoldCapable",
        "pppoeRelayResponseCapability",
        "pppoeRelayForwardCapability",
        "failoverCapability",
        "suggestedControlSequence",
        "multicastCapability",
        "ecnCapability",
      ],
    ),
    3: version(
      "RFC 3931 §6.2",
      "LCCE to LCCE",
      ["hostName", "routerId", "assignedControlConnectionId", "pseudowireCapabilitiesList"],
      ["controlMessageAuthenticationNonce", "vendorName", "receiveWindowSize", "preferredLanguage"],
      ["failoverCapability", "suggestedControlSequence", "ecnCapability"],
    ),
  }),
  SCCCN: message(3, "Start-Control-Connection-Connected", "control-connection", 1, {
    2: version("RFC 2661 §6.3", "LAC to LNS, LNS to LAC", [], ["challengeResponse"], []),
    3: version("RFC 3931 §6.3", "LCCE to LCCE", [], [], []),
  }),
  StopCCN: message(4, "Stop-Control-Connection-Notification", "control-connection", 1, {
    2: version("RFC 2661 §6.4", "LAC to LNS, LNS to LAC", ["assignedTunnelId", "resultCode"], [], []),
    3: version("RFC 3931 §6.4", "LCCE to LCCE", ["resultCode"], ["assignedControlConnectionId"], []),
  }),
  HELLO: message(6, "Hello", "control-connection", 1, {
    2: version("RFC 2661 §6.5", "LAC to LNS, LNS to LAC", [], [], []),
    3: version("RFC 3931 §6.5", "LCCE to LCCE", [], [], []),
  }),
  OCRQ: message(7, "Outgoing-Call-Request", "session", 1, {
    2: version(
      "RFC 2661 §6.9",
      "LNS to LAC",
      [
        "assignedSessionId",
        "callSerialNumber",
        "minimumBps",
        "maximumBps",
        "bearerType",
        "framingType",
        "calledNumber",
      ],
      ["subAddress"],
      [
        "rxMinimumBps",
        "rxMaximumBps",
        "serviceCategory",
        "serviceName",
        "sds",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
      ],
    ),
    3: version(
      "RFC 3931 §6.9",
      "LCCE to LAC",
      ["localSessionId", "remoteSessionId", "serialNumber", "pseudowireType", "remoteEndId", "circuitStatus"],
      [
        "assignedCookie",
        "txConnectSpeed",
        "rxConnectSpeed",
        "sessionTieBreaker",
        "l2SpecificSublayer",
        "dataSequencing",
      ],
      [
        "vccvCapability",
        "tdmPseudowire",
        "rtp",
        "sbfdTargetDiscriminatorId",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
      ],
    ),
  }),
  OCRP: message(8, "Outgoing-Call-Reply", "session", 1, {
    2: version(
      "RFC 2661 §6.10",
      "LAC to LNS",
      ["assignedSessionId"],
      ["physicalChannelId"],
      ["vpiVciIdentifier", "sds", "maximumReceiveUnit", "maximumReassembledReceiveUnit"],
    ),
    3: version(
      "RFC 3931 §6.10",
      "LAC to LCCE",
      ["localSessionId", "remoteSessionId", "circuitStatus"],
      [
        "assignedCookie",
        "l2SpecificSublayer",
        "txConnectSpeed",
        "rxConnectSpeed",
        "dataSequencing",
        "physicalChannelId",
      ],
      [
        "vccvCapability",
        "rtp",
        "sbfdTargetDiscriminatorId",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
      ],
    ),
  }),
  OCCN: message(9, "Outgoing-Call-Connected", "session", 1, {
    2: version(
      "RFC 2661 §6.11",
      "LAC to LNS",
      ["txConnectSpeedBps", "framingType"],
      ["rxConnectSpeedBps", "sequencingRequired"],
      ["lcpWantOptions", "lcpAllowOptions", "maximumReceiveUnit", "maximumReassembledReceiveUnit"],
    ),
    3: version(
      "RFC 3931 §6.11",
      "LAC to LCCE",
      ["localSessionId", "remoteSessionId"],
      ["l2SpecificSublayer", "txConnectSpeed", "rxConnectSpeed", "dataSequencing", "circuitStatus"],
      ["maximumReceiveUnit", "maximumReassembledReceiveUnit"],
    ),
  }),
  ICRQ: message(10, "Incoming-Call-Request", "session", 1, {
    2: version(
      "RFC 2661 §6.6",
      "LAC to LNS",
      ["assignedSessionId", "callSerialNumber"],
      ["bearerType", "physicalChannelId", "callingNumber", "calledNumber", "subAddress"],
      [
        "serviceCategory",
        "serviceName",
        "callingSubAddress",
        "vpiVciIdentifier",
        "sds",
        "pppoeRelay",
        "connectSpeedUpdateEnable",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
        "accessLineAgentCircuitId",
        "accessLineAgentRemoteId",
        "accessLineActualDataRateUpstream",
        "accessLineActualDataRateDownstream",
        "accessLineMinimumDataRateUpstream",
        "accessLineMinimumDataRateDownstream",
        "accessLineAttainableDataRateUpstream",
        "accessLineAttainableDataRateDownstream",
        "accessLineMaximumDataRateUpstream",
        "accessLineMaximumDataRateDownstream",
        "accessLineMinimumDataRateUpstreamLowPower",
        "accessLineMinimumDataRateDownstreamLowPower",
        "accessLineMaximumInterleavingDelayUpstream",
        "accessLineActualInterleavingDelayUpstream",
        "accessLineMaximumInterleavingDelayDownstream",
        "accessLineActualInterleavingDelayDownstream",
        "accessLineAccessLoopEncapsulation",
        "accessLineAncpAccessLineType",
        "accessLineIwfSession",
      ],
    ),
    3: version(
      "RFC 3931 §6.6",
      "LCCE to LCCE",
      ["localSessionId", "remoteSessionId", "serialNumber", "pseudowireType", "remoteEndId", "circuitStatus"],
      [
        "assignedCookie",
        "sessionTieBreaker",
        "l2SpecificSublayer",
        "dataSequencing",
        "txConnectSpeed",
        "rxConnectSpeed",
        "physicalChannelId",
      ],
      [
        "frameRelayHeaderLength",
        "atmMaximumConcatenatedCells",
        "oamEmulationRequired",
        "attachmentGroupIdentifier",
        "localEndId",
        "interfaceMaximumTransmissionUnit",
        "fcsRetention",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
        "vccvCapability",
        "connectSpeedUpdateEnable",
        "tdmPseudowire",
        "rtp",
        "pwSwitchingPoint",
        "sbfdTargetDiscriminatorId",
        "accessLineAgentCircuitId",
        "accessLineAgentRemoteId",
        "accessLineActualDataRateUpstream",
        "accessLineActualDataRateDownstream",
        "accessLineMinimumDataRateUpstream",
        "accessLineMinimumDataRateDownstream",
        "accessLineAttainableDataRateUpstream",
        "accessLineAttainableDataRateDownstream",
        "accessLineMaximumDataRateUpstream",
        "accessLineMaximumDataRateDownstream",
        "accessLineMinimumDataRateUpstreamLowPower",
        "accessLineMinimumDataRateDownstreamLowPower",
        "accessLineMaximumInterleavingDelayUpstream",
        "accessLineActualInterleavingDelayUpstream",
        "accessLineMaximumInterleavingDelayDownstream",
        "accessLineActualInterleavingDelayDownstream",
        "accessLineAccessLoopEncapsulation",
        "accessLineAncpAccessLineType",
        "accessLineIwfSession",
      ],
    ),
  }),
  ICRP: message(11, "Incoming-Call-Reply", "session", 1, {
    2: version(
      "RFC 2661 §6.7",
      "LNS to LAC",
      ["assignedSessionId"],
      [],
      ["sds", "pppoeRelay", "maximumReceiveUnit", "maximumReassembledReceiveUnit"],
    ),
    3: version(
      "RFC 3931 §6.7",
      "LCCE to LCCE",
      ["localSessionId", "remoteSessionId", "circuitStatus"],
      [
        "assignedCookie",
        "l2SpecificSublayer",
        "dataSequencing",
        "txConnectSpeed",
        "rxConnectSpeed",
        "physicalChannelId",
      ],
      [
        "frameRelayHeaderLength",
        "atmMaximumConcatenatedCells",
        "oamEmulationRequired",
        "interfaceMaximumTransmissionUnit",
        "fcsRetention",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
        "vccvCapability",
        "rtp",
        "pwSwitchingPoint",
        "sbfdTargetDiscriminatorId",
      ],
    ),
  }),
  ICCN: message(12, "Incoming-Call-Connected", "session", 1, {
    2: version(
      "RFC 2661 §6.8",
      "LAC to LNS",
      ["txConnectSpeedBps", "framingType"],
      [
        "initialReceivedLcpConfreq",
        "lastSentLcpConfreq",
        "lastReceivedLcpConfreq",
        "proxyAuthenType",
        "proxyAuthenName",
        "proxyAuthenChallenge",
        "proxyAuthenId",
        "proxyAuthenResponse",
        "privateGroupId",
        "rxConnectSpeedBps",
        "sequencingRequired",
      ],
      [
        "lcpWantOptions",
        "lcpAllowOptions",
        "pppoeRelay",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
      ],
    ),
    3: version(
      "RFC 3931 §6.8",
      "LCCE to LCCE",
      ["localSessionId", "remoteSessionId"],
      ["l2SpecificSublayer", "dataSequencing", "txConnectSpeed", "rxConnectSpeed", "circuitStatus"],
      ["fcsRetention", "pwSwitchingPoint", "maximumReceiveUnit", "maximumReassembledReceiveUnit"],
    ),
  }),
  CDN: message(14, "Call-Disconnect-Notify", "session", 1, {
    2: version(
      "RFC 2661 §6.12",
      "LAC to LNS, LNS to LAC",
      ["resultCode", "assignedSessionId"],
      ["q931CauseCode"],
      ["pppDisconnectCauseCode", "pppoeRelay"],
    ),
    3: version(
      "RFC 3931 §6.12",
      "LCCE to LCCE",
      ["resultCode", "localSessionId", "remoteSessionId"],
      [],
      ["pppDisconnectCauseCode"],
    ),
  }),
  WEN: message(15, "WAN-Error-Notify", "session", 1, {
    2: version("RFC 2661 §6.13", "LAC to LNS", ["callErrors"], [], []),
    3: version(
      "RFC 3931 §6.13",
      "LAC to LNS",
      ["localSessionId", "remoteSessionId", "circuitErrors"],
      [],
      [],
    ),
  }),
  SLI: message(16, "Set-Link-Info", "session", 1, {
    2: version(
      "RFC 2661 §6.14",
      "LNS to LAC",
      ["accm"],
      [],
      [
        "lnsLastSentLcpConfreq",
        "lnsLastReceivedLcpConfreq",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
      ],
    ),
    3: version(
      "RFC 3931 §6.14",
      "LCCE to LCCE",
      ["localSessionId", "remoteSessionId"],
      ["circuitStatus"],
      [
        "atmMaximumConcatenatedCells",
        "oamEmulationRequired",
        "atmAlarmStatus",
        "maximumReceiveUnit",
        "maximumReassembledReceiveUnit",
      ],
    ),
  }),
  MDMST: message(17, "Modem-Status", "session", 0, {
    2: version("RFC 3573 §3.1", "LAC to LNS", ["modemOnHoldStatus"], [], []),
  }),
  SRRQ: message(18, "Service-Relay-Request", "control-connection", "0|1", {
    2: version("RFC 3817 §3.1", "LAC to LNS", [], ["pppoeRelay"], []),
  }),
  SRRP: message(19, "Service-Relay-Reply", "control-connection", "0|1", {
    2: version("RFC 3817 §3.2", "LNS to LAC", [], ["pppoeRelay"], []),
  }),
  ACK: message(20, "Explicit-Acknowledgement", "control-connection", 1, {
    3: version("RFC 3931 §6.15", "LCCE to LCCE", [], [], []),
  }),
  FSQ: message(21, "Failover-Session-Query", "control-connection", 0, {
    2: version("RFC 4951 §4.1", "LAC to LNS, LNS to LAC", ["failoverSessionState"], [], []),
    3: version("RFC 4951 §4.1", "LCCE to LCCE", ["failoverSessionState"], [], []),
  }),
  FSR: message(22, "Failover-Session-Response", "control-connection", 0, {
    2: version("RFC 4951 §4.2", "LAC to LNS, LNS to LAC", ["failoverSessionState"], [], []),
    3: version("RFC 4951 §4.2", "LCCE to LCCE", ["failoverSessionState"], [], []),
  }),
  MSRQ: message(23, "Multicast-Session-Request", "session", 0, {
    2: version("RFC 4045 §5.1", "LNS to LAC", ["assignedSessionId"], ["maximumBps"], []),
  }),
  MSRP: message(24, "Multicast-Session-Response", "session", 0, {
    2: version("RFC 4045 §5.2", "LAC to LNS", ["assignedSessionId"], [], []),
  }),
  MSE: message(25, "Multicast-Session-Establishment", "session", 0, {
    2: version("RFC 4045 §5.3", "LAC to LNS", [], ["sequencingRequired"], []),
  }),
  MSI: message(26, "Multicast-Session-Information", "session", 0, {
    2: version(
      "RFC 4045 §6.1",
      "LAC to LNS, LNS to LAC",
      [],
      [
        "newOutgoingSessions",
        "newOutgoingSessionsAcknowledgement",
        "withdrawOutgoingSessions",
        "multicastPacketsPriority",
      ],
      [],
    ),
  }),
  MSEN: message(27, "Multicast-Session-End-Notify", "session", 0, {
    2: version("RFC 4045 §7.2", "LAC to LNS, LNS to LAC", ["resultCode", "assignedSessionId"], [], []),
  }),
  CSUN: message(28, "Connect-Speed-Update-Notification", "control-connection", "0|1", {
    2: version("RFC 5515 §4.1", "LAC to LNS", ["connectSpeedUpdate"], [], []),
    3: version("RFC 5515 §4.1", "LAC to LNS", ["connectSpeedUpdate"], [], []),
  }),
  CSURQ: message(29, "Connect-Speed-Update-Request", "control-connection", "0|1", {
    2: version("RFC 5515 §4.2", "LNS to LAC", ["connectSpeedUpdate"], [], []),
    3: version("RFC 5515 §4.2", "LNS to LAC", ["connectSpeedUpdate"], [], []),
  }),
} as const;

/** Name of a control message: `SCCRQ`, `HELLO` … */
export type MessageName = keyof typeof MESSAGES;

type VersionsOf<K extends MessageName> = (typeof MESSAGES)[K]["versions"];
type RowOf<K extends MessageName, V> = V extends keyof VersionsOf<K> ? VersionsOf<K>[V] : never;
type RequiredOf<R> = R extends MessageVersion<infer Q, AvpName> ? Q : never;
type AllowedOf<R> = R extends MessageVersion<AvpName, infer A> ? A : never;

/** What each message has beside the AVPs that its row names. */
interface Common<K extends string, V extends 2 | 3> {
  readonly version: V;
  readonly type: K;
  /**
   * AVPs that this message does not list, in the order of the wire: unknown ones, those of other vendors,
   * known ones in an unusual place, and those that were malformed but without M bit.
   */
  readonly extras?: readonly ExtraAvp[];
}

/** AVPs that any message of L2TPv3 may have: RFC 3931 §5.1, and Cisco's beside the IETF's. */
type AnywhereName =
  | "extendedVendorId"
  | "ciscoAssignedControlConnectionId"
  | "ciscoPseudowireCapabilitiesList"
  | "ciscoLocalSessionId"
  | "ciscoRemoteSessionId"
  | "ciscoPseudowireType"
  | "ciscoDraftVersion";
type Anywhere<V> = V extends 3 ? { readonly [N in AnywhereName]?: AvpValue<N> } : unknown;

type Body<R> = { readonly [N in RequiredOf<R>]: AvpValue<N> } & {
  readonly [N in AllowedOf<R>]?: AvpValue<N>;
};
type Flat<T> = { [K in keyof T]: T[K] };

/**
 * A typed control message: `Message<"SCCRQ", 2>` has `hostName: string` and the rest of RFC 2661 §6.1.
 * Without a version it is the union of both; `version` tells them apart.
 */
export type Message<K extends MessageName, V extends 2 | 3 = 2 | 3> = V extends keyof VersionsOf<K>
  ? Flat<Common<K, V> & Body<RowOf<K, V>> & Anywhere<V>>
  : never;

/** A control message without any AVP: a zero-length body acknowledgement. */
export interface ZlbMessage {
  readonly version: 2 | 3;
  readonly type: "ZLB";
}

/** Any control message. */
export type AnyMessage = { [K in MessageName]: Message<K> }[MessageName] | ZlbMessage;

/** All names, in the order of their types. */
export const MESSAGE_NAMES = Object.keys(MESSAGES) as readonly MessageName[];

/** The row of a name, without its literal types: for tools that walk the table. */
export const messageRow = (name: MessageName): MessageRow => MESSAGES[name] as MessageRow;

/** The name of a Message Type value, or `undefined`. */
export function messageName(type: number): MessageName | undefined {
  return MESSAGE_NAMES.find((name) => MESSAGES[name].type === type);
}

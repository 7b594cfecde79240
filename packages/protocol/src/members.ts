/**
 * How a decoded value becomes a member of its message. V8 keeps what it learned about a store with the place of
 * the source that does it: one `values[name] = value` for all AVPs learns nothing, and takes a quarter of the
 * whole decoding. So the AVPs of the messages that set up, end and report on tunnels and calls (RFC 2661 §6,
 * RFC 3931 §6) have a place each; the others share one.
 */
import type { AvpName } from "./avps.ts";

/** A message being decoded. */
export type Members = { [name in AvpName | "version" | "type" | "extras"]?: unknown };

/** Stores a value as a member of a message. */
export type StoreMember = (values: Members, value: unknown) => void;

const STORES: { readonly [name in AvpName]?: StoreMember } = {
  resultCode: (values, value) => {
    values.resultCode = value;
  },
  protocolVersion: (values, value) => {
    values.protocolVersion = value;
  },
  framingCapabilities: (values, value) => {
    values.framingCapabilities = value;
  },
  bearerCapabilities: (values, value) => {
    values.bearerCapabilities = value;
  },
  tieBreaker: (values, value) => {
    values.tieBreaker = value;
  },
  controlConnectionTieBreaker: (values, value) => {
    values.controlConnectionTieBreaker = value;
  },
  sessionTieBreaker: (values, value) => {
    values.sessionTieBreaker = value;
  },
  firmwareRevision: (values, value) => {
    values.firmwareRevision = value;
  },
  hostName: (values, value) => {
    values.hostName = value;
  },
  vendorName: (values, value) => {
    values.vendorName = value;
  },
  assignedTunnelId: (values, value) => {
    values.assignedTunnelId = value;
  },
  receiveWindowSize: (values, value) => {
    values.receiveWindowSize = value;
  },
  challenge: (values, value) => {
    values.challenge = value;
  },
  q931CauseCode: (values, value) => {
    values.q931CauseCode = value;
  },
  challengeResponse: (values, value) => {
    values.challengeResponse = value;
  },
  assignedSessionId: (values, value) => {
    values.assignedSessionId = value;
  },
  callSerialNumber: (values, value) => {
    values.callSerialNumber = value;
  },
  serialNumber: (values, value) => {
    values.serialNumber = value;
  },
  minimumBps: (values, value) => {
    values.minimumBps = value;
  },
  maximumBps: (values, value) => {
    values.maximumBps = value;
  },
  bearerType: (values, value) => {
    values.bearerType = value;
  },
  framingType: (values, value) => {
    values.framingType = value;
  },
  calledNumber: (values, value) => {
    values.calledNumber = value;
  },
  callingNumber: (values, value) => {
    values.callingNumber = value;
  },
  subAddress: (values, value) => {
    values.subAddress = value;
  },
  txConnectSpeedBps: (values, value) => {
    values.txConnectSpeedBps = value;
  },
  physicalChannelId: (values, value) => {
    values.physicalChannelId = value;
  },
  initialReceivedLcpConfreq: (values, value) => {
    values.initialReceivedLcpConfreq = value;
  },
  lastSentLcpConfreq: (values, value) => {
    values.lastSentLcpConfreq = value;
  },
  lastReceivedLcpConfreq: (values, value) => {
    values.lastReceivedLcpConfreq = value;
  },
  proxyAuthenType: (values, value) => {
    values.proxyAuthenType = value;
  },
  proxyAuthenName: (values, value) => {
    values.proxyAuthenName = value;
  },
  proxyAuthenChallenge: (values, value) => {
    values.proxyAuthenChallenge = value;
  },
  proxyAuthenId: (values, value) => {
    values.proxyAuthenId = value;
  },
  proxyAuthenResponse: (values, value) => {
    values.proxyAuthenResponse = value;
  },
  callErrors: (values, value) => {
    values.callErrors = value;
  },
  circuitErrors: (values, value) => {
    values.circuitErrors = value;
  },
  accm: (values, value) => {
    values.accm = value;
  },
  privateGroupId: (values, value) => {
    values.privateGroupId = value;
  },
  rxConnectSpeedBps: (values, value) => {
    values.rxConnectSpeedBps = value;
  },
  sequencingRequired: (values, value) => {
    values.sequencingRequired = value;
  },
  routerId: (values, value) => {
    values.routerId = value;
  },
  assignedControlConnectionId: (values, value) => {
    values.assignedControlConnectionId = value;
  },
  pseudowireCapabilitiesList: (values, value) => {
    values.pseudowireCapabilitiesList = value;
  },
  localSessionId: (values, value) => {
    values.localSessionId = value;
  },
  remoteSessionId: (values, value) => {
    values.remoteSessionId = value;
  },
  assignedCookie: (values, value) => {
    values.assignedCookie = value;
  },
  remoteEndId: (values, value) => {
    values.remoteEndId = value;
  },
  pseudowireType: (values, value) => {
    values.pseudowireType = value;
  },
  l2SpecificSublayer: (values, value) => {
    values.l2SpecificSublayer = value;
  },
  dataSequencing: (values, value) => {
    values.dataSequencing = value;
  },
  circuitStatus: (values, value) => {
    values.circuitStatus = value;
  },
  preferredLanguage: (values, value) => {
    values.preferredLanguage = value;
  },
  controlMessageAuthenticationNonce: (values, value) => {
    values.controlMessageAuthenticationNonce = value;
  },
  txConnectSpeed: (values, value) => {
    values.txConnectSpeed = value;
  },
  rxConnectSpeed: (values, value) => {
    values.rxConnectSpeed = value;
  },
};

/** The place that stores the value of an AVP. */
export const storeOf = (name: AvpName): StoreMember =>
  STORES[name] ??
  ((values, value) => {
    values[name] = value;
  });

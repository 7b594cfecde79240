/** PPP as a state machine, sans-IO: one link a `PppSession`, and the pieces that it is made of. */
export { type AsyncCounters, AsyncDeframer, encodeAsync } from "./ahdlc.ts";
export {
  authenticatorResponse,
  challengeHash,
  challengeResponse,
  type FailureMessage,
  formatFailure,
  lmPasswordHash,
  ntPasswordHash,
  ntResponse,
  parseFailure,
} from "./auth/mschap.ts";
export type {
  Accepted,
  Credentials,
  Decision,
  Grants,
  Md5Proof,
  MschapV1Proof,
  MschapV2Proof,
  NoProof,
  PapProof,
  Refused,
} from "./auth/question.ts";
export { answerFromSecret, md5Response } from "./auth/verify.ts";
export {
  ACTIONS,
  type Action,
  AUTOMATON,
  automatonMarkdown,
  type Cell,
  EVENTS,
  type Event,
  STATES,
  type State,
  TIMED,
} from "./automaton.ts";
export { CCP_OPTIONS, MPPE_BITS, type MppeMode, type MppeStrength } from "./ccp.ts";
export { PppSettingError } from "./errors.ts";
export type {
  DownCode,
  DownReason,
  LinkConfiguration,
  NetworkProtocol,
  PppCounters,
  PppEvent,
} from "./events.ts";
export { fcs16, fcs16Raw, fcs32, fcs32Raw, GOOD_FCS_16, GOOD_FCS_32 } from "./fcs.ts";
export { decodeFrame, encodeFrame, type Frame, type FrameOptions } from "./frame.ts";
export { formatIpv4, formatIpv6, linkLocal, parseIpv4, parseIpv6 } from "./ip.ts";
export { IPCP_OPTIONS, type Ipv4Agreement } from "./ipcp.ts";
export { DhcpClient, type DhcpClientSettings, type DhcpEvent, type DhcpLeases } from "./ipv6/dhcp-client.ts";
export type { Lease } from "./ipv6/dhcp-message.ts";
export { DhcpResponder, type DhcpResponderSettings } from "./ipv6/dhcp-responder.ts";
export {
  type AdvertiserSettings,
  RouterAdvertiser,
  type RouterInformation,
  RouterSolicitor,
} from "./ipv6/router.ts";
export { IPV6CP_OPTIONS, type Ipv6Agreement } from "./ipv6cp.ts";
export { LCP_OPTIONS, type Random } from "./lcp.ts";
export type { Phase } from "./link/state.ts";
export { type Decrypted, isEncrypted, MPPE_HEADER_LENGTH, MppeDecryptor, MppeEncryptor } from "./mppe.ts";
export {
  firstSessionKey,
  MppeStartKeys,
  masterKey,
  mschapV1StartKeys,
  mschapV2StartKeys,
  nextSessionKey,
} from "./mppe-keys.ts";
export { type Encapsulated, MPPE_OVERHEAD, mruForPath, mssFor } from "./mtu.ts";
export type { Judgement, OptionRow } from "./negotiation.ts";
export { CODE, DEFAULT_MRU, PROTOCOL, protocolName } from "./numbers.ts";
export {
  decodeOptions,
  decodePacket,
  encodeOptions,
  encodePacket,
  MAXIMUM_OPTIONS,
  type Option,
  type Packet,
} from "./packet.ts";
export type { ProxyAuthentication, ProxyInformation } from "./proxy.ts";
export { PPP_REMEDIES } from "./remedies.ts";
export { Password } from "./secret.ts";
export { PppSession } from "./session.ts";
export {
  AUTH_METHODS,
  type AuthenticatePeer,
  type AuthenticateSelf,
  type AuthMethod,
  type Ipv4Settings,
  type Ipv6Settings,
  ipv4Settings,
  ipv6Settings,
  type MppeSettings,
  type PppOptions,
  type PppSettings,
  pppSettings,
} from "./settings.ts";

export {
  AVP_NAMES,
  AVPS,
  type AvpName,
  type AvpRow,
  type AvpValue,
  avpRow,
  type Definition,
  definitionFor,
  type MandatoryRule,
} from "./avps.ts";
export {
  CDN_RESULTS_V2,
  CDN_RESULTS_V3,
  GENERAL_ERRORS,
  MSEN_RESULTS,
  PPP_DISCONNECT_TEXTS,
  Q931_CAUSES,
  Q931_MESSAGES,
  STOPCCN_RESULTS_V2,
  STOPCCN_RESULTS_V3,
  TDM_ERRORS,
} from "./codes.ts";
export {
  AVP_FLAG,
  AVP_HEADER,
  BEARER,
  CIRCUIT_STATUS,
  CONTROL_HEADER,
  DEFAULT_RECEIVE_WINDOW,
  FLAG,
  FRAMING,
  IP_PROTOCOL,
  MAXIMUM_AVP,
  MAXIMUM_MESSAGE,
  PSEUDOWIRE,
  PSEUDOWIRE_TYPES,
  SUBLAYER,
  UDP_PORT,
  VENDOR,
  VENDOR_NAMES,
} from "./constants.ts";
export {
  ControlDatagram,
  type ControlHeader,
  type ControlHeaderV2,
  type ControlHeaderV3,
  type DataDatagram,
  type Datagram,
  type DataHeaderV2,
  type DataHeaderV3,
  type DigestCheck,
  type Sublayer,
} from "./datagram.ts";
export { decodeDatagram } from "./decode.ts";
export type { DecodeOptions, Quirks, SessionLayout } from "./decode-options.ts";
export { checkDigest, type DigestOutcome, signControl } from "./digest.ts";
export {
  type ControlFields,
  type ControlFieldsV2,
  type ControlFieldsV3,
  type EncodeOptions,
  encodeAvps,
  encodeMessage,
  encodeZlb,
  type HideOptions,
  patchSequence,
  type SignOptions,
} from "./encode.ts";
export {
  type DataFieldsV2,
  type DataFieldsV3,
  dataHeaderSizeV2,
  dataHeaderSizeV3,
  encodeDataV2,
  encodeDataV3,
  writeDataHeaderV2,
  writeDataHeaderV3,
} from "./encode-data.ts";
export { EncodeError, L2tpError } from "./errors.ts";
export type { Field, LayoutPart } from "./field.ts";
export {
  type AvpDescription,
  describeAvps,
  errorText,
  type FormatOptions,
  formatDatagram,
  formatRejection,
  resultText,
  toJson,
} from "./format.ts";
export { HEADER_FAULT, HEADER_FAULT_REASONS, HeaderCursor } from "./header.ts";
export {
  type InspectedAvp,
  type InspectedHeader,
  type InspectedPacket,
  type InspectOptions,
  Inspector,
  type InspectSource,
} from "./inspect.ts";
export {
  type AnyMessage,
  MESSAGE_NAMES,
  MESSAGES,
  type Message,
  type MessageName,
  type MessageRow,
  type MessageVersion,
  messageName,
  messageRow,
  type ZlbMessage,
} from "./messages.ts";
export { equalConstantTime, fromHex, printable, textAt, textOctets, toHex } from "./octets.ts";
export { type ExtraAvp, type RawAvp, readAvps } from "./raw-avp.ts";
export { redactSecrets } from "./redact.ts";
export { readRejected } from "./rejected.ts";
export type { Answer, Disconnect, Parsed, Rejection, RejectionReason } from "./rejection.ts";
export {
  challengeResponse,
  DIGEST_LENGTH,
  DIGEST_TYPE,
  type DigestType,
  hideValue,
  messageDigest,
  type Nonces,
  revealValue,
  type Secret,
  SharedSecret,
  verifyChallengeResponse,
} from "./secret.ts";
export type {
  Encapsulation,
  Instant,
  IpAddress,
  L2SpecificSublayer,
  L2tpVersion,
  Pseudowire,
  SessionParameters,
  SocketAddress,
  TunnelMode,
  TunnelParameters,
} from "./types.ts";
export type { ResultValue } from "./values.ts";

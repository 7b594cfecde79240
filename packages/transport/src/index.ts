export type { CounterName } from "./columns.ts";
export { TransportError } from "./errors.ts";
export type {
  ChannelChange,
  ChannelId,
  ChannelOptions,
  CloseOptions,
  Receipt,
  SealedMessages,
  Transmit,
  TransportEvent,
  TransportOptions,
} from "./events.ts";
export {
  acknowledgementMessage,
  helloMessage,
  isControlMessage,
  type MessageKind,
  messageKind,
  readSequence,
  writeSequence,
} from "./header.ts";
export { advance, distance, isAfter, isDuplicate, SEQUENCE_MODULO } from "./sequence.ts";
export {
  DEFAULT_PEER_WINDOW,
  FIELD_SETTINGS,
  fullRetransmissionIntervalMs,
  GO_L2TP_SETTINGS,
  type MessageClass,
  maximumTransmissions,
  peerGoneWithinMs,
  RFC_SETTINGS,
  retransmissionSchedule,
  retransmissionWaitMs,
  type TransportSettings,
  transportSettings,
} from "./settings.ts";
export type { ChannelState, ChannelStatistics } from "./statistics.ts";
export { Transport } from "./transport.ts";
export { TimerWheel, type TimerWheelOptions } from "./wheel.ts";

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

export { formatIpAddress } from "./address.ts";
export { type Datagram, Dissector, type Skip } from "./dissector.ts";
export { CaptureError, type CaptureErrorCode } from "./errors.ts";
export { type Fragment, IP_PROTOCOL, type IpPacket, parseIp } from "./ip.ts";
export { isSupportedLinkType, LINK_TYPE, type LinkPayload, linkPayload } from "./link-layer.ts";
export type { CapturedPacket, Timestamp } from "./packet.ts";
export { parseIpAddress } from "./parse-address.ts";
export {
  type InterfaceDescription,
  type PacketToWrite,
  PcapngWriter,
  type SectionDescription,
} from "./pcapng-writer.ts";
export { CaptureReader, readCapture } from "./reader.ts";
export { Reassembler, type ReassemblyLimits } from "./reassembly.ts";
export { type SynthesizedDatagram, synthesizePacket } from "./synthesize.ts";

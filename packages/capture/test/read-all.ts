import { type CapturedPacket, type CaptureError, CaptureReader } from "../src/index.ts";

/** Reads a whole file, pushed in pieces of `step` octets. */
export function readAll(
  file: Uint8Array,
  step = file.length || 1,
): { packets: CapturedPacket[]; error: CaptureError | undefined; format: string | undefined } {
  const reader = new CaptureReader();
  const packets: CapturedPacket[] = [];
  const drain = () => {
    for (let packet = reader.read(); packet; packet = reader.read()) packets.push(packet);
  };
  for (let at = 0; at < file.length; at += step) {
    reader.push(file.subarray(at, at + step));
    drain();
  }
  reader.end();
  drain();
  return { packets, error: reader.error, format: reader.format };
}

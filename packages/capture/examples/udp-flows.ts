// Counts the UDP datagrams between each two ports of a capture: node udp-flows.ts FILE
import { createReadStream } from "node:fs";
import { CaptureError, Dissector, formatIpAddress, IP_PROTOCOL, readCapture } from "@l2tp/capture";

const flows = new Map<string, number>();
const dissector = new Dissector();
try {
  for await (const packet of readCapture(createReadStream(process.argv[2] ?? "capture.pcapng"))) {
    const datagram = dissector.dissect(packet);
    if (typeof datagram === "string") continue; // why not: "not-ip", "fragment", …
    if (datagram.protocol !== IP_PROTOCOL.udp) continue;
    const from = `${formatIpAddress(datagram.source)} port ${datagram.sourcePort}`;
    const to = `${formatIpAddress(datagram.destination)} port ${datagram.destinationPort}`;
    flows.set(`${from} to ${to}`, (flows.get(`${from} to ${to}`) ?? 0) + 1);
  }
} catch (error) {
  // Packets before the damage have been counted.
  if (!(error instanceof CaptureError)) throw error;
  console.error(`${error.code}: ${error.message}`);
}
for (const [flow, count] of flows) console.log(`${flow}: ${count}`);

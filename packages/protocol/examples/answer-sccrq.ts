// What a small LNS does with one datagram: decode it, say what it is, and encode the answer.
import {
  type ControlDatagram,
  challengeResponse,
  decodeDatagram,
  encodeMessage,
  formatDatagram,
  formatRejection,
  fromHex,
  toHex,
} from "@l2tp/protocol";

const received =
  process.argv[2] ??
  "c80200470000000000000000800800000000000180080000000201008009000000076c6163800a000000030000000380080000000900078010000000" +
    "0b00112233445566778899";

function answer(datagram: Uint8Array, secret: string): Uint8Array | undefined {
  const parsed = decodeDatagram(datagram, { encapsulation: "udp", secret });
  if (!parsed.ok) {
    // Nothing is thrown on what a peer sends: why, where, and what the RFC wants done about it.
    console.log(formatRejection(parsed.rejection));
    return undefined;
  }
  console.log(formatDatagram(parsed.value, { style: "full" }));
  const { header, message } = parsed.value as ControlDatagram;
  if (header.version !== 2 || message.type !== "SCCRQ" || message.version !== 2) return undefined;
  const { assignedTunnelId, challenge } = message; // typed: number, Uint8Array | undefined
  return encodeMessage(
    {
      version: 2,
      type: "SCCRP",
      protocolVersion: { version: 1, revision: 0 },
      framingCapabilities: 3,
      hostName: "lns",
      assignedTunnelId: 99,
      ...(challenge && { challengeResponse: challengeResponse(2, secret, challenge) }),
    },
    { tunnelId: assignedTunnelId, ns: 0, nr: header.ns + 1 },
  );
}

const sccrp = answer(fromHex(received) ?? new Uint8Array(0), "opensesame");
if (sccrp) console.log(toHex(sccrp));

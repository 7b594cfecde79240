// Two ends of a channel over a network that loses every third datagram: node two-ends.ts
import { encodeMessage } from "@l2tp/protocol";
import { type ChannelId, FIELD_SETTINGS, Transport } from "@l2tp/transport";

interface End {
  readonly name: string;
  readonly transport: Transport;
  readonly channel: ChannelId;
}
function end(name: string, peerConnectionId: number): End {
  const transport = new Transport();
  const channel = transport.open(0, { version: 3, peerConnectionId, settings: FIELD_SETTINGS[3] });
  return { name, transport, channel };
}
const lac = end("lac", 2);
const lns = end("lns", 1);

// Any control message will do: the transport does not know what it means, and writes Ns and Nr itself.
const hello = encodeMessage({ type: "HELLO", version: 3 }, { controlConnectionId: 2, ns: 0, nr: 0 });
for (let n = 0; n < 5; n++) lac.transport.send(lac.channel, 0, hello);

// What leaves one end arrives at the other at once, or not at all. A program pumps datagrams between the transport
// and a socket in the same way, and arms one system timer for pollTimeout().
let datagrams = 0;
function pump(now: number, from: End, to: End): boolean {
  const before = datagrams;
  for (let out = from.transport.pollTransmit(); out; out = from.transport.pollTransmit()) {
    if (++datagrams % 3 !== 0) to.transport.receive(to.channel, now, out.datagram);
  }
  for (let event = to.transport.pollEvent(); event; event = to.transport.pollEvent()) {
    console.log(`${String(now).padStart(5)} ms  ${to.name}  ${event.type}`);
  }
  return datagrams > before;
}

let now = 0;
while (now < 20_000) {
  lac.transport.handleTimeout(now);
  lns.transport.handleTimeout(now);
  while (pump(now, lac, lns) || pump(now, lns, lac));
  const due = [lac, lns].map(({ transport }) => transport.pollTimeout() ?? Number.POSITIVE_INFINITY);
  now = Math.min(...due);
}
const { messagesSent, retransmits, queued } = lac.transport.statistics(lac.channel) ?? {};
console.log({ messagesSent, retransmits, queued });

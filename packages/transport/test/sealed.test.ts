/** L2TPv3 authentication: every datagram is sealed as it leaves (RFC 3931 §4.3). */
import { expect, test } from "vitest";
import {
  acknowledgementMessage,
  type ChannelId,
  FIELD_SETTINGS,
  helloMessage,
  readSequence,
  Transport,
  transportSettings,
  writeSequence,
} from "../src/index.ts";
import { numbered } from "./sim.ts";

/** A message with one more AVP, of a single octet: the room for what stands in for a digest here. */
function withRoom(message: Uint8Array): Uint8Array {
  const octets = new Uint8Array([...message, 0, 7, 0xff, 0xff, 0, 2, 0]);
  octets[3] = octets.length;
  return octets;
}
const sum = (datagram: Uint8Array): number => datagram.subarray(0, -1).reduce((a, b) => (a + b) & 0xff, 0);

test("messages, retransmissions with another Nr, acknowledgements and Hellos are sealed as they leave; other channels are not", () => {
  const sealedFor: ChannelId[] = [];
  const transport = new Transport({
    seal(channel, datagram) {
      sealedFor.push(channel);
      datagram[datagram.length - 1] = sum(datagram);
    },
  });
  const settings = transportSettings(FIELD_SETTINGS[3], {
    helloTimeoutMs: 5_000,
    helloJitter: 0,
    ackDelayMs: 0,
  });
  const sealed = {
    acknowledgement: withRoom(acknowledgementMessage(3, 5, true)),
    hello: withRoom(helloMessage(3, 5)),
  };
  const channel = transport.open(0, { version: 3, peerConnectionId: 5, settings, sealed });
  const plain = transport.open(0, {
    version: 3,
    peerConnectionId: 6,
    settings: transportSettings(settings, { helloTimeoutMs: 0 }),
  });
  const left: [number, number, number][] = [];
  const drain = (): void => {
    for (let out = transport.pollTransmit(); out; out = transport.pollTransmit()) {
      if (out.channel !== channel) continue;
      expect(out.datagram.at(-1)).toBe(sum(out.datagram));
      const { ns, nr } = readSequence(out.datagram);
      left.push([out.datagram.length, ns, nr]);
    }
  };
  transport.send(channel, 0, withRoom(numbered(0)));
  transport.send(plain, 0, numbered(0));
  drain();
  transport.receive(channel, 10, numbered(0));
  drain();
  transport.handleTimeout(1_000);
  drain();
  const ack = acknowledgementMessage(3, 1, true);
  writeSequence(ack, 0, 1);
  transport.receive(channel, 1_010, ack);
  transport.handleTimeout(6_010);
  drain();
  expect(left).toEqual([
    [37, 0, 0], // the message
    [27, 1, 1], // the acknowledgement
    [37, 0, 1], // the message again
    [27, 1, 1], // Hello
  ]);
  expect(sealedFor).toEqual([channel, channel, channel, channel]);
  // The templates are not written into.
  expect(readSequence(sealed.acknowledgement)).toEqual({ ns: 0, nr: 0 });
  expect(sealed.hello.at(-1)).toBe(0);
});

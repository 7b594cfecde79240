import { expect, test } from "vitest";
import { at, types, World } from "./world.ts";

/** HELLO with the header's numbers, as go-l2tp writes it: 20 octets, Message Type AVP alone. */
const message = (type: 6 | 20, connectionId: number, ns: number, nr: number): Uint8Array => {
  const octets = Uint8Array.of(0xc8, 3, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 8, 0, 0, 0, 0, 0, type);
  const view = new DataView(octets.buffer);
  view.setUint32(4, connectionId);
  view.setUint16(8, ns);
  view.setUint16(10, nr);
  return octets;
};

/** What 10.9.0.2 sent in captures/go-l2tpv3-hello-udp4.pcap (ql2tpd on both ends), by frame: type, Ns, Nr. */
const CAPTURED = [
  [4, 6, 0, 0],
  [6, 20, 1, 1],
  [7, 6, 0, 1],
  [10, 20, 1, 1],
  [21, 6, 0, 1],
  [23, 20, 1, 1],
] as const;

test("in the place of one end of go-l2tp's captured conversation the tunnel comes up, stays up, and acknowledges", async () => {
  const world = new World();
  const us = world.site("us", "10.9.0.1");
  const them = world.network.host("them", "10.9.0.2");
  const received: { type: number; nr: number }[] = [];
  them.bind("udp", at("10.9.0.2"), (_from, _to, datagram) => {
    const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
    expect(view.getUint32(4)).toBe(72_819);
    received.push({ type: datagram.length > 12 ? view.getUint16(18) : 0, nr: view.getUint16(10) });
  });
  const tunnel = us.context.newQuiescentTunnel({
    local: at("10.9.0.1"),
    peer: at("10.9.0.2"),
    tunnelId: 62_719,
    peerTunnelId: 72_819,
    transport: {
      helloTimeoutMs: 7_500,
      retryTimeoutMs: 1_000,
      maxRetries: 3,
      ackDelayMs: 100,
      explicitAck: true,
    },
  });
  await world.advance(10);
  for (const [, type, ns, nr] of CAPTURED) {
    const datagram = message(type, 62_719, ns, nr);
    them.send({ encapsulation: "udp", from: at("10.9.0.2"), to: at("10.9.0.1"), datagram });
    const before = received.length;
    await world.advance(250);
    // Acknowledged by an ACK, or by what rides on a Hello of ours.
    if (type === 6)
      expect(received.slice(before), `after Ns ${ns}`).toContainEqual(expect.objectContaining({ nr: 1 }));
    expect(tunnel.state, `after Ns ${ns} Nr ${nr}`).not.toBe("closed");
  }
  // go-l2tp says Ns 0 again and again: each is life, none takes the tunnel down, and each has its answer.
  expect(tunnel.state).toBe("up");
  expect(types(us)).toEqual(["tunnel-up"]);
  expect(received.some(({ type }) => type === 20)).toBe(true);
  expect((await tunnel.statistics()).control.transport?.hellosReceived).toBe(3);
});

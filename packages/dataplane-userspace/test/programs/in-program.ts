/**
 * As nobody, without any privilege: two data planes with a PPP session between them that ends in the program at both
 * ends; one answers echo requests, the other asks. Says what it saw as JSON.
 */
process.setgid?.(65_534);
process.setuid?.(65_534);
const { UserspaceDataPlane } = await import("@l2tp/dataplane-userspace");
const { sessionParameters } = await import("../support/pair.ts");
const { Runner, client, server } = await import("../support/ppp.ts");

const local = (port: number) => ({ family: 4, address: "127.0.0.1", port }) as const;
async function end(own: number, peerId: number) {
  const plane = new UserspaceDataPlane();
  const wire = await plane.open({ encapsulation: "udp", local: local(0) }, () => {});
  return {
    plane,
    wire,
    async session(peerPort: number) {
      const ids = { tunnelId: own, peerTunnelId: peerId };
      const tunnel = await wire.createTunnel({ version: 2, ...ids, peer: local(peerPort) });
      const session = await tunnel.createSession(
        sessionParameters({
          name: "in-program",
          pseudowire: "ppp",
          sessionId: own,
          peerSessionId: peerId,
          pppLink: { attach: { to: "program" } },
        }),
      );
      if (session.link?.packets === undefined) throw new Error("no packets");
      return { session, link: session.link, packets: session.link.packets };
    },
  };
}

const [a, b] = [await end(1, 2), await end(2, 1)];
const [asking, answering] = [await a.session(b.wire.local.port), await b.session(a.wire.local.port)];

/** ICMP echo (RFC 792): the reply is the request with the addresses exchanged and another type and checksum. */
answering.packets.onPacket((packet) => {
  const reply = packet.slice();
  reply.set(packet.subarray(12, 16), 16);
  reply.set(packet.subarray(16, 20), 12);
  if (reply[9] === 1 && reply[20] === 8) {
    reply[20] = 0;
    answering.packets.send(reply);
  }
});
using called = new Runner(answering.link, server("10.97.0.2", { ipv6: false }));
using calling = new Runner(asking.link, client({ ipv6: false }));
await Promise.all([calling.up, called.up]);

const sizes: number[] = [];
const done = new Promise<void>((resolve) => {
  asking.packets.onPacket((packet) => {
    sizes.push(packet.length);
    if (sizes.length === 3) resolve();
  });
});
for (const length of [28, 60, 1_400]) {
  const request = new Uint8Array(length);
  request.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, 1, 0, 0, 10, 97, 0, 2, 10, 97, 0, 1, 8]);
  asking.packets.send(request);
}
await Promise.race([
  done,
  new Promise((resolve) => {
    setTimeout(resolve, 5_000);
  }),
]);
console.log(
  JSON.stringify({
    uid: process.getuid?.(),
    sizes,
    interfaceName: asking.session.interfaceName ?? null,
    pppLink: a.plane.capabilities.pppLink,
    why: a.plane.status().features.find(({ feature }) => feature === "ppp-interfaces")?.why,
    mtu: calling.configuration?.mtu,
  }),
);
await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);

import { LinuxDataPlane } from "@l2tp/dataplane-linux";

// Both ends of an Ethernet pseudowire on one host, for the sake of the example. Needs root, or CAP_NET_ADMIN.
const found = await LinuxDataPlane.probe();
if (!found.available) {
  console.log(`${found.error.code}: ${found.error.message}`); // module-missing: …: load it with "modprobe l2tp_netlink" …
  process.exit(1);
}
await using plane = await LinuxDataPlane.create();
for (const { feature, using, why } of plane.status().features) {
  console.log(`${feature}: ${using}${why === undefined ? "" : ` (${why})`}`);
}

const at = (address: string) => ({ family: 4, address, port: 1701 }) as const;
const [east, west] = [at("127.0.0.1"), at("127.0.0.2")];
const onControl = () => {}; // Control messages (T bit) would come here: this tunnel has none.

async function end(here: typeof east, there: typeof east, id: number, peerId: number, name: string) {
  const wire = await plane.open({ encapsulation: "udp", local: here }, onControl);
  const tunnel = await wire.createTunnel({ version: 3, tunnelId: id, peerTunnelId: peerId, peer: there });
  return tunnel.createSession({
    name,
    pseudowire: "eth",
    sessionId: id,
    peerSessionId: peerId,
    cookie: Uint8Array.of(0xc0, 0xff, 0xee, id),
    peerCookie: Uint8Array.of(0xc0, 0xff, 0xee, peerId),
    l2SpecificSublayer: "default",
    sendSequence: false,
    receiveSequence: false,
    reorderMs: 0,
    interface: { name, addresses: [{ address: `192.0.2.${id}`, prefixLength: 24 }] },
    mtu: { mtuOctets: 1400, dontFragment: "clear" },
  });
}

const [a, b] = await Promise.all([end(east, west, 1, 2, "east"), end(west, east, 2, 1, "west")]);
console.log(`${a.interfaceName} and ${b.interfaceName} are up with an MTU of ${a.mtuOctets}`);

// From here on the kernel carries what it sends by itself: IPv6 neighbours, to begin with.
while ((await b.statistics()).rxPackets === 0) await new Promise((resolve) => setTimeout(resolve, 50));
const [sent, received] = [await a.statistics(), await b.statistics()];
console.log(`sent ${sent.txPackets} frames, received ${received.rxPackets}, ${received.rxErrors} errors`);

/**
 * One end of an Ethernet pseudowire on the userspace data plane, for the benchmark:
 * `endpoint.ts full|gso|batch LOCAL PEER INNER/PREFIX MTU LOCAL-SESSION PEER-SESSION`. Prints "ready" when up.
 */
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";

const [offload, local = "", peer = "", inner = "", mtu, session, peerSession] = process.argv.slice(2);
const plane = new UserspaceDataPlane({ offload: offload as "full" | "gso" | "batch" });
const socket = (address: string) => ({ family: 4 as const, address, port: 1701 });
const wire = await plane.open({ encapsulation: "udp", local: socket(local) }, () => {});
const tunnel = await wire.createTunnel({
  version: 3,
  tunnelId: Number(session),
  peerTunnelId: Number(peerSession),
  peer: socket(peer),
});
const [address = "", prefixLength] = inner.split("/");
await tunnel.createSession({
  name: "bench",
  pseudowire: "eth",
  sessionId: Number(session),
  peerSessionId: Number(peerSession),
  cookie: new Uint8Array(0),
  peerCookie: new Uint8Array(0),
  l2SpecificSublayer: "none",
  sendSequence: false,
  receiveSequence: false,
  reorderMs: 0,
  interface: { name: "tap0", addresses: [{ address, prefixLength: Number(prefixLength) }] },
  mtu: { mtuOctets: Number(mtu), dontFragment: "path" },
});
console.log("ready", JSON.stringify(plane.status().features));
const stop = async () => {
  await plane[Symbol.asyncDispose]();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
setInterval(() => {}, 60_000);

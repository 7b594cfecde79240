/**
 * One end of a PPP session on the userspace data plane, for the benchmark:
 * `endpoint-ppp.ts full|gso|batch LOCAL PEER INNER PEER-INNER MTU SESSION PEER-SESSION`. Prints "ready" when up. What PPP
 * would agree on is said here, as only the packets are measured.
 */
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";

const [offload, local = "", peer = "", inner = "", peerInner = "", mtu, session, peerSession] =
  process.argv.slice(2);
const plane = new UserspaceDataPlane({ offload: offload as "full" | "gso" | "batch" });
const socket = (address: string) => ({ family: 4 as const, address, port: 1701 });
const wire = await plane.open({ encapsulation: "udp", local: socket(local) }, () => {});
const tunnel = await wire.createTunnel({
  version: 2,
  tunnelId: Number(session),
  peerTunnelId: Number(peerSession),
  peer: socket(peer),
});
const { link } = await tunnel.createSession({
  name: "bench",
  pseudowire: "ppp",
  sessionId: Number(session),
  peerSessionId: Number(peerSession),
  cookie: new Uint8Array(0),
  peerCookie: new Uint8Array(0),
  l2SpecificSublayer: "none",
  sendSequence: false,
  receiveSequence: false,
  reorderMs: 0,
  interface: { name: "tun0" },
  pppLink: { attach: { to: "interface" } },
});
await link?.configure({
  sendAccm: 0,
  receiveAccm: 0,
  pfc: false,
  acfc: false,
  mru: Number(mtu),
  mtu: Number(mtu),
  ipv4: { local: inner, peer: peerInner },
});
link?.gate("ipv4", "pass");
console.log("ready", JSON.stringify(plane.status().features));
const stop = async () => {
  await plane[Symbol.asyncDispose]();
  process.exit(0);
};
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
setInterval(() => {}, 60_000);

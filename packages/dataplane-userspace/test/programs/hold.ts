/** A program with an open session, that ends as its argument says: `exit`, `dispose`, `throw`, or waits to be killed. */
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";
import { sessionParameters } from "../support/pair.ts";

const [how, address, name] = process.argv.slice(2) as [string, string, string];
const plane = new UserspaceDataPlane();
const wire = await plane.open({ encapsulation: "udp", local: { family: 4, address, port: 1701 } }, () => {});
const tunnel = await wire.createTunnel({
  version: 3,
  tunnelId: 1,
  peerTunnelId: 1,
  peer: { family: 4, address: "10.99.0.2", port: 1701 },
});
await tunnel.createSession(sessionParameters({ name: "held", interface: { name } }));
console.log("up");
// Told to go on through standard input, so that the test sees the interface first.
process.stdin.once("data", () => {
  process.stdin.destroy();
  if (how === "exit") process.exit(7);
  if (how === "throw") throw new Error("nobody catches this");
  if (how === "dispose") void plane[Symbol.asyncDispose]();
});

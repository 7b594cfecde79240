/** Two null data planes and a stranger on this host's loopback, for the conformance kit. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConformanceEnd, ConformanceFixture } from "@l2tp/dataplane/conformance";
import { NullDataPlane } from "@l2tp/dataplane-null";

const end = (addresses: ConformanceEnd["addresses"]): ConformanceEnd => ({
  plane: new NullDataPlane(),
  addresses,
  // What is sent into it goes nowhere, as data does on this data plane.
  port: () => ({ received: [], send: () => {}, [Symbol.asyncDispose]: async () => {} }),
});

export async function nullFixture(): Promise<ConformanceFixture> {
  const [a, b] = [end({ 4: ["127.0.0.1"], 6: ["::1"] }), end({ 4: ["127.0.0.2"], 6: ["::1"] })];
  return {
    a,
    b,
    wait: (ms) => sleep(ms),
    async raw(_encapsulation, family) {
      const socket = createSocket({ type: family === 4 ? "udp4" : "udp6" });
      const received: Uint8Array[] = [];
      socket.on("message", (datagram) => received.push(datagram));
      const address = family === 4 ? "127.0.0.9" : "::1";
      socket.bind(0, address);
      await once(socket, "listening");
      return {
        local: { family, address, port: socket.address().port },
        received,
        send: (to, datagram) =>
          new Promise<void>((resolve) => socket.send(datagram, to.port, to.address, () => resolve())),
        [Symbol.asyncDispose]: async () => void socket.close(),
      };
    },
    async [Symbol.asyncDispose]() {
      await a.plane[Symbol.asyncDispose]();
      await b.plane[Symbol.asyncDispose]();
    },
  };
}

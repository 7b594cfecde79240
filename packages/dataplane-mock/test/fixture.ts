/** Two mock data planes and a stranger on one network, for the conformance kit. */
import type { ConformanceEnd, ConformanceFixture } from "@l2tp/dataplane/conformance";
import { MockDataPlane, type MockHost, MockNetwork, type MockSession } from "@l2tp/dataplane-mock";

function end(host: MockHost, addresses: ConformanceEnd["addresses"]): ConformanceEnd {
  // Its sessions have names as interfaces have, so the tests of names can run, too.
  const plane = new MockDataPlane(host, { interfaces: true });
  return {
    plane,
    addresses,
    port(session) {
      const received: Uint8Array[] = [];
      const listening = (session as MockSession).onFrame((frame) => received.push(frame));
      return {
        received,
        send: (frame) => {
          (session as MockSession).inject(frame);
        },
        [Symbol.asyncDispose]: async () => listening[Symbol.dispose](),
      };
    },
    vanish(session) {
      for (const wire of plane.wires) {
        for (const tunnel of wire.tunnels.values()) {
          if (tunnel.sessions.get(session.sessionId) === session) {
            wire.loseSession(tunnel.tunnelId, session.sessionId, "its interface was deleted");
          }
        }
      }
    },
  };
}

/** Both ends have two addresses of each family. */
export async function mockFixture(network = new MockNetwork({ seed: 7 })): Promise<ConformanceFixture> {
  const addresses = (last: number) => ({
    4: [`192.0.2.${last}`, `192.0.2.${last + 100}`],
    6: [`2001:db8::${last}`, `2001:db8::${last + 100}`],
  });
  const host = (name: string, last: number) =>
    network.host(name, ...addresses(last)[4], ...addresses(last)[6]);
  const [a, b] = [end(host("a", 1), addresses(1)), end(host("b", 2), addresses(2))];
  const stranger = network.host("stranger", "203.0.113.9", "2001:db8:9::9");
  let secondAddress = 10;
  return {
    a,
    b,
    wait: (ms) => network.advanceAsync(ms),
    async raw(encapsulation, family) {
      const received: Uint8Array[] = [];
      const address = family === 4 ? `203.0.113.${secondAddress++}` : `2001:db8:9::${secondAddress++}`;
      stranger.addAddress(address);
      const socket = stranger.bind(encapsulation, { family, address, port: 0 }, (_from, _to, datagram) => {
        received.push(datagram.slice());
      });
      return {
        local: socket.local,
        received,
        send: (to, datagram) => {
          stranger.send({ encapsulation, from: socket.local, to, datagram });
        },
        [Symbol.asyncDispose]: async () => socket.close(),
      };
    },
    async [Symbol.asyncDispose]() {
      await a.plane[Symbol.asyncDispose]();
      await b.plane[Symbol.asyncDispose]();
    },
  };
}

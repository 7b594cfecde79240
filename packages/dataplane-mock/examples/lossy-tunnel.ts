import { MockDataPlane, MockNetwork } from "@l2tp/dataplane-mock";

// Two hosts on a network that loses every tenth datagram. The same seed gives the same losses.
const network = new MockNetwork({ seed: 7, impairment: { loss: 0.1, delayMs: [5, 30] } });
const lcce1 = new MockDataPlane(network.host("lcce1", "192.0.2.1"));
const lcce2 = new MockDataPlane(network.host("lcce2", "192.0.2.2"));
const at = (address: string) => ({ family: 4, address, port: 1701 }) as const;

// What any data plane does: a wire, a tunnel and a session at each end.
const wire1 = await lcce1.open({ encapsulation: "udp", local: at("192.0.2.1") }, () => {});
const wire2 = await lcce2.open({ encapsulation: "udp", local: at("192.0.2.2") }, () => {});
const tunnel1 = await wire1.createTunnel({ version: 3, tunnelId: 1, peerTunnelId: 2, peer: at("192.0.2.2") });
const tunnel2 = await wire2.createTunnel({ version: 3, tunnelId: 2, peerTunnelId: 1, peer: at("192.0.2.1") });
const common = {
  pseudowire: "eth",
  cookie: new Uint8Array(),
  peerCookie: new Uint8Array(),
  l2SpecificSublayer: "default",
  sendSequence: true,
  receiveSequence: true,
  reorderMs: 100,
} as const;
const one = await tunnel1.createSession({ ...common, name: "one", sessionId: 11, peerSessionId: 22 });
const two = await tunnel2.createSession({ ...common, name: "two", sessionId: 22, peerSessionId: 11 });

// The interface of a session is a pair of methods here. Time passes when it is told to.
two.onFrame((frame) => console.log(`${network.now().toFixed(1)} ms: a frame of ${frame.length} octets`));
for (let n = 0; n < 100; n++) {
  one.inject(new Uint8Array(64 + n));
  network.advance(10);
}
await network.runUntilIdle();
const { rxPackets, rxOosPackets, rxSeqDiscards } = await two.statistics();
console.log(`${rxPackets} of 100 arrived, ${rxOosPackets} out of order, ${rxSeqDiscards} too late`);

// Every call was recorded, and can be made to fail, wait or hang.
lcce1.calls.expect(["open", ["createTunnel", { tunnelId: 1 }], ["createSession", { name: "one" }]]);
lcce1.fail("createSession");
await tunnel1
  .createSession({ ...common, name: "three", sessionId: 33, peerSessionId: 44 })
  .catch((error: Error) => console.log(error.message));

import { NullDataPlane } from "@l2tp/dataplane-null";

// Two wires on this host. Control messages are real UDP, whatever the platform.
const plane = new NullDataPlane();
const local = { family: 4, address: "127.0.0.1", port: 0 } as const;
const called = await plane.open({ encapsulation: "udp", local }, ({ from, datagram }) => {
  console.log(`a control message of ${datagram.length} octets from ${from.address}`);
  called.send({ to: from, datagram });
});
const answered = new Promise<void>((resolve) => {
  void plane
    .open({ encapsulation: "udp", local }, () => resolve())
    .then((caller) => {
      caller.send({ to: called.local, datagram: Uint8Array.of(0xc8, 0x02, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0) });
    });
});
await answered;

// Tunnels and sessions are there, with IDs that are theirs alone, and carry nothing.
const peer = { family: 4, address: "127.0.0.1", port: 1701 } as const;
const tunnel = await called.createTunnel({ version: 2, tunnelId: 7, peerTunnelId: 8, peer });
const none = new Uint8Array();
const session = await tunnel.createSession({
  name: "call",
  pseudowire: "ppp",
  sessionId: 1,
  peerSessionId: 2,
  cookie: none,
  peerCookie: none,
  l2SpecificSublayer: "none",
  sendSequence: false,
  receiveSequence: false,
  reorderMs: 0,
});
console.log(`session ${session.sessionId} is there, with an MTU of ${session.mtuOctets}`);
await plane[Symbol.asyncDispose]();

// A LAC calls an LNS, both in this program, over a network that is two arrays: node call.ts
import { Endpoint, type EndpointEvent, endingText, type PeerAddress } from "@l2tp/control";

const random = (into: Uint8Array<ArrayBuffer>): void => void crypto.getRandomValues(into);
const secrets = ["a shared secret"];
const hosts = {
  lac: {
    address: "192.0.2.1",
    endpoint: new Endpoint({ random, tunnel: { hostName: "lac.example", secrets } }),
  },
  lns: {
    address: "192.0.2.2",
    endpoint: new Endpoint({ random, tunnel: { hostName: "lns.example", secrets } }),
  },
};
type Name = keyof typeof hosts;
const addressOf = (name: Name): PeerAddress => ({ family: 4, address: hosts[name].address, port: 1701 });

// What a program does with events: answer questions, have the data plane do what it is asked for, and tell.
function handle(name: Name, now: number, event: EndpointEvent): void {
  const { endpoint } = hosts[name];
  if (event.type === "question") {
    const caller = event.about === "peer" ? event.peer.hostName : `a call to ${event.request.calledNumber}`;
    console.log(`${name}: ${caller} may come in`);
    endpoint.decide(now, event.token, { accept: true });
  } else if (event.type === "intent") {
    // Here the kernel, or a worker thread, makes or removes an interface.
    endpoint.planeReady(now, event.token);
  } else if (event.type === "tunnel-up") {
    console.log(
      `${name}: tunnel to ${event.peer.hostName}, ${event.authenticated ? "authenticated" : "open"}`,
    );
  } else if (event.type === "session-up") console.log(`${name}: session is up (${event.kind})`);
  else if (event.type === "session-down") console.log(`${name}: session ended, ${endingText(event.ending)}`);
}

// Events first, datagrams then, until nothing more happens; and one timer for the earliest pollTimeout().
function pump(now: number): void {
  for (let busy = true; busy; ) {
    busy = false;
    for (const name of ["lac", "lns"] as const) {
      const { endpoint } = hosts[name];
      for (let event = endpoint.pollEvent(); event; event = endpoint.pollEvent()) handle(name, now, event);
      for (let out = endpoint.pollTransmit(); out; out = endpoint.pollTransmit()) {
        const to = out.to.address === hosts.lac.address ? "lac" : "lns";
        hosts[to].endpoint.handleDatagram(now, addressOf(name), out.datagram.slice());
        busy = true;
      }
    }
  }
}
function run(from: number, until: number): void {
  for (let now = from; now <= until; now += 10) {
    hosts.lac.endpoint.handleTimeout(now);
    hosts.lns.endpoint.handleTimeout(now);
    pump(now);
  }
}

const tunnel = hosts.lac.endpoint.openTunnel(0, { peer: addressOf("lns") });
const request = { calledNumber: "5551234" };
const session = hosts.lac.endpoint.openSession(0, tunnel, { kind: "incoming", request });
run(0, 1_000);
hosts.lac.endpoint.closeSession(1_010, session, { result: 3, text: "good night" });
run(1_010, 2_000);
const { tunnelsUp, sessionsUp, messages } = hosts.lns.endpoint.statistics();
console.log({ tunnelsUp, sessionsUp, icrq: messages.ICRQ.received, cdn: messages.CDN.received });

import { MockDataPlane, MockNetwork, realTime } from "@l2tp/dataplane-mock";
import { Context } from "@l2tp/node";

// Two sites on a network in memory. On Linux, `new UserspaceDataPlane()` of @l2tp/dataplane-userspace is the
// real thing, and nothing below changes.
const network = new MockNetwork({ scheduler: realTime(), impairment: { loss: 0.1, delayMs: [5, 20] } });
const planeA = new MockDataPlane(network.host("site-a", "192.0.2.1"));
const planeB = new MockDataPlane(network.host("site-b", "192.0.2.2"));
const a = { family: 4, address: "192.0.2.1", port: 1701 } as const;
const b = { family: 4, address: "192.0.2.2", port: 1701 } as const;

// Any logger with error, warn, info and debug fits: console, pino(), your own. Without one it is silent.
await using contextA = new Context({ dataPlane: planeA, logger: { ...console, debug: () => {} } });
const contextB = new Context({ dataPlane: planeB });

// Hellos find out whether the peer lives; both ends are configured, nothing is negotiated.
const transport = { helloTimeoutMs: 200, retryTimeoutMs: 50, maxRetries: 5 };
const tunnel = contextA.newQuiescentTunnel({
  name: "to-b",
  local: a,
  peer: b,
  tunnelId: 1,
  peerTunnelId: 2,
  transport,
});
const session = tunnel.newSession({ name: "lan", sessionId: 11, peerSessionId: 22 });
contextB
  .newQuiescentTunnel({ local: b, peer: a, tunnelId: 2, peerTunnelId: 1, transport })
  .newSession({ sessionId: 22, peerSessionId: 11 });

// A tunnel comes up by itself, and is tried again when something fails. Whoever needs to know, waits.
await session.whenUp({ signal: AbortSignal.timeout(10_000) });
console.log(`frames can flow, ${session.mtuOctets} octets at most`);

// Site B goes away. Events say what happens and why; one source, as an iterable or with on(type, listener).
await contextB.close();
for await (const event of contextA.events({ signal: AbortSignal.timeout(10_000) })) {
  console.log(event.type, "reason" in event ? event.reason.text : "");
  if (event.type === "tunnel-down") break;
}

const { tunnels } = await contextA.statistics();
console.log(`${tunnels[0]?.control.transport?.hellosSent} Hellos were sent`);

import { MockDataPlane, MockNetwork, realTime } from "@l2tp/dataplane-mock";
import { Context, pppProfile } from "@l2tp/node";

// A LAC and an LNS on a network in memory; `new UserspaceDataPlane()` is the real thing, and nothing below changes.
const network = new MockNetwork({ scheduler: realTime() });
const lacPlane = new MockDataPlane(network.host("lac", "192.0.2.1"));
const lnsPlane = new MockDataPlane(network.host("lns", "192.0.2.2"));

// The LNS listens. Who may come in is a program's to say, by events as here, or an `authority` with rules (@l2tp/access).
await using lns = new Context({ dataPlane: lnsPlane, control: { tunnel: { hostName: "lns.example" } } });
lns.listen({ name: "front" });
lns.on("incoming-tunnel", (caller) => {
  if (caller.peerFacts.hostName !== "lac.example") caller.reject({ text: "who are you?" });
  else void caller.accept({ secrets: ["a shared secret"] });
});
// Our own PPP, IP packets handed to the program: no interface, no privilege.
const users = pppProfile({
  attach: { to: "program" },
  options: { ipv4: { local: "10.0.0.1", peer: "10.0.0.2" }, ipv6: false },
});
lns.on("incoming-call", (call) => void call.accept({ ppp: { by: "own", profile: users } }));
lns.on("session-up", ({ tunnel, session, ppp }) => {
  // Sessions of callers are named for their IDs, which nobody can foretell.
  console.log(`lns: ${session.split("-")[0]} on ${tunnel.split("-")[0]} has ${ppp?.ipv4?.peer}`);
});

// The LAC dials, and keeps the tunnel and its session up: the first LNS that serves, again with back-off, until closed.
await using lac = new Context({ dataPlane: lacPlane, control: { tunnel: { hostName: "lac.example" } } });
const tunnel = lac.newDynamicTunnel({
  name: "to-lns",
  peers: [
    { host: "192.0.2.2", priority: 1 },
    { host: "192.0.2.3", priority: 2 },
  ],
  secrets: ["a shared secret"],
});
const client = pppProfile({ attach: { to: "program" }, options: { ipv6: false } });
const session = tunnel.newSession({ name: "internet", ppp: { by: "own", profile: client } });
await session.whenUp({ signal: AbortSignal.timeout(10_000) });
console.log(`lac: up to ${tunnel.peerFacts?.hostName}, my address is ${session.ppp?.ipv4?.local}`);

// The LNS hangs up and says why; the LAC opens the session again.
lac.on("session-down", ({ reason }) => console.log(`lac: ${reason.text}`));
for (const caller of lns.tunnels) {
  if (caller.mode === "dynamic") caller.sessions[0]?.hangUp({ result: 3, text: "tea time" });
}
await new Promise<void>((resolve) => lac.on("session-down", () => resolve()));
const { endpoint } = await lns.statistics();
console.log(`lns: ${endpoint.messages.ICRQ.received} call, ${endpoint.tunnelsUp} tunnel up`);

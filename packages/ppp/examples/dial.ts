// A client dials a server: two links joined in memory, MS-CHAPv2, addresses from the server. No socket, no timer, no root.
import { randomBytes } from "node:crypto";
import { answerFromSecret, PppSession, pppSettings } from "@l2tp/ppp";

const random = (octets: number) => new Uint8Array(randomBytes(octets));
const client = new PppSession(
  pppSettings({
    authenticateSelf: { name: "alice", password: "wonderland" },
    ipv4: { requestDns: true },
    ipv6: false,
  }),
  random,
);
const server = new PppSession(
  pppSettings({
    authenticatePeer: { methods: ["mschap-v2"] },
    ipv4: { local: "10.0.0.1", peer: "10.0.0.2", dns: ["10.0.0.53"] },
    ipv6: false,
    mru: 1462, // what fits a path of 1500: mruForPath()
  }),
  random,
);

/** Takes all events of a link; says whether there were any. `now` is milliseconds on any clock that only goes up. */
function pump(now: number, name: string, link: PppSession, peer: PppSession): boolean {
  let any = false;
  for (let event = link.pollEvent(); event !== undefined; event = link.pollEvent()) {
    any = true;
    if (event.type === "frame")
      peer.receive(now, event.frame); // here: PppLink.sendFrame
    else if (event.type === "question") {
      // Seconds may pass before the answer; here it is at hand.
      const { name: user } = event.credentials;
      link.decide(
        now,
        event.token,
        answerFromSecret(event.credentials, user === "alice" ? "wonderland" : undefined),
      );
    } else if (event.type === "peer-authenticated")
      console.log(`${name}: this is ${event.name}, by ${event.method}`);
    else if (event.type === "configure" && event.configuration.ipv4 !== undefined) {
      const { mtu, ipv4 } = event.configuration;
      console.log(`${name}: ${ipv4.local} to ${ipv4.peer}, MTU ${mtu}, DNS ${ipv4.dns.join() || "none"}`);
    } else if (event.type === "down") console.log(`${name}: ${event.reason.text}`);
  }
  return any;
}

function settle(now: number): void {
  while ([pump(now, "client", client, server), pump(now, "server", server, client)].some((any) => any));
}

client.start(0);
server.start(0);
settle(0);
client.close(1000);
settle(1000);
server.handleTimeout(server.pollTimeout() ?? 1000); // waits a little, so that its last word gets through
settle(5000);

/**
 * The least that makes an LNS of the control package: its endpoint, one of Node's UDP sockets, one timer. What the
 * daemon needs more than this is the daemon's own. `node minimal.ts ADDRESS PORT [SECRET]`.
 */
import { getRandomValues } from "node:crypto";
import { createSocket } from "node:dgram";
import { Endpoint } from "@l2tp/control";

const [address = "127.0.0.1", port = "1701", secret = ""] = process.argv.slice(2);
const ENDLESS = 1e9;
const endpoint = new Endpoint({
  random: getRandomValues,
  tunnel: { hostName: "minimal", ...(secret !== "" && { secrets: [secret] }) },
  limits: {
    halfOpen: ENDLESS,
    halfOpenPerSource: ENDLESS,
    tunnelRate: ENDLESS,
    sessionRate: ENDLESS,
    sourceSccrq: [ENDLESS, ENDLESS],
    sourceCalls: [ENDLESS, ENDLESS],
  },
});
const socket = createSocket({ type: "udp4", lookup: (host, _options, done) => done(null, host, 4) });
let timer: NodeJS.Timeout | undefined;

function pump(now: number): void {
  for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
    if (event.type === "question") endpoint.decide(now, event.token, { accept: true });
    else if (event.type === "intent") endpoint.planeReady(now, event.token);
  }
  for (let out = endpoint.pollTransmit(); out !== undefined; out = endpoint.pollTransmit()) {
    socket.send(Uint8Array.from(out.datagram), out.to.port, out.to.address);
  }
  if (timer !== undefined) return;
  const due = endpoint.pollTimeout();
  if (due === undefined) return;
  timer = setTimeout(
    () => {
      timer = undefined;
      const later = performance.now();
      endpoint.handleTimeout(later);
      pump(later);
    },
    Math.max(10, due - now),
  );
}

socket.on("message", (datagram, from) => {
  const now = performance.now();
  if (((datagram[0] as number) & 0x80) === 0) return;
  endpoint.handleDatagram(now, { family: 4, address: from.address, port: from.port }, datagram);
  pump(now);
});
socket.bind(Number(port), address, () => {
  socket.setRecvBufferSize(4 * 1_024 * 1_024);
  console.log("ready");
});

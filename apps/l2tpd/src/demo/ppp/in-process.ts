/**
 * The PPP scene where there is no TUN device, or no namespace may be made: LNS and LAC in this process, and the packets of their
 * sessions end in it. On Linux they are joined by real UDP on loopback; elsewhere by the simulated network of the mock.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { parseIpAddress, synthesizePacket } from "@l2tp/capture";
import type { DataPlane, PppPackets } from "@l2tp/dataplane";
import { EchoResponder } from "@l2tp/node";
import { loadDocument } from "../../config-file.ts";
import { EXIT, type ExitCode } from "../../exit-codes.ts";
import type { LogWriter } from "../../log-writer.ts";
import { isCall } from "../../manage/common.ts";
import { Runtime } from "../../runtime.ts";
import { listenForStop } from "../../stop.ts";
import { formatTransfer } from "../figures.ts";
import { echoRequest } from "../ping.ts";
import { documentsFor, OUTER, type Places, USERS } from "./documents.ts";
import { formatPings, type Pings } from "./picture.ts";

const UP_LIMIT_MS = 30_000;
const PINGS = 5;
const PING_TIMEOUT_MS = 1_000;
const CLOSE_MS = 2_000;
const ICMP = 1;
/** Experimentation and testing (RFC 3692): nobody looks into it. */
const TEST_PROTOCOL = 253;
/** What is sent at once before the event loop has a turn. */
const BURST = 64;
const PACKET_OCTETS = 1_400;

/** An end of one session: where its packets are, and its addresses. */
interface End {
  readonly packets: PppPackets;
  readonly own: string;
  readonly other: string;
  /** Takes what is no echo request for us. */
  receive: (packet: Uint8Array) => void;
}

/** The two hosts of the scene. */
interface Stage extends AsyncDisposable {
  readonly lac: DataPlane;
  readonly lns: DataPlane;
  readonly places: Places;
  readonly how: string;
}

/** Runs it. @param why - what is missing for the scene with interfaces. @returns 0 only when packets flowed */
export async function runInProcessDemo(
  { once: onlyOnce, seconds }: { readonly once: boolean; readonly seconds: number },
  why: string,
): Promise<ExitCode> {
  const say = (line: string): void => void process.stdout.write(`${line}\n`);
  using stop = listenForStop({});
  await using stage = await buildStage();
  say(`Without interfaces: ${why.split("\n")[0]}`);
  say(`An LNS with two users and a LAC that dials it, in this process, ${stage.how}.`);
  say(
    "The tunnel's ends prove that they know its secret; alice proves who she is by MS-CHAPv2, bob by CHAP.",
  );
  const documents = documentsFor(stage.places);
  const run = (side: "lac" | "lns"): Runtime => {
    const tell = (_fields: unknown, message: string): void => say(`  ${side.toUpperCase()}: ${message}`);
    const quiet = (): void => {};
    const levels = { error: tell, warn: tell, info: tell, debug: quiet };
    const logger: LogWriter = { format: "text", level: "info", ...levels, raw: quiet };
    const runtime = new Runtime(loadDocument(documents[side], `${side}.toml`), stage[side], logger);
    runtime.start();
    return runtime;
  };
  const [lns, lac] = [run("lns"), run("lac")];
  try {
    const work = show(lac, lns, seconds, say);
    const flowed = await Promise.race([work, stop.requested.then(() => undefined)]);
    if (flowed === undefined) return EXIT.cutShort;
    say(
      flowed
        ? "packets flowed through PPP in both directions: it works"
        : "not all packets came through, see above",
    );
    if (!onlyOnce) {
      say("It stays up until Ctrl-C.");
      await stop.requested;
    }
    return flowed ? EXIT.ok : EXIT.unavailable;
  } finally {
    await lac.close(CLOSE_MS);
    await lns.close(CLOSE_MS);
  }
}

async function buildStage(): Promise<Stage> {
  if (process.platform === "linux") {
    const { UserspaceDataPlane } = await import("@l2tp/dataplane-userspace");
    const [lac, lns] = [new UserspaceDataPlane(), new UserspaceDataPlane()];
    const places = { lac: "127.0.0.1", lns: "127.0.0.1", port: await freePort(), profile: PROFILE };
    return { lac, lns, places, how: `joined by UDP port ${places.port} of 127.0.0.1`, ...closing(lac, lns) };
  }
  const { MockDataPlane, MockNetwork, realTime } = await import("@l2tp/dataplane-mock");
  const network = new MockNetwork({ scheduler: realTime(), traceLimit: 0 });
  const [lac, lns] = [OUTER.lac, OUTER.lns].map(
    (address) => new MockDataPlane(network.host(address, address)),
  );
  if (!lac || !lns) throw new Error("two hosts were made");
  const places = { ...OUTER, port: 1701, profile: PROFILE };
  return { lac, lns, places, how: "joined by a simulated network", ...closing(lac, lns) };
}

/** Packets go to the program. */
const PROFILE = 'attach = "program"\nipv6 = false\n';

const closing = (...planes: DataPlane[]): AsyncDisposable => ({
  [Symbol.asyncDispose]: async () => {
    for (const plane of planes) await plane[Symbol.asyncDispose]();
  },
});

async function freePort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

/** Pings and throughput in both directions. @returns whether packets flowed */
async function show(
  lac: Runtime,
  lns: Runtime,
  seconds: number,
  say: (line: string) => void,
): Promise<boolean> {
  const [atLac, atLns] = await Promise.all([ends(lac), ends(lns)]);
  const pair = (user: string): readonly [End, End] | undefined => {
    const near = atLac.get(user);
    const far = [...atLns.values()].find(({ other }) => other === near?.own);
    return near && far && [near, far];
  };
  const [alice, bob] = USERS.map(pair);
  if (!alice || !bob) {
    say(`the sessions did not come up within ${UP_LIMIT_MS / 1000} s`);
    return false;
  }
  const ways = [
    ["LAC → LNS (bob)", bob[0], bob[1]],
    ["LNS → LAC (alice)", alice[1], alice[0]],
  ] as const;
  let flowed = true;
  for (const [what, from] of ways) {
    const pings = await pingAll(what, from);
    say(`  ping ${what}: ${formatPings(pings)}`);
    flowed &&= pings.received > 0;
  }
  for (const [what, from, to] of ways) {
    const transfer = await measure(from, to, seconds * 1000);
    say(`  packets ${what}: ${formatTransfer({ ...transfer, done: true })}`);
    flowed &&= transfer.octets > 0;
  }
  return flowed;
}

/** The sessions of one side, when all are up, by name: their packets, answered where they ask for an echo. */
async function ends({ context }: Runtime): Promise<Map<string, End>> {
  const until = performance.now() + UP_LIMIT_MS;
  for (;;) {
    const sessions = context.tunnels.flatMap(({ sessions: own }) => [...own].filter(isCall));
    const up = sessions.filter(({ state, ppp }) => state === "up" && ppp?.ipv4?.local && ppp.ipv4.peer);
    if (up.length >= USERS.length || performance.now() > until) {
      return new Map(
        up.flatMap(({ name, ppp, plane }): [string, End][] => {
          const { local, peer } = ppp?.ipv4 ?? {};
          const packets = plane?.link?.packets;
          return local && peer && packets ? [[name, endOf(packets, local, peer)]] : [];
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function endOf(packets: PppPackets, own: string, other: string): End {
  const responder = new EchoResponder([own]);
  const end: End = { packets, own, other, receive: () => {} };
  packets.onPacket((packet) => {
    const answer = responder.receive(packet);
    if (answer) packets.send(answer);
    else end.receive(packet);
  });
  return end;
}

async function pingAll(what: string, end: End): Promise<Pings> {
  const pings: Pings = { what, sent: 0, received: 0, lastMs: undefined, sumMs: 0 };
  for (let sequence = 1; sequence <= PINGS; sequence++) {
    const sentAt = performance.now();
    const replied = new Promise<number | undefined>((resolve) => {
      end.receive = () => resolve(performance.now() - sentAt);
      setTimeout(resolve, PING_TIMEOUT_MS, undefined).unref();
    });
    end.packets.send(packetFor(end, ICMP, echoRequest(1, sequence)));
    pings.sent += 1;
    pings.lastMs = await replied;
    if (pings.lastMs === undefined) continue;
    pings.received += 1;
    pings.sumMs += pings.lastMs;
  }
  return pings;
}

/** As many packets as the event loop gets rid of; what counts is what arrives. */
async function measure(from: End, to: End, ms: number): Promise<{ octets: number; ms: number }> {
  const packet = packetFor(from, TEST_PROTOCOL, new Uint8Array(PACKET_OCTETS));
  let octets = 0;
  to.receive = ({ length }) => {
    octets += length;
  };
  const begun = performance.now();
  while (performance.now() - begun < ms) {
    for (let n = 0; n < BURST; n++) from.packets.send(packet);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return { octets, ms: performance.now() - begun };
}

function packetFor({ own, other }: End, protocol: number, payload: Uint8Array): Uint8Array {
  const [source, destination] = [parseIpAddress(own), parseIpAddress(other)];
  if (source === undefined || destination === undefined)
    throw new RangeError(`${own}, ${other}: no addresses`);
  return synthesizePacket({ source, destination, protocol, payload });
}

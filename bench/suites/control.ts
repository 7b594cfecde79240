/**
 * What the control plane costs, as LNS: tunnels and sessions set up per second, octets that 100,000 sessions on 10,000
 * tunnels hold, and the share of a core that their Hellos take. Peers are octets made beforehand as far as they can be;
 * nothing but the endpoint is measured.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Endpoint } from "@l2tp/control";
import { encodeMessage, encodeZlb, type SocketAddress } from "@l2tp/protocol";
import type { Suite, SuiteOptions, SuiteResult } from "../suite.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const TUNNELS = 10_000;
const SESSIONS_EACH = 10;
/** Simulated time over which Hellos are counted. */
const HELLO_MS = 300_000;

const median = (values: readonly number[]): number =>
  values.slice().sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

/** Octets of heap and typed arrays that are in use. */
function octetsInUse(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

let seed = 1;
/** Fast, and good enough for IDs that need not be secret here. */
function fill(into: Uint8Array): void {
  for (let n = 0; n < into.length; n++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    into[n] = seed >>> 24;
  }
}

/** An LNS whose questions and intents are answered at once, and what it sends to a peer by the peer's tunnel. */
class Lns {
  readonly endpoint = new Endpoint({
    random: fill,
    limits: {
      halfOpen: 1e6,
      halfOpenPerSource: 1e6,
      tunnelRate: 1e9,
      sessionRate: 1e9,
      sourceSccrq: [1e9, 1e9],
      sourceCalls: [1e9, 1e9],
    },
    historyTunnels: 16,
    historySessions: 16,
  });
  now = 0;
  /** Our IDs in the last reply: the peer's tunnel it was for, and what it assigned. */
  assigned = 0;
  hellos = 0;
  readonly #peers: SocketAddress[] = [];

  peer(n: number): SocketAddress {
    this.#peers[n] ??= { family: 4, address: `10.0.${n >> 8}.${n & 255}`, port: 1701 };
    return this.#peers[n] as SocketAddress;
  }

  take(from: SocketAddress, datagram: Uint8Array): void {
    this.endpoint.handleDatagram(this.now, from, datagram);
    this.pump();
  }

  pump(): void {
    const { endpoint, now } = this;
    for (let event = endpoint.pollEvent(); event !== undefined; event = endpoint.pollEvent()) {
      if (event.type === "question") endpoint.decide(now, event.token, { accept: true });
      else if (event.type === "intent") endpoint.planeReady(now, event.token);
    }
    for (let out = endpoint.pollTransmit(); out !== undefined; out = endpoint.pollTransmit()) {
      const { datagram } = out;
      if (datagram.length === 12) continue;
      const type = ((datagram[18] as number) << 8) | (datagram[19] as number);
      if (type === 6) this.#answerHello(out.to, datagram);
      else this.assigned = assignedIn(datagram, type === 2 ? 9 : 14);
    }
  }

  #answerHello(from: SocketAddress, hello: Uint8Array): void {
    this.hellos++;
    const view = new DataView(hello.buffer, hello.byteOffset);
    // The peer's tunnel ID is its number; ours is known by it.
    const tunnelId = this.tunnelIds[view.getUint16(4) - 1] as number;
    const zlb = encodeZlb(2, { tunnelId, ns: view.getUint16(10), nr: (view.getUint16(8) + 1) & 0xffff });
    this.endpoint.handleDatagram(this.now, from, zlb);
  }

  readonly tunnelIds: number[] = [];

  /** One peer: a tunnel, and calls on it. */
  bringUp(n: number, sessions: number): void {
    const from = this.peer(n);
    let ns = 0;
    let nr = 0;
    this.take(
      from,
      encodeMessage(
        {
          version: 2,
          type: "SCCRQ",
          protocolVersion: { version: 1, revision: 0 },
          hostName: "lac.example",
          framingCapabilities: 3,
          assignedTunnelId: n + 1,
          receiveWindowSize: 16,
        },
        { tunnelId: 0, ns: ns++, nr },
      ),
    );
    const tunnelId = this.assigned;
    this.tunnelIds[n] = tunnelId;
    this.take(from, encodeMessage({ version: 2, type: "SCCCN" }, { tunnelId, ns: ns++, nr: ++nr }));
    for (let id = 1; id <= sessions; id++) {
      const calledNumber = "5551234";
      this.take(
        from,
        encodeMessage(
          {
            version: 2,
            type: "ICRQ",
            assignedSessionId: id,
            callSerialNumber: n * sessions + id,
            calledNumber,
          },
          { tunnelId, ns: ns++, nr },
        ),
      );
      const header = { tunnelId, sessionId: this.assigned, ns: ns++, nr: ++nr };
      this.take(
        from,
        encodeMessage({ version: 2, type: "ICCN", txConnectSpeedBps: 1e9, framingType: 1 }, header),
      );
    }
  }
}

function assignedIn(datagram: Uint8Array, attribute: number): number {
  for (let at = 12; at + 8 <= datagram.length; ) {
    const size = (((datagram[at] as number) << 8) | (datagram[at + 1] as number)) & 0x3ff;
    if (datagram[at + 5] === attribute)
      return ((datagram[at + 6] as number) << 8) | (datagram[at + 7] as number);
    at += size;
  }
  return 0;
}

interface Measured {
  readonly tunnelsPerSecond: number;
  readonly sessionsPerSecond: number;
  readonly octetsPerSession: number;
  readonly hellosPerMinute: number;
  readonly coreShare: number;
}

function measure(): Measured {
  const rates = new Lns();
  let from = performance.now();
  for (let n = 0; n < TUNNELS; n++) rates.bringUp(n, 0);
  const tunnelMs = performance.now() - from;

  const before = octetsInUse();
  const lns = new Lns();
  for (let n = 0; n < TUNNELS; n++) lns.peer(n);
  const peers = octetsInUse() - before;
  from = performance.now();
  for (let n = 0; n < TUNNELS; n++) {
    lns.bringUp(n, SESSIONS_EACH);
    // Set up over half an hour: Hellos are spread over time as they are in life.
    lns.now += 6;
  }
  const setupMs = performance.now() - from;
  if (lns.endpoint.statistics().sessionsUp !== TUNNELS * SESSIONS_EACH)
    throw new Error("not all sessions came up");
  lns.endpoint.handleTimeout(lns.now);
  lns.pump();
  const octets = octetsInUse() - before - peers;

  const until = lns.now + HELLO_MS;
  from = performance.now();
  for (
    let due = lns.endpoint.pollTimeout();
    due !== undefined && due <= until;
    due = lns.endpoint.pollTimeout()
  ) {
    lns.now = Math.max(lns.now, due);
    lns.endpoint.handleTimeout(lns.now);
    lns.pump();
  }
  const helloMs = performance.now() - from;
  if (lns.endpoint.statistics().tunnelsUp !== TUNNELS) throw new Error("tunnels were lost");
  const sessions = TUNNELS * SESSIONS_EACH;
  return {
    tunnelsPerSecond: (TUNNELS / tunnelMs) * 1_000,
    sessionsPerSecond: (sessions / Math.max(1, setupMs - tunnelMs)) * 1_000,
    octetsPerSession: octets / sessions,
    hellosPerMinute: lns.hellos / (HELLO_MS / 60_000),
    coreShare: helloMs / HELLO_MS,
  };
}

function run({ rounds, log }: SuiteOptions): SuiteResult {
  const all: Measured[] = [];
  for (let n = 0; n < rounds; n++) {
    log(`control: round ${n + 1} of ${rounds}`);
    all.push(measure());
  }
  const middle = (name: keyof Measured): number => median(all.map((one) => one[name]));
  const megaoctets = (middle("octetsPerSession") * TUNNELS * SESSIONS_EACH) / 2 ** 20;
  return {
    tables: [
      {
        title: `${TUNNELS * SESSIONS_EACH} sessions on ${TUNNELS} tunnels at an LNS`,
        columns: ["tunnels/s", "sessions/s", "octets/session", "all, MiB", "Hellos/min", "share of a core"],
        rows: [
          [
            round(middle("tunnelsPerSecond")),
            round(middle("sessionsPerSecond")),
            round(middle("octetsPerSession")),
            round(megaoctets, 1),
            round(middle("hellosPerMinute")),
            round(middle("coreShare"), 4),
          ],
        ],
        notes: [
          "The endpoint alone, without sockets and data plane; octets include the tunnels and their channels.",
        ],
      },
    ],
    figures: [
      {
        name: "control: octets per session at rest",
        measured: round(middle("octetsPerSession")),
        unit: "octets",
        better: "lower",
        gate: 1_024,
        goal: 700,
      },
      {
        name: "control: Hellos of 10,000 tunnels",
        measured: round(middle("coreShare"), 4),
        unit: "cores",
        better: "lower",
        gate: 0.1,
        goal: 0.02,
      },
      {
        name: "control: sessions set up",
        measured: round(middle("sessionsPerSecond")),
        unit: "1/s",
        better: "higher",
        gate: 5_000,
        goal: 20_000,
      },
    ],
  };
}

export default {
  name: "control",
  description: "the control plane: set-up rates, octets per session, Hellos of 10,000 tunnels",
  run: async (options) => run(options),
} satisfies Suite;

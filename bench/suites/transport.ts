/**
 * What reliable channels cost: re-arming a timer, octets of a channel at rest, messages per second, and pauses of the
 * garbage collector at 1,000, 10,000 and 100,000 channels with traffic. Node's own timers are the reference, in the
 * same rounds.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { FIELD_SETTINGS, TimerWheel, Transport } from "@l2tp/transport";
import type { ResultTable, Suite, SuiteOptions, SuiteResult } from "../suite.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const NANOSECONDS = 1e6;
/** Re-arms per measurement. */
const REARMS = 400_000;
/** Messages per measurement of traffic. */
const MESSAGES = 100_000;
/** Channels that have a message on its way at the same time. */
const BATCH = 500;

const median = (values: readonly number[]): number => {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
};
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

/** Octets of heap and typed arrays that are in use. */
function octetsInUse(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Nanoseconds of each of `count` calls of `step`. */
function nanosecondsEach(count: number, step: (n: number) => void): number {
  const from = performance.now();
  for (let n = 0; n < count; n++) step(n);
  return ((performance.now() - from) * NANOSECONDS) / count;
}

/** Pseudo-random numbers made beforehand, so that making them is not measured. */
function spread(count: number): Float64Array {
  let state = 12_345;
  return Float64Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  });
}
const SPREAD = spread(1 << 16);
const jitter = (n: number): number => SPREAD[(n * 40_503) & 0xffff] as number;

/** One way to keep `count` timers, and to re-arm them. */
interface Timers {
  readonly name: string;
  make(count: number): { rearm(n: number): void; clear(): void };
}

/** Timers are re-armed as retransmissions are: 1 to 8 seconds ahead, one after the other. */
const TIMERS: readonly Timers[] = [
  {
    name: "TimerWheel, cancelled and armed, jittered",
    make(count) {
      const wheel = new TimerWheel({ keys: count });
      for (let key = 0; key < count; key++) wheel.arm(key, 1_000 + jitter(key) * 7_000);
      let key = 0;
      return {
        rearm(n) {
          wheel.cancel(key);
          wheel.arm(key, 1_000 + jitter(n) * 7_000);
          key = (key + 7_919) % count;
        },
        clear() {},
      };
    },
  },
  {
    name: "TimerWheel, moved to a later time",
    make(count) {
      const wheel = new TimerWheel({ keys: count });
      for (let key = 0; key < count; key++) wheel.arm(key, 1_000 + jitter(key) * 7_000);
      let key = 0;
      return {
        rearm(n) {
          wheel.arm(key, 8_000 + n);
          key = (key + 7_919) % count;
        },
        clear() {},
      };
    },
  },
  {
    name: "setTimeout + clearTimeout, jittered",
    make(count) {
      const timers = Array.from({ length: count }, (_, key) =>
        setTimeout(() => {}, 60_000 + Math.floor(jitter(key) * 7_000)),
      );
      let key = 0;
      return {
        rearm(n) {
          clearTimeout(timers[key]);
          timers[key] = setTimeout(() => {}, 60_000 + Math.floor(jitter(n) * 7_000));
          key = (key + 7_919) % count;
        },
        clear: () => timers.forEach(clearTimeout),
      };
    },
  },
  {
    name: "timer.refresh(), one duration",
    make(count) {
      const timers = Array.from({ length: count }, () => setTimeout(() => {}, 60_000));
      let key = 0;
      return {
        rearm() {
          (timers[key] as NodeJS.Timeout).refresh();
          key = (key + 7_919) % count;
        },
        clear: () => timers.forEach(clearTimeout),
      };
    },
  },
];

interface TimerCost {
  readonly octets: number;
  readonly rearm: number;
}

function timerCost(timers: Timers, count: number): TimerCost {
  const before = octetsInUse();
  const made = timers.make(count);
  const octets = (octetsInUse() - before) / count;
  const rearms = timers.name.startsWith("TimerWheel") ? REARMS : REARMS / 8;
  nanosecondsEach(rearms / 4, (n) => made.rearm(n));
  const rearm = nanosecondsEach(rearms, (n) => made.rearm(n));
  made.clear();
  return { octets, rearm };
}

/** A control message of 64 octets that the transport knows nothing about. */
function message(): Uint8Array {
  const octets = new Uint8Array(64);
  octets.set([0xc8, 3, 0, 64, 0, 0, 0, 1, 0, 0, 0, 0, 0x80, 8, 0, 0, 0, 0, 0, 15]);
  return octets;
}

interface ChannelCost {
  readonly octets: number;
  readonly openMicroseconds: number;
  readonly messagesPerSecond: number;
  readonly pauses: readonly number[];
  readonly idleMicroseconds: number;
}

/** Two hosts with `count` channels between them, in one process, without a network. */
async function channelCost(count: number): Promise<ChannelCost> {
  const before = octetsInUse();
  const opening = performance.now();
  const open = { version: 3, peerConnectionId: 1, settings: FIELD_SETTINGS[3], peerWindow: 16 } as const;
  const a = new Transport();
  const channels = new Int32Array(count);
  for (let n = 0; n < count; n++) channels[n] = a.open(0, open);
  const openMicroseconds = ((performance.now() - opening) * 1_000) / count;
  // All of them have been in use before they rest.
  const b = new Transport();
  const peers = Array.from(channels, () => b.open(0, open));
  const exchange = exchanger(a, Array.from(channels) as typeof peers, b, peers);
  for (let n = 0; n < count; n += BATCH) exchange(n, Math.min(BATCH, count - n));
  const octets = (octetsInUse() - before - 8 * count - 8 * count) / (2 * count);

  const pauses: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) pauses.push(entry.duration);
  });
  observer.observe({ entryTypes: ["gc"] });
  let spent = 0;
  for (let sent = 0; sent < MESSAGES; ) {
    const from = performance.now();
    for (let part = 0; part < 20; part++, sent += BATCH) exchange(sent, BATCH);
    spent += performance.now() - from;
    await turn(); // lets the observer tell
  }
  observer.disconnect();
  const now = exchange(0, 0);
  const idle = nanosecondsEach(1_000, (n) => {
    a.handleTimeout(now + n * 10);
    a.pollTimeout();
  });
  return {
    octets,
    openMicroseconds,
    messagesPerSecond: (MESSAGES * 1_000) / spent,
    pauses,
    idleMicroseconds: idle / 1_000,
  };
}

/** Sends a message on some channels in each direction and sees that it is delivered and acknowledged. @returns now. */
function exchanger(
  a: Transport,
  channelsOfA: readonly ReturnType<Transport["open"]>[],
  b: Transport,
  channelsOfB: readonly ReturnType<Transport["open"]>[],
): (from: number, count: number) => number {
  const octets = message();
  const peer = new Map([...channelsOfA.map((id, n) => [id, channelsOfB[n]] as const)]);
  const back = new Map([...channelsOfB.map((id, n) => [id, channelsOfA[n]] as const)]);
  let now = 0;
  const pass = (from: Transport, to: Transport, ids: typeof peer): number => {
    let passed = 0;
    for (let out = from.pollTransmit(); out; out = from.pollTransmit(), passed++) {
      to.receive(ids.get(out.channel) as (typeof channelsOfA)[number], now, out.datagram);
    }
    while (to.pollEvent());
    return passed;
  };
  return (from, count) => {
    now += 1;
    for (let n = from; n < from + count; n++) {
      const at = n % channelsOfA.length;
      const forth = n & 1;
      const id = (forth ? channelsOfA[at] : channelsOfB[at]) as (typeof channelsOfA)[number];
      (forth ? a : b).send(id, now, octets);
    }
    // Acknowledgements wait 20 ms for a message to ride on.
    for (let wait = 0; wait < 3; wait++, now += 10) {
      while (pass(a, b, peer) + pass(b, a, back) > 0);
      a.handleTimeout(now);
      b.handleTimeout(now);
    }
    return now;
  };
}

function timerTable(count: number, rounds: readonly (readonly TimerCost[])[]): ResultTable {
  const wheel = rounds.map((costs) => costs[0] as TimerCost);
  return {
    title: `${count.toLocaleString("en")} timers`,
    columns: ["timers", "re-arm ns", "ratio to the first", "octets each"],
    rows: TIMERS.map((timers, at) => {
      const costs = rounds.map((round_) => round_[at] as TimerCost);
      const ratio = median(costs.map((cost, n) => cost.rearm / (wheel[n] as TimerCost).rearm));
      return [
        timers.name,
        round(median(costs.map((cost) => cost.rearm)), 1),
        round(ratio, 2),
        round(median(costs.map((cost) => cost.octets))),
      ];
    }),
  };
}

const suite: Suite = {
  name: "transport",
  description: "reliable channels: timers, octets at rest, messages per second, pauses",

  async run({ rounds, log }: SuiteOptions): Promise<SuiteResult> {
    const tables: ResultTable[] = [];
    let rearm = Number.NaN;
    for (const count of [10_000, 100_000]) {
      const measured: TimerCost[][] = [];
      for (let n = 0; n < rounds; n++) {
        log(`timers: ${count}, round ${n + 1} of ${rounds}`);
        measured.push(TIMERS.map((timers) => timerCost(timers, count)));
      }
      tables.push(timerTable(count, measured));
      if (count === 10_000) rearm = median(measured.map((costs) => (costs[0] as TimerCost).rearm));
    }
    const rows: (string | number)[][] = [];
    let octets = Number.NaN;
    for (const count of [1_000, 10_000, 100_000]) {
      const costs: ChannelCost[] = [];
      for (let n = 0; n < rounds; n++) {
        log(`channels: ${count}, round ${n + 1} of ${rounds}`);
        costs.push(await channelCost(count));
      }
      const pauses = costs.flatMap((cost) => cost.pauses);
      octets = median(costs.map((cost) => cost.octets));
      rows.push([
        count.toLocaleString("en"),
        round(octets),
        round(median(costs.map((cost) => cost.openMicroseconds)), 2),
        round(median(costs.map((cost) => cost.messagesPerSecond))).toLocaleString("en"),
        round(median(costs.map((cost) => cost.idleMicroseconds)), 2),
        pauses.length,
        round(median(pauses), 2),
        round(Math.max(...pauses), 2),
      ]);
    }
    tables.push({
      title: "Channels with traffic, both ends in one process",
      columns: [
        "channels",
        "octets each at rest",
        "open µs",
        "messages/s",
        "idle tick µs",
        "GC pauses",
        "median ms",
        "longest ms",
      ],
      rows,
      notes: [
        "A message is sent, received, delivered and acknowledged: two datagrams. All channels share one wheel, " +
          "and so need one system timer.",
        `Pauses are those of ${MESSAGES.toLocaleString("en")} messages in each round.`,
      ],
    });
    return {
      tables,
      figures: [
        {
          name: "re-arm at 10,000 timers",
          measured: round(rearm, 1),
          unit: "ns",
          better: "lower",
          gate: 100,
          goal: 70,
        },
        {
          name: "channel at rest, of 100,000",
          measured: round(octets),
          unit: "octets",
          better: "lower",
          gate: 500,
          goal: 350,
        },
      ],
    };
  },
};

export default suite;

/**
 * Our daemon as LNS beside xl2tpd and l2tpns: tunnels and sessions set up per second, latency, memory; and 100,000
 * sessions on 10,000 tunnels held up with Hellos. Each LNS has a network namespace of its own, l2tpload is the load, the
 * rounds are interleaved.
 */
import { fileURLToPath } from "node:url";
import { missing } from "@l2tp/testing";
import { sleep } from "../dataplane/lab.ts";
import { startL2tpd } from "../lns/l2tpd.ts";
import { L2TPNS_SECRET, startL2tpns } from "../lns/l2tpns.ts";
import { held, type Loaded, load, untilReady } from "../lns/load.ts";
import { type Program, Space } from "../lns/space.ts";
import { startXl2tpd } from "../lns/xl2tpd.ts";
import type { Figure, ResultTable, Suite, SuiteOptions, SuiteResult } from "../suite.ts";

const minimal = fileURLToPath(new URL("../lns/minimal.ts", import.meta.url));

interface Contender {
  readonly name: string;
  /** Its program, where it is not ours. */
  readonly needs?: string;
  /** What it can take, and how its callers must be. */
  readonly args: readonly string[];
  readonly tunnels: number;
  readonly sessionsEach: number;
  start(space: Space): Program | Promise<Program>;
}

/** How often a load of a reference is begun anew that did not come up whole. */
const REFERENCE_TRIES = 3;

/** From many addresses, as real LACs are: limits per source stay on, and l2tpns tells LACs apart by them. */
const SOURCES = ["--source", "127.0.1.1-127.0.1.64", "--sessions-at-once", "64"];

const CONTENDERS: readonly Contender[] = [
  {
    name: "l2tpd",
    args: SOURCES,
    tunnels: 50,
    sessionsEach: 200,
    start: (space) => startL2tpd(space, { dataPlane: "null" }),
  },
  {
    // What of the daemon's cost is the control package's: its endpoint on one of Node's sockets, and nothing else.
    name: "endpoint",
    args: SOURCES,
    tunnels: 50,
    sessionsEach: 200,
    start: (space) => space.start(process.execPath, "--conditions=@l2tp/source", "--import", "tsx", minimal),
  },
  {
    name: "xl2tpd",
    needs: "xl2tpd",
    // It waits with select(), for one terminal for each call: beyond a thousand it dies.
    args: SOURCES,
    tunnels: 40,
    sessionsEach: 10,
    start: startXl2tpd,
  },
  {
    name: "l2tpns",
    needs: "l2tpns",
    args: [...SOURCES, "--secret", L2TPNS_SECRET],
    // It has room for 500 tunnels, and keeps those that ended for a while.
    tunnels: 50,
    sessionsEach: 200,
    start: startL2tpns,
  },
];

const MANY = { tunnels: 10_000, sessionsEach: 10 };
/** Over so long the share of a core is taken: every tunnel says Hello once. */
const IDLE_MS = 66_000;

const median = (values: readonly number[]): number =>
  values.slice().sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

/** One contender, running. */
class Running {
  readonly contender: Contender;
  readonly space: Space;
  readonly program: Program;
  readonly loads: Loaded[] = [];
  memoryPerSession = Number.NaN;

  constructor(contender: Contender, space: Space, program: Program) {
    this.contender = contender;
    this.space = space;
    this.program = program;
  }

  get size(): string[] {
    const { sessionsEach, tunnels } = this.contender;
    return ["-t", String(tunnels), "-s", String(sessionsEach)];
  }

  /** A load that comes up whole. A reference may lose a call now and then (xl2tpd does), and tries again; ours may not. */
  async load(): Promise<void> {
    const { space, program, contender } = this;
    const tries = contender.needs === undefined ? 1 : REFERENCE_TRIES;
    for (let left = tries - 1; ; left--) {
      const loaded = await load(space, program, ...contender.args, ...this.size, "--grace", "2");
      if (loaded.complete) {
        this.loads.push(loaded);
        return;
      }
      if (left > 0) continue;
      const why = loaded.failures[0]?.reason ?? "not all came up in time";
      throw new Error(
        `${contender.name}: ${loaded.sessions.up} of ${loaded.sessions.wanted} sessions: ${why}`,
      );
    }
  }

  /** What a load leaves behind of memory while it is held. */
  async weigh(): Promise<void> {
    const { contender, program, space } = this;
    const before = program.memory();
    const sessions = contender.tunnels * contender.sessionsEach;
    const args = [...contender.args, ...this.size, "--hold", "8", "--grace", "2"];
    await held(
      space,
      args,
      (line) => line.includes("holding"),
      async () => {
        this.memoryPerSession = (program.memory() - before) / sessions;
      },
    );
  }

  middle(of: (loaded: Loaded) => number): number {
    return median(this.loads.map(of));
  }
}

async function run({ rounds, log }: SuiteOptions): Promise<SuiteResult> {
  const root = missing("root");
  if (root !== undefined) return { tables: [], figures: [], missing: [`LNSs side by side: ${root}`] };
  const absent: string[] = [];
  await using stack = new AsyncStack();
  const all: Running[] = [];
  for (const contender of CONTENDERS) {
    const why = contender.needs === undefined ? undefined : missing({ tool: contender.needs });
    if (why !== undefined) {
      absent.push(`${contender.name}: ${why}`);
      continue;
    }
    log(`starting ${contender.name}`);
    const space = stack.use(new Space(contender.name));
    const program = await contender.start(space);
    await untilReady(space, program, contender.args);
    all.push(new Running(contender, space, program));
  }
  for (const one of all) {
    log(`warming up ${one.contender.name}`);
    await one.weigh();
    // Just-in-time compilation is done once by what runs for months.
    for (let n = 0; n < 2; n++) await one.load();
    one.loads.length = 0;
  }
  for (let n = 0; n < rounds; n++) {
    for (const one of all) {
      await one.load();
      log(`round ${n + 1}: ${one.contender.name} ${one.loads.at(-1)?.sessions.perSecond} sessions/s`);
      await sleep(1_000);
    }
  }
  const [ours] = all as [Running, ...Running[]];
  const many = await hold(log);
  return {
    tables: [ratesTable(all), many.table],
    figures: [...ratios(ours, all), ...many.figures],
    missing: absent,
  };
}

function ratesTable(all: readonly Running[]): ResultTable {
  return {
    title: "LNSs under l2tpload: control messages only, one core each, median of rounds",
    columns: [
      "LNS",
      "load",
      "tunnels/s",
      "sessions/s",
      "tunnel p50, ms",
      "p99",
      "session p50, ms",
      "p99",
      "CPU/session, µs",
      "kB/session",
    ],
    rows: all.map((one) => [
      one.contender.name,
      `${one.contender.tunnels} × ${one.contender.sessionsEach}`,
      round(one.middle(({ tunnels }) => tunnels.perSecond)),
      round(one.middle(({ sessions }) => sessions.perSecond)),
      round(
        one.middle(({ latencyMs }) => latencyMs.tunnel?.p50 ?? Number.NaN),
        1,
      ),
      round(
        one.middle(({ latencyMs }) => latencyMs.tunnel?.p99 ?? Number.NaN),
        1,
      ),
      round(
        one.middle(({ latencyMs }) => latencyMs.call?.p50 ?? Number.NaN),
        1,
      ),
      round(
        one.middle(({ latencyMs }) => latencyMs.call?.p99 ?? Number.NaN),
        1,
      ),
      round(
        one.middle(({ lnsCpu, sessions }) => (lnsCpu / sessions.up) * 1e6),
        1,
      ),
      round(one.memoryPerSession / 1_000, 1),
    ]),
    notes: [
      "Closed loop, 64 sessions under way. CPU is the LNS's for tunnels, sessions and their end, children included.",
      "endpoint: the control package alone, with Node's UDP socket; what l2tpd needs more is the daemon's.",
      "xl2tpd starts a stand-in for pppd that does nothing; with pppd it would be slower. l2tpns begins LCP, which nobody answers.",
      "Memory: resident memory of the process itself with all sessions up, less that without; a first load, so buffers count.",
    ],
  };
}

/** Paired by round: what disturbs one disturbs the other. */
function ratios(ours: Running, all: readonly Running[]): Figure[] {
  const targets = { xl2tpd: { gate: 3, goal: 10 }, l2tpns: { gate: 0.7, goal: 1 } } as const;
  return all.flatMap(({ contender, loads }) => {
    const target = targets[contender.name as keyof typeof targets];
    if (target === undefined) return [];
    const paired = ours.loads.map(
      (mine, n) => mine.sessions.perSecond / (loads[n]?.sessions.perSecond ?? Number.NaN),
    );
    return [
      {
        name: `lns: sessions/s beside ${contender.name}`,
        measured: round(median(paired), 2),
        unit: "times",
        better: "higher" as const,
        ...target,
      },
    ];
  });
}

/** 100,000 sessions, held. */
async function hold(log: (line: string) => void): Promise<{ table: ResultTable; figures: Figure[] }> {
  const { sessionsEach, tunnels } = MANY;
  log(`holding ${tunnels * sessionsEach} sessions on ${tunnels} tunnels`);
  await using space = new Space("many");
  const program = startL2tpd(space, { dataPlane: "null" });
  await untilReady(space, program, []);
  const before = program.memory();
  const args = [
    ...["-t", String(tunnels), "-s", String(sessionsEach), "--source", "127.0.1.1-127.0.1.200"],
    ...["--hello", "0", "--hold", "10m", "--duration", "15m", "--grace", "20"],
  ];
  const measured = await held(
    space,
    args,
    (line) => line.includes("holding"),
    async () => {
      const cpu = program.cpu();
      const from = performance.now();
      await sleep(IDLE_MS);
      const cores = (program.cpu() - cpu) / ((performance.now() - from) / 1_000);
      return { cores, memory: program.memory() };
    },
  );
  const megaoctets = measured.memory / 1e6;
  return {
    table: {
      title: `${tunnels * sessionsEach} sessions on ${tunnels} tunnels held up with Hellos by l2tpd`,
      columns: ["resident, MB", "before, MB", "kB/session", "share of a core"],
      rows: [
        [
          round(megaoctets),
          round(before / 1e6),
          round((measured.memory - before) / 1_000 / (tunnels * sessionsEach), 2),
          round(measured.cores, 3),
        ],
      ],
    },
    figures: [
      {
        name: "lns: 100,000 sessions on 10,000 tunnels, resident",
        measured: round(megaoctets),
        unit: "MB",
        better: "lower",
        gate: 400,
        goal: 250,
      },
      {
        name: "lns: 100,000 sessions on 10,000 tunnels with Hellos",
        measured: round(measured.cores, 3),
        unit: "cores",
        better: "lower",
        goal: 0.1,
      },
    ],
  };
}

/** What is put in is disposed of at the end, the last first. */
class AsyncStack implements AsyncDisposable {
  readonly #all: AsyncDisposable[] = [];

  use<T extends AsyncDisposable>(one: T): T {
    this.#all.push(one);
    return one;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#all.reverse()) await one[Symbol.asyncDispose]();
  }
}

export default {
  name: "lns",
  description: "our LNS beside xl2tpd and l2tpns: set-up rates, latency, memory; 100,000 sessions held",
  run,
} satisfies Suite;

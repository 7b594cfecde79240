/**
 * PPP sessions that are fully up (tunnel, LCP, PAP, IPCP) per second, by our daemon on the userspace data plane beside
 * l2tpns with a RADIUS server; and 10,000 sessions held with echo keep-alive.
 */
import { missing } from "@l2tp/testing";
import { sleep } from "../dataplane/lab.ts";
import { startL2tpd } from "../lns/l2tpd.ts";
import { L2TPNS_SECRET, startL2tpns } from "../lns/l2tpns.ts";
import { held, type Loaded, load, untilReady } from "../lns/load.ts";
import { type Program, Space } from "../lns/space.ts";
import type { Figure, ResultTable, Suite, SuiteOptions, SuiteResult } from "../suite.ts";

/** From many addresses, as limits per source stay on and l2tpns tells LACs apart by them. */
const PPP = ["--ppp", "--auth", "pap", "--user", "test", "--password", "test"];
const LOAD = [...PPP, "--source", "127.0.1.1-127.0.1.64", "--sessions-at-once", "64"];
/** l2tpns has room for 500 tunnels, and keeps those that ended for a while. */
const SIZE = ["-t", "50", "-s", "60"];
const SESSIONS = 50 * 60;
/** What is held, and what LCP asks each session in the meantime. */
const HELD = { tunnels: 1_000, sessionsEach: 10, echoMs: 30_000 };
const IDLE_MS = 62_000;

interface Running {
  readonly name: string;
  readonly space: Space;
  readonly program: Program;
  readonly args: readonly string[];
  readonly loads: Loaded[];
}

const median = (values: readonly number[]): number =>
  values.slice().sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const round = (value: number, digits = 0): number => Number(value.toFixed(digits));

async function loadOnce({ args, loads, name, program, space }: Running): Promise<void> {
  const loaded = await load(space, program, ...args, ...LOAD, ...SIZE);
  if (loaded.sessions.up < SESSIONS) {
    const why = loaded.failures[0]?.reason ?? "not all came up in time";
    throw new Error(`${name}: ${loaded.sessions.up} of ${SESSIONS} sessions: ${why}`);
  }
  loads.push(loaded);
}

async function run({ rounds, log }: SuiteOptions): Promise<SuiteResult> {
  const why = missing("root") ?? missing("tun");
  if (why !== undefined) return { tables: [], figures: [], missing: [`PPP sessions: ${why}`] };
  await using ourSpace = new Space("ppp");
  await using theirSpace = new Space("pppns");
  const all: Running[] = [];
  const ours: Running = {
    name: "l2tpd",
    space: ourSpace,
    program: startL2tpd(ourSpace, { dataPlane: "userspace", ppp: { echoMs: HELD.echoMs } }),
    args: [],
    loads: [],
  };
  all.push(ours);
  const absent = missing({ tool: "l2tpns" });
  if (absent === undefined) {
    const program = await startL2tpns(theirSpace);
    all.push({ name: "l2tpns", space: theirSpace, program, args: ["--secret", L2TPNS_SECRET], loads: [] });
  }
  for (const one of all) {
    log(`warming up ${one.name}`);
    await untilReady(one.space, one.program, one.args);
    await loadOnce(one);
    one.loads.length = 0;
  }
  for (let n = 0; n < rounds; n++) {
    for (const one of all) {
      await loadOnce(one);
      log(`round ${n + 1}: ${one.name} ${one.loads.at(-1)?.sessions.perSecond} sessions/s`);
      await sleep(1_000);
    }
  }
  const many = await hold(log);
  return {
    tables: [ratesTable(all), many.table],
    figures: [...ratio(ours, all[1]), ...many.figures],
    ...(absent !== undefined && { missing: [`l2tpns: ${absent}`] }),
  };
}

function ratesTable(all: readonly Running[]): ResultTable {
  const of = (one: Running, value: (loaded: Loaded) => number | undefined) =>
    median(one.loads.map((loaded) => value(loaded) ?? Number.NaN));
  return {
    title: "PPP sessions fully up, PAP, an address each; median of rounds",
    columns: [
      "LNS",
      "sessions/s",
      "call p50, ms",
      "LCP p50",
      "auth p50",
      "IPCP p50",
      "in all p50",
      "p99",
      "CPU/session, µs",
    ],
    rows: all.map((one) => [
      one.name,
      round(of(one, ({ sessions }) => sessions.perSecond)),
      ...(["call", "lcp", "authentication", "network", "session"] as const).map((phase) =>
        round(
          of(one, ({ latencyMs }) => latencyMs[phase]?.p50),
          1,
        ),
      ),
      round(
        of(one, ({ latencyMs }) => latencyMs.session?.p99),
        1,
      ),
      round(of(one, ({ lnsCpu, sessions }) => (lnsCpu / sessions.up) * 1e6)),
    ]),
    notes: [
      "50 tunnels with 60 sessions each, 64 under way. l2tpd: userspace data plane, one interface for all, users in its document.",
      "l2tpns asks a RADIUS server of ours about each user, whose processor time is not counted.",
    ],
  };
}

function ratio(ours: Running, theirs: Running | undefined): Figure[] {
  if (theirs === undefined) return [];
  const paired = ours.loads.map(
    (mine, n) => mine.sessions.perSecond / (theirs.loads[n]?.sessions.perSecond ?? Number.NaN),
  );
  return [
    {
      name: "ppp-sessions: fully up per second, beside l2tpns",
      measured: round(median(paired), 2),
      unit: "times",
      better: "higher",
      gate: 0.5,
      goal: 1,
    },
  ];
}

/** 10,000 sessions, held; LCP asks each for a sign of life. */
async function hold(log: (line: string) => void): Promise<{ table: ResultTable; figures: Figure[] }> {
  const { echoMs, sessionsEach, tunnels } = HELD;
  const sessions = tunnels * sessionsEach;
  log(`holding ${sessions} PPP sessions on ${tunnels} tunnels`);
  await using space = new Space("pppmany");
  const program = startL2tpd(space, { dataPlane: "userspace", ppp: { echoMs } });
  await untilReady(space, program, []);
  const before = program.memory();
  const args = [
    ...["-t", String(tunnels), "-s", String(sessionsEach), ...LOAD, "--hello", "0"],
    ...["--hold", "10m", "--duration", "15m", "--grace", "20"],
  ];
  const { cores, memory } = await held(
    space,
    args,
    (line) => line.includes("holding"),
    async () => {
      const cpu = program.cpu();
      const from = performance.now();
      await sleep(IDLE_MS);
      return {
        cores: (program.cpu() - cpu) / ((performance.now() - from) / 1_000),
        memory: program.memory(),
      };
    },
  );
  return {
    table: {
      title: `${sessions} PPP sessions held by l2tpd, an Echo-Request each ${echoMs / 1_000} s`,
      columns: ["resident, MB", "before, MB", "kB/session", "share of a core"],
      rows: [
        [
          round(memory / 1e6),
          round(before / 1e6),
          round((memory - before) / 1_000 / sessions, 1),
          round(cores, 3),
        ],
      ],
    },
    figures: [
      {
        name: "ppp-sessions: 10,000 held, resident",
        measured: round(memory / 1e6),
        unit: "MB",
        better: "lower",
        gate: 300,
        goal: 150,
      },
      {
        name: "ppp-sessions: 10,000 held with echo keep-alive",
        measured: round(cores, 3),
        unit: "cores",
        better: "lower",
        goal: 0.2,
      },
    ],
  };
}

export default {
  name: "ppp-sessions",
  description: "PPP sessions fully up per second beside l2tpns; 10,000 held with echo keep-alive",
  run,
} satisfies Suite;

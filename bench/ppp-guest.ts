/**
 * Inside the virtual machine, where pppd works, our LNS on the userspace data plane beside xl2tpd: one PPP session's TCP,
 * dialled by l2tpd, with pppd on a pseudo-terminal, as it is on a machine without the kernel's L2TP; and how fast many sessions
 * come up, dialled by l2tpload, with pppd on the kernel's L2TP. Prints one line of JSON a round. Started by
 * `suites/ppp-xl2tpd.ts`.
 */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Site } from "@l2tp/lab";
import type { Report } from "../apps/l2tpload/src/report.ts";
import { OUTER } from "../interop/kernel/combinations.ts";
import { KernelSites } from "../interop/kernel/guest/sites.ts";
import { Daemon } from "../interop/support/daemon.ts";
import { writeSecrets, Xl2tpd } from "../interop/xl2tpd/guest/xl2tpd.ts";
import { cpuSeconds } from "./dataplane/lab.ts";
import { PPP_LINE, type PppPath, type PppRound } from "./ppp-round.ts";

const ROUNDS = Number(process.argv[2] ?? 1);
const SECONDS = 5;
const WARM_SECONDS = 2;
const [, , , L2TPD = "", L2TPLOAD = ""] = process.argv;
/** Of which each is a pppd at xl2tpd's. */
const SESSIONS = 80;
/** Node and pppd start slowly in the virtual machine. */
const PATIENCE = { patienceMs: 120_000 };

const SECRET = "opensesame";
const USER = { name: "alice", password: "wonderland" };
/** Inside the session. */
const INNER = { lns: "10.77.0.1", subscriber: "10.77.0.10" };

const LAC_DOCUMENT = `
[tunnel.office]
version = "l2tpv2"
peer = "${OUTER[4].b}"
secret = "${SECRET}"
retry_timeout = 500
redial_timeout = 500
redial_timeout_max = 1000
[tunnel.office.session.line]
user = "${USER.name}"
password = "${USER.password}"
[profile.ppp.default]
ipv6 = false
`;
const LNS_DOCUMENT = `
[listen.wan]
local = "${OUTER[4].b}:1701"
[peer.lac]
secret = "${SECRET}"
[profile.ppp.default]
auth = ["chap-md5"]
pool = "callers"
ipv6 = false
[pool.callers]
ranges = ["${INNER.subscriber}-10.77.0.99"]
local = "${INNER.lns}"
[user.${USER.name}]
password = "${USER.password}"
`;
const LNS_SECTIONS = `
[lns default]
ip range = ${INNER.subscriber}-10.77.0.99
local ip = ${INNER.lns}
require authentication = yes
name = lns
challenge = yes
length bit = yes
pppoptfile = OPTIONS
`;
const LNS_OPTIONS = `auth
name lns
require-chap
nodefaultroute
noccp
novj
noipv6
`;

const l2tpd = (site: Site, document: string): Daemon =>
  new Daemon(site, document, { program: [L2TPD], dataPlane: "userspace" });

/** Processes by their names: nobody else runs them here. */
function named(...names: string[]): number[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && names.includes(readFileSync(`/proc/${pid}/comm`, "utf8").trim()))
    .map(Number);
}

interface Flow {
  readonly end: { readonly sum_received: { readonly bytes: number; readonly bits_per_second: number } };
}

async function flow(
  server: Site,
  client: Site,
  way: "down" | "up",
  seconds: number,
): Promise<{ bytes: number; bits_per_second: number }> {
  const listening = server.start("iperf3", ["-s", "-1", "-B", INNER.lns], { stdio: "ignore" });
  const ended = new Promise((resolve) => listening.once("close", resolve));
  await sleep(1_000);
  const reverse = way === "down" ? ["-R"] : [];
  const { output } = await client.execute("iperf3", "-c", INNER.lns, "-t", String(seconds), "-J", ...reverse);
  listening.kill();
  await ended;
  const result = (JSON.parse(output) as Partial<Flow>).end?.sum_received;
  if (result === undefined || result.bytes === 0) throw new Error(`nothing arrived: ${output.slice(-500)}`);
  return result;
}

async function path(sites: KernelSites, lns: () => number[]): Promise<PppPath> {
  await using lac = l2tpd(sites.a, LAC_DOCUMENT);
  await lac.says(/session line: .* has 10\.77\.0\.\d+ \(peer 10\.77\.0\.1\)/, PATIENCE);
  const ways = { down: { gbit: 0, cpuPerGb: 0 }, up: { gbit: 0, cpuPerGb: 0 } };
  for (const way of ["down", "up"] as const) {
    await flow(sites.b, sites.a, way, WARM_SECONDS);
    const pids = lns();
    const before = cpuSeconds(pids);
    const { bytes, bits_per_second } = await flow(sites.b, sites.a, way, SECONDS);
    ways[way] = { gbit: bits_per_second / 1e9, cpuPerGb: (cpuSeconds(pids) - before) / (bytes / 1e9) };
  }
  await lac.stop();
  const { down, up } = ways;
  const result: PppPath = {
    gbit: { down: down.gbit, up: up.gbit },
    cpuPerGb: { down: down.cpuPerGb, up: up.cpuPerGb },
  };
  // For when the next one fails.
  console.log(JSON.stringify(result));
  return result;
}

/** Brings sessions up, and gives how many a second; of an LNS that has done so before, as one that is up for days. */
async function rate(sites: KernelSites): Promise<number> {
  await load(sites);
  return load(sites);
}

async function load({ a: lac }: KernelSites): Promise<number> {
  const { output } = await lac.execute(
    process.execPath,
    ...[L2TPLOAD, "--json", "--quiet", "-t", "1", "-s", String(SESSIONS), "--secret", SECRET],
    ...["--ppp", "--auth", "chap-md5", "--user", USER.name, "--password", USER.password],
    ...["--set-up-time", "120s", "--duration", "180s", OUTER[4].b],
  );
  const { sessions } = JSON.parse(output.slice(output.indexOf("{"))) as Report;
  if (sessions.up < SESSIONS) throw new Error(`${sessions.up} of ${SESSIONS} sessions came up: ${output}`);
  return sessions.perSecond;
}

async function xl2tpd<T>(sites: KernelSites, global: string, measure: () => Promise<T>): Promise<T> {
  await using lns = new Xl2tpd(sites.b, {
    global,
    sections: LNS_SECTIONS,
    options: LNS_OPTIONS,
    secrets: `* * ${SECRET}\n`,
  });
  try {
    await lns.says(/Listening on IP address/);
    return await measure();
  } catch (error) {
    throw new Error(`xl2tpd said:\n${lns.said}`, { cause: error });
  }
}

async function ours<T>(sites: KernelSites, measure: (pid: number) => Promise<T>): Promise<T> {
  await using lns = l2tpd(sites.b, LNS_DOCUMENT);
  await lns.says(/listen/, PATIENCE);
  const result = await measure(lns.pid);
  await lns.stop();
  return result;
}

using sites = new KernelSites();
writeSecrets({ [USER.name]: USER.password });
for (let round = 0; round < ROUNDS; round++) {
  const found: PppRound = {
    path: {
      ours: await ours(sites, (pid) => path(sites, () => [pid])),
      xl2tpd: await xl2tpd(sites, "force userspace = yes", () => path(sites, () => named("xl2tpd", "pppd"))),
    },
    perSecond: {
      ours: await ours(sites, () => rate(sites)),
      xl2tpd: await xl2tpd(sites, "", () => rate(sites)),
    },
  };
  process.stdout.write(`${PPP_LINE}${JSON.stringify(found)}\n`);
}
process.exit(0);

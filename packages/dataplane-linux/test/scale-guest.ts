/**
 * Large numbers, in the virtual machine: L2TP_SCALE_TUNNELS tunnels (100) of L2TP_SCALE_SESSIONS sessions (10). With
 * L2TP_SCALE_COMPARE=1 the same is done by `ip l2tp` in batch mode, which takes longer than ours.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import type { SessionPlane, SessionPlaneParameters, SessionStatistics, TunnelPlane } from "@l2tp/dataplane";
import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { Lab } from "../../dataplane-userspace/test/support/lab.ts";

const TUNNELS = Number(process.env["L2TP_SCALE_TUNNELS"] ?? 100);
const SESSIONS = Number(process.env["L2TP_SCALE_SESSIONS"] ?? 10);
const COMPARE = process.env["L2TP_SCALE_COMPARE"] === "1";
/** In an emulated machine, which is ten times slower than a real one. */
const HELD_UP_MS = 50;
/** Turns of the loop that shows how fast the machine is. */
const SPINS = 200;
/**
 * Held to it are half of the ticks: the guest cannot see when its own processors are taken from it, which on a busy host
 * is most of what the longest ones are. Those are printed.
 */
const HELD_TO_IT = 0.5;
const MOST = 0.98;
const TICK_MS = 5;

/**
 * How many times slower than at its best the machine is now, because its processors serve others, too: the guest does not
 * see that in any clock. 1 on a host with nothing else to do.
 */
function slowness(): number {
  const took: number[] = [];
  let sum = 0;
  for (let spin = 0; spin < SPINS; spin++) {
    const start = performance.now();
    for (let i = 0; i < 100_000; i++) sum = (sum + i * spin) | 0;
    took.push(performance.now() - start);
  }
  // The first ones are compiled.
  const warm = took.slice(SPINS / 10 + (sum & 0));
  return warm.reduce((a, b) => a + b, 0) / warm.length / Math.min(...warm);
}

/** Nanoseconds that the main thread ran, and that it was ready to run and waited for a processor. */
function scheduled(): [number, number] {
  const [ran = 0, waited = 0] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8")
    .split(" ")
    .map(Number);
  return [ran, waited];
}

/**
 * Watches how long the event loop is held up: between two ticks, the time that its thread ran. That it waited for one of
 * the machine's two processors, or for the machine to be run at all, is none of ours.
 */
class LoopWatch {
  #last = scheduled();
  #ticks: number[] = [];
  #collecting = 0;
  readonly #timer = setInterval(() => this.#tick(), TICK_MS);
  readonly #collector = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) this.#collecting = Math.max(this.#collecting, duration);
  });

  constructor() {
    this.#collector.observe({ entryTypes: ["gc"] });
  }

  #tick(): void {
    const now = scheduled();
    this.#ticks.push((now[0] - this.#last[0]) / 1e6);
    this.#last = now;
  }

  /** What half of the ticks, most, and the longest one took since the last call, and the longest collection of garbage, in milliseconds. */
  take(): { half: number; most: number; longest: number; collecting: number } {
    const ticks = this.#ticks.sort((a, b) => a - b);
    const at = (part: number) => Math.round(ticks[Math.floor((ticks.length - 1) * part)] ?? 0);
    const result = {
      half: at(HELD_TO_IT),
      most: at(MOST),
      longest: Math.round(ticks.at(-1) ?? 0),
      collecting: Math.round(this.#collecting),
    };
    this.#ticks = [];
    this.#collecting = 0;
    return result;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#collector.disconnect();
  }
}

/** Does something for each, so many at a time, as a control plane would. */
async function each<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const i = next++;
      results[i] = await work(i);
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
  return results;
}

const parameters = (sessionId: number): SessionPlaneParameters => ({
  name: "scale",
  pseudowire: "eth",
  sessionId,
  peerSessionId: sessionId,
  cookie: new Uint8Array(),
  peerCookie: new Uint8Array(),
  l2SpecificSublayer: "none",
  sendSequence: false,
  receiveSequence: false,
  reorderMs: 0,
  interface: { up: false },
});

export default function suite({ describe, test }: SuiteApi): void {
  describe(`${TUNNELS} tunnels of ${SESSIONS} sessions`, () => {
    test("are created, listed and deleted, and most ticks of the event loop come in time", async () => {
      const lab = new Lab();
      const watch = new LoopWatch();
      const plane = await LinuxDataPlane.create({ stateDirectory: false, reconcileMs: 5_000 });
      const local = { family: 4, address: lab.a.address(4), port: 1701 } as const;
      const wire = await plane.open({ encapsulation: "udp", local, namespace: lab.a.path }, () => {});
      // What is used for the first time is loaded and compiled first.
      for (let i = 0; i < 20; i++) {
        const peer = { family: 4, address: lab.b.address(4), port: 1 + i } as const;
        const tunnel = await wire.createTunnel({ version: 3, tunnelId: 60_000 + i, peerTunnelId: 1, peer });
        for (let j = 0; j < 5; j++) await tunnel.createSession(parameters(600_000 + i * 5 + j));
        await wire.statistics({ row: () => {} });
        await tunnel[Symbol.asyncDispose]();
      }
      let slow = slowness();
      const memory = process.memoryUsage().rss;
      const lateness: Record<string, ReturnType<LoopWatch["take"]>> = {};
      const took: Record<string, number> = {};
      const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
        watch.take();
        const start = performance.now();
        const result = await work();
        took[name] = performance.now() - start;
        lateness[name] = watch.take();
        return result;
      };

      const tunnels = await step("create tunnels", () =>
        each(TUNNELS, (i): Promise<TunnelPlane> => {
          const peer = { family: 4, address: lab.b.address(4), port: 2_000 + i } as const;
          return wire.createTunnel({ version: 3, tunnelId: i + 1, peerTunnelId: i + 1, peer });
        }),
      );
      const sessions = await step("create sessions", () =>
        each(TUNNELS * SESSIONS, (i): Promise<SessionPlane> => {
          return (tunnels[Math.floor(i / SESSIONS)] as TunnelPlane).createSession(parameters(i + 1));
        }),
      );
      expect(sessions).toHaveLength(TUNNELS * SESSIONS);
      const seen = new Set<number>();
      await step("statistics", () =>
        wire.statistics({ row: (row: SessionStatistics) => seen.add(row.sessionId) }),
      );
      expect(seen.size).toBe(TUNNELS * SESSIONS);
      const grown = (process.memoryUsage().rss - memory) / TUNNELS / SESSIONS / 1024;
      await step("delete", () => each(TUNNELS, (i) => Promise.resolve(tunnels[i]?.[Symbol.asyncDispose]())));
      const left = await lab.a.execute("ip", "l2tp", "show", "session");
      expect(left.output.trim().slice(0, 100)).toBe("");
      watch.stop();
      slow = Math.max(slow, slowness());
      await plane[Symbol.asyncDispose]();

      const batch = COMPARE ? await ipBatch(lab) : { create: Number.NaN, remove: Number.NaN };
      lab[Symbol.dispose]();
      const count = TUNNELS * (SESSIONS + 1);
      const per = (ms: number) => `${((ms * 1000) / count).toFixed(0)} µs`;
      const create = (took["create tunnels"] ?? 0) + (took["create sessions"] ?? 0);
      process.stdout.write(
        `@@scale ${TUNNELS} tunnels of ${SESSIONS} sessions: create ${per(create)} each (ip -batch: ${per(batch.create)}), ` +
          `delete ${per(took["delete"] ?? 0)} (ip -batch: ${per(batch.remove)}), statistics of all in ` +
          `${Math.round(took["statistics"] ?? 0)} ms, ${grown.toFixed(1)} KiB a session, the machine is ${slow.toFixed(1)} times slower than at its best, event loop held up for at most ` +
          `${JSON.stringify(lateness)} ms\n`,
      );
      const allowed = Math.round(HELD_UP_MS * slow);
      for (const [name, { half }] of Object.entries(lateness)) {
        const verdict = half <= allowed ? "in time" : `held up for ${half} ms, ${allowed} allowed`;
        expect(`${name}: ${verdict}`).toBe(`${name}: in time`);
      }
    }, 500_000);
  });
}

/** The same by iproute2. */
async function ipBatch(lab: Lab): Promise<{ create: number; remove: number }> {
  const create: string[] = [];
  const remove: string[] = [];
  const at = `local ${lab.a.address(4)} remote ${lab.b.address(4)}`;
  for (let t = 1; t <= TUNNELS; t++) {
    const ports = `udp_sport ${10_000 + t} udp_dport ${2_000 + t}`;
    create.push(`l2tp add tunnel tunnel_id ${t} peer_tunnel_id ${t} encap udp ${at} ${ports}`);
    for (let s = 1; s <= SESSIONS; s++) {
      create.push(
        `l2tp add session tunnel_id ${t} session_id ${t * SESSIONS + s} peer_session_id ${s} l2spec_type none`,
      );
    }
    remove.push(`l2tp del tunnel tunnel_id ${t}`);
  }
  const run = async (lines: readonly string[]): Promise<number> => {
    writeFileSync("/tmp/batch", `${lines.join("\n")}\n`);
    const start = performance.now();
    const child = lab.a.run(() => spawn("ip", ["-batch", "/tmp/batch"], { stdio: "inherit" }));
    const code = await new Promise((done) => child.once("close", done));
    if (code !== 0) throw new Error(`ip -batch ended with ${code}`);
    return performance.now() - start;
  };
  const created = await run(create);
  const start = performance.now();
  await run(remove);
  // As ours: until they are gone.
  for (;;) {
    const { output } = await lab.a.execute("ip", "l2tp", "show", "tunnel");
    if (output.trim() === "") break;
  }
  return { create: created, remove: performance.now() - start };
}

/**
 * Large numbers, in the virtual machine: they work, and the event loop does them in short turns. How fast that is, beside
 * `ip l2tp` in batch mode, is `npm run bench -- kernel`.
 */
import type { SessionPlane, SessionStatistics, TunnelPlane } from "@l2tp/dataplane";
import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import { Lab } from "@l2tp/lab";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { type LoopReport, LoopWatch } from "@l2tp/testing/loop-watch";
import { plainEthernet } from "./plain-ethernet.ts";

const TUNNELS = 100;
const SESSIONS = 10;
/** What a turn may take in an emulated machine, ten times slower than a real one: 35 ms were seen, 328 without the pacer. */
const TURN_MS = 100;
const SPINS = 200;
/** The list is read so often: once takes a few turns, of which one that the host held up would be most of the time. */
const LISTS = 10;

/**
 * How many times slower than at its best this processor runs now: what the host takes from the guest behind its back
 * counts as the guest's own time. A loop that only counts sees it; 1 on a host with nothing else to do.
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

/** Does something for each, all in one breath: what begins when is the data plane's business. */
const each = <T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => work(i)));

export default function suite({ describe, test }: SuiteApi): void {
  describe(`${TUNNELS} tunnels of ${SESSIONS} sessions`, () => {
    test("are created, listed and deleted, and the event loop does it in short turns", async () => {
      const lab = new Lab();
      const watch = new LoopWatch();
      const plane = await LinuxDataPlane.create({ stateDirectory: false, reconcileMs: 5_000 });
      const local = { family: 4, address: lab.a.address(4), port: 1701 } as const;
      const wire = await plane.open({ encapsulation: "udp", local, namespace: lab.a.path }, () => {});
      // What is used for the first time is loaded and compiled first.
      for (let i = 0; i < 20; i++) {
        const peer = { family: 4, address: lab.b.address(4), port: 1 + i } as const;
        const tunnel = await wire.createTunnel({ version: 3, tunnelId: 60_000 + i, peerTunnelId: 1, peer });
        for (let j = 0; j < 5; j++) await tunnel.createSession(plainEthernet(600_000 + i * 5 + j));
        await wire.statistics({ row: () => {} });
        await tunnel[Symbol.asyncDispose]();
      }
      let slow = slowness();
      const memory = process.memoryUsage().rss;
      const loop: Record<string, LoopReport> = {};
      const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
        await watch.start();
        const result = await work();
        loop[name] = watch.report();
        // A host may be slow for a while.
        slow = Math.max(slow, slowness());
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
          return (tunnels[Math.floor(i / SESSIONS)] as TunnelPlane).createSession(plainEthernet(i + 1));
        }),
      );
      expect(sessions).toHaveLength(TUNNELS * SESSIONS);
      const seen: number[] = [];
      await step("statistics", async () => {
        for (let list = 0; list < LISTS; list++) {
          seen.length = 0;
          await wire.statistics({ row: (row: SessionStatistics) => seen.push(row.sessionId) });
        }
      });
      expect(seen).toHaveLength(TUNNELS * SESSIONS);
      expect(new Set(seen).size).toBe(TUNNELS * SESSIONS);
      const grown = (process.memoryUsage().rss - memory) / TUNNELS / SESSIONS / 1024;
      await step("delete", () => each(TUNNELS, (i) => Promise.resolve(tunnels[i]?.[Symbol.asyncDispose]())));
      const left = await lab.a.execute("ip", "l2tp", "show", "session");
      expect(left.output.trim().slice(0, 100)).toBe("");
      await plane[Symbol.asyncDispose]();
      watch.stop();
      lab[Symbol.dispose]();
      const most = Math.round(TURN_MS * slow);
      for (const [name, { ranMostly }] of Object.entries(loop)) {
        const verdict = ranMostly <= most ? "in short turns" : `in turns of ${ranMostly} ms, ${most} allowed`;
        const all = `${grown.toFixed(1)} KiB a session, ${slow.toFixed(1)} times slower: ${JSON.stringify(loop)}`;
        expect(`${name}: ${verdict}; ${all}`).toBe(`${name}: in short turns; ${all}`);
      }
    }, 500_000);
  });
}

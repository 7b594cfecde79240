/**
 * What the kernel's data plane costs in large numbers, measured inside the virtual machine beside `ip l2tp` in batch mode,
 * round by round; prints one line of JSON a round. Started by `suites/kernel.ts`.
 */
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { TunnelPlane } from "@l2tp/dataplane";
import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import { Site } from "@l2tp/lab";
import { type LoopReport, LoopWatch } from "@l2tp/testing/loop-watch";
import { plainEthernet } from "../packages/dataplane-linux/test/plain-ethernet.ts";
import { KERNEL_LINE, type KernelRound, type Steps } from "./kernel-round.ts";

const TUNNELS = 1_000;
const SESSIONS = 10;
const ROUNDS = Number(process.argv[2] ?? 1);
/** Asked for at the same time, as a control plane would. */
const AT_A_TIME = 64;
const LOCAL = "192.0.2.1";
const PEER = "192.0.2.2";
const PEER_PORT = 2_000;

async function each<T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const i = next++;
      results[i] = await work(i);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  return results;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** Times a step, and watches the event loop meanwhile. */
async function watched(work: () => Promise<unknown>, into: LoopReport[]): Promise<number> {
  await watch.start();
  const took = await timed(work);
  into.push(watch.report());
  return took;
}

/** Ours: until everything is there, or gone. */
async function ours(site: Site, tunnels: number): Promise<Omit<KernelRound, "ip" | "ipLoop">> {
  await using plane = await LinuxDataPlane.create({ stateDirectory: false });
  const local = { family: 4, address: LOCAL, port: 1701 } as const;
  const wire = await plane.open({ encapsulation: "udp", local, namespace: site.path }, () => {});
  const loop: LoopReport[] = [];
  const before = process.memoryUsage().rss;
  let made: TunnelPlane[] = [];
  let listed = 0;
  const create = await watched(async () => {
    made = await each(tunnels, (i) =>
      wire.createTunnel({
        version: 3,
        tunnelId: i + 1,
        peerTunnelId: i + 1,
        peer: { family: 4, address: PEER, port: PEER_PORT + i },
      }),
    );
    await each(tunnels * SESSIONS, (i) =>
      (made[Math.floor(i / SESSIONS)] as TunnelPlane).createSession(plainEthernet(i + 1)),
    );
  }, loop);
  const list = await watched(() => wire.statistics({ row: () => void listed++ }), loop);
  const octets = process.memoryUsage().rss - before;
  const remove = await watched(() => each(tunnels, async (i) => made[i]?.[Symbol.asyncDispose]()), loop);
  if (listed !== tunnels * SESSIONS) throw new Error(`${listed} sessions were listed`);
  return {
    tunnels,
    sessions: SESSIONS,
    ours: { create, list, remove },
    octetsPerSession: octets / (tunnels * SESSIONS),
    loop,
  };
}

/** @param into - how the event loop fares that has nothing to do but to watch; not while the program is started. */
async function ip(site: Site, lines: readonly string[], into: LoopReport[] = []): Promise<string> {
  writeFileSync("/tmp/l2tp-bench", `${lines.join("\n")}\n`);
  const child = site.namespace.run(() =>
    spawn("ip", ["-batch", "/tmp/l2tp-bench"], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  let output = "";
  child.stdout?.on("data", (text: Buffer) => {
    output += text.toString();
  });
  await watch.start();
  const code = await new Promise((done) => child.once("close", done));
  into.push(watch.report());
  if (code !== 0) throw new Error(`ip -batch ended with ${code}`);
  return output;
}

/** iproute2: one process for each step, and as ours until everything is gone. */
async function iproute2(site: Site, tunnels: number): Promise<Pick<KernelRound, "ip" | "ipLoop">> {
  const ipLoop: LoopReport[] = [];
  const create: string[] = [];
  const remove: string[] = [];
  for (let t = 1; t <= tunnels; t++) {
    const at = `local ${LOCAL} remote ${PEER} udp_sport ${10_000 + t} udp_dport ${PEER_PORT + t}`;
    create.push(`l2tp add tunnel tunnel_id ${t} peer_tunnel_id ${t} encap udp ${at}`);
    for (let s = 1; s <= SESSIONS; s++) {
      const id = t * SESSIONS + s;
      create.push(`l2tp add session tunnel_id ${t} session_id ${id} peer_session_id ${id} l2spec_type none`);
    }
    remove.push(`l2tp del tunnel tunnel_id ${t}`);
  }
  const steps: Steps = {
    create: await timed(() => ip(site, create, ipLoop)),
    list: await timed(() => ip(site, ["l2tp show session"])),
    remove: await timed(async () => {
      await ip(site, remove, ipLoop);
      while ((await ip(site, ["l2tp show tunnel"], ipLoop)).trim() !== "") {
        // Not gone yet.
      }
    }),
  };
  return { ip: steps, ipLoop };
}

const watch = new LoopWatch();
using a = new Site("A");
using b = new Site("B");
a.cable("wan0", LOCAL, b, PEER);
// What is used for the first time is loaded and compiled first.
await ours(a, Math.min(TUNNELS, 20));
for (let round = 0; round < ROUNDS; round++) {
  const figures: KernelRound = { ...(await ours(a, TUNNELS)), ...(await iproute2(a, TUNNELS)) };
  process.stdout.write(`${KERNEL_LINE}${JSON.stringify(figures)}\n`);
}
process.exit(0);

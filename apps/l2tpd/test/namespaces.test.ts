/** The real daemon on the real data plane, in network namespaces made for the test. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { link, nlabi, runNetlink } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import { type End, readEnds } from "../src/demo/ends.ts";
import type { ProbeReport } from "../src/demo/probe.ts";
import { buildScene, type Scene } from "../src/demo/scene.ts";
import { l2tpd, type Running } from "./under-test.ts";

/** A daemon in one of the scene's namespaces, as anybody would start it. */
function daemon(scene: Scene, at: 0 | 1, { file }: End, ...more: string[]): Running {
  return l2tpd.start(["--config", file, "--no-socket", "--netns", "/proc/self/fd/3", ...more], {
    stdio: ["ignore", "ignore", "pipe", scene.namespaces[at].fd],
  });
}

/** Pings for ever; `replies` counts. */
function pinger(scene: Scene, to: string): Running & { replies: number } {
  const probe = l2tpd.start(["demo-probe", "--netns", "/proc/self/fd/4", "ping", to], {
    stdio: ["ignore", "ignore", "inherit", "ipc", scene.namespaces[0].fd],
  }) as Running & { replies: number };
  probe.replies = 0;
  probe.process.on("message", (report: ProbeReport) => {
    if (report.type === "ping" && report.rttMs !== undefined) probe.replies += 1;
  });
  return probe;
}

/** Waits until `count` more replies have come. */
async function moreReplies(probe: { replies: number }, count: number): Promise<void> {
  const wanted = probe.replies + count;
  const until = performance.now() + 60_000;
  while (probe.replies < wanted) {
    if (performance.now() > until)
      throw new Error(`${wanted - probe.replies} of ${count} replies did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const interfaces = (scene: Scene, at: 0 | 1): string[] =>
  runNetlink(nlabi.NETLINK_ROUTE, link.list(), { namespace: scene.namespaces[at].fd })
    .map(({ name }) => name)
    .filter((name) => !/^(ifb|tunl|sit|ip6|gre|erspan|teql)/.test(name)) // some kernels put these into each namespace
    .sort();

/** The MAC address of an interface, as `ip link` shows it. */
const macOf = (scene: Scene, at: 0 | 1, name: string): string => {
  const found = runNetlink(nlabi.NETLINK_ROUTE, link.get({ name }), { namespace: scene.namespaces[at].fd });
  return String(found.address);
};

/** Processes that run the program under test. */
function survivors(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words.includes(l2tpd.script) ? [words.join(" ")] : [];
      } catch {
        return [];
      }
    });
}

needs(
  "linux",
  "root",
  "tun",
)("two daemons carry pings; SIGTERM ends each with 0, in time, and leaves nothing", async () => {
  const [a, b] = readEnds();
  using scene = buildScene([a, b]);
  await using atA = daemon(scene, 0, a);
  await using atB = daemon(scene, 1, b);
  await Promise.all([atA.line(/session lan is up on l2tpeth0/), atB.line(/session lan is up on l2tpeth0/)]);
  await using ping = pinger(scene, b.inner.address);
  await moreReplies(ping, 3);
  expect(interfaces(scene, 0)).toEqual(["l2tpeth0", "lo", "wan0"]);
  atA.process.kill("SIGUSR1");
  await atA.line(/^ {2}session lan .* on l2tpeth0, MTU \d+: up for/);
  await atA.line(/^ {4}sent [1-9]\d* packets/);
  await atA.line(/^ {2}Hello \d+ sent, /);
  await atA.line(/^ {2}udp-gso/);
  expect(await Promise.all([atA.stop("SIGTERM"), atB.stop("SIGTERM")])).toEqual([0, 0]);
  expect([interfaces(scene, 0), interfaces(scene, 1)]).toEqual([
    ["lo", "wan0"],
    ["lo", "wan0"],
  ]);
});

needs(
  "linux",
  "root",
  "tun",
)("kill -9 under traffic: nothing is left, and after a new start traffic flows again", async () => {
  const [a, b] = readEnds();
  using scene = buildScene([a, b]);
  await using atB = daemon(scene, 1, b);
  await using ping = pinger(scene, b.inner.address);
  for (let life = 1; life <= 3; life++) {
    await using atA = daemon(scene, 0, a);
    await atA.line(/session lan is up/);
    await moreReplies(ping, 2);
    expect(await atA.stop("SIGKILL")).toBe("SIGKILL");
    expect(interfaces(scene, 0)).toEqual(["lo", "wan0"]);
  }
  // It was back each time before anybody missed it: the other end never came down.
  expect(atB.lines.filter((line) => /tunnel site-a .*is down/.test(line))).toEqual([]);
  expect(atB.lines.filter((line) => /began anew/.test(line)).length).toBeGreaterThanOrEqual(1);
  expect(await atB.stop()).toBe(0);
});

needs(
  "linux",
  "root",
  "tun",
)(
  "killed and started again at the end that is pinged, it is reached at once: its interface has the same MAC address",
  async () => {
    const [a, b] = readEnds();
    using scene = buildScene([a, b]);
    await using atA = daemon(scene, 0, a);
    await using ping = pinger(scene, b.inner.address);
    await atA.line(/begins/);
    const macs = new Set<string>();
    for (let life = 1; life <= 3; life++) {
      await using atB = daemon(scene, 1, b);
      await atB.line(/session lan is up/);
      macs.add(macOf(scene, 1, "l2tpeth0"));
      // Whoever has the MAC address of the life before in his ARP cache reaches this one.
      expect(macs.size).toBe(1);
      await moreReplies(ping, 2);
      await atB.stop("SIGKILL");
    }
  },
);

needs(
  "linux",
  "root",
  "tun",
)("an interface that somebody deletes comes back, with the reason in the log", async () => {
  const [a, b] = readEnds();
  using scene = buildScene([a, b]);
  await using atA = daemon(scene, 0, a);
  await using atB = daemon(scene, 1, b);
  await Promise.all([atA.line(/session lan is up/), atB.line(/session lan is up/)]);
  const from = atA.lines.length;
  runNetlink(nlabi.NETLINK_ROUTE, link.remove({ name: "l2tpeth0" }), { namespace: scene.namespaces[0].fd });
  await atA.line(/session lan is down: its interface is gone/, { from });
  await atA.line(/session lan is up on l2tpeth0/, { from });
  await using ping = pinger(scene, b.inner.address);
  await moreReplies(ping, 2);
});

type Run = { status: number | null; stdout: string; stderr: string };

function showsABridge(run: Run): void {
  expect(run, run.stdout + run.stderr).toMatchObject({ status: 0 });
  expect(run.stdout).toMatch(/site A: session lan is up on l2tpeth0/);
  expect(run.stdout).toMatch(/5 sent, 5 received, 0 lost/);
  expect(run.stdout).toMatch(/TCP: [\d.]+ [GM]bit\/s/);
  expect(run.stdout).toMatch(/packets received +[\d,]{2,} +[\d,]{4,}/);
  expect(survivors()).toEqual([]);
}

function showsPpp(run: Run): void {
  expect(run, run.stdout + run.stderr).toMatchObject({ status: 0 });
  expect(run.stdout).toMatch(/LAC: session alice is up on ppp-alice/);
  expect(run.stdout).toMatch(/LNS: session .* is up on l2tpppp0 for bob/);
  for (const way of ["LAC → LNS \\(bob\\)", "LNS → LAC \\(alice\\)"]) {
    expect(run.stdout).toMatch(new RegExp(`ping ${way}: 5 sent, 5 received, 0 lost`));
    expect(run.stdout).toMatch(new RegExp(`TCP ${way}: [\\d.]+ [GM]bit/s`));
  }
  expect(run.stdout).toMatch(/^ {2}alice +ppp-alice +10\.64\.1\.2 +10\.64\.1\.1 /m);
  expect(run.stdout).toMatch(/^ {2}bob +ppp-bob +10\.64\.2\.2 +10\.64\.2\.1 /m);
  expect(survivors()).toEqual([]);
}

needs(
  "linux",
  "root",
  "tun",
)("demo --once as root shows PPP, pings and throughput both ways, ends with 0, and leaves nothing", () => {
  // A folder that other tests do not use meanwhile.
  const temporary = mkdtempSync(join(tmpdir(), "l2tpd-namespaces-"));
  const before = readdirSync("/sys/class/net");
  showsPpp(l2tpd.runIn(temporary, "demo", "--once", "--seconds", "1"));
  expect(readdirSync("/sys/class/net")).toEqual(before);
  // It is empty, or this throws.
  rmdirSync(temporary);
});

needs(
  "linux",
  "root",
  "tun",
)("demo ethernet --once shows a bridge with its counters, ends with 0, and leaves nothing", () => {
  const before = readdirSync("/sys/class/net");
  showsABridge(l2tpd.run("demo", "ethernet", "--once", "--seconds", "1"));
  expect(readdirSync("/sys/class/net")).toEqual(before);
});

needs(
  "linux",
  "user-namespace",
  "tun",
)("demo --once starts again in a user namespace where it may make none", () => {
  // As root, CAP_SYS_ADMIN is what an ordinary user lacks.
  const asUser =
    process.getuid?.() === 0 ? ["setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-all"] : [];
  const [command = "", ...args] = [
    ...asUser,
    process.execPath,
    l2tpd.script,
    "demo",
    "--once",
    "--seconds",
    "1",
  ];
  const run = spawnSync(command, args, { encoding: "utf8" });
  expect(run.stderr).toContain("starting again in a user namespace");
  showsPpp(run);
});

/** As root without the privileges that matter, and without programs. */
function unprivileged(...args: string[]): Run {
  const drop = ["--bounding-set", "-sys_admin,-net_admin", "--inh-caps", "-all"];
  const program = ["env", "PATH=/nonexistent", process.execPath, l2tpd.script, ...args];
  return spawnSync("setpriv", [...drop, ...program], { encoding: "utf8" });
}

needs("linux", "root", "tun", { tool: "setpriv" })(
  "where no namespaces are to be had the bridge says why and what to do, and ends with 77",
  () => {
    const run = unprivileged("demo", "ethernet", "--once");
    expect(run.status).toBe(77);
    expect(run.stderr).toMatch(/network namespaces cannot be made here: .*EPERM/);
    expect(run.stderr).toContain("install util-linux");
    expect(run.stderr).toContain("Run it as root");
  },
);

needs("linux", "root", { tool: "setpriv" })(
  "and PPP is shown in one process, without any privilege, after saying why",
  () => {
    const run = unprivileged("demo", "--once", "--seconds", "1");
    expect(run, run.stdout + run.stderr).toMatchObject({ status: 0 });
    expect(run.stdout).toMatch(/^Without interfaces: network namespaces cannot be made here: .*EPERM/);
    for (const way of ["LAC → LNS \\(bob\\)", "LNS → LAC \\(alice\\)"]) {
      expect(run.stdout).toMatch(new RegExp(`ping ${way}: 5 sent, 5 received, 0 lost`));
      expect(run.stdout).toMatch(new RegExp(`packets ${way}: [\\d.]+ [GM]bit/s`));
    }
  },
);

needs(
  "linux",
  "root",
  "tun",
)("demo takes everything down on SIGTERM, and even SIGKILL leaves no process", async () => {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    await using demo = l2tpd.start(["demo"], { stdio: ["ignore", "pipe", "pipe"] });
    await demo.line(/session alice is up/);
    expect(await demo.stop(signal)).toBe(signal === "SIGTERM" ? 75 : "SIGKILL");
    const until = performance.now() + 10_000;
    while (survivors().length > 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 50));
    expect(survivors()).toEqual([]);
  }
});

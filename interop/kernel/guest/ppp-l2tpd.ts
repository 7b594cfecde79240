/** Two l2tpd, each with a document, a PPP session and a pppd, in two sites of the virtual machine. */
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { OUTER } from "../combinations.ts";
import { KernelSites } from "./sites.ts";

const PATIENCE_MS = 90_000;

async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  more: () => string,
): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${PATIENCE_MS} ms: ${what}; ${more()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A daemon and what it has said. */
interface Daemon {
  readonly process: ChildProcess;
  readonly ended: Promise<number | null>;
  said(): string;
}

export default function suite({ test, beforeAll, afterAll }: SuiteApi): void {
  const ids = { a: { tid: 7, sid: 71 }, b: { tid: 8, sid: 81 } };
  const inner = { a: "10.99.3.1", b: "10.99.3.2" };
  let sites: KernelSites;
  const daemons: Partial<Record<"a" | "b", Daemon>> = {};

  function start(side: "a" | "b", options: string): Daemon {
    const other = side === "a" ? "b" : "a";
    const file = `/tmp/${side}.toml`;
    writeFileSync(
      file,
      `[daemon]
retry_initial = 500
[tunnel.line]
version = "l2tpv2"
mode = "static"
local = "${OUTER[4][side]}:1701"
peer = "${OUTER[4][other]}:1701"
tid = ${ids[side].tid}
ptid = ${ids[other].tid}
[tunnel.line.session.ppp]
pseudowire = "ppp"
sid = ${ids[side].sid}
psid = ${ids[other].sid}
${options}
`,
    );
    const here = dirname(process.argv[1] as string);
    // Where the daemon looks for its version: a folder above its script.
    writeFileSync(join(here, "..", "package.json"), '{ "type": "module", "version": "0.0.0" }');
    const args = [join(here, "l2tpd.js"), "--config", file, "--data-plane", "linux"];
    const child = sites[side].start(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] });
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    const daemon = { process: child, ended, said: () => text };
    daemons[side] = daemon;
    return daemon;
  }

  beforeAll(() => {
    sites = new KernelSites();
  });
  afterAll(() => {
    for (const daemon of Object.values(daemons)) daemon.process.kill("SIGKILL");
    sites[Symbol.dispose]();
  });

  test("pppd_args and pppd_options bring PPP up; pppd that dies is explained and comes back; SIGTERM leaves nothing", async () => {
    writeFileSync("/tmp/line-options", `# for tests\nnoauth\n${inner.b}:${inner.a}\n`);
    const a = start("a", `interface_name = "wan9"\npppd_options = ["noauth", "${inner.a}:${inner.b}"]`);
    const b = start("b", 'pppd_args = "/tmp/line-options"');
    const both = () => `a: ${a.said()}\nb: ${b.said()}`;
    const count = (pattern: RegExp) => [...a.said().matchAll(pattern)].length;
    const up = /session ppp: wan9 has 10\.99\.3\.1 \(peer 10\.99\.3\.2\)/g;
    await until("addresses are negotiated", () => count(up) > 0 && b.said().includes(`has ${inner.b}`), both);
    expect(a.said()).toMatch(/session ppp is up on wan9, MTU 1462/);
    expect(a.said()).toContain("tunnel 7, session 71: pppd: Using interface wan9");
    // An end has its addresses a moment before packets pass, and may be up before the other.
    const answers = async (...options: string[]) =>
      (await sites.a.execute("ping", "-c", "1", "-W", "3", ...options, inner.b)).code === 0;
    await until("a packet of just the MTU is answered", () => answers("-s", "1434", "-M", "do"), both);

    const before = count(up);
    const { output } = await sites.a.execute("pgrep", "-f", "pppol2tp_session_id 71 ");
    process.kill(Number(output.split("\n")[0]), "SIGKILL");
    await until("it is back", () => count(up) > before, both);
    expect(a.said()).toMatch(/session ppp is down: pppd was killed by SIGKILL/);
    await until("the other end is back, too", () => answers(), both);

    for (const daemon of [a, b]) daemon.process.kill("SIGTERM");
    expect(await Promise.all([a.ended, b.ended])).toEqual([0, 0]);
    for (const site of [sites.a, sites.b]) expect(site.interfaces()).toEqual(["lo", "wan0"]);
    expect((await sites.a.execute("pgrep", "-c", "pppd")).output.trim()).toBe("0");
    expect((await sites.a.execute("ip", "l2tp", "show", "tunnel")).output).toBe("");
  }, 300_000);
}

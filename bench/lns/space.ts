/** A network namespace with a loopback of its own, where one LNS and its load are alone; and the processes in it. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuSeconds, ip, sleep } from "../dataplane/lab.ts";

/** What has to go when the benchmark is interrupted. */
const live = new Set<Space>();
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.on(signal, () => {
    for (const space of live) space.abandon();
    process.exit(code);
  });
}

export class Space implements AsyncDisposable {
  readonly name: string;
  /** For configurations and logs. */
  readonly folder: string;
  readonly #children = new Set<ChildProcess>();

  constructor(name: string) {
    this.name = `l2tplns${process.pid}${name}`;
    this.folder = mkdtempSync(join(tmpdir(), `l2tp-bench-${name}-`));
    ip("netns", "add", this.name);
    live.add(this);
    ip("-n", this.name, "link", "set", "lo", "up");
    // Room for thousands of source addresses, and an address that is not loopback for peers that want one.
    ip("-n", this.name, "addr", "add", "10.97.0.1/16", "dev", "lo");
  }

  /** Starts a program in the namespace; its output is kept for when it fails. */
  start(command: string, ...args: string[]): Program {
    const child = spawn("ip", ["netns", "exec", this.name, command, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      // A process group of its own: xl2tpd signals its whole group at times.
      detached: true,
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return new Program(child, command);
  }

  /** Runs a program in the namespace to its end. @returns what it printed. */
  async run(command: string, ...args: string[]): Promise<string> {
    const program = this.start(command, ...args);
    await program.exited;
    return program.output;
  }

  /** At once, without waiting for anybody. */
  abandon(): void {
    for (const child of this.#children) child.kill("SIGKILL");
    ip("netns", "del", this.name);
    rmSync(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    live.delete(this);
    for (const child of this.#children) child.kill("SIGTERM");
    for (let n = 0; n < 50 && this.#children.size > 0; n++) await sleep(100);
    for (const child of this.#children) child.kill("SIGKILL");
    ip("netns", "del", this.name);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A program that runs, and what it and those it has started use. */
export class Program {
  readonly #child: ChildProcess;
  readonly name: string;
  readonly exited: Promise<number | null>;
  hasEnded = false;
  output = "";
  errors = "";

  constructor(child: ChildProcess, name: string) {
    this.#child = child;
    this.name = name;
    this.exited = new Promise((done) => {
      child.once("close", done);
      child.once("exit", (code) => {
        this.hasEnded = true;
        // What it has started may live on for a while, and hold its output open.
        setTimeout(() => done(code), 500);
      });
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      this.output += chunk.toString();
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString()).slice(-20_000);
    });
  }

  /** `ip netns exec` and `sh -c exec` become what they start, so its number is the program's own. */
  get pid(): number {
    return this.#child.pid as number;
  }

  /** Processor time of the program and of its children that live, in seconds. */
  cpu(): number {
    return cpuSeconds([this.pid, ...children(this.pid)]);
  }

  /** Resident memory of the program itself, in octets. */
  memory(): number {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, "utf8"))?.[1];
    return Number(kilobytes) * 1_024;
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    await this.exited;
    clearTimeout(timer);
  }
}

function children(of: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === of;
      } catch {
        return false; // it has ended meanwhile
      }
    })
    .map(Number);
}

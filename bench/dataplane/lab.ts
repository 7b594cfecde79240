/**
 * Two network namespaces joined by a veth pair, programs started inside them, and what is measured there.
 * The benchmark may run `ip` and `iperf3`; the product never does.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("..", import.meta.url));

/** One end: its namespace, its address outside and inside the tunnel. */
export interface End {
  readonly namespace: string;
  readonly outer: string;
  readonly inner: string;
}

/**
 * CPU seconds (user and system) of processes, with all their threads: the scheduler's nanoseconds, as the ticks of
 * /proc/PID/stat (10 ms) are a tenth of what a short load takes.
 */
export function cpuSeconds(pids: readonly number[]): number {
  let nanoseconds = 0;
  for (const pid of pids) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
  }
  return nanoseconds / 1e9;
}

/** Builds a C reference of bench/reference with gcc and returns where it is. */
export function buildReference(name: string, ...flags: string[]): string {
  mkdirSync(`${folder}build`, { recursive: true });
  const output = `${folder}build/${name}`;
  execFileSync("gcc", ["-O2", "-Wall", ...flags, "-o", output, `${folder}reference/${name}.c`], {
    stdio: "pipe",
  });
  return output;
}

export function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

export const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** What a TCP run gave. */
export interface TcpRun {
  readonly gbitPerSecond: number;
  readonly gigabytes: number;
}

export class Lab implements Disposable {
  readonly a: End;
  readonly b: End;
  readonly #children = new Set<ChildProcess>();

  constructor() {
    const prefix = `l2tpbench${process.pid}`;
    this.a = { namespace: `${prefix}a`, outer: "10.99.0.1", inner: "10.98.0.1" };
    this.b = { namespace: `${prefix}b`, outer: "10.99.0.2", inner: "10.98.0.2" };
    for (const end of this.ends) ip("netns", "add", end.namespace);
    ip(
      "link",
      "add",
      "wire",
      "netns",
      this.a.namespace,
      "type",
      "veth",
      "peer",
      "name",
      "wire",
      "netns",
      this.b.namespace,
    );
    for (const end of this.ends) {
      ip("-n", end.namespace, "addr", "add", `${end.outer}/24`, "dev", "wire");
      ip("-n", end.namespace, "link", "set", "wire", "up");
      ip("-n", end.namespace, "link", "set", "lo", "up");
    }
  }

  get ends(): readonly End[] {
    return [this.a, this.b];
  }

  /** Starts a program in a namespace and waits until a line of its output matches `ready`. */
  async start(
    end: End,
    ready: RegExp,
    command: string,
    ...args: string[]
  ): Promise<ChildProcess & { pid: number }> {
    const child = spawn("ip", ["netns", "exec", end.namespace, command, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    let output = "";
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${command} did not get ready:\n${output}`)), 30_000);
      const take = (chunk: Buffer) => {
        output += chunk.toString();
        if (!ready.test(output)) return;
        clearTimeout(timer);
        resolve();
      };
      child.stdout?.on("data", take);
      child.stderr?.on("data", take);
      child.once("exit", (code) => {
        this.#children.delete(child);
        clearTimeout(timer);
        reject(new Error(`${command} ended with ${code}:\n${output}`));
      });
    });
    return child as ChildProcess & { pid: number };
  }

  /** Ends a program that {@link start} started and waits for it. */
  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((done) => child.once("exit", done));
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 5_000);
    await gone;
    clearTimeout(timer);
  }

  /** Runs a program in a namespace to its end and returns what it printed. */
  async run(end: End, command: string, ...args: string[]): Promise<string> {
    const child = spawn("ip", ["netns", "exec", end.namespace, command, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#children.add(child);
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const code = await new Promise<number | null>((done) => child.once("exit", done));
    this.#children.delete(child);
    if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}`);
    return output;
  }

  /** Waits until `to` answers a ping from A. */
  async reachable(to: string): Promise<void> {
    for (let i = 0; ; i++) {
      try {
        await this.run(this.a, "ping", "-q", "-c", "1", "-W", "1", to);
        return;
      } catch (error) {
        if (i === 20) throw error;
        await sleep(100);
      }
    }
  }

  /** One TCP flow from A to B by iperf3. */
  async tcp(to: string, seconds: number): Promise<TcpRun> {
    const server = await this.start(this.b, /listening/i, "iperf3", "--server", "--one-off", "--forceflush");
    const output = await this.run(this.a, "iperf3", "--client", to, "--time", String(seconds), "--json");
    await this.stop(server);
    const { end } = JSON.parse(output) as {
      end: { sum_received: { bytes: number; bits_per_second: number } };
    };
    return { gbitPerSecond: end.sum_received.bits_per_second / 1e9, gigabytes: end.sum_received.bytes / 1e9 };
  }

  /** A paced UDP load from A to B; returns the packets that arrived. */
  async udp(
    udpload: string,
    to: string,
    octets: number,
    packetsPerSecond: number,
    seconds: number,
  ): Promise<number> {
    const receiver = this.run(this.b, udpload, "receive", "5202", String(seconds + 0.6));
    await sleep(200);
    await this.run(
      this.a,
      udpload,
      "send",
      to,
      "5202",
      String(octets),
      String(packetsPerSecond),
      String(seconds),
    );
    const packets = /packets (\d+)/.exec(await receiver)?.[1];
    return Number(packets);
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill("SIGKILL");
    for (const end of this.ends) ip("netns", "del", end.namespace);
  }
}

/** The processes of the demonstration: daemons and probes, each in one of the two namespaces. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { DaemonState } from "../state.ts";
import type { ProbeReport, ProbeTask } from "./probe.ts";

/** The script that runs now: its children are the same program. */
const SCRIPT = process.argv[1] ?? "";

/** How long a child may take to end by itself. */
const END_MS = 5_000;

const NETNS_BESIDE_PIPES = 3;
const NETNS_BESIDE_IPC = 4;

/** A line of a daemon's log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A child that ends with us: its standard input or its channel closes when we are gone, however we went. */
abstract class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  readonly ended: Promise<number>;

  constructor(child: ChildProcess) {
    this.process = child;
    this.ended = new Promise((resolve) => {
      child.once("exit", (code) => resolve(code ?? 128));
      child.once("error", () => resolve(127));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill("SIGTERM");
    const timer = setTimeout(() => this.process.kill("SIGKILL"), END_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/** A daemon as anybody would start it, but for its namespace. */
export class DaemonChild extends Child {
  /** What it logged, newest last. */
  readonly lines: LogLine[] = [];
  state: DaemonState | undefined;

  /** @param namespace - an open descriptor of the namespace. */
  constructor(config: string, namespace: number) {
    const args = [
      "--config",
      config,
      "--log-format",
      "json",
      "--data-plane",
      "userspace",
      "--no-socket",
      "--until-stdin-ends",
    ];
    super(
      spawn(process.execPath, [SCRIPT, ...args, "--netns", `/proc/self/fd/${NETNS_BESIDE_PIPES}`], {
        stdio: ["pipe", "ignore", "pipe", namespace],
        detached: true, // Ctrl-C is for us: we end the daemons in order
      }),
    );
    if (this.process.stderr) createInterface(this.process.stderr).on("line", (line) => this.#line(line));
  }

  #line(text: string): void {
    const line = parseLine(text);
    if (line.message === "state") this.state = line["state"] as DaemonState;
    else this.lines.push(line);
  }

  /** Asks for the state; {@link state} has it a moment later. */
  askState(): void {
    this.process.kill("SIGUSR1");
  }
}

/** What is no JSON (a crash, a warning of Node) is kept as text. */
function parseLine(text: string): LogLine {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === "object" && line !== null && "message" in line) return line as LogLine;
  } catch {
    // Falls through.
  }
  return { level: "error", message: text };
}

/** See probe.ts. */
export class ProbeChild extends Child {
  constructor(task: ProbeTask, namespace: number, onReport: (report: ProbeReport) => void) {
    super(
      spawn(
        process.execPath,
        [SCRIPT, "demo-probe", "--netns", `/proc/self/fd/${NETNS_BESIDE_IPC}`, ...task],
        { stdio: ["ignore", "ignore", "inherit", "ipc", namespace], detached: true },
      ),
    );
    this.process.on("message", (message) => onReport(message as ProbeReport));
  }
}

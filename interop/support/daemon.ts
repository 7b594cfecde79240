/** Processes of the tests: l2tpd, and the relay. Both end with their standard input. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Site, until } from "@l2tp/lab";
import { built } from "@l2tp/testing/built";
import type { RelayCounters } from "../relay/relay.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FROM_SOURCE = ["--conditions=@l2tp/source", "--import", "tsx"];
const DOCUMENT = "l2tpd.toml";
/** A line that never comes; on a busy machine the start of a process alone may take half of this. */
const PATIENCE_MS = 50_000;
const RELAY = join(ROOT, "interop/relay/main.ts");

/** A line of the daemon's log. */
export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What differs from l2tpd of the sources on the userspace data plane. */
export interface DaemonOptions {
  /** Arguments for Node before l2tpd's own. */
  readonly program?: readonly string[];
  readonly dataPlane?: string;
  /** Megabytes that its heap may grow to; it crashes with more. */
  readonly heapMb?: number;
}

/** l2tpd in a site. */
export class Daemon implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  readonly ended: Promise<End>;
  readonly #site: Pick<Site, "name" | "start">;
  readonly #folder: string;
  readonly #process: ChildProcess;

  /** @param config - TOML */
  constructor(site: Pick<Site, "name" | "start">, config: string, options: DaemonOptions = {}) {
    const { program = [built("l2tpd")], dataPlane = "userspace" } = options;
    this.#site = site;
    this.#folder = mkdtempSync(join(tmpdir(), "l2tp-interop-"));
    const file = join(this.#folder, DOCUMENT);
    writeFileSync(file, config);
    const args = ["--config", file, "--log-format", "json", "--data-plane", dataPlane, "--until-stdin-ends"];
    const heap = options.heapMb === undefined ? [] : [`--max-old-space-size=${options.heapMb}`];
    this.#process = site.start(process.execPath, [...heap, ...program, ...args], {
      cwd: options.program === undefined ? ROOT : tmpdir(),
      stdio: ["pipe", "ignore", "pipe"],
    });
    if (this.#process.stderr) createInterface(this.#process.stderr).on("line", (line) => this.#line(line));
    this.ended = new Promise((resolve) => {
      this.#process.once("exit", (code, signal) => resolve({ code, signal }));
    });
  }

  /** The lines that say this, from `since` on. */
  said(what: RegExp, since = 0): LogLine[] {
    return this.lines.slice(since).filter(({ message }) => what.test(message));
  }

  /** Waits for a line, from `since` on. @throws Error with the log, when it does not come */
  async says(what: RegExp, { since = 0, patienceMs = PATIENCE_MS } = {}): Promise<LogLine> {
    await until(() => this.said(what, since).length > 0, String(what), patienceMs).catch((error: unknown) => {
      const log = this.lines.map(({ level, message }) => `  ${level} ${message}`).join("\n");
      throw new Error(`site ${this.#site.name} never said ${what}; it said\n${log}`, { cause: error });
    });
    return this.said(what, since)[0] as LogLine;
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  get exited(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Another document, which it reads at once. */
  reload(config: string): void {
    writeFileSync(join(this.#folder, DOCUMENT), config);
    this.signal("SIGHUP");
  }

  /** SIGTERM, and the end. */
  async stop(): Promise<End> {
    this.signal("SIGTERM");
    return this.ended;
  }

  /** Whatever happened, nothing is left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.exited) this.signal("SIGKILL");
    await this.ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** What is no JSON (a crash, a warning of Node) is kept as text. */
  #line(text: string): void {
    try {
      this.lines.push(JSON.parse(text) as LogLine);
    } catch {
      this.lines.push({ time: new Date().toISOString(), level: "error", message: text });
    }
  }
}

/** The relay in a site. */
export class RelayProcess {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #out = "";
  #err = "";

  constructor(site: Site, args: readonly string[]) {
    this.#process = site.start(process.execPath, [...FROM_SOURCE, RELAY, ...args], {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#process.stdout?.on("data", (text) => {
      this.#out += text;
    });
    this.#process.stderr?.on("data", (text) => {
      this.#err += text;
    });
    this.#ended = new Promise((resolve) => this.#process.once("close", resolve));
  }

  async ready(): Promise<void> {
    await until(() => this.#err.includes("ready"), `the relay is ready: ${this.#err}`);
  }

  /** Changes what it does from now on, such as `{ loss: 1 }`. */
  impair(change: Record<string, unknown>): void {
    this.#process.stdin?.write(`${JSON.stringify(change)}\n`);
  }

  /** Ends it. @returns what became of the datagrams */
  async stop(): Promise<{ aToB: RelayCounters; bToA: RelayCounters }> {
    this.#process.stdin?.end();
    await this.#ended;
    return JSON.parse(this.#out);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.stdin?.end();
    await this.#ended;
  }
}

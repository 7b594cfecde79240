/**
 * `l2tpd demo`, and its scene `ethernet`: two sites on one machine. Two network namespaces with a cable between them, a real l2tpd in
 * each, an Ethernet pseudowire from the examples; then ping and TCP through it, and the counters of both ends.
 */
import { EXIT, type ExitCode, ExitError } from "../exit-codes.ts";
import { listenForStop } from "../stop.ts";
import { DaemonChild, ProbeChild } from "./children.ts";
import {
  type Display,
  formatPing,
  LineDisplay,
  LiveDisplay,
  type Picture,
  renderCounters,
  renderPicture,
} from "./display.ts";
import { type End, readEnds } from "./ends.ts";
import { formatTransfer } from "./figures.ts";
import { checkMachine, isPermission, isStartedAgain, startAgainInUserNamespace } from "./privilege.ts";
import type { ProbeReport } from "./probe.ts";
import type { Scene } from "./scene.ts";

/** From the command line. */
export interface DemoOptions {
  readonly once: boolean;
  /** How long TCP is measured. */
  readonly seconds: number;
}

/** How long the tunnel may take to come up. */
const UP_LIMIT_MS = 20_000;
/** The replies that are waited for before TCP begins. */
const FIRST_PINGS = 5;
const REFRESH_MS = 500;
/** How long a daemon that died stays dead. */
const RESTART_MS = 3_000;

/** Runs a demonstration. @returns 0 only when packets flowed. */
export async function runDemo(scene: "ppp" | "ethernet", options: DemoOptions): Promise<ExitCode> {
  if (scene === "ethernet") {
    checkMachine();
    return await runEthernetDemo(options);
  }
  try {
    checkMachine();
    const { runPppDemo } = await import("./ppp/ppp.ts");
    return await runPppDemo(options);
  } catch (error) {
    // No TUN, no namespaces: what needs neither is shown all the same.
    if (!(error instanceof ExitError)) throw error;
    const { runInProcessDemo } = await import("./ppp/in-process.ts");
    return await runInProcessDemo(options, error.message);
  }
}

/** Two sites with a bridge between them. */
async function runEthernetDemo(options: DemoOptions): Promise<ExitCode> {
  const ends = readEnds();
  const { buildScene } = await import("./scene.ts");
  let scene: Scene;
  try {
    scene = buildScene(ends);
  } catch (error) {
    if (!isPermission(error)) throw error;
    return await startAgainInUserNamespace(error);
  }
  using stop = listenForStop({ untilStdinEnds: isStartedAgain() });
  const display: Display = process.stdout.isTTY
    ? new LiveDisplay(process.stdout)
    : new LineDisplay((text) => void process.stdout.write(text));
  const show = new Show(options, ends, scene, display);
  try {
    const stopped = stop.requested.then(() => "stopped" as const);
    const flowed = await Promise.race([show.run(), stopped]);
    if (flowed === "stopped") display.say(`stopping: everything is taken down`);
    return flowed === "stopped" ? show.verdict() : flowed ? EXIT.ok : EXIT.unavailable;
  } finally {
    await show[Symbol.asyncDispose]();
    scene[Symbol.dispose]();
    display.end();
  }
}

/** The demonstration at work. */
class Show implements AsyncDisposable {
  readonly #options: DemoOptions;
  readonly #ends: readonly [End, End];
  readonly #scene: Scene;
  readonly #display: Display;
  readonly #picture: Picture;
  readonly #children: AsyncDisposable[] = [];
  readonly #daemons: DaemonChild[] = [];
  readonly #restarts: NodeJS.Timeout[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The show is over, and goes on until it is stopped. */
  #steady = false;
  #ended = false;
  #listening = (_port: number): void => {};

  constructor(options: DemoOptions, ends: readonly [End, End], scene: Scene, display: Display) {
    this.#options = options;
    this.#ends = ends;
    this.#scene = scene;
    this.#display = display;
    this.#picture = {
      ends,
      doing: "",
      pids: [undefined, undefined],
      states: [undefined, undefined],
      ping: { sent: 0, received: 0, lastMs: undefined, sumMs: 0 },
      transfer: { octets: 0, ms: 0, done: false },
      troubles: [],
    };
  }

  /** Whether packets flowed, both kinds of them. */
  verdict(): ExitCode {
    const { ping, transfer } = this.#picture;
    return ping.received > 0 && transfer.octets > 0 ? EXIT.ok : EXIT.cutShort;
  }

  /** @returns whether packets flowed; without `once` it goes on until it is stopped. */
  async run(): Promise<boolean> {
    this.#explain();
    this.#startDaemons();
    this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
    if (!(await this.#tunnelUp())) return false;
    await this.#showPing();
    await this.#showThroughput();
    await this.#showCounters();
    const flowed = this.verdict() === EXIT.ok;
    this.#display.say(
      flowed
        ? "packets flowed through the tunnel: it works"
        : "no packets came through the tunnel, see above",
    );
    if (this.#options.once) return flowed;
    this.#steady = true;
    this.#doing("It stays up until Ctrl-C. Try kill -9 on a daemon: it is started again.");
    return await new Promise(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    clearInterval(this.#timer);
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
  }

  #doing(text: string): void {
    this.#picture.doing = text;
    if (!process.stdout.isTTY) this.#display.say(text);
    this.#display.draw(() => renderPicture(this.#picture));
  }

  #explain(): void {
    const [a, b] = this.#ends;
    const lines = [
      "An Ethernet pseudowire over L2TPv3, between two network namespaces on this machine.",
      `Each is a site of its own, joined to the other only by a cable: ${a.outer.address} at site A, ${b.outer.address} at site B.`,
      "Each runs l2tpd with one of the examples:",
      `  site A  ${a.file}`,
      `  site B  ${b.file}`,
    ];
    for (const line of lines) this.#display.say(line);
  }

  #startDaemons(): void {
    this.#startDaemon(0);
    this.#startDaemon(1);
    const { pids } = this.#picture;
    this.#doing(
      `waiting for the tunnel: l2tpd runs as process ${pids[0]} at site A and ${pids[1]} at site B`,
    );
  }

  #startDaemon(at: 0 | 1): void {
    const daemon = new DaemonChild(this.#ends[at].file, this.#scene.namespaces[at].fd);
    this.#daemons[at] = daemon;
    this.#children.push(daemon);
    this.#picture.pids[at] = daemon.process.pid;
    this.#picture.states[at] = undefined;
    void daemon.ended.then(() => this.#onDaemonEnded(at, daemon));
  }

  /** Somebody tries what happens when a daemon dies: it is started again, as a service manager would. */
  #onDaemonEnded(at: 0 | 1, { process: { pid, exitCode, signalCode } }: DaemonChild): void {
    if (!this.#steady || this.#ended) return;
    const { title } = this.#ends[at];
    this.#picture.pids[at] = undefined;
    this.#picture.states[at] = undefined;
    this.#display.say(
      `l2tpd at ${title} (process ${pid}) ended, ${signalCode ?? `code ${exitCode}`}; it is started again in ${RESTART_MS / 1000} s`,
    );
    this.#restarts.push(setTimeout(() => this.#startDaemon(at), RESTART_MS));
  }

  /** Waits until both sessions are up; says why they are not. */
  async #tunnelUp(): Promise<boolean> {
    const until = performance.now() + UP_LIMIT_MS;
    while (performance.now() < until) {
      const ended = this.#daemons.find(hasEnded);
      if (ended && this.#ended) return false; // stopped meanwhile
      if (ended) {
        this.#sayLogs(`l2tpd ended, ${ended.process.signalCode ?? `code ${ended.process.exitCode}`}`);
        return false;
      }
      const up = this.#daemons.filter(({ lines }) => lines.some(isSessionUp)).length;
      if (up === this.#daemons.length) {
        this.#ends.forEach(({ title }, i) => {
          for (const { message } of this.#daemons[i]?.lines ?? []) {
            if (/ is up/.test(message)) this.#display.say(`  ${title}: ${message}`);
          }
        });
        return true;
      }
      await delay(50);
    }
    this.#sayLogs(`the tunnel did not come up within ${UP_LIMIT_MS / 1000} s`);
    return false;
  }

  #sayLogs(what: string): void {
    this.#display.say(`${what}; what the daemons said:`);
    this.#ends.forEach(({ title }, i) => {
      for (const { level, message } of this.#daemons[i]?.lines ?? []) {
        this.#display.say(`  ${title}: ${level} ${message}`);
      }
    });
  }

  #probe(end: 0 | 1, task: ConstructorParameters<typeof ProbeChild>[0]): ProbeChild {
    const fd = this.#scene.namespaces[end].fd;
    const child = new ProbeChild(task, fd, (report) => this.#onReport(report));
    this.#children.push(child);
    return child;
  }

  #onReport(report: ProbeReport): void {
    const { ping, transfer, troubles } = this.#picture;
    switch (report.type) {
      case "ping":
        ping.sent += 1;
        ping.lastMs = report.rttMs;
        if (report.rttMs !== undefined) {
          ping.received += 1;
          ping.sumMs += report.rttMs;
        }
        if (ping.sent <= FIRST_PINGS && !process.stdout.isTTY) {
          const what = report.rttMs === undefined ? "no reply" : `${report.rttMs.toFixed(2)} ms`;
          this.#display.say(`  ping ${report.sequence}: ${what}`);
        }
        break;
      case "received":
        transfer.octets = report.octets;
        transfer.ms = report.ms;
        break;
      case "listening":
        this.#listening(report.port);
        break;
      case "failed":
        troubles.push(report.text);
        this.#display.say(`  ! ${report.text}`);
        break;
    }
    this.#display.draw(() => renderPicture(this.#picture));
  }

  /** Real ICMP over the real TAP interfaces, from site A to site B. */
  async #showPing(): Promise<void> {
    const { inner } = this.#ends[1];
    this.#doing(`ping from site A to ${inner.address} at site B, through the tunnel`);
    this.#probe(0, ["ping", inner.address]);
    const until = performance.now() + FIRST_PINGS * 2_000;
    while (this.#picture.ping.sent < FIRST_PINGS && performance.now() < until) await delay(50);
    if (!process.stdout.isTTY) this.#display.say(`  ${formatPing(this.#picture.ping)}`);
  }

  /** One TCP connection from site A to site B; what counts is what arrives. */
  async #showThroughput(): Promise<void> {
    const { seconds } = this.#options;
    const { inner } = this.#ends[1];
    this.#doing(`TCP from site A to site B through the tunnel, for ${seconds} s`);
    const port = new Promise<number | undefined>((resolve) => {
      this.#listening = resolve;
      setTimeout(resolve, 5_000, undefined).unref();
    });
    this.#probe(1, ["receive", inner.address]);
    const listening = await port;
    if (listening === undefined) return;
    const sender = this.#probe(0, ["send", inner.address, String(listening), String(seconds)]);
    await delay(seconds * 1000 + 500);
    await sender[Symbol.asyncDispose]();
    await delay(2 * REFRESH_MS);
    this.#picture.transfer.done = true;
    if (!process.stdout.isTTY) this.#display.say(`  TCP: ${formatTransfer(this.#picture.transfer)}`);
  }

  async #showCounters(): Promise<void> {
    this.#refresh();
    await delay(REFRESH_MS);
    this.#refresh();
    if (process.stdout.isTTY) return;
    for (const line of renderCounters(this.#picture)) this.#display.say(line);
  }

  /** Takes the daemons' answers of last time, asks anew, and draws. */
  #refresh(): void {
    this.#daemons.forEach((daemon, i) => {
      if (hasEnded(daemon)) return;
      this.#picture.states[i] = daemon.state;
      if (daemon.lines.some(isSessionUp)) daemon.askState();
    });
    this.#display.draw(() => renderPicture(this.#picture));
  }
}

const hasEnded = ({ process: { exitCode, signalCode } }: DaemonChild): boolean =>
  exitCode !== null || signalCode !== null;
const isSessionUp = ({ message }: { message: string }): boolean => /^session .* is up/.test(message);
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * What the demonstrations in namespaces have in common: a real l2tpd in each of the two, that is started again when it dies;
 * probes between them; what is said of it all, and that everything is gone at the end.
 */
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { DaemonState } from "../state.ts";
import { listenForStop } from "../stop.ts";
import { DaemonChild, ProbeChild } from "./children.ts";
import { type Display, LineDisplay, LiveDisplay } from "./display.ts";
import { isPermission, isStartedAgain, startAgainInUserNamespace } from "./privilege.ts";
import type { ProbeReport, ProbeTask } from "./probe.ts";
import type { Outer, Scene } from "./scene.ts";

/** From the command line. */
export interface DemoOptions {
  readonly once: boolean;
  /** How long TCP is measured. */
  readonly seconds: number;
}

/** One of the two ends. */
interface Site {
  /** Before what its daemon said. */
  readonly title: string;
  /** Its daemon, in a sentence. */
  readonly daemon: string;
  /** Its configuration. */
  readonly document: string;
  /** An open descriptor of its namespace. */
  readonly namespace: number;
}

/** What every picture has; the show fills it in as it goes. */
interface ShowPicture<Side extends PropertyKey> {
  /** What is being done now. */
  doing: string;
  /** The daemons' process IDs. */
  readonly pids: Record<Side, number | undefined>;
  readonly states: Record<Side, DaemonState | undefined>;
  /** What went wrong, newest last. */
  readonly troubles: string[];
}

/** TCP through the tunnel; what counts is what arrives. */
interface Transfer {
  octets: number;
  ms: number;
  done: boolean;
}

/** How long all may take to come up. */
export const UP_LIMIT_MS = 30_000;
/** The replies that are waited for before TCP begins. */
export const FIRST_PINGS = 5;
const REFRESH_MS = 500;
/** How long a daemon that died stays dead. */
const RESTART_MS = 3_000;

/** A demonstration at work. */
export abstract class Show<Side extends PropertyKey> implements AsyncDisposable {
  protected readonly options: DemoOptions;
  protected readonly display: Display;
  /** In the order in which they are started. */
  readonly #sites: ReadonlyMap<Side, Site>;
  readonly #children: AsyncDisposable[] = [];
  readonly #daemons = new Map<Side, DaemonChild>();
  readonly #restarts: NodeJS.Timeout[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The show is over, and goes on until it is stopped. */
  #steady = false;
  #ended = false;

  constructor(options: DemoOptions, display: Display, sites: ReadonlyMap<Side, Site>) {
    this.options = options;
    this.display = display;
    this.#sites = sites;
  }

  protected abstract readonly picture: ShowPicture<Side>;
  protected abstract render(): readonly string[];
  /** What is said first. */
  protected abstract explain(): readonly string[];
  /** What is waited for, when both daemons run. */
  protected abstract waiting(): string;
  /** Whether a daemon has told that all is up. */
  protected abstract isUp(daemon: DaemonChild): boolean;
  /** What of its log is worth a line then. */
  protected abstract readonly worthTelling: RegExp;
  /** "the tunnel", and what else may not come up. */
  protected abstract readonly awaited: string;
  /** What there is to see. @returns false when it cannot be shown. */
  protected abstract play(): Promise<boolean>;
  /** Whether packets flowed, all kinds of them. */
  abstract verdict(): ExitCode;
  /** The last words. */
  protected abstract conclusion(flowed: boolean): string;
  /** The daemons' states are there. */
  protected looked(): void {}

  /** @returns whether packets flowed; without `once` it goes on until it is stopped. */
  async run(): Promise<boolean> {
    for (const line of this.explain()) this.display.say(line);
    for (const side of this.#sites.keys()) this.#startDaemon(side);
    this.doing(this.waiting());
    this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
    if (!(await this.#allUp()) || !(await this.play())) return false;
    const flowed = this.verdict() === EXIT.ok;
    this.display.say(this.conclusion(flowed));
    if (this.options.once) return flowed;
    this.#steady = true;
    this.doing("It stays up until Ctrl-C. Try kill -9 on a daemon: it is started again.");
    return await new Promise(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true;
    clearInterval(this.#timer);
    for (const timer of this.#restarts) clearTimeout(timer);
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
  }

  protected draw(): void {
    this.display.draw(() => this.render());
  }

  protected doing(text: string): void {
    this.picture.doing = text;
    this.sayUnlessDrawn(text);
    this.draw();
  }

  /** What the picture shows in any case. */
  protected sayUnlessDrawn(text: string): void {
    if (!process.stdout.isTTY) this.display.say(text);
  }

  #startDaemon(side: Side): void {
    const { document, namespace } = this.#site(side);
    const daemon = new DaemonChild(document, namespace);
    this.#daemons.set(side, daemon);
    this.#children.push(daemon);
    this.picture.pids[side] = daemon.process.pid;
    this.picture.states[side] = undefined;
    void daemon.ended.then(() => this.#onDaemonEnded(side, daemon));
  }

  #site(side: Side): Site {
    return this.#sites.get(side) as Site;
  }

  /** Somebody tries what happens when a daemon dies: it is started again, as a service manager would. */
  #onDaemonEnded(side: Side, daemon: DaemonChild): void {
    if (!this.#steady || this.#ended) return;
    this.picture.pids[side] = undefined;
    this.picture.states[side] = undefined;
    this.display.say(
      `${this.#site(side).daemon} (process ${daemon.process.pid}) ${howEnded(daemon)}; it is started again in ${RESTART_MS / 1000} s`,
    );
    this.#restarts.push(setTimeout(() => this.#startDaemon(side), RESTART_MS));
  }

  /** Waits until all is up at both ends; says why it is not. */
  async #allUp(): Promise<boolean> {
    const until = performance.now() + UP_LIMIT_MS;
    while (performance.now() < until) {
      const daemons = [...this.#daemons.values()];
      const ended = daemons.find(hasEnded);
      if (ended && this.#ended) return false; // stopped meanwhile
      if (ended) {
        this.sayLogs(`l2tpd ${howEnded(ended)}`);
        return false;
      }
      if (daemons.every((daemon) => this.isUp(daemon))) {
        this.#sayLines(({ message }) => (this.worthTelling.test(message) ? message : undefined));
        return true;
      }
      await delay(50);
    }
    this.sayLogs(`${this.awaited} did not come up within ${UP_LIMIT_MS / 1000} s`);
    return false;
  }

  protected sayLogs(what: string): void {
    this.display.say(`${what}; what the daemons said:`);
    this.#sayLines(({ level, message }) => `${level} ${message}`);
  }

  #sayLines(text: (line: DaemonChild["lines"][number]) => string | undefined): void {
    for (const [side, { title }] of this.#sites) {
      for (const line of this.#daemons.get(side)?.lines ?? []) {
        const told = text(line);
        if (told !== undefined) this.display.say(`  ${title}: ${told}`);
      }
    }
  }

  protected probe(side: Side, task: ProbeTask, onReport: (report: ProbeReport) => void): ProbeChild {
    const child = new ProbeChild(task, this.#site(side).namespace, (report) => {
      if (report.type === "failed") {
        this.picture.troubles.push(report.text);
        this.display.say(`  ! ${report.text}`);
      } else onReport(report);
      this.draw();
    });
    this.#children.push(child);
    return child;
  }

  /** One TCP connection. */
  protected async measure(transfer: Transfer, from: Side, to: Side, address: string): Promise<void> {
    const { seconds } = this.options;
    const listening = await new Promise<number | undefined>((resolve) => {
      this.probe(to, ["receive", address], (report) => {
        if (report.type === "listening") resolve(report.port);
        if (report.type !== "received") return;
        transfer.octets = report.octets;
        transfer.ms = report.ms;
      });
      setTimeout(resolve, 5_000, undefined).unref();
    });
    if (listening === undefined) return;
    const sender = this.probe(from, ["send", address, String(listening), String(seconds)], () => {});
    // A busy machine takes its time to start it.
    const begunBy = performance.now() + 10_000;
    while (transfer.octets === 0 && performance.now() < begunBy) await delay(50);
    await delay(seconds * 1000 + 500);
    await sender[Symbol.asyncDispose]();
    await delay(2 * REFRESH_MS);
    transfer.done = true;
  }

  /** What the daemons have counted by now. */
  protected async lookAgain(): Promise<void> {
    this.#refresh();
    await delay(REFRESH_MS);
    this.#refresh();
  }

  /** Takes the daemons' answers of last time, asks anew, and draws. */
  #refresh(): void {
    for (const [side, daemon] of this.#daemons) {
      if (hasEnded(daemon)) continue;
      this.picture.states[side] = daemon.state;
      // Before its first line it does not listen for the signal.
      if (daemon.lines.length > 0) daemon.askState();
    }
    this.looked();
    this.draw();
  }
}

/**
 * Builds the namespaces, runs a show in them, and takes everything down.
 * @returns 0 only when packets flowed.
 */
export async function runShow(
  ends: readonly [Outer, Outer],
  make: (
    scene: Scene,
    display: Display,
  ) => Pick<Show<PropertyKey>, "run" | "verdict" | typeof Symbol.asyncDispose>,
): Promise<ExitCode> {
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
  const show = make(scene, display);
  try {
    const stopped = stop.requested.then(() => "stopped" as const);
    const flowed = await Promise.race([show.run(), stopped]);
    if (flowed === "stopped") display.say("stopping: everything is taken down");
    return flowed === "stopped" ? show.verdict() : flowed ? EXIT.ok : EXIT.unavailable;
  } finally {
    await show[Symbol.asyncDispose]();
    scene[Symbol.dispose]();
    display.end();
  }
}

const hasEnded = ({ process: { exitCode, signalCode } }: DaemonChild): boolean =>
  exitCode !== null || signalCode !== null;
const howEnded = ({ process: { exitCode, signalCode } }: DaemonChild): string =>
  `ended, ${signalCode ?? `code ${exitCode}`}`;
/** Sessions that have come up; each says so once. */
export const upCount = ({ lines }: DaemonChild): number =>
  lines.filter(({ message }) => /^session .* is up/.test(message)).length;
export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * `l2tpd demo`: an LNS with two users and a LAC that dials it, each a real l2tpd in a network namespace of its own with a
 * cable between them: a tunnel whose ends prove themselves, PPP with MS-CHAPv2 and CHAP, addresses from pools, then ping and
 * TCP through PPP in both directions.
 */
import { EXIT, type ExitCode } from "../../exit-codes.ts";
import { listenForStop } from "../../stop.ts";
import { DaemonChild, ProbeChild } from "../children.ts";
import { type Display, LineDisplay, LiveDisplay } from "../display.ts";
import { formatTransfer } from "../figures.ts";
import { isPermission, isStartedAgain, startAgainInUserNamespace } from "../privilege.ts";
import type { ProbeReport, ProbeTask } from "../probe.ts";
import type { Scene } from "../scene.ts";
import { type Documents, OUTER, USERS, writeDocuments } from "./documents.ts";
import {
  formatPings,
  noteRates,
  type Pings,
  type PppPicture,
  renderPppPicture,
  renderSessions,
  sessionsOf,
  type Transfer,
} from "./picture.ts";

/** From the command line. */
export interface PppDemoOptions {
  readonly once: boolean;
  /** How long TCP is measured in each direction. */
  readonly seconds: number;
}

type Side = "lac" | "lns";
const SIDES = ["lac", "lns"] as const;

/** How long tunnel and sessions may take to come up. */
const UP_LIMIT_MS = 30_000;
/** The replies that are waited for before TCP begins. */
const FIRST_PINGS = 5;
const REFRESH_MS = 500;
/** How long a daemon that died stays dead. */
const RESTART_MS = 3_000;

/** Runs the demonstration. @returns 0 only when packets flowed. */
export async function runPppDemo(options: PppDemoOptions): Promise<ExitCode> {
  const { buildScene } = await import("../scene.ts");
  let scene: Scene;
  try {
    const outer = (address: string) => ({ outer: { family: 4, address } }) as const;
    scene = buildScene([outer(OUTER.lac), outer(OUTER.lns)]);
  } catch (error) {
    if (!isPermission(error)) throw error;
    return await startAgainInUserNamespace(error);
  }
  using stop = listenForStop({ untilStdinEnds: isStartedAgain() });
  using documents = writeDocuments();
  const display: Display = process.stdout.isTTY
    ? new LiveDisplay(process.stdout)
    : new LineDisplay((text) => void process.stdout.write(text));
  const show = new Show(options, documents, scene, display);
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

/** The demonstration at work. */
class Show implements AsyncDisposable {
  readonly #options: PppDemoOptions;
  readonly #documents: Documents;
  readonly #namespaces: Readonly<Record<Side, number>>;
  readonly #display: Display;
  readonly #pings: readonly [Pings, Pings];
  readonly #transfers: readonly [Transfer, Transfer];
  readonly #picture: PppPicture;
  readonly #children: AsyncDisposable[] = [];
  readonly #daemons: Partial<Record<Side, DaemonChild>> = {};
  readonly #restarts: NodeJS.Timeout[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The show is over, and goes on until it is stopped. */
  #steady = false;
  #ended = false;

  constructor(options: PppDemoOptions, documents: Documents, scene: Scene, display: Display) {
    this.#options = options;
    this.#documents = documents;
    this.#namespaces = { lac: scene.namespaces[0].fd, lns: scene.namespaces[1].fd };
    this.#display = display;
    const pings = (what: string): Pings => ({ what, sent: 0, received: 0, lastMs: undefined, sumMs: 0 });
    const transfer = (what: string): Transfer => ({ what, octets: 0, ms: 0, done: false });
    this.#pings = [pings("LAC → LNS (bob)"), pings("LNS → LAC (alice)")];
    this.#transfers = [transfer("LAC → LNS (bob)"), transfer("LNS → LAC (alice)")];
    this.#picture = {
      doing: "",
      pids: { lac: undefined, lns: undefined },
      states: { lac: undefined, lns: undefined },
      rates: new Map(),
      pings: this.#pings,
      transfers: this.#transfers,
      troubles: [],
    };
  }

  /** Whether packets flowed, both kinds of them in both directions. */
  verdict(): ExitCode {
    const all = [
      ...this.#pings.map(({ received }) => received),
      ...this.#transfers.map(({ octets }) => octets),
    ];
    return all.every((count) => count > 0) ? EXIT.ok : EXIT.cutShort;
  }

  /** @returns whether packets flowed; without `once` it goes on until it is stopped. */
  async run(): Promise<boolean> {
    this.#explain();
    for (const side of ["lns", "lac"] as const) this.#startDaemon(side);
    const { pids } = this.#picture;
    this.#doing(`waiting for PPP: l2tpd runs as process ${pids.lac} (LAC) and ${pids.lns} (LNS)`);
    this.#timer = setInterval(() => this.#refresh(), REFRESH_MS);
    if (!(await this.#sessionsUp())) return false;
    const addresses = await this.#addresses();
    if (addresses === undefined) return false;
    const [alice, bob] = addresses;
    // What the LNS sends has its first address as source, that of alice's pool: an answer by bob's session would have a
    // source that the LNS has given to nobody there, and be dropped.
    await Promise.all([this.#showPing(0, "lac", bob.lns), this.#showPing(1, "lns", alice.lac)]);
    await this.#showThroughput(0, "lac", "lns", bob.lns);
    await this.#showThroughput(1, "lns", "lac", alice.lac);
    await this.#showSessions();
    const flowed = this.verdict() === EXIT.ok;
    this.#display.say(
      flowed
        ? "packets flowed through PPP in both directions: it works"
        : "not all packets came through, see above",
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

  #draw(): void {
    this.#display.draw(() => renderPppPicture(this.#picture));
  }

  #doing(text: string): void {
    this.#picture.doing = text;
    if (!process.stdout.isTTY) this.#display.say(text);
    this.#draw();
  }

  #explain(): void {
    const lines = [
      "An LNS with two users and a LAC that dials it, between two network namespaces on this machine.",
      `Each is joined to the other only by a cable: ${OUTER.lac} at the LAC, ${OUTER.lns} at the LNS. Each runs l2tpd:`,
      `  LAC  ${this.#documents.lac}`,
      `  LNS  ${this.#documents.lns}`,
      "The tunnel's ends prove that they know its secret; alice proves who she is by MS-CHAPv2, bob by CHAP.",
    ];
    for (const line of lines) this.#display.say(line);
  }

  #startDaemon(side: Side): void {
    const daemon = new DaemonChild(this.#documents[side], this.#namespaces[side]);
    this.#daemons[side] = daemon;
    this.#children.push(daemon);
    this.#picture.pids[side] = daemon.process.pid;
    this.#picture.states[side] = undefined;
    void daemon.ended.then(() => this.#onDaemonEnded(side, daemon));
  }

  /** Somebody tries what happens when a daemon dies: it is started again, as a service manager would. */
  #onDaemonEnded(side: Side, { process: { pid, exitCode, signalCode } }: DaemonChild): void {
    if (!this.#steady || this.#ended) return;
    this.#picture.pids[side] = undefined;
    this.#picture.states[side] = undefined;
    this.#display.say(
      `the ${side.toUpperCase()} (process ${pid}) ended, ${signalCode ?? `code ${exitCode}`}; it is started again in ${RESTART_MS / 1000} s`,
    );
    this.#restarts.push(setTimeout(() => this.#startDaemon(side), RESTART_MS));
  }

  /** Waits until both sessions are up at both ends; says why they are not. */
  async #sessionsUp(): Promise<boolean> {
    const until = performance.now() + UP_LIMIT_MS;
    while (performance.now() < until) {
      const ended = SIDES.map((side) => this.#daemons[side]).find((daemon) => daemon && hasEnded(daemon));
      if (ended && this.#ended) return false; // stopped meanwhile
      if (ended) {
        this.#sayLogs(`l2tpd ended, ${ended.process.signalCode ?? `code ${ended.process.exitCode}`}`);
        return false;
      }
      if (SIDES.every((side) => upCount(this.#daemons[side]) >= USERS.length)) {
        for (const side of SIDES) {
          for (const { message } of this.#daemons[side]?.lines ?? []) {
            if (/ is up| has /.test(message)) this.#display.say(`  ${side.toUpperCase()}: ${message}`);
          }
        }
        return true;
      }
      await delay(50);
    }
    this.#sayLogs(`the sessions did not come up within ${UP_LIMIT_MS / 1000} s`);
    return false;
  }

  #sayLogs(what: string): void {
    this.#display.say(`${what}; what the daemons said:`);
    for (const side of SIDES) {
      for (const { level, message } of this.#daemons[side]?.lines ?? []) {
        this.#display.say(`  ${side.toUpperCase()}: ${level} ${message}`);
      }
    }
  }

  /** The addresses of both sessions, at both ends. */
  async #addresses(): Promise<readonly [Ends, Ends] | undefined> {
    const until = performance.now() + UP_LIMIT_MS;
    while (performance.now() < until) {
      const all = sessionsOf(this.#picture.states.lac);
      const [alice, bob] = USERS.map((user) => all.find(({ name }) => name === user)?.ipv4);
      if (alice?.local && alice.peer && bob?.local && bob.peer) {
        return [
          { lac: alice.local, lns: alice.peer },
          { lac: bob.local, lns: bob.peer },
        ];
      }
      await delay(50);
    }
    this.#sayLogs("the sessions have no addresses");
    return undefined;
  }

  #probe(side: Side, task: ProbeTask, onReport: (report: ProbeReport) => void): ProbeChild {
    const child = new ProbeChild(task, this.#namespaces[side], (report) => {
      if (report.type === "failed") {
        this.#picture.troubles.push(report.text);
        this.#display.say(`  ! ${report.text}`);
      } else onReport(report);
      this.#draw();
    });
    this.#children.push(child);
    return child;
  }

  /** Real ICMP over the real interfaces; it goes on to the end of the show. */
  async #showPing(at: 0 | 1, from: Side, to: string): Promise<void> {
    const pings = this.#pings[at];
    this.#doing(`ping from the ${from.toUpperCase()} to ${to}, through PPP`);
    this.#probe(from, ["ping", to], (report) => {
      if (report.type !== "ping") return;
      pings.sent += 1;
      pings.lastMs = report.rttMs;
      if (report.rttMs === undefined) return;
      pings.received += 1;
      pings.sumMs += report.rttMs;
    });
    const until = performance.now() + FIRST_PINGS * 2_000;
    while (pings.sent < FIRST_PINGS && performance.now() < until) await delay(50);
    if (!process.stdout.isTTY) this.#display.say(`  ping ${pings.what}: ${formatPings(pings)}`);
  }

  /** One TCP connection. */
  async #showThroughput(at: 0 | 1, from: Side, to: Side, address: string): Promise<void> {
    const { seconds } = this.#options;
    const transfer = this.#transfers[at];
    this.#doing(
      `TCP from the ${from.toUpperCase()} to the ${to.toUpperCase()} through PPP, for ${seconds} s`,
    );
    const listening = await new Promise<number | undefined>((resolve) => {
      this.#probe(to, ["receive", address], (report) => {
        if (report.type === "listening") resolve(report.port);
        if (report.type !== "received") return;
        transfer.octets = report.octets;
        transfer.ms = report.ms;
      });
      setTimeout(resolve, 5_000, undefined).unref();
    });
    if (listening === undefined) return;
    const sender = this.#probe(from, ["send", address, String(listening), String(seconds)], () => {});
    // A busy machine takes its time to start it.
    const begunBy = performance.now() + 10_000;
    while (transfer.octets === 0 && performance.now() < begunBy) await delay(50);
    await delay(seconds * 1000 + 500);
    await sender[Symbol.asyncDispose]();
    await delay(2 * REFRESH_MS);
    transfer.done = true;
    if (!process.stdout.isTTY) this.#display.say(`  TCP ${transfer.what}: ${formatTransfer(transfer)}`);
  }

  async #showSessions(): Promise<void> {
    this.#refresh();
    await delay(REFRESH_MS);
    this.#refresh();
    if (process.stdout.isTTY) return;
    for (const line of renderSessions(this.#picture)) this.#display.say(line);
  }

  /** Takes the daemons' answers of last time, asks anew, and draws. */
  #refresh(): void {
    for (const side of SIDES) {
      const daemon = this.#daemons[side];
      if (daemon === undefined || hasEnded(daemon)) continue;
      this.#picture.states[side] = daemon.state;
      // Before its first line it does not listen for the signal.
      if (daemon.lines.length > 0) daemon.askState();
    }
    noteRates(this.#picture, performance.now());
    this.#draw();
  }
}

/** Addresses of one session. */
interface Ends {
  readonly lac: string;
  readonly lns: string;
}

const hasEnded = ({ process: { exitCode, signalCode } }: DaemonChild): boolean =>
  exitCode !== null || signalCode !== null;
/** Sessions that have come up; each says so once. */
const upCount = (daemon: DaemonChild | undefined): number =>
  daemon?.lines.filter(({ message }) => /^session .* is up/.test(message)).length ?? 0;
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

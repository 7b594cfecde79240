/**
 * Programs that are run when tunnels and sessions come and go. Not more at a time than was said, those of one tunnel or
 * session one after another in the order of the events, and all of them without holding up anything.
 */
import type { Logger } from "@l2tp/node";
import { environmentOf, type Facts, jsonOf } from "./facts.ts";
import { type HookProgram, type HookRun, runHook } from "./run.ts";

/** What there are hooks for. */
export type HookEvent = "tunnel-up" | "tunnel-down" | "session-up" | "session-down";

/** `[hooks]`: the part of `HooksConfig` of `@l2tp/config` that is looked at here. */
export interface HookSettings {
  readonly tunnelUp?: HookProgram;
  readonly tunnelDown?: HookProgram;
  readonly sessionUp?: HookProgram;
  readonly sessionDown?: HookProgram;
  readonly timeoutMs: number;
  readonly concurrency: number;
}

const SETTING = {
  "tunnel-up": "tunnelUp",
  "tunnel-down": "tunnelDown",
  "session-up": "sessionUp",
  "session-down": "sessionDown",
} as const satisfies Record<HookEvent, keyof HookSettings>;

/** Runs that wait; a thousand subscribers may come up at once, and more than this tells of a hook that hangs. */
const QUEUE_LIMIT = 10_000;

/** One that waits. */
interface Waiting {
  readonly key: string;
  readonly run: HookRun;
}

/** All hooks of a daemon. */
export class Hooks {
  readonly #logger: Logger;
  readonly #queueLimit: number;
  #settings: HookSettings;
  /** In the order of the events. A Map of arrays by key keeps finding the next one cheap. */
  readonly #waiting = new Map<string, Waiting[]>();
  #waitingCount = 0;
  readonly #running = new Set<string>();
  /** Whose up was left out: their down is, too. */
  readonly #leftOut = new Set<string>();
  #dropped = 0;
  #idle: (() => void)[] = [];

  constructor(settings: HookSettings, logger: Logger, queueLimit = QUEUE_LIMIT) {
    this.#settings = settings;
    this.#logger = logger;
    this.#queueLimit = queueLimit;
  }

  /** After a reload; what waits is run as it was when it came. */
  configure(settings: HookSettings): void {
    this.#settings = settings;
    this.#next();
  }

  /** Whether there is any hook. */
  get active(): boolean {
    return Object.values(SETTING).some((setting) => this.#settings[setting] !== undefined);
  }

  /** Runs that wait or run. */
  get pending(): number {
    return this.#waitingCount + this.#running.size;
  }

  /**
   * Something has happened.
   *
   * @param key - whose events are kept in order: `TUNNEL` or `TUNNEL/SESSION`.
   * @param what - for the log: `session call of tunnel lns`.
   */
  fire(event: HookEvent, key: string, what: string, facts: Facts): void {
    const hook = this.#settings[SETTING[event]];
    const isUp = event.endsWith("-up");
    if (!isUp && this.#leftOut.delete(key)) return;
    if (hook === undefined) return;
    if (this.#waitingCount >= this.#queueLimit) {
      this.#dropped += 1;
      if (isUp) this.#leftOut.add(key);
      if (Number.isInteger(Math.log10(this.#dropped))) {
        this.#logger.error(
          { dropped: this.#dropped },
          `hook ${event} of ${what} is left out: ${this.#queueLimit} wait already; make the hook faster, or raise [hooks] concurrency`,
        );
      }
      return;
    }
    const run: HookRun = {
      ...hook,
      what: `hook ${event} of ${what}`,
      environment: environmentOf(event, facts),
      input: jsonOf(event, facts),
      timeoutMs: this.#settings.timeoutMs,
    };
    const queue = this.#waiting.get(key);
    if (queue) queue.push({ key, run });
    else this.#waiting.set(key, [{ key, run }]);
    this.#waitingCount += 1;
    this.#next();
  }

  /** Resolves when nothing waits and nothing runs. */
  whenIdle(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #next(): void {
    for (const [key, queue] of this.#waiting) {
      if (this.#running.size >= this.#settings.concurrency) return;
      if (this.#running.has(key)) continue;
      const first = queue.shift();
      if (queue.length === 0) this.#waiting.delete(key);
      if (first === undefined) continue;
      this.#waitingCount -= 1;
      void this.#start(first);
    }
  }

  async #start({ key, run }: Waiting): Promise<void> {
    this.#running.add(key);
    await runHook(run, this.#logger);
    this.#running.delete(key);
    this.#next();
    if (this.pending > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }
}

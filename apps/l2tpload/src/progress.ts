/** One line that says how a run goes: rewritten on a terminal, now and then elsewhere. */
import type { Progress, Stage } from "./engine.ts";
import type { Plan } from "./plan.ts";

const TERMINAL_MS = 250;
const OTHER_MS = 5_000;

const WORDS: Readonly<Record<Stage, string>> = {
  tunnels: "setting up tunnels",
  sessions: "setting up sessions",
  hold: "holding",
  end: "ending",
  done: "done",
};

/** See the file's head. It writes until {@link end}. */
export class ProgressLine {
  readonly #stream: { write(text: string): boolean; readonly isTTY?: boolean };
  readonly #plan: Plan;
  readonly #source: { readonly progress: Progress };
  readonly #from = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    stream: { write(text: string): boolean; readonly isTTY?: boolean },
    plan: Plan,
    source: { readonly progress: Progress },
  ) {
    this.#stream = stream;
    this.#plan = plan;
    this.#source = source;
    this.#timer = setInterval(() => this.#show(), stream.isTTY === true ? TERMINAL_MS : OTHER_MS);
  }

  #show(): void {
    const { failed, sessions, stage, tunnels } = this.#source.progress;
    const wanted = this.#plan.tunnels * this.#plan.sessionsPerTunnel;
    const seconds = Math.round((performance.now() - this.#from) / 1_000);
    const line =
      `${seconds} s, ${WORDS[stage]}: ${tunnels} of ${this.#plan.tunnels} tunnels, ` +
      `${sessions} of ${wanted} sessions${failed > 0 ? `, ${failed} failed` : ""}`;
    this.#stream.write(this.#stream.isTTY === true ? `\r\u001b[K${line}` : `${line}\n`);
  }

  /** A line of its own, beside those that tell how it goes. */
  say(text: string): void {
    this.#stream.write(`${this.#stream.isTTY === true ? "\r\u001b[K" : ""}l2tpload: ${text}\n`);
  }

  /** Clears the line; a second call does nothing. */
  end(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#stream.isTTY === true) this.#stream.write("\r\u001b[K");
  }
}

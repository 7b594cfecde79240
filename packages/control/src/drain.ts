/** Emptying an endpoint: nothing new is begun, sessions end in waves, tunnels when their last session has. */
import type { Instant } from "@l2tp/protocol";
import type { AllParts } from "./all-parts.ts";
import { CDN } from "./call-messages.ts";
import { STOP } from "./control-messages.ts";

/** How an endpoint is emptied. */
export interface DrainOptions {
  /** Sessions ended in each wave. 0: none is ended, they end by themselves. Default 0. */
  readonly sessionsPerWave?: number;
  /** Between waves. Default 1,000. */
  readonly waveMs?: number;
  /** After this, what is left is ended at once. Default: never. */
  readonly deadlineMs?: number;
  /** Whether tunnels without sessions are closed. Default true. */
  readonly closeTunnels?: boolean;
}

export class Drain {
  readonly #parts: AllParts;
  #options: Required<DrainOptions> | undefined;
  #wave: Instant | undefined;
  #deadline: Instant | undefined;

  constructor(parts: AllParts) {
    this.#parts = parts;
  }

  begin(now: Instant, options: DrainOptions): void {
    const {
      sessionsPerWave = 0,
      waveMs = 1_000,
      deadlineMs = Number.POSITIVE_INFINITY,
      closeTunnels = true,
    } = options;
    this.#parts.core.draining = true;
    this.#options = { sessionsPerWave, waveMs: Math.max(1, waveMs), deadlineMs, closeTunnels };
    this.#wave = now;
    this.#deadline = deadlineMs === Number.POSITIVE_INFINITY ? undefined : now + deadlineMs;
    this.step(now);
  }

  /** Goes back to work. */
  end(): void {
    this.#options = undefined;
    this.#wave = undefined;
    this.#deadline = undefined;
    if (!this.#parts.core.shutDown) this.#parts.core.draining = false;
  }

  /** The next wave, the deadline, the tunnels that have become empty; and whether it is over. */
  step(now: Instant): void {
    const { calls, core, tunnels } = this.#parts;
    const options = this.#options;
    if (options === undefined) return;
    const late = this.#deadline !== undefined && now >= this.#deadline;
    let count = late ? Number.POSITIVE_INFINITY : 0;
    if (this.#wave !== undefined && now >= this.#wave) {
      count = Math.max(count, options.sessionsPerWave);
      this.#wave = now + options.waveMs;
    }
    for (const session of core.sessions.values()) {
      if (count-- <= 0) break;
      calls.close(now, session, CDN.administrative, "drained");
    }
    if (options.closeTunnels) {
      for (const tunnel of [...core.tunnels.values()]) {
        if (!tunnel.closed && tunnel.sessions.size === 0) tunnels.stop(now, tunnel, "drained", STOP.cleared);
      }
    }
    if (core.sessions.size > 0) return;
    this.#options = undefined;
    this.#wave = undefined;
    this.#deadline = undefined;
    core.emit({ type: "drained" });
  }

  nextWake(): Instant | undefined {
    if (this.#options === undefined) return undefined;
    const wave = this.#options.sessionsPerWave > 0 || this.#options.closeTunnels ? this.#wave : undefined;
    if (wave === undefined) return this.#deadline;
    return this.#deadline === undefined ? wave : Math.min(wave, this.#deadline);
  }
}

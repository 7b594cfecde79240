/** Clamping of the MSS of TCP in one network namespace: there while a link wants it. */
import { type Fd, MssClamp, type MssLimits } from "@l2tp/linux";

/** Name of our table of nf_tables. */
const TABLE = "l2tp-mss";
/** A kernel that could not is asked again: somebody may have loaded a module since. */
const ASK_AGAIN_MS = 30_000;

/** How a clamp is opened; {@link MssClamp.open} does it. */
export type OpenClamp = (options: {
  readonly name: string;
  readonly namespace?: Fd;
}) => Promise<Pick<MssClamp, "set" | "close">>;

export class MssClamping {
  readonly #namespace: Fd | undefined;
  readonly #open: OpenClamp;
  /** Interfaces that are limited, or are about to be. */
  readonly #limited = new Set<number>();
  #clamp: ReturnType<OpenClamp> | undefined;
  /** The end of the one before. */
  #ended: Promise<void> = Promise.resolve();
  #failedAt = Number.NEGATIVE_INFINITY;
  #told = false;

  /** @param open - for tests. */
  constructor(namespace: Fd | undefined, open: OpenClamp = (options) => MssClamp.open(options)) {
    this.#namespace = namespace;
    this.#open = open;
  }

  /**
   * Limits what passes through an interface, or no longer (`undefined`). Never fails: a session does not end for it.
   * @param missing - told why it cannot be had, once for all.
   */
  async limit(index: number, limits: MssLimits | undefined, missing: (why: string) => void): Promise<void> {
    if (limits === undefined) this.#limited.delete(index);
    else this.#limited.add(index);
    // Where it could not be had there is nothing to take away.
    if (limits === undefined && this.#clamp === undefined) return;
    try {
      const clamp = await this.#opened();
      await clamp?.set(index, limits);
    } catch (error) {
      if (!this.#told) missing(error instanceof Error ? error.message : String(error));
      this.#told = true;
    }
    if (this.#limited.size === 0) await this.close();
  }

  #opened(): Promise<Pick<MssClamp, "set"> | undefined> {
    if (this.#clamp === undefined) {
      if (performance.now() - this.#failedAt < ASK_AGAIN_MS) return Promise.resolve(undefined);
      const where = this.#namespace === undefined ? {} : { namespace: this.#namespace };
      const opening = this.#ended.then(() => this.#open({ name: TABLE, ...where }));
      opening.catch(() => {
        this.#failedAt = performance.now();
        if (this.#clamp === opening) this.#clamp = undefined;
      });
      this.#clamp = opening;
    }
    return this.#clamp;
  }

  /** All that was clamped is so no longer. */
  async close(): Promise<void> {
    const clamp = this.#clamp;
    this.#clamp = undefined;
    if (clamp !== undefined) {
      this.#ended = clamp.then(
        (opened) => opened.close().catch(() => {}),
        () => {},
      );
    }
    await this.#ended;
  }
}

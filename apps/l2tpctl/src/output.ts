/**
 * Lines to standard output: gathered into large writes, at the reader's pace, and quiet when the reader has
 * gone (`l2tpctl decode … | head`).
 */
import type { Writable } from "node:stream";

/** Lines on their way out. */
export class LineOutput {
  readonly #stream: Writable;
  #pending = "";
  #error: NodeJS.ErrnoException | undefined;

  constructor(stream: Writable) {
    this.#stream = stream;
    stream.on("error", (error: NodeJS.ErrnoException) => {
      this.#error ??= error;
    });
  }

  /** Whether nobody reads any more: what is written from now on is lost, and nobody minds. */
  get closed(): boolean {
    return this.#error?.code === "EPIPE" || (this.#error === undefined && this.#stream.destroyed);
  }

  /** Adds a line (or several, with line feeds between them). */
  line(text: string): void {
    this.#pending += `${text}\n`;
  }

  /** Adds text as it is, such as a terminal's control sequence. */
  text(text: string): void {
    this.#pending += text;
  }

  /**
   * Writes what has been gathered and waits until it is out.
   *
   * @throws what the stream failed with, other than EPIPE
   */
  async flush(): Promise<void> {
    this.#check();
    const text = this.#pending;
    this.#pending = "";
    if (text === "" || this.closed) return;
    // Called when it is out, or when the stream has failed: a reader that went away never drains.
    await new Promise<void>((done) => this.#stream.write(text, () => done()));
    this.#check();
  }

  #check(): void {
    if (this.#error !== undefined && this.#error.code !== "EPIPE") throw this.#error;
  }
}

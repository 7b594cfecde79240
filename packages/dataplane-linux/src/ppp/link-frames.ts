/** The frames of a link that come to whoever runs it, from the channel and the unit alike. */
import { IPV4, IPV6 } from "./unit.ts";

/** Frames that are kept until there is a handler. */
const EARLY_FRAMES = 64;
/** What the decompressor did not take. */
const COMPRESSED = 0x00fd;
/** How long the kernel may take for a frame from a pseudo-terminal to its reader. */
const SWALLOW_MS = 5_000;

const protocolOf = (frame: Uint8Array): number => ((frame[0] ?? 0) << 8) | (frame[1] ?? 0);

export class LinkFrames {
  #early: Uint8Array[] = [];
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onMppeLost: (() => void) | undefined;
  /** A frame of our own that comes in, see {@link swallow}. */
  #expected: { readonly frame: string; readonly done: () => void } | undefined;
  #closed = false;

  onFrame(handler: (frame: Uint8Array) => void): Disposable {
    this.#onFrame = handler;
    for (const frame of this.#early.splice(0)) handler(frame);
    return disposable(() => {
      if (this.#onFrame === handler) this.#onFrame = undefined;
    });
  }

  onMppeLost(handler: () => void): Disposable {
    this.#onMppeLost = handler;
    return disposable(() => {
      if (this.#onMppeLost === handler) this.#onMppeLost = undefined;
    });
  }

  /** One as the kernel hands it up: without FF 03, with two octets of protocol. */
  take(frame: Uint8Array): void {
    const protocol = protocolOf(frame);
    if (this.#expected !== undefined && this.#expected.frame === frame.join()) {
      this.#expected.done();
      return;
    }
    if (protocol === COMPRESSED) {
      this.#onMppeLost?.();
      return;
    }
    // Data from a peer that is early: there is no interface yet.
    if (protocol === IPV4 || protocol === IPV6 || this.#closed) return;
    if (this.#onFrame !== undefined) this.#onFrame(frame);
    else if (this.#early.length < EARLY_FRAMES) this.#early.push(frame);
  }

  /**
   * A frame that the kernel did not take, as its message is shorter than its longest header: an IPCP Terminate-Ack without
   * FF 03, say. With FF 03 or without, and one octet of protocol or two.
   */
  takeShort(frame: Uint8Array): void {
    const bare = frame[0] === 0xff && frame[1] === 0x03 ? frame.subarray(2) : frame;
    const compressed = ((bare[0] ?? 0) & 1) === 1;
    if (bare.length < (compressed ? 1 : 2)) return;
    this.take(compressed ? Uint8Array.of(0, ...bare) : bare.slice());
  }

  /** Waits for a frame that is not the peer's, and hands it to nobody. */
  swallow(frame: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        this.#expected = undefined;
        reject(new Error("the kernel did not take its Configure-Ack"));
      }, SWALLOW_MS);
      const done = () => {
        clearTimeout(late);
        this.#expected = undefined;
        resolve();
      };
      this.#expected = { frame: frame.join(), done };
    });
  }

  /** Nobody hears of any more. */
  close(): void {
    this.#closed = true;
    this.#onFrame = undefined;
    this.#onMppeLost = undefined;
    this.#early = [];
  }
}

const disposable = (dispose: () => void): Disposable => ({ [Symbol.dispose]: dispose });

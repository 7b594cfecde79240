/** A pcapng file that is written as messages come, begun anew when it is full, and never holds anything up. */
import { type FileHandle, open, rename } from "node:fs/promises";
import { LINK_TYPE, type PacketToWrite, PcapngWriter } from "@l2tp/capture";

/** Octets that wait for a slow disk; what comes beyond is left out and counted. */
const BACKLOG_OCTETS = 8 << 20;

/** How a {@link CaptureFile} is. */
export interface CaptureFileOptions {
  readonly path: string;
  /** Size at which the file becomes `PATH.1` (what that was is gone) and is begun anew; 0: never. */
  readonly limitOctets: number;
  /** The program that writes it, with its version. */
  readonly application: string;
  /** It cannot be written any more; told once. */
  readonly onError: (error: Error) => void;
}

/** See the file's head. Mode 0600, whatever the umask is. */
export class CaptureFile implements AsyncDisposable {
  readonly path: string;
  readonly #options: CaptureFileOptions;
  readonly #writer = new PcapngWriter();
  #handle: FileHandle;
  /** Octets in the file, or on their way there. */
  #octets = 0;
  #waiting: Uint8Array[] = [];
  #waitingOctets = 0;
  #flushing: Promise<void> | undefined;
  #broken = false;
  #closed = false;
  #dropped = 0;

  /** What the file was becomes `PATH.1`. @throws NodeJS.ErrnoException */
  static async create(options: CaptureFileOptions): Promise<CaptureFile> {
    const file = new CaptureFile(options, await begin(options.path));
    file.#put(file.#head());
    return file;
  }

  private constructor(options: CaptureFileOptions, handle: FileHandle) {
    this.#options = options;
    this.path = options.path;
    this.#handle = handle;
  }

  /** Messages left out as the disk was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Never throws, never waits. The packet's octets are copied. */
  write(packet: Omit<PacketToWrite, "interfaceId">): void {
    if (this.#broken || this.#closed) return;
    if (this.#waitingOctets > BACKLOG_OCTETS) {
      this.#dropped += 1;
      return;
    }
    this.#put(this.#writer.packet({ ...packet, interfaceId: 0 }));
  }

  /** Resolves when all that was given is written. Idempotent. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#flushing;
    await this.#handle.close().catch(() => {});
  }

  #head(): Uint8Array {
    const section = this.#writer.begin({ application: this.#options.application });
    const description = this.#writer.addInterface({ linkType: LINK_TYPE.RAW, name: "l2tp control" });
    return Buffer.concat([section, description]);
  }

  #put(block: Uint8Array): void {
    this.#waiting.push(block);
    this.#waitingOctets += block.length;
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
  }

  async #flush(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const blocks = this.#waiting;
        this.#waiting = [];
        this.#waitingOctets = 0;
        for (const part of this.#parts(blocks)) {
          if (part === "full") await this.#beginAnew();
          else await this.#handle.writeFile(part);
        }
      }
    } catch (error) {
      this.#broken = true;
      this.#waiting = [];
      this.#options.onError(error as Error);
    }
  }

  /** Blocks together, as far as they fit into the file; `full` where it has to be begun anew. */
  *#parts(blocks: readonly Uint8Array[]): Generator<Uint8Array | "full"> {
    const { limitOctets } = this.#options;
    let part: Uint8Array[] = [];
    for (const block of blocks) {
      if (limitOctets > 0 && this.#octets > 0 && this.#octets + block.length > limitOctets) {
        if (part.length > 0) yield Buffer.concat(part);
        part = [];
        yield "full";
      }
      part.push(block);
      this.#octets += block.length;
    }
    if (part.length > 0) yield Buffer.concat(part);
  }

  async #beginAnew(): Promise<void> {
    await this.#handle.close();
    this.#handle = await begin(this.path);
    const head = this.#head();
    await this.#handle.writeFile(head);
    this.#octets = head.length;
  }
}

/** Moves what is there away; `wx`, so that nobody's link is followed. */
async function begin(path: string): Promise<FileHandle> {
  await rename(path, `${path}.1`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  return open(path, "wx", 0o600);
}

/**
 * Control messages for people who look for a fault: readable in the log, and in a pcapng file that Wireshark decodes. What
 * proves or carries a secret is covered, unless it is asked for.
 */
import { parseIpAddress, synthesizePacket } from "@l2tp/capture";
import type { Logger } from "@l2tp/node";
import {
  decodeDatagram,
  formatDatagram,
  formatRejection,
  type Instant,
  IP_PROTOCOL,
  redactSecrets,
  type SocketAddress,
} from "@l2tp/protocol";
import { CaptureFile } from "./capture-file.ts";

/** One control message, as a context shows it. */
export interface TracedMessage {
  readonly at: Instant;
  readonly direction: "received" | "sent";
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Valid only during the call. */
  readonly datagram: Uint8Array;
}

/** What is written down, and where. */
export interface TraceSettings {
  /** A pcapng file; absent: the log. */
  readonly file?: string | undefined;
  /** Only messages to and from this IP address. */
  readonly peer?: string | undefined;
  /** Secrets as they are. */
  readonly secrets?: boolean | undefined;
  /** See `CaptureFileOptions`. */
  readonly limitOctets?: number | undefined;
}

/** What is in force. */
export interface TraceState extends TraceSettings {
  readonly on: boolean;
  /** Messages written since it was switched on. */
  readonly messages: number;
}

/** 16 MiB: some hundred thousand messages. */
const DEFAULT_LIMIT_OCTETS = 16 << 20;
/** Marks a control message over IP (RFC 3931 §4.1.1.2); `TracedMessage` has it not. */
const ZERO_SESSION = 4;

/** The trace of a daemon; off at first. */
export class Trace implements AsyncDisposable {
  readonly #logger: Logger;
  readonly #application: string;
  /** Whether readable lines at level debug would be seen. */
  readonly #debug: () => boolean;
  #settings: TraceSettings | undefined;
  #peer: string | undefined;
  #file: CaptureFile | undefined;
  #messages = 0;
  /** Changes come one after another. */
  #turn: Promise<unknown> = Promise.resolve();

  /** @param application - for the file: `l2tpd 1.2.3`. */
  constructor(logger: Logger, application: string, debug: () => boolean = () => true) {
    this.#logger = logger;
    this.#application = application;
    this.#debug = debug;
  }

  get state(): TraceState {
    return { on: this.#settings !== undefined, ...this.#settings, messages: this.#messages };
  }

  /** Switches on, or over to other settings. @throws Error with what to do when the file cannot be made */
  start(settings: TraceSettings): Promise<void> {
    return this.#change(async () => {
      const peer = settings.peer === undefined ? undefined : comparable(settings.peer);
      const file = settings.file === undefined ? undefined : await this.#open(settings.file, settings);
      await this.#file?.[Symbol.asyncDispose]();
      this.#file = file;
      this.#peer = peer;
      this.#settings = settings;
      this.#messages = 0;
      const where = settings.file === undefined ? "the log" : settings.file;
      this.#logger.info(
        { file: settings.file, peer: settings.peer },
        `control messages are written to ${where}${settings.secrets ? ", with their secrets" : ""}`,
      );
    });
  }

  stop(): Promise<void> {
    return this.#change(async () => {
      if (this.#settings === undefined) return;
      this.#settings = undefined;
      await this.#file?.[Symbol.asyncDispose]();
      this.#file = undefined;
      this.#logger.info({ messages: this.#messages }, "control messages are no longer written down");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Takes a message; cheap where nobody wants to see it. */
  readonly message = (message: TracedMessage): void => {
    const settings = this.#settings;
    const wanted =
      settings !== undefined &&
      (this.#peer === undefined || comparable(message.remote.address) === this.#peer);
    if (!wanted && !this.#debug()) return;
    const octets = settings?.secrets === true ? message.datagram : redactSecrets(message.datagram);
    if (wanted) {
      this.#messages += 1;
      if (this.#file !== undefined) this.#capture(message, octets, this.#file);
    }
    const level = wanted && settings.file === undefined ? "info" : "debug";
    if (level === "info" || this.#debug()) this.#logger[level]({}, describe(message, octets));
  };

  #capture({ direction, local, remote }: TracedMessage, payload: Uint8Array, file: CaptureFile): void {
    const [from, to] = direction === "sent" ? [local, remote] : [remote, local];
    const source = parseIpAddress(from.address);
    const destination = parseIpAddress(to.address);
    if (source === undefined || destination === undefined) return;
    // Over IP there are no ports.
    const over =
      remote.port === 0 ? { protocol: IP_PROTOCOL } : { sourcePort: from.port, destinationPort: to.port };
    const whole = remote.port === 0 ? Buffer.concat([new Uint8Array(ZERO_SESSION), payload]) : payload;
    const data = synthesizePacket({ source, destination, ...over, payload: whole });
    const now = Date.now();
    file.write({
      data,
      direction: direction === "sent" ? "outbound" : "inbound",
      timestamp: { seconds: Math.floor(now / 1000), nanoseconds: Math.floor((now % 1000) * 1e6) },
    });
  }

  async #open(path: string, { limitOctets = DEFAULT_LIMIT_OCTETS }: TraceSettings): Promise<CaptureFile> {
    const application = this.#application;
    const onError = (error: Error): void => {
      this.#logger.error({ error, file: path }, `the trace in ${path} ends here: ${error.message}`);
    };
    try {
      return await CaptureFile.create({ path, limitOctets, application, onError });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const remedy =
        code === "ENOENT" ? "make its folder first" : "l2tpd has to be allowed to make files in that folder";
      throw new Error(`the trace cannot be written to ${path}: ${message}; ${remedy}`, { cause: error });
    }
  }

  #change(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

/** `sent to 192.0.2.1:1701: L2TPv2 control tunnel 7 session 0 Ns 0 Nr 0 SCCRQ; …` */
export function describe({ direction, remote }: Omit<TracedMessage, "datagram">, octets: Uint8Array): string {
  const parsed = decodeDatagram(octets, { encapsulation: "udp" });
  const text = parsed.ok ? formatDatagram(parsed.value) : formatRejection(parsed.rejection);
  const { family, address, port } = remote;
  const place = family === 6 ? `[${address}]` : address;
  return `${direction === "sent" ? "sent to" : "received from"} ${place}${port === 0 ? "" : `:${port}`}: ${text}`;
}

/** One spelling for each address. */
function comparable(address: string): string {
  const octets = parseIpAddress(address);
  return octets === undefined ? address : octets.join(".");
}

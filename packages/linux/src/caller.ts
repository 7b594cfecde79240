/**
 * Calls that the kernel may take its time with, made one after the other by a thread of their own: a netlink request is
 * worked off by the kernel inside send(), behind a lock that it may hold for long; so are the making and the end of a PPP
 * interface inside ioctl() and close(). The thread is started by the first
 * call, and keeps the process alive only while there are some.
 */
import type { Worker } from "node:worker_threads";
import { ClosedError, SyscallError } from "./errors.ts";
import { spawnThread } from "./thread.ts";

/** What the thread is given. */
export interface CallerThreadData {
  readonly role: "call";
  /** One word, a `CALLER_*`: what the thread waits for, so that it is woken only when it sleeps. */
  readonly state: Int32Array;
}

/** The thread has nothing to do, or will look again before it sleeps. */
export const CALLER_IDLE = 0;
/** There are calls to make. */
export const CALLER_WORK = 1;
/** It is to end. */
export const CALLER_STOP = 2;

/**
 * Calls in one message, and results that are told in one turn of the event loop: whoever waits for one goes on in that turn.
 * Ten thousand sessions may close in one breath.
 */
export const CALLS_PER_TURN = 16;
/** Messages that the thread has not answered. */
const MESSAGES_AHEAD = 4;

/** To the thread: make this call. */
export type Call = { readonly id: number; readonly fd: number } & (
  | { readonly make: "send"; readonly datagram: Uint8Array }
  /** What the argument lies in is shared: the thread reads and writes it in place. */
  | {
      readonly make: "ioctl";
      readonly request: number;
      readonly argument: Uint8Array | null;
      /** A network namespace to be in meanwhile: some requests are for that of the calling thread. */
      readonly namespace: number | undefined;
    }
  | { readonly make: "close" }
);

/** From the thread: pairs of a call's ID and its result; of not more than {@link CALLS_PER_TURN}. */
export type CallerReport = readonly number[];

interface Pending {
  /** For the error's message. */
  readonly syscall: string;
  readonly what: string | undefined;
  readonly resolve: (result: number) => void;
  readonly reject: (error: Error) => void;
}

/** A call without what is given to it on the way. */
type Wanted<T> = T extends unknown ? Omit<T, "id"> : never;

export class Caller {
  readonly #state = new Int32Array(new SharedArrayBuffer(4));
  readonly #onFailure: (error: Error) => void;
  readonly #pending = new Map<number, Pending>();
  /** Those that the thread has yet to be given. */
  readonly #calls: Call[] = [];
  /** What the thread has, and has not told the result of. */
  #ahead = 0;
  readonly #reports: CallerReport[] = [];
  readonly #stopNow = () => this.#signal(CALLER_STOP);
  #thread: Worker | undefined;
  #last = 0;
  #ended: Error | undefined;

  /** @param onFailure - the thread has failed, and will make no more calls. */
  constructor(onFailure: (error: Error) => void) {
    this.#onFailure = onFailure;
  }

  /**
   * Makes a call. Its descriptor must stay open until the promise is settled.
   * @param what - for the error's message.
   * @returns what C returns.
   * @throws {@link SyscallError} by rejection.
   */
  call(wanted: Wanted<Call>, what?: string): Promise<number> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    this.#last = (this.#last + 1) >>> 0;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { syscall: wanted.make, what, resolve, reject });
      // What is asked for in one turn of the event loop goes to the thread together.
      if (this.#calls.length === 0) queueMicrotask(() => this.#post());
      this.#calls.push({ ...wanted, id });
    });
  }

  #post(): void {
    while (this.#calls.length > 0 && this.#ahead < MESSAGES_AHEAD * CALLS_PER_TURN) {
      const calls = this.#calls.splice(0, CALLS_PER_TURN);
      if (this.#ended !== undefined) return;
      try {
        this.#thread ??= this.#start();
      } catch (error) {
        this.#onFailure(error as Error);
        return;
      }
      this.#thread.ref();
      this.#thread.postMessage(calls);
      this.#ahead += calls.length;
      this.#signal(CALLER_WORK);
    }
  }

  #start(): Worker {
    const data: CallerThreadData = { role: "call", state: this.#state };
    const thread = spawnThread(import.meta.url, "reactor-thread", {
      name: "caller-thread",
      workerData: data,
    });
    thread.on("message", (report: CallerReport) => this.#take(report));
    thread.on("error", (error) => this.#onFailure(error));
    thread.on("exit", () => {
      process.off("exit", this.#stopNow);
      this.#onFailure(new ClosedError("the thread that makes system calls has ended"));
    });
    // It must see that the process ends.
    process.on("exit", this.#stopNow);
    return thread;
  }

  /** One report a turn: several may have come in this one. */
  #take(report: CallerReport): void {
    this.#reports.push(report);
    if (this.#reports.length === 1) this.#tell();
  }

  #tell(): void {
    const report = this.#reports[0] ?? [];
    this.#ahead -= report.length / 2;
    this.#post();
    for (let i = 0; i + 1 < report.length; i += 2) {
      const id = report[i] as number;
      const result = report[i + 1] as number;
      const pending = this.#pending.get(id);
      if (pending === undefined) continue;
      this.#pending.delete(id);
      if (result >= 0) pending.resolve(result);
      else pending.reject(new SyscallError(pending.syscall, -result, pending.what));
    }
    if (this.#pending.size === 0) this.#thread?.unref();
    setImmediate(() => {
      this.#reports.shift();
      if (this.#reports.length > 0) this.#tell();
    });
  }

  #signal(state: typeof CALLER_WORK | typeof CALLER_STOP): void {
    if (Atomics.exchange(this.#state, 0, state) === CALLER_IDLE) Atomics.notify(this.#state, 0);
  }

  /** Ends the thread after the call that it is in; those that wait are told the reason. Idempotent. */
  close(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#signal(CALLER_STOP);
    for (const pending of this.#pending.values()) pending.reject(reason);
    this.#pending.clear();
    this.#thread?.unref();
  }
}

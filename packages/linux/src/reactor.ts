/**
 * Waiting for descriptors that Node's own event loop cannot watch (netlink, raw sockets, `/dev/ppp`): one thread
 * waits in epoll and tells the main thread, which reads without blocking. One thread serves all descriptors; it
 * is started by the first, and does not keep the process alive when nothing is registered.
 */
import type { Worker } from "node:worker_threads";
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLONESHOT, epoll_event } from "./abi.ts";
import { ClosedError, SyscallError } from "./errors.ts";
import { close, epoll_create1, epoll_ctl, eventfd } from "./sys.ts";
import { type Fd, raw } from "./syscalls.ts";
import { spawnThread } from "./thread.ts";

/** What the thread is given. */
export interface ReactorThreadData {
  readonly epoll: Fd;
  readonly wake: Fd;
  /** Not 0: end. */
  readonly stop: Int32Array;
}

/** To the thread: make this send(), which may take long. */
export interface ReactorCommand {
  readonly id: number;
  readonly fd: number;
  readonly datagram: Uint8Array;
}

/** From the thread, in the order in which it happened there: results first, then what became ready. */
export interface ReactorReport {
  /** Triples of slot, generation and EPOLL* bits. */
  readonly ready: readonly number[];
  /** Pairs of a command's ID and its result. */
  readonly sent: readonly number[];
}

/** How a descriptor is watched. */
export interface WatchOptions {
  /** EPOLL* bits; default EPOLLIN. Errors and hang-ups are always told. */
  readonly events?: number;
  /**
   * `level` (default): told again while there is something, after each return of the handler.
   * `oneshot`: told once, then again after {@link Registration.rearm}.
   */
  readonly mode?: "level" | "oneshot";
  /** Whether the registration keeps the process alive; default true. */
  readonly ref?: boolean;
  /** Nothing will be told any more: the thread has failed, or the descriptor was closed before its registration. */
  readonly onFailure?: (error: Error) => void;
}

/** One watched descriptor. Close it before the descriptor. */
export interface Registration extends Disposable {
  /** Tell again, with other bits if given. */
  rearm(events?: number): void;
  /** Keep the process alive, or no longer. */
  setRef(ref: boolean): void;
  /** No more is told, not even what was under way. Idempotent. */
  close(): void;
}

interface Watch {
  readonly fd: Fd;
  readonly generation: number;
  readonly oneshot: boolean;
  readonly onReady: (events: number) => void;
  readonly onFailure: ((error: Error) => void) | undefined;
  events: number;
  ref: boolean;
}

interface PendingSend {
  readonly resolve: (octets: number) => void;
  readonly reject: (error: Error) => void;
}

let shared: Reactor | undefined;

/** See the file's comment. Use {@link Reactor.shared}; own ones are for tests. */
export class Reactor implements Disposable {
  readonly #epoll: Fd;
  readonly #wake: Fd;
  readonly #stop = new Int32Array(new SharedArrayBuffer(4));
  readonly #thread: Worker;
  readonly #watches: (Watch | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #sends = new Map<number, PendingSend>();
  readonly #commands: ReactorCommand[] = [];
  readonly #stopNow = () => this.#signalStop();
  #lastSend = 0;
  #generation = 0;
  #holding = 0;
  #failure: Error | undefined;

  /** @throws {@link UnsupportedError}, {@link SyscallError} */
  constructor() {
    this.#epoll = epoll_create1();
    this.#wake = eventfd();
    // Generation 0 is the eventfd's own; level-triggered, so that no wake-up is lost.
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, this.#wake, event(EPOLLIN, 0, 0));
    const data: ReactorThreadData = { epoll: this.#epoll, wake: this.#wake, stop: this.#stop };
    this.#thread = spawnThread(import.meta.url, "reactor-thread", { workerData: data });
    this.#thread.on("message", (report: ReactorReport) => this.#take(report));
    this.#thread.on("error", (error) => this.#fail(error));
    this.#thread.on("exit", () => this.#ended());
    this.#thread.unref();
    // A thread that waits in epoll does not see that the process ends: it would wait for it for ever.
    process.on("exit", this.#stopNow);
  }

  /** The one of this thread; started by the first use, and again after a failure. */
  static shared(): Reactor {
    if (shared === undefined || shared.#failure !== undefined) shared = new Reactor();
    return shared;
  }

  /**
   * Watches a descriptor. The handler runs on this thread and reads without blocking (MSG_DONTWAIT, O_NONBLOCK).
   * @throws {@link SyscallError} EEXIST when it is watched already, EPERM for a plain file.
   * @throws {@link ClosedError} when the reactor was closed or its thread has failed.
   */
  watch(fd: Fd, onReady: (events: number) => void, options: WatchOptions = {}): Registration {
    if (this.#failure !== undefined) throw this.#failure;
    const { events = EPOLLIN, mode = "level", ref = true } = options;
    const slot = this.#freeSlots.pop() ?? this.#watches.length;
    this.#generation = this.#generation === 0xffff_ffff ? 1 : this.#generation + 1;
    const generation = this.#generation;
    try {
      // Always one shot: the thread must not spin while the main thread is about to read.
      epoll_ctl(this.#epoll, EPOLL_CTL_ADD, fd, event(events | EPOLLONESHOT, slot, generation));
    } catch (error) {
      this.#freeSlots.push(slot);
      throw error;
    }
    const watch: Watch = {
      fd,
      generation,
      oneshot: mode === "oneshot",
      onReady,
      onFailure: options.onFailure,
      events,
      ref,
    };
    this.#watches[slot] = watch;
    if (ref) this.#hold(1);
    return {
      rearm: (next = watch.events) => {
        watch.events = next;
        if (this.#watches[slot] === watch) this.#arm(slot, watch);
      },
      setRef: (next) => {
        if (this.#watches[slot] !== watch || watch.ref === next) return;
        watch.ref = next;
        this.#hold(next ? 1 : -1);
      },
      close: () => this.#forget(slot, watch),
      [Symbol.dispose]: () => this.#forget(slot, watch),
    };
  }

  /**
   * `send(fd, datagram, 0)` in the reactor's thread: for a call that the kernel may take its time with. The descriptor
   * must stay open until the promise is settled.
   * @throws {@link SyscallError} by rejection.
   */
  send(fd: Fd, datagram: Uint8Array): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#lastSend = (this.#lastSend + 1) >>> 0;
    const id = this.#lastSend;
    // What is asked for in one turn of the event loop goes to the thread in one message.
    if (this.#commands.length === 0) queueMicrotask(() => this.#command());
    this.#commands.push({ id, fd, datagram });
    return new Promise((resolve, reject) => {
      this.#sends.set(id, { resolve, reject });
      this.#hold(1);
    });
  }

  #command(): void {
    const commands = this.#commands.splice(0);
    if (this.#failure !== undefined) return;
    this.#thread.postMessage(commands);
    this.#ring();
  }

  /** Ends the thread; what is still watched is told by `onFailure`. Idempotent. */
  close(): void {
    this.#fail(new ClosedError("the reactor is closed"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #take(report: ReactorReport): void {
    for (let i = 0; i + 1 < report.sent.length; i += 2) {
      const id = report.sent[i] as number;
      const result = report.sent[i + 1] as number;
      const pending = this.#sends.get(id);
      if (pending === undefined) continue;
      this.#sends.delete(id);
      this.#hold(-1);
      if (result >= 0) pending.resolve(result);
      else pending.reject(new SyscallError("send", -result));
    }
    for (let i = 0; i + 2 < report.ready.length; i += 3) {
      const slot = report.ready[i] as number;
      const watch = this.#watches[slot];
      // Closed meanwhile, perhaps with another in its slot.
      if (watch === undefined || watch.generation !== report.ready[i + 1]) continue;
      try {
        watch.onReady(report.ready[i + 2] as number);
      } catch (error) {
        // A bug of one handler is an uncaught error like any other, but the other handlers get their turn.
        queueMicrotask(() => {
          throw error;
        });
      }
      if (!watch.oneshot && this.#watches[slot] === watch) this.#arm(slot, watch);
    }
  }

  #arm(slot: number, watch: Watch): void {
    const armed = event(watch.events | EPOLLONESHOT, slot, watch.generation);
    const result = raw().epoll_ctl(this.#epoll, EPOLL_CTL_MOD, watch.fd, armed);
    if (result >= 0) return;
    // The descriptor was closed before its registration: it will not be told of again.
    this.#forget(slot, watch);
    watch.onFailure?.(new SyscallError("epoll_ctl", -result, `descriptor ${watch.fd}`));
  }

  #forget(slot: number, watch: Watch): void {
    if (this.#watches[slot] !== watch) return;
    this.#watches[slot] = undefined;
    this.#freeSlots.push(slot);
    if (watch.ref) this.#hold(-1);
    // Not checked: a descriptor that was closed too early has left the set by itself.
    if (this.#failure === undefined) raw().epoll_ctl(this.#epoll, EPOLL_CTL_DEL, watch.fd, null);
  }

  #hold(change: 1 | -1): void {
    this.#holding += change;
    if (this.#holding > 0) this.#thread.ref();
    else this.#thread.unref();
  }

  #ring(): void {
    raw().write(this.#wake, new Uint8Array(BigUint64Array.of(1n).buffer), 8);
  }

  #signalStop(): void {
    if (Atomics.exchange(this.#stop, 0, 1) === 0) this.#ring();
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    if (shared === this) shared = undefined;
    this.#signalStop();
    for (const pending of this.#sends.values()) pending.reject(error);
    this.#sends.clear();
    const watches = this.#watches.splice(0);
    for (const watch of watches) watch?.onFailure?.(error);
    this.#holding = 0;
    this.#thread.unref();
  }

  /** The thread has ended, so nobody uses its descriptors any more. */
  #ended(): void {
    this.#fail(new ClosedError("the reactor's thread has ended"));
    process.off("exit", this.#stopNow);
    close(this.#wake);
    close(this.#epoll);
  }
}

/** A `struct epoll_event` whose data is slot and generation. */
function event(events: number, slot: number, generation: number): Uint8Array {
  const octets = new Uint8Array(epoll_event.size);
  const view = new DataView(octets.buffer);
  view.setUint32(epoll_event.events, events, true);
  view.setUint32(epoll_event.data, slot, true);
  view.setUint32(epoll_event.data + 4, generation, true);
  return octets;
}

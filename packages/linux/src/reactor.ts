/**
 * Waiting for descriptors that Node's own event loop cannot watch (netlink, raw sockets, `/dev/ppp`): one thread
 * waits in epoll and tells the main thread, which reads without blocking. One thread serves all descriptors; it
 * is started by the first, and does not keep the process alive when nothing is registered. Calls that the kernel takes
 * its time with are another thread's, so that nobody waits behind them for being told.
 */
import type { Worker } from "node:worker_threads";
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLIN, EPOLLONESHOT, epoll_event } from "./abi.ts";
import { Caller } from "./caller.ts";
import { ClosedError, SyscallError } from "./errors.ts";
import { close, epoll_create1, epoll_ctl, eventfd } from "./sys.ts";
import { type Fd, raw } from "./syscalls.ts";
import { spawnThread } from "./thread.ts";

/** What the thread that waits is given. */
export interface ReactorThreadData {
  readonly role: "wait";
  readonly epoll: Fd;
  /** Readable: end. */
  readonly wake: Fd;
}

/** From the thread: triples of slot, generation and EPOLL* bits. */
export type ReactorReport = readonly number[];

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

/**
 * What became ready is handled for so long in one turn of the event loop; the rest has the next one. What handlers set
 * going (promises that settle) comes on top.
 */
const TURN_MS = 5;

let shared: Reactor | undefined;

/** See the file's comment. Use {@link Reactor.shared}; own ones are for tests. */
export class Reactor implements Disposable {
  readonly #epoll: Fd;
  readonly #wake: Fd;
  readonly #thread: Worker;
  readonly #caller: Caller;
  readonly #watches: (Watch | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #stopNow = () => this.#signalStop();
  /** Reports of which something is yet to be handled. */
  readonly #reports: ReactorReport[] = [];
  /** How far the first of them has been. */
  #handled = 0;
  #stopped = false;
  #generation = 0;
  #holding = 0;
  #failure: Error | undefined;

  /** @throws {@link UnsupportedError}, {@link SyscallError} */
  constructor() {
    this.#epoll = epoll_create1();
    this.#wake = eventfd();
    // Generation 0 is the eventfd's own; level-triggered, so that no wake-up is lost.
    epoll_ctl(this.#epoll, EPOLL_CTL_ADD, this.#wake, event(EPOLLIN, 0, 0));
    const data: ReactorThreadData = { role: "wait", epoll: this.#epoll, wake: this.#wake };
    this.#thread = spawnThread(import.meta.url, "reactor-thread", { workerData: data });
    this.#caller = new Caller((error) => this.#fail(error));
    this.#thread.on("message", (report: ReactorReport) => {
      this.#reports.push(report);
      if (this.#reports.length === 1) this.#work();
    });
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
   * `send(fd, datagram, 0)` in a thread of its own: for a call that the kernel may take its time with. Such calls are made
   * one after the other. The descriptor must stay open until the promise is settled.
   * @throws {@link SyscallError} by rejection.
   */
  send(fd: Fd, datagram: Uint8Array): Promise<number> {
    return this.#call({ make: "send", fd, datagram });
  }

  /**
   * `ioctl(fd, request, argument)` in that thread.
   * @param argument - in a SharedArrayBuffer, so that the thread works on it in place; pointers in it as well.
   * @param what - the request's name.
   * @param namespace - a network namespace to make the call in; it must stay open until then.
   * @throws {@link SyscallError} by rejection, TypeError when the argument is not shared.
   */
  ioctl(fd: Fd, request: number, argument: Uint8Array | null, what: string, namespace?: Fd): Promise<number> {
    if (argument !== null && !(argument.buffer instanceof SharedArrayBuffer)) {
      return Promise.reject(new TypeError(`ioctl ${what}: the argument must lie in a SharedArrayBuffer`));
    }
    return this.#call({ make: "ioctl", fd, request, argument, namespace }, what);
  }

  /** `close(fd)` in that thread, for what takes an interface with it. The descriptor is gone also when this rejects. */
  async closeLater(fd: Fd): Promise<void> {
    await this.#call({ make: "close", fd });
  }

  #call(...call: Parameters<Caller["call"]>): Promise<number> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return this.#caller.call(...call);
  }

  /** Ends the thread; what is still watched is told by `onFailure`. Idempotent. */
  close(): void {
    this.#fail(new ClosedError("the reactor is closed"));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #work(): void {
    const end = performance.now() + TURN_MS;
    for (let report = this.#reports[0]; report !== undefined; report = this.#reports[0]) {
      while (this.#handled + 2 < report.length) {
        const at = this.#handled;
        this.#handled += 3;
        this.#tell(report[at] as number, report[at + 1] as number, report[at + 2] as number);
        if (performance.now() > end) {
          setImmediate(() => this.#work());
          return;
        }
      }
      this.#handled = 0;
      this.#reports.shift();
    }
  }

  #tell(slot: number, generation: number, events: number): void {
    const watch = this.#watches[slot];
    // Closed meanwhile, perhaps with another in its slot.
    if (watch === undefined || watch.generation !== generation) return;
    try {
      watch.onReady(events);
    } catch (error) {
      // A bug of one handler is an uncaught error like any other, but the other handlers get their turn.
      queueMicrotask(() => {
        throw error;
      });
    }
    if (!watch.oneshot && this.#watches[slot] === watch) this.#arm(slot, watch);
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

  #signalStop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    raw().write(this.#wake, new Uint8Array(BigUint64Array.of(1n).buffer), 8);
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    if (shared === this) shared = undefined;
    this.#signalStop();
    this.#caller.close(error);
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

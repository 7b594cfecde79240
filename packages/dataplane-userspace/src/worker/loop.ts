/** What the receiving and the sending thread have in common: waiting, commands, stopping, reports. */
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { abi, type RawSyscalls, raw } from "@l2tp/linux";
import type { Arena } from "../arena.ts";
import { EINTR } from "../errno.ts";
import type { Command, Report, WorkerStart } from "./messages.ts";
import { Shared } from "./shared.ts";

const EVENTS = 64;
/** In epoll's user data: the eventfd. Everything below {@link SHARED_TUN} is a session's row. */
const WAKE = 0xffff_ffff;
export const SOCKET = 0xffff_fffe;
export const CONTROL_SOCKET = 0xffff_fffd;
/** And from here on the number of a shared TUN. */
export const SHARED_TUN = 0x8000_0000;

const { size: STRIDE, events: FLAGS, data: DATA } = abi.epoll_event;

/** Each kind of notice leaves a thread at most once in this time; counts add up meanwhile. */
export const NOTICE_INTERVAL_MS = 1_000;

/** One thread's loop from epoll_wait to epoll_wait. */
export abstract class Loop {
  protected readonly start: WorkerStart;
  protected readonly arena: Arena;
  protected readonly sys: RawSyscalls;
  protected readonly shared: Shared;
  readonly #port: MessagePort;
  readonly #events: number;
  readonly #eventsAddress: number;
  readonly #wakeBuffer: number;
  readonly #register: number;

  constructor(start: WorkerStart, arena: Arena, port: MessagePort) {
    this.start = start;
    this.arena = arena;
    this.sys = raw();
    this.shared = new Shared(start.shared);
    this.#port = port;
    this.#events = arena.take(EVENTS * STRIDE);
    this.#eventsAddress = arena.base + this.#events;
    this.#wakeBuffer = arena.base + arena.take(8);
    this.#register = arena.take(STRIDE);
    this.watch(start.wake, WAKE, abi.EPOLLIN);
  }

  /** Adds a descriptor to what the loop waits for; returns a negative error number on failure. */
  protected watch(fd: number, data: number, events: number): number {
    const { view } = this.arena;
    view.setUint32(this.#register + FLAGS, events, true);
    view.setUint32(this.#register + DATA, data, true);
    view.setUint32(this.#register + DATA + 4, 0, true);
    return this.sys.epoll_ctl(this.start.epoll, abi.EPOLL_CTL_ADD, fd, this.arena.base + this.#register);
  }

  protected unwatch(fd: number): void {
    this.sys.epoll_ctl(this.start.epoll, abi.EPOLL_CTL_DEL, fd, null);
  }

  protected report(report: Report): void {
    this.#port.postMessage(report);
  }

  /** Runs until the stop flag is up. */
  run(): void {
    const { view } = this.arena;
    const { epoll } = this.start;
    for (;;) {
      const n = this.sys.epoll_wait(epoll, this.#eventsAddress, EVENTS, this.idleMs());
      if (n < 0 && n !== -EINTR) throw new Error(`epoll_wait: errno ${-n}`);
      for (let i = 0; i < n; i++) {
        const at = this.#events + i * STRIDE;
        const data = view.getUint32(at + DATA, true);
        if (data !== WAKE) {
          this.ready(data, view.getUint32(at + FLAGS, true));
          continue;
        }
        this.sys.read(this.start.wake, this.#wakeBuffer, 8);
        if (this.shared.stopping) return;
        this.awake();
        this.#obey();
      }
      this.settle();
    }
  }

  #obey(): void {
    for (let m = receiveMessageOnPort(this.#port); m !== undefined; m = receiveMessageOnPort(this.#port)) {
      // Frames that were handed over before it go first: those of a session before the command that ends it.
      this.awake();
      const ids: number[] = [];
      let errors: Record<number, string> | undefined;
      for (const command of m.message as readonly Command[]) {
        ids.push(command.id);
        try {
          this.command(command);
        } catch (error) {
          errors ??= {};
          errors[command.id] = String(error);
        }
      }
      this.report({ type: "done", ids, ...(errors === undefined ? {} : { errors }) });
    }
  }

  /** The main thread has woken us: it may have left something in a ring. */
  protected awake(): void {}

  /** How long to wait when nothing happens; -1 for ever. */
  protected abstract idleMs(): number;
  /** Serves one descriptor. */
  protected abstract ready(data: number, events: number): void;
  /** After a round of events: send and write what was gathered, and report what is due. */
  protected abstract settle(): void;
  protected abstract command(command: Command): void;
}

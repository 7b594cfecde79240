/** The two threads of a wire, as the main thread sees them: commands in, reports out, stopping. */
import { PlaneError } from "@l2tp/dataplane";
import { abi, type Fd, raw, spawnThread, sys } from "@l2tp/linux";
import type { Command, Report, WorkerStart } from "./worker/messages.ts";
import type { Shared } from "./worker/shared.ts";

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;
/** A command without the number that its answer refers to. */
export type Order = DistributiveOmit<Command, "id">;

interface Pending {
  resolve(): void;
  reject(reason: PlaneError): void;
}

const ONE = BigUint64Array.of(1n);
/** Packets allocate nothing, so what is young in a thread is what commands left: it need not be kept for long. */
const YOUNG_MB = 2;

/** What follows it runs at the end of this turn: as `queueMicrotask`, without Node's resource for each call. */
const NOW = Promise.resolve();

/** Threads of this process that run, to be told when it exits: a thread that waits would hold the exit up. */
const running = new Set<PacketThread>();
let hooked = false;

function stopAllAtExit(): void {
  if (hooked) return;
  hooked = true;
  process.on("exit", () => {
    for (const thread of running) thread.signalStop();
  });
}

/** What a thread is started with, but for what it gets from here. */
export type ThreadSettings = Omit<WorkerStart, "epoll" | "wake" | "shared">;

/** One worker thread in its loop. */
export class PacketThread {
  /** Made here, as the main thread arms the control socket in it. */
  readonly epoll: Fd;
  readonly #wake: Fd;
  readonly #shared: Shared;
  readonly #worker: ReturnType<typeof spawnThread>;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  /** Commands of this turn of the event loop: they go together. */
  #orders: Command[] = [];
  /** A write is due in this turn of the event loop. */
  #waking = false;
  readonly #wakeNow = (): void => {
    if (this.#waking) this.#write();
  };
  readonly #sendNow = (): void => this.#send();
  #started: ((checksum: WorkerStart["checksum"]) => void) | undefined;
  #nextId = 1;
  #stopping = false;
  #gone = false;

  /**
   * @param onReport - called for what the thread tells by itself.
   * @param onDeath - called when it ends without having been told to.
   */
  constructor(
    settings: ThreadSettings,
    shared: Shared,
    onReport: (report: Report) => void,
    onDeath: (reason: string) => void,
  ) {
    stopAllAtExit();
    this.#shared = shared;
    this.epoll = sys.epoll_create1();
    this.#wake = sys.eventfd(0, abi.EFD_NONBLOCK);
    const workerData: WorkerStart = {
      ...settings,
      epoll: this.epoll,
      wake: this.#wake,
      shared: shared.buffers,
    };
    try {
      this.#worker = spawnThread(import.meta.url, "packet-thread", {
        workerData,
        name: `l2tp ${settings.role}`,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
      });
    } catch (error) {
      sys.close(this.#wake);
      sys.close(this.epoll);
      throw error;
    }
    running.add(this);
    let reason = "the thread ended";
    this.#worker.on("message", (report: Report) => this.#take(report, onReport));
    this.#worker.on("error", (error) => {
      reason = String(error);
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#gone = true;
        running.delete(this);
        sys.close(this.#wake);
        sys.close(this.epoll);
        const error = new PlaneError("closed", `the wire's packet thread is gone: ${reason}`);
        for (const { reject } of this.#pending.values()) reject(error);
        this.#pending.clear();
        resolve();
        if (!this.#stopping) onDeath(`${settings.role} thread: ${reason}`);
      });
    });
  }

  /**
   * Resolves when the loop runs, with what computes checksums there.
   * @throws PlaneError when the thread dies first.
   */
  ready(): Promise<WorkerStart["checksum"]> {
    return new Promise((resolve, reject) => {
      this.#started = resolve;
      this.#pending.set(0, { resolve: () => {}, reject });
    });
  }

  #take(report: Report, onReport: (report: Report) => void): void {
    if (report.type === "ready") {
      this.#pending.delete(0);
      this.#started?.(report.checksum);
    } else if (report.type === "done") {
      for (const id of report.ids) {
        const pending = this.#pending.get(id);
        this.#pending.delete(id);
        const error = report.errors?.[id];
        if (error === undefined) pending?.resolve();
        else pending?.reject(new PlaneError("system", error));
      }
    } else {
      onReport(report);
    }
  }

  /**
   * Gives a command and waits until it is done: the loop does it between two packets.
   * @throws PlaneError `closed` when the thread is gone, `system` when it could not.
   */
  order(order: Order): Promise<void> {
    if (this.#gone) return Promise.reject(new PlaneError("closed", "the wire is closed"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      // The spread last: V8 makes each result of one that comes first a hidden class of its own.
      this.#orders.push({ id, ...order });
      if (this.#orders.length === 1) void NOW.then(this.#sendNow);
    });
  }

  #send(): void {
    const orders = this.#orders;
    this.#orders = [];
    if (this.#gone) return;
    this.#worker.postMessage(orders);
    this.#write();
  }

  /**
   * Lets the loop look: there is something in a ring. At the end of what runs now, as more may follow: the write costs more
   * than a frame does.
   */
  wake(): void {
    if (this.#waking) return;
    this.#waking = true;
    void NOW.then(this.#wakeNow);
  }

  #write(): void {
    this.#waking = false;
    if (!this.#gone) raw().write(this.#wake, ONE, 8);
  }

  /** Sets the flag and wakes the loop; it returns at the latest after its present batch. */
  signalStop(): void {
    this.#stopping = true;
    this.#shared.stop();
    if (!this.#gone) raw().write(this.#wake, ONE, 8);
  }

  /** Stops the thread; resolves when it is gone. */
  stop(): Promise<void> {
    this.signalStop();
    return this.#ended;
  }

  /** Lets the receiver watch the control socket again, after its messages were read. */
  arm(control: Fd, data: number): void {
    if (this.#gone) return;
    const event = new Uint8Array(abi.epoll_event.size);
    const view = new DataView(event.buffer);
    view.setUint32(abi.epoll_event.events, abi.EPOLLIN | abi.EPOLLONESHOT, true);
    view.setUint32(abi.epoll_event.data, data, true);
    raw().epoll_ctl(this.epoll, abi.EPOLL_CTL_MOD, control, event);
  }
}

/**
 * Two ways to listen to one source of events: `on(type, listener)` and `events({ signal })`. Listeners are
 * called in the order of registration, synchronously, when the state has changed already; readers of
 * `events()` have a bounded buffer each, and a slow one loses the newest and is told how many.
 */
import type { ContextEvent, ContextEventType, EventsDropped } from "./events.ts";
import type { Logger } from "./log.ts";

/** The event with this `type`. */
export type EventOf<T extends ContextEventType> = Extract<ContextEvent, { type: T }>;

/** How {@link Emitter.events} reads. */
export interface EventsOptions {
  /** Ends the iteration. */
  readonly signal?: AbortSignal;
  /** How many events wait for the reader at most; default 1,024. */
  readonly bufferSize?: number;
}

/** Events that wait for one reader. */
const DEFAULT_BUFFER_SIZE = 1_024;

type Listener = (event: ContextEvent) => void;

/** One source of events. */
export class Emitter {
  readonly #logger: Logger;
  readonly #listeners = new Map<ContextEventType, Set<Listener>>();
  readonly #readers = new Set<Reader>();
  #ended = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Calls `listener` for each event of this type until the result is disposed of. */
  on<T extends ContextEventType>(type: T, listener: (event: EventOf<T>) => void): Disposable {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners);
    // A wrapper of its own, so that one function registered twice is called twice and removed once.
    const own: Listener = (event) => listener(event as EventOf<T>);
    listeners.add(own);
    return { [Symbol.dispose]: () => listeners.delete(own) };
  }

  /** Whether somebody has a listener for this type; readers of {@link events} do not count. */
  listens(type: ContextEventType): boolean {
    return (this.#listeners.get(type)?.size ?? 0) > 0;
  }

  /** Whether anybody would see an event of this type. */
  hears(type: ContextEventType): boolean {
    return this.listens(type) || this.#readers.size > 0;
  }

  /** All events from now on, until the signal aborts, the reader breaks off, or the source ends. */
  events(options: EventsOptions = {}): AsyncIterableIterator<ContextEvent | EventsDropped> {
    const reader: Reader = new Reader(options, () => this.#readers.delete(reader));
    if (this.#ended) reader.end();
    else if (!options.signal?.aborted) this.#readers.add(reader);
    return reader;
  }

  emit(event: ContextEvent): void {
    for (const listener of this.#listeners.get(event.type) ?? []) {
      try {
        listener(event);
      } catch (error) {
        // A listener's fault is not the tunnel's: whoever listens next is told all the same.
        this.#logger.error({ event: event.type, error }, `a listener for ${event.type} threw`);
      }
    }
    for (const reader of this.#readers) reader.push(event);
  }

  /** No more events: readers take what waits for them and end. */
  end(): void {
    this.#ended = true;
    for (const reader of [...this.#readers]) reader.end();
    this.#listeners.clear();
  }
}

type Item = ContextEvent | EventsDropped;

/** One `for await` over the events. */
class Reader implements AsyncIterableIterator<Item> {
  readonly #size: number;
  readonly #leave: () => void;
  readonly #signal: AbortSignal | undefined;
  readonly #buffer: Item[] = [];
  readonly #waiting: ((result: IteratorResult<Item, undefined>) => void)[] = [];
  #dropped = 0;
  #done = false;

  constructor(options: EventsOptions, leave: () => void) {
    this.#size = options.bufferSize ?? DEFAULT_BUFFER_SIZE;
    this.#leave = leave;
    this.#signal = options.signal;
    if (this.#signal?.aborted) this.#done = true;
    else this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    this.#buffer.length = 0; // who aborts does not want the rest
    this.#dropped = 0;
    this.end();
  };

  push(event: ContextEvent): void {
    const next = this.#waiting.shift();
    if (next) next({ done: false, value: event });
    else if (this.#buffer.length >= this.#size) this.#dropped += 1;
    else {
      this.#noteDropped();
      this.#buffer.push(event);
    }
  }

  /** Puts the notice where the lost events would have been, before the first one that fits again. */
  #noteDropped(): void {
    if (this.#dropped === 0) return;
    this.#buffer.push({ type: "events-dropped", count: this.#dropped });
    this.#dropped = 0;
  }

  end(): void {
    if (this.#done) return;
    this.#done = true;
    this.#noteDropped();
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#leave();
    for (const next of this.#waiting.splice(0)) next({ done: true, value: undefined });
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#buffer.length === 0 && this.#dropped > 0) this.#noteDropped();
    const item = this.#buffer.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    if (this.#done) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Item, undefined>> {
    this.#onAbort();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The record of calls to a data plane, and the faults that a test injects into them. */
import { PlaneError } from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import { formatCall, formatDifference, matches } from "./call-format.ts";
import type { Scheduler } from "./clock.ts";

/** Every call that a data plane answers, `close…` for the disposal of each thing. */
export type CallName =
  | "open"
  | "send"
  | "reserveTunnelId"
  | "releaseTunnelId"
  | "createTunnel"
  | "updateTunnel"
  | "createSession"
  | "updateSession"
  | "sessionStatistics"
  | "configureLink"
  | "gateLink"
  | "resetMppe"
  | "bridge"
  | "statistics"
  | "counters"
  | "closeSession"
  | "closeTunnel"
  | "closeWire"
  | "closePlane";

/** One call as it was made. Octets are copies. */
export interface CallRecord {
  /** Counts all calls of this data plane, from 0. */
  readonly index: number;
  readonly at: Instant;
  readonly call: CallName;
  /** What it was called on: `plane`, `wire 192.0.2.1:1701`, `tunnel 7`, `session 9`. */
  readonly on: string;
  readonly arguments: unknown;
  /** `pending` until it is answered; a call that hangs stays so. */
  outcome: "pending" | "returned" | "failed";
  error?: Error;
}

/** Which calls a fault concerns, and how often. */
export interface FaultOptions {
  /** How many calls; default 1 (a delay: all). */
  readonly times?: number;
  /** Only calls for which it answers true. */
  readonly when?: (call: CallRecord) => boolean;
}

/** Calls held by {@link CallLog.hang}. */
export interface Hanging {
  /** How many calls wait now. */
  readonly waiting: number;
  /** Lets those that wait go on as if nothing had been, and holds no more. */
  release(): void;
  /** Lets those that wait fail, and holds no more. */
  fail(error?: Error): void;
}

/** What to compare a record with: the name, or the name and a part of the arguments. */
export type ExpectedCall = CallName | readonly [call: CallName, argumentsPart: unknown];

interface Fault {
  readonly call: CallName;
  readonly when: ((call: CallRecord) => boolean) | undefined;
  left: number;
  /** Resolves when the call may go on, rejects when it is to fail. */
  apply(record: CallRecord): Promise<void>;
  readonly error?: Error;
}

/** How many records are kept, the newest. */
const RECORD_LIMIT = 100_000;

/** Records calls and makes them fail, wait or hang. */
export class CallLog {
  readonly records: CallRecord[] = [];
  readonly #scheduler: Scheduler;
  #index = 0;
  #faults: Fault[] = [];

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  /**
   * The next calls fail, at once or after a time. A failing `send` loses the message, as `send` never throws;
   * a failing `close…` closes all the same, and throws.
   */
  fail(call: CallName, options: FaultOptions & { error?: Error; afterMs?: number } = {}): void {
    const error =
      options.error ??
      new PlaneError("system", `${call}: made to fail by the test; there is nothing to remedy`);
    this.#faults.push({
      call,
      when: options.when,
      left: options.times ?? 1,
      error,
      apply: async () => {
        await this.#after(options.afterMs ?? 0);
        throw error;
      },
    });
  }

  /** Calls take a time before anything happens. */
  delay(call: CallName, ms: number, options: FaultOptions = {}): void {
    const left = options.times ?? Number.POSITIVE_INFINITY;
    this.#faults.push({ call, when: options.when, left, apply: () => this.#after(ms) });
  }

  /** The next calls wait until they are released or made to fail. */
  hang(call: CallName, options: FaultOptions = {}): Hanging {
    const waiting = new Set<{ go(): void; stop(error: Error): void }>();
    const fault: Fault = {
      call,
      when: options.when,
      left: options.times ?? 1,
      apply: () =>
        new Promise<void>((resolve, reject) => {
          waiting.add({ go: resolve, stop: reject });
        }),
    };
    this.#faults.push(fault);
    const end = (each: (one: { go(): void; stop(error: Error): void }) => void) => {
      fault.left = 0;
      for (const one of waiting) each(one);
      waiting.clear();
    };
    return {
      get waiting() {
        return waiting.size;
      },
      release: () => end((one) => one.go()),
      fail: (error) => end((one) => one.stop(error ?? new PlaneError("system", `${call}: gave up waiting`))),
    };
  }

  /** Forgets all faults; calls that hang go on hanging until released. */
  clearFaults(): void {
    this.#faults = [];
  }

  /** The records of one kind of call. */
  of(call: CallName): readonly CallRecord[] {
    return this.records.filter((record) => record.call === call);
  }

  /**
   * Compares the calls with what was expected, in order.
   * @param options.only - compare these kinds of calls and overlook the others; default: all but `send` and
   * what only reads (`counters`, `statistics`, `sessionStatistics`)
   * @param options.since - from this index on
   * @throws Error that shows both lists side by side, with the first difference marked
   */
  expect(
    expected: readonly ExpectedCall[],
    options: { only?: readonly CallName[]; since?: number } = {},
  ): void {
    const overlooked = new Set<CallName>(["send", "counters", "statistics", "sessionStatistics"]);
    const counts = (call: CallName) => options.only?.includes(call) ?? !overlooked.has(call);
    const actual = this.records.filter(({ call, index }) => counts(call) && index >= (options.since ?? 0));
    const same = (want: ExpectedCall | undefined, record: CallRecord | undefined) => {
      if (want === undefined || record === undefined) return false;
      if (typeof want === "string") return want === record.call;
      return want[0] === record.call && matches(want[1], record.arguments);
    };
    const length = Math.max(expected.length, actual.length);
    for (let i = 0; i < length; i++) {
      if (!same(expected[i], actual[i])) throw new Error(formatDifference(expected, actual, i));
    }
  }

  /** All records, one a line. */
  toString(): string {
    return this.records.map(formatCall).join("\n");
  }

  /** Records a call, applies the faults, then does it. */
  async run<T>(
    call: CallName,
    on: string,
    args: unknown,
    body: () => T | Promise<T>,
    options: { evenIfFailed?: boolean } = {},
  ): Promise<T> {
    const record = this.#record(call, on, args);
    try {
      try {
        for (const fault of this.#take(record)) await fault.apply(record);
      } catch (error) {
        if (options.evenIfFailed === true) await body();
        throw error;
      }
      const result = await body();
      record.outcome = "returned";
      return result;
    } catch (error) {
      record.outcome = "failed";
      record.error = error as Error;
      throw error;
    }
  }

  /** As {@link run} for a call that does not wait: a fault that fails keeps the body from running. */
  runNow(call: CallName, on: string, args: unknown, body: () => void): void {
    const record = this.#record(call, on, args);
    const error = this.#take(record).find((fault) => fault.error !== undefined)?.error;
    record.outcome = error === undefined ? "returned" : "failed";
    if (error === undefined) body();
    else record.error = error;
  }

  #record(call: CallName, on: string, args: unknown): CallRecord {
    const record: CallRecord = {
      index: this.#index++,
      at: this.#scheduler.now(),
      call,
      on,
      arguments: copy(args),
      outcome: "pending",
    };
    this.records.push(record);
    if (this.records.length > RECORD_LIMIT) this.records.shift();
    return record;
  }

  /** The faults that this call meets, used up by one. */
  #take(record: CallRecord): Fault[] {
    const met = this.#faults.filter(
      ({ call, when, left }) => call === record.call && left > 0 && (when?.(record) ?? true),
    );
    for (const fault of met) fault.left -= 1;
    this.#faults = this.#faults.filter(({ left }) => left > 0);
    return met;
  }

  #after(ms: number): Promise<void> {
    if (ms <= 0) return Promise.resolve();
    return new Promise((done) => this.#scheduler.after(ms, done));
  }
}

/** Deep copy of plain data and octets; objects with methods (a tunnel) stay what they are. */
function copy(value: unknown): unknown {
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copy(part)]));
  }
  return value;
}

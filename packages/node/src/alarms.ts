/** All due times of a context behind one armed system timer, kept in the transport's timer wheel. */
import type { Instant } from "@l2tp/protocol";
import { TimerWheel } from "@l2tp/transport";
import type { Clock } from "./clock.ts";

/** One due time that can be moved. */
export interface Alarm {
  /** Rings at `due` or a little later (never earlier), once; replaces an earlier due time. */
  set(due: Instant): void;
  /** Does not ring, unless it is set again. */
  clear(): void;
}

type Ring = (now: Instant) => void;

/** An alarm as its owner has it. A class: there is one for each of thousands of sessions, and closures cost more. */
class Handle implements Alarm, Disposable {
  readonly #alarms: Alarms;
  /** -1: it was disposed of. */
  #key: number;

  constructor(alarms: Alarms, key: number) {
    this.#alarms = alarms;
    this.#key = key;
  }

  set(due: Instant): void {
    if (this.#key >= 0) this.#alarms.set(this.#key, due);
  }

  clear(): void {
    if (this.#key >= 0) this.#alarms.clear(this.#key);
  }

  [Symbol.dispose](): void {
    if (this.#key < 0) return;
    this.#alarms.release(this.#key);
    this.#key = -1;
  }
}

/** The alarms of one context. */
export class Alarms {
  readonly #clock: Clock;
  readonly #wheel = new TimerWheel();
  /** What rings, by key in the wheel; a hole is a key to be given again. */
  readonly #rings: (Ring | undefined)[] = [];
  readonly #freeKeys: number[] = [];
  /** The one system timer. */
  #armed: { readonly wake: Instant; readonly cancel: () => void } | undefined;
  #ringing = false;
  #disposed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An alarm that is not set yet; dispose of it when it is needed no more. `ring` must not throw. */
  create(ring: Ring): Alarm & Disposable {
    const key = this.#freeKeys.pop() ?? this.#rings.length;
    this.#rings[key] = ring;
    return new Handle(this, key);
  }

  /** For {@link Handle} only. */
  set(key: number, due: Instant): void {
    if (this.#disposed) return;
    this.#wheel.arm(key, due);
    this.#arm();
  }

  /** For {@link Handle} only. */
  clear(key: number): void {
    this.#wheel.cancel(key);
    this.#arm();
  }

  /** For {@link Handle} only. */
  release(key: number): void {
    this.#wheel.cancel(key);
    this.#rings[key] = undefined;
    this.#freeKeys.push(key);
    this.#arm();
  }

  /** Nothing rings any more. */
  dispose(): void {
    this.#disposed = true;
    this.#armed?.cancel();
    this.#armed = undefined;
  }

  /** Arms the system timer for what is due first. While alarms ring, that is done once, at the end. */
  #arm(): void {
    if (this.#ringing || this.#disposed) return;
    const wake = this.#wheel.nextWake();
    if (this.#armed?.wake === wake) return;
    this.#armed?.cancel();
    this.#armed =
      wake === undefined
        ? undefined
        : { wake, cancel: this.#clock.after(Math.max(0, wake - this.#clock.now()), () => this.#wake()) };
  }

  #wake(): void {
    this.#armed = undefined;
    this.#ringing = true;
    const now = this.#clock.now();
    for (let key = this.#wheel.expire(now); key >= 0; key = this.#wheel.expire(now)) this.#rings[key]?.(now);
    this.#ringing = false;
    this.#arm();
  }
}

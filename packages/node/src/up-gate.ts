/** Waiting for something to be up, with an `AbortSignal`, and without a leak when it never is. */
import { AbortedError, ClosedError } from "./errors.ts";
import type { Reason } from "./reason.ts";

/** What can be waited for and given up. */
export interface WaitOptions {
  /** Ends the wait (not the thing waited for). */
  readonly signal?: AbortSignal;
}

/** What a program waits for. */
interface Awaited {
  readonly state: string;
  readonly reason: Reason | undefined;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** Those who wait for one tunnel or session to be up. */
export class UpGate {
  readonly #waiters = new Set<Waiter>();

  /** Lets everybody in who waits now. */
  open(): void {
    for (const waiter of [...this.#waiters]) waiter.resolve();
  }

  /** Sends everybody away: there will be no up. */
  close(what: string): void {
    for (const waiter of [...this.#waiters]) waiter.reject(new ClosedError(`${what} was closed`));
  }

  /** See {@link whenUp}. @param describe - what is waited for and why it is not there yet, for the error's message. */
  wait({ signal }: WaitOptions, describe: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void =>
        waiter.reject(new AbortedError(`no longer waiting for ${describe()}`, { cause: signal?.reason }));
      const leave = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", onAbort);
      };
      const waiter: Waiter = {
        resolve: () => {
          leave();
          resolve();
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      if (signal?.aborted) return onAbort();
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}

/**
 * Resolves when `thing` is up, at once when it is.
 * @param what - for errors: `tunnel office`.
 * @param gate - asked for only when somebody has to wait.
 * @throws AbortedError when the signal aborts first; ClosedError when the thing is closed, or is closed first.
 */
export function whenUp(
  thing: Awaited,
  what: string,
  gate: () => UpGate,
  options: WaitOptions,
): Promise<void> {
  if (thing.state === "closed") return Promise.reject(new ClosedError(`${what} is closed`));
  if (thing.state === "up") return Promise.resolve();
  return gate().wait(options, () => {
    const why = thing.reason ? `: ${thing.reason.text}` : "";
    return `${what}, which is ${thing.state}${why}`;
  });
}

/** When to stop, and how long that may take. */

/** Why the daemon stops: the signal, for the log. */
export type StopCause = "SIGTERM" | "SIGINT" | "end of standard input" | "loss of standard output";

/** As good as never. */
const LONG_MS = 2 ** 30;
/** One press of Ctrl-C is told twice where npm stands between: to all of the terminal's processes, and by npm once more. */
const ONE_REQUEST_MS = 500;

/** Two moments: when to stop, and when to wait no longer. */
export interface StopRequests extends Disposable {
  /** Resolves at the first request. */
  readonly requested: Promise<StopCause>;
  /** Resolves at the second signal that is no echo of the first. */
  readonly hurry: Promise<void>;
}

/**
 * Listens for SIGTERM and SIGINT, for standard output that takes no more (what nobody can see need not go on), and for the end
 * of standard input where that is asked for.
 */
export function listenForStop(options: { readonly untilStdinEnds?: boolean }): StopRequests {
  let request: (cause: StopCause) => void = () => {};
  let rush: () => void = () => {};
  const requested = new Promise<StopCause>((resolve) => {
    request = resolve;
  });
  const hurry = new Promise<void>((resolve) => {
    rush = resolve;
  });
  let first: number | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    const now = performance.now();
    if (first === undefined) request(signal as StopCause);
    else if (now - first > ONE_REQUEST_MS) rush();
    first ??= now;
  };
  const onEnd = (): void => request("end of standard input");
  const onLoss = (): void => request("loss of standard output");
  process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  process.stdout.on("error", onLoss);
  if (options.untilStdinEnds) process.stdin.resume().on("end", onEnd).on("close", onEnd);
  // A daemon lives until it is told to stop, also while nothing else holds the event loop: tunnels in the kernel do not.
  const life = setInterval(() => {}, LONG_MS);
  return {
    requested,
    hurry,
    [Symbol.dispose]: () => {
      clearInterval(life);
      process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
      process.stdout.off("error", onLoss);
      if (options.untilStdinEnds) process.stdin.off("end", onEnd).off("close", onEnd);
    },
  };
}

/** Waits for `work`, at most `limitMs`, and no longer than `hurry`. @returns whether it was done. */
export async function withinLimit(
  work: Promise<unknown>,
  limitMs: number,
  hurry: Promise<void>,
): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), limitMs);
  });
  try {
    return await Promise.race([work.then(() => true), limit, hurry.then(() => false as const)]);
  } finally {
    clearTimeout(timer);
  }
}

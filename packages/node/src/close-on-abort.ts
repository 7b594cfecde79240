/** What a program ends by an `AbortSignal`. */

/** Closes `closable` when the signal aborts, and lets go of the signal when `closed` says that it is closed. */
export function closeOnAbort(
  signal: AbortSignal,
  closable: { close(): Promise<void> },
  closed: AbortController,
): void {
  const close = (): void => void closable.close();
  if (signal.aborted) queueMicrotask(close);
  else signal.addEventListener("abort", close, { once: true, signal: closed.signal });
}

/** What the sending thread could not send, told now and then; and batches that a path refused, tried again after a while. */
import { EIO } from "../errno.ts";
import { NOTICE_INTERVAL_MS } from "./loop.ts";
import type { Report } from "./messages.ts";
import type { TxDestination } from "./tx-session.ts";

/** How long a destination goes without GSO that was refused. */
const GSO_RETRY_MS = 30_000;
/** All that a destination can take. */
const NO_LIMIT = 0xffff;

export class SendFailures {
  readonly #report: (report: Report) => void;
  readonly #failing = new Set<TxDestination>();
  /** Destinations whose GSO messages were refused, to be tried again. */
  readonly #limited = new Set<TxDestination>();

  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  /** Something failed that has not been told yet. */
  get pending(): boolean {
    return this.#failing.size > 0;
  }

  /** A datagram was not sent. */
  failed(destination: TxDestination, errno: number): void {
    destination.failures++;
    destination.failure = errno;
    this.#failing.add(destination);
  }

  /** A GSO message of datagrams of so many octets was refused, which go one by one from here on. */
  gsoRefused(destination: TxDestination, octets: number, errno: number): void {
    // EIO: no device on the way can do it; the others: too large for the path as it is now.
    destination.gsoLimit = errno === EIO ? 0 : octets - 1;
    destination.refusedAt = performance.now();
    this.#limited.add(destination);
    this.#report({ type: "gso-refused", tunnelId: destination.tunnelId, octets, errno });
  }

  /** After each round. */
  settle(): void {
    if (this.#failing.size > 0) this.#tell();
    if (this.#limited.size > 0) this.#tryAgain();
  }

  forget(destination: TxDestination): void {
    this.#failing.delete(destination);
    this.#limited.delete(destination);
  }

  #tell(): void {
    const now = performance.now();
    for (const destination of this.#failing) {
      if (now - destination.reportedAt < NOTICE_INTERVAL_MS) continue;
      const { tunnelId, failure, failures } = destination;
      this.#report({ type: "send-failed", tunnelId, errno: failure, count: failures });
      destination.reportedAt = now;
      destination.failures = 0;
      this.#failing.delete(destination);
    }
  }

  /** A path may take larger packets again; the price of a try is one system call. */
  #tryAgain(): void {
    const now = performance.now();
    for (const destination of this.#limited) {
      if (now - destination.refusedAt < GSO_RETRY_MS) continue;
      destination.gsoLimit = NO_LIMIT;
      this.#limited.delete(destination);
    }
  }
}

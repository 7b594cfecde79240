/** A rate limit for one direction of a session (token bucket): no timer, and nothing allocated per packet. */

/** Half a second's worth may come at once. */
const BURST_MS = 500;

export class TokenBucket {
  readonly #octetsPerMs: number;
  readonly #most: number;
  #tokens: number;
  #at: number;

  /** @param bitsPerSecond - of IP packets, more than 0. Begins full. */
  constructor(bitsPerSecond: number, nowMs: number) {
    this.#octetsPerMs = bitsPerSecond / 8_000;
    this.#most = this.#octetsPerMs * BURST_MS;
    this.#tokens = this.#most;
    this.#at = nowMs;
  }

  /**
   * Whether so many octets may pass. As long as anything is left a packet of any size does, and is owed: a large TCP
   * frame would never fit the burst of a slow session.
   */
  take(octets: number, nowMs: number): boolean {
    this.#tokens = Math.min(this.#tokens + (nowMs - this.#at) * this.#octetsPerMs, this.#most);
    this.#at = nowMs;
    if (this.#tokens <= 0) return false;
    this.#tokens -= octets;
    return true;
  }
}

/** A rate limit for one direction of a session (token bucket): no timer, and nothing allocated per packet. */

/** Half a second's worth may come at once. */
const BURST_MS = 500;

export class TokenBucket {
  #octetsPerMs = 0;
  #most = 0;
  #tokens = 0;
  #at = 0;

  /** @param bitsPerSecond - of IP packets; 0 for no limit. Begins full. */
  set(bitsPerSecond: number, nowMs: number): void {
    this.#octetsPerMs = bitsPerSecond / 8_000;
    this.#most = this.#octetsPerMs * BURST_MS;
    this.#tokens = this.#most;
    this.#at = nowMs;
  }

  get limited(): boolean {
    return this.#octetsPerMs > 0;
  }

  /**
   * Whether so many octets may pass. As long as anything is left a packet of any size does, and is owed: a large TCP
   * frame would never fit the burst of a slow session.
   */
  take(octets: number, nowMs: number): boolean {
    if (this.#octetsPerMs === 0) return true;
    const tokens = this.#tokens + (nowMs - this.#at) * this.#octetsPerMs;
    this.#tokens = Math.min(tokens, this.#most);
    this.#at = nowMs;
    if (this.#tokens <= 0) return false;
    this.#tokens -= octets;
    return true;
  }
}

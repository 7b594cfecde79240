/** A session: what it would be, and the count of what it did not carry. */
import {
  checkSessionChange,
  emptyStatistics,
  PlaneError,
  type PlaneStatistics,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { equalConstantTime, type L2tpVersion, type SocketAddress } from "@l2tp/protocol";

/** What a session needs of its tunnel. */
export interface SessionOwner {
  readonly version: L2tpVersion;
  readonly peer: SocketAddress;
  forget(session: NullSession): void;
}

/** Of a session that nothing has come for. */
const NOTHING: Readonly<PlaneStatistics> = emptyStatistics();

/** A session of a `NullTunnel`. It has no interface, and never sends. */
export class NullSession implements SessionPlane {
  readonly sessionId: number;
  readonly l2SpecificSublayer: SessionPlaneParameters["l2SpecificSublayer"];
  readonly #owner: SessionOwner;
  readonly #cookie: Uint8Array;
  /** Made when there is something to count: of a hundred thousand sessions few ever have. */
  #counters: PlaneStatistics | undefined;
  #mtuOctets: number;
  #gone: string | undefined;

  constructor(owner: SessionOwner, parameters: SessionPlaneParameters, mtuOctets: number) {
    this.#owner = owner;
    const { sessionId, cookie, l2SpecificSublayer } = parameters;
    // In v2 there is none, and a copy of nothing costs as much as one of something: a hundred octets and the collector's time.
    this.#cookie = cookie.length === 0 ? cookie : cookie.slice();
    this.sessionId = sessionId;
    this.l2SpecificSublayer = l2SpecificSublayer;
    this.#mtuOctets = mtuOctets;
  }

  get mtuOctets(): number {
    return this.#mtuOctets;
  }

  get counters(): Readonly<PlaneStatistics> {
    return this.#counters ?? NOTHING;
  }

  isPeer({ address, port }: SocketAddress): boolean {
    const { peer } = this.#owner;
    return peer.port === port && peer.address === address;
  }

  /**
   * Counts a data message and lets it go: received, as the peer's silence or the lack of it matters to Hello, but for a
   * wrong cookie.
   *
   * @param at - where the v3 cookie begins.
   */
  drop(datagram: Uint8Array, at: number): void {
    this.#counters ??= emptyStatistics();
    const counters = this.#counters;
    const cookie = this.#cookie;
    if (cookie.length > 0 && this.#owner.version === 3) {
      const short = datagram.length < at + cookie.length;
      if (short || !equalConstantTime(datagram.subarray(at, at + cookie.length), cookie)) {
        counters.rxErrors += 1;
        if (short) counters.rxInvalid += 1;
        else counters.rxCookieDiscards += 1;
        return;
      }
    }
    counters.rxPackets += 1;
    counters.rxBytes += datagram.length;
  }

  async update(change: SessionPlaneChange): Promise<void> {
    this.#assertUp("update");
    checkSessionChange(change, this, this.#owner.version);
    if (change.mtuOctets !== undefined) this.#mtuOctets = change.mtuOctets;
  }

  async statistics(): Promise<PlaneStatistics> {
    this.#assertUp("statistics");
    return { ...this.counters };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end("it was closed");
  }

  /** Takes it down. */
  end(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    this.#owner.forget(this);
  }

  #assertUp(call: string): void {
    if (this.#gone !== undefined) {
      throw new PlaneError("closed", `session ${this.sessionId}: ${call} after its end (${this.#gone})`);
    }
  }
}

/** What the receiving thread knows of a PPP session: plain fields, so that looking at one allocates nothing. */
import { MppeDecryptor } from "@l2tp/ppp";
import { Allowance } from "../packet/allowance.ts";
import { type Prefix, PrefixTable } from "../packet/prefix-table.ts";
import { TokenBucket } from "../packet/token-bucket.ts";
import type { LinkRecord, PppRecord } from "./messages.ts";

/** Frames of one session that may come at once for the main thread, and how many go on each second. */
const FRAMES_BURST = 64;
const FRAMES_PER_SECOND = 256;

export class RxPpp {
  readonly path: PppRecord["path"];
  readonly shared: number;
  readonly generation: number;
  /** Absent: no limit. */
  rate: TokenBucket | undefined;
  pass4 = false;
  pass6 = false;
  /** IPv6 control packets go to the main thread. */
  divert = false;
  checkSource = false;
  decryptor: MppeDecryptor | undefined;
  prefixes: readonly Prefix[] = [];
  /** When the main thread was told last that the decryptor lost its place. */
  lostAt = Number.NEGATIVE_INFINITY;
  /** The peer's link-local address; all zero for none. */
  #l0 = 0;
  #l1 = 0;
  #l2 = 0;
  #l3 = 0;
  /** The prefixes by themselves, where no shared TUN has them. */
  #own: PrefixTable | undefined;
  /** A flood of frames is stopped here, and costs nobody else anything. */
  readonly #frames = new Allowance(FRAMES_BURST, FRAMES_PER_SECOND);

  constructor(record: PppRecord) {
    this.path = record.path;
    this.shared = record.shared;
    this.generation = record.generation;
  }

  set(link: LinkRecord, nowMs: number): void {
    this.rate = link.rateBps === 0 ? undefined : new TokenBucket(link.rateBps, nowMs);
    this.checkSource = link.checkSource;
    [this.#l0, this.#l1, this.#l2, this.#l3] = link.peerLinkLocal ?? [0, 0, 0, 0];
    this.prefixes = link.prefixes;
    if (this.shared === -1 && link.checkSource) {
      this.#own = new PrefixTable();
      for (const prefix of link.prefixes) this.#own.set(prefix, 0);
    }
    if (link.mppe !== "keep") {
      this.decryptor = link.mppe === undefined ? undefined : new MppeDecryptor(link.mppe, link.mppe.startKey);
    }
  }

  /**
   * Whether a packet of the peer may have the source address at `at`.
   *
   * @param table - of the TUN that it shares, where it shares one.
   */
  maySend(view: DataView, at: number, version: number, row: number, table: PrefixTable | undefined): boolean {
    if (version === 6 && this.#isLinkLocal(view, at)) return true;
    const prefixes = table ?? this.#own;
    if (prefixes === undefined) return false;
    const found = version === 4 ? prefixes.find4(view, at) : prefixes.find6(view, at);
    return table === undefined ? found !== -1 : found === row;
  }

  #isLinkLocal(view: DataView, at: number): boolean {
    return (
      this.#l0 !== 0 &&
      view.getUint32(at) === this.#l0 &&
      view.getUint32(at + 4) === this.#l1 &&
      view.getUint32(at + 8) === this.#l2 &&
      view.getUint32(at + 12) === this.#l3
    );
  }

  /** Whether one more frame may go up to the main thread. */
  frameMayPass(nowMs: number): boolean {
    return this.#frames.take(nowMs);
  }
}

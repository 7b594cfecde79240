/**
 * PPP frames that were received: IP packets go to their interface or to the program, everything else to the main thread.
 * What a peer sends too much of, or may not send, ends here and is counted.
 */
import type { Arena } from "../arena.ts";
import { MssClamp } from "../packet/mss.ts";
import { isIpv6Control, isLinkEcho, PPP, PppFrame, packetLength } from "../packet/ppp-frame.ts";
import { PrefixTable } from "../packet/prefix-table.ts";
import { ENTRY, FrameRing } from "./frame-ring.ts";
import type { Command, Report } from "./messages.ts";
import type { RxPpp } from "./rx-ppp.ts";
import type { RxSession } from "./rx-session.ts";
import { RX, type Shared } from "./shared.ts";
import type { TapWriter } from "./tap-writer.ts";

/** The main thread is told at most so often that a decryptor lost its place: it asks the peer once a second. */
const LOST_INTERVAL_MS = 100;
/** The longest frame that is copied because its protocol came in one octet. */
const WIDENED = 2_048;

export class PppReceiver {
  readonly #arena: Arena;
  readonly #rx: Float64Array;
  readonly #writer: TapWriter;
  readonly #clamp: MssClamp;
  readonly #frame: PppFrame;
  readonly #frames: FrameRing;
  readonly #packets: FrameRing;
  readonly #report: (report: Report) => void;
  readonly #shared: (PrefixTable | undefined)[] = [];
  readonly #widened = new Uint8Array(WIDENED);
  /** When the batch at hand came: milliseconds since 1970, or 0 before something has asked. */
  #wallTime = 0;

  constructor(arena: Arena, shared: Shared, writer: TapWriter, report: (report: Report) => void) {
    this.#arena = arena;
    this.#rx = shared.rx;
    this.#writer = writer;
    this.#clamp = new MssClamp(arena.view);
    this.#frame = new PppFrame(arena.view);
    this.#frames = new FrameRing(shared.buffers.framesUp);
    this.#packets = new FrameRing(shared.buffers.packetsUp);
    this.#report = report;
  }

  /** A batch begins. */
  begin(): void {
    this.#wallTime = 0;
  }

  /**
   * @param at - where the frame begins: `[FF 03] protocol information`.
   * @param octets - of the whole data message, for the statistics.
   * @param more - more follows in this batch.
   */
  frame(
    session: RxSession,
    ppp: RxPpp,
    at: number,
    length: number,
    octets: number,
    more: boolean,
    now: number,
  ): void {
    if (ppp.path === "relay") {
      this.#push(this.#packets, session, ppp, ENTRY.raw, at, length, octets);
      return;
    }
    const frame = this.#frame;
    const end = at + length;
    if (!frame.read(at, end)) {
      this.#discard(session, RX.invalid);
      return;
    }
    let clear = true;
    if (frame.protocol === PPP.compressed && ppp.decryptor !== undefined) {
      if (!this.#decrypt(session, ppp, frame.information, end, now)) return;
      clear = false;
    }
    const { protocol } = frame;
    if (protocol !== PPP.ipv4 && protocol !== PPP.ipv6) {
      // Control protocols are never encrypted (RFC 3078 §3).
      if (clear) this.#toMain(session, ppp, end, octets, now);
      else this.#discard(session);
    } else if (clear && ppp.decryptor !== undefined) {
      this.#discard(session);
    } else {
      this.#packet(session, ppp, frame.information, end, octets, more, now);
    }
  }

  /** Decrypts in place; the frame at hand is then what was inside. */
  #decrypt(session: RxSession, ppp: RxPpp, information: number, end: number, now: number): boolean {
    const { u8 } = this.#arena;
    const verdict = (ppp.decryptor as NonNullable<RxPpp["decryptor"]>).decrypt(
      u8.subarray(information, end),
      u8,
      information + 2,
    );
    if (verdict === "ok" && this.#frame.readProtocol(information + 2, end)) return true;
    this.#discard(session, verdict === "ok" || verdict === "malformed" ? RX.invalid : undefined);
    if ((verdict === "lost" || verdict === "dropped") && now - ppp.lostAt >= LOST_INTERVAL_MS) {
      ppp.lostAt = now;
      this.#report({ type: "mppe-lost", row: session.row, generation: ppp.generation });
    }
    return false;
  }

  #packet(
    session: RxSession,
    ppp: RxPpp,
    at: number,
    end: number,
    octets: number,
    more: boolean,
    now: number,
  ): void {
    const { view } = this.#arena;
    const version = this.#frame.protocol === PPP.ipv4 ? 4 : 6;
    const length = packetLength(view, at, end, version);
    if (length === 0) {
      this.#discard(session, RX.invalid);
      return;
    }
    this.#stamp(session, now);
    if (!(version === 4 ? ppp.pass4 : ppp.pass6)) {
      this.#discard(session);
    } else if (version === 6 && ppp.divert && this.#isForMain(ppp, at, length)) {
      if (ppp.frameMayPass(now))
        this.#push(this.#frames, session, ppp, ENTRY.ipv6Control, at, length, octets);
      else this.#discard(session);
    } else if (
      (ppp.checkSource &&
        !ppp.maySend(view, at + (version === 4 ? 12 : 8), version, session.row, this.#tableOf(ppp))) ||
      (ppp.rate !== undefined && !ppp.rate.take(length, now))
    ) {
      this.#discard(session);
    } else if (ppp.path === "program") {
      if (session.clamp) this.#clamp.clamp(at, length, session.mss4, session.mss6, false, true);
      this.#push(this.#packets, session, ppp, ENTRY.packet, at, length, octets);
    } else {
      this.#writer.deliver(session, at, length, octets, more);
    }
  }

  /** What is for whoever runs the link, of IPv6. */
  #isForMain({ path }: RxPpp, at: number, length: number): boolean {
    const { view } = this.#arena;
    return isIpv6Control(view, at, length) || (path === "shared" && isLinkEcho(view, at, length));
  }

  /** The frame at hand goes up, its protocol in two octets. */
  #toMain(session: RxSession, ppp: RxPpp, end: number, octets: number, now: number): void {
    if (!ppp.frameMayPass(now)) {
      this.#discard(session);
      return;
    }
    const { start, information } = this.#frame;
    if (information - start === 2) {
      this.#push(this.#frames, session, ppp, ENTRY.frame, start, end - start, octets);
      return;
    }
    const length = 1 + end - start;
    if (length > WIDENED) {
      this.#discard(session, RX.invalid);
      return;
    }
    this.#widened.set(this.#arena.u8.subarray(start, end), 1);
    this.#pushFrom(this.#frames, session, ppp, ENTRY.frame, this.#widened, 0, length, octets);
  }

  #push(
    ring: FrameRing,
    session: RxSession,
    ppp: RxPpp,
    kind: number,
    at: number,
    length: number,
    octets: number,
  ): void {
    this.#pushFrom(ring, session, ppp, kind, this.#arena.u8, at, length, octets);
  }

  #pushFrom(
    ring: FrameRing,
    session: RxSession,
    ppp: RxPpp,
    kind: number,
    from: Uint8Array,
    at: number,
    length: number,
    octets: number,
  ): void {
    const result = ring.push(session.row, ppp.generation, kind, from, at, length);
    if (result === "full") {
      this.#discard(session);
      return;
    }
    const row = session.row * RX.stride;
    const rx = this.#rx;
    rx[row + RX.packets] = (rx[row + RX.packets] as number) + 1;
    rx[row + RX.bytes] = (rx[row + RX.bytes] as number) + octets;
    if (result === "first") this.#report({ type: ring === this.#frames ? "frames" : "packets" });
  }

  /** Data still says that the peer lives: echo requests keep quiet. */
  #stamp(session: RxSession, now: number): void {
    if (this.#wallTime === 0) this.#wallTime = performance.timeOrigin + now;
    this.#rx[session.row * RX.stride + RX.lastData] = this.#wallTime;
  }

  #discard(session: RxSession, field?: number): void {
    const at = session.row * RX.stride;
    const rx = this.#rx;
    rx[at + RX.errors] = (rx[at + RX.errors] as number) + 1;
    if (field !== undefined) rx[at + field] = (rx[at + field] as number) + 1;
  }

  setShared(index: number, there: boolean): void {
    this.#shared[index] = there ? new PrefixTable() : undefined;
  }

  command(
    session: RxSession,
    command: Extract<Command, { do: "set-link" | "set-gate" | "divert" }>,
    now: number,
  ): void {
    const { ppp } = session;
    if (ppp === undefined) return;
    switch (command.do) {
      case "set-gate":
        if (command.family === 4) ppp.pass4 = command.pass;
        else ppp.pass6 = command.pass;
        break;
      case "divert":
        ppp.divert = command.on;
        break;
      case "set-link": {
        this.forget(ppp);
        session.setMss(command.link.mss);
        ppp.set(command.link, now);
        const table = this.#tableOf(ppp);
        for (const prefix of ppp.prefixes) table?.set(prefix, session.row);
      }
    }
  }

  /** Takes its prefixes out of the table that it shares with others. */
  forget(ppp: RxPpp): void {
    const table = this.#tableOf(ppp);
    for (const prefix of ppp.prefixes) table?.delete(prefix);
  }

  #tableOf({ shared }: RxPpp): PrefixTable | undefined {
    return shared === -1 ? undefined : this.#shared[shared];
  }
}

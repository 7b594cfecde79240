/**
 * PPP frames between a session and pppd on a pseudo-terminal: with flags, escapes and FCS on the terminal (RFC 1662 §4),
 * without them in L2TP. It is what l2tpd and xl2tpd do; of the frames themselves nothing is read.
 *
 * What the two ends of PPP agree on for an asynchronous line (the ACCM) is between the LAC and its modem and none of the
 * relay's business: to pppd every control character is escaped, which is right whatever was agreed, and from pppd all are
 * taken, as nothing puts any in.
 */
import { abi, ERRNO, openPty, type Pty, Reactor, type Registration, raw, sys } from "@l2tp/linux";
import { AsyncDeframer, encodeAsync } from "@l2tp/ppp";

const ALL_ESCAPED = 0xffff_ffff;
const NONE_DROPPED = 0;
/** FF 03, a protocol of two octets, and the largest MRU. */
const LONGEST_FRAME = 4 + 0xffff;
/** A terminal gives at most so much at once. */
const READ_OCTETS = 4096;
/** Reads in one turn of the event loop. */
const READS_PER_TURN = 16;
/** What waits for pppd: some 40 large frames; more are lost, as on any slow line. */
const WAITING_OCTETS = 128 * 1024;
const EINTR = ERRNO["EINTR"] as number;

/** One for all: it is emptied before anything else runs. */
let scratch: Uint8Array | undefined;

export class PtyRelay {
  /** The other end, for pppd. Open as long as the relay is: without it pppd's start and end would be hang-ups. */
  readonly terminal: Pty["slave"];
  readonly #master: Pty["master"];
  readonly #onFrame: (frame: Uint8Array) => void;
  readonly #watch: Registration;
  readonly #deframer = new AsyncDeframer(LONGEST_FRAME, NONE_DROPPED);
  /** Octets for the terminal that it has not taken yet. */
  readonly #waiting: Uint8Array[] = [];
  #waitingOctets = 0;
  #open = true;

  /**
   * @param onFrame - takes what pppd sends: from the address field or the protocol field on, without FCS.
   * @throws SyscallError
   */
  constructor(onFrame: (frame: Uint8Array) => void) {
    const { master, slave } = openPty();
    this.#master = master;
    this.terminal = slave;
    this.#onFrame = onFrame;
    try {
      this.#watch = Reactor.shared().watch(master, (events) => this.#ready(events), { ref: false });
    } catch (error) {
      sys.close(slave);
      sys.close(master);
      throw error;
    }
  }

  /** Hands a frame to pppd; false when it is lost, as pppd does not keep up. */
  write(frame: Uint8Array): boolean {
    if (!this.#open) return false;
    // A terminal that became writable without saying so is not waited for.
    this.#flush();
    const octets = encodeAsync(frame, ALL_ESCAPED);
    if (this.#waitingOctets + octets.length > WAITING_OCTETS) return false;
    this.#waiting.push(octets);
    this.#waitingOctets += octets.length;
    this.#flush();
    return true;
  }

  #flush(): void {
    const before = this.#waitingOctets;
    for (let octets = this.#waiting[0]; octets !== undefined; octets = this.#waiting[0]) {
      const n = raw().write(this.#master, octets, octets.length);
      if (n === -EINTR) continue;
      if (n <= 0) break;
      this.#waitingOctets -= n;
      if (n < octets.length) {
        this.#waiting[0] = octets.subarray(n);
        break;
      }
      this.#waiting.shift();
    }
    const { EPOLLIN, EPOLLOUT } = abi;
    if (this.#waitingOctets > 0) this.#watch.rearm(EPOLLIN | EPOLLOUT);
    else if (before > 0) this.#watch.rearm(EPOLLIN);
  }

  #ready(events: number): void {
    if ((events & abi.EPOLLOUT) !== 0) this.#flush();
    scratch ??= new Uint8Array(READ_OCTETS);
    for (let i = 0; i < READS_PER_TURN && this.#open; i++) {
      const n = raw().read(this.#master, scratch, scratch.length);
      if (n === -EINTR) continue;
      if (n <= 0) return;
      for (const frame of this.#deframer.push(scratch.subarray(0, n))) this.#onFrame(frame);
    }
  }

  /** Hangs up. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
    sys.close(this.terminal);
    sys.close(this.#master);
  }
}

/**
 * Frames through a descriptor of `/dev/ppp`, of a channel or a unit: one read or write is one frame, protocol field first.
 * Reading is told by the reactor and never waits; nor does writing, and what cannot be written is lost as on any line.
 */
import { abi, ERRNO, type Fd, Reactor, type Registration, raw } from "@l2tp/linux";

/** Frames read in one turn of the event loop. */
const FRAMES_PER_TURN = 32;
/** The largest MRU is 65,535; and the kernel gives no frame that does not fit. */
const FRAME_OCTETS = 65_535 + 64;
const EAGAIN = ERRNO["EAGAIN"] as number;
const EINTR = ERRNO["EINTR"] as number;

/** One for all: it is emptied before anything else runs. */
let scratch: Uint8Array | undefined;

/** Who hears of it. */
export interface FramePortOwner {
  /** The octets are valid only during the call. */
  frame(frame: Uint8Array): void;
  /** The channel or unit behind the descriptor is gone; called once. */
  gone(): void;
}

export class FramePort {
  readonly fd: Fd;
  readonly #owner: FramePortOwner;
  readonly #watch: Registration;
  #open = true;

  /** @param fd - open and attached; it stays the caller's to close, after {@link FramePort.close}. */
  constructor(fd: Fd, owner: FramePortOwner) {
    this.fd = fd;
    this.#owner = owner;
    this.#watch = Reactor.shared().watch(fd, (events) => this.#drain(events), { ref: false });
  }

  /** Whether it was taken. Never waits, never throws. */
  write(frame: Uint8Array): boolean {
    return this.#open && raw().write(this.fd, frame, frame.length) >= 0;
  }

  #drain(events: number): void {
    scratch ??= new Uint8Array(FRAME_OCTETS);
    for (let i = 0; i < FRAMES_PER_TURN && this.#open; i++) {
      const octets = raw().read(this.fd, scratch, scratch.length);
      if (octets > 0) {
        // The handler may make this one read again: what it is given is its own.
        this.#owner.frame(scratch.slice(0, octets));
        continue;
      }
      if (octets === -EINTR) continue;
      if (octets === -EAGAIN) break;
      // 0: the end; else the channel or unit was taken from the descriptor.
      this.#gone();
      return;
    }
    if ((events & abi.EPOLLHUP) !== 0) this.#gone();
  }

  #gone(): void {
    if (!this.#open) return;
    this.close();
    this.#owner.gone();
  }

  /** From now on nothing is told. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#watch.close();
  }
}

/** A packet socket on an interface: sends and sees whole Ethernet frames, not those that it sent. */
import { abi, type Fd, interfaceIndex, Reactor, type Registration, raw, sys } from "@l2tp/linux";
import type { Site } from "./site.ts";

const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const ETH_P_ALL = 3;
/** The largest frame, and some. */
const LARGEST_READ = 70_000;

export class FrameSocket implements AsyncDisposable {
  readonly received: Uint8Array[] = [];
  readonly #fd: Fd;
  readonly #watch: Registration;
  readonly #buffer = new Uint8Array(LARGEST_READ);

  constructor(site: Site, name: string) {
    this.#fd = site.run(() => {
      const fd = sys.socket(abi.AF_PACKET, abi.SOCK_RAW | abi.SOCK_NONBLOCK, 0, "packet socket");
      sys.setsockoptInt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
      const at = new Uint8Array(20);
      const view = new DataView(at.buffer);
      view.setUint16(0, abi.AF_PACKET, true);
      view.setUint16(2, ETH_P_ALL);
      view.setInt32(4, interfaceIndex(name), true);
      sys.bind(fd, at, name);
      return fd;
    });
    this.#watch = Reactor.shared().watch(this.#fd, () => this.#drain(), { ref: false });
  }

  #drain(): void {
    for (;;) {
      const n = raw().recv(this.#fd, this.#buffer, this.#buffer.length, abi.MSG_DONTWAIT);
      if (n <= 0) return;
      this.received.push(this.#buffer.slice(0, n));
    }
  }

  send(frame: Uint8Array): void {
    sys.send(this.#fd, frame);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch.close();
    sys.close(this.#fd);
  }
}

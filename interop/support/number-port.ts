/** Datagrams with numbers between sites: which of them arrive. */
import type { Site } from "@l2tp/lab";
import {
  abi,
  encodeSocketAddress,
  type Fd,
  Reactor,
  type Registration,
  raw,
  SyscallError,
  sys,
} from "@l2tp/linux";

/** A UDP socket in a site that sends numbers and keeps those that it receives. It outlives interfaces. */
export class NumberPort implements Disposable {
  readonly received: number[] = [];
  readonly #fd: Fd;
  readonly #watch: Registration;
  readonly #buffer = new Uint8Array(2_048);

  constructor(site: Site, port: number) {
    this.#fd = site.namespace.run(() => sys.socket(abi.AF_INET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0));
    sys.bind(this.#fd, encodeSocketAddress({ family: 4, address: "0.0.0.0", port }));
    this.#watch = Reactor.shared().watch(this.#fd, () => this.#drain(), { ref: false });
  }

  /** @returns whether the system took it; it does not while there is no route. */
  send(n: number, to: string, port: number): boolean {
    const datagram = new Uint8Array(64);
    new DataView(datagram.buffer).setUint32(0, n);
    try {
      sys.sendto(this.#fd, datagram, encodeSocketAddress({ family: 4, address: to, port }));
      return true;
    } catch (error) {
      if (error instanceof SyscallError) return false;
      throw error;
    }
  }

  #drain(): void {
    for (;;) {
      const octets = raw().recv(this.#fd, this.#buffer, this.#buffer.length, abi.MSG_DONTWAIT);
      if (octets < 4) return;
      this.received.push(new DataView(this.#buffer.buffer).getUint32(0));
    }
  }

  [Symbol.dispose](): void {
    this.#watch.close();
    sys.close(this.#fd);
  }
}

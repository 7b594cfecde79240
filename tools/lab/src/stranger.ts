/** A UDP socket, or a raw one of IP protocol 115, that says what it likes. */
import { abi, encodeSocketAddress, type Fd, Reactor, type Registration, raw, sys } from "@l2tp/linux";
import type { Encapsulation, SocketAddress } from "@l2tp/protocol";
import type { Site } from "./site.ts";

/** The largest datagram, and some. */
const LARGEST_READ = 70_000;

export class Stranger implements AsyncDisposable {
  readonly local: SocketAddress;
  readonly received: Uint8Array[] = [];
  readonly #fd: Fd;
  readonly #watch: Registration;
  readonly #buffer = new Uint8Array(LARGEST_READ);
  /** A raw IPv4 socket delivers the IP header, an IPv6 one does not. */
  readonly #withHeader: boolean;

  constructor(site: Site, encapsulation: Encapsulation, local: SocketAddress) {
    const family = local.family === 4 ? abi.AF_INET : abi.AF_INET6;
    const [type, protocol] = encapsulation === "udp" ? [abi.SOCK_DGRAM, 0] : [abi.SOCK_RAW, abi.IPPROTO_L2TP];
    this.#withHeader = encapsulation === "ip" && local.family === 4;
    this.#fd = site.run(() => sys.socket(family, type | abi.SOCK_NONBLOCK, protocol));
    sys.bind(this.#fd, encodeSocketAddress(local));
    const name = sys.getsockname(this.#fd);
    const port = encapsulation === "udp" ? new DataView(name.buffer).getUint16(2) : 0;
    this.local = { ...local, port };
    this.#watch = Reactor.shared().watch(this.#fd, () => this.#drain(), { ref: false });
  }

  #drain(): void {
    for (;;) {
      const n = raw().recv(this.#fd, this.#buffer, this.#buffer.length, abi.MSG_DONTWAIT);
      if (n < 0) return;
      const from = this.#withHeader ? ((this.#buffer[0] as number) & 0x0f) * 4 : 0;
      this.received.push(this.#buffer.slice(from, n));
    }
  }

  send(to: SocketAddress, datagram: Uint8Array): void {
    sys.sendto(this.#fd, datagram, encodeSocketAddress(to));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch.close();
    sys.close(this.#fd);
  }
}

/** The IP packets of a PPP interface that is made when its link is configured. */
import { setTimeout as delay } from "node:timers/promises";
import type { SessionPlane } from "@l2tp/dataplane";
import type { FramePort } from "@l2tp/dataplane/conformance";
import { abi, type Fd, interfaceIndex, Reactor, type Registration, raw, sys } from "@l2tp/linux";

const [ETH_P_ALL, ETH_P_IP, ETH_P_IPV6] = [3, 0x0800, 0x86dd];
const [SOL_PACKET, PACKET_IGNORE_OUTGOING] = [263, 23];
const LOOK_MS = 2;

export class PacketPort implements FramePort {
  readonly received: Uint8Array[] = [];
  readonly #inNamespace: <T>(work: () => T) => T;
  readonly #session: SessionPlane;
  readonly #buffer = new Uint8Array(70_000);
  readonly #opened: Promise<void>;
  #open: { readonly fd: Fd; readonly index: number; readonly watch: Registration } | undefined;
  #closed = false;

  constructor(inNamespace: <T>(work: () => T) => T, session: SessionPlane) {
    this.#inNamespace = inNamespace;
    this.#session = session;
    this.#opened = this.#wait();
  }

  async #wait(): Promise<void> {
    while (this.#session.interfaceName === undefined) {
      if (this.#closed) return;
      await delay(LOOK_MS);
    }
    const name = this.#session.interfaceName;
    this.#inNamespace(() => {
      const fd = sys.socket(abi.AF_PACKET, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, 0, "packet socket");
      sys.setsockoptInt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
      const index = interfaceIndex(name);
      sys.bind(fd, this.#address(index, ETH_P_ALL), name);
      const watch = Reactor.shared().watch(fd, () => this.#drain(fd), { ref: false });
      this.#open = { fd, index, watch };
    });
  }

  #address(index: number, protocol: number): Uint8Array {
    const octets = new Uint8Array(20);
    const view = new DataView(octets.buffer);
    view.setUint16(0, abi.AF_PACKET, true);
    view.setUint16(2, protocol);
    view.setInt32(4, index, true);
    return octets;
  }

  #drain(fd: Fd): void {
    for (;;) {
      const n = raw().recv(fd, this.#buffer, this.#buffer.length, abi.MSG_DONTWAIT);
      if (n <= 0) return;
      this.received.push(this.#buffer.slice(0, n));
    }
  }

  async send(packet: Uint8Array): Promise<void> {
    await this.#opened;
    if (this.#open === undefined) return;
    const { fd, index } = this.#open;
    const protocol = (packet[0] ?? 0) >> 4 === 6 ? ETH_P_IPV6 : ETH_P_IP;
    sys.sendto(fd, packet, this.#address(index, protocol));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    if (this.#open === undefined) return;
    this.#open.watch.close();
    sys.close(this.#open.fd);
    this.#open = undefined;
  }
}

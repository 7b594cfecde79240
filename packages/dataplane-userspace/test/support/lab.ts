/**
 * Two hosts and a cable for the tests: anonymous network namespaces joined by a veth pair, which go away with their
 * descriptors. Sockets, interfaces and child processes are made inside them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import {
  abi,
  address,
  createNamespace,
  encodeSocketAddress,
  type Fd,
  interfaceIndex,
  link,
  type NetworkNamespace,
  nlabi,
  Reactor,
  type Registration,
  raw,
  runNetlink,
  sys,
} from "@l2tp/linux";
import type { Encapsulation, SocketAddress } from "@l2tp/protocol";

/** Name of the cable's end in each namespace. */
export const CABLE = "cable";

const DEFAULT_IPV6 = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

/** One host. */
export class Host {
  readonly namespace: NetworkNamespace;
  /** For `Binding.namespace`. */
  readonly path: string;
  readonly number: number;

  constructor(number: number) {
    this.number = number;
    this.namespace = createNamespace();
    this.path = `/proc/${process.pid}/fd/${this.namespace.fd}`;
    this.run(() => runNetlink(nlabi.NETLINK_ROUTE, link.set({ name: "lo" }, { up: true })));
  }

  /** `10.99.0.N`, and on for further ones. */
  address(family: 4 | 6, index = 0): string {
    const last = this.number + index * 100;
    return family === 4 ? `10.99.0.${last}` : `fd99::${last.toString(16)}`;
  }

  socketAddress(family: 4 | 6, port: number): SocketAddress {
    return { family, address: this.address(family), port };
  }

  run<T>(work: () => T): T {
    return this.namespace.run(work);
  }

  netlink<T>(request: Parameters<typeof runNetlink<T>>[1]): T {
    return runNetlink(nlabi.NETLINK_ROUTE, request, { namespace: this.namespace.fd });
  }

  index(name: string): number {
    return this.run(() => interfaceIndex(name));
  }

  /** A program in this host, with what it wrote when it ended. */
  async execute(command: string, ...args: string[]): Promise<{ code: number; output: string }> {
    const child = this.start(command, ...args);
    let output = "";
    child.stdout?.on("data", (text: Buffer) => {
      output += text.toString();
    });
    child.stderr?.on("data", (text: Buffer) => {
      output += text.toString();
    });
    const code = await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (status) => resolve(status ?? -1));
    });
    return { code, output };
  }

  /** A program in this host: a child is born where the thread is that bears it. */
  start(command: string, ...args: string[]): ChildProcess {
    return this.run(() => spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] }));
  }

  /** Lets interfaces made from here on have IPv6, and with it something to say. */
  enableIpv6(): void {
    this.run(() => writeFileSync(DEFAULT_IPV6, "0"));
  }

  setUp(family: 4 | 6, extra: number): void {
    for (let i = 0; i <= extra; i++) {
      this.netlink(
        address.add({
          index: this.index(CABLE),
          address: this.address(family, i),
          prefixLength: family === 4 ? 24 : 64,
          ...(family === 6 ? { noDuplicateDetection: true } : {}),
        }),
      );
    }
  }
}

/** Two hosts with a cable between them. */
export class Lab implements Disposable {
  readonly a = new Host(1);
  readonly b = new Host(2);

  constructor({ mtuOctets = 1500 } = {}) {
    this.a.netlink(
      link.add({
        name: CABLE,
        kind: "veth",
        mtuOctets,
        peer: { name: CABLE, namespace: this.b.namespace.fd, mtuOctets },
      }),
    );
    for (const host of [this.a, this.b]) {
      host.netlink(link.set({ name: CABLE }, { up: true }));
      host.setUp(4, 1);
      host.setUp(6, 1);
      // What is made from here on has no IPv6 of its own: its router solicitations would disturb the counting.
      host.run(() => writeFileSync(DEFAULT_IPV6, "1"));
    }
  }

  [Symbol.dispose](): void {
    this.a.namespace.close();
    this.b.namespace.close();
  }
}

const SOL_PACKET = 263;
const PACKET_IGNORE_OUTGOING = 23;
const ETH_P_ALL = 3;

/** A packet socket on an interface: sends and sees whole Ethernet frames, not those that it sent. */
export class FrameSocket implements AsyncDisposable {
  readonly received: Uint8Array[] = [];
  readonly #fd: Fd;
  readonly #watch: Registration;
  readonly #buffer = new Uint8Array(70_000);

  constructor(host: Host, name: string) {
    this.#fd = host.run(() => {
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

/** A UDP socket, or a raw one of IP protocol 115, that says what it likes. */
export class Stranger implements AsyncDisposable {
  readonly local: SocketAddress;
  readonly received: Uint8Array[] = [];
  readonly #fd: Fd;
  readonly #watch: Registration;
  readonly #buffer = new Uint8Array(70_000);
  readonly #strip: boolean;

  constructor(host: Host, encapsulation: Encapsulation, local: SocketAddress) {
    const family = local.family === 4 ? abi.AF_INET : abi.AF_INET6;
    const [type, protocol] = encapsulation === "udp" ? [abi.SOCK_DGRAM, 0] : [abi.SOCK_RAW, abi.IPPROTO_L2TP];
    this.#strip = encapsulation === "ip" && local.family === 4;
    this.#fd = host.run(() => sys.socket(family, type | abi.SOCK_NONBLOCK, protocol));
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
      const from = this.#strip ? ((this.#buffer[0] as number) & 0x0f) * 4 : 0;
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

/** Waits until it is so. @throws Error that says what never came */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  patienceMs = 5_000,
): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`after ${patienceMs} ms still not so: ${what}`);
    await delay(5);
  }
}

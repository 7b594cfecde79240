/** Sites for the tests: network namespaces with cables between them, gone with the descriptors that hold them. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import {
  abi,
  address,
  createNamespace,
  encodeSocketAddress,
  type Fd,
  link,
  type NetworkNamespace,
  nlabi,
  Reactor,
  type Registration,
  raw,
  runNetlink,
  SyscallError,
  sys,
} from "@l2tp/linux";

/** One site. */
export class Site implements Disposable {
  readonly name: string;
  readonly namespace: NetworkNamespace;

  constructor(name: string) {
    this.name = name;
    this.namespace = createNamespace();
    this.netlink(link.set({ name: "lo" }, { up: true }));
  }

  /** The names of the interfaces that are there, in order. */
  interfaces(): string[] {
    return this.netlink(link.list())
      .map(({ name }) => name)
      .sort();
  }

  /** For a data plane's `Binding.namespace`, while this process lives. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.namespace.fd}`;
  }

  /** Asks rtnetlink of this site. */
  netlink<T>(request: Parameters<typeof runNetlink<T>>[1]): T {
    return runNetlink(nlabi.NETLINK_ROUTE, request, { namespace: this.namespace.fd });
  }

  /** A program in this site, to its end. */
  async execute(command: string, ...args: string[]): Promise<{ code: number; output: string }> {
    const child = this.start(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const add = (text: Buffer) => {
      output += text.toString();
    };
    child.stdout?.on("data", add);
    child.stderr?.on("data", add);
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve(status ?? -1));
    });
    return { code, output };
  }

  /** A program in this site: a child is born where the thread is that bears it. */
  start(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    return this.namespace.run(() => spawn(command, args, options));
  }

  /** Lays a cable to another site: an interface of this name at both ends, with these addresses of a /24. */
  cable(name: string, here: string, other: Site, there: string): void {
    this.netlink(
      link.add({
        name,
        kind: "veth",
        mtuOctets: 1500,
        peer: { name, namespace: other.namespace.fd, mtuOctets: 1500 },
      }),
    );
    this.#furnish(name, here);
    other.#furnish(name, there);
  }

  #furnish(name: string, ip: string): void {
    const { index } = this.netlink(link.get({ name }));
    this.netlink(address.add({ index, address: ip, prefixLength: 24 }));
    this.netlink(link.set({ name }, { up: true }));
  }

  [Symbol.dispose](): void {
    this.namespace.close();
  }
}

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

/** Waits until it is so. @throws Error that says what never came */
export async function until(condition: () => boolean, what: string, patienceMs = 20_000): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`after ${patienceMs} ms still not so: ${what}`);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

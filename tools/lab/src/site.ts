/** A site: an anonymous network namespace, gone with the descriptor that holds it. */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import {
  address,
  createNamespace,
  interfaceIndex,
  link,
  type NetworkNamespace,
  nlabi,
  runNetlink,
} from "@l2tp/linux";

const PIPES: SpawnOptions = { stdio: ["ignore", "pipe", "pipe"] };

export class Site implements Disposable {
  readonly name: string;
  readonly namespace: NetworkNamespace;

  constructor(name: string) {
    this.name = name;
    this.namespace = createNamespace();
    this.netlink(link.set({ name: "lo" }, { up: true }));
  }

  /** For a data plane's `Binding.namespace`, while this process lives. */
  get path(): string {
    return `/proc/${process.pid}/fd/${this.namespace.fd}`;
  }

  /** Runs work in this site, on this thread and without waiting. */
  run<T>(work: () => T): T {
    return this.namespace.run(work);
  }

  /** Asks rtnetlink of this site. */
  netlink<T>(request: Parameters<typeof runNetlink<T>>[1]): T {
    return runNetlink(nlabi.NETLINK_ROUTE, request, { namespace: this.namespace.fd });
  }

  /** Index of an interface. */
  index(name: string): number {
    return this.run(() => interfaceIndex(name));
  }

  /** The names of the interfaces that are there, in order. */
  interfaces(): string[] {
    return this.netlink(link.list())
      .map(({ name }) => name)
      .sort();
  }

  /** A program in this site, to its end, with what it wrote. */
  async execute(command: string, ...args: string[]): Promise<{ code: number; output: string }> {
    const child = this.start(command, args);
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

  /**
   * A program in this site: a child is born where the thread is that bears it.
   *
   * @param options - default: what it writes is piped, and it is told nothing.
   */
  start(command: string, args: readonly string[], options: SpawnOptions = PIPES): ChildProcess {
    return this.run(() => spawn(command, args, options));
  }

  /** Lays a cable to another site: an interface of this name at both ends, with these addresses of a /24. */
  cable(name: string, here: string, other: Site, there: string): void {
    this.connect(name, other);
    for (const [site, ip] of [
      [this, here],
      [other, there],
    ] as const) {
      site.netlink(address.add({ index: site.index(name), address: ip, prefixLength: 24 }));
      site.netlink(link.set({ name }, { up: true }));
    }
  }

  /** Makes the interfaces of a cable, both down. */
  protected connect(name: string, other: Site, mtuOctets = 1500): void {
    const peer = { name, namespace: other.namespace.fd, mtuOctets };
    this.netlink(link.add({ name, kind: "veth", mtuOctets, peer }));
  }

  [Symbol.dispose](): void {
    this.namespace.close();
  }
}

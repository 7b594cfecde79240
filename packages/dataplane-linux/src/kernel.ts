/**
 * The kernel's L2TP in one network namespace: sockets to ask it by, what of ours it holds, and what of that vanishes.
 * All wires of a namespace share one, as tunnel IDs are shared by all tunnels of a namespace.
 */
import { setTimeout as delay } from "node:timers/promises";
import { PlaneError } from "@l2tp/dataplane";
import {
  abi,
  type Fd,
  InterfaceRemover,
  type NetlinkRequest,
  NetlinkSocket,
  type NetworkNamespace,
  namespaceId,
  nlabi,
  openNamespace,
  Reactor,
  type ResolvedFamily,
  resolveFamily,
  runNetlink,
  sys,
} from "@l2tp/linux";
import { tunnelIdOf } from "./dump.ts";
import { isErrno, kernelError } from "./failure.ts";
import { deleteTunnel, hasTunnel, readAll } from "./family.ts";
import type { KernelAccess } from "./kernel-access.ts";
import { MssClamping } from "./ppp/mss-clamping.ts";
import { StateFile } from "./state-file.ts";
import { Watcher } from "./watcher.ts";

/** Two dumps at a time would only wait for one another: a request whose answer was lost is asked again, so often. */
const ATTEMPTS = 3;
/** A tunnel that was deleted is gone within milliseconds; with a thousand sessions it takes longer. */
const GONE_PATIENCE_MS = 30_000;
/** `struct ifreq`: a name, then what is asked. */
const IFREQ_OCTETS = 40;
/** Tunnels that are leaving, asked for at the same time; and how long to wait between, at most. */
const ASKED_AT_A_TIME = 8;
const GONE_PAUSE_MS = 50;

/** How a namespace's kernel is watched, and where its state is kept. */
export interface KernelOptions {
  readonly reconcileMs: number;
  readonly stateDirectory: string | undefined;
}

/** A tunnel that was deleted. */
interface Leaving {
  readonly resolve: () => void;
  /** When not to wait for it any longer. */
  readonly patience: number;
}

function* firstOf<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}

/** Kernels that are open, for the end of the process. */
const open = new Set<Kernel>();

/**
 * A process that ends without closing (process.exit, an error that nobody caught) takes its sockets and so its managed
 * tunnels with it; those with sockets of the kernel's own would stay. Nothing asynchronous happens any more by now.
 */
function deleteAtExit(): void {
  for (const kernel of open) kernel.deleteAtExit();
}

export class Kernel implements KernelAccess, AsyncDisposable {
  readonly family: ResolvedFamily;
  /** rtnetlink of this namespace. */
  readonly route: NetlinkSocket;
  readonly watcher: Watcher;
  readonly state: StateFile;
  readonly mss: MssClamping;
  /** PPP units that go: those that go together share the kernel's waiting. */
  readonly units: InterfaceRemover;
  /** Tunnel IDs that nobody else may be given: in use, reserved, or on their way out. */
  readonly tunnelIds = new Set<number>();
  /** Session IDs of L2TPv3 over IP, which the kernel tells apart by the ID alone. */
  readonly ipSessionIds = new Set<number>();
  readonly #namespace: NetworkNamespace | undefined;
  readonly #requests: NetlinkSocket;
  readonly #leaving = new Map<number, Leaving>();
  #sweeping = false;
  #control: Fd | undefined;
  /** For names of interfaces that nobody chose. */
  #lastNumber = -1;
  #closing: Promise<void> | undefined;

  private constructor(
    namespace: NetworkNamespace | undefined,
    requests: NetlinkSocket,
    family: ResolvedFamily,
    options: KernelOptions,
  ) {
    this.#namespace = namespace;
    this.#requests = requests;
    this.family = family;
    this.route = new NetlinkSocket(nlabi.NETLINK_ROUTE, { namespace: namespace?.fd });
    this.watcher = new Watcher(this, namespace?.fd, options.reconcileMs);
    this.mss = new MssClamping(namespace?.fd);
    this.units = new InterfaceRemover({
      run: (request) => this.route.run(request),
      close: (fd) => Reactor.shared().closeLater(fd),
    });
    this.state = new StateFile(options.stateDirectory, namespaceId(namespace?.fd));
    if (open.size === 0) process.on("exit", deleteAtExit);
    open.add(this);
  }

  /** Deletes the tunnels that the kernel would keep, and waits for its answer to each. */
  deleteAtExit(): void {
    for (const { tunnelId } of this.state.tunnels) {
      try {
        const namespace = this.#namespace?.fd;
        runNetlink(nlabi.NETLINK_GENERIC, deleteTunnel(this.family, tunnelId), { namespace });
        this.state.remove(tunnelId);
      } catch {
        // It stays written down: the next start finds it.
      }
    }
  }

  /**
   * @param path - of the network namespace; absent: the process's own.
   * @throws PlaneError `no-such-namespace`, `module-missing`, `no-privilege`
   */
  static async open(path: string | undefined, options: KernelOptions): Promise<Kernel> {
    const doing = path === undefined ? "the kernel's L2TP" : `the kernel's L2TP in ${path}`;
    let namespace: NetworkNamespace | undefined;
    let requests: NetlinkSocket | undefined;
    try {
      if (path !== undefined) namespace = openNamespace({ path });
      requests = new NetlinkSocket(nlabi.NETLINK_GENERIC, { namespace: namespace?.fd });
      const family = await requests.run(resolveFamily("l2tp"));
      const kernel = new Kernel(namespace, requests, family, options);
      await kernel.state.recover(kernel);
      return kernel;
    } catch (error) {
      await requests?.close();
      namespace?.close();
      const missing = namespace === undefined && path !== undefined;
      throw kernelError(
        error,
        doing,
        missing
          ? { ENOENT: "no-such-namespace", ENOTDIR: "no-such-namespace", EINVAL: "no-such-namespace" }
          : {},
      );
    }
  }

  /** The network namespace, for calls that are made elsewhere; absent: the process's own. */
  get namespace(): Fd | undefined {
    return this.#namespace?.fd;
  }

  /** The next number to name an interface by: the kernel's own numbering would have to be asked for. */
  nextNumber(): number {
    this.#lastNumber++;
    return this.#lastNumber;
  }

  /**
   * The index of an interface.
   * @throws SyscallError ENODEV
   */
  interfaceIndex(name: string): number {
    return this.#ask(name, abi.SIOCGIFINDEX, "SIOCGIFINDEX");
  }

  /**
   * The MTU of an interface in octets.
   * @throws SyscallError ENODEV
   */
  interfaceMtu(name: string): number {
    return this.#ask(name, abi.SIOCGIFMTU, "SIOCGIFMTU");
  }

  /** What needs no lock of the kernel's is asked for by ioctl: at once, and not through a queue. */
  #ask(name: string, request: number, what: string): number {
    // A socket of the namespace is all that it takes to ask there.
    this.#control ??= this.inNamespace(() => sys.socket(abi.AF_UNIX, abi.SOCK_DGRAM));
    const octets = new Uint8Array(IFREQ_OCTETS);
    octets.set(new TextEncoder().encode(name).subarray(0, abi.IFNAMSIZ - 1));
    sys.ioctl(this.#control, request, octets, `${what} ${name}`);
    return new DataView(octets.buffer).getInt32(abi.IFNAMSIZ, true);
  }

  /** Runs work in this namespace, on this thread and without waiting. */
  inNamespace<T>(work: () => T): T {
    return this.#namespace === undefined ? work() : this.#namespace.run(work);
  }

  /**
   * Asks the `l2tp` family.
   * @throws NetlinkError when the kernel refuses; ENOBUFS when the answer to a change was lost
   */
  async run<T>(request: NetlinkRequest<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#requests.run(request);
      } catch (error) {
        // Only what changes nothing may be asked twice.
        const again = request.kind !== "ack" && isErrno(error, "ENOBUFS") && attempt < ATTEMPTS;
        if (!again) throw error;
      }
    }
  }

  /** Whether a tunnel of this ID is there, whoever made it. */
  hasTunnel(tunnelId: number): Promise<boolean> {
    return this.run(hasTunnel(this.family, tunnelId));
  }

  /** Waits until a tunnel that was deleted is gone with its sessions: the kernel does it after its answer. */
  gone(tunnelId: number): Promise<void> {
    return new Promise((resolve) => {
      this.#leaving.set(tunnelId, { resolve, patience: performance.now() + GONE_PATIENCE_MS });
      if (!this.#sweeping) void this.#sweep();
    });
  }

  /**
   * Asks for a few of those that are leaving, in turn, and more slowly while none of them goes. A dump would not do: the
   * kernel counts its way through it, and passes entries over when others go meanwhile.
   */
  async #sweep(): Promise<void> {
    this.#sweeping = true;
    try {
      for (let pause = 1; this.#leaving.size > 0; ) {
        const ids = [...firstOf(this.#leaving.keys(), ASKED_AT_A_TIME)];
        const there = await Promise.all(ids.map((id) => this.hasTunnel(id)));
        let gone = 0;
        for (const [i, id] of ids.entries()) {
          const leaving = this.#leaving.get(id) as Leaving;
          this.#leaving.delete(id);
          if (there[i] && performance.now() < leaving.patience) {
            this.#leaving.set(id, leaving); // at the end
            continue;
          }
          gone++;
          leaving.resolve();
        }
        pause = gone > 0 ? 1 : Math.min(pause * 2, GONE_PAUSE_MS);
        if (gone < ids.length) await delay(pause);
      }
    } catch {
      // The socket was closed: nobody can find out any more.
      for (const { resolve } of this.#leaving.values()) resolve();
      this.#leaving.clear();
    } finally {
      this.#sweeping = false;
    }
  }

  /** Tunnel IDs of the namespace; not all of them when tunnels are deleted meanwhile. */
  async listTunnelIds(): Promise<Set<number>> {
    const found = new Set<number>();
    await this.run(readAll(this.family, "tunnels", (message) => found.add(tunnelIdOf(message))));
    return found;
  }

  /**
   * Takes a tunnel ID for a tunnel or a reservation.
   * @throws PlaneError `id-in-use`
   */
  claimTunnelId(tunnelId: number): void {
    if (this.tunnelIds.has(tunnelId)) {
      throw new PlaneError(
        "id-in-use",
        `tunnel ${tunnelId}: the ID is that of another tunnel or reservation of this process; v2 and v3, UDP and ` +
          "IP share the IDs of a network namespace",
      );
    }
    this.tunnelIds.add(tunnelId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= (async () => {
      open.delete(this);
      if (open.size === 0) process.off("exit", deleteAtExit);
      await this.watcher.close();
      await this.mss.close();
      await Promise.all([this.#requests.close(), this.route.close()]);
      this.state.close();
      if (this.#control !== undefined) sys.close(this.#control);
      this.#namespace?.close();
    })();
    return this.#closing;
  }
}

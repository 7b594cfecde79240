/**
 * The network of a wire's namespace, through rtnetlink: setting interfaces up, finding the way to a peer, and
 * hearing of what changes.
 */
import { type EthernetInterface, PlaneError } from "@l2tp/dataplane";
import {
  applyInterfaceSettings,
  BridgeError,
  type Fd,
  InterfaceRemover,
  link as links,
  Monitor,
  NetlinkError,
  type NetlinkRequest,
  NetlinkSocket,
  nlabi,
  route as routes,
} from "@l2tp/linux";
import type { IpAddress } from "@l2tp/protocol";

/** How packets to a peer leave. */
export interface Path {
  readonly interfaceIndex: number | undefined;
  readonly mtuOctets: number;
  readonly gateway?: string;
}

/** A frame that is cut up again by the sender must fit into one UDP message with the headers that are added. */
const GSO_MAX_OCTETS = 60_000;
/** Changes come in bursts. */
const SETTLE_MS = 50;
/** How long a path is believed in, if no change is heard of. */
const PATH_MS = 2_000;

export class NetworkView {
  readonly #namespace: Fd | undefined;
  readonly #onChange: () => void;
  #socket: NetlinkSocket | undefined;
  #monitor: Monitor | undefined;
  #settling: NodeJS.Timeout | undefined;
  readonly #paths = new Map<string, { readonly at: number; readonly path: Promise<Path | undefined> }>();
  readonly #remover = new InterfaceRemover({ run: (request) => this.run(request) });
  #closed = false;

  /**
   * @param namespace - undefined for the process's own.
   * @param onChange - called some time after interfaces or routes changed.
   */
  constructor(namespace: Fd | undefined, onChange: () => void) {
    this.#namespace = namespace;
    this.#onChange = onChange;
  }

  get #netlink(): NetlinkSocket {
    if (this.#closed) throw new PlaneError("closed", "the wire is closed");
    this.#socket ??= new NetlinkSocket(nlabi.NETLINK_ROUTE, { namespace: this.#namespace });
    return this.#socket;
  }

  /** Begins to listen to changes; once. */
  watch(): void {
    if (this.#monitor !== undefined || this.#closed) return;
    this.#monitor = new Monitor({ subjects: ["route", "link"], namespace: this.#namespace });
    void this.#listen(this.#monitor);
  }

  async #listen(monitor: Monitor): Promise<void> {
    try {
      for await (const event of monitor) {
        this.#paths.clear();
        if (event.type === "overrun") continue;
        this.#settling ??= setTimeout(() => {
          this.#settling = undefined;
          if (!this.#closed) this.#onChange();
        }, SETTLE_MS);
      }
    } catch {
      // The socket failed: from here on, loops are found at creation only.
    }
  }

  /**
   * How packets to the address leave now.
   *
   * @returns `undefined` when they do not: no route.
   */
  path(to: IpAddress, source: IpAddress | undefined): Promise<Path | undefined> {
    // Many sessions have one peer, and nothing is known to have changed.
    const key = `${to} from ${source ?? "any"}`;
    const now = performance.now();
    const known = this.#paths.get(key);
    if (known !== undefined && this.#monitor !== undefined && now - known.at < PATH_MS) return known.path;
    const path = this.#lookUp(to, source);
    this.#paths.set(key, { at: now, path });
    path.catch(() => this.#paths.delete(key));
    return path;
  }

  /** What was found before may be wrong: something was changed by ourselves. */
  forgetPaths(): void {
    this.#paths.clear();
  }

  async #lookUp(to: IpAddress, source: IpAddress | undefined): Promise<Path | undefined> {
    let route: routes.Route;
    try {
      route = await this.#netlink.run(
        routes.lookUp(to.replace(/%.*$/, ""), source === undefined ? {} : { source }),
      );
    } catch (error) {
      if (error instanceof NetlinkError) return undefined;
      throw error;
    }
    if (route.kind !== "unicast" && route.kind !== "local") return undefined;
    const { interfaceIndex } = route;
    if (interfaceIndex === undefined) return undefined;
    const link = await this.#netlink.run(links.get({ index: interfaceIndex }));
    const mtuOctets = Math.min(route.mtuOctets ?? Number.POSITIVE_INFINITY, link.mtuOctets ?? 1500);
    return { interfaceIndex, mtuOctets, ...(route.gateway !== undefined && { gateway: route.gateway }) };
  }

  /**
   * Makes a new interface what the session wants it to be.
   * @throws PlaneError `no-bridge`, `invalid-parameters`; {@link SyscallError}
   */
  async setUp(index: number, mtuOctets: number, wanted: EthernetInterface): Promise<void> {
    const { name: _, up = true, ...settings } = wanted;
    await this.limitGso(index);
    try {
      // Up, or left as it was made.
      await applyInterfaceSettings(this.#netlink, { index }, { ...settings, mtuOctets, ...(up && { up }) });
    } catch (error) {
      if (!(error instanceof BridgeError)) throw error;
      throw new PlaneError("no-bridge", error.message, { cause: error });
    }
  }

  /** Large TCP frames must fit into one UDP message with our headers; kernels before 4.16 are not told. */
  async limitGso(index: number): Promise<void> {
    await this.#netlink.run(links.set({ index }, { gsoMaxOctets: GSO_MAX_OCTETS })).catch(() => {});
  }

  /** Runs a request in the wire's namespace. @throws {@link SyscallError} */
  run<T>(request: NetlinkRequest<T>): Promise<T> {
    return this.#netlink.run(request);
  }

  /** Closes the descriptor of an interface, which is gone with it: resolves then. */
  remove(fd: Fd, index: number): Promise<void> {
    return this.#remover.remove(fd, index);
  }

  /** @throws {@link SyscallError} */
  async setMtu(index: number, mtuOctets: number): Promise<void> {
    await this.#netlink.run(links.set({ index }, { mtuOctets }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#settling);
    await Promise.all([this.#monitor?.close(), this.#socket?.close()]);
  }
}

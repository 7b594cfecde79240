/** TUN interfaces that PPP sessions share: made with the first of them, and there until the wire closes. */
import { PlaneError, type PppAttachment, planeError } from "@l2tp/dataplane";
import {
  address as addresses,
  interfaceIndex,
  link as links,
  type NetlinkRequest,
  route as routes,
  type TunInterface,
} from "@l2tp/linux";
import type { TunnelHost } from "./host.ts";
import { type NamedPrefix, parsePrefix } from "./prefixes.ts";
import { closeInBackground, openInterface } from "./tun-interface.ts";

/** What a session asks of it. */
export type SharedAttachment = Extract<PppAttachment, { to: "shared" }>;

/** One interface, and who of its sessions has which prefix. */
export class SharedTun {
  readonly name: string;
  /** Its number in the packet threads. */
  readonly number: number;
  readonly tun: TunInterface;
  readonly interfaceIndex: number;
  readonly mtuOctets: number;
  /** Prefixes that are routed to it: for what lies in them no session needs a route of its own. */
  readonly routes: readonly NamedPrefix[];
  readonly #owners = new Map<string, { readonly owner: object; readonly name: string }>();

  constructor(
    number: number,
    tun: TunInterface,
    index: number,
    mtuOctets: number,
    to: readonly NamedPrefix[],
  ) {
    this.name = tun.name;
    this.number = number;
    this.tun = tun;
    this.interfaceIndex = index;
    this.mtuOctets = mtuOctets;
    this.routes = to;
  }

  /**
   * Gives the prefixes to a session, in place of those that it had.
   * @param name - of the owner, for messages.
   * @throws PlaneError `address-in-use` when another session has one of them
   */
  own(owner: object, name: string, before: readonly NamedPrefix[], now: readonly NamedPrefix[]): void {
    for (const { text } of now) {
      const other = this.#owners.get(text);
      if (other !== undefined && other.owner !== owner) {
        throw new PlaneError("address-in-use", `${name}: ${text} belongs to ${other.name} on ${this.name}`);
      }
    }
    this.disown(owner, before);
    for (const { text } of now) this.#owners.set(text, { owner, name });
  }

  disown(owner: object, prefixes: readonly NamedPrefix[]): void {
    for (const { text } of prefixes) if (this.#owners.get(text)?.owner === owner) this.#owners.delete(text);
  }
}

/** Those of one wire. */
export class SharedTuns {
  readonly #wire: TunnelHost;
  readonly #byName = new Map<string, Promise<SharedTun>>();
  readonly #made: (SharedTun | undefined)[] = [];

  constructor(wire: TunnelHost) {
    this.#wire = wire;
  }

  /**
   * The interface of that name.
   * @param mtuOctets - of a new one.
   * @throws PlaneError
   */
  get(attachment: SharedAttachment, mtuOctets: number): Promise<SharedTun> {
    const { name } = attachment;
    let made = this.#byName.get(name);
    if (made === undefined) {
      made = this.#make(attachment, mtuOctets);
      this.#byName.set(name, made);
      made.catch(() => this.#byName.delete(name));
    }
    return made;
  }

  async #make(
    { name, addresses: own = [], routes: to = [] }: SharedAttachment,
    mtuOctets: number,
  ): Promise<SharedTun> {
    const wire = this.#wire;
    const prefixes = to.map(parsePrefix);
    const { tun, index } = wire.inNamespace(() => {
      const opened = openInterface("tun", name, wire.features.vnet);
      return { tun: opened, index: interfaceIndex(opened.name) };
    });
    const number = this.#made.length;
    try {
      const run = (request: NetlinkRequest<unknown>) => wire.network.run(request);
      await wire.network.limitGso(index);
      await run(links.set({ index }, { mtuOctets }));
      for (const text of own) await run(addresses.add({ index, ...splitAddress(text) }));
      await run(links.set({ index }, { up: true }));
      for (const { text } of prefixes) await run(routes.add({ destination: text, interfaceIndex: index }));
      await Promise.all(
        [wire.receiver, wire.sender].map((thread) =>
          thread.order({ do: "set-shared", shared: number, tap: tun.fd }),
        ),
      );
    } catch (error) {
      tun.close();
      throw planeError(error, `interface ${name}`, {
        EBUSY: "name-in-use",
        EEXIST: "address-in-use",
        EINVAL: "invalid-parameters",
      });
    }
    const shared = new SharedTun(number, tun, index, mtuOctets, prefixes);
    this.#made[number] = shared;
    return shared;
  }

  /** By its number in the packet threads. */
  byNumber(number: number): SharedTun | undefined {
    return this.#made[number];
  }

  /** It is gone from the system: the next session that asks gets a new one. */
  forget(shared: SharedTun): Promise<void> {
    this.#byName.delete(shared.name);
    return this.#close(shared);
  }

  /** All of them, after their sessions. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#byName.values()]);
    this.#byName.clear();
    await Promise.all(this.#made.map((shared) => (shared === undefined ? undefined : this.#close(shared))));
  }

  async #close(shared: SharedTun): Promise<void> {
    if (this.#made[shared.number] !== shared) return;
    this.#made[shared.number] = undefined;
    const order = { do: "set-shared", shared: shared.number, tap: -1 } as const;
    await Promise.all([this.#wire.receiver, this.#wire.sender].map((t) => t.order(order).catch(() => {})));
    await closeInBackground(shared.tun.fd);
  }
}

/** `10.0.0.1/16`; without a length it is the address alone. */
export function splitAddress(text: string): {
  readonly address: string;
  readonly prefixLength: number;
  readonly noDuplicateDetection?: boolean;
} {
  const { length, family } = parsePrefix(text);
  return {
    address: text.split("/")[0] as string,
    prefixLength: length,
    ...(family === 6 && { noDuplicateDetection: true }),
  };
}

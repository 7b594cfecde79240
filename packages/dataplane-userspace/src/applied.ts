/**
 * What a PPP session has put into the system: addresses, routes, neighbours. Each new configuration replaces the one
 * before by its differences, and what the session made it takes away with it; what was there before it did not make.
 */
import { PlaneError } from "@l2tp/dataplane";
import { type NetlinkRequest, SyscallError } from "@l2tp/linux";
import type { NetworkView } from "./network.ts";

/** One thing in the system. */
export interface Item {
  /** Two items of one key are the same. */
  readonly key: string;
  /** For messages: `the route 10.1.0.0/16`. */
  readonly what: string;
  add(): NetlinkRequest<unknown>;
  remove(): NetlinkRequest<unknown>;
  /** Goes with the interface, so that nobody has to take it away. */
  readonly ofInterface?: boolean;
  /** That it is there already is as good. */
  readonly sharedWithOthers?: boolean;
}

export class Applied {
  readonly #network: NetworkView;
  readonly #items = new Map<string, Item>();

  constructor(network: NetworkView) {
    this.#network = network;
  }

  /**
   * Makes it as wanted; on failure what was added is taken away again, and what was there before is there still.
   * @throws PlaneError `address-in-use` for what somebody else has made, `invalid-parameters`; SyscallError
   */
  async replace(wanted: readonly Item[]): Promise<void> {
    const items = this.#items;
    const keys = new Set(wanted.map(({ key }) => key));
    const added: Item[] = [];
    try {
      for (const item of wanted) {
        if (items.has(item.key)) continue;
        if (await this.#add(item)) {
          items.set(item.key, item);
          added.push(item);
        }
      }
    } catch (error) {
      for (const item of added.reverse()) await this.#take(item);
      throw error;
    }
    for (const item of [...items.values()]) if (!keys.has(item.key)) await this.#take(item);
  }

  /** Takes everything away that does not go with the interface. */
  async clear(): Promise<void> {
    for (const item of [...this.#items.values()].reverse()) {
      if (item.ofInterface === true) this.#items.delete(item.key);
      else await this.#take(item);
    }
  }

  async #add(item: Item): Promise<boolean> {
    try {
      await this.#network.run(item.add());
      return true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.code === "EEXIST") {
        if (item.sharedWithOthers === true) return false;
        throw new PlaneError(
          "address-in-use",
          `${item.what} is there already, and not of this session's making: it is left as it is`,
          { cause: error },
        );
      }
      throw new PlaneError(
        error.code === "EPERM" || error.code === "EACCES" ? "no-privilege" : "invalid-parameters",
        `${item.what}: ${error.message}`,
        { cause: error },
      );
    }
  }

  async #take(item: Item): Promise<void> {
    this.#items.delete(item.key);
    // Somebody may have been faster, or the interface is gone.
    await this.#network.run(item.remove()).catch(() => {});
  }
}

/** The tunnels of a wire by their IDs, and the IDs that are reserved for more. */
import { randomInt } from "node:crypto";
import { largestId, PlaneError, type Reservation } from "@l2tp/dataplane";
import type { L2tpVersion } from "@l2tp/protocol";
import type { UserspaceTunnel } from "./tunnel.ts";

export class WireTunnels {
  readonly #tunnels = new Map<number, UserspaceTunnel>();
  readonly #reserved = new Set<number>();
  /** Of the wire, for messages. */
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Keeps an ID that nobody has; at random, so that it is no neighbour of the last one.
   * @throws PlaneError `limit` when half of them are in use, as finding one would take ever longer
   */
  reserve(version: L2tpVersion): Reservation {
    const largest = largestId(version);
    if (this.#reserved.size + this.#tunnels.size >= largest / 2) {
      throw new PlaneError("limit", `the wire on ${this.#name} has half of all tunnel IDs in use`);
    }
    for (;;) {
      const tunnelId = randomInt(1, largest + 1);
      if (this.#reserved.has(tunnelId) || this.#tunnels.has(tunnelId)) continue;
      this.#reserved.add(tunnelId);
      const release = async () => {
        this.#reserved.delete(tunnelId);
      };
      return { tunnelId, [Symbol.asyncDispose]: release };
    }
  }

  /** @throws PlaneError `id-in-use` */
  requireFree(tunnelId: number): void {
    if (!this.#tunnels.has(tunnelId)) return;
    throw new PlaneError("id-in-use", `tunnel ${tunnelId} is there already on the wire on ${this.#name}`);
  }

  add(tunnel: UserspaceTunnel): void {
    this.#tunnels.set(tunnel.tunnelId, tunnel);
    this.#reserved.delete(tunnel.tunnelId);
  }

  delete(tunnelId: number): void {
    this.#tunnels.delete(tunnelId);
  }

  all(): IterableIterator<UserspaceTunnel> {
    return this.#tunnels.values();
  }

  /** Closes all of them, with their sessions. */
  async close(): Promise<void> {
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel[Symbol.asyncDispose]()));
  }
}

/**
 * Takes away interfaces that live by a descriptor (TUN, TAP, PPP units). To close one takes the kernel some 20 ms, most of
 * which it waits until nobody can see the interface any more (`synchronize_net`). Interfaces of one group that are deleted
 * together share that wait: a thousand go in half a second, where one after the other takes half a minute.
 */
import { randomInt } from "node:crypto";
import { close as closeDescriptor } from "node:fs";
import type { NetlinkRequest } from "./netlink.ts";
import * as link from "./rtnetlink/link.ts";
import type { Fd } from "./syscalls.ts";

/** Fewer that go at a time are closed one by one. */
const WORTH_A_GROUP = 4;
/** The kernel holds its lock for all interfaces while it deletes a group: some 100 ms for so many. */
const LARGEST_GROUP = 256;
/**
 * How many are closed at a time. Node.js has four threads for all that waits: interfaces that close must not hold up
 * everybody else's files and look-ups of names.
 */
const CLOSING_AT_ONCE = 2;
/** Groups that people and their distributions have named are far below (`/etc/iproute2/group`). */
const FIRST_GROUP = 2 ** 31;
const LAST_GROUP = 2 ** 32 - 1;

interface Leaving {
  readonly fd: Fd;
  readonly index: number;
  readonly done: () => void;
}

/** What the remover needs of the world. */
export interface RemovalPort {
  /** Runs a request in the network namespace of the interfaces. */
  run(request: NetlinkRequest<void>): Promise<void>;
  /** Closes a descriptor outside the event loop's thread; resolves when it is closed. Default: in Node.js's thread pool. */
  close?(fd: Fd): Promise<void>;
}

const inThreadPool = (fd: Fd): Promise<void> => new Promise((closed) => closeDescriptor(fd, () => closed()));

/** The interfaces of one network namespace that go. */
export class InterfaceRemover {
  readonly #port: Required<RemovalPort>;
  readonly #waiting: Leaving[] = [];
  #busy = false;

  constructor({ run, close = inThreadPool }: RemovalPort) {
    this.#port = { run, close };
  }

  /**
   * Closes the descriptor of an interface, which is gone with it; resolves then. Nobody else may have the interface open.
   *
   * @param index - the interface's, in the namespace of `run`.
   */
  remove(fd: Fd, index: number): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ fd, index, done });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    // Whoever ends many does so in one turn.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const leaving = this.#waiting.splice(0, LARGEST_GROUP);
      if (leaving.length >= WORTH_A_GROUP) await this.#delete(leaving);
      await this.#close(leaving);
    }
    this.#busy = false;
  }

  /** Without their interfaces the descriptors are closed in no time; what cannot be deleted goes with its own. */
  async #delete(leaving: readonly Leaving[]): Promise<void> {
    const group = randomInt(FIRST_GROUP, LAST_GROUP);
    // One that is gone already is not there to be put into the group (ENODEV).
    await Promise.allSettled(
      leaving.map(async ({ index }) => this.#port.run(link.set({ index }, { group }))),
    );
    try {
      await this.#port.run(link.removeGroup(group));
    } catch {
      // Nothing is lost but time: each goes with its descriptor.
    }
  }

  async #close(leaving: readonly Leaving[]): Promise<void> {
    const left = [...leaving].reverse();
    const closer = async (): Promise<void> => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        // The descriptor is gone whatever close(2) says.
        await this.#port.close(next.fd).catch(() => {});
        next.done();
      }
    };
    await Promise.all(Array.from({ length: CLOSING_AT_ONCE }, closer));
  }
}

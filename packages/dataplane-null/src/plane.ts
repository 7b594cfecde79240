/** The data plane that carries nothing: sockets for control messages, and books for the rest. */
import {
  type Binding,
  type ControlHandler,
  checkBinding,
  type DataPlane,
  type DataPlaneStatus,
  PlaneError,
} from "@l2tp/dataplane";
import { CAPABILITIES } from "./capabilities.ts";
import { NullWire } from "./wire.ts";

/**
 * Tunnels and sessions come up and their data goes nowhere, as with kl2tpd's `-null`: to try out a peer, a configuration
 * or an authority on any machine. Control messages are real. Data messages that arrive are counted and dropped.
 *
 * A wire on all addresses is not told by Node at which of them a message arrived, and answers from the one that the route
 * to the peer prefers; on a host with several, give each wire its address.
 */
export class NullDataPlane implements DataPlane {
  readonly capabilities = CAPABILITIES;
  readonly #wires = new Set<NullWire>();
  /** Tunnel IDs in use or reserved, of all wires. */
  readonly #tunnelIds = new Set<number>();
  #closed = false;

  status(): DataPlaneStatus {
    const why = "this data plane carries no data";
    return {
      name: "null",
      capabilities: CAPABILITIES,
      features: [
        { feature: "control", using: "node:dgram" },
        { feature: "data", using: "nothing", why },
      ],
    };
  }

  async open(binding: Binding, onControl: ControlHandler): Promise<NullWire> {
    this.#assertOpen();
    checkBinding(binding, CAPABILITIES);
    if (binding.namespace !== undefined) {
      throw new PlaneError(
        "unsupported",
        `namespace "${binding.namespace}": the null data plane stays in that of the process; start l2tpd in it (--netns)`,
      );
    }
    const remove = (wire: NullWire): void => void this.#wires.delete(wire);
    const wire = await NullWire.open(binding.local, onControl, { tunnelIds: this.#tunnelIds, remove });
    this.#wires.add(wire);
    if (this.#closed) {
      await wire[Symbol.asyncDispose]();
      this.#assertOpen();
    }
    return wire;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#wires].map((wire) => wire[Symbol.asyncDispose]()));
  }

  #assertOpen(): void {
    if (this.#closed) throw new PlaneError("closed", "open: the data plane was closed");
  }
}

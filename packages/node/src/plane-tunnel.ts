/**
 * A configured tunnel's part of the data plane: the wire that it leases, and the tunnel on it. What is asked for is done one
 * after the other; who changes their mind meanwhile gets nothing, and nothing is left behind.
 */
import type { TunnelPlane } from "@l2tp/dataplane";
import type { IpAddress } from "@l2tp/protocol";
import type { Host } from "./host.ts";
import type { Logger } from "./log.ts";
import { bindingAddress, type ConfiguredTunnel, ownAddress } from "./parameters.ts";
import { type Reason, reasonOf } from "./reason.ts";
import type { WireLease, WireUser } from "./shared-wire.ts";

/** Who has it. */
export interface PlaneTunnelUser extends WireUser {
  readonly logger: Logger;
  /** It is there. */
  made(): void;
  /** It could not be made; nothing of it is there. */
  failed(why: Reason): void;
}

/** See the file's head. */
export class PlaneTunnel {
  readonly #host: Host;
  readonly #user: PlaneTunnelUser;
  readonly #parameters: ConfiguredTunnel;
  #lease: WireLease | undefined;
  #plane: TunnelPlane | undefined;
  /** What the data plane is asked for, one after the other. */
  #work: Promise<void> = Promise.resolve();
  /** An answer to a question of an older generation changes nothing. */
  #generation = 0;

  constructor(host: Host, user: PlaneTunnelUser, parameters: ConfiguredTunnel) {
    this.#host = host;
    this.#user = user;
    this.#parameters = parameters;
  }

  /** While there is one. */
  get plane(): TunnelPlane | undefined {
    return this.#plane;
  }

  get lease(): WireLease | undefined {
    return this.#lease;
  }

  /** Resolves when the data plane has done what it was asked for so far. */
  get settled(): Promise<void> {
    return this.#work;
  }

  make(): void {
    this.#generation += 1;
    const generation = this.#generation;
    this.#work = this.#work.then(() => this.#make(generation));
  }

  /** What is being made is not wanted any more. */
  cancel(): void {
    this.#generation += 1;
  }

  /** Leases the wire and makes the tunnel on it; undoes both when somebody changed their mind meanwhile. */
  async #make(generation: number): Promise<void> {
    if (generation !== this.#generation) return;
    const { encapsulation, namespace, tunnelId } = this.#parameters;
    const binding = {
      encapsulation,
      local: bindingAddress(this.#parameters),
      ...(namespace !== undefined && { namespace }),
    };
    let lease: WireLease | undefined;
    try {
      lease = await this.#host.wires.lease(binding, this.#user);
      await lease.register(tunnelId);
      const plane = await lease.wire.createTunnel(planeParameters(this.#parameters));
      if (generation !== this.#generation) {
        await this.#undo(plane, lease);
        return;
      }
      this.#lease = lease;
      this.#plane = plane;
    } catch (error) {
      await lease?.release();
      if (generation === this.#generation) this.#user.failed(reasonOf(error));
      return;
    }
    this.#user.made();
  }

  /** Takes it out of the data plane, after its sessions. */
  leave(sessionsGone: Promise<unknown>): void {
    const plane = this.#plane;
    const lease = this.#lease;
    this.#plane = undefined;
    this.#lease = undefined;
    this.#work = this.#work.then(async () => {
      await sessionsGone;
      if (plane && lease) await this.#undo(plane, lease);
    });
  }

  async #undo(plane: TunnelPlane, lease: WireLease): Promise<void> {
    try {
      await plane[Symbol.asyncDispose]();
    } catch (error) {
      this.#user.logger.error({ error }, `tunnel ${this.#parameters.name} was not taken down cleanly`);
    }
    await lease.release();
  }

  /** A control message to the peer. */
  send(datagram: Uint8Array, from?: IpAddress): void {
    const tunnel = this.#plane;
    if (!tunnel) return;
    const { peer: to } = this.#parameters;
    this.#lease?.send({ tunnel, to, datagram, ...(from !== undefined && { from }) });
  }
}

function planeParameters(tunnel: ConfiguredTunnel) {
  const { version, tunnelId, peerTunnelId, peer, udpChecksum } = tunnel;
  const local = ownAddress(tunnel);
  return { version, tunnelId, peerTunnelId, peer, udpChecksum, ...(local !== undefined && { local }) };
}

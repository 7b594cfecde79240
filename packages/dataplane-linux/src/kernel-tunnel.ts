/**
 * One tunnel in the kernel, with its socket where we have one. Over UDP the kernel finds a session by the socket that its
 * data came to, so two tunnels between the same two addresses and ports cannot both have one. For L2TPv3, whose data
 * messages name no tunnel, they share one instead: the sessions of the second are made in the kernel's first.
 */
import { setTimeout as delay } from "node:timers/promises";
import { PlaneError } from "@l2tp/dataplane";
import { type Fd, formatIp, parseIp, sys } from "@l2tp/linux";
import type { Encapsulation, IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import type { ControlChannel } from "./control-channel.ts";
import { isErrno, tunnelError } from "./failure.ts";
import { createTunnel, deleteTunnel, ENCAP, getTunnel, type L2tpAttributes } from "./family.ts";
import type { Kernel } from "./kernel.ts";
import type { Pacer } from "./pacer.ts";
import type { WatchedTunnel } from "./watcher.ts";
import type { WireSockets } from "./wire-sockets.ts";

/** How often an ID that has just been given back is tried, and how long between. */
const BUSY_ATTEMPTS = 40;
const BUSY_PAUSE_MS = 25;

/** What the kernel is told of a tunnel. */
export interface KernelTunnelParameters {
  readonly version: L2tpVersion;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  /** Never a wildcard; over UDP with the wire's port. */
  readonly local: SocketAddress;
  readonly peer: SocketAddress;
  readonly udpChecksum: boolean;
  readonly managed: boolean;
}

/** The wire's things that a tunnel works with. */
export interface KernelTunnelHost {
  readonly kernel: Kernel;
  readonly sockets: WireSockets;
  readonly channel: ControlChannel;
}

export class KernelTunnel implements WatchedTunnel {
  readonly tunnelId: number;
  readonly version: L2tpVersion;
  readonly managed: boolean;
  readonly udpChecksum: boolean;
  readonly local: SocketAddress;
  readonly encapsulation: Encapsulation;
  /** Called when it has vanished. */
  onVanished: (reason: string) => void = () => {};
  readonly #host: KernelTunnelHost;
  readonly #parameters: KernelTunnelParameters;
  #peer: SocketAddress;
  #socket: Fd | undefined;
  #vanished = false;
  #closing: Promise<void> | undefined;

  private constructor(host: KernelTunnelHost, parameters: KernelTunnelParameters) {
    this.#host = host;
    this.#parameters = parameters;
    this.tunnelId = parameters.tunnelId;
    this.version = parameters.version;
    this.managed = parameters.managed;
    this.udpChecksum = parameters.udpChecksum;
    this.local = parameters.local;
    this.encapsulation = host.sockets.encapsulation;
    this.#peer = parameters.peer;
  }

  /**
   * @param reserved - a socket that is already bound to the ID; owned from here on, also on failure.
   * @throws PlaneError
   */
  static async create(
    host: KernelTunnelHost,
    parameters: KernelTunnelParameters,
    reserved?: Fd,
  ): Promise<KernelTunnel> {
    const tunnel = new KernelTunnel(host, parameters);
    await (parameters.managed ? tunnel.#createManaged(reserved) : tunnel.#createUnmanaged());
    host.kernel.watcher.addTunnel(tunnel);
    return tunnel;
  }

  get #what(): string {
    const { address, port } = this.#peer;
    return `tunnel ${this.tunnelId} to ${address}${this.encapsulation === "udp" ? ` port ${port}` : ""}`;
  }

  get peer(): SocketAddress {
    return this.#peer;
  }

  /** The socket, for those who hand it to the kernel; `undefined` for an unmanaged tunnel. */
  get socket(): Fd | undefined {
    return this.#socket;
  }

  /** ID at the peer. */
  get peerTunnelId(): number {
    return this.#parameters.peerTunnelId;
  }

  async #createManaged(reserved: Fd | undefined): Promise<void> {
    const { sockets, channel } = this.#host;
    const { tunnelId, peerTunnelId, peer, udpChecksum, local } = this.#parameters;
    const options = { tunnelId, peerTunnelId, peer, udpChecksum, local: local.address };
    try {
      this.#socket = sockets.openTunnel(options, reserved);
    } catch (error) {
      if (reserved !== undefined) this.#closeSocket(reserved);
      throw error;
    }
    // At once: what it got before it was connected must not wait for the kernel's answer.
    if (reserved === undefined) channel.watch(this.#socket, local.address);
    try {
      await this.#create({ FD: this.#socket });
    } catch (error) {
      this.#closeSocket(this.#socket);
      throw error;
    }
  }

  async #createUnmanaged(): Promise<void> {
    const { kernel, sockets } = this.#host;
    const { local, peer, udpChecksum, version, tunnelId, peerTunnelId } = this.#parameters;
    const [from, to] = [canonical(local.address), canonical(peer.address)];
    const udp = this.encapsulation === "udp";
    kernel.state.add({
      tunnelId,
      peerTunnelId,
      version,
      encapsulation: ENCAP[this.encapsulation],
      local: from,
      localPort: local.port,
      peer: to,
      peerPort: peer.port,
    });
    // The kernel's socket will not share the port with ours.
    if (udp) sockets.putListenerAway();
    try {
      await this.#create({
        ...(local.family === 4 ? { IP_SADDR: from, IP_DADDR: to } : { IP6_SADDR: from, IP6_DADDR: to }),
        ...(udp && { UDP_SPORT: local.port, UDP_DPORT: peer.port }),
        // Its presence alone turns checksums on.
        ...(udp && udpChecksum && { UDP_CSUM: 1 }),
        ...(udp &&
          !udpChecksum &&
          local.family === 6 && { UDP_ZERO_CSUM6_TX: true, UDP_ZERO_CSUM6_RX: true }),
      });
    } catch (error) {
      kernel.state.remove(tunnelId);
      throw error;
    }
  }

  async #create(how: L2tpAttributes): Promise<void> {
    const { kernel } = this.#host;
    const { version, tunnelId, peerTunnelId } = this.#parameters;
    const request = createTunnel(kernel.family, {
      CONN_ID: tunnelId,
      PEER_CONN_ID: peerTunnelId,
      PROTO_VERSION: version,
      ENCAP_TYPE: ENCAP[this.encapsulation],
      ...how,
    });
    for (let attempt = 1; ; attempt++) {
      try {
        await kernel.run(request);
        return;
      } catch (error) {
        // Whether it was made is not known: then it must not be.
        if (isErrno(error, "ENOBUFS"))
          await kernel.run(deleteTunnel(kernel.family, tunnelId)).catch(() => {});
        if (!isErrno(error, "EEXIST")) throw tunnelError(error, this.#what);
        const holder = await this.#holder();
        if (attempt === BUSY_ATTEMPTS || (holder !== undefined && attempt > 2))
          throw this.#idInUse(holder, error);
        await delay(BUSY_PAUSE_MS);
      }
    }
  }

  /** Who has the ID, if still somebody does. */
  async #holder(): Promise<L2tpAttributes | undefined> {
    const { kernel } = this.#host;
    try {
      return await kernel.run(getTunnel(kernel.family, this.tunnelId));
    } catch {
      return undefined;
    }
  }

  #idInUse(holder: L2tpAttributes | undefined, cause: unknown): PlaneError {
    const peer = holder?.IP_DADDR ?? holder?.IP6_DADDR;
    const by =
      holder === undefined
        ? "a tunnel that is on its way out"
        : `an L2TPv${holder.PROTO_VERSION} tunnel to ${peer ?? "a peer"} (its ID there: ${holder.PEER_CONN_ID})`;
    return new PlaneError(
      "id-in-use",
      `${this.#what}: in this network namespace ID ${this.tunnelId} is that of ${by}; all programs, v2 and v3 ` +
        'share these IDs: choose another, or delete that tunnel ("ip l2tp show tunnel" lists them)',
      { cause },
    );
  }

  /** From now on data and control messages go to another address. @throws PlaneError */
  connect(peer: SocketAddress): void {
    const { tunnelId, peerTunnelId } = this.#parameters;
    if (this.#socket === undefined) {
      throw new PlaneError("unsupported", `${this.#what}: the peer of an unmanaged tunnel cannot change`);
    }
    try {
      this.#host.sockets.connect(this.#socket, { tunnelId, peerTunnelId, peer });
    } catch (error) {
      throw tunnelError(error, `${this.#what}: connecting to ${peer.address}`);
    }
    this.#peer = peer;
  }

  vanished(reason: string): void {
    if (this.#vanished || this.#closing !== undefined) return;
    this.#vanished = true;
    this.onVanished(reason);
  }

  #closeSocket(fd: Fd): void {
    this.#host.channel.unwatch(fd, this.local.address);
    sys.close(fd);
    this.#socket = undefined;
  }

  /** Deletes it with its sessions, and waits until they are gone. Idempotent. */
  close(pacer: Pacer): Promise<void> {
    this.#closing ??= this.#close(pacer);
    return this.#closing;
  }

  async #close(pacer: Pacer): Promise<void> {
    const { kernel } = this.#host;
    kernel.watcher.removeTunnel(this);
    const deleted = !this.#vanished && (await pacer.run(() => this.#delete()));
    if (this.#socket !== undefined) this.#closeSocket(this.#socket);
    // The kernel takes out many at a time: each waits for all processors, and they wait together.
    if (deleted) await kernel.gone(this.tunnelId);
    kernel.state.remove(this.tunnelId);
  }

  /** @returns whether it is on its way out. */
  async #delete(): Promise<boolean> {
    const { kernel } = this.#host;
    try {
      await kernel.run(deleteTunnel(kernel.family, this.tunnelId));
      return true;
    } catch {
      return this.#socket !== undefined; // Closing the socket does it as well.
    }
  }
}

/** An address as the kernel's answers have it. */
export const canonical = (address: IpAddress): IpAddress => formatIp(parseIp(address).octets);

/** A wire: one local address with its sockets, and the tunnels on it. */
import { randomInt } from "node:crypto";
import {
  type ControlHandler,
  type ControlMessageOut,
  checkTunnel,
  type DataPlaneCapabilities,
  largestId,
  NoticeQueue,
  PlaneError,
  type Reservation,
  type SessionStatistics,
  type StatisticsTable,
  type TunnelPlane,
  type TunnelPlaneParameters,
  type Wire,
  type WireCounters,
} from "@l2tp/dataplane";
import { errnoName, type Fd, type NetlinkMessage, sys } from "@l2tp/linux";
import type { Encapsulation, IpAddress, L2tpVersion, Pseudowire, SocketAddress } from "@l2tp/protocol";
import { ControlChannel } from "./control-channel.ts";
import type { DescriptorBudget } from "./descriptors.ts";
import { inSlices, readSession } from "./dump.ts";
import { kernelError } from "./failure.ts";
import { readAll } from "./family.ts";
import type { Kernel } from "./kernel.ts";
import { KernelTunnel, type KernelTunnelParameters } from "./kernel-tunnel.ts";
import type { Pacer } from "./pacer.ts";
import { pathTo } from "./path.ts";
import type { LinuxSession } from "./session.ts";
import type { SessionKinds } from "./session-kind.ts";
import { describePlace } from "./sockaddr.ts";
import { frameOfV2, isShort, NoticeLimiter, readDataHeader, sameAddress } from "./strays.ts";
import { LinuxTunnel } from "./tunnel.ts";
import type { HostedTunnel, TunnelHost } from "./tunnel-host.ts";
import { WireSockets } from "./wire-sockets.ts";

/** What a wire gets from its data plane. */
export interface WireHost {
  readonly capabilities: DataPlaneCapabilities;
  readonly kinds: SessionKinds;
  readonly missing: ReadonlyMap<Pseudowire, string>;
  readonly descriptors: DescriptorBudget;
  readonly pacer: Pacer;
  readonly kernel: Kernel;
  /** Called once, when the wire has closed. */
  closed(wire: LinuxWire): Promise<void>;
}

/** A tunnel of the kernel's and how many use it. */
interface Carrier {
  readonly made: Promise<KernelTunnel>;
  readonly version: L2tpVersion;
  readonly managed: boolean;
  readonly tunnelId: number;
  readonly users: Set<LinuxTunnel>;
  /** Tunnels that are being made on it. */
  expected: number;
}

export class LinuxWire implements Wire, TunnelHost {
  readonly encapsulation: Encapsulation;
  readonly notices = new NoticeQueue();
  readonly kernel: Kernel;
  readonly capabilities: DataPlaneCapabilities;
  readonly descriptors: DescriptorBudget;
  readonly pacer: Pacer;
  readonly kinds: SessionKinds;
  readonly missing: ReadonlyMap<Pseudowire, string>;
  readonly #host: WireHost;
  readonly #sockets: WireSockets;
  readonly #channel: ControlChannel;
  readonly #limiter = new NoticeLimiter((notice) => this.notices.push(notice));
  readonly #tunnels = new Map<number, LinuxTunnel>();
  readonly #carriers = new Map<string, Carrier>();
  /** Reserved IDs, over IP with the socket that holds them. */
  readonly #reserved = new Map<number, Fd | undefined>();
  readonly #making = new Set<Promise<unknown>>();
  readonly #sessionIds = new Set<number>();
  readonly #counters = { strayData: 0, malformed: 0, controlReceived: 0, controlSent: 0, overruns: 0 };
  #closing: Promise<void> | undefined;

  /** @throws PlaneError */
  constructor(
    place: { readonly encapsulation: Encapsulation; readonly local: SocketAddress },
    onControl: ControlHandler,
    host: WireHost,
  ) {
    this.#host = host;
    this.kernel = host.kernel;
    this.capabilities = host.capabilities;
    this.descriptors = host.descriptors;
    this.pacer = host.pacer;
    this.kinds = host.kinds;
    this.missing = host.missing;
    this.encapsulation = place.encapsulation;
    const inNamespace = <T>(work: () => T): T => this.kernel.inNamespace(work);
    this.descriptors.take(1, `wire on ${describePlace(place.encapsulation, place.local)}`);
    try {
      this.#sockets = new WireSockets({ ...place, inNamespace });
    } catch (error) {
      this.descriptors.release(1);
      throw error;
    }
    this.#channel = new ControlChannel(this.#sockets, inNamespace, {
      onControl: (message) => {
        this.#counters.controlReceived++;
        onControl(message);
      },
      onOther: (datagram, from) => this.#onOther(datagram, from),
      onOverrun: (count) => {
        this.#counters.overruns += count;
        this.notices.push({ type: "overrun", count, where: `listening socket of the wire on ${this.#name}` });
      },
    });
    this.#channel.watch(this.#sockets.listener as Fd, place.local.address);
  }

  get local(): SocketAddress {
    return this.#sockets.local;
  }

  get #name(): string {
    return describePlace(this.encapsulation, this.local);
  }

  requireOpen(): void {
    if (this.#closing !== undefined) throw new PlaneError("closed", `the wire on ${this.#name} is closed`);
  }

  send(message: ControlMessageOut): void {
    if (this.#closing !== undefined) return;
    const tunnel = message.tunnel as LinuxTunnel | undefined;
    const from = message.from ?? tunnel?.local;
    const errno = this.#channel.send(message, this.#socketFor(message, tunnel), from);
    if (errno === 0) {
      this.#counters.controlSent++;
      return;
    }
    if (tunnel === undefined) return;
    const { tunnelId } = tunnel;
    this.#limiter.tell(`send ${tunnelId}`, (count) => ({
      type: "send-failed",
      tunnelId,
      code: errnoName(errno),
      count,
    }));
  }

  /** The tunnel's own socket, for what goes its way; control messages always have a checksum. */
  #socketFor({ to, from }: ControlMessageOut, tunnel: LinuxTunnel | undefined): Fd | undefined {
    if (tunnel === undefined) return undefined;
    const { carrier } = tunnel;
    const own = sameAddress(to, tunnel.peer) && (from === undefined || from === tunnel.local);
    return own && carrier.udpChecksum ? carrier.socket : undefined;
  }

  #onOther(datagram: Uint8Array, from: SocketAddress): void {
    const header = readDataHeader(datagram);
    if (header === undefined) {
      this.#counters.malformed++;
      return;
    }
    const tunnel = this.#tunnelOf(header);
    if (tunnel !== undefined && isShort(datagram)) {
      // The kernel does not look at it; frames of PPP's control protocols may be that short.
      const ours = header.version === 2 && sameAddress(from, tunnel.peer);
      const session = ours ? tunnel.session(header.sessionId) : undefined;
      if (session?.takeShort(frameOfV2(datagram, header.header)) === true) return;
      this.#counters.malformed++;
      return;
    }
    this.#counters.strayData++;
    const { sessionId } = header;
    if (
      tunnel !== undefined &&
      !sameAddress(from, tunnel.peer) &&
      this.#isGenuine(tunnel, header, datagram)
    ) {
      const { tunnelId } = tunnel;
      this.#limiter.tell(`moved ${tunnelId}`, () => ({ type: "peer-moved", tunnelId, peer: from }));
      return;
    }
    this.#limiter.tell("stray", (count) => ({ type: "stray-data", from, sessionId, count }));
  }

  /** The tunnel that has a session of these IDs. */
  #tunnelOf(header: { version: 2 | 3; tunnelId: number; sessionId: number }): LinuxTunnel | undefined {
    const { version, tunnelId, sessionId } = header;
    if (version === 3 && !this.#sessionIds.has(sessionId)) return undefined;
    const candidates = version === 2 ? [this.#tunnels.get(tunnelId)] : this.#tunnels.values();
    for (const tunnel of candidates) {
      if (tunnel?.carrier.version === version && tunnel.session(sessionId) !== undefined) return tunnel;
    }
    return undefined;
  }

  /** Whether it has the session's cookie: anybody can write an ID. */
  #isGenuine(
    tunnel: LinuxTunnel,
    { sessionId, header }: { sessionId: number; header: number },
    datagram: Uint8Array,
  ): boolean {
    const cookie = tunnel.session(sessionId)?.parameters.cookie ?? new Uint8Array();
    return cookie.every((octet, i) => datagram[header + i] === octet);
  }

  async reserveTunnelId(version: L2tpVersion): Promise<Reservation> {
    this.requireOpen();
    const { versions } = this.capabilities;
    if (!versions.includes(version)) {
      throw new PlaneError("unsupported", `L2TPv${version} is not to be had here: ${versions.join(", ")}`);
    }
    const { tunnelIds } = this.kernel;
    const largest = largestId(version);
    for (;;) {
      if (tunnelIds.size >= largest / 2) {
        throw new PlaneError("limit", "half of all tunnel IDs of the network namespace are in use");
      }
      const tunnelId = randomInt(1, largest + 1);
      if (tunnelIds.has(tunnelId)) continue;
      tunnelIds.add(tunnelId);
      try {
        if (await this.#isFree(tunnelId)) return this.#reservation(tunnelId);
        tunnelIds.delete(tunnelId);
      } catch (error) {
        tunnelIds.delete(tunnelId);
        throw error;
      }
    }
  }

  /** Whether no other program has it, whose tunnels share our IDs. */
  async #isFree(tunnelId: number): Promise<boolean> {
    try {
      if (await this.kernel.hasTunnel(tunnelId)) return false;
    } catch (error) {
      this.requireOpen();
      throw kernelError(error, `reserving tunnel ID ${tunnelId}`);
    }
    this.requireOpen();
    return true;
  }

  #reservation(tunnelId: number): Reservation {
    let socket: Fd | undefined;
    if (this.encapsulation === "ip") {
      this.descriptors.take(1, `reservation of tunnel ID ${tunnelId}`);
      try {
        socket = this.#sockets.openReservation(tunnelId);
      } catch (error) {
        this.descriptors.release(1);
        throw error;
      }
      this.#channel.watch(socket, this.local.address);
    }
    this.#reserved.set(tunnelId, socket);
    return { tunnelId, [Symbol.asyncDispose]: async () => this.#unreserve(tunnelId) };
  }

  /** Gives a reservation back, unless a tunnel has used it up. */
  #unreserve(tunnelId: number): void {
    if (!this.#reserved.has(tunnelId)) return;
    const socket = this.#takeReservation(tunnelId);
    if (socket !== undefined) {
      this.#channel.unwatch(socket, this.local.address);
      sys.close(socket);
      this.descriptors.release(1);
    }
    this.kernel.tunnelIds.delete(tunnelId);
  }

  #takeReservation(tunnelId: number): Fd | undefined {
    const socket = this.#reserved.get(tunnelId);
    this.#reserved.delete(tunnelId);
    return socket;
  }

  createTunnel(parameters: TunnelPlaneParameters): Promise<TunnelPlane> {
    return this.#track(this.pacer.run(() => this.#createTunnel(parameters)));
  }

  async #createTunnel(parameters: TunnelPlaneParameters): Promise<TunnelPlane> {
    this.requireOpen();
    const { encapsulation, local } = this;
    checkTunnel(parameters, { encapsulation, family: local.family }, this.capabilities);
    const { tunnelId } = parameters;
    // The claim passes from the reservation to the tunnel.
    if (this.#reserved.has(tunnelId)) return this.#make(parameters, this.#takeReservation(tunnelId));
    this.kernel.claimTunnelId(tunnelId);
    return this.#make(parameters, undefined);
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#making.add(work);
    try {
      return await work;
    } finally {
      this.#making.delete(work);
    }
  }

  async #make(parameters: TunnelPlaneParameters, reserved: Fd | undefined): Promise<LinuxTunnel> {
    const { tunnelId } = parameters;
    let socket = reserved;
    const dropSocket = () => {
      if (socket === undefined) return;
      this.#channel.unwatch(socket, this.local.address);
      sys.close(socket);
      this.descriptors.release(1);
      socket = undefined;
    };
    try {
      const local = await this.#localFor(parameters);
      this.requireOpen();
      // A socket that holds the ID on all addresses cannot be bound to one, nor is it the kernel's own.
      if (parameters.managed === false || local.address !== this.local.address) dropSocket();
      const key = this.#keyOf(local, parameters.peer, tunnelId);
      const carrier = this.#carriers.get(key) ?? this.#startCarrier(key, parameters, local, socket);
      if (carrier.tunnelId !== tunnelId) this.#checkSharing(carrier, parameters);
      else socket = undefined; // the carrier's from here on
      carrier.expected++;
      try {
        const tunnel = new LinuxTunnel(this, parameters, await carrier.made);
        carrier.users.add(tunnel);
        this.#tunnels.set(tunnelId, tunnel);
        // Closed meanwhile: whoever closes waits for us, and takes the tunnel along.
        this.requireOpen();
        return tunnel;
      } finally {
        carrier.expected--;
      }
    } catch (error) {
      dropSocket();
      if (!this.#tunnels.has(tunnelId)) this.kernel.tunnelIds.delete(tunnelId);
      if (this.#closing !== undefined) this.requireOpen();
      throw error;
    }
  }

  /** Two tunnels over UDP are two in the kernel when their addresses or ports differ; over IP they always are. */
  #keyOf(local: SocketAddress, peer: SocketAddress, tunnelId: number): string {
    return this.encapsulation === "ip" ? `${tunnelId}` : `${local.address} ${peer.address} ${peer.port}`;
  }

  #startCarrier(
    key: string,
    { version, tunnelId, peerTunnelId, peer, udpChecksum = true, managed = true }: TunnelPlaneParameters,
    local: SocketAddress,
    reserved: Fd | undefined,
  ): Carrier {
    const what = `tunnel ${tunnelId} to ${peer.address}`;
    if (this.encapsulation === "udp") this.#checkListener(managed, what);
    if (managed && reserved === undefined) this.descriptors.take(1, what);
    const host = { kernel: this.kernel, sockets: this.#sockets, channel: this.#channel };
    const full: KernelTunnelParameters = {
      version,
      tunnelId,
      peerTunnelId,
      local,
      peer,
      udpChecksum: this.encapsulation === "ip" || udpChecksum,
      managed,
    };
    if (!managed && this.encapsulation === "udp" && this.#sockets.listener !== undefined) {
      this.#channel.unwatch(this.#sockets.listener, this.local.address);
    }
    const carrier: Carrier = {
      made: KernelTunnel.create(host, full, reserved).then(
        (made) => {
          made.onVanished = (reason) => {
            for (const tunnel of [...carrier.users]) tunnel.vanished(reason);
          };
          return made;
        },
        (error: unknown) => {
          this.#forgetCarrier(key, carrier);
          throw error;
        },
      ),
      version,
      managed,
      tunnelId,
      users: new Set(),
      expected: 0,
    };
    this.#carriers.set(key, carrier);
    return carrier;
  }

  /** The kernel's own socket will not share the port. @throws PlaneError `address-in-use` */
  #checkListener(managed: boolean, what: string): void {
    const others = [...this.#carriers.values()];
    if (managed ? others.every((other) => other.managed) : others.length === 0) return;
    throw new PlaneError(
      "address-in-use",
      `${what}: over UDP an unmanaged tunnel has its local port (${this.local.port}) for itself alone: open a wire on ` +
        "another port for it, or let the tunnel be managed",
    );
  }

  /** @throws PlaneError `unsupported`, `invalid-parameters` */
  #checkSharing(carrier: Carrier, { version, tunnelId, peer, managed = true }: TunnelPlaneParameters): void {
    const what = `tunnel ${tunnelId} to ${peer.address} port ${peer.port}`;
    if (version !== 3 || carrier.version !== 3) {
      throw new PlaneError(
        "unsupported",
        `${what}: tunnel ${carrier.tunnelId} has the same addresses and ports, and the kernel cannot tell the data of two ` +
          "such tunnels apart in L2TPv2; use another local port for one of them",
      );
    }
    if (!managed || !carrier.managed) {
      throw new PlaneError(
        "address-in-use",
        `${what}: tunnel ${carrier.tunnelId} has the same addresses and ports, and one of the two is unmanaged`,
      );
    }
  }

  /** Where a tunnel's packets leave from: what was said, the wire's address, or the system's choice. */
  async #localFor({ local, peer, tunnelId, managed }: TunnelPlaneParameters): Promise<SocketAddress> {
    const at = (address: IpAddress): SocketAddress => ({ ...this.local, address });
    if (!this.#sockets.wildcard) return this.local;
    if (local !== undefined) return at(local);
    const path = await pathTo(this.kernel.route, peer.address, undefined);
    if (path?.source !== undefined) return at(path.source);
    if (managed !== false && peer.address.includes("%")) return this.local; // link-local: connect() chooses
    throw new PlaneError(
      "no-route",
      `tunnel ${tunnelId}: no route leads to ${peer.address} ("ip route get ${peer.address}" says more)`,
    );
  }

  claimSession(sessionId: number, what: string): void {
    const { ipSessionIds } = this.kernel;
    if (this.#sessionIds.has(sessionId) || (this.encapsulation === "ip" && ipSessionIds.has(sessionId))) {
      throw new PlaneError(
        "id-in-use",
        `${what}: the ID is that of another session on the wire on ${this.#name}; in L2TPv3 the session ID alone ` +
          "tells sessions apart, also those of different tunnels",
      );
    }
    this.#sessionIds.add(sessionId);
    if (this.encapsulation === "ip") ipSessionIds.add(sessionId);
  }

  releaseSession(sessionId: number): void {
    this.#sessionIds.delete(sessionId);
    if (this.encapsulation === "ip") this.kernel.ipSessionIds.delete(sessionId);
  }

  movePeer(tunnel: HostedTunnel, peer: SocketAddress): void {
    const { carrier, tunnelId } = tunnel;
    const { encapsulation, local } = this;
    if (peer.family !== local.family) {
      throw new PlaneError(
        "invalid-parameters",
        `tunnel ${tunnelId}: the peer ${peer.address} is IPv${peer.family}, the wire IPv${local.family}`,
      );
    }
    const ids = { version: carrier.version, tunnelId, peerTunnelId: carrier.peerTunnelId };
    checkTunnel({ ...ids, peer }, { encapsulation, family: local.family }, this.capabilities);
    const before = this.#keyOf(carrier.local, carrier.peer, carrier.tunnelId);
    const after = this.#keyOf(carrier.local, peer, carrier.tunnelId);
    const entry = this.#carriers.get(before);
    if (after !== before && (this.#carriers.has(after) || (entry?.users.size ?? 0) > 1)) {
      throw new PlaneError(
        "unsupported",
        `tunnel ${tunnelId}: it shares, or would share, the addresses and ports of another tunnel, and cannot move; ` +
          "close it and make it anew",
      );
    }
    carrier.connect(peer);
    if (after === before || entry === undefined) return;
    this.#carriers.delete(before);
    this.#carriers.set(after, entry);
  }

  #entryOf(tunnel: HostedTunnel): [string, Carrier] | undefined {
    const { carrier } = tunnel;
    const key = this.#keyOf(carrier.local, carrier.peer, carrier.tunnelId);
    const entry = this.#carriers.get(key);
    return entry === undefined ? undefined : [key, entry];
  }

  isLastOn(tunnel: HostedTunnel): boolean {
    const entry = this.#entryOf(tunnel)?.[1];
    if (entry === undefined) return true;
    // It stays in the table while it closes: nobody may join it now.
    return entry.expected === 0 && [...entry.users].every((user) => user === tunnel);
  }

  async leave(tunnel: HostedTunnel): Promise<void> {
    const [key, entry] = this.#entryOf(tunnel) ?? [];
    if (key !== undefined && entry !== undefined) {
      entry.users.delete(tunnel as LinuxTunnel);
      if (entry.users.size === 0 && entry.expected === 0) {
        await tunnel.carrier.close(this.pacer);
        this.#forgetCarrier(key, entry);
        if (entry.tunnelId !== tunnel.tunnelId) this.kernel.tunnelIds.delete(entry.tunnelId);
      } else if (entry.tunnelId === tunnel.tunnelId) {
        // The kernel's tunnel lives on for the others, and with it the ID.
        this.#tunnels.delete(tunnel.tunnelId);
        return;
      }
    }
    this.#tunnels.delete(tunnel.tunnelId);
    this.kernel.tunnelIds.delete(tunnel.tunnelId);
  }

  #forgetCarrier(key: string, entry: Carrier): void {
    if (this.#carriers.get(key) === entry) this.#carriers.delete(key);
    if (entry.managed) this.descriptors.release(1);
    else this.#bringListenerBack();
  }

  #bringListenerBack(): void {
    if (this.#closing !== undefined || this.#sockets.listener !== undefined) return;
    try {
      this.#channel.watch(this.#sockets.bringListenerBack(), this.local.address);
    } catch (error) {
      this.notices.push({ type: "wire-lost", reason: (error as Error).message });
    }
  }

  async statistics(into: StatisticsTable): Promise<void> {
    this.requireOpen();
    const { kernel } = this;
    const row = {} as SessionStatistics;
    const seen = new Set<LinuxSession>();
    const read = (message: NetlinkMessage) => {
      const numbered = readSession(message, row);
      const session = kernel.watcher.session(row.tunnelId, row.sessionId) as LinuxSession | undefined;
      if (session === undefined || !this.#tunnels.has(session.tunnelId)) return;
      const before = seen.size;
      if (seen.add(session).size === before) return;
      // Its tunnel's ID here may be another than in the kernel.
      row.tunnelId = session.tunnelId;
      session.sawNumbers(numbered);
      into.row(row);
    };
    await kernel.run(readAll(kernel.family, "sessions", read)).catch((error: unknown) => {
      this.requireOpen();
      throw kernelError(error, `statistics of the wire on ${this.#name}`);
    });
    // A dump passes entries over when others are deleted meanwhile.
    for await (const session of this.#notIn(seen)) {
      const statistics = await session.statistics().catch(() => undefined);
      const { tunnelId, sessionId } = session;
      if (statistics !== undefined) into.row({ tunnelId, sessionId, ...statistics });
    }
  }

  async *#notIn(seen: ReadonlySet<LinuxSession>): AsyncGenerator<LinuxSession, void, void> {
    for await (const tunnels of inSlices([...this.#tunnels.values()])) {
      const missed: LinuxSession[] = [];
      for (const tunnel of tunnels) {
        for (const session of tunnel.sessions()) if (!seen.has(session)) missed.push(session);
      }
      yield* missed;
    }
  }

  async counters(): Promise<WireCounters> {
    this.requireOpen();
    return { ...this.#counters };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#making]);
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel[Symbol.asyncDispose]()));
    for (const tunnelId of [...this.#reserved.keys()]) this.#unreserve(tunnelId);
    this.#channel.close();
    this.#sockets.close();
    this.descriptors.release(1);
    this.#limiter.close();
    this.notices.end();
    await this.#host.closed(this);
  }
}

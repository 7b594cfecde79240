/** A wire: one local address with its sockets, two packet threads, and the tunnels and sessions on it. */
import {
  type Binding,
  type ControlHandler,
  type ControlMessageOut,
  checkTunnel,
  type DataPlaneCapabilities,
  type FeatureStatus,
  NoticeQueue,
  PlaneError,
  type PlaneNotice,
  type PlaneStatistics,
  planeError,
  type Reservation,
  type StatisticsTable,
  type TunnelPlane,
  type TunnelPlaneParameters,
  type Wire,
  type WireCounters,
} from "@l2tp/dataplane";
import { errnoName, type NetworkNamespace, openNamespace } from "@l2tp/linux";
import type { Encapsulation, IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import type { Features } from "./features.ts";
import type { HostedSession, TunnelHost } from "./host.ts";
import { NetworkView } from "./network.ts";
import type { PppdService } from "./pppd.ts";
import { IndexPool, SessionRegistry } from "./registry.ts";
import type { SharedTuns } from "./shared-tun.ts";
import { describe, WireSockets } from "./sockets.ts";
import { UserspaceTunnel } from "./tunnel.ts";
import { WireControl, type WireControlOwner } from "./wire-control.ts";
import { WireTunnels } from "./wire-tunnels.ts";
import { FrameRing } from "./worker/frame-ring.ts";
import { CONTROL_SOCKET } from "./worker/loop.ts";
import type { Report } from "./worker/messages.ts";
import { Ring } from "./worker/ring.ts";
import { COUNTER, Shared } from "./worker/shared.ts";
import { PacketThread } from "./workers.ts";

/** Octets of the ring for control messages that came in a batch of data: some 40 of the largest usual ones. */
const RING_OCTETS = 64 * 1024;
/** PPP frames and packets read in one turn of the event loop. */
const FRAMES_PER_TURN = 256;

/** What a wire gets from its data plane. */
export interface WireHost {
  readonly capabilities: DataPlaneCapabilities;
  readonly features: Features;
  readonly sharedTuns: SharedTuns;
  readonly pppd: PppdService;
  /** Sessions at most. */
  readonly rows: number;
  /** Called once, when the wire has closed. */
  closed(wire: UserspaceWire): void;
}

export class UserspaceWire implements Wire, TunnelHost, WireControlOwner {
  readonly local: SocketAddress;
  readonly encapsulation: Encapsulation;
  readonly notices = new NoticeQueue();
  readonly network: NetworkView;
  readonly sockets: WireSockets;
  /** Where it works, for messages. */
  readonly name: string;
  readonly sender: PacketThread;
  readonly receiver: PacketThread;
  readonly #host: WireHost;
  readonly #namespace: NetworkNamespace | undefined;
  readonly shared: Shared;
  readonly sharedTuns: SharedTuns;
  readonly namespacePath: string | undefined;
  readonly #framesUp: FrameRing;
  readonly #packetsUp: FrameRing;
  readonly #down: FrameRing;
  readonly #control: WireControl;
  readonly #tunnels: WireTunnels;
  readonly #sessions: SessionRegistry;
  readonly #destinations: IndexPool;
  #closing: Promise<void> | undefined;
  #dead: string | undefined;
  #checksum: string = "JavaScript";
  #gsoRefusal: string | undefined;

  private constructor(binding: Binding, onControl: ControlHandler, host: WireHost) {
    this.#host = host;
    this.encapsulation = binding.encapsulation;
    this.#namespace = enter(binding);
    const { features } = host;
    try {
      this.sockets = new WireSockets(binding, features.gro, (work) => this.inNamespace(work));
    } catch (error) {
      this.#namespace?.close();
      throw error;
    }
    this.network = new NetworkView(this.#namespace?.fd, () => void this.#checkLoops());
    this.local = this.sockets.local;
    this.name = describe({ ...binding, local: this.local });
    this.shared = Shared.create(host.rows, RING_OCTETS);
    this.#tunnels = new WireTunnels(this.name);
    this.#sessions = new SessionRegistry(this.shared, host.rows, this.name);
    this.#destinations = new IndexPool(host.rows);
    this.sharedTuns = host.sharedTuns;
    this.namespacePath = binding.namespace;
    const { buffers } = this.shared;
    this.#framesUp = new FrameRing(buffers.framesUp);
    this.#packetsUp = new FrameRing(buffers.packetsUp);
    this.#down = new FrameRing(buffers.down);
    this.#control = new WireControl(this, new Ring(buffers.ring), onControl);
    const settings = {
      encapsulation: this.encapsulation,
      family: this.local.family,
      gso: features.gso && this.encapsulation === "udp",
      vnet: features.vnet,
      checksum: features.checksum,
      rows: host.rows,
    };
    const thread = (role: "receive" | "send", control: number) =>
      new PacketThread(
        { ...settings, role, socket: this.sockets.data, control },
        this.shared,
        (report) => this.#onReport(report),
        (reason) => this.#onDeath(reason),
      );
    try {
      this.receiver = thread("receive", this.sockets.control);
      this.sender = thread("send", -1);
    } catch (error) {
      // No file to start: both fail alike, so there is no thread to stop.
      this.sockets.close();
      this.#namespace?.close();
      throw planeError(error, `wire on ${this.name}`, {});
    }
  }

  /** @throws PlaneError */
  static async open(binding: Binding, onControl: ControlHandler, host: WireHost): Promise<UserspaceWire> {
    const wire = new UserspaceWire(binding, onControl, host);
    try {
      [wire.#checksum] = await Promise.all([wire.receiver.ready(), wire.sender.ready()]);
      return wire;
    } catch (error) {
      await wire[Symbol.asyncDispose]();
      throw planeError(error, `wire on ${wire.name}`, {});
    }
  }

  get closing(): boolean {
    return this.#closing !== undefined;
  }

  armControl(): void {
    this.receiver.arm(this.sockets.control, CONTROL_SOCKET);
  }

  /** Runs work in the wire's network namespace, on this thread and without waiting. */
  inNamespace<T>(work: () => T): T {
    return this.#namespace === undefined ? work() : this.#namespace.run(work);
  }

  /** @throws PlaneError `closed` */
  requireOpen(): void {
    if (this.#dead !== undefined) throw new PlaneError("closed", `wire on ${this.name}: ${this.#dead}`);
    if (this.#closing !== undefined) throw new PlaneError("closed", `the wire on ${this.name} is closed`);
  }

  get capabilities(): DataPlaneCapabilities {
    return this.#host.capabilities;
  }

  get features(): Features {
    return this.#host.features;
  }

  get pppd(): PppdService {
    return this.#host.pppd;
  }

  /** What is in use on this wire, and why not more. */
  status(): FeatureStatus[] {
    const { features } = this.#host;
    const list: FeatureStatus[] = [];
    const { withoutGro, receiveBuffer } = this.sockets;
    if (this.encapsulation === "udp" && features.gro) {
      list.push({
        feature: "udp-gro",
        using: withoutGro === undefined ? "UDP_GRO" : "off",
        ...(withoutGro === undefined ? {} : { why: withoutGro }),
      });
    }
    if (this.#gsoRefusal !== undefined) {
      list.push({ feature: "udp-gso", using: "UDP_SEGMENT, in part", why: this.#gsoRefusal });
    }
    list.push({ feature: "checksum", using: this.#checksum });
    list.push({ feature: "receive-buffer", using: `${Math.round(receiveBuffer / 1024)} KiB` });
    return list;
  }

  send(message: ControlMessageOut): void {
    if (this.#closing !== undefined || this.#dead !== undefined) return;
    const from = message.from ?? (message.tunnel as UserspaceTunnel | undefined)?.local;
    const errno = this.#control.send(message, from);
    if (errno === 0 || message.tunnel === undefined) return;
    const { tunnelId } = message.tunnel;
    this.notices.push({ type: "send-failed", tunnelId, code: errnoName(errno), count: 1 });
  }

  async reserveTunnelId(version: L2tpVersion): Promise<Reservation> {
    this.requireOpen();
    const { versions } = this.#host.capabilities;
    if (!versions.includes(version)) {
      throw new PlaneError("unsupported", `L2TPv${version} is not to be had here: ${versions.join(", ")}`);
    }
    return this.#tunnels.reserve(version);
  }

  async createTunnel(parameters: TunnelPlaneParameters): Promise<TunnelPlane> {
    this.requireOpen();
    checkTunnel(
      parameters,
      { encapsulation: this.encapsulation, family: this.local.family },
      this.#host.capabilities,
    );
    this.#tunnels.requireFree(parameters.tunnelId);
    const tunnel = new UserspaceTunnel(this, parameters);
    this.#tunnels.add(tunnel);
    return tunnel;
  }

  forgetTunnel(tunnelId: number): void {
    this.#tunnels.delete(tunnelId);
  }

  takeDestination(): number {
    const index = this.#destinations.take();
    if (index !== -1) return index;
    throw new PlaneError("limit", `the wire on ${this.name} has its ${this.#host.rows} destinations`);
  }

  releaseDestination(index: number): void {
    this.#destinations.give(index);
  }

  claim(version: L2tpVersion, sessionId: number, tunnelId: number): number {
    return this.#sessions.claim(version, sessionId, tunnelId);
  }

  generation(row: number): number {
    return this.#sessions.generation(row);
  }

  takeRow(): number {
    return this.#sessions.takeRow();
  }

  giveRow(row: number): void {
    this.#sessions.giveRow(row);
  }

  adopt(session: HostedSession): void {
    this.#sessions.adopt(session);
  }

  release(version: L2tpVersion, sessionId: number, tunnelId: number, row: number): void {
    this.#sessions.release(version, sessionId, tunnelId, row);
  }

  pushDown(row: number, generation: number, kind: number, octets: Uint8Array): boolean {
    if (this.#closing !== undefined || this.#dead !== undefined) return true;
    const result = this.#down.push(row, generation, kind, octets, 0, octets.length);
    if (result === "first") this.sender.wake();
    return result !== "full";
  }

  rowStatistics(row: number): PlaneStatistics {
    return this.#sessions.statistics(row);
  }

  async statistics(into: StatisticsTable): Promise<void> {
    this.requireOpen();
    this.#sessions.writeStatistics(into);
  }

  async counters(): Promise<WireCounters> {
    this.requireOpen();
    const { counters } = this.shared;
    return {
      strayData: counters[COUNTER.strayData] as number,
      malformed: (counters[COUNTER.malformed] as number) + this.#control.malformed,
      controlReceived: this.#control.received,
      controlSent: this.#control.sent,
      overruns: counters[COUNTER.overruns] as number,
    };
  }

  #onReport(report: Report): void {
    switch (report.type) {
      case "control-readable":
        this.#control.readSocket();
        break;
      case "strays":
        this.#control.readStrays();
        break;
      case "frames":
        this.#readFrames(this.#framesUp);
        break;
      case "packets":
        this.#readFrames(this.#packetsUp);
        break;
      case "mppe-lost": {
        const session = this.#sessions.byRow(report.row);
        if (session?.generation === report.generation) session.mppeLost?.();
        break;
      }
      case "numbered": {
        const session = this.#sessions.byRow(report.row);
        if (session?.generation === report.generation) session.numbered?.(report.on);
        break;
      }
      case "shared-lost":
        this.sharedTuns.lost(report.shared, errnoName(report.errno));
        break;
      case "session-lost":
        void this.#sessions.byRow(report.row)?.lost(`its interface is gone (${errnoName(report.errno)})`);
        break;
      case "send-refused":
        this.refused(this.#control.address(report.to), report.errno, report.count);
        break;
      case "gso-refused":
        this.#gsoRefusal =
          `datagrams of ${report.octets} octets of tunnel ${report.tunnelId} were refused in a batch ` +
          `(${errnoName(report.errno)}) and go one by one`;
        break;
      default:
        this.#tell(report);
    }
  }

  /** What a packet thread has counted, for whoever reads the notices. */
  #tell(report: Report): void {
    switch (report.type) {
      case "stray-data":
        this.notices.push({ ...report, from: this.#control.address(report.from) });
        break;
      case "peer-moved": {
        const { type, tunnelId, from } = report;
        this.notices.push({ type, tunnelId, peer: this.#control.address(from) });
        break;
      }
      case "overrun":
        this.notices.push({ ...report, where: `data of the wire on ${this.name}` });
        break;
      case "send-failed": {
        const { type, tunnelId, errno, count } = report;
        this.notices.push({ type, tunnelId, code: errnoName(errno), count });
        break;
      }
      default:
        break;
    }
  }

  /** The network answered a message with an error: to which tunnel it belongs, its destination tells. */
  refused(to: SocketAddress, errno: number, count: number): void {
    for (const tunnel of this.#tunnels.all()) {
      // Both as the kernel writes it: a person may write an IPv6 address in many ways.
      const peer = this.#control.address(tunnel.address);
      if (peer.address !== to.address || peer.port !== to.port) continue;
      this.notices.push({ type: "send-failed", tunnelId: tunnel.tunnelId, code: errnoName(errno), count });
      return;
    }
  }

  /** What a packet thread has for PPP sessions: a turn's share, then the others have theirs. */
  #readFrames(ring: FrameRing): void {
    for (let i = 0; i < FRAMES_PER_TURN; i++) {
      if (this.#closing !== undefined || !ring.next()) return;
      const session = this.#sessions.byRow(ring.row);
      if (session === undefined || session.generation !== ring.generation) continue;
      // Memory that another thread writes is not for everybody's functions: a copy.
      session.arrived?.(ring.kind, ring.u8.slice(ring.offset, ring.offset + ring.length));
    }
    setImmediate(() => this.#readFrames(ring));
  }

  /** A packet thread died: a bug, or memory that ran out. Nothing moves any more, and everyone is told. */
  #onDeath(reason: string): void {
    if (this.#dead !== undefined || this.#closing !== undefined) return;
    this.#dead = reason;
    this.notices.push({ type: "wire-lost", reason });
  }

  notice(notice: PlaneNotice): void {
    this.notices.push(notice);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // While the threads still run, so that the sessions leave them in order.
    await this.#tunnels.close();
    await this.sharedTuns.close(this);
    await Promise.all([this.receiver.stop(), this.sender.stop(), this.network.close()]);
    // Now nothing reads the descriptors any more.
    this.sockets.close();
    this.#namespace?.close();
    this.notices.end();
    this.#host.closed(this);
  }

  /** Whether routes have come to lead a tunnel's packets into the tunnel itself, or no longer do. */
  async #checkLoops(): Promise<void> {
    const ways = new Map<string, Promise<number | undefined>>();
    for (const session of this.#sessions.all()) {
      if (session.interfaceIndex === -1) continue;
      const to = session.peer.address;
      let way = ways.get(to);
      if (way === undefined) {
        const source = this.sockets.wildcard ? undefined : this.local.address;
        way = this.network.path(to, source).then(
          (path) => path?.interfaceIndex,
          () => undefined,
        );
        ways.set(to, way);
      }
      await session.setLooping((await way) === session.interfaceIndex);
    }
  }

  /** Source address of a tunnel's messages, if the wire does not decide it. */
  sourceFor(local: IpAddress | undefined): IpAddress | undefined {
    return this.sockets.wildcard ? local : undefined;
  }
}

/** Opens the namespace of a binding; `undefined` for the process's own. */
function enter(binding: Binding): NetworkNamespace | undefined {
  if (binding.namespace === undefined) return undefined;
  try {
    return openNamespace({ path: binding.namespace });
  } catch (error) {
    throw planeError(error, `network namespace ${binding.namespace}`, {
      ENOENT: "no-such-namespace",
      ENOTDIR: "no-such-namespace",
    });
  }
}

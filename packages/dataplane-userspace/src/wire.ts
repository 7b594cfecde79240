/** A wire: one local address with its sockets, two packet threads, and the tunnels and sessions on it. */
import { randomInt } from "node:crypto";
import {
  type Binding,
  type ControlHandler,
  type ControlMessageOut,
  checkTunnel,
  type DataPlaneCapabilities,
  type FeatureStatus,
  largestId,
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
import { decodeSocketAddress, errnoName, formatIp, type NetworkNamespace, openNamespace } from "@l2tp/linux";
import type { Encapsulation, IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { ControlChannel } from "./control-channel.ts";
import type { Features } from "./features.ts";
import type { HostedSession, TunnelHost } from "./host.ts";
import { NetworkView } from "./network.ts";
import type { PppdService } from "./pppd.ts";
import { IndexPool, SessionRegistry } from "./registry.ts";
import type { SharedTuns } from "./shared-tun.ts";
import { describe, WireSockets } from "./sockets.ts";
import { UserspaceTunnel } from "./tunnel.ts";
import { FrameRing } from "./worker/frame-ring.ts";
import { CONTROL_SOCKET, NOTICE_INTERVAL_MS } from "./worker/loop.ts";
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

export class UserspaceWire implements Wire, TunnelHost {
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
  readonly #ring: Ring;
  readonly #framesUp: FrameRing;
  readonly #packetsUp: FrameRing;
  readonly #down: FrameRing;
  readonly #control: ControlChannel;
  readonly #onControl: ControlHandler;
  readonly #tunnels = new Map<number, UserspaceTunnel>();
  readonly #reserved = new Set<number>();
  readonly #sessions: SessionRegistry;
  readonly #destinations: IndexPool;
  #controlReceived = 0;
  #controlSent = 0;
  #malformed = 0;
  /** ICMP errors that came to the control socket and were not told of yet. */
  #controlErrors = 0;
  #controlErrorsAt = Number.NEGATIVE_INFINITY;
  #closing: Promise<void> | undefined;
  #dead: string | undefined;
  #checksum: string = "JavaScript";
  #gsoRefusal: string | undefined;

  private constructor(binding: Binding, onControl: ControlHandler, host: WireHost) {
    this.#host = host;
    this.encapsulation = binding.encapsulation;
    this.#onControl = onControl;
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
    this.#sessions = new SessionRegistry(this.shared, host.rows, this.name);
    this.#destinations = new IndexPool(host.rows);
    this.sharedTuns = host.sharedTuns;
    this.namespacePath = binding.namespace;
    const { buffers } = this.shared;
    this.#ring = new Ring(buffers.ring);
    this.#framesUp = new FrameRing(buffers.framesUp);
    this.#packetsUp = new FrameRing(buffers.packetsUp);
    this.#down = new FrameRing(buffers.down);
    this.#control = new ControlChannel(this.sockets, this.encapsulation, (work) => this.inNamespace(work));
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
    if (errno === 0) this.#controlSent++;
    else if (message.tunnel !== undefined) {
      this.notices.push({
        type: "send-failed",
        tunnelId: message.tunnel.tunnelId,
        code: errnoName(errno),
        count: 1,
      });
    }
  }

  async reserveTunnelId(version: L2tpVersion): Promise<Reservation> {
    this.requireOpen();
    const { versions } = this.#host.capabilities;
    if (!versions.includes(version)) {
      throw new PlaneError("unsupported", `L2TPv${version} is not to be had here: ${versions.join(", ")}`);
    }
    const largest = largestId(version);
    if (this.#reserved.size + this.#tunnels.size >= largest / 2) {
      throw new PlaneError("limit", `the wire on ${this.name} has half of all tunnel IDs in use`);
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

  async createTunnel(parameters: TunnelPlaneParameters): Promise<TunnelPlane> {
    this.requireOpen();
    checkTunnel(
      parameters,
      { encapsulation: this.encapsulation, family: this.local.family },
      this.#host.capabilities,
    );
    const { tunnelId } = parameters;
    if (this.#tunnels.has(tunnelId)) {
      throw new PlaneError("id-in-use", `tunnel ${tunnelId} is there already on the wire on ${this.name}`);
    }
    const tunnel = new UserspaceTunnel(this, parameters);
    this.#tunnels.set(tunnelId, tunnel);
    this.#reserved.delete(tunnelId);
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
      malformed: (counters[COUNTER.malformed] as number) + this.#malformed,
      controlReceived: this.#controlReceived,
      controlSent: this.#controlSent,
      overruns: counters[COUNTER.overruns] as number,
    };
  }

  #onReport(report: Report): void {
    switch (report.type) {
      case "control-readable":
        this.#readControl();
        break;
      case "strays":
        this.#readStrays();
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
      case "stray-data":
        this.notices.push({ ...report, from: this.#address(report.from) });
        break;
      case "peer-moved":
        this.notices.push({
          type: "peer-moved",
          tunnelId: report.tunnelId,
          peer: this.#address(report.from),
        });
        break;
      case "overrun":
        this.notices.push({
          type: "overrun",
          count: report.count,
          where: `data of the wire on ${this.name}`,
        });
        break;
      case "send-failed":
        this.notices.push({
          type: "send-failed",
          tunnelId: report.tunnelId,
          code: errnoName(report.errno),
          count: report.count,
        });
        break;
      case "send-refused":
        this.#refused(this.#address(report.to), errnoName(report.errno), report.count);
        break;
      case "gso-refused":
        this.#gsoRefusal =
          `datagrams of ${report.octets} octets of tunnel ${report.tunnelId} were refused in a batch ` +
          `(${errnoName(report.errno)}) and go one by one`;
        break;
      default:
        break;
    }
  }

  /** The network answered a message with an error: to which tunnel it belongs, its destination tells. */
  #refused(to: SocketAddress, code: string, count: number): void {
    for (const tunnel of this.#tunnels.values()) {
      // Both as the kernel writes it: a person may write an IPv6 address in many ways.
      const peer = this.#address(tunnel.address);
      if (peer.address !== to.address || peer.port !== to.port) continue;
      this.notices.push({ type: "send-failed", tunnelId: tunnel.tunnelId, code, count });
      return;
    }
  }

  #readControl(): void {
    if (this.#closing !== undefined) return;
    this.#control.receiveErrors((to, errno) => {
      const now = performance.now();
      this.#controlErrors++;
      if (now - this.#controlErrorsAt < NOTICE_INTERVAL_MS) return;
      this.#refused(this.#address(to), errnoName(errno), this.#controlErrors);
      this.#controlErrors = 0;
      this.#controlErrorsAt = now;
    });
    const more = this.#control.receive(
      (message) => {
        if (this.#closing !== undefined) return;
        this.#controlReceived++;
        this.#onControl(message);
      },
      () => {
        this.#malformed++;
      },
    );
    if (this.#closing !== undefined) return;
    if (more) setImmediate(() => this.#readControl());
    else this.receiver.arm(this.sockets.control, CONTROL_SOCKET);
  }

  #readStrays(): void {
    for (let stray = this.#ring.shift(); stray !== undefined; stray = this.#ring.shift()) {
      if (this.#closing !== undefined) return;
      const known = this.sockets.wildcard && stray.local.some((octet) => octet !== 0);
      const to = known
        ? formatIp(stray.local.subarray(0, this.local.family === 4 ? 4 : 16))
        : this.local.address;
      this.#controlReceived++;
      this.#onControl({ from: this.#address(stray.from), to, datagram: stray.datagram });
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

  #address(octets: Uint8Array): SocketAddress {
    const { address, port } = decodeSocketAddress(octets) as SocketAddress;
    return { family: this.local.family, address, port: this.encapsulation === "udp" ? port : 0 };
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
    await Promise.all([...this.#tunnels.values()].map((tunnel) => tunnel[Symbol.asyncDispose]()));
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

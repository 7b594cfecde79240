/** One UDP socket, the tunnels on it, and what arrives. */
import { randomInt } from "node:crypto";
import type { RemoteInfo, Socket } from "node:dgram";
import {
  type ControlHandler,
  type ControlMessageOut,
  checkTunnel,
  emptyStatistics,
  largestId,
  NoticeQueue,
  PlaneError,
  type Reservation,
  type SessionStatistics,
  type StatisticsTable,
  type TunnelPlaneParameters,
  type Wire,
  type WireCounters,
} from "@l2tp/dataplane";
import { FLAG, HeaderCursor, type L2tpVersion, type SocketAddress } from "@l2tp/protocol";
import { CAPABILITIES } from "./capabilities.ts";
import type { NullSession } from "./session.ts";
import { assertLocal, bindUdp } from "./socket.ts";
import { NullTunnel, type TunnelOwner } from "./tunnel.ts";

/** What a wire shares with the others of its data plane. */
export interface WireOwner {
  readonly tunnelIds: Set<number>;
  remove(wire: NullWire): void;
}

/** At most one notice about stray data, or about failing to send, in this time. */
const NOTICE_INTERVAL_MS = 1_000;
/** The largest UDP payload over IPv4. */
const LARGEST_DATAGRAM = 65_507;

/** A wire of a `NullDataPlane`. */
export class NullWire implements Wire, TunnelOwner {
  readonly local: SocketAddress;
  readonly encapsulation = "udp";
  readonly notices = new NoticeQueue();
  /** Sessions of all v3 tunnels: their data header names no tunnel. */
  readonly v3Sessions = new Map<number, NullSession>();
  readonly #tunnels = new Map<number, NullTunnel>();
  readonly #owner: WireOwner;
  readonly #socket: Socket;
  readonly #onControl: ControlHandler;
  readonly #reserved = new Set<number>();
  readonly #counters = { strayData: 0, malformed: 0, controlReceived: 0, controlSent: 0, overruns: 0 };
  readonly #cursor = new HeaderCursor();
  readonly #stray = { count: 0, noticedAt: Number.NEGATIVE_INFINITY };
  readonly #unsent = { count: 0, noticedAt: Number.NEGATIVE_INFINITY };
  #gone: string | undefined;
  #closing: Promise<void> | undefined;

  /** @throws PlaneError when the address cannot be bound */
  static async open(local: SocketAddress, onControl: ControlHandler, owner: WireOwner): Promise<NullWire> {
    return new NullWire(await bindUdp(local), local.family, onControl, owner);
  }

  private constructor(socket: Socket, family: 4 | 6, onControl: ControlHandler, owner: WireOwner) {
    const { address, port } = socket.address();
    this.local = { family, address, port };
    this.#socket = socket;
    this.#onControl = onControl;
    this.#owner = owner;
    // A plain array: what a Buffer calls slice is no copy.
    socket.on("message", ({ buffer, byteOffset, length }, from) => {
      this.#receive(new Uint8Array(buffer, byteOffset, length), from);
    });
    socket.on("error", (error) => this.#lost(error.message));
  }

  send({ tunnel, to, datagram }: ControlMessageOut): void {
    if (this.#gone !== undefined) return;
    const { family, address, port } = to;
    const possible = family === this.local.family && port > 0 && port < 65_536;
    if (!possible || datagram.length > LARGEST_DATAGRAM) {
      this.#notSent(tunnel?.tunnelId ?? 0, possible ? "EMSGSIZE" : "EINVAL");
      return;
    }
    this.#counters.controlSent += 1;
    // Copied: the socket may keep it until it can be written.
    this.#socket.send(Buffer.from(datagram), port, address, (error) => {
      if (error) this.#notSent(tunnel?.tunnelId ?? 0, (error as NodeJS.ErrnoException).code ?? error.message);
    });
  }

  async reserveTunnelId(version: L2tpVersion): Promise<Reservation> {
    this.#assertUp("reserveTunnelId");
    const tunnelId = this.#freeTunnelId(version);
    this.#owner.tunnelIds.add(tunnelId);
    this.#reserved.add(tunnelId);
    return {
      tunnelId,
      [Symbol.asyncDispose]: async () => {
        if (this.#reserved.delete(tunnelId)) this.#owner.tunnelIds.delete(tunnelId);
      },
    };
  }

  async createTunnel(parameters: TunnelPlaneParameters): Promise<NullTunnel> {
    this.#assertUp("createTunnel");
    const { encapsulation, local } = this;
    checkTunnel(parameters, { encapsulation, family: local.family }, CAPABILITIES);
    const { tunnelId } = parameters;
    if (this.#owner.tunnelIds.has(tunnelId) && !this.#reserved.has(tunnelId)) {
      throw new PlaneError("id-in-use", `tunnel ID ${tunnelId} is in use here; take another`);
    }
    if (parameters.local !== undefined) assertLocal(parameters.local, `tunnel ${tunnelId}`);
    this.#reserved.delete(tunnelId);
    this.#owner.tunnelIds.add(tunnelId);
    const tunnel = new NullTunnel(this, parameters);
    this.#tunnels.set(tunnelId, tunnel);
    return tunnel;
  }

  async statistics(into: StatisticsTable): Promise<void> {
    this.#assertUp("statistics");
    const row: SessionStatistics = { tunnelId: 0, sessionId: 0, ...emptyStatistics() };
    for (const tunnel of this.#tunnels.values()) {
      for (const session of tunnel.sessions.values()) {
        row.tunnelId = tunnel.tunnelId;
        row.sessionId = session.sessionId;
        into.row(Object.assign(row, session.counters));
      }
    }
  }

  async counters(): Promise<WireCounters> {
    this.#assertUp("counters");
    return { ...this.#counters };
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#end("its wire was closed");
    return this.#closing;
  }

  // What the tunnels need (TunnelOwner).

  forget(tunnel: NullTunnel): void {
    this.#tunnels.delete(tunnel.tunnelId);
    this.#owner.tunnelIds.delete(tunnel.tunnelId);
  }

  // What arrives.

  #receive(datagram: Uint8Array, { address, port }: RemoteInfo): void {
    if (this.#gone !== undefined) return;
    const from: SocketAddress = { family: this.local.family, address, port };
    if (datagram.length >= 2 && ((datagram[0] as number) & (FLAG.T >> 8)) !== 0) {
      this.#counters.controlReceived += 1;
      this.#onControl({ from, to: this.local.address, datagram });
    } else if (this.#cursor.read(datagram, 0, datagram.length, false)) {
      this.#data(datagram, from);
    } else {
      this.#counters.malformed += 1;
    }
  }

  #data(datagram: Uint8Array, from: SocketAddress): void {
    const { flags, tunnelId, sessionId, bodyStart } = this.#cursor;
    const tunnel = (flags & FLAG.version) === 2 ? this.#tunnels.get(tunnelId) : undefined;
    const session =
      (flags & FLAG.version) === 3
        ? this.v3Sessions.get(sessionId)
        : tunnel?.version === 2
          ? tunnel.sessions.get(sessionId)
          : undefined;
    if (session?.isPeer(from)) {
      session.drop(datagram, bodyStart);
      return;
    }
    this.#counters.strayData += 1;
    const count = limited(this.#stray);
    if (count > 0) this.notices.push({ type: "stray-data", from, sessionId, count });
  }

  #notSent(tunnelId: number, code: string): void {
    if (this.#gone !== undefined) return;
    const count = limited(this.#unsent);
    if (count > 0) this.notices.push({ type: "send-failed", tunnelId, code, count });
  }

  #lost(reason: string): void {
    if (this.#gone !== undefined) return;
    this.notices.push({ type: "wire-lost", reason });
    this.#closing ??= this.#end(reason);
  }

  #end(reason: string): Promise<void> {
    this.#gone = reason;
    for (const tunnel of [...this.#tunnels.values()]) tunnel.end(reason);
    for (const tunnelId of this.#reserved) this.#owner.tunnelIds.delete(tunnelId);
    this.notices.end();
    return new Promise((resolve) => {
      this.#socket.close(() => {
        this.#owner.remove(this);
        resolve();
      });
    });
  }

  #freeTunnelId(version: L2tpVersion): number {
    for (let tries = 0; tries < 1_000; tries++) {
      const id = randomInt(1, Math.min(largestId(version) + 1, 2 ** 32));
      if (!this.#owner.tunnelIds.has(id)) return id;
    }
    throw new PlaneError("limit", "no free tunnel ID was found in a thousand tries");
  }

  #assertUp(call: string): void {
    if (this.#gone !== undefined) {
      const { address, port } = this.local;
      throw new PlaneError("closed", `wire ${address}:${port}: ${call} after its end (${this.#gone})`);
    }
  }
}

/** Counts one; how many to tell of now, 0 while a notice went out a moment ago. */
function limited(state: { count: number; noticedAt: number }): number {
  state.count += 1;
  const now = performance.now();
  if (now - state.noticedAt < NOTICE_INTERVAL_MS) return 0;
  state.noticedAt = now;
  const { count } = state;
  state.count = 0;
  return count;
}

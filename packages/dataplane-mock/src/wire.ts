/** A wire of the mock: one bound address, the tunnels on it, and what arrives. */
import {
  type ControlHandler,
  type ControlMessageOut,
  checkTunnel,
  type DataPlaneCapabilities,
  emptyStatistics,
  largestId,
  NoticeQueue,
  PlaneError,
  type PlaneNotice,
  type Reservation,
  type SessionStatistics,
  type StatisticsTable,
  type TunnelPlaneParameters,
  type Wire,
  type WireCounters,
} from "@l2tp/dataplane";
import type { Encapsulation, IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { canonical, isWildcard, socketAddress } from "./address.ts";
import type { CallLog } from "./calls.ts";
import { type DataArrival, sort } from "./data-message.ts";
import type { MockHost, MockSocket } from "./host.ts";
import type { MockSession } from "./session.ts";
import { MockTunnel, type TunnelOwner } from "./tunnel.ts";

/** What a wire needs of its data plane. */
export interface WireOwner {
  readonly capabilities: DataPlaneCapabilities;
  readonly log: CallLog;
  remove(wire: MockWire): void;
}

/** At most one notice about stray data, or about failing to send, in this time. */
const NOTICE_INTERVAL_MS = 1_000;
/** What a control message is overwritten with after the handler returned: who kept it finds this. */
const POISON = 0xdd;

/** A wire on a {@link MockHost}. */
export class MockWire implements Wire, TunnelOwner {
  readonly host: MockHost;
  readonly encapsulation: Encapsulation;
  readonly local: SocketAddress;
  readonly notices: NoticeQueue;
  readonly tunnels = new Map<number, MockTunnel>();
  readonly v3Sessions = new Map<number, { readonly tunnel: MockTunnel; readonly session: MockSession }>();
  readonly #owner: WireOwner;
  readonly #onControl: ControlHandler;
  readonly #socket: MockSocket;
  readonly #reserved = new Set<number>();
  readonly #counters = { strayData: 0, malformed: 0, controlReceived: 0, controlSent: 0, overruns: 0 };
  readonly #stray = { count: 0, noticedAt: Number.NEGATIVE_INFINITY };
  readonly #unsent = { count: 0, noticedAt: Number.NEGATIVE_INFINITY };
  /** Where a moved peer was last seen, by tunnel: one notice per place. */
  readonly #moved = new Map<number, string>();
  #gone: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    owner: WireOwner,
    host: MockHost,
    encapsulation: Encapsulation,
    local: SocketAddress,
    onControl: ControlHandler,
  ) {
    this.#owner = owner;
    this.host = host;
    this.encapsulation = encapsulation;
    this.#onControl = onControl;
    this.notices = new NoticeQueue();
    this.#socket = host.bind(encapsulation, local, (from, to, datagram) => this.#receive(from, to, datagram));
    this.local = this.#socket.local;
  }

  get capabilities(): DataPlaneCapabilities {
    return this.#owner.capabilities;
  }

  get log(): CallLog {
    return this.#owner.log;
  }

  get up(): boolean {
    return this.#gone === undefined;
  }

  send(message: ControlMessageOut): void {
    if (!this.up) return;
    this.log.runNow("send", this.#what, message, () => {
      const tunnel = message.tunnel as MockTunnel | undefined;
      const from = message.from ?? tunnel?.parameters?.local ?? this.#source(message.to.address);
      if (from === undefined || !this.host.addresses.has(canonical(from))) {
        return this.#notSent(tunnel?.tunnelId ?? 0, "EADDRNOTAVAIL");
      }
      this.#counters.controlSent += 1;
      this.host.send({
        encapsulation: this.encapsulation,
        from: socketAddress(from, this.local.port),
        to: message.to,
        // Over IP the session ID 0 in front tells control from data (RFC 3931 §4.1.1.2).
        datagram:
          this.encapsulation === "ip" ? Uint8Array.of(0, 0, 0, 0, ...message.datagram) : message.datagram,
      });
    });
  }

  reserveTunnelId(version: L2tpVersion): Promise<Reservation> {
    return this.log.run("reserveTunnelId", this.#what, { version }, () => {
      this.#assertUp("reserveTunnelId");
      if (!this.capabilities.versions.includes(version)) {
        throw new PlaneError("unsupported", `${this.#what}: L2TPv${version} is not to be had here`);
      }
      const tunnelId = this.#freeTunnelId(version);
      this.host.tunnelIds.add(tunnelId);
      this.#reserved.add(tunnelId);
      const release = () => {
        if (this.#reserved.delete(tunnelId)) this.host.tunnelIds.delete(tunnelId);
      };
      return {
        tunnelId,
        [Symbol.asyncDispose]: () =>
          this.log.run("releaseTunnelId", this.#what, { tunnelId }, release, { evenIfFailed: true }),
      };
    });
  }

  createTunnel(parameters: TunnelPlaneParameters): Promise<MockTunnel> {
    return this.log.run("createTunnel", this.#what, parameters, () => {
      this.#assertUp("createTunnel");
      checkTunnel(
        parameters,
        { encapsulation: this.encapsulation, family: this.local.family },
        this.capabilities,
      );
      const { tunnelId, local } = parameters;
      if (this.host.tunnelIds.has(tunnelId) && !this.#reserved.has(tunnelId)) {
        throw new PlaneError("id-in-use", `tunnel ID ${tunnelId} is in use on host "${this.host.name}"`);
      }
      if (local !== undefined && !this.host.addresses.has(canonical(local))) {
        throw new PlaneError(
          "address-not-local",
          `tunnel ${tunnelId}: host "${this.host.name}" has no ${local}`,
        );
      }
      this.#reserved.delete(tunnelId);
      this.host.tunnelIds.add(tunnelId);
      const tunnel = new MockTunnel(this, parameters);
      this.tunnels.set(tunnelId, tunnel);
      return tunnel;
    });
  }

  statistics(into: StatisticsTable): Promise<void> {
    return this.log.run("statistics", this.#what, undefined, () => {
      this.#assertUp("statistics");
      const row: SessionStatistics = { tunnelId: 0, sessionId: 0, ...emptyStatistics() };
      for (const tunnel of this.tunnels.values()) {
        for (const session of tunnel.sessions.values()) {
          row.tunnelId = tunnel.tunnelId;
          row.sessionId = session.sessionId;
          session.addTo(row);
          into.row(row);
        }
      }
    });
  }

  counters(): Promise<WireCounters> {
    return this.log.run("counters", this.#what, undefined, () => {
      this.#assertUp("counters");
      return { ...this.#counters };
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.log.run(
      "closeWire",
      this.#what,
      undefined,
      () => this.end("its wire was closed"),
      {
        evenIfFailed: true,
      },
    );
    return this.#closing;
  }

  // What tests do to a wire.

  /** The wire fails, as when its interface is taken away: everything on it is gone, with a notice. */
  break(reason: string): void {
    this.notices.push({ type: "wire-lost", reason });
    this.end(reason);
  }

  /** A tunnel is gone though nobody here closed it (somebody ran `ip l2tp del tunnel`). */
  loseTunnel(tunnelId: number, reason: string): void {
    const tunnel = this.tunnels.get(tunnelId);
    if (tunnel === undefined) throw new Error(`${this.#what} has no tunnel ${tunnelId}`);
    tunnel.end(reason);
    this.notices.push({ type: "tunnel-lost", tunnelId, reason });
  }

  /** A session is gone: its interface was deleted, say. */
  loseSession(tunnelId: number, sessionId: number, reason: string): void {
    const session = this.tunnels.get(tunnelId)?.sessions.get(sessionId);
    if (session === undefined) throw new Error(`tunnel ${tunnelId} has no session ${sessionId}`);
    session.end(reason);
    this.notices.push({ type: "session-lost", tunnelId, sessionId, reason });
  }

  /** So many datagrams were lost before anybody saw them. */
  overrun(count: number, where = "socket"): void {
    this.#counters.overruns += count;
    this.notices.push({ type: "overrun", count, where });
  }

  /** Any notice. */
  notice(notice: PlaneNotice): void {
    this.notices.push(notice);
  }

  /** @internal Takes it and all on it down without a call. */
  end(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    for (const tunnel of [...this.tunnels.values()]) tunnel.end(reason);
    for (const tunnelId of this.#reserved) this.host.tunnelIds.delete(tunnelId);
    this.#reserved.clear();
    this.#socket.close();
    this.notices.end();
    this.#owner.remove(this);
  }

  // What the tunnels need (TunnelOwner).

  transmitData(
    tunnel: MockTunnel,
    datagram: Uint8Array,
    dontFragment: boolean,
  ): "sent" | "too-big" | "no-route" {
    const from = tunnel.parameters.local ?? this.#source(tunnel.peer.address);
    if (from === undefined) {
      this.#notSent(tunnel.tunnelId, "ENETUNREACH");
      return "no-route";
    }
    return this.host.send({
      encapsulation: this.encapsulation,
      from: socketAddress(from, this.local.port),
      to: tunnel.peer,
      datagram,
      dontFragment,
    });
  }

  remove(tunnel: MockTunnel): void {
    this.tunnels.delete(tunnel.tunnelId);
    this.host.tunnelIds.delete(tunnel.tunnelId);
    this.#moved.delete(tunnel.tunnelId);
  }

  #source(to: IpAddress): IpAddress | undefined {
    return isWildcard(this.local.address) ? this.host.sourceFor(to) : this.local.address;
  }

  #receive(from: SocketAddress, to: IpAddress, datagram: Uint8Array): void {
    const arrival = sort(this.encapsulation, datagram);
    switch (arrival.kind) {
      case "control": {
        this.#counters.controlReceived += 1;
        const lent = arrival.message.slice();
        this.#onControl({ from, to, datagram: lent });
        lent.fill(POISON);
        return;
      }
      case "data":
        this.#receiveData(arrival, from, datagram);
        return;
      case "malformed":
        this.#counters.malformed += 1;
    }
  }

  #receiveData(arrival: DataArrival, from: SocketAddress, datagram: Uint8Array): void {
    const { tunnel, session } = this.#find(arrival);
    if (tunnel === undefined || session === undefined) {
      this.#strayData(from, arrival.sessionId);
    } else if (!tunnel.isPeer(from)) {
      if (arrival.version === 2 || session.hasCookie(datagram, arrival.at)) this.#peerMoved(tunnel, from);
      this.#strayData(from, arrival.sessionId);
    } else if (arrival.version === 2) {
      session.receiveV2(datagram, arrival);
    } else {
      session.receiveV3(datagram, arrival.at);
    }
  }

  #find(arrival: DataArrival): { tunnel?: MockTunnel; session?: MockSession } {
    if (arrival.version === 3) return this.v3Sessions.get(arrival.sessionId) ?? {};
    const tunnel = this.tunnels.get(arrival.tunnelId);
    const session = tunnel?.version === 2 ? tunnel.sessions.get(arrival.sessionId) : undefined;
    return tunnel === undefined || session === undefined ? {} : { tunnel, session };
  }

  #strayData(from: SocketAddress, sessionId: number): void {
    this.#counters.strayData += 1;
    const count = this.#limited(this.#stray);
    if (count > 0) this.notices.push({ type: "stray-data", from, sessionId, count });
  }

  #notSent(tunnelId: number, code: string): void {
    const count = this.#limited(this.#unsent);
    if (count > 0) this.notices.push({ type: "send-failed", tunnelId, code, count });
  }

  #peerMoved(tunnel: MockTunnel, peer: SocketAddress): void {
    const place = `${canonical(peer.address)} ${peer.port}`;
    if (this.#moved.get(tunnel.tunnelId) === place) return;
    this.#moved.set(tunnel.tunnelId, place);
    this.notices.push({ type: "peer-moved", tunnelId: tunnel.tunnelId, peer });
  }

  /** Counts one; how many to tell of now, 0 while a notice went out a moment ago. */
  #limited(state: { count: number; noticedAt: number }): number {
    state.count += 1;
    const now = this.host.network.now();
    if (now - state.noticedAt < NOTICE_INTERVAL_MS) return 0;
    state.noticedAt = now;
    const { count } = state;
    state.count = 0;
    return count;
  }

  #freeTunnelId(version: L2tpVersion): number {
    // Half the space taken is far beyond any test; the loop still ends.
    for (let tries = 0; tries < 1_000; tries++) {
      const id = 1 + Math.floor(this.host.network.random() * largestId(version));
      if (!this.host.tunnelIds.has(id)) return id;
    }
    throw new PlaneError("limit", `host "${this.host.name}": no free tunnel ID found`);
  }

  #assertUp(call: string): void {
    if (this.#gone !== undefined) {
      throw new PlaneError("closed", `${this.#what}: ${call} after its end (${this.#gone})`);
    }
  }

  get #what(): string {
    return `wire ${this.local.address}:${this.local.port}`;
  }
}

/** A tunnel of the mock: its sessions, and the way to its peer. */
import {
  checkSession,
  type DataPlaneCapabilities,
  interfaceMtu,
  type NoticeQueue,
  PlaneError,
  type SessionPlaneParameters,
  type TunnelPlane,
  type TunnelPlaneParameters,
} from "@l2tp/dataplane";
import type { Encapsulation, Instant, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { canonical } from "./address.ts";
import type { CallLog } from "./calls.ts";
import type { MockHost } from "./host.ts";
import { MockSession, type SessionOwner } from "./session.ts";

/** What a tunnel needs of its wire. */
export interface TunnelOwner {
  readonly host: MockHost;
  readonly encapsulation: Encapsulation;
  readonly capabilities: DataPlaneCapabilities;
  readonly log: CallLog;
  readonly notices: NoticeQueue;
  /** Sessions of all v3 tunnels of the wire: the data header names no tunnel. */
  readonly v3Sessions: Map<number, { readonly tunnel: MockTunnel; readonly session: MockSession }>;
  transmitData(
    tunnel: MockTunnel,
    datagram: Uint8Array,
    dontFragment: boolean,
  ): "sent" | "too-big" | "no-route";
  remove(tunnel: MockTunnel): void;
}

/** A tunnel of a {@link MockWire}. */
export class MockTunnel implements TunnelPlane, SessionOwner {
  readonly tunnelId: number;
  readonly parameters: TunnelPlaneParameters;
  readonly sessions = new Map<number, MockSession>();
  readonly #owner: TunnelOwner;
  #peer: SocketAddress;
  #gone: string | undefined;
  #closing: Promise<void> | undefined;

  constructor(owner: TunnelOwner, parameters: TunnelPlaneParameters) {
    this.#owner = owner;
    this.parameters = parameters;
    this.tunnelId = parameters.tunnelId;
    this.#peer = parameters.peer;
  }

  get peer(): SocketAddress {
    return this.#peer;
  }

  get up(): boolean {
    return this.#gone === undefined;
  }

  update(change: { readonly peer?: SocketAddress }): Promise<void> {
    return this.log.run("updateTunnel", this.#what, change, () => {
      this.#assertUp("update");
      if (change.peer === undefined) return;
      if (change.peer.family !== this.#peer.family) {
        throw new PlaneError(
          "invalid-parameters",
          `${this.#what}: the new peer ${change.peer.address} is of another family than the tunnel`,
        );
      }
      this.#peer = change.peer;
    });
  }

  createSession(parameters: SessionPlaneParameters): Promise<MockSession> {
    return this.log.run("createSession", this.#what, parameters, () => {
      this.#assertUp("createSession");
      checkSession(parameters, this.version, this.#owner.capabilities);
      this.#assertFree(parameters.sessionId);
      const name = this.#takeName(parameters);
      const copy = {
        ...parameters,
        cookie: parameters.cookie.slice(),
        peerCookie: parameters.peerCookie.slice(),
      };
      const session = new MockSession(
        this,
        copy,
        name,
        parameters.mtu?.mtuOctets ?? this.#largestMtu(parameters),
      );
      this.sessions.set(session.sessionId, session);
      if (this.version === 3) this.#owner.v3Sessions.set(session.sessionId, { tunnel: this, session });
      if (this.encapsulation === "ip") this.#owner.host.ipSessionIds.add(session.sessionId);
      return session;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.log.run(
      "closeTunnel",
      this.#what,
      undefined,
      () => this.end("its tunnel was closed"),
      {
        evenIfFailed: true,
      },
    );
    return this.#closing;
  }

  /** @internal Takes it and its sessions down without a call. */
  end(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    for (const session of [...this.sessions.values()]) session.end(reason);
    this.#owner.remove(this);
  }

  /** @internal Whether `from` is the peer. */
  isPeer(from: SocketAddress): boolean {
    return canonical(from.address) === canonical(this.#peer.address) && from.port === this.#peer.port;
  }

  // What the sessions need (SessionOwner).

  get version(): L2tpVersion {
    return this.parameters.version;
  }

  get encapsulation(): Encapsulation {
    return this.#owner.encapsulation;
  }

  get peerTunnelId(): number {
    return this.parameters.peerTunnelId;
  }

  get log(): CallLog {
    return this.#owner.log;
  }

  now(): Instant {
    return this.#owner.host.network.now();
  }

  transmit(datagram: Uint8Array, dontFragment: boolean): "sent" | "too-big" | "no-route" {
    return this.#owner.transmitData(this, datagram, dontFragment);
  }

  followed({ sessionId }: MockSession, on: boolean): void {
    this.#owner.notices.push({ type: "sequencing", tunnelId: this.tunnelId, sessionId, on });
  }

  remove(session: MockSession): void {
    this.sessions.delete(session.sessionId);
    const { interfaceName } = session;
    if (interfaceName !== undefined && !isShared(session.parameters)) {
      this.#owner.host.interfaceNames.delete(interfaceName);
    }
    if (this.version === 3) this.#owner.v3Sessions.delete(session.sessionId);
    if (this.encapsulation === "ip") this.#owner.host.ipSessionIds.delete(session.sessionId);
  }

  #assertFree(sessionId: number): void {
    const { host, v3Sessions } = this.#owner;
    const taken =
      this.version === 2
        ? this.sessions.has(sessionId)
        : v3Sessions.has(sessionId) || (this.encapsulation === "ip" && host.ipSessionIds.has(sessionId));
    if (taken) {
      throw new PlaneError("id-in-use", `${this.#what}: session ID ${sessionId} is in use; take another`);
    }
  }

  /** The name that was asked for, `%d` numbered as the kernel does, or `l2tpethN` / `pppN`. */
  #takeName(parameters: SessionPlaneParameters): string | undefined {
    const attach = parameters.pppLink?.attach;
    if (attach?.to === "program") return undefined;
    if (attach?.to === "shared") return attach.name;
    const names = this.#owner.host.interfaceNames;
    const wanted = parameters.interface?.name ?? (parameters.pseudowire === "eth" ? "l2tpeth%d" : "ppp%d");
    let name = wanted;
    if (wanted.includes("%d")) {
      let n = 0;
      do name = wanted.replace("%d", String(n++));
      while (names.has(name));
    } else if (names.has(wanted)) {
      throw new PlaneError(
        "name-in-use",
        `session ${parameters.sessionId}: host "${this.#owner.host.name}" has an interface "${wanted}" already`,
      );
    }
    names.add(name);
    return name;
  }

  /** MTU of the way less all that goes around a frame's payload. */
  #largestMtu({ pseudowire, peerCookie, l2SpecificSublayer }: SessionPlaneParameters): number {
    const { host, encapsulation } = this.#owner;
    return interfaceMtu(host.network.pathMtu(host, this.#peer.address), {
      family: this.#peer.family,
      encapsulation,
      version: this.version,
      pseudowire,
      peerCookieLength: peerCookie.length,
      sublayer: l2SpecificSublayer === "default",
      // Numbers can be turned on while the session is up.
      sequence: true,
    });
  }

  #assertUp(call: string): void {
    if (this.#gone !== undefined) {
      throw new PlaneError("closed", `${this.#what}: ${call} after its end (${this.#gone})`);
    }
  }

  get #what(): string {
    return `tunnel ${this.tunnelId}`;
  }
}

/** Whether its interface is that of other sessions, too. */
const isShared = ({ pppLink }: SessionPlaneParameters): boolean => pppLink?.attach.to === "shared";

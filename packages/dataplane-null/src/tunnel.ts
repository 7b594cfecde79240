/** A tunnel: its peer, and the sessions in it. */
import {
  checkSession,
  interfaceMtu,
  PlaneError,
  type SessionPlaneParameters,
  type TunnelPlane,
  type TunnelPlaneParameters,
  USUAL_PATH_MTU,
} from "@l2tp/dataplane";
import type { L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { CAPABILITIES } from "./capabilities.ts";
import { NullSession, type SessionOwner } from "./session.ts";

/** What a tunnel needs of its wire. */
export interface TunnelOwner {
  readonly v3Sessions: Map<number, NullSession>;
  forget(tunnel: NullTunnel): void;
}

/** A tunnel of a `NullWire`. */
export class NullTunnel implements TunnelPlane, SessionOwner {
  readonly tunnelId: number;
  readonly version: L2tpVersion;
  readonly sessions = new Map<number, NullSession>();
  readonly #owner: TunnelOwner;
  #peer: SocketAddress;
  #gone: string | undefined;

  constructor(owner: TunnelOwner, { tunnelId, version, peer }: TunnelPlaneParameters) {
    this.#owner = owner;
    this.tunnelId = tunnelId;
    this.version = version;
    this.#peer = peer;
  }

  get peer(): SocketAddress {
    return this.#peer;
  }

  async update({ peer }: { readonly peer?: SocketAddress }): Promise<void> {
    this.#assertUp("update");
    if (peer === undefined) return;
    if (peer.family !== this.#peer.family) {
      throw new PlaneError(
        "invalid-parameters",
        `tunnel ${this.tunnelId}: the new peer ${peer.address} is of another family than the tunnel`,
      );
    }
    this.#peer = peer;
  }

  async createSession(parameters: SessionPlaneParameters): Promise<NullSession> {
    this.#assertUp("createSession");
    checkSession(parameters, this.version, CAPABILITIES);
    const { sessionId } = parameters;
    if (parameters.pppLink !== undefined) {
      throw new PlaneError(
        "unsupported",
        `session ${sessionId}: the null data plane carries no PPP; run it on another (--data-plane)`,
      );
    }
    const taken = this.version === 2 ? this.sessions : this.#owner.v3Sessions;
    if (taken.has(sessionId)) {
      throw new PlaneError(
        "id-in-use",
        `tunnel ${this.tunnelId}: session ID ${sessionId} is in use; take another`,
      );
    }
    const session = new NullSession(
      this,
      parameters,
      parameters.mtu?.mtuOctets ?? this.#usualMtu(parameters),
    );
    this.sessions.set(sessionId, session);
    if (this.version === 3) this.#owner.v3Sessions.set(sessionId, session);
    return session;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.end("its tunnel was closed");
  }

  /** Takes it and its sessions down. */
  end(reason: string): void {
    if (this.#gone !== undefined) return;
    this.#gone = reason;
    for (const session of [...this.sessions.values()]) session.end(reason);
    this.#owner.forget(this);
  }

  forget(session: NullSession): void {
    this.sessions.delete(session.sessionId);
    if (this.version === 3) this.#owner.v3Sessions.delete(session.sessionId);
  }

  #usualMtu({ pseudowire, peerCookie, l2SpecificSublayer }: SessionPlaneParameters): number {
    return interfaceMtu(USUAL_PATH_MTU, {
      family: this.#peer.family,
      encapsulation: "udp",
      version: this.version,
      pseudowire,
      peerCookieLength: peerCookie.length,
      sublayer: l2SpecificSublayer === "default",
      sequence: true,
    });
  }

  #assertUp(call: string): void {
    if (this.#gone !== undefined) {
      throw new PlaneError("closed", `tunnel ${this.tunnelId}: ${call} after its end (${this.#gone})`);
    }
  }
}

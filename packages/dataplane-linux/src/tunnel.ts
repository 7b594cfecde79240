/** A tunnel as the control plane sees it: a tunnel in the kernel, which it may share with another, and its sessions. */
import {
  checkSession,
  interfaceMtu,
  PlaneError,
  type SessionPlane,
  type SessionPlaneParameters,
  type TunnelPlane,
  type TunnelPlaneParameters,
  USUAL_PATH_MTU,
} from "@l2tp/dataplane";
import type { IpAddress, SocketAddress } from "@l2tp/protocol";
import { inSlices } from "./dump.ts";
import { kernelError } from "./failure.ts";
import type { KernelTunnel } from "./kernel-tunnel.ts";
import { type Path, pathTo } from "./path.ts";
import { LinuxSession, type SessionOwner } from "./session.ts";
import type { SessionHost } from "./session-kind.ts";
import type { TunnelHost } from "./tunnel-host.ts";

/** The path of a tunnel's packets is looked up once for sessions that are made together. */
const PATH_VALID_MS = 2_000;

export class LinuxTunnel implements TunnelPlane, SessionOwner {
  readonly tunnelId: number;
  readonly carrier: KernelTunnel;
  readonly #wire: TunnelHost;
  readonly #parameters: TunnelPlaneParameters;
  readonly #sessions = new Map<number, LinuxSession | undefined>();
  readonly #making = new Set<Promise<unknown>>();
  #path: { readonly at: number; readonly found: Promise<Path | undefined> } | undefined;
  #closing: Promise<void> | undefined;
  #lost: string | undefined;

  constructor(wire: TunnelHost, parameters: TunnelPlaneParameters, carrier: KernelTunnel) {
    this.#wire = wire;
    this.#parameters = parameters;
    this.tunnelId = parameters.tunnelId;
    this.carrier = carrier;
  }

  get peer(): SocketAddress {
    return this.carrier.peer;
  }

  get local(): IpAddress {
    return this.carrier.local.address;
  }

  /** Sessions that carry packets. */
  *sessions(): Generator<LinuxSession> {
    for (const session of this.#sessions.values()) if (session !== undefined) yield session;
  }

  session(sessionId: number): LinuxSession | undefined {
    return this.#sessions.get(sessionId);
  }

  requireOpen(): void {
    this.#wire.requireOpen();
    if (this.#lost !== undefined) {
      throw new PlaneError("closed", `tunnel ${this.tunnelId} was lost: ${this.#lost}`);
    }
    if (this.#closing !== undefined) throw new PlaneError("closed", `tunnel ${this.tunnelId} is closed`);
  }

  async update(change: { readonly peer?: SocketAddress }): Promise<void> {
    this.requireOpen();
    if (change.peer === undefined) return;
    this.#wire.movePeer(this, change.peer);
    this.#path = undefined;
  }

  createSession(parameters: SessionPlaneParameters): Promise<SessionPlane> {
    const making = this.#wire.pacer.run(() => this.#createSession(parameters));
    this.#making.add(making);
    const done = () => this.#making.delete(making);
    making.then(done, done);
    return making;
  }

  async #createSession(parameters: SessionPlaneParameters): Promise<SessionPlane> {
    this.requireOpen();
    const { sessionId, mtu, pseudowire } = parameters;
    const what = `tunnel ${this.tunnelId}, session ${sessionId}`;
    const why = this.#wire.missing.get(pseudowire);
    if (why !== undefined)
      throw new PlaneError("module-missing", `${what}: pseudowire "${pseudowire}": ${why}`);
    checkSession(parameters, this.#parameters.version, this.#wire.capabilities);
    if (mtu?.clampMss !== undefined && mtu.clampMss !== false) {
      throw new PlaneError(
        "unsupported",
        `${what}: the kernel's L2TP does not rewrite the MSS of TCP; leave clampMss out and let nftables do it ("tcp ` +
          'flags syn tcp option maxseg size set rt mtu"), or take the userspace data plane',
      );
    }
    this.#claim(sessionId, what);
    try {
      return await this.#make(parameters, what);
    } catch (error) {
      if (this.session(sessionId) === undefined) this.#release(sessionId);
      // What goes wrong while the tunnel is being deleted goes wrong because of it.
      this.requireOpen();
      throw error;
    }
  }

  async #make(parameters: SessionPlaneParameters, what: string): Promise<LinuxSession> {
    const kind = this.#wire.kinds[parameters.pseudowire];
    if (kind === undefined)
      throw new PlaneError("unsupported", `${what}: pseudowire ${parameters.pseudowire}`);
    let session: LinuxSession | undefined;
    const host: SessionHost = {
      kernel: this.#wire.kernel,
      carrier: this.carrier,
      version: this.#parameters.version,
      descriptors: this.#wire.descriptors,
      what,
      mtuOctets: parameters.mtu?.mtuOctets ?? (await this.#mtuFor(parameters)),
      lost: (reason) => session?.lost(reason),
      addressesChanged: (interfaceName, addresses) => {
        const { tunnelId } = this;
        const { sessionId } = parameters;
        this.#wire.notices.push({ type: "session-addresses", tunnelId, sessionId, interfaceName, addresses });
      },
      missing: (feature, why) => this.#wire.notices.push({ type: "feature-missing", feature, why }),
      refuseLoop: (index, name) => this.#refuseLoop(index, name, what),
    };
    this.requireOpen();
    let inKernel: Awaited<ReturnType<typeof kind.create>>;
    try {
      inKernel = await kind.create(host, parameters);
    } catch (error) {
      throw kernelError(error, what);
    }
    session = new LinuxSession(this, host, parameters, inKernel, this.#wire.pacer);
    this.#sessions.set(parameters.sessionId, session);
    // Closed meanwhile: whoever closes waits for us, and takes the session along.
    this.requireOpen();
    return session;
  }

  #claim(sessionId: number, what: string): void {
    if (this.#sessions.has(sessionId)) {
      throw new PlaneError("id-in-use", `${what}: the tunnel has a session of this ID already`);
    }
    if (this.#parameters.version === 3) this.#wire.claimSession(sessionId, what);
    this.#sessions.set(sessionId, undefined);
  }

  #release(sessionId: number): void {
    if (this.#sessions.delete(sessionId) && this.#parameters.version === 3) {
      this.#wire.releaseSession(sessionId);
    }
  }

  #pathToPeer(): Promise<Path | undefined> {
    const now = performance.now();
    if (this.#path === undefined || now - this.#path.at > PATH_VALID_MS) {
      const found = pathTo(this.#wire.kernel.route, this.peer.address, this.local);
      this.#path = { at: now, found };
    }
    return this.#path.found;
  }

  async #mtuFor(p: SessionPlaneParameters): Promise<number> {
    const path = await this.#pathToPeer();
    return interfaceMtu(path?.mtuOctets ?? USUAL_PATH_MTU, {
      family: this.peer.family,
      encapsulation: this.carrier.encapsulation,
      peerCookieLength: p.peerCookie.length,
      sublayer: p.l2SpecificSublayer === "default",
      version: this.#parameters.version,
      pseudowire: p.pseudowire,
      sequence: p.sendSequence,
    });
  }

  async #refuseLoop(index: number, name: string, what: string): Promise<void> {
    const path = await pathTo(this.#wire.kernel.route, this.peer.address, this.local);
    if (path?.interfaceIndex !== index) return;
    throw new PlaneError(
      "route-through-itself",
      `${what}: with the addresses of ${name}, the route to the peer ${this.peer.address} would lead through ${name} ` +
        "itself: each packet would be wrapped again and again. Give it addresses of another network, or a route to " +
        "the peer that is more specific",
    );
  }

  gone(session: LinuxSession): void {
    // When the tunnel closes, its sessions are gone when it is.
    if (this.#closing === undefined) this.#release(session.sessionId);
  }

  lost(session: LinuxSession, reason: string): void {
    const { tunnelId } = this;
    this.#wire.notices.push({ type: "session-lost", tunnelId, sessionId: session.sessionId, reason });
  }

  numbersBehind({ sessionId }: LinuxSession, count: number): void {
    this.#wire.notices.push({ type: "numbers-behind", tunnelId: this.tunnelId, sessionId, count });
  }

  followed(session: LinuxSession, on: boolean): void {
    const { tunnelId } = this;
    this.#wire.notices.push({ type: "sequencing", tunnelId, sessionId: session.sessionId, on });
  }

  /** The kernel's tunnel is gone. */
  vanished(reason: string): void {
    if (this.#closing !== undefined || this.#lost !== undefined) return;
    this.#lost = reason;
    void this[Symbol.asyncDispose]();
    this.#wire.notices.push({ type: "tunnel-lost", tunnelId: this.tunnelId, reason });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#wire.pacer.end(() => this.#close());
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled([...this.#making]);
    const last = this.#wire.isLastOn(this);
    const ends: Promise<void>[] = [];
    for await (const slice of inSlices(this.sessions())) {
      for (const session of slice) ends.push(session.close(last));
    }
    await Promise.all(ends);
    await this.#wire.leave(this);
    for (const sessionId of [...this.#sessions.keys()]) this.#release(sessionId);
  }
}

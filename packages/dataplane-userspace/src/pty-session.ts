/** A PPP session that pppd runs, on a pseudo-terminal: where the kernel has PPP, and L2TP is ours. */
import {
  checkSession,
  checkSessionChange,
  type InterfaceAddress,
  PlaneError,
  type PlaneStatistics,
  planeError,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { pppd } from "@l2tp/linux";
import type { L2tpVersion, SocketAddress } from "@l2tp/protocol";
import type { HostedSession, SendSide, TunnelHost } from "./host.ts";
import { addEntries, changeSequencing, removeEntries } from "./ppp-entries.ts";
import { PtyRelay } from "./pty-relay.ts";
import { pathMtu, refuseLoop, type SessionOwner } from "./tunnel-path.ts";
import { ENTRY } from "./worker/frame-ring.ts";

export class PtySession implements SessionPlane, HostedSession {
  readonly version: L2tpVersion;
  readonly sessionId: number;
  readonly row: number;
  readonly generation: number;
  readonly out: SendSide;
  /** Frames that pppd or the sending thread could not take. */
  unsent = 0;
  /** Frames are no session's of ours to bridge: pppd has them. */
  readonly bridged = undefined;
  readonly wire: TunnelHost;
  readonly owner: SessionOwner;
  readonly #onGone: (session: PtySession) => void;
  readonly #relay: PtyRelay;
  #parameters: SessionPlaneParameters;
  #mtuOctets: number;
  #pppd: pppd.PppdSession | undefined;
  #looping = false;
  #closing: Promise<void> | undefined;

  private constructor(
    wire: TunnelHost,
    owner: SessionOwner,
    parameters: SessionPlaneParameters,
    row: number,
    mtuOctets: number,
    onGone: (session: PtySession) => void,
  ) {
    this.version = owner.version;
    this.wire = wire;
    this.owner = owner;
    this.sessionId = parameters.sessionId;
    this.row = row;
    this.generation = wire.generation(row);
    this.out = { wire, row, generation: this.generation };
    this.#parameters = parameters;
    this.#mtuOctets = mtuOctets;
    this.#onGone = onGone;
    this.#relay = new PtyRelay((frame) => {
      if (!wire.pushDown(row, this.generation, ENTRY.raw, frame)) this.unsent++;
    });
  }

  /**
   * Begins to carry frames and starts pppd; resolves when pppd has made its interface. On failure nothing is left.
   *
   * @param onGone - called once, when the session has ended for whatever reason.
   * @throws PlaneError `unsupported`, `invalid-parameters`, `not-available`, `system` with what pppd said last
   */
  static async create(
    wire: TunnelHost,
    owner: SessionOwner,
    parameters: SessionPlaneParameters,
    onGone: (session: PtySession) => void,
  ): Promise<PtySession> {
    checkSession(parameters, owner.version, wire.capabilities);
    const { sessionId, interface: wanted, ppp } = parameters;
    const what = `tunnel ${owner.tunnelId}, session ${sessionId}`;
    const { missing } = wire.pppd;
    if (missing !== undefined) {
      throw new PlaneError(
        "unsupported",
        `${what}: pppd cannot run a session here (${missing}); a PPP session needs "pppLink", or the kernel's data plane`,
      );
    }
    const mtuOctets = parameters.mtu?.mtuOctets ?? (await pathMtu(wire, owner, parameters));
    let plan: pppd.PppdPlan;
    try {
      plan = pppd.planPppd({ mtuOctets, interface: wanted, ...ppp });
    } catch (error) {
      throw planeError(error, what);
    }
    const row = wire.claim(owner.version, sessionId, owner.tunnelId);
    let session: PtySession | undefined;
    try {
      wire.network.watch();
      session = new PtySession(wire, owner, parameters, row, mtuOctets, onGone);
      await session.#begin(plan);
      return session;
    } catch (error) {
      if (session === undefined) wire.release(owner.version, sessionId, owner.tunnelId, row);
      else await session[Symbol.asyncDispose]();
      throw planeError(error, what);
    }
  }

  /** The entries first: pppd speaks at once. */
  async #begin(plan: pppd.PppdPlan): Promise<void> {
    const { wire, owner, tunnelId, sessionId } = this;
    await addEntries(this, this.#parameters, { path: "relay", shared: -1, tap: { write: -1, read: -1 } });
    wire.adopt(this);
    this.#pppd = await pppd.PppdSession.start(
      {
        namespace: wire,
        log: (line) => wire.pppd.log(`${this.#what}: ${line}`),
        lost: (reason) => void this.lost(reason),
        addressesChanged: (interfaceName, addresses) =>
          wire.notice({ type: "session-addresses", tunnelId, sessionId, interfaceName, addresses }),
        refuseLoop: (index, name) => refuseLoop(wire, owner, index, name),
      },
      { by: "pty", terminal: this.#relay.terminal },
      plan,
    );
  }

  get #what(): string {
    return `tunnel ${this.tunnelId}, session ${this.sessionId}`;
  }

  get tunnelId(): number {
    return this.owner.tunnelId;
  }

  get peer(): SocketAddress {
    return this.owner.peer;
  }

  get interfaceName(): string {
    return this.#pppd?.interfaceName ?? "";
  }

  get interfaceIndex(): number {
    return this.#pppd?.interfaceIndex ?? -1;
  }

  get addresses(): readonly InterfaceAddress[] {
    return this.#pppd?.addresses ?? [];
  }

  get mtuOctets(): number {
    return this.#mtuOctets;
  }

  /** A frame for pppd. */
  arrived(_kind: number, frame: Uint8Array): void {
    if (this.#closing === undefined && !this.#relay.write(frame)) this.unsent++;
  }

  #requireOpen(): void {
    this.wire.requireOpen();
    if (this.#closing !== undefined)
      throw new PlaneError("closed", `${this.#what} is closed in the data plane`);
  }

  /** Follows the LNS, unless numbers have come to be required since. */
  numbered(on: boolean): void {
    if (this.#closing !== undefined || this.#parameters.receiveSequence) return;
    // What fails, with the wire or the session gone, is as good as done.
    void this.update({ sendSequence: on }).catch(() => {});
  }

  async update(change: SessionPlaneChange): Promise<void> {
    this.#requireOpen();
    checkSessionChange(change, this.#parameters, this.version);
    const { mtuOctets, ...sequencing } = change;
    this.#parameters = { ...this.#parameters, ...sequencing };
    await changeSequencing(this, this.#parameters, sequencing);
    if (mtuOctets !== undefined) {
      try {
        await this.wire.network.setMtu(this.interfaceIndex, mtuOctets);
      } catch (error) {
        throw planeError(error, `${this.interfaceName}: MTU ${mtuOctets}`, { EINVAL: "invalid-parameters" });
      }
      this.#mtuOctets = mtuOctets;
    }
  }

  async statistics(): Promise<PlaneStatistics> {
    this.#requireOpen();
    return this.wire.rowStatistics(this.row);
  }

  async setLooping(looping: boolean): Promise<void> {
    if (looping === this.#looping || this.#closing !== undefined) return;
    this.#looping = looping;
    const { wire, row, tunnelId } = this;
    await wire.sender.order({ do: "block", row, blocked: looping }).catch(() => {});
    if (looping) wire.notice({ type: "send-failed", tunnelId, code: "route-through-itself", count: 1 });
  }

  async lost(reason: string): Promise<void> {
    if (this.#closing !== undefined) return;
    const { tunnelId, sessionId } = this;
    await this[Symbol.asyncDispose]();
    this.wire.notice({ type: "session-lost", tunnelId, sessionId, reason });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** pppd says goodbye while its frames still leave. */
  async #close(): Promise<void> {
    const { wire, owner, row, sessionId } = this;
    await this.#pppd?.stop();
    await removeEntries(this);
    this.#relay.close();
    wire.release(owner.version, sessionId, owner.tunnelId, row);
    this.#onGone(this);
  }
}

/** What every session of a wire is, whatever it carries: who and where it is, what it counts, and that it ends once. */
import { PlaneError, type PlaneStatistics, type SessionPlaneParameters } from "@l2tp/dataplane";
import type { L2tpVersion, SocketAddress } from "@l2tp/protocol";
import type { Bridged } from "./bridging.ts";
import { type HostedSession, type SendSide, type TunnelHost, tell } from "./host.ts";
import type { SessionOwner } from "./tunnel-path.ts";

/** What a session is made of. */
export interface SessionParts<Session> {
  readonly wire: TunnelHost;
  readonly owner: SessionOwner;
  readonly parameters: SessionPlaneParameters;
  /** Of the wire's statistics. */
  readonly row: number;
  readonly mtuOctets: number;
  /** By whom its messages are sent, if not by its wire. */
  readonly out?: SendSide;
  /** Called once, when it has ended for whatever reason. */
  readonly onGone: (session: Session) => void;
}

/** See the file's head. */
export abstract class BaseSession<Self> implements HostedSession {
  readonly version: L2tpVersion;
  readonly wire: TunnelHost;
  readonly owner: SessionOwner;
  readonly sessionId: number;
  readonly row: number;
  readonly generation: number;
  readonly out: SendSide;
  protected parameters_: SessionPlaneParameters;
  protected mtuOctets_: number;
  readonly #onGone: (session: Self) => void;
  #looping = false;
  #closing: Promise<void> | undefined;

  protected constructor({ wire, owner, parameters, row, mtuOctets, out, onGone }: SessionParts<Self>) {
    this.version = owner.version;
    this.wire = wire;
    this.owner = owner;
    this.sessionId = parameters.sessionId;
    this.row = row;
    this.generation = wire.generation(row);
    this.out = out ?? this;
    this.parameters_ = parameters;
    this.mtuOctets_ = mtuOctets;
    this.#onGone = onGone;
  }

  abstract readonly interfaceIndex: number;
  /** While its frames are handed on to another session. */
  abstract readonly bridged: Bridged | undefined;
  /** Takes it out of the threads and the system; its number is given back afterwards. */
  protected abstract takeDown(): Promise<void>;

  /** For messages. */
  get what(): string {
    return `tunnel ${this.tunnelId}, session ${this.sessionId}`;
  }

  /** It has ended, or is about to. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  get tunnelId(): number {
    return this.owner.tunnelId;
  }

  get peer(): SocketAddress {
    return this.owner.peer;
  }

  get mtuOctets(): number {
    return this.mtuOctets_;
  }

  get parameters(): SessionPlaneParameters {
    return this.parameters_;
  }

  /** @throws PlaneError `closed` */
  protected requireOpen(): void {
    this.wire.requireOpen();
    if (this.closed) throw new PlaneError("closed", `${this.what} is closed in the data plane`);
  }

  async statistics(): Promise<PlaneStatistics> {
    this.requireOpen();
    return this.wire.rowStatistics(this.row);
  }

  async setLooping(looping: boolean): Promise<void> {
    if (looping === this.#looping || this.closed) return;
    this.#looping = looping;
    // Its own thread sends nothing for it then, in any case.
    if (this.bridged !== undefined) return;
    const { wire, row } = this.out;
    await tell(wire.sender, { do: "block", row, blocked: looping });
    if (!looping) return;
    const { tunnelId } = this;
    this.wire.notice({ type: "send-failed", tunnelId, code: "route-through-itself", count: 1 });
  }

  async lost(reason: string): Promise<void> {
    if (this.closed) return;
    const { tunnelId, sessionId } = this;
    await this[Symbol.asyncDispose]();
    this.wire.notice({ type: "session-lost", tunnelId, sessionId, reason });
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.takeDown();
    const { wire, version, sessionId, tunnelId, row } = this;
    wire.release(version, sessionId, tunnelId, row);
    this.#onGone(this as unknown as Self);
  }
}

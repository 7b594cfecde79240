/** A PPP session that pppd runs, on a pseudo-terminal: where the kernel has PPP, and L2TP is ours. */
import {
  checkSession,
  type InterfaceAddress,
  PlaneError,
  planeError,
  type SessionPlane,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { pppd } from "@l2tp/linux";
import type { SessionParts } from "./base-session.ts";
import type { TunnelHost } from "./host.ts";
import { PppBaseSession } from "./ppp-base-session.ts";
import { addEntries, removeEntries } from "./ppp-entries.ts";
import { PtyRelay } from "./pty-relay.ts";
import { pathMtu, refuseLoop, type SessionOwner } from "./tunnel-path.ts";
import { ENTRY } from "./worker/frame-ring.ts";

export class PtySession extends PppBaseSession<PtySession> implements SessionPlane {
  /** Frames that pppd or the sending thread could not take. */
  unsent = 0;
  /** Frames are no session's of ours to bridge: pppd has them. */
  readonly bridged = undefined;
  readonly #relay: PtyRelay;
  #pppd: pppd.PppdSession | undefined;

  private constructor(parts: SessionParts<PtySession>) {
    super(parts);
    const { wire, row } = this;
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
      session = new PtySession({ wire, owner, parameters, row, mtuOctets, onGone });
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
    await addEntries(this, this.parameters, { path: "relay", shared: -1, tap: { write: -1, read: -1 } });
    wire.adopt(this);
    this.#pppd = await pppd.PppdSession.start(
      {
        namespace: wire,
        log: (line) => wire.pppd.log(`${this.what}: ${line}`),
        lost: (reason) => void this.lost(reason),
        addressesChanged: (interfaceName, addresses) =>
          wire.notice({ type: "session-addresses", tunnelId, sessionId, interfaceName, addresses }),
        refuseLoop: (index, name) => refuseLoop(wire, owner, index, name),
      },
      { by: "pty", terminal: this.#relay.terminal },
      plan,
    );
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

  /** A frame for pppd. */
  arrived(_kind: number, frame: Uint8Array): void {
    if (!this.closed && !this.#relay.write(frame)) this.unsent++;
  }

  protected async setMtu(mtuOctets: number): Promise<void> {
    try {
      await this.wire.network.setMtu(this.interfaceIndex, mtuOctets);
    } catch (error) {
      throw planeError(error, `${this.interfaceName}: MTU ${mtuOctets}`, { EINVAL: "invalid-parameters" });
    }
  }

  /** pppd says goodbye while its frames still leave. */
  protected async takeDown(): Promise<void> {
    await this.#pppd?.stop();
    await removeEntries(this);
    this.#relay.close();
  }
}

/** A session, whatever its pseudowire: IDs, sequencing, statistics, and its end. */
import {
  type Bridge,
  checkSessionChange,
  emptyStatistics,
  type InterfaceAddress,
  PlaneError,
  type PlaneStatistics,
  type PppLink,
  type SessionPlane,
  type SessionPlaneChange,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import { isErrno, kernelError } from "./failure.ts";
import { getSession, modifySession } from "./family.ts";
import type { Pacer } from "./pacer.ts";
import { PppLinkSession } from "./ppp/link-session.ts";
import { type Sequencing, sequenceAttributes } from "./sequence.ts";
import type { KernelSession, SessionHost } from "./session-kind.ts";
import type { WatchedSession } from "./watcher.ts";

/** What a session tells its tunnel. */
export interface SessionOwner {
  readonly tunnelId: number;
  /** @throws PlaneError `closed` */
  requireOpen(): void;
  /** It has ended, for whatever reason; called once. */
  gone(session: LinuxSession): void;
  /** It has ended though nobody here closed it. */
  lost(session: LinuxSession, reason: string): void;
  /** It sends numbers now, or does not any more, as its peer. */
  followed(session: LinuxSession, on: boolean): void;
  /** The peer's sequence numbers began again. */
  numbersBehind(session: LinuxSession, count: number): void;
}

export class LinuxSession implements SessionPlane, WatchedSession {
  readonly sessionId: number;
  readonly kernelTunnelId: number;
  readonly parameters: SessionPlaneParameters;
  readonly #owner: SessionOwner;
  readonly #host: SessionHost;
  readonly #inKernel: KernelSession;
  readonly #pacer: Pacer;
  #sequencing: Sequencing;
  #mtuOctets: number;
  #closing: Promise<void> | undefined;

  constructor(
    owner: SessionOwner,
    host: SessionHost,
    parameters: SessionPlaneParameters,
    inKernel: KernelSession,
    pacer: Pacer,
  ) {
    this.#owner = owner;
    this.#pacer = pacer;
    this.#host = host;
    this.#inKernel = inKernel;
    this.parameters = parameters;
    this.sessionId = parameters.sessionId;
    this.kernelTunnelId = host.carrier.tunnelId;
    this.#mtuOctets = host.mtuOctets;
    this.#sequencing = parameters;
    host.kernel.watcher.addSession(this);
  }

  /** The tunnel that it is in; the kernel's may be another (see `kernel-tunnel.ts`). */
  get tunnelId(): number {
    return this.#owner.tunnelId;
  }

  /** For {@link SessionPlane}: absent where there is none. */
  get interfaceName(): string {
    return this.#inKernel.interfaceName as string;
  }

  get interfaceIndex(): number | undefined {
    return this.#inKernel.interfaceIndex;
  }

  /** For {@link SessionPlane}: absent where they are not negotiated. */
  get addresses(): readonly InterfaceAddress[] {
    return this.#inKernel.addresses as readonly InterfaceAddress[];
  }

  get mtuOctets(): number {
    return this.#inKernel.mtuOctets ?? this.#mtuOctets;
  }

  /** For {@link SessionPlane}: absent where PPP is run by pppd, or there is none. */
  get link(): PppLink {
    return this.#inKernel.link as PppLink;
  }

  async bridge(other: SessionPlane): Promise<Bridge> {
    this.#requireOpen();
    const { what } = this.#host;
    const mine = other instanceof LinuxSession;
    if (mine) other.#requireOpen();
    const [ours, theirs] = [this.#inKernel, mine ? other.#inKernel : undefined];
    if (ours instanceof PppLinkSession && theirs instanceof PppLinkSession) return ours.bridge(theirs);
    throw new PlaneError(
      "unsupported",
      `${what}: the kernel joins two PPP sessions of its own that pppd does not run (made with pppLink); ` +
        `${mine ? "one of these is another" : "the other one is not the kernel's"}`,
    );
  }

  #requireOpen(): void {
    this.#owner.requireOpen();
    if (this.#closing !== undefined) throw new PlaneError("closed", `${this.#host.what} is closed`);
  }

  /** What a request meets that comes after the end: the same words as before it. */
  #failure(error: unknown, doing: string): PlaneError {
    if (this.#closing !== undefined || isErrno(error, "ENODEV")) {
      return new PlaneError("closed", `${this.#host.what} is closed`, { cause: error });
    }
    return kernelError(error, `${this.#host.what}: ${doing}`, { EINVAL: "invalid-parameters" });
  }

  async update(change: SessionPlaneChange): Promise<void> {
    this.#requireOpen();
    checkSessionChange(change, this.parameters, this.#host.version);
    const { kernel } = this.#host;
    const { sendSequence, receiveSequence, reorderMs, mtuOctets } = change;
    if (sendSequence !== undefined || receiveSequence !== undefined || reorderMs !== undefined) {
      const next = {
        ...(this.parameters.role !== undefined && { role: this.parameters.role }),
        sendSequence: sendSequence ?? this.#sequencing.sendSequence,
        receiveSequence: receiveSequence ?? this.#sequencing.receiveSequence,
        reorderMs: reorderMs ?? this.#sequencing.reorderMs,
      };
      try {
        await kernel.run(
          modifySession(kernel.family, this.kernelTunnelId, this.sessionId, sequenceAttributes(next)),
        );
      } catch (error) {
        throw this.#failure(error, "sequencing");
      }
      this.#sequencing = next;
    }
    if (mtuOctets !== undefined) {
      try {
        await this.#inKernel.setMtu(mtuOctets);
      } catch (error) {
        throw this.#failure(error, `MTU ${mtuOctets}`);
      }
      this.#mtuOctets = mtuOctets;
    }
  }

  async statistics(): Promise<PlaneStatistics> {
    this.#requireOpen();
    const { kernel } = this.#host;
    try {
      const found = await kernel.run(getSession(kernel.family, this.kernelTunnelId, this.sessionId));
      const { STATS = {}, SEND_SEQ } = found;
      this.#requireOpen();
      this.sawNumbers(SEND_SEQ === 1);
      const number = (value: bigint | number | undefined) => Number(value ?? 0);
      return {
        ...emptyStatistics(),
        txPackets: number(STATS.TX_PACKETS),
        txBytes: number(STATS.TX_BYTES),
        txErrors: number(STATS.TX_ERRORS),
        rxPackets: number(STATS.RX_PACKETS),
        rxBytes: number(STATS.RX_BYTES),
        rxErrors: number(STATS.RX_ERRORS),
        rxSeqDiscards: number(STATS.RX_SEQ_DISCARDS),
        rxOosPackets: number(STATS.RX_OOS_PACKETS),
        rxCookieDiscards: number(STATS.RX_COOKIE_DISCARDS),
        rxInvalid: number(STATS.RX_INVALID),
      };
    } catch (error) {
      throw this.#failure(error, "statistics");
    }
  }

  /** The kernel sends numbers for it, or none: what a LAC's session does its LNS has decided (RFC 2661 §5.4). */
  sawNumbers(on: boolean): void {
    const { role, sendSequence, receiveSequence } = this.#sequencing;
    if (role !== "lac" || receiveSequence || sendSequence === on || this.#closing !== undefined) return;
    this.#sequencing = { ...this.#sequencing, sendSequence: on };
    this.#owner.followed(this, on);
  }

  /** A data message's frame that the kernel did not take for its shortness. @returns whether somebody wants it */
  takeShort(frame: Uint8Array): boolean {
    if (!(this.#inKernel instanceof PppLinkSession) || this.#closing !== undefined) return false;
    this.#inKernel.link.receiveShort(frame);
    return true;
  }

  vanished(reason: string): void {
    this.lost(reason);
  }

  numbersBehind(count: number): void {
    if (this.#closing === undefined) this.#owner.numbersBehind(this, count);
  }

  /** It has ended though nobody here closed it. */
  lost(reason: string): void {
    if (this.#closing !== undefined) return;
    void this.close(false);
    this.#owner.lost(this, reason);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(false);
  }

  /** @param withTunnel - its tunnel is being deleted, and the session with it. */
  close(withTunnel: boolean): Promise<void> {
    this.#closing ??= (async () => {
      this.#host.kernel.watcher.removeSession(this);
      await (withTunnel ? this.#inKernel.remove(true) : this.#pacer.run(() => this.#inKernel.remove(false)));
      this.#owner.gone(this);
    })();
    return this.#closing;
  }
}

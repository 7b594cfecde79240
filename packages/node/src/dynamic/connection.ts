/**
 * One control connection and its part of the data plane: the wire's lease, the tunnel ID that was reserved, the tunnel in
 * the data plane, and the calls on it. It lives from the SCCRQ until the last acknowledgement, which is longer than the
 * tunnel that people see: a dialled one may be dialled again meanwhile.
 */
import type { EndpointEvent, Intent, TunnelDown, TunnelHandle, TunnelUp } from "@l2tp/control";
import type { ControlDatagram, PlaneNotice, Reservation, TunnelPlane, Wire } from "@l2tp/dataplane";
import type { SocketAddress } from "@l2tp/protocol";
import type { Logger } from "../log.ts";
import { type Reason, reason, reasonOf } from "../reason.ts";
import type { WireLease, WireUser } from "../shared-wire.ts";
import type { WirePool } from "../wire-pool.ts";
import type { Call } from "./call.ts";
import type { EndpointDriver } from "./driver.ts";

/** The tunnel that people see. */
export interface ConnectionOwner {
  readonly logger: Logger;
  readonly name: string;
  /** Silence after which a Hello is sent, in milliseconds; 0: never. */
  readonly helloTimeoutMs: number;
  readonly udpChecksum: boolean;
  connectionUp(connection: Connection, event: TunnelUp): void;
  connectionDown(connection: Connection, event: TunnelDown): void;
  peerMoved(connection: Connection, event: Extract<EndpointEvent, { type: "peer-moved" }>): void;
}

type SetUp = Extract<Intent, { intent: "set-up-tunnel" }>;

export class Connection implements WireUser {
  readonly driver: EndpointDriver;
  readonly calls = new Map<number, Call>();
  /** Set when the endpoint knows it. */
  handle: TunnelHandle | undefined;
  /** Of one that was accepted: where its SCCRQ came from. */
  from: SocketAddress | undefined;
  owner: ConnectionOwner | undefined;
  plane: TunnelPlane | undefined;
  /** Why it ends, where the data plane knows more than the endpoint. */
  cause: Reason | undefined;
  readonly gone: Promise<void>;
  readonly #wires: WirePool;
  #lease: WireLease | undefined;
  #reservation: Reservation | undefined;
  #watch: Disposable | undefined;
  #work: Promise<void> = Promise.resolve();
  #tornDown = false;
  #sendFailed: string | undefined;
  #resolveGone: () => void = () => {};

  constructor(driver: EndpointDriver, wires: WirePool) {
    this.driver = driver;
    this.#wires = wires;
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }

  /** The wire that it begins on. */
  use(lease: WireLease): void {
    this.#lease = lease;
  }

  /** Before it is there, none of the others may be called. */
  get lease(): WireLease {
    if (this.#lease === undefined) throw new Error("a connection without a wire");
    return this.#lease;
  }

  get wire(): Wire | undefined {
    return this.#lease?.wire;
  }

  /** Takes an ID that no other program on this host has. @throws PlaneError */
  async reserve(): Promise<number> {
    const reservation = await this.lease.wire.reserveTunnelId(2);
    await this.#release();
    this.#reservation = reservation;
    return reservation.tunnelId;
  }

  get tunnelId(): number {
    return this.#reservation?.tunnelId ?? this.plane?.tunnelId ?? 0;
  }

  /** The endpoint refused it, or was never asked. */
  async abandon(): Promise<void> {
    await this.#release();
    await this.#lease?.release();
    this.#resolveGone();
  }

  async #release(): Promise<void> {
    const reservation = this.#reservation;
    this.#reservation = undefined;
    try {
      await reservation?.[Symbol.asyncDispose]();
    } catch (error) {
      this.owner?.logger.debug({ error }, "a reserved tunnel ID was not given back cleanly");
    }
  }

  // What the endpoint tells.

  up(event: TunnelUp): void {
    const silenceMs = this.owner?.helloTimeoutMs ?? 0;
    if (silenceMs > 0) {
      const { endpoint } = this.driver;
      this.#watch = this.lease.watchData(event.tunnelId, silenceMs, (at) =>
        endpoint.noteDataReceived(event.tunnel, at),
      );
    }
    this.owner?.connectionUp(this, event);
  }

  down(event: TunnelDown): void {
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    this.owner?.connectionDown(this, event);
  }

  setUp(intent: SetUp): void {
    this.#work = this.#work.then(async () => {
      try {
        await this.#make(intent);
      } catch (error) {
        this.cause ??= reasonOf(error);
        const { message } = error as Error;
        this.driver.command((endpoint, now) => endpoint.planeFailed(now, intent.token, message));
        return;
      }
      this.driver.command((endpoint, now) => endpoint.planeReady(now, intent.token));
    });
  }

  async #make({ plane, from, wire }: SetUp): Promise<void> {
    if (this.#tornDown) return;
    if (wire !== undefined && wire !== this.lease.number) await this.#changeWire(wire);
    await this.lease.register(plane.tunnelId);
    const made = await this.lease.wire.createTunnel({
      version: 2,
      tunnelId: plane.tunnelId,
      peerTunnelId: plane.peerTunnelId,
      peer: plane.peer,
      udpChecksum: this.owner?.udpChecksum ?? true,
      ...(from !== undefined && { local: from }),
    });
    // The tunnel has used it up.
    this.#reservation = undefined;
    this.plane = made;
  }

  /** The peer's datagrams come by another of our sockets: data will, too. */
  async #changeWire(wire: number): Promise<void> {
    const lease = this.#wires.leaseOpen(wire, this);
    if (lease === undefined) return;
    await this.#release();
    const before = this.lease;
    this.#lease = lease;
    await before.release();
  }

  move(intent: Extract<Intent, { intent: "move-tunnel" }>): void {
    this.#work = this.#work.then(async () => {
      try {
        await this.plane?.update({ peer: intent.peer });
        this.driver.command((endpoint, now) => endpoint.planeReady(now, intent.token));
      } catch (error) {
        this.cause ??= reasonOf(error);
        const { message } = error as Error;
        this.driver.command((endpoint, now) => endpoint.planeFailed(now, intent.token, message));
      }
    });
  }

  tearDown(intent: Extract<Intent, { intent: "tear-down-tunnel" }>): void {
    this.#tornDown = true;
    this.#work = this.#work.then(async () => {
      await this.#dispose();
      this.driver.command((endpoint, now) => endpoint.planeReady(now, intent.token));
    });
  }

  /** Sessions first: their interfaces go in order, and nothing is asked of a tunnel that is not there any more. */
  async #dispose(): Promise<void> {
    await Promise.all([...this.calls.values()].map((call) => call.settled));
    const { plane } = this;
    this.plane = undefined;
    try {
      await plane?.[Symbol.asyncDispose]();
    } catch (error) {
      this.owner?.logger.error({ error }, `tunnel ${this.owner.name} was not taken down cleanly`);
    }
  }

  /** The endpoint has forgotten it. */
  end(): void {
    this.#tornDown = true;
    this.#work = this.#work.then(async () => {
      if (this.plane !== undefined) await this.#dispose();
      await this.abandon();
    });
  }

  // What the wire tells.

  get leaving(): Promise<void> | undefined {
    return this.#tornDown ? this.gone : undefined;
  }

  control(message: ControlDatagram): void {
    this.driver.datagram(this.lease.number, message);
  }

  wireLost(text: string): void {
    this.lost(reason("wire-lost", text));
  }

  /** The data plane has it no more: the peer is told, by whatever way is left. */
  lost(why: Reason): void {
    const { handle } = this;
    this.cause ??= why;
    if (handle === undefined) return;
    const stop = { result: 2, error: 4, text: why.text.slice(0, 100) };
    this.driver.command((endpoint, now) => endpoint.closeTunnel(now, handle, stop, "data-plane"));
  }

  notice(notice: PlaneNotice): void {
    switch (notice.type) {
      case "tunnel-lost":
        this.lost(reason("tunnel-lost", notice.reason));
        return;
      case "session-lost":
        this.calls.get(notice.sessionId)?.lost(reason("session-lost", notice.reason));
        return;
      case "sequencing":
        this.calls.get(notice.sessionId)?.followed(notice.on);
        return;
      case "session-addresses":
        this.calls.get(notice.sessionId)?.owner.addressesChanged(notice.interfaceName, notice.addresses);
        return;
      case "peer-moved": {
        // A NAT may have given the peer another port: its answer to a Hello tells where it is, and that it is the peer.
        const { handle } = this;
        const { address, port } = notice.peer;
        this.owner?.logger.debug({ address, port }, `data of tunnel ${this.owner.name} comes from elsewhere`);
        if (handle !== undefined) this.driver.command((endpoint, now) => endpoint.sendHello(now, handle));
        return;
      }
      case "send-failed": {
        const { code, count } = notice;
        const level = this.#sendFailed === code ? "debug" : "warn";
        this.#sendFailed = code;
        this.owner?.logger[level](
          { code, count },
          `messages of tunnel ${this.owner.name} cannot be sent: ${code}`,
        );
        return;
      }
    }
  }
}

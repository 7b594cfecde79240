/**
 * Joins the endpoint of `@l2tp/control` with the world: datagrams come from the wires and go to them, one alarm wakes it
 * when it asks, and what it tells goes to whoever routes it. What an event leads to is drained by the same loop, never by
 * a nested one.
 */
import { Endpoint, type EndpointEvent, type EndpointOptions, type TunnelHandle } from "@l2tp/control";
import type { ControlDatagram, TunnelPlane } from "@l2tp/dataplane";
import type { Instant } from "@l2tp/protocol";
import type { Alarms } from "../alarms.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import type { WirePool } from "../wire-pool.ts";

/** What the driver needs. */
export interface DriverOptions {
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly wires: WirePool;
  readonly logger: Logger;
  readonly endpoint: EndpointOptions;
  /** Takes each event, in order. */
  onEvent(event: EndpointEvent): void;
  /** The tunnel's part of the data plane, where it has one: its own socket is the best to send by. */
  planeOf(tunnel: TunnelHandle): TunnelPlane | undefined;
}

/** One for each context. */
export class EndpointDriver {
  readonly endpoint: Endpoint;
  readonly #options: DriverOptions;
  readonly #alarm: ReturnType<Alarms["create"]>;
  #pumping = false;
  #disposed = false;

  /** @throws ControlError naming the setting that is out of range. */
  constructor(options: DriverOptions) {
    this.#options = options;
    const isOwn: EndpointOptions["isOwn"] = (from) =>
      from.wire !== undefined && options.wires.isOwn(from.wire, from);
    this.endpoint = new Endpoint({ isOwn, ...options.endpoint });
    this.#alarm = options.alarms.create((now) => {
      this.endpoint.handleTimeout(now);
      this.pump();
    });
    options.wires.attach((wire, message) => this.datagram(wire, message));
  }

  now(): Instant {
    return this.#options.clock.now();
  }

  /** Does something with the endpoint, and then what follows from it. @throws whatever `work` throws. */
  command<T>(work: (endpoint: Endpoint, now: Instant) => T): T {
    try {
      return work(this.endpoint, this.now());
    } finally {
      this.pump();
    }
  }

  /** A control message that came in by a wire. */
  datagram(wire: number, { from, to, datagram }: ControlDatagram): void {
    if (this.#disposed) return;
    const { family, address, port } = from;
    this.endpoint.handleDatagram(this.now(), { family, address, port, local: to, wire }, datagram);
    this.pump();
  }

  /**
   * Events first: an answer to a message then carries its acknowledgement. But what tells the peer that a call is connected
   * goes before the frames that follow from that.
   */
  pump(): void {
    if (this.#pumping || this.#disposed) return;
    this.#pumping = true;
    for (;;) {
      const event = this.endpoint.pollEvent();
      if (event === undefined) {
        if (!this.#transmit()) break;
        continue;
      }
      if (event.type === "session-up") while (this.#transmit());
      this.#tell(event);
    }
    this.#pumping = false;
    const wake = this.endpoint.pollTimeout();
    if (wake === undefined) this.#alarm.clear();
    else this.#alarm.set(wake);
  }

  /** Sends the next datagram. @returns false when there is none. */
  #transmit(): boolean {
    const out = this.endpoint.pollTransmit();
    if (out === undefined) return false;
    if (out.wire === undefined) return true;
    const tunnel = out.tunnel === undefined ? undefined : this.#options.planeOf(out.tunnel);
    this.#options.wires.send(out.wire, {
      to: out.to,
      datagram: out.datagram,
      ...(tunnel !== undefined && { tunnel }),
      ...(out.from !== undefined && { from: out.from }),
    });
    return true;
  }

  /** A mistake in what an event leads to must not stop all other tunnels. */
  #tell(event: EndpointEvent): void {
    try {
      this.#options.onEvent(event);
    } catch (error) {
      this.#options.logger.error({ event: event.type, error }, `what follows from ${event.type} failed`);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#alarm[Symbol.dispose]();
  }
}

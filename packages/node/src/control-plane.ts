/**
 * The reliable transport of all tunnels of a context, and the pump that connects it with the world: what it has
 * to send goes out, what has happened goes to the tunnel concerned, and one alarm wakes it when it asks.
 */
import { type ChannelId, type ChannelOptions, Transport, type TransportEvent } from "@l2tp/transport";
import type { Alarms } from "./alarms.ts";
import type { Clock } from "./clock.ts";

/** The tunnel behind a channel. */
export interface ChannelUser {
  /** The bytes are valid only during the call. */
  transmit(datagram: Uint8Array): void;
  channelEvent(event: TransportEvent): void;
}

/** All channels of a context. */
export class ControlPlane {
  readonly transport: Transport;
  readonly #clock: Clock;
  readonly #users = new Map<ChannelId, ChannelUser>();
  readonly #alarm: ReturnType<Alarms["create"]>;
  #pumping = false;

  constructor(clock: Clock, alarms: Alarms, random: () => number) {
    this.#clock = clock;
    this.transport = new Transport({ random });
    this.#alarm = alarms.create((now) => {
      this.transport.handleTimeout(now);
      this.pump();
    });
  }

  open(options: ChannelOptions, user: ChannelUser): ChannelId {
    const channel = this.transport.open(this.#clock.now(), options);
    this.#users.set(channel, user);
    return channel;
  }

  release(channel: ChannelId): void {
    this.transport.release(channel);
    this.#users.delete(channel);
    this.pump();
  }

  /** Call after each call of the transport. What an event leads to is pumped by the same loop, not by a nested one. */
  pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    for (;;) {
      // Events first: an answer to a message then carries its acknowledgement.
      const event = this.transport.pollEvent();
      if (event) {
        this.#users.get(event.channel)?.channelEvent(event);
        continue;
      }
      const transmit = this.transport.pollTransmit();
      if (!transmit) break;
      this.#users.get(transmit.channel)?.transmit(transmit.datagram);
    }
    this.#pumping = false;
    const wake = this.transport.pollTimeout();
    if (wake === undefined) this.#alarm.clear();
    else this.#alarm.set(wake);
  }

  dispose(): void {
    this.#users.clear();
    this.#alarm[Symbol.dispose]();
  }
}

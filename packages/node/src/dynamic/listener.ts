/** Where callers are taken: a wire that the endpoint has an ear on. It keeps itself bound, as a tunnel keeps itself up. */
import type { Binding, ControlDatagram } from "@l2tp/dataplane";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import { closeOnAbort } from "../close-on-abort.ts";
import { type Reason, reason, reasonOf, Told } from "../reason.ts";
import { Retry } from "../retry.ts";
import type { WireLease, WireUser } from "../shared-wire.ts";
import { UpGate, type WaitOptions, whenUp } from "../up-gate.ts";
import type { Listener, ListenerInit, ListenerState } from "./api.ts";
import type { DynamicHost } from "./host.ts";
import { listenerBinding } from "./parameters.ts";

/** What a listener needs of its context. */
export interface ListenerOwner {
  /** Callers by this wire are the listener's. */
  took(wire: number, listener: ListenerKeeper): void;
  left(wire: number): void;
  forget(listener: ListenerKeeper): void;
}

export class ListenerKeeper implements Listener, WireUser {
  readonly name: string;
  readonly encapsulation = "udp";
  readonly udpChecksum: boolean;
  readonly leaving = undefined;
  readonly #host: DynamicHost;
  readonly #owner: ListenerOwner;
  readonly #binding: Binding;
  readonly #gate = new UpGate();
  readonly #retry: Retry;
  readonly #untilClosed = new AbortController();
  #state: ListenerState = "starting";
  #reason: Reason | undefined;
  readonly #told = new Told();
  #upSince: Instant | undefined;
  #lease: WireLease | undefined;
  #work: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** @throws ParameterError */
  constructor(host: DynamicHost, owner: ListenerOwner, name: string, init: ListenerInit) {
    this.name = name;
    this.udpChecksum = init.udpChecksum ?? true;
    this.#host = host;
    this.#owner = owner;
    this.#binding = listenerBinding(init);
    this.#retry = new Retry(host, () => this.#try());
    if (init.signal) closeOnAbort(init.signal, this, this.#untilClosed);
    this.#try();
  }

  get local(): SocketAddress {
    return this.#lease?.wire.local ?? this.#binding.local;
  }
  get namespace(): string | undefined {
    return this.#binding.namespace;
  }
  get state(): ListenerState {
    return this.#state;
  }
  get reason(): Reason | undefined {
    return this.#reason;
  }
  get upSince(): Instant | undefined {
    return this.#upSince;
  }

  whenUp(options: WaitOptions = {}): Promise<void> {
    return whenUp(this, `listener ${this.name}`, () => this.#gate, options);
  }

  #try(): void {
    this.#state = "starting";
    this.#work = this.#work.then(async () => {
      if (this.#closing) return;
      let lease: WireLease;
      try {
        lease = await this.#host.wires.lease(this.#binding, this);
      } catch (error) {
        if (!this.#closing) this.#failed(reasonOf(error));
        return;
      }
      if (this.#closing) await lease.release();
      else this.#up(lease);
    });
  }

  #up(lease: WireLease): void {
    this.#lease = lease;
    this.#state = "up";
    this.#reason = undefined;
    this.#told.clear();
    this.#upSince = this.#host.clock.now();
    this.#retry.reset();
    const { local } = this;
    this.#owner.took(lease.number, this);
    this.#host.logger.info(
      { listener: this.name, address: local.address, port: local.port },
      `listening for tunnels on ${local.address} port ${local.port}`,
    );
    this.#host.emitter.emit({
      type: "listener-up",
      at: this.#host.clock.now(),
      listener: this.name,
      local,
    });
    this.#gate.open();
  }

  #failed(why: Reason): void {
    this.#state = "retrying";
    this.#reason = why;
    const retryAt = this.#retry.later();
    const { local, name } = this;
    const fields = { listener: name, code: why.code, remedy: why.remedy };
    if (!this.#told.isNews(why)) {
      this.#host.logger.debug(fields, `listener ${name} still cannot take callers: ${why.text}`);
      return;
    }
    this.#host.logger.warn(fields, `listener ${name} cannot take callers: ${why.text}; trying again`);
    this.#tellDown(local, why, retryAt);
  }

  #tellDown(local: SocketAddress, why: Reason, retryAt?: Instant): void {
    this.#host.emitter.emit({
      type: "listener-down",
      at: this.#host.clock.now(),
      listener: this.name,
      local,
      reason: why,
      ...(retryAt !== undefined && { retryAt }),
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    const { local } = this;
    const wasUp = this.#state === "up";
    const lease = this.#lease;
    const why = reason("closed", "closed here");
    this.#untilClosed.abort();
    this.#state = "closed";
    this.#reason = why;
    this.#upSince = undefined;
    this.#lease = undefined;
    this.#retry[Symbol.dispose]();
    if (lease) this.#owner.left(lease.number);
    this.#owner.forget(this);
    this.#gate.close(`listener ${this.name}`);
    if (wasUp) {
      this.#host.logger.info({ listener: this.name }, `listener ${this.name} is closed`);
      this.#tellDown(local, why);
    }
    await this.#work;
    await lease?.release();
  }

  // WireUser: a listener has no ID, so that nothing but the end of its wire concerns it.

  control(_message: ControlDatagram): void {}

  notice(): void {}

  wireLost(text: string): void {
    const lease = this.#lease;
    if (lease === undefined || this.#closing) return;
    this.#lease = undefined;
    this.#upSince = undefined;
    this.#owner.left(lease.number);
    this.#work = this.#work.then(() => lease.release());
    this.#failed(reason("wire-lost", text));
  }
}

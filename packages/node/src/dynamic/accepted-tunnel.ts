/** A tunnel that somebody opened to us: there while it lasts. */
import type { Ending, StopFacts, TunnelDown } from "@l2tp/control";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import type { Reason } from "../reason.ts";
import type { Connection } from "./connection.ts";
import { reasonOfEnding } from "./ending-reason.ts";
import type { DynamicHost } from "./host.ts";
import { DynamicTunnelKeeper, type DynamicTunnelOwner, type TunnelFacts } from "./tunnel.ts";
import { warnOf } from "./warn.ts";

export class AcceptedTunnel extends DynamicTunnelKeeper {
  readonly listener: string | undefined;
  readonly dialling = undefined;
  readonly #connection: Connection;

  constructor(
    host: DynamicHost,
    owner: DynamicTunnelOwner,
    facts: TunnelFacts,
    connection: Connection,
    from: SocketAddress,
    listener: string | undefined,
  ) {
    super(host, owner, facts, from);
    this.listener = listener;
    this.#connection = connection;
    this.peer = from;
    this.state_ = "waiting-for-peer";
    connection.owner = this;
  }

  get connecting(): Connection | undefined {
    return this.state_ === "closed" ? undefined : this.#connection;
  }

  /** It is the peer's to dial. */
  dial(): void {}

  hangUp(stop?: StopFacts): void {
    void this.close(stop);
  }

  protected stop(stop: StopFacts | undefined): void {
    const { handle } = this.#connection;
    if (handle === undefined) return;
    this.host.driver.command((endpoint, now) => endpoint.closeTunnel(now, handle, stop));
  }

  protected afterDown(connection: Connection, event: TunnelDown): undefined {
    this.finish(connection.cause ?? reasonOfEnding(event.ending));
    return undefined;
  }

  protected tellFailed(
    why: Reason,
    ending: Ending | undefined,
    _retryAt: Instant | undefined,
    about: ReturnType<DynamicTunnelKeeper["about"]>,
  ): void {
    warnOf(
      this.host,
      this.logger,
      about.peer.address,
      { code: why.code, remedy: why.remedy, peer: about.peer.address, port: about.peer.port },
      `tunnel ${this.name} was not established: ${why.text}`,
    );
    const more = ending === undefined ? {} : { ending };
    this.host.emitter.emit({ type: "tunnel-failed", ...about, reason: why, ...more });
  }
}

/**
 * A tunnel that we dial: whom and when is its `Dialer`'s to say; here each try is carried out. While a preferred LNS is
 * tried again there are two connections, and the sessions stay on the one that is up.
 */
import type { Ending, StopFacts, TunnelDown, TunnelUp } from "@l2tp/control";
import type { Instant, SocketAddress } from "@l2tp/protocol";
import type { Alarm } from "../alarms.ts";
import { closeOnAbort } from "../close-on-abort.ts";
import { Dialer, type DialerStatus, type DialStep } from "../dial/index.ts";
import { ParameterError } from "../errors.ts";
import { L2TP_PORT } from "../parameters.ts";
import { type Reason, reason, Told } from "../reason.ts";
import type { DynamicTunnelInit } from "./api.ts";
import { Connection } from "./connection.ts";
import { reasonOfEnding, reasonOfError } from "./ending-reason.ts";
import type { DynamicHost } from "./host.ts";
import { tunnelChanges } from "./parameters.ts";
import { DynamicTunnelKeeper, type DynamicTunnelOwner, type TunnelFacts } from "./tunnel.ts";

/** Tries for an ID that neither the data plane nor the endpoint (where IDs rest after use) has. */
const ID_TRIES = 8;

/** A failure that is told when it is known whether it is tried again. */
type Untold = [
  why: Reason,
  ending: Ending | undefined,
  retryAt: Instant | undefined,
  about: ReturnType<DynamicTunnelKeeper["about"]>,
];

export class DialledTunnel extends DynamicTunnelKeeper {
  readonly listener = undefined;
  readonly init: DynamicTunnelInit;
  readonly #dialer: Dialer;
  readonly #alarm: Alarm & Disposable;
  /** The try that goes on. */
  #attempt: Connection | undefined;
  #failed: Untold | undefined;
  /** What was told since it was up last, for each LNS that fails; the latest ones. */
  readonly #told = new Told();
  #asking = false;
  #askAgain = false;
  /** It was up, or to be, when the program was emptied. */
  #drained = false;

  /** @throws ParameterError */
  constructor(host: DynamicHost, owner: DynamicTunnelOwner, facts: TunnelFacts, init: DynamicTunnelInit) {
    super(host, owner, facts, firstPeer(init));
    this.init = init;
    this.#dialer = new Dialer({ ...init.dial, name: facts.name, targets: init.peers }, host.dialler);
    this.#alarm = host.alarms.create(() => this.#ask());
    if (init.signal) closeOnAbort(init.signal, this, this.untilClosed);
    this.#ask();
  }

  get dialling(): DialerStatus {
    return this.#dialer.status(this.host.clock.now());
  }

  get connecting(): Connection | undefined {
    return this.current ?? this.#attempt;
  }

  /** Whether its SCCRQ to this address may cross one from there (RFC 2661 §4.4.3, Tie Breaker). */
  awaits(from: SocketAddress): boolean {
    const { tieBreaker } = this.facts.settings;
    return tieBreaker && this.#attempt !== undefined && this.peer.address === from.address;
  }

  dial(): void {
    this.assertOpen();
    if (this.#dialer.dial(this.host.clock.now())) this.#ask();
  }

  hangUp(stop?: StopFacts): void {
    if (this.closing) return;
    this.stop(stop);
    this.state_ = "idle";
    this.reason_ = reason("hung-up", "it was hung up here");
  }

  protected stop(stop: StopFacts | undefined): void {
    this.#dialer.stop("hung up");
    this.#alarm.clear();
    for (const connection of [this.#attempt, this.current]) {
      const handle = connection?.handle;
      if (handle === undefined) continue;
      this.host.driver.command((endpoint, now) => endpoint.closeTunnel(now, handle, stop));
    }
    this.#attempt = undefined;
  }

  override finish(why: Reason): void {
    this.#alarm[Symbol.dispose]();
    super.finish(why);
  }

  /** The program is to be emptied: nothing is dialled until {@link goOn}. */
  pause(): void {
    this.#alarm.clear();
  }

  goOn(): void {
    if (this.#drained) this.#dialer.dial(this.host.clock.now());
    this.#drained = false;
    this.#ask();
    for (const session of this.keepers) session.carry();
  }

  // What the dialler says.

  #ask(): void {
    if (this.closing || this.host.draining) return;
    this.#askAgain = this.#asking;
    if (this.#asking) return;
    this.#asking = true;
    void this.#dialer.next(this.host.clock.now()).then((step) => {
      this.#asking = false;
      if (this.closing) return;
      const { state } = this.dialling;
      // Somebody may have hung up since, or hung up and dialled.
      const isStale = step.target && state !== (step.target.isFailBack ? "up" : "dialling");
      if (isStale || (this.#askAgain && step.target === undefined)) this.#ask();
      else this.#follow(step);
    });
  }

  #follow({ target, at }: DialStep): void {
    const { state, nextAt } = this.dialling;
    if (this.state_ !== "up") {
      this.state_ = target ? "starting" : state === "waiting" ? "retrying" : "idle";
    }
    this.#tellUntold(target ? this.host.clock.now() : nextAt);
    this.#tellDialEvents(target ? this.host.clock.now() : nextAt);
    if (this.closing) return;
    if (at !== undefined) this.#alarm.set(at);
    if (target === undefined) return;
    if (!target.isFailBack) this.peer = target.peer;
    this.logger.debug({ host: target.host, peer: target.peer.address }, `tunnel ${this.name}: dialling`);
    this.host.track(this.#try(target.peer));
  }

  #tellDialEvents(retryAt: Instant | undefined): void {
    for (let event = this.#dialer.pollEvent(); event; event = this.#dialer.pollEvent()) {
      const { name: tunnel } = this;
      if (event.type === "unresolved") {
        const why = reason("unresolved", event.text);
        if (this.current === undefined) this.reason_ = why;
        this.tellFailed(why, undefined, undefined, this.about());
        this.#tellUntold(retryAt);
      } else {
        const level = event.type === "gave-up" ? "warn" : "info";
        this.logger[level]({ dial: event.type }, `tunnel ${tunnel}: ${event.text}`);
      }
      this.host.emitter.emit({ type: "dial", at: event.at, tunnel, event });
    }
  }

  async #try(peer: SocketAddress): Promise<void> {
    const { driver, wires } = this.host;
    const connection = new Connection(driver, wires);
    connection.owner = this;
    this.#attempt = connection;
    const { local = anyAddress(peer), namespace } = this.init;
    const binding = { encapsulation: "udp", local, ...(namespace !== undefined && { namespace }) } as const;
    try {
      if (local.family !== peer.family) {
        throw new ParameterError("local", `IPv${local.family} cannot reach ${peer.address}`);
      }
      connection.use(await wires.lease(binding, connection));
      await this.#open(connection, peer);
    } catch (error) {
      await connection.abandon();
      if (this.#attempt !== connection) return;
      this.#attempt = undefined;
      const why = reasonOfError(error);
      if (this.current === undefined) this.reason_ = why;
      this.tellFailed(why, undefined, undefined, this.about());
      this.#dialer.failed(this.host.clock.now(), error instanceof Error ? error : new Error(String(error)));
      this.#ask();
    }
  }

  /** Sends the SCCRQ. The ID that the endpoint may not take rests there: another is reserved. */
  async #open(connection: Connection, peer: SocketAddress): Promise<void> {
    const { driver, connections } = this.host;
    for (let left = ID_TRIES; ; left--) {
      const tunnelId = await connection.reserve();
      if (this.#attempt !== connection || this.closing) return connection.abandon();
      if (left === 0 || driver.endpoint.isTunnelIdFree(driver.now(), tunnelId)) {
        const { lease } = connection;
        driver.command((endpoint, now) => {
          const handle = endpoint.openTunnel(now, {
            ...tunnelChanges(this.init),
            peer,
            wire: lease.number,
            tunnelId,
            name: this.name,
          });
          connection.handle = handle;
          connections.set(handle, connection);
        });
        if (this.state_ === "starting") this.state_ = "waiting-for-peer";
        return;
      }
    }
  }

  /** Our SCCRQ lost against the peer's: its tunnel is this one (RFC 2661 §4.4.3). */
  adopt(connection: Connection): void {
    connection.owner = this;
    this.#attempt = connection;
    if (this.state_ !== "up") this.state_ = "waiting-for-peer";
  }

  // What the connections say.

  override connectionUp(connection: Connection, event: TunnelUp): void {
    const before = this.current;
    this.#attempt = undefined;
    this.#told.clear();
    this.#failed = undefined;
    this.#dialer.succeeded(this.host.clock.now());
    if (before?.handle !== undefined) this.#leave(before);
    super.connectionUp(connection, event);
    this.#ask();
  }

  /** The preferred LNS serves again: the sessions are opened anew there. */
  #leave(before: Connection): void {
    const { handle } = before;
    this.current = undefined;
    before.owner = undefined;
    if (handle === undefined) return;
    this.logger.info({}, `tunnel ${this.name} goes back to a preferred LNS`);
    this.host.driver.command((endpoint, now) => endpoint.closeTunnel(now, handle));
  }

  protected afterDown(connection: Connection, event: TunnelDown, wasUp: boolean): Instant | undefined {
    if (this.closing) return undefined;
    const { connections, clock } = this.host;
    const heir = event.replacedBy && connections.get(event.replacedBy);
    if (heir !== undefined && connection === this.#attempt) {
      this.adopt(heir);
      return undefined;
    }
    if (connection === this.#attempt) this.#attempt = undefined;
    if (event.ending.cause === "drained") this.#drained = this.init.dial?.mode !== "manual";
    if (this.dialling.state === "idle") {
      this.state_ = "idle";
      return undefined;
    }
    const failure = connection.cause
      ? { kind: "network" as const, text: connection.cause.text }
      : event.ending;
    if (wasUp) {
      this.#told.begin(connection.cause ?? reasonOfEnding(event.ending));
      this.#dialer.down(clock.now(), failure);
    } else this.#dialer.failed(clock.now(), failure);
    const { state, nextAt } = this.dialling;
    if (this.state_ !== "up" || wasUp) this.state_ = state === "waiting" ? "retrying" : "idle";
    this.#ask();
    return nextAt;
  }

  /** When it is tried again is known after the dialler was asked. */
  protected tellFailed(...failed: Untold): void {
    if (this.#attempt !== undefined && failed[1]?.cause === "tie-breaker") return;
    if (this.current !== undefined) {
      // It is up all the same: what failed is the way back to a preferred LNS.
      this.logger.debug({ code: failed[0].code }, `tunnel ${this.name} stays where it is: ${failed[0].text}`);
      return;
    }
    this.#failed = failed;
    if (this.closing || this.host.draining || this.dialling.state === "idle") this.#tellUntold(undefined);
  }

  #tellUntold(retryAt: Instant | undefined): void {
    if (this.#failed === undefined) return;
    const [why, ending, , about] = this.#failed;
    this.#failed = undefined;
    const fields = { code: why.code, remedy: why.remedy, peer: about.peer.address };
    const again = retryAt === undefined ? "" : "; trying again";
    if (!this.#told.isNews(why)) {
      this.logger.debug(fields, `tunnel ${this.name} still cannot come up: ${why.text}`);
      return;
    }
    this.logger.warn(fields, `tunnel ${this.name} cannot come up: ${why.text}${again}`);
    this.host.emitter.emit({
      type: "tunnel-failed",
      ...about,
      reason: why,
      ...(retryAt !== undefined && { retryAt }),
      ...(ending !== undefined && { ending }),
    });
  }
}

const anyAddress = ({ family }: SocketAddress): SocketAddress => ({
  family,
  address: family === 4 ? "0.0.0.0" : "::",
  port: 0,
});

/** What is shown before anybody was dialled. */
function firstPeer({ peers: [first] }: DynamicTunnelInit): SocketAddress {
  const { host = "", port = L2TP_PORT } = first ?? {};
  return { family: host.includes(":") ? 6 : 4, address: host, port };
}

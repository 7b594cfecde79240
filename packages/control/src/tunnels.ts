/**
 * Control connections (RFC 2661 §5.1, §5.7): opened by us, or made for a caller and decided on; kept, and ended. What the
 * peer says of them is tunnel-reception.ts's, what follows tunnel-machine.ts's.
 */
import { encodeMessage, type Instant } from "@l2tp/protocol";
import { Acquaintance } from "./acquaintance.ts";
import { Authentication, mustChallenge } from "./authentication.ts";
import type { Cause } from "./cause.ts";
import { STOP, type StopFacts, sccrp, sccrq, tryStop } from "./control-messages.ts";
import { ending } from "./ending.ts";
import { ControlError } from "./errors.ts";
import type { PeerDecision } from "./events.ts";
import { freeId } from "./ids.ts";
import type { PeerAddress } from "./names.ts";
import { type TunnelOpening, type TunnelSettings, tunnelSettings } from "./parameters.ts";
import type { Parts } from "./parts.ts";
import type { AskedFor } from "./refusals.ts";
import type { Session, Tunnel } from "./state.ts";
import { TunnelMachine } from "./tunnel-machine.ts";
import { TunnelReception } from "./tunnel-reception.ts";
import { TunnelRegister } from "./tunnel-register.ts";

export class Tunnels {
  readonly acquaintance: Acquaintance;
  readonly register: TunnelRegister;
  readonly reception: TunnelReception;
  readonly machine: TunnelMachine;
  readonly authentication: Authentication;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    const { core } = parts;
    this.#parts = parts;
    this.acquaintance = new Acquaintance(core);
    this.authentication = new Authentication(core);
    this.register = new TunnelRegister(parts, this.acquaintance);
    this.machine = new TunnelMachine(parts, this.acquaintance, this.authentication, this.register);
    this.reception = new TunnelReception(core, this.acquaintance, this.authentication, this.machine);
  }

  /** Opens a tunnel to a peer. @throws ControlError, EncodeError; nothing has changed then. */
  open(now: Instant, opening: TunnelOpening): Tunnel {
    const { core } = this.#parts;
    if (core.draining) {
      throw new ControlError(
        "ERR_L2TP_DRAINING",
        "no tunnel is opened: the endpoint is draining or shut down",
      );
    }
    const { peer, local, wire, name, tunnelId, ...changes } = opening;
    const settings = tunnelSettings(core.settings.tunnel, changes);
    if (core.tunnels.size - core.tombs.size >= core.settings.limits.tunnels) {
      core.counters.count("tooManyTunnels");
      throw new ControlError(
        "ERR_L2TP_LIMIT",
        `limits.tunnels: there are ${core.settings.limits.tunnels} tunnels`,
      );
    }
    const id = this.register.takeId(now, tunnelId);
    encodeMessage(sccrq(settings, id, 1n, true), { tunnelId: 0, ns: 0, nr: 0 });
    const address: PeerAddress = {
      family: peer.family,
      address: peer.address,
      port: peer.port,
      ...(local !== undefined && { local }),
      ...(wire !== undefined && { wire }),
    };
    const tunnel = this.register.make(now, id, 0, address, settings, true, name ?? "");
    core.counters.count("tunnelsOpened");
    tunnel.source.statistics.tunnelsOpened++;
    this.machine.fire(now, tunnel, "local-open-request");
    return tunnel;
  }

  /** Makes the tunnel of a caller whose SCCRQ is well-formed and within the limits, or says why it cannot. */
  accept(now: Instant, from: PeerAddress, asked: AskedFor): Tunnel | "noTunnelIds" {
    const { core } = this.#parts;
    const id = freeId(core.random, (taken) => this.register.isTaken(taken));
    if (id === undefined) return "noTunnelIds";
    const { peerTunnelId, key, octets } = asked;
    const address: PeerAddress = { ...from };
    const tunnel = this.register.make(now, id, peerTunnelId, address, core.settings.tunnel, false, "");
    tunnel.sccrqKey = key;
    tunnel.sccrqOctets = octets;
    tunnel.hiddenWith = asked.hiddenWith;
    core.bySccrq.set(key, tunnel);
    core.halfOpen++;
    tunnel.source.halfOpen++;
    return tunnel;
  }

  /** A message whose order, form or kind breaks the protocol: the tunnel is cleared (RFC 2661 §7.1). */
  protocolError(now: Instant, tunnel: Tunnel, stop: StopFacts): void {
    this.machine.refuse(now, tunnel, "protocol-error", "protocol-error", stop);
  }

  /** The answer to the question about a caller. @throws ControlError, EncodeError; the question stays open then. */
  prepareDecision(now: Instant, tunnel: Tunnel, decision: PeerDecision): TunnelSettings | undefined {
    if (!decision.accept) {
      const { result = 4, error, text } = decision;
      tryStop({ result, ...(error !== undefined && { error }), ...(text !== undefined && { text }) });
      return undefined;
    }
    const { accept: _, name: __, tunnelId, ...changes } = decision;
    if (tunnelId !== undefined && tunnelId !== tunnel.tunnelId) this.register.takeId(now, tunnelId);
    const settings = tunnelSettings(this.#parts.core.settings.tunnel, changes);
    const trial = sccrp(settings, tunnel.tunnelId, new Uint8Array(16), new Uint8Array(16));
    encodeMessage(trial, { tunnelId: tunnel.peerTunnelId, ns: 0, nr: 0 });
    return settings;
  }

  /** Carries out a decision that {@link prepareDecision} has found good. */
  decide(now: Instant, tunnel: Tunnel, decision: PeerDecision, settings: TunnelSettings | undefined): void {
    tunnel.question = 0;
    if (!decision.accept || settings === undefined) {
      const { result = 4, error, text, remedy } = decision as Extract<PeerDecision, { accept: false }>;
      const stop = { result, ...(error !== undefined && { error }), ...(text !== undefined && { text }) };
      this.machine.refuse(now, tunnel, "rx-SCCRQ-unacceptable", "refused", stop, remedy);
      return;
    }
    tunnel.name = decision.name ?? tunnel.name;
    if (decision.tunnelId !== undefined) this.register.rename(tunnel, decision.tunnelId);
    tunnel.settings = settings;
    if (tunnel.hiddenWith !== undefined) this.authentication.hides(tunnel, tunnel.hiddenWith);
    tunnel.hiddenWith = undefined;
    this.acquaintance.learnQuirks(tunnel, settings.quirks);
    this.acquaintance.configure(now, tunnel);
    const stop = this.authentication.judgeChallenge(tunnel);
    if (stop !== undefined) {
      this.machine.refuse(now, tunnel, "rx-SCCRQ-unacceptable", "authentication", stop);
      return;
    }
    const challenge = mustChallenge(settings)
      ? this.authentication.challenges.issue(this.#parts.core.random, tunnel)
      : undefined;
    const reply = sccrp(settings, tunnel.tunnelId, challenge, this.authentication.answer(now, 2, tunnel));
    this.#parts.core.counters.count("tunnelsAccepted");
    this.machine.fire(now, tunnel, "rx-SCCRQ-acceptable", { reply });
  }

  /** Nobody has decided in time. */
  undecided(now: Instant, tunnel: Tunnel): void {
    tunnel.question = 0;
    this.#parts.core.counters.count("undecided");
    const stop = { ...STOP.noResources, text: "no decision in time" };
    this.machine.refuse(now, tunnel, "rx-SCCRQ-unacceptable", "undecided", stop);
  }

  /** Ends a tunnel for a reason of ours. @throws EncodeError when that does not fit; nothing has changed then. */
  stop(now: Instant, tunnel: Tunnel, cause: Cause, stop: StopFacts): void {
    tryStop(stop);
    this.machine.refuse(now, tunnel, "admin-close", cause, stop);
  }

  /** The tunnel is wanted for a session. */
  wanted(now: Instant, session: Session): void {
    this.machine.fire(now, session.tunnel, "local-open-request", { session });
  }

  /** Our SCCRQ lost against a peer's, or both lost. */
  loseTie(now: Instant, tunnel: Tunnel, replacedBy: Tunnel | undefined): void {
    const end = ending({
      by: "local",
      cause: "tie-breaker",
      text:
        replacedBy === undefined
          ? "equal tie breakers: both tunnels are discarded"
          : "the peer's tunnel is used",
    });
    this.machine.fire(now, tunnel, "rx-SCCRQ-lose-tie-breaker", {
      ending: end,
      leave: "forget",
      ...(replacedBy !== undefined && { replacedBy }),
    });
  }

  /** Reliable delivery has given up. */
  noResponse(
    now: Instant,
    tunnel: Tunnel,
    what: "message" | "hello",
    transmissions: number,
    silentMs: number,
  ): void {
    const { core } = this.#parts;
    const cause = what === "hello" ? "hello-missed" : "no-response";
    core.counters.count(what === "hello" ? "hellosMissed" : "noResponse");
    const elsewhere = core.strays.get(tunnel);
    const text = [
      `sent ${transmissions} times without acknowledgement, nothing heard for ${Math.round(silentMs / 1_000)} s`,
      ...(elsewhere === undefined
        ? []
        : [
            `messages for it came from ${elsewhere}, which the policy for peers' addresses does not let it take`,
          ]),
    ].join("; ");
    const end = ending({ by: "network", cause, text });
    this.machine.fire(now, tunnel, "no-response", { ending: end, leave: "forget" });
  }

  /** The time for set-up is over. */
  setUpTimeout(now: Instant, tunnel: Tunnel): void {
    // Whoever has acknowledged our SCCRP and says nothing may be one that drops a wrong answer in silence.
    const heard = this.#parts.core.transport.statistics(tunnel.channel)?.queued === 0;
    if (heard && !tunnel.originator) this.authentication.refused(now, tunnel);
    const stop = { ...STOP.cleared, text: "not established in time" };
    this.machine.refuse(now, tunnel, "set-up-timeout", "set-up-timeout", stop);
  }

  /** The last session has ended, or the first has begun. */
  sessionsChanged(now: Instant, tunnel: Tunnel): void {
    const { timers } = this.#parts.core;
    const { idleTimeoutMs } = tunnel.settings;
    timers.settle(tunnel);
    if (tunnel.closed || tunnel.state !== "established" || idleTimeoutMs === 0 || tunnel.sessions.size > 0)
      return;
    timers.arm(tunnel, "idle", now + idleTimeoutMs);
  }

  /** Session IDs rest: look again when the first may be given. */
  wakeForResting(now: Instant, tunnel: Tunnel): void {
    const next = tunnel.resting?.purge(now);
    if (tunnel.resting?.size === 0) tunnel.resting = undefined;
    if (next !== undefined && !tunnel.closed) this.#parts.core.timers.arm(tunnel, "restingIds", next);
  }

  /** The peer has acknowledged something of ours: its address is its own. */
  reached(now: Instant, tunnel: Tunnel): void {
    if (!tunnel.originator) this.acquaintance.configure(now, tunnel, true);
  }
}

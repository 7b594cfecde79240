/**
 * What the state machine of a control connection does (RFC 2661 §7.2): one step, and its actions. Which action belongs to
 * which event in which state is tables/control-connection.ts's.
 */
import type { Instant, Message } from "@l2tp/protocol";
import type { Acquaintance } from "./acquaintance.ts";
import { type Authentication, mustChallenge } from "./authentication.ts";
import type { Cause } from "./cause.ts";
import { STOP, type StopFacts, sccrq, stopMessage } from "./control-messages.ts";
import { type Ending, ending } from "./ending.ts";
import type { PeerFacts } from "./events.ts";
import { step } from "./machine.ts";
import type { Parts } from "./parts.ts";
import type { Session, Tunnel } from "./state.ts";
import { CONTROL_CONNECTION, type ControlAction, type ControlEvent } from "./tables/control-connection.ts";
import type { TunnelRegister } from "./tunnel-register.ts";

/** What an event brings along for the actions. */
interface Context {
  /** Why, when it ends. */
  readonly ending?: Ending;
  readonly stop?: StopFacts;
  readonly reply?: Message<"SCCRP", 2>;
  /** The tie was lost to this tunnel. */
  readonly replacedBy?: Tunnel;
  /** The session for which the tunnel is wanted; all that wait when left out. */
  readonly session?: Session;
  /** How the channel ends: kept for the peer's retransmissions, or forgotten at once. */
  readonly leave?: "linger" | "forget";
}

export class TunnelMachine {
  readonly #parts: Parts;
  readonly #acquaintance: Acquaintance;
  readonly #authentication: Authentication;
  readonly #register: TunnelRegister;

  constructor(
    parts: Parts,
    acquaintance: Acquaintance,
    authentication: Authentication,
    register: TunnelRegister,
  ) {
    this.#parts = parts;
    this.#acquaintance = acquaintance;
    this.#authentication = authentication;
    this.#register = register;
  }

  /** Steps the machine and does what the table says. */
  fire(now: Instant, tunnel: Tunnel, event: ControlEvent, context: Context = {}): void {
    if (tunnel.closed) return;
    const [actions, next] = step(CONTROL_CONNECTION, tunnel.state, event);
    const before = tunnel.state;
    tunnel.state = next;
    if (next === "wait-ctl-reply") this.#parts.core.outstanding.add(tunnel);
    else if (tunnel.originator) this.#parts.core.outstanding.delete(tunnel);
    if (next === "established" && before !== "established") this.#established(now, tunnel);
    for (const action of actions) this.#act(now, tunnel, action, context, before);
    this.#parts.core.timers.settle(tunnel);
  }

  /** Ends a tunnel for a reason of ours, which a StopCCN tells the peer. */
  refuse(
    now: Instant,
    tunnel: Tunnel,
    event: ControlEvent,
    cause: Cause,
    stop: StopFacts,
    remedy?: string,
  ): void {
    const end = ending({
      by: "local",
      cause,
      message: "StopCCN",
      ...stop,
      ...(remedy !== undefined && { remedy }),
    });
    this.fire(now, tunnel, event, { ending: end, stop });
  }

  /** Set by reception.ts: refuses a caller to whom nothing was sent yet, without keeping state for it. */
  refuseCaller: (now: Instant, tunnel: Tunnel, stop: StopFacts) => void = () => {};

  #act(now: Instant, tunnel: Tunnel, action: ControlAction, context: Context, before: Tunnel["state"]): void {
    const { calls, core } = this.#parts;
    switch (action) {
      case "send-SCCRQ": {
        const { settings, tunnelId } = tunnel;
        if (settings.tieBreaker) tunnel.tieBreaker = core.random.u64();
        const message = sccrq(settings, tunnelId, tunnel.tieBreaker, mustChallenge(settings));
        if (mustChallenge(settings)) {
          core.send(now, tunnel, {
            ...message,
            challenge: this.#authentication.challenges.issue(core.random, tunnel),
          });
        } else core.send(now, tunnel, message);
        break;
      }
      case "send-SCCRP":
        if (context.reply !== undefined) core.send(now, tunnel, context.reply);
        break;
      case "send-SCCCN": {
        const challengeResponse = this.#authentication.answer(now, 3, tunnel);
        tunnel.peerChallenge = undefined;
        core.send(now, tunnel, {
          version: 2,
          type: "SCCCN",
          ...(challengeResponse !== undefined && { challengeResponse }),
        });
        break;
      }
      case "send-StopCCN":
        if (before === "idle") this.refuseCaller(now, tunnel, context.stop ?? STOP.stateMachine);
        else this.#sendStop(now, tunnel, context.stop ?? STOP.stateMachine);
        break;
      case "clean-up":
        this.#cleanUp(now, tunnel, context, before);
        break;
      case "tunnel-open-to-waiting-sessions":
        if (context.session !== undefined) calls.tunnelOpen(now, context.session);
        else for (const session of [...tunnel.sessions.values()]) calls.tunnelOpen(now, session);
        break;
      case "requeue-SCCRQ-for-idle":
        // The peer's SCCRQ already has a tunnel of its own, in idle; see reception.ts.
        break;
    }
  }

  #sendStop(now: Instant, tunnel: Tunnel, stop: StopFacts): void {
    this.#parts.core.send(now, tunnel, stopMessage(tunnel.tunnelId, stop));
  }

  #established(now: Instant, tunnel: Tunnel): void {
    const { core, planes } = this.#parts;
    tunnel.establishedAt = now;
    this.#acquaintance.configure(now, tunnel, true);
    this.#authentication.challenges.settle(tunnel);
    if (!tunnel.originator) {
      this.#authentication.accepted(tunnel);
      this.#register.halfOpenEnds(tunnel);
    }
    core.tunnelsUp++;
    core.counters.count("tunnelsEstablished");
    tunnel.source.statistics.tunnelsEstablished++;
    core.emit({
      type: "tunnel-up",
      tunnel: tunnel.handle,
      name: tunnel.name,
      tunnelId: tunnel.tunnelId,
      peerTunnelId: tunnel.peerTunnelId,
      peer: tunnel.facts as PeerFacts,
      peerAddress: tunnel.peer,
      authenticated: tunnel.authenticated,
      originator: tunnel.originator,
      quirks: tunnel.quirks,
    });
    planes.setUpTunnel(now, tunnel);
    this.#parts.tunnels.sessionsChanged(now, tunnel);
  }

  #cleanUp(now: Instant, tunnel: Tunnel, context: Context, before: Tunnel["state"]): void {
    const { calls, core } = this.#parts;
    const end = context.ending ?? ending({ by: "local", cause: "local-close" });
    const wasUp = tunnel.establishedAt !== undefined;
    const sessions = tunnel.sessions.size;
    tunnel.closed = true;
    tunnel.ending = end;
    if (tunnel.question !== 0) core.questions.answer(tunnel.question);
    tunnel.question = 0;
    this.#authentication.challenges.settle(tunnel);
    tunnel.peerChallenge = undefined;
    for (const session of [...tunnel.sessions.values()]) {
      if (context.replacedBy !== undefined && session.state === "wait-tunnel") {
        calls.move(now, session, context.replacedBy);
      } else calls.tunnelClosed(now, session, end);
    }
    tunnel.source.open.delete(tunnel);
    if (wasUp) core.tunnelsUp--;
    core.counters.count(wasUp ? "tunnelsClosed" : "tunnelSetupFailures");
    if (!wasUp) tunnel.source.statistics.tunnelsRefused++;
    core.counters.count("retransmits", core.transport.statistics(tunnel.channel)?.retransmits ?? 0);
    this.#register.remember(now, tunnel, end);
    core.emit({
      type: "tunnel-down",
      tunnel: tunnel.handle,
      name: tunnel.name,
      wasUp,
      ending: end,
      ...(context.replacedBy !== undefined && { replacedBy: context.replacedBy.handle }),
      sessions,
    });
    // A caller refused before anything was sent to it has no state to keep: refusals are repeated without.
    const refused = before === "idle" && end.by === "local";
    if (context.leave === "forget" || refused) {
      core.transport.release(tunnel.channel);
      this.#register.remove(now, tunnel, core.restMs(tunnel));
      return;
    }
    core.transport.close(tunnel.channel, now, { until: core.closeUntil });
    core.tombs.add(tunnel);
    this.#register.limitTombs(now);
  }
}

/**
 * What control connections do (RFC 2661 §5.1, §5.7, §7.2): opening, answering, judging what the peer says, ending. Which
 * action belongs to which event in which state is tables/control-connection.ts's.
 */
import { encodeMessage, type Instant, type Message, type SocketAddress } from "@l2tp/protocol";
import { Acquaintance } from "./acquaintance.ts";
import { answerTo, mustChallenge, OutstandingChallenges, secretThatAnswers } from "./authentication.ts";
import type { Cause } from "./cause.ts";
import { STOP, type StopFacts, sccrp, sccrq, stopMessage, tryStop } from "./control-messages.ts";
import { type Ending, ending } from "./ending.ts";
import { ControlError } from "./errors.ts";
import type { PeerDecision, PeerFacts } from "./events.ts";
import { freeId } from "./ids.ts";
import { isJudged, step } from "./machine.ts";
import type { MessageOf } from "./message-of.ts";
import type { PeerAddress } from "./names.ts";
import { type TunnelOpening, type TunnelSettings, tunnelSettings } from "./parameters.ts";
import type { Parts } from "./parts.ts";
import type { AskedFor } from "./refusals.ts";
import { type Session, sameEnd, type Tunnel } from "./state.ts";
import { CONTROL_CONNECTION, type ControlAction, type ControlEvent } from "./tables/control-connection.ts";
import { TunnelRegister } from "./tunnel-register.ts";

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

export class Tunnels {
  readonly challenges = new OutstandingChallenges();
  readonly acquaintance: Acquaintance;
  readonly register: TunnelRegister;
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.acquaintance = new Acquaintance(parts.core);
    this.register = new TunnelRegister(parts, this.acquaintance);
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
    this.fire(now, tunnel, "local-open-request");
    return tunnel;
  }

  /** Makes the tunnel of a caller whose SCCRQ is well-formed and within the limits, or says why it cannot. */
  accept(now: Instant, from: PeerAddress, { peerTunnelId, key, octets }: AskedFor): Tunnel | "noTunnelIds" {
    const { core } = this.#parts;
    const id = freeId(core.random, (taken) => this.register.isTaken(taken));
    if (id === undefined) return "noTunnelIds";
    const address: PeerAddress = { ...from };
    const tunnel = this.register.make(now, id, peerTunnelId, address, core.settings.tunnel, false, "");
    tunnel.sccrqKey = key;
    tunnel.sccrqOctets = octets;
    core.bySccrq.set(key, tunnel);
    core.halfOpen++;
    tunnel.source.halfOpen++;
    return tunnel;
  }

  /** Takes a control message of the tunnel itself, decoded and in its order. */
  receive(now: Instant, tunnel: Tunnel, message: MessageOf<"SCCRQ" | "SCCRP" | "SCCCN" | "StopCCN">): void {
    switch (message.type) {
      case "SCCRQ":
        if (tunnel.state === "idle" && !tunnel.originator && tunnel.question === 0) {
          this.#ask(now, tunnel, message);
        } else this.#outOfOrder(now, tunnel, "SCCRQ");
        break;
      case "SCCRP":
        if (!isJudged(CONTROL_CONNECTION, tunnel.state, "rx-SCCRP")) this.#outOfOrder(now, tunnel, "SCCRP");
        else {
          const fault = this.#judgeSccrp(now, tunnel, message);
          if (fault === undefined) this.fire(now, tunnel, "rx-SCCRP-acceptable");
          else this.#refuse(now, tunnel, "rx-SCCRP-unacceptable", fault.cause, fault.stop);
        }
        break;
      case "SCCCN":
        if (!isJudged(CONTROL_CONNECTION, tunnel.state, "rx-SCCCN")) this.#outOfOrder(now, tunnel, "SCCCN");
        else {
          const stop = this.#judgeSecret(now, tunnel, 3, message.challengeResponse);
          if (stop === undefined) this.fire(now, tunnel, "rx-SCCCN-acceptable");
          else this.#refuse(now, tunnel, "rx-SCCCN-unacceptable", "authentication", stop);
        }
        break;
      case "StopCCN":
        this.#stopped(now, tunnel, message);
        break;
    }
  }

  /** A message whose order, form or kind breaks the protocol: the tunnel is cleared (RFC 2661 §7.1). */
  protocolError(now: Instant, tunnel: Tunnel, stop: StopFacts): void {
    this.#refuse(now, tunnel, "protocol-error", "protocol-error", stop);
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
      this.#refuse(now, tunnel, "rx-SCCRQ-unacceptable", "refused", stop, remedy);
      return;
    }
    tunnel.name = decision.name ?? tunnel.name;
    if (decision.tunnelId !== undefined) this.register.rename(tunnel, decision.tunnelId);
    tunnel.settings = settings;
    this.acquaintance.learnQuirks(tunnel, settings.quirks);
    this.acquaintance.configure(now, tunnel);
    const stop = this.#judgeChallenge(tunnel);
    if (stop !== undefined) {
      this.#refuse(now, tunnel, "rx-SCCRQ-unacceptable", "authentication", stop);
      return;
    }
    const challenge = mustChallenge(settings)
      ? this.challenges.issue(this.#parts.core.random, tunnel)
      : undefined;
    const reply = sccrp(settings, tunnel.tunnelId, challenge, answerTo(2, tunnel));
    this.#parts.core.counters.count("tunnelsAccepted");
    this.fire(now, tunnel, "rx-SCCRQ-acceptable", { reply });
  }

  /** Nobody has decided in time. */
  undecided(now: Instant, tunnel: Tunnel): void {
    tunnel.question = 0;
    this.#parts.core.counters.count("undecided");
    const stop = { ...STOP.noResources, text: "no decision in time" };
    this.#refuse(now, tunnel, "rx-SCCRQ-unacceptable", "undecided", stop);
  }

  /** Ends a tunnel for a reason of ours. @throws EncodeError when that does not fit; nothing has changed then. */
  stop(now: Instant, tunnel: Tunnel, cause: Cause, stop: StopFacts): void {
    tryStop(stop);
    this.#refuse(now, tunnel, "admin-close", cause, stop);
  }

  /** The tunnel is wanted for a session. */
  wanted(now: Instant, session: Session): void {
    this.fire(now, session.tunnel, "local-open-request", { session });
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
    this.fire(now, tunnel, "rx-SCCRQ-lose-tie-breaker", {
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
    const text = `sent ${transmissions} times without acknowledgement, nothing heard for ${Math.round(silentMs / 1_000)} s`;
    const end = ending({ by: "network", cause, text });
    this.fire(now, tunnel, "no-response", { ending: end, leave: "forget" });
  }

  /** The time for set-up is over. */
  setUpTimeout(now: Instant, tunnel: Tunnel): void {
    const stop = { ...STOP.cleared, text: "not established in time" };
    this.#refuse(now, tunnel, "set-up-timeout", "set-up-timeout", stop);
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

  #act(now: Instant, tunnel: Tunnel, action: ControlAction, context: Context, before: Tunnel["state"]): void {
    const { calls, core } = this.#parts;
    switch (action) {
      case "send-SCCRQ": {
        const { settings, tunnelId } = tunnel;
        if (settings.tieBreaker) tunnel.tieBreaker = core.random.u64();
        const message = sccrq(settings, tunnelId, tunnel.tieBreaker, mustChallenge(settings));
        if (mustChallenge(settings)) {
          core.send(now, tunnel, { ...message, challenge: this.challenges.issue(core.random, tunnel) });
        } else core.send(now, tunnel, message);
        break;
      }
      case "send-SCCRP":
        if (context.reply !== undefined) core.send(now, tunnel, context.reply);
        break;
      case "send-SCCCN": {
        const challengeResponse = answerTo(3, tunnel);
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

  /** Set by reception.ts: refuses a caller to whom nothing was sent yet, without keeping state for it. */
  refuseCaller: (now: Instant, tunnel: Tunnel, stop: StopFacts) => void = () => {};

  #sendStop(now: Instant, tunnel: Tunnel, stop: StopFacts): void {
    this.#parts.core.send(now, tunnel, stopMessage(tunnel.tunnelId, stop));
  }

  #refuse(
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

  #outOfOrder(now: Instant, tunnel: Tunnel, type: "SCCRQ" | "SCCRP" | "SCCCN"): void {
    const { core } = this.#parts;
    core.counters.count("illegalMessages");
    core.counters.messages[type].receiveErrors++;
    const text = `${type} in state ${tunnel.state}`;
    // A second SCCRQ on a channel whose first is not decided yet has no row of its own.
    const event = type === "SCCRQ" && tunnel.state === "idle" ? "protocol-error" : (`rx-${type}` as const);
    this.#refuse(now, tunnel, event, "protocol-error", { ...STOP.stateMachine, text });
  }

  #stopped(now: Instant, tunnel: Tunnel, message: Message<"StopCCN", 2>): void {
    const { core } = this.#parts;
    const { resultCode, errorCode, errorMessage, swapped } = message.resultCode;
    if (tunnel.peerTunnelId !== 0 && message.assignedTunnelId !== tunnel.peerTunnelId) {
      // Accepted all the same: the header has named the tunnel.
      core.counters.count("mismatchedIds");
    }
    if (tunnel.peerTunnelId === 0) this.acquaintance.learnPeerId(now, tunnel, message.assignedTunnelId);
    if (swapped) this.acquaintance.learnQuirk(tunnel, "swapped-result");
    if (resultCode === 2 && errorCode === undefined) this.acquaintance.learnQuirk(tunnel, "short-result");
    const up = tunnel.establishedAt !== undefined;
    const tryAnother = resultCode === 2 && (errorCode === 7 || errorCode === 4);
    const cause: Cause = tryAnother
      ? "try-another"
      : !up && speaksOfSecrets(tunnel, message)
        ? "authentication"
        : up
          ? "peer-close"
          : "peer-refused";
    const end = ending({
      by: "peer",
      cause,
      message: "StopCCN",
      result: resultCode,
      ...(errorCode !== undefined && { error: errorCode }),
      ...(errorMessage !== undefined && { text: errorMessage }),
    });
    this.fire(now, tunnel, "rx-StopCCN", { ending: end });
  }

  /** A caller with a well-formed SCCRQ: somebody else decides. */
  #ask(now: Instant, tunnel: Tunnel, message: Message<"SCCRQ", 2>): void {
    const { core } = this.#parts;
    this.acquaintance.learnFacts(now, tunnel, message);
    tunnel.peerChallenge = message.challenge;
    const { token, deadline } = core.questions.ask(now, { about: "peer", tunnel });
    tunnel.question = token;
    core.emit({
      type: "question",
      about: "peer",
      token,
      tunnel: tunnel.handle,
      name: tunnel.name,
      from: tunnel.peer,
      peer: tunnel.facts as PeerFacts,
      challenges: message.challenge !== undefined,
      deadline,
    });
  }

  #judgeSccrp(
    now: Instant,
    tunnel: Tunnel,
    message: Message<"SCCRP", 2>,
  ): { readonly cause: Cause; readonly stop: StopFacts } | undefined {
    this.acquaintance.learnPeerId(now, tunnel, message.assignedTunnelId);
    this.acquaintance.learnFacts(now, tunnel, message);
    tunnel.peerChallenge = message.challenge;
    const stop = this.#judgeSecret(now, tunnel, 2, message.challengeResponse) ?? this.#judgeChallenge(tunnel);
    return stop === undefined ? undefined : { cause: "authentication", stop };
  }

  /** Whether the peer has answered our challenge, if we sent one. */
  #judgeSecret(
    now: Instant,
    tunnel: Tunnel,
    messageType: 2 | 3,
    response: Uint8Array | undefined,
  ): StopFacts | undefined {
    const { core } = this.#parts;
    if (tunnel.challenge === undefined) return undefined;
    const secret =
      response === undefined
        ? -1
        : secretThatAnswers(messageType, tunnel.settings.secrets, tunnel.challenge, response);
    this.challenges.settle(tunnel);
    if (secret >= 0) {
      tunnel.secret = secret;
      tunnel.authenticated = true;
      return undefined;
    }
    core.counters.count("authenticationFailures");
    tunnel.source.statistics.badAuthentications++;
    tunnel.source.badAuthentication.take(now);
    const text = response === undefined ? "no Challenge Response" : "wrong Challenge Response";
    return { ...STOP.notAuthorized, text };
  }

  /** Whether we can and may answer the peer's challenge, if it sent one. */
  #judgeChallenge(tunnel: Tunnel): StopFacts | undefined {
    const { core } = this.#parts;
    if (tunnel.peerChallenge === undefined) return undefined;
    if (this.challenges.isOurs(tunnel.peerChallenge) && !core.isOwn(tunnel.peer)) {
      core.counters.count("reflectedChallenges");
      return { ...STOP.notAuthorized, text: "the Challenge is one of ours, reflected" };
    }
    if (tunnel.settings.secrets.length > 0) return undefined;
    core.counters.count("authenticationFailures");
    return { ...STOP.notAuthorized, text: "a Challenge, and no secret is configured here" };
  }

  #established(now: Instant, tunnel: Tunnel): void {
    const { core, planes } = this.#parts;
    tunnel.establishedAt = now;
    this.acquaintance.configure(now, tunnel, true);
    this.challenges.settle(tunnel);
    if (!tunnel.originator) this.register.halfOpenEnds(tunnel);
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
    this.sessionsChanged(now, tunnel);
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
    this.challenges.settle(tunnel);
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
    this.register.remember(now, tunnel, end);
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
      this.register.remove(now, tunnel, core.restMs(tunnel));
      return;
    }
    core.transport.close(tunnel.channel, now, { until: core.closeUntil });
    core.tombs.add(tunnel);
    this.register.limitTombs(now);
  }
}

/** What other daemons call a secret that is wrong or missing, whatever their result code: xl2tpd's is 2/6. */
const SECRETS = /\b(challenge|secret)\b/i;

/** Whether a StopCCN during the set-up is about tunnel authentication. */
function speaksOfSecrets(tunnel: Tunnel, { resultCode }: Message<"StopCCN", 2>): boolean {
  const denied = resultCode.resultCode === 4 && tunnel.settings.secrets.length > 0;
  return denied || SECRETS.test(resultCode.errorMessage ?? "");
}

/** Whether datagrams from there may belong to the tunnel. */
export function acceptsFrom(tunnel: Tunnel, from: SocketAddress): boolean {
  if (tunnel.peer.address === from.address) {
    if (tunnel.peer.port === from.port || tunnel.settings.peerAddress !== "strict") return true;
    // The recipient of an SCCRQ "picks a free port on its own system" (RFC 2661 §8.1).
    return tunnel.originator && tunnel.peerTunnelId === 0;
  }
  if (tunnel.settings.peerAddress !== "roam") return false;
  // An SCCRP from elsewhere has to bring the answer to our challenge, or it ends the attempt.
  const awaited = tunnel.originator && tunnel.peerTunnelId === 0 && tunnel.challenge !== undefined;
  return awaited || (tunnel.authenticated && tunnel.state === "established");
}

/** Whether a datagram from there means that the peer has moved. */
export const hasMoved = (tunnel: Tunnel, from: PeerAddress): boolean =>
  !sameEnd(tunnel.peer, from) || tunnel.peer.local !== from.local || tunnel.peer.wire !== from.wire;

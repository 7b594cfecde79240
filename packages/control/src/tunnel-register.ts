/** Which tunnels there are: made, remembered when they have ended, kept for their last acknowledgements, and gone. */
import type { Instant } from "@l2tp/protocol";
import type { Acquaintance } from "./acquaintance.ts";
import type { Ending } from "./ending.ts";
import { ControlError } from "./errors.ts";
import { freeId } from "./ids.ts";
import { MessageLog } from "./message-log.ts";
import type { PeerAddress, TunnelHandle } from "./names.ts";
import type { TunnelSettings } from "./parameters.ts";
import type { Parts } from "./parts.ts";
import { leniencyOf, STRICT } from "./quirks.ts";
import type { Tunnel } from "./state.ts";
import { CONTROL_CONNECTION } from "./tables/control-connection.ts";

export class TunnelRegister {
  readonly #parts: Parts;
  readonly #acquaintance: Acquaintance;

  constructor(parts: Parts, acquaintance: Acquaintance) {
    this.#parts = parts;
    this.#acquaintance = acquaintance;
  }

  /** Makes a tunnel in state idle, with its channel. */
  make(
    now: Instant,
    tunnelId: number,
    peerTunnelId: number,
    peer: PeerAddress,
    settings: TunnelSettings,
    originator: boolean,
    name: string,
  ): Tunnel {
    const { core } = this.#parts;
    const source = core.sources.of(now, peer.address);
    const channel = core.transport.open(now, {
      version: 2,
      peerConnectionId: peerTunnelId,
      settings: settings.transport,
    });
    const tunnel: Tunnel = {
      handle: core.nextNumber() as TunnelHandle,
      tunnelId,
      peerTunnelId,
      name,
      state: CONTROL_CONNECTION.initial,
      originator,
      settings,
      peer,
      facts: undefined,
      channel,
      sessions: new Map(),
      byPeerSession: new Map(),
      resting: undefined,
      quirks: settings.quirks,
      leniency: settings.quirks.length === 0 ? STRICT : leniencyOf(settings.quirks),
      challenge: undefined,
      peerChallenge: undefined,
      secret: -1,
      answered: -1,
      hiddenWith: undefined,
      authenticated: false,
      tieBreaker: undefined,
      sccrqKey: undefined,
      sccrqOctets: 0,
      question: 0,
      plane: "none",
      planeToken: 0,
      closed: false,
      ending: undefined,
      source,
      openedAt: now,
      establishedAt: undefined,
      askedAt: Number.NEGATIVE_INFINITY,
      timers: -1,
      sessionsEstablished: 0,
      sessionsFailed: 0,
      log: new MessageLog(core.settings.messagesRemembered),
    };
    source.open.add(tunnel);
    core.tunnelsById.set(tunnelId, tunnel);
    core.tunnels.set(tunnel.handle, tunnel);
    core.byChannel.set(channel, tunnel);
    this.#acquaintance.configure(now, tunnel);
    core.timers.arm(tunnel, "setUp", now + settings.tunnelSetupMs);
    return tunnel;
  }

  /** Whether an ID is in use or rests. */
  isTaken(id: number): boolean {
    const { core } = this.#parts;
    return core.tunnelsById.has(id) || core.restingTunnelIds.has(id);
  }

  /** A free ID, or the one that is wanted. @throws ControlError. */
  takeId(now: Instant, wanted: number | undefined): number {
    const { core } = this.#parts;
    if (wanted !== undefined) {
      core.restingTunnelIds.wake(wanted, now);
      if (!Number.isInteger(wanted) || wanted < 1 || wanted > 65_535) {
        throw new ControlError(
          "ERR_L2TP_PARAMETER",
          `tunnelId: a number from 1 to 65535 was expected, got ${wanted}`,
        );
      }
      if (this.isTaken(wanted)) {
        const text = `tunnelId: ${wanted} is in use or rests after use; leave it out to have a free one`;
        throw new ControlError("ERR_L2TP_PARAMETER", text);
      }
      return wanted;
    }
    const id = freeId(core.random, (taken) => this.isTaken(taken));
    if (id !== undefined) return id;
    core.counters.count("noTunnelIds");
    throw new ControlError("ERR_L2TP_LIMIT", "all 65,535 tunnel IDs are in use or rest");
  }

  /** Gives a tunnel to which nothing was sent yet the ID that {@link takeId} has found free. */
  rename(tunnel: Tunnel, tunnelId: number): void {
    const { tunnelsById } = this.#parts.core;
    tunnelsById.delete(tunnel.tunnelId);
    tunnel.tunnelId = tunnelId;
    tunnelsById.set(tunnelId, tunnel);
  }

  /** Lets go of the oldest closed tunnels, when there are too many. */
  limitTombs(now: Instant): void {
    const { core } = this.#parts;
    for (const tomb of core.tombs) {
      if (core.tombs.size <= core.settings.limits.closedTunnels) return;
      core.transport.release(tomb.channel);
      this.remove(now, tomb, core.restMs(tomb));
    }
  }

  /** Lets go of closed tunnels whose peer has acknowledged everything, and was silent for so long. */
  dropIdleTombs(now: Instant, silenceMs: number): void {
    const { core } = this.#parts;
    for (const tomb of [...core.tombs]) {
      const { queued = 0, lastHeardAt = 0 } = core.transport.statistics(tomb.channel) ?? {};
      if (queued > 0 || now - lastHeardAt < silenceMs) continue;
      core.transport.release(tomb.channel);
      this.remove(now, tomb, 0);
    }
  }

  /** Keeps what has ended visible for a while. */
  remember(now: Instant, tunnel: Tunnel, end: Ending): void {
    this.#parts.core.closedTunnels.add({
      tunnel: tunnel.handle,
      name: tunnel.name,
      tunnelId: tunnel.tunnelId,
      peerTunnelId: tunnel.peerTunnelId,
      hostName: tunnel.facts?.hostName,
      peer: tunnel.peer,
      originator: tunnel.originator,
      openedAt: tunnel.openedAt,
      establishedAt: tunnel.establishedAt,
      closedAt: now,
      sessionsEstablished: tunnel.sessionsEstablished,
      sessionsFailed: tunnel.sessionsFailed,
      ending: end,
      messages: tunnel.log.list(),
    });
  }

  /** It is half open no more. */
  halfOpenEnds(tunnel: Tunnel): void {
    this.#parts.core.halfOpen--;
    tunnel.source.halfOpen--;
  }

  /** The tunnel's channel has gone, and with it the last of the tunnel. */
  remove(now: Instant, tunnel: Tunnel, restMs: number): void {
    const { core, planes } = this.#parts;
    core.tombs.delete(tunnel);
    core.tunnelsById.delete(tunnel.tunnelId);
    core.tunnels.delete(tunnel.handle);
    core.byChannel.delete(tunnel.channel);
    if (tunnel.sccrqKey !== undefined && core.bySccrq.get(tunnel.sccrqKey) === tunnel) {
      core.bySccrq.delete(tunnel.sccrqKey);
    }
    if (!tunnel.originator && tunnel.establishedAt === undefined) this.halfOpenEnds(tunnel);
    core.restingTunnelIds.purge(now);
    if (restMs > 0) core.restingTunnelIds.rest(tunnel.tunnelId, now + restMs);
    planes.tearDownTunnel(now, tunnel);
    tunnel.resting = undefined;
    core.emit({ type: "tunnel-gone", tunnel: tunnel.handle, name: tunnel.name });
    if (core.shutDown && core.tunnels.size === 0) core.emit({ type: "empty" });
  }
}

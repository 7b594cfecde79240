/**
 * What the data plane is asked for, and what follows from its answers. A tunnel's plane is set up when its peer has
 * shown who it is; a session's as soon as both of its IDs are known. An LNS answers the call when that is there, and a LAC
 * says then that the call is connected: so no frame of the peer arrives too early.
 */
import type { Instant } from "@l2tp/protocol";
import type { IntentSubject } from "./core.ts";
import type { Token } from "./names.ts";
import type { Parts } from "./parts.ts";
import type { Session, Tunnel } from "./state.ts";

const NO_COOKIE = new Uint8Array(0);

/** Result Code and Error Code that tell a peer of a data plane that failed. */
const NO_RESOURCES = { result: 2, error: 4 } as const;

export class Planes {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The tunnel is established: the data plane may have it. */
  setUpTunnel(now: Instant, tunnel: Tunnel): void {
    if (tunnel.plane !== "none") return;
    const { core } = this.#parts;
    const { token } = core.intents.ask(now, { intent: "set-up-tunnel", tunnel });
    tunnel.plane = "asked";
    tunnel.planeToken = token;
    const { peer } = tunnel;
    core.emit({
      type: "intent",
      intent: "set-up-tunnel",
      token,
      tunnel: tunnel.handle,
      name: tunnel.name,
      plane: {
        name: tunnel.name,
        version: 2,
        encapsulation: "udp",
        mode: "dynamic",
        peer: { family: peer.family, address: peer.address, port: peer.port },
        tunnelId: tunnel.tunnelId,
        peerTunnelId: tunnel.peerTunnelId,
      },
      ...(peer.local !== undefined && { from: peer.local }),
      ...(peer.wire !== undefined && { wire: peer.wire }),
    });
  }

  /** Both IDs of the session are known. It waits for its tunnel's plane where that is not ready. */
  setUpSession(now: Instant, session: Session): void {
    const { core } = this.#parts;
    const { tunnel } = session;
    if (session.plane !== "none" || tunnel.plane !== "ready") return;
    const { token } = core.intents.ask(now, { intent: "set-up-session", session });
    session.plane = "asked";
    session.planeToken = token;
    const sequence = session.sequencingRequired || session.sequencing;
    core.emit({
      type: "intent",
      intent: "set-up-session",
      token,
      tunnel: tunnel.handle,
      session: session.handle,
      name: session.name,
      role: session.kind.startsWith("lac") ? "lac" : "lns",
      plane: {
        name: session.name,
        pseudowire: "ppp",
        sessionId: session.sessionId,
        peerSessionId: session.peerSessionId,
        cookie: NO_COOKIE,
        peerCookie: NO_COOKIE,
        l2SpecificSublayer: "none",
        sendSequence: sequence,
        receiveSequence: session.sequencingRequired,
        reorderMs: 0,
      },
    });
  }

  /** Sequence numbers on or off, where the data plane has the session already. */
  updateSession(now: Instant, session: Session, on: boolean): void {
    const { core } = this.#parts;
    session.sequencing = on;
    if (session.plane === "none") return;
    const { token } = core.intents.ask(now, { intent: "update-session", session, on });
    core.emit({
      type: "intent",
      intent: "update-session",
      token,
      tunnel: session.tunnel.handle,
      session: session.handle,
      name: session.name,
      sendSequence: on,
      receiveSequence: session.sequencingRequired,
    });
  }

  /** The peer answers from elsewhere. */
  moveTunnel(now: Instant, tunnel: Tunnel): void {
    if (tunnel.plane === "none") return;
    const { core } = this.#parts;
    const { token } = core.intents.ask(now, { intent: "move-tunnel", tunnel });
    const { family, address, port } = tunnel.peer;
    const peer = { family, address, port };
    core.emit({
      type: "intent",
      intent: "move-tunnel",
      token,
      tunnel: tunnel.handle,
      name: tunnel.name,
      peer,
    });
  }

  /** The session has ended: its ID rests until `restUntil`, and until the data plane has let go of it. */
  tearDownSession(now: Instant, session: Session, restUntil: Instant): void {
    const { core } = this.#parts;
    if (session.planeToken !== 0) core.intents.answer(session.planeToken);
    session.planeToken = 0;
    if (session.plane === "none") return;
    session.plane = "none";
    const { tunnel, sessionId } = session;
    tunnel.resting?.rest(sessionId, Number.POSITIVE_INFINITY);
    const { token } = core.intents.ask(now, { intent: "tear-down-session", tunnel, sessionId, restUntil });
    core.emit({
      type: "intent",
      intent: "tear-down-session",
      token,
      tunnel: tunnel.handle,
      session: session.handle,
      name: session.name,
    });
  }

  /** The tunnel has gone, its acknowledgements too. */
  tearDownTunnel(now: Instant, tunnel: Tunnel): void {
    const { core } = this.#parts;
    if (tunnel.planeToken !== 0) core.intents.answer(tunnel.planeToken);
    tunnel.planeToken = 0;
    if (tunnel.plane === "none") return;
    tunnel.plane = "none";
    core.restingTunnelIds.rest(tunnel.tunnelId, Number.POSITIVE_INFINITY);
    const { token } = core.intents.ask(now, { intent: "tear-down-tunnel", tunnelId: tunnel.tunnelId });
    core.emit({
      type: "intent",
      intent: "tear-down-tunnel",
      token,
      tunnel: tunnel.handle,
      name: tunnel.name,
    });
  }

  /** The data plane has done what it was asked for. */
  ready(now: Instant, token: Token): void {
    const subject = this.#parts.core.intents.answer(token);
    if (subject !== undefined) this.#done(now, subject);
  }

  /** It could not; or (see {@link expired}) has not answered. */
  failed(now: Instant, token: Token, reason: string): void {
    const subject = this.#parts.core.intents.answer(token);
    if (subject !== undefined) this.#failed(now, subject, reason);
  }

  /** The time for answers is over for some. */
  expired(now: Instant): void {
    const { core } = this.#parts;
    for (let late = core.intents.expired(now); late !== undefined; late = core.intents.expired(now)) {
      this.#failed(now, late, "the data plane did not answer in time");
    }
  }

  #done(now: Instant, subject: IntentSubject): void {
    const { calls, core } = this.#parts;
    switch (subject.intent) {
      case "set-up-tunnel":
        subject.tunnel.plane = "ready";
        subject.tunnel.planeToken = 0;
        for (const session of subject.tunnel.sessions.values()) {
          if (session.peerSessionId !== 0 && session.state !== "idle") this.setUpSession(now, session);
        }
        break;
      case "set-up-session":
        subject.session.plane = "ready";
        subject.session.planeToken = 0;
        calls.planeReady(now, subject.session);
        break;
      case "update-session":
        if (subject.session.state === "idle") break;
        core.emit({
          type: "sequencing",
          tunnel: subject.session.tunnel.handle,
          session: subject.session.handle,
          name: subject.session.name,
          on: subject.on,
        });
        break;
      case "tear-down-session":
      case "tear-down-tunnel":
        this.#tornDown(now, subject);
        break;
      case "move-tunnel":
        break;
    }
  }

  #failed(now: Instant, subject: IntentSubject, reason: string): void {
    const { calls, core, tunnels } = this.#parts;
    core.counters.count("dataPlaneFailures");
    switch (subject.intent) {
      case "set-up-tunnel":
        subject.tunnel.plane = "none";
        subject.tunnel.planeToken = 0;
        tunnels.stop(now, subject.tunnel, "data-plane", { ...NO_RESOURCES, text: reason });
        break;
      case "move-tunnel":
        tunnels.stop(now, subject.tunnel, "data-plane", { ...NO_RESOURCES, text: reason });
        break;
      case "set-up-session":
        subject.session.plane = "none";
        subject.session.planeToken = 0;
        calls.planeFailed(now, subject.session, reason);
        break;
      case "update-session":
        if (subject.session.state !== "idle") subject.session.sequencing = !subject.on;
        break;
      case "tear-down-session":
      case "tear-down-tunnel":
        // It is not there, or nobody can tell: there is nothing more to wait for.
        this.#tornDown(now, subject);
        break;
    }
  }

  #tornDown(now: Instant, subject: IntentSubject): void {
    const { core, tunnels } = this.#parts;
    if (subject.intent === "tear-down-tunnel") core.restingTunnelIds.rest(subject.tunnelId, now);
    if (subject.intent !== "tear-down-session") return;
    const { resting } = subject.tunnel;
    if (resting === undefined) return;
    resting.rest(subject.sessionId, subject.restUntil);
    tunnels.wakeForResting(now, subject.tunnel);
  }
}

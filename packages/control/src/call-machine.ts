/**
 * What the state machines of calls do (RFC 2661 §7.4, §7.5), at both ends and in both directions: one step, and its
 * actions. Which action belongs to which event in which state is in tables/.
 */
import type { Instant, Message } from "@l2tp/protocol";
import { CDN, type CdnFacts, cdn, iccn, icrq, occn, ocrq } from "./call-messages.ts";
import type { Cause } from "./cause.ts";
import { type Ending, ending } from "./ending.ts";
import { step } from "./machine.ts";
import type { MessageOf } from "./message-of.ts";
import type { Parts } from "./parts.ts";
import type { SessionRegister } from "./session-register.ts";
import { type Session, whose } from "./state.ts";
import { CALLS, type CallAction, type CallEvent } from "./tables/calls.ts";

/** What an event brings along for the actions. */
interface Context {
  readonly ending?: Ending;
  readonly cdn?: CdnFacts;
  readonly reply?: MessageOf<"ICRP" | "OCRP">;
}

export class CallMachine {
  readonly #parts: Parts;
  readonly #register: SessionRegister;

  constructor(parts: Parts, register: SessionRegister) {
    this.#parts = parts;
    this.#register = register;
  }

  /** Steps the machine and does what the table says. */
  fire(now: Instant, session: Session, event: CallEvent, context: Context = {}): void {
    const { core } = this.#parts;
    if (!core.sessions.has(session.handle)) return;
    const [actions, next] = step(CALLS[session.kind], session.state, event);
    session.state = next;
    for (const action of actions) this.#act(now, session, action, context);
    if (next === "established") this.upIfReady(now, session);
    core.timers.settle(session);
  }

  /** Ends a session for a reason of ours, which a CDN tells the peer. */
  disconnect(
    now: Instant,
    session: Session,
    event: CallEvent,
    cause: Cause,
    facts: CdnFacts,
    remedy?: string,
  ): void {
    const { q931, disconnect, ...rest } = facts;
    const end = ending({
      by: "local",
      cause,
      message: "CDN",
      ...rest,
      ...(q931 !== undefined && { q931 }),
      ...(disconnect !== undefined && { disconnect }),
      ...(remedy !== undefined && { remedy }),
    });
    this.fire(now, session, event, { ending: end, cdn: facts });
  }

  /** It is up when the peer and the data plane have it. */
  upIfReady(now: Instant, session: Session): void {
    const { core } = this.#parts;
    if (session.up || session.state !== "established" || session.plane !== "ready") return;
    session.up = true;
    session.establishedAt = now;
    core.sessionsUp++;
    session.tunnel.sessionsEstablished++;
    session.tunnel.source.statistics.sessionsEstablished++;
    core.counters.count("sessionsEstablished");
    const { request, reply, connected, proxy } = session.setup ?? {};
    session.setup = undefined;
    core.timers.settle(session);
    core.emit({
      type: "session-up",
      ...whose(session),
      kind: session.kind,
      sessionId: session.sessionId,
      peerSessionId: session.peerSessionId,
      callSerialNumber: session.callSerialNumber,
      ...(request !== undefined && { request }),
      ...(reply !== undefined && { reply }),
      ...(connected !== undefined && { connected }),
      ...(proxy !== undefined && { proxy }),
      sequencingRequired: session.sequencingRequired,
    });
  }

  #act(now: Instant, session: Session, action: CallAction, context: Context): void {
    const { core, tunnels } = this.#parts;
    const { tunnel, setup } = session;
    switch (action) {
      case "initiate-tunnel-open":
        core.timers.arm(session, "setUp", now + tunnel.settings.sessionSetupMs);
        tunnels.wanted(now, session);
        break;
      case "send-ICRQ":
        core.send(now, tunnel, icrq(session));
        break;
      case "send-OCRQ":
        core.send(now, tunnel, ocrq(session));
        break;
      case "send-ICRP":
        // Upon an ICRP the LAC connects, and its first frames follow at once: the data plane is to be there for them.
        if (context.reply?.type !== "ICRP") break;
        if (setup !== undefined && session.plane !== "ready") setup.heldReply = context.reply;
        else core.send(now, tunnel, context.reply, session.peerSessionId);
        break;
      case "send-OCRP":
        if (context.reply !== undefined) core.send(now, tunnel, context.reply, session.peerSessionId);
        break;
      case "send-ICCN": {
        const connected = setup?.opening?.kind === "incoming" ? setup.opening.connected : undefined;
        core.send(now, tunnel, iccn(connected, tunnel), session.peerSessionId);
        break;
      }
      case "send-OCCN":
        core.send(now, tunnel, occn(setup?.outgoingConnected, tunnel), session.peerSessionId);
        break;
      case "open-bearer":
        core.emit({ type: "place-call", ...whose(session), request: setup?.request as Message<"OCRQ", 2> });
        break;
      case "prepare-for-data":
        // The data plane has been asked since the ICRP; see #upIfReady.
        break;
      case "send-CDN":
        core.send(now, tunnel, cdn(session.sessionId, context.cdn ?? CDN.badValue), session.peerSessionId);
        break;
      case "clean-up":
        this.#register.remove(now, session, context.ending ?? ending({ by: "local", cause: "local-close" }));
        break;
    }
  }
}

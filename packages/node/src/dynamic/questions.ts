/**
 * Who may have a tunnel, and which calls may be: the endpoint's questions go to the context's authority, or, where there is
 * none, out as events. Time limits are the endpoint's: an answer that comes too late changes nothing.
 */
import type { Authority, CallGrant, CallRequest, PeerGrant, Refusal } from "@l2tp/access";
import {
  CDN,
  ControlError,
  type IncomingCallQuestion,
  type OutgoingCallQuestion,
  type PeerQuestion,
  type RefusalDecision,
} from "@l2tp/control";
import type { Profiles, SessionDefaults } from "./api.ts";
import type { AcceptCall, AcceptTunnel, Refuse } from "./events.ts";
import type { DynamicHost, SecondAnswer } from "./host.ts";

export type CallQuestion = IncomingCallQuestion | OutgoingCallQuestion;

/** Where a question comes from, as far as the endpoint does not know it. */
export interface PeerContext {
  readonly listener: string;
  /** Accepts: reserves the ID, makes the tunnel, answers. @returns whether it was in time. */
  accept(grant: AcceptTunnel): Promise<boolean>;
  refuse(why: RefusalDecision): boolean;
}

/** The same for a call. */
export interface CallContext {
  readonly tunnel: string;
  readonly tunnelId: number;
  readonly peerName: string;
  readonly sessionId: number;
  readonly session: string;
  /** Where the tunnel was dialled, or accepted with an answer that said so. */
  readonly usual: SessionDefaults;
  accept(grant: AcceptCall): boolean;
  refuse(why: RefusalDecision): boolean;
}

/** Default StopCCN and CDN for who is refused without a word, and what the log says where nobody decides. */
const NOBODY = "there is neither an authority nor a listener for the event: nobody decides";

export class Questions {
  readonly #host: DynamicHost;
  readonly #authority: Authority | undefined;
  readonly #profiles: Profiles | undefined;

  constructor(host: DynamicHost, authority: Authority | undefined, profiles: Profiles | undefined) {
    this.#host = host;
    this.#authority = authority;
    this.#profiles = profiles;
  }

  /** May this peer have a tunnel? */
  async peer(question: PeerQuestion, context: PeerContext): Promise<void> {
    if (this.#authority === undefined) {
      this.#askPeer(question, context);
      return;
    }
    const { from, peer } = question;
    const { hostName, vendorName } = peer;
    const local = { family: from.family, address: from.local ?? "", port: this.#portOf(question) };
    const answer = await this.#ask(() =>
      this.#authority?.peer({
        from: { family: from.family, address: from.address, port: from.port },
        local,
        listener: context.listener,
        hostName,
        vendorName,
      }),
    );
    if (!answer.accept) context.refuse(refusal(answer));
    else await this.#grantPeer(answer, context);
  }

  #portOf({ from }: PeerQuestion): number {
    return (from.wire === undefined ? undefined : this.#host.wires.local(from.wire)?.port) ?? 0;
  }

  /** An authority that fails refuses. */
  async #ask<T>(question: () => T | Refusal | undefined | Promise<T | Refusal>): Promise<T | Refusal> {
    try {
      return (await question()) ?? { accept: false, reason: NOBODY };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#host.logger.error({ error }, `the authority failed, which counts as a refusal: ${text}`);
      return { accept: false, reason: `the authority failed: ${text}` };
    }
  }

  async #grantPeer(grant: PeerGrant, context: PeerContext): Promise<void> {
    const { tunnelProfile, sessionProfile, pppProfile, secrets, peer } = grant;
    const changes = tunnelProfile === undefined ? {} : this.#profiles?.tunnel(tunnelProfile);
    if (changes === undefined) {
      context.refuse({
        accept: false,
        remedy: `add tunnel profile ${tunnelProfile}, which peer ${peer} names`,
      });
      return;
    }
    const session = this.#session(sessionProfile, pppProfile, {});
    if (typeof session === "string") {
      context.refuse({ accept: false, remedy: `add ${session}, which peer ${peer} names` });
      return;
    }
    try {
      await context.accept({ ...changes, secrets, peerName: peer, session });
    } catch (error) {
      this.#unusable(error, context);
    }
  }

  /** Settings that the endpoint does not take: whoever wrote the profile has to know. */
  #unusable(error: unknown, context: PeerContext | CallContext): void {
    if (!(error instanceof ControlError) && !(error instanceof Error)) throw error;
    this.#host.logger.error({ error }, `settings that cannot be carried out: ${error.message}`);
    context.refuse({ accept: false, remedy: `correct the profile: ${error.message}` });
  }

  /** @returns what a session gets by these profiles, or the name of the profile that is missing. */
  #session(
    sessionProfile: string | undefined,
    pppProfile: string | undefined,
    usual: SessionDefaults,
  ): SessionDefaults | string {
    const named = sessionProfile === undefined ? {} : this.#profiles?.session(sessionProfile);
    if (named === undefined) return `session profile ${sessionProfile}`;
    const defaults = Object.assign({}, usual, named);
    if (pppProfile === undefined || named.ppp !== undefined) return defaults;
    const profile = this.#profiles?.ppp(pppProfile);
    if (profile === undefined) return `PPP profile ${pppProfile}`;
    return this.#host.capabilities.pppLink === undefined
      ? defaults
      : Object.assign({}, defaults, { ppp: { by: "own", profile } as const });
  }

  #askPeer(question: PeerQuestion, context: PeerContext): void {
    const { emitter, clock, wires } = this.#host;
    if (!emitter.hears("incoming-tunnel")) {
      context.refuse({ accept: false, remedy: NOBODY });
      return;
    }
    const { from, peer, challenges, deadline } = question;
    const { family, address, port } = from;
    const local = (from.wire === undefined ? undefined : wires.local(from.wire)) ?? { family, address, port };
    emitter.emit({
      type: "incoming-tunnel",
      at: clock.now(),
      listener: context.listener,
      from: { family, address, port },
      local: { ...local, address: from.local ?? local.address },
      peerFacts: peer,
      challenges,
      deadline,
      accept: (grant = {}) => context.accept(grant),
      reject: (why: Refuse = {}) => context.refuse({ accept: false, ...why }),
    });
  }

  /** May this call be? */
  async call(question: CallQuestion, context: CallContext): Promise<void> {
    if (this.#authority === undefined) {
      this.#askCall(question, context);
      return;
    }
    const { request, about } = question;
    const { tunnel, peerName: peer } = context;
    const { calledNumber, subAddress } = request;
    const callingNumber = request.type === "ICRQ" ? request.callingNumber : undefined;
    const answer = await this.#ask(() =>
      this.#authority?.call({
        kind: about === "incoming-call" ? "incoming" : "outgoing",
        tunnel,
        peer,
        ...(calledNumber !== undefined && { calledNumber }),
        ...(callingNumber !== undefined && { callingNumber }),
        ...(subAddress !== undefined && { subAddress }),
      }),
    );
    if (!answer.accept) context.refuse(refusal(answer));
    else this.#grantCall(answer, context);
  }

  #grantCall(grant: CallGrant, context: CallContext): void {
    const { sessionProfile, pppProfile, switchTo, switchPpp } = grant;
    const session = this.#session(sessionProfile, pppProfile, context.usual);
    if (typeof session === "string") {
      context.refuse({ accept: false, result: 4, remedy: `add ${session}, which the authority names` });
      return;
    }
    try {
      context.accept({
        ...session,
        ...(switchTo !== undefined && { switchTo }),
        ...(switchPpp !== undefined && { switchPpp }),
      });
    } catch (error) {
      this.#unusable(error, context);
    }
  }

  /** The call is connected, and what only its ICCN says is known: which PPP profile is it to have now? */
  async again(request: CallRequest): Promise<SecondAnswer> {
    const answer = await this.#ask(() => this.#authority?.call(request));
    if (!answer.accept) return refusal(answer);
    const session = this.#session(answer.sessionProfile, answer.pppProfile, {});
    if (typeof session === "string")
      return { ...CDN.temporary, accept: false, remedy: `add ${session}, which the authority names` };
    return session.ppp?.by === "own" ? { accept: true, profile: session.ppp.profile } : undefined;
  }

  #askCall({ about, request, deadline }: CallQuestion, context: CallContext): void {
    const { emitter, clock } = this.#host;
    const direction = about === "incoming-call" ? "incoming" : "outgoing";
    if (!emitter.hears("incoming-call")) {
      context.refuse({ accept: false, remedy: NOBODY });
      return;
    }
    emitter.emit({
      type: "incoming-call",
      at: clock.now(),
      tunnel: context.tunnel,
      tunnelId: context.tunnelId,
      peerName: context.peerName,
      session: context.session,
      sessionId: context.sessionId,
      direction,
      request,
      deadline,
      accept: (grant = {}) => context.accept({ ...context.usual, ...grant }),
      reject: (why: Refuse = {}) => context.refuse({ accept: false, ...why }),
    });
  }
}

function refusal({ reason, text, result, error }: Refusal): RefusalDecision {
  return {
    accept: false,
    remedy: reason,
    ...(text !== undefined && { text }),
    ...(result !== undefined && { result }),
    ...(error !== undefined && { error }),
  };
}

/**
 * Tunnel authentication (RFC 2661 §5.1.1, §4.4.3): each end may challenge the other, both with the same secret. During
 * a change two secrets are good; the peer shows by its own answer which of them it has, or by what it hides. Who has shown
 * nothing yet gets what second-secret.ts guesses.
 */
import { challengeResponse, type Instant, type Secret, toHex, verifyChallengeResponse } from "@l2tp/protocol";
import { STOP, type StopFacts } from "./control-messages.ts";
import type { Core } from "./core.ts";
import type { TunnelSettings } from "./parameters.ts";
import type { RandomSource } from "./random.ts";
import { SecondSecret } from "./second-secret.ts";
import type { Tunnel } from "./state.ts";

/** As long as the digest: RFC 2661 wants "one or more octets". */
const CHALLENGE_OCTETS = 16;

/** Whether a peer with these settings is challenged: always when there is a secret, unless somebody said no. */
export const mustChallenge = (settings: TunnelSettings): boolean =>
  settings.secrets.length > 0 && settings.challenge !== false;

/**
 * Challenges of ours that are not answered yet. One of them that comes back as a peer's challenge is an attempt to have
 * us answer ourselves: the response in an SCCRP is the same whoever asks.
 */
export class OutstandingChallenges {
  readonly #outstanding = new Set<string>();

  get size(): number {
    return this.#outstanding.size;
  }

  /** Draws a challenge for a tunnel. */
  issue(random: RandomSource, tunnel: Tunnel): Uint8Array {
    this.settle(tunnel);
    const challenge = random.octets(CHALLENGE_OCTETS);
    tunnel.challenge = challenge;
    this.#outstanding.add(toHex(challenge));
    return challenge;
  }

  /** The tunnel's challenge is answered, or its tunnel has ended. */
  settle(tunnel: Tunnel): void {
    if (tunnel.challenge === undefined) return;
    this.#outstanding.delete(toHex(tunnel.challenge));
    tunnel.challenge = undefined;
  }

  isOurs(challenge: Uint8Array): boolean {
    return this.#outstanding.size > 0 && this.#outstanding.has(toHex(challenge));
  }
}

/** @returns which secret answers the challenge so, or -1. Each comparison takes constant time. */
export function secretThatAnswers(
  messageType: 2 | 3,
  secrets: readonly Secret[],
  challenge: Uint8Array,
  response: Uint8Array,
): number {
  return secrets.findIndex((secret) => verifyChallengeResponse(messageType, secret, challenge, response));
}

/** Challenges of both ends, and what becomes of a peer by its answers. */
export class Authentication {
  readonly challenges = new OutstandingChallenges();
  readonly secondSecret: SecondSecret;
  readonly #core: Core;

  constructor(core: Core) {
    this.#core = core;
    this.secondSecret = new SecondSecret(core.random);
  }

  /** The peer has hidden AVPs with this secret: it has it. */
  hides(tunnel: Tunnel, secret: Secret): void {
    if (tunnel.secret < 0) tunnel.secret = tunnel.settings.secrets.indexOf(secret);
  }

  /** The answer to the peer's challenge, if there is one: with the secret that it has, or is likely to have. */
  answer(now: Instant, messageType: 2 | 3, tunnel: Tunnel): Uint8Array | undefined {
    const { peerChallenge, settings } = tunnel;
    const which = tunnel.secret >= 0 ? tunnel.secret : this.secondSecret.guess(now, tunnel);
    const secret = settings.secrets[which];
    if (peerChallenge === undefined || secret === undefined) return undefined;
    tunnel.answered = which;
    return challengeResponse(messageType, secret, peerChallenge);
  }

  /** The peer goes on after our answer: it was right. */
  accepted(tunnel: Tunnel): void {
    const { answered } = tunnel;
    tunnel.answered = -1;
    if (answered < 0) return;
    // A caller that nobody has challenged may be anybody: that it goes on proves nothing.
    if (tunnel.authenticated || tunnel.originator) this.secondSecret.accepted(tunnel, answered);
    if (tunnel.secret < 0) tunnel.secret = answered;
  }

  /** The peer does not go on after our answer. @returns whether it gets another answer the next time. */
  refused(now: Instant, tunnel: Tunnel): boolean {
    const { answered, secret } = tunnel;
    tunnel.answered = -1;
    return answered >= 0 && secret < 0 && this.secondSecret.refused(now, tunnel, answered);
  }

  /** Whether the peer has answered our challenge, if we sent one. */
  judgeResponse(
    now: Instant,
    tunnel: Tunnel,
    messageType: 2 | 3,
    response: Uint8Array | undefined,
  ): StopFacts | undefined {
    const core = this.#core;
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
  judgeChallenge(tunnel: Tunnel): StopFacts | undefined {
    const core = this.#core;
    if (tunnel.peerChallenge === undefined) return undefined;
    if (this.challenges.isOurs(tunnel.peerChallenge) && !core.isOwn(tunnel.peer)) {
      core.counters.count("reflectedChallenges");
      return { ...STOP.notAuthorized, text: "the Challenge is one of ours, reflected" };
    }
    if (tunnel.settings.secrets.length > 0) return undefined;
    core.counters.count("authenticationFailures");
    return { ...STOP.notAuthorized, text: "a Challenge, and no secret is configured here" };
  }
}

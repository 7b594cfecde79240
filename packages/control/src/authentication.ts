/**
 * Tunnel authentication (RFC 2661 §5.1.1, §4.4.3): each end may challenge the other, both with the same secret. During
 * a change two secrets are good; the peer shows by its own answer which of them it has.
 */
import { challengeResponse, type Secret, toHex, verifyChallengeResponse } from "@l2tp/protocol";
import type { TunnelSettings } from "./parameters.ts";
import type { RandomSource } from "./random.ts";
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

/** The answer to a peer's challenge, with the secret that it has, or our first. */
export function answerTo(messageType: 2 | 3, tunnel: Tunnel): Uint8Array | undefined {
  const secret = tunnel.settings.secrets[Math.max(0, tunnel.secret)];
  if (tunnel.peerChallenge === undefined || secret === undefined) return undefined;
  return challengeResponse(messageType, secret, tunnel.peerChallenge);
}

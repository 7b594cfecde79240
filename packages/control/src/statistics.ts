/** What is counted: at least what OpenL2TP counts, and the cause of every discard. */
import { MESSAGE_NAMES, type MessageName } from "@l2tp/protocol";

/** Why a datagram or message was dropped. */
export const DISCARDS = [
  /** Shorter than its header says, or than a header is. */
  "short",
  "unknownVersion",
  "badHeader",
  /** A data message: those are the data plane's, and it has no such session. */
  "unexpectedData",
  "unknownTunnel",
  "unknownSession",
  /** The tunnel is there, and the datagram comes from somewhere else. */
  "wrongAddress",
  /** No tunnel yet, and no well-formed SCCRQ with Ns 0. */
  "notSccrq",
  "malformed",
  "duplicateSccrq",
  "lostTie",
  "rateLimited",
  "halfOpenLimit",
  "draining",
  "unsupportedMessage",
  "illegalMessage",
  /** Dropped by reliable delivery: out of the window, an impossible Nr, of a closed channel. */
  "outOfWindow",
  "invalidNr",
  "closed",
] as const;
/** See {@link DISCARDS}. */
export type Discard = (typeof DISCARDS)[number];

/** Other counters of an endpoint. */
export const COUNTERS = [
  "tunnelsOpened",
  "tunnelsAccepted",
  "tunnelsEstablished",
  "tunnelsClosed",
  "tunnelSetupFailures",
  "sessionsOpened",
  "sessionsAccepted",
  "sessionsEstablished",
  "sessionsClosed",
  "sessionSetupFailures",
  "tooManyTunnels",
  "tooManySessions",
  "noTunnelIds",
  "noSessionIds",
  "authenticationFailures",
  "reflectedChallenges",
  "mismatchedIds",
  "ignoredAvps",
  "vendorAvps",
  "illegalMessages",
  "unsupportedMessages",
  "noResponse",
  "hellosMissed",
  "dataPlaneFailures",
  "undecided",
  "noticesSuppressed",
  "refusalsSent",
  "refusalsSuppressed",
  "refusalsRepeated",
  "peersMoved",
  "retransmits",
  "controlOctetsSent",
  "controlOctetsReceived",
  "controlDatagramsSent",
  "controlDatagramsReceived",
  "encodingFailures",
] as const;
/** See {@link COUNTERS}. */
export type Counter = (typeof COUNTERS)[number];

/** Received, sent, and received with an error in it, of one sort of message. */
export interface MessageCounts {
  received: number;
  sent: number;
  receiveErrors: number;
}

/** Counters of an endpoint, and how many there are of what. */
export interface EndpointStatistics extends Readonly<Record<Counter, number>> {
  readonly discards: Readonly<Record<Discard, number>>;
  readonly messages: Readonly<Record<MessageName | "ZLB", MessageCounts>>;
  readonly tunnels: number;
  readonly tunnelsUp: number;
  readonly halfOpen: number;
  /** Closed tunnels that still acknowledge. */
  readonly closedTunnels: number;
  readonly sessions: number;
  readonly sessionsUp: number;
  readonly questions: number;
  readonly intents: number;
}

/** The counters while they count. */
export class Counters {
  readonly counters = Object.fromEntries(COUNTERS.map((name) => [name, 0])) as Record<Counter, number>;
  readonly discards = Object.fromEntries(DISCARDS.map((name) => [name, 0])) as Record<Discard, number>;
  readonly messages = Object.fromEntries(
    [...MESSAGE_NAMES, "ZLB" as const].map((name) => [name, { received: 0, sent: 0, receiveErrors: 0 }]),
  ) as Record<MessageName | "ZLB", MessageCounts>;

  count(name: Counter, by = 1): void {
    this.counters[name] += by;
  }

  discard(name: Discard): void {
    this.discards[name]++;
  }

  reset(): void {
    for (const name of COUNTERS) this.counters[name] = 0;
    for (const name of DISCARDS) this.discards[name] = 0;
    for (const counts of Object.values(this.messages)) {
      counts.received = 0;
      counts.sent = 0;
      counts.receiveErrors = 0;
    }
  }
}

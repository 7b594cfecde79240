/**
 * How a channel retransmits, acknowledges and says hello: the settings, and what the RFCs, go-l2tp and we set them
 * to. docs/reliable-delivery.md has the same as a table.
 */
import type { L2tpVersion } from "@l2tp/protocol";
import { TransportError } from "./errors.ts";

/** Of one channel. Plain data that any number of channels share; a channel keeps a reference, so do not change it. */
export interface TransportSettings {
  /**
   * `window_size`: the Receive Window Size that we advertise, in messages, 1 … 32,768. It bounds what waits out of
   * order, and (see {@link sendWindowLimit}) what we send before an acknowledgement.
   */
  readonly windowSize: number;
  /** At most so many messages are unacknowledged, even when the peer's window is larger. 1 … 32,768. */
  readonly sendWindowLimit: number;
  /** `retry_timeout`: how long to wait for an acknowledgement before the first retransmission; then it doubles. */
  readonly retryTimeoutMs: number;
  /** The longest wait between retransmissions; at least 8,000 (RFC 2661 §5.8: MUST be no less than 8 seconds). */
  readonly retryTimeoutCapMs: number;
  /** `max_retries`: how often a message is retransmitted, after the first time, before the channel has failed. */
  readonly maxRetries: number;
  /** `hello_timeout`: silence after which a Hello is sent; 0 is off. */
  readonly helloTimeoutMs: number;
  /**
   * How many transmissions of one Hello may miss their answer before the channel has failed; 0: as many as of any
   * message, that is `maxRetries` + 1.
   */
  readonly helloMisses: number;
  /**
   * By which part the silence before a Hello may be longer, at random, 0 … 1: "MUST employ a jittered timer
   * mechanism to prevent grouping of Hello messages" (RFC 3931 §4.4).
   */
  readonly helloJitter: number;
  /** How long an acknowledgement waits for a message to ride on; 0 sends it with the next poll. At most 500. */
  readonly ackDelayMs: number;
  /** L2TPv3: acknowledge with the ACK message (RFC 3931 §6.15), not a ZLB. L2TPv2 has only the ZLB. */
  readonly explicitAck: boolean;
}

// Specification constants.

/** RFC 2661 §4.4.3, RFC 3931 §5.4.3: the peer's window when its AVP is absent. */
export const DEFAULT_PEER_WINDOW = 4;
/** RFC 2661 §5.8: the cap on the interval between retransmissions MUST be no less. */
const MINIMUM_RETRY_CAP_MS = 8_000;
/** A window is less than half of the sequence space, or old and new messages look the same. */
const MAXIMUM_WINDOW = 32_768;

// Implementation constants.

/** go-l2tp's explicit acknowledgement waits 100 ms; longer than half of the usual first retransmission is withholding. */
const MAXIMUM_ACK_DELAY_MS = 500;

/** What the RFCs recommend (RFC 2661 §5.5, §5.8; RFC 3931 §4.2, §4.4), the smallest window that they allow. */
export const RFC_SETTINGS: Readonly<Record<L2tpVersion, TransportSettings>> = {
  2: {
    windowSize: 4,
    sendWindowLimit: 4,
    retryTimeoutMs: 1_000,
    retryTimeoutCapMs: 8_000,
    maxRetries: 5,
    helloTimeoutMs: 60_000,
    helloMisses: 0,
    helloJitter: 0,
    ackDelayMs: 0,
    explicitAck: false,
  },
  3: {
    windowSize: 4,
    sendWindowLimit: 4,
    retryTimeoutMs: 1_000,
    retryTimeoutCapMs: 8_000,
    maxRetries: 10,
    helloTimeoutMs: 60_000,
    helloMisses: 0,
    helloJitter: 0.05,
    ackDelayMs: 0,
    explicitAck: true,
  },
};

/** What a document of go-l2tp means where it says nothing. (go-l2tp has no cap; with 3 retries none is reached.) */
export const GO_L2TP_SETTINGS: TransportSettings = {
  windowSize: 4,
  sendWindowLimit: 4,
  retryTimeoutMs: 1_000,
  retryTimeoutCapMs: 8_000,
  maxRetries: 3,
  helloTimeoutMs: 0,
  helloMisses: 0,
  helloJitter: 0,
  ackDelayMs: 100,
  explicitAck: true,
};

/** What works in the field, and what everything but go-l2tp's documents gets. */
export const FIELD_SETTINGS: Readonly<Record<L2tpVersion, TransportSettings>> = {
  2: { ...RFC_SETTINGS[2], windowSize: 16, sendWindowLimit: 16, helloJitter: 0.05, ackDelayMs: 20 },
  3: { ...RFC_SETTINGS[3], windowSize: 16, sendWindowLimit: 16, ackDelayMs: 20 },
};

/** The least and the most of each number, and whether it must be whole. */
const LIMITS: Readonly<
  Record<Exclude<keyof TransportSettings, "explicitAck">, readonly [number, number, boolean]>
> = {
  windowSize: [1, MAXIMUM_WINDOW, true],
  sendWindowLimit: [1, MAXIMUM_WINDOW, true],
  retryTimeoutMs: [1, 3_600_000, false],
  retryTimeoutCapMs: [MINIMUM_RETRY_CAP_MS, 3_600_000, false],
  maxRetries: [0, 1_000, true],
  helloTimeoutMs: [0, 86_400_000, false],
  helloMisses: [0, 1_001, true],
  helloJitter: [0, 1, false],
  ackDelayMs: [0, MAXIMUM_ACK_DELAY_MS, false],
};

/**
 * Settings from a preset and what differs from it. A `windowSize` without a `sendWindowLimit` sets both, as
 * go-l2tp's `window_size` does.
 *
 * @param base - {@link GO_L2TP_SETTINGS}, or one of {@link FIELD_SETTINGS} or {@link RFC_SETTINGS}.
 * @throws TransportError `ERR_L2TP_SETTING` that names the setting, its value and what it may be.
 */
export function transportSettings(
  base: TransportSettings,
  change: Partial<TransportSettings> = {},
): TransportSettings {
  const settings = { ...base, sendWindowLimit: change.windowSize ?? base.sendWindowLimit, ...change };
  for (const [name, [least, most, whole]] of Object.entries(LIMITS)) {
    const value = settings[name as keyof typeof LIMITS];
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) continue;
    const kind = whole ? "a whole number" : "a number";
    throw new TransportError(
      "ERR_L2TP_SETTING",
      `${name}: ${kind} from ${least} to ${most} was expected, got ${value}`,
    );
  }
  return settings;
}

/** Which of a channel's messages is meant: a Hello may have a limit of its own, see `helloMisses`. */
export type MessageClass = "message" | "hello";

/** @returns how often a message goes out at most, the first time included. */
export function maximumTransmissions(settings: TransportSettings, of: MessageClass = "message"): number {
  return of === "hello" && settings.helloMisses > 0 ? settings.helloMisses : settings.maxRetries + 1;
}

/**
 * @param transmissions - how often the message has gone out: 1 after the first time.
 * @returns milliseconds to wait for its acknowledgement: doubling from `retryTimeoutMs` up to the cap.
 */
export function retransmissionWaitMs(settings: TransportSettings, transmissions: number): number {
  const cap = Math.max(settings.retryTimeoutCapMs, settings.retryTimeoutMs);
  return Math.min(settings.retryTimeoutMs * 2 ** (transmissions - 1), cap);
}

/**
 * When a message that is never acknowledged goes out, and when the channel gives up, in milliseconds since the first
 * time. With the RFC's settings for L2TPv2: at 0, 1, 3, 7, 15 and 23 s, and given up at 31 s.
 */
export function retransmissionSchedule(
  settings: TransportSettings,
  of: MessageClass = "message",
): { readonly sentAtMs: readonly number[]; readonly giveUpMs: number } {
  const sentAtMs: number[] = [];
  let at = 0;
  for (let sent = 1; sent <= maximumTransmissions(settings, of); sent++) {
    sentAtMs.push(at);
    at += retransmissionWaitMs(settings, sent);
  }
  return { sentAtMs, giveUpMs: at };
}

/**
 * The full retransmission interval: how long the peer may still send a message again that we have acknowledged
 * (RFC 2661 §5.7: 31 seconds with its defaults), and so how long a closed channel goes on answering.
 */
export function fullRetransmissionIntervalMs(settings: TransportSettings): number {
  return retransmissionSchedule(settings).giveUpMs;
}

/**
 * How long after the last sign of life of a peer that is gone its channel fails, at the latest: the silence before a
 * Hello with its jitter, the full retransmission of that Hello (or of a message that was on its way), and two ticks
 * of the wheel.
 *
 * @param tickMs - of the {@link TimerWheel}.
 * @returns `Infinity` with Hello off: then only a message that is sent finds out.
 */
export function peerGoneWithinMs(settings: TransportSettings, tickMs = 10): number {
  if (settings.helloTimeoutMs === 0) return Number.POSITIVE_INFINITY;
  const silence = settings.helloTimeoutMs * (1 + settings.helloJitter);
  const hello = retransmissionSchedule(settings, "hello").giveUpMs;
  return silence + Math.max(hello, fullRetransmissionIntervalMs(settings)) + 2 * tickMs;
}

/** The named timers of a channel, as keys of the one wheel. */

/** What a timer is for. Which of them run follows from the state of the channel, see docs/reliable-delivery.md. */
export const TIMER = {
  /** The oldest message on its way is due to be sent again. */
  retransmit: 0,
  /** An acknowledgement has waited long enough for a message to ride on. */
  acknowledge: 1,
  /** Time to look when the peer was last heard. Not moved by traffic. */
  hello: 2,
  /** A closing channel has been kept for long enough. */
  close: 3,
} as const;
export type Timer = (typeof TIMER)[keyof typeof TIMER];

const TIMERS = 4;

export const timerKey = (row: number, timer: Timer): number => row * TIMERS + timer;
export const rowOfTimer = (key: number): number => Math.floor(key / TIMERS);
export const timerOfKey = (key: number): Timer => (key % TIMERS) as Timer;

/** What all views of the daemon need: the two kinds of tunnels, ages for instants, and records without what is undefined. */
import type { Ending, LoggedMessage } from "@l2tp/control";
import { endingText } from "@l2tp/control";
import type { EndingValue, LoggedMessageValue, ReasonValue, SocketAddressValue } from "@l2tp/management";
import type { DynamicSession, DynamicTunnel, Reason, Session, Tunnel } from "@l2tp/node";
import type { Instant, SocketAddress } from "@l2tp/protocol";

/** Any tunnel of a context. */
export type AnyTunnel = Tunnel | DynamicTunnel;
/** Any session of one. */
export type AnySession = Session | DynamicSession;

/** Whether it was negotiated. */
export const isDynamic = (tunnel: AnyTunnel): tunnel is DynamicTunnel => "origin" in tunnel;
/** Whether it is a call. */
export const isCall = (session: AnySession): session is DynamicSession => "origin" in session;

/** Without the members that are undefined. */
export function defined<T extends object>(record: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as never;
}

/** How long ago; never negative. */
export const age = (now: Instant, at: Instant | undefined): number | undefined =>
  at === undefined ? undefined : Math.max(0, now - at);

export const place = ({ address, port }: SocketAddress): SocketAddressValue => ({ address, port });

export const reasonValue = (why: Reason | undefined): ReasonValue | undefined =>
  why && { code: why.code, text: why.text, ...(why.remedy !== undefined && { remedy: why.remedy }) };

/** The members of an ending that are shown, and its line. */
export function endingValue(ending: Ending): EndingValue {
  const { tryAnother: _, ...facts } = ending;
  return { ...facts, line: endingText(ending) };
}

/** Counters: only whole numbers, as a record. */
export function counters(record: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(record).filter(([, value]) => Number.isInteger(value) && value >= 0),
  ) as Record<string, number>;
}

/** One control message of those that are remembered. */
export const messageValue = (
  { at, direction, message, sessionId }: LoggedMessage,
  now: Instant,
): LoggedMessageValue => ({
  agoMs: age(now, at) ?? 0,
  direction,
  message,
  sessionId,
});

/** The four machines of calls, by the end and the direction (RFC 2661 §7.4, §7.5). */
import type { Machine } from "../machine.ts";
import { LAC_INCOMING } from "./lac-incoming.ts";
import { LAC_OUTGOING } from "./lac-outgoing.ts";
import { LNS_INCOMING } from "./lns-incoming.ts";
import { LNS_OUTGOING } from "./lns-outgoing.ts";

/** Which end of which sort of call a session is here. */
export type CallKind = "lac-incoming" | "lns-incoming" | "lac-outgoing" | "lns-outgoing";

/** States of a session; which of them there are depends on the {@link CallKind}. */
export type CallState =
  | "idle"
  | "wait-tunnel"
  | "wait-reply"
  | "wait-connect"
  | "wait-cs-answer"
  | "established";

type EventOf<M> = M extends Machine<string, infer E, string> ? E : never;
type ActionOf<M> = M extends Machine<string, string, infer A> ? A : never;

/** What can happen to a session of any kind. */
export type CallEvent =
  | EventOf<typeof LAC_INCOMING>
  | EventOf<typeof LNS_INCOMING>
  | EventOf<typeof LAC_OUTGOING>
  | EventOf<typeof LNS_OUTGOING>;

/** What a session of any kind does. */
export type CallAction =
  | ActionOf<typeof LAC_INCOMING>
  | ActionOf<typeof LNS_INCOMING>
  | ActionOf<typeof LAC_OUTGOING>
  | ActionOf<typeof LNS_OUTGOING>;

/**
 * The machine of each kind, with the states, events and actions of all: an event that its own table does not have
 * takes the machine's `otherwise`, so one function can step any session. (The casts say what the type of a table cannot:
 * looking up an event or a state that it does not have is no fault.)
 */
export const CALLS: Readonly<Record<CallKind, Machine<CallState, CallEvent, CallAction>>> = {
  "lac-incoming": LAC_INCOMING as unknown as Machine<CallState, CallEvent, CallAction>,
  "lns-incoming": LNS_INCOMING as unknown as Machine<CallState, CallEvent, CallAction>,
  "lac-outgoing": LAC_OUTGOING as unknown as Machine<CallState, CallEvent, CallAction>,
  "lns-outgoing": LNS_OUTGOING as unknown as Machine<CallState, CallEvent, CallAction>,
};

/**
 * What a state machine is here: the RFC's table, and nothing that acts. A cell says what is to be done and which state
 * is next; doing it is in tunnel-machine.ts and call-machine.ts. More machines (RFC 3931 §7) are more tables.
 */

/** What one event does in one state: actions in their order, and the next state. */
export type Cell<State extends string, Action extends string> = readonly [
  actions: readonly Action[],
  next: State,
];

/** Cells by state and event. */
export type Rows<State extends string, Event extends string, Action extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Event, Cell<State, Action>>>>>
>;

/** One machine. It is total: what neither `rfc` nor `beyond` has takes `otherwise`. */
export interface Machine<State extends string, Event extends string, Action extends string> {
  readonly name: string;
  /** As in `RFC 2661 §7.2.1`. */
  readonly reference: string;
  readonly initial: State;
  readonly states: readonly State[];
  readonly events: readonly Event[];
  /** The RFC's rows, in its order and spelling. */
  readonly rfc: Rows<State, Event, Action>;
  /** What the RFC's table leaves open: time-outs, local ends, and lost connectivity. */
  readonly beyond: Rows<State, Event, Action>;
  /** The RFC's rule for all else: an improper message is answered and clears what it belongs to (§7.1). */
  readonly otherwise: Cell<State, Action>;
}

/** @returns what `event` does in `state`; every event has an answer in every state. */
export function step<State extends string, Event extends string, Action extends string>(
  machine: Machine<State, Event, Action>,
  state: State,
  event: Event,
): Cell<State, Action> {
  return machine.rfc[state][event] ?? machine.beyond[state][event] ?? machine.otherwise;
}

/**
 * Whether the table tells good from bad for this message in this state, so that somebody has to judge it; elsewhere
 * its mere arrival is the event.
 */
export function isJudged<State extends string, Event extends string, Action extends string>(
  machine: Machine<State, Event, Action>,
  state: State,
  message: string,
): boolean {
  return machine.rfc[state][`${message}-acceptable` as Event] !== undefined;
}

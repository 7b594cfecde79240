/**
 * The option negotiation automaton of RFC 1661 §4 as its own table (§4.1): which actions an event in a state
 * asks for, and the state after it. LCP, IPCP, IPV6CP and CCP all run on it; what the actions do is in
 * `negotiation.ts`.
 */

/** The states, in the order of their numbers in the RFC (§4.2). */
export const STATES = [
  "Initial",
  "Starting",
  "Closed",
  "Stopped",
  "Closing",
  "Stopping",
  "Req-Sent",
  "Ack-Rcvd",
  "Ack-Sent",
  "Opened",
] as const;
/** See {@link STATES}. */
export type State = (typeof STATES)[number];

/** The events (§4.3), and what they mean. */
export const EVENTS = {
  Up: "lower layer is up",
  Down: "lower layer is down",
  Open: "administrative open",
  Close: "administrative close",
  "TO+": "timeout with counter > 0",
  "TO-": "timeout with counter expired",
  "RCR+": "receive Configure-Request (good)",
  "RCR-": "receive Configure-Request (bad)",
  RCA: "receive Configure-Ack",
  RCN: "receive Configure-Nak or Configure-Reject",
  RTR: "receive Terminate-Request",
  RTA: "receive Terminate-Ack",
  RUC: "receive unknown code",
  "RXJ+": "receive Code-Reject (permitted) or Protocol-Reject",
  "RXJ-": "receive Code-Reject (catastrophic) or Protocol-Reject",
  RXR: "receive Echo-Request, Echo-Reply or Discard-Request",
} as const;
/** See {@link EVENTS}. */
export type Event = keyof typeof EVENTS;

/** The actions (§4.4), and what they mean. */
export const ACTIONS = {
  tlu: "This-Layer-Up",
  tld: "This-Layer-Down",
  tls: "This-Layer-Started",
  tlf: "This-Layer-Finished",
  irc: "Initialize-Restart-Count",
  zrc: "Zero-Restart-Count",
  scr: "Send-Configure-Request",
  sca: "Send-Configure-Ack",
  scn: "Send-Configure-Nak/Rej",
  str: "Send-Terminate-Request",
  sta: "Send-Terminate-Ack",
  scj: "Send-Code-Reject",
  ser: "Send-Echo-Reply",
} as const;
/** See {@link ACTIONS}. */
export type Action = keyof typeof ACTIONS;

/**
 * The table as the RFC prints it: a row per event, a column per state, `actions/next state`. `-` cannot happen in a
 * correct implementation. The RFC's marks p, r and x leave a choice: we are not passive, Open does not restart, and a
 * crossed Ack or Nak starts over with a new Configure-Request.
 */
const TABLE = `
       0      1           2      3             4     5     6            7          8            9
Up     2      irc,scr/6   -      -             -     -     -            -          -            -
Down   -      -           0      tls/1         0     1     1            1          1            tld/1
Open   tls/1  1           irc,scr/6  3         5     5     6            7          8            9
Close  0      tlf/0       2      2             4     4     irc,str/4    irc,str/4  irc,str/4    tld,irc,str/4
TO+    -      -           -      -             str/4 str/5 scr/6        scr/6      scr/8        -
TO-    -      -           -      -             tlf/2 tlf/3 tlf/3        tlf/3      tlf/3        -
RCR+   -      -           sta/2  irc,scr,sca/8 4     5     sca/8        sca,tlu/9  sca/8        tld,scr,sca/8
RCR-   -      -           sta/2  irc,scr,scn/6 4     5     scn/6        scn/7      scn/6        tld,scr,scn/6
RCA    -      -           sta/2  sta/3         4     5     irc/7        scr/6      irc,tlu/9    tld,scr/6
RCN    -      -           sta/2  sta/3         4     5     irc,scr/6    scr/6      irc,scr/8    tld,scr/6
RTR    -      -           sta/2  sta/3         sta/4 sta/5 sta/6        sta/6      sta/6        tld,zrc,sta/5
RTA    -      -           2      3             tlf/2 tlf/3 6            6          8            tld,scr/6
RUC    -      -           scj/2  scj/3         scj/4 scj/5 scj/6        scj/7      scj/8        scj/9
RXJ+   -      -           2      3             4     5     6            6          8            9
RXJ-   -      -           tlf/2  tlf/3         tlf/2 tlf/3 tlf/3        tlf/3      tlf/3        tld,irc,str/5
RXR    -      -           2      3             4     5     6            7          8            ser/9
`;

/** What one event does in one state. */
export interface Cell {
  readonly actions: readonly Action[];
  readonly next: State;
}

function parse(cell: string): Cell | undefined {
  if (cell === "-") return undefined;
  const [next, actions] = cell.split("/").reverse() as [string, string?];
  return { actions: (actions?.split(",") ?? []) as Action[], next: STATES[Number(next)] as State };
}

/** The automaton: total over events and states; `undefined` where an event cannot happen. */
export const AUTOMATON = Object.fromEntries(
  TABLE.trim()
    .split("\n")
    .slice(1)
    .map((line) => {
      const [event, ...cells] = line.trim().split(/\s+/);
      return [event, Object.fromEntries(STATES.map((state, i) => [state, parse(cells[i] as string)]))];
    }),
) as Readonly<Record<Event, Readonly<Record<State, Cell | undefined>>>>;

/** In which states the Restart timer runs (§4.1); moving to another stops it. */
export const TIMED: Readonly<Record<State, boolean>> = {
  Initial: false,
  Starting: false,
  Closed: false,
  Stopped: false,
  Closing: true,
  Stopping: true,
  "Req-Sent": true,
  "Ack-Rcvd": true,
  "Ack-Sent": true,
  Opened: false,
};

/** The table as Markdown, as `docs/ppp.md` shows it. */
export function automatonMarkdown(): string {
  const rows = (Object.keys(EVENTS) as Event[]).map((event) =>
    STATES.map((state) => {
      const cell = AUTOMATON[event][state];
      return cell === undefined ? "-" : [...cell.actions, STATES.indexOf(cell.next)].join(" ");
    }),
  );
  return [
    `| | ${STATES.map((state, i) => `${i} ${state}`).join(" | ")} |`,
    `|---|${STATES.map(() => "---|").join("")}`,
    ...Object.keys(EVENTS).map((event, i) => `| ${event} | ${rows[i]?.join(" | ")} |`),
    "",
  ].join("\n");
}

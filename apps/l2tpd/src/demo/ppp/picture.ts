/** What the PPP scene shows. */
import { formatDuration } from "@l2tp/management";
import type { DaemonState, SessionStateRow } from "../../state.ts";
import { formatOctets, formatRate, formatTransfer } from "../figures.ts";

/** Pings of one direction. */
export interface Pings {
  readonly what: string;
  sent: number;
  received: number;
  lastMs: number | undefined;
  sumMs: number;
}

/** TCP in one direction; what counts is what arrives. */
export interface Transfer {
  readonly what: string;
  octets: number;
  ms: number;
  done: boolean;
}

/** Octets of one session at the last look, for its rate. */
export interface Rate {
  readonly at: number;
  readonly rx: number;
  readonly tx: number;
  readonly text: string;
}

/** Everything that is shown; the show fills it in as it goes. */
export interface PppPicture {
  /** What is being done now. */
  doing: string;
  readonly pids: { lac: number | undefined; lns: number | undefined };
  readonly states: { lac: DaemonState | undefined; lns: DaemonState | undefined };
  /** Of the LAC's sessions, by name. */
  readonly rates: Map<string, Rate>;
  readonly pings: readonly Pings[];
  readonly transfers: readonly Transfer[];
  /** What went wrong, newest last. */
  readonly troubles: string[];
}

/** `5 sent, 5 received, 0 lost; average 0.38 ms`. */
export function formatPings({ sent, received, sumMs }: Pings): string {
  if (sent === 0) return "not begun";
  const times = received === 0 ? "no reply" : `average ${(sumMs / received).toFixed(2)} ms`;
  return `${sent} sent, ${received} received, ${sent - received} lost; ${times}`;
}

/** Sessions of a daemon, whichever tunnel they are on. */
export const sessionsOf = (state: DaemonState | undefined): readonly SessionStateRow[] =>
  state?.tunnels.flatMap(({ sessions }) => sessions) ?? [];

/** The sessions of both ends, paired by the addresses that they have agreed on. */
export function renderSessions({ states: { lac, lns }, rates }: PppPicture): string[] {
  const atLns = new Map(sessionsOf(lns).map((session) => [session.ipv4?.peer, session]));
  const row = (cells: readonly string[]): string =>
    `  ${cells.map((cell, at) => cell.padEnd([7, 11, 12, 12, 13, 20][at] ?? 0)).join("")}`.trimEnd();
  return [
    row(["user", "interface", "address", "LNS's", "octets ⇅", "rate ⇅"]),
    ...sessionsOf(lac).map((session) => {
      const { name, interfaceName = "–", ipv4, counters } = session;
      const user = atLns.get(ipv4?.local)?.user ?? name;
      const octets = `${formatOctets(counters.txBytes)} ${formatOctets(counters.rxBytes)}`;
      if (session.state !== "up") return row([name, "–", session.state, session.reason?.text ?? ""]);
      return row([
        user,
        interfaceName,
        ipv4?.local ?? "–",
        ipv4?.peer ?? "–",
        octets,
        ` ${rates.get(name)?.text ?? ""}`,
      ]);
    }),
  ];
}

/** Takes the figures of a new state: what has flowed since the last look. */
export function noteRates(picture: PppPicture, now: number): void {
  for (const { name, counters } of sessionsOf(picture.states.lac)) {
    const before = picture.rates.get(name);
    const { rxBytes: rx, txBytes: tx } = counters;
    if (before !== undefined && before.rx === rx && before.tx === tx && now - before.at < 900) continue;
    const ms = before === undefined ? 0 : now - before.at;
    const text =
      before === undefined
        ? ""
        : `${formatRate(Math.max(0, tx - before.tx), ms)} ${formatRate(Math.max(0, rx - before.rx), ms)}`;
    picture.rates.set(name, { at: now, rx, tx, text });
  }
}

/** The whole picture, on 80 columns. */
export function renderPppPicture(picture: PppPicture): string[] {
  const { pids, states, pings, transfers, troubles, doing } = picture;
  const column = (left: string, right: string): string => `  ${left.padEnd(38)}${right}`;
  const tunnel = (state: DaemonState | undefined): string => {
    const found = state?.tunnels[0];
    if (found === undefined) return "no tunnel yet";
    const { upForMs } = found;
    return upForMs === undefined ? `tunnel ${found.state}` : `tunnel up for ${formatDuration(upForMs)}`;
  };
  const sessions = (state: DaemonState | undefined): string => {
    const all = sessionsOf(state);
    return `${all.filter(({ up }) => up).length} of ${all.length} sessions up`;
  };
  return [
    "",
    column("LAC (a network namespace)", "LNS (a network namespace)"),
    column(`l2tpd, process ${pids.lac ?? "–"}`, `l2tpd, process ${pids.lns ?? "–"}`),
    column(tunnel(states.lac), tunnel(states.lns)),
    column(sessions(states.lac), sessions(states.lns)),
    "    └──── PPP in L2TPv2 in UDP, on a cable (veth) ────┘",
    "",
    ...renderSessions(picture),
    "",
    ...pings.map((ping) => `  ping ${ping.what.padEnd(22)} ${formatPings(ping)}`),
    ...transfers.map((transfer) => `  TCP  ${transfer.what.padEnd(22)} ${formatTransfer(transfer)}`),
    "",
    ...troubles.slice(-3).map((trouble) => `  ! ${trouble}`),
    `  ${doing}`,
  ];
}

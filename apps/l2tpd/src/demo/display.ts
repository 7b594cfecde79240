/**
 * What the demonstration shows. On a terminal one picture, drawn again in place; elsewhere each thing that
 * happens is a line of its own.
 */

import { formatDuration } from "@l2tp/management";
import type { DaemonState, SessionStateRow } from "../state.ts";
import type { End } from "./ends.ts";
import { formatTransfer } from "./figures.ts";

/** Everything that is shown; the show fills it in as it goes. */
export interface Picture {
  readonly ends: readonly [End, End];
  /** What is being done now. */
  doing: string;
  /** The daemons' process IDs. */
  readonly pids: [number | undefined, number | undefined];
  readonly states: [DaemonState | undefined, DaemonState | undefined];
  readonly ping: { sent: number; received: number; lastMs: number | undefined; sumMs: number };
  readonly transfer: { octets: number; ms: number; done: boolean };
  /** What went wrong, newest last. */
  readonly troubles: string[];
}

/** Where the picture goes. */
export interface Display {
  /** Something that is worth a line. */
  say(line: string): void;
  /** Draws the picture as it is now; asked for its lines only where one is drawn. */
  draw(picture: () => readonly string[]): void;
  /** Leaves what was drawn last where it is. */
  end(): void;
}

const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** For a terminal: the lines said stay above, the picture below is drawn in place. */
export class LiveDisplay implements Display {
  readonly #out: NodeJS.WriteStream;
  #drawn = 0;
  #last: (() => readonly string[]) | undefined;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
    out.write(HIDE_CURSOR);
  }

  say(line: string): void {
    this.#out.write(`${this.#erase()}${line}\n`);
    this.#drawn = 0;
    if (this.#last) this.draw(this.#last);
  }

  draw(picture: () => readonly string[]): void {
    this.#last = picture;
    const width = this.#out.columns ?? 80;
    const lines = picture().map((line) => line.slice(0, width - 1));
    this.#out.write(`${this.#erase()}${lines.join("\n")}\n`);
    this.#drawn = lines.length;
  }

  end(): void {
    this.#out.write(SHOW_CURSOR);
  }

  /** Back to the picture's first line, and everything from there on gone. */
  #erase(): string {
    return this.#drawn === 0 ? "" : `\x1b[${this.#drawn}A\x1b[J`;
  }
}

/** For a file or a pipe: only what is said, and the figures once in a while. */
export class LineDisplay implements Display {
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  say(line: string): void {
    this.#write(`${line}\n`);
  }

  draw(): void {}

  end(): void {}
}

/** `sent 12, received 12, lost 0; last 0.41 ms, average 0.38 ms`. */
export function formatPing({ sent, received, lastMs, sumMs }: Picture["ping"]): string {
  if (sent === 0) return "not begun";
  const times =
    received === 0
      ? "no reply"
      : `last ${lastMs === undefined ? "lost" : `${lastMs.toFixed(2)} ms`}, average ${(sumMs / received).toFixed(2)} ms`;
  return `${sent} sent, ${received} received, ${sent - received} lost; ${times}`;
}

const session = (state: DaemonState | undefined): SessionStateRow | undefined =>
  state?.tunnels[0]?.sessions[0];

/** The counters of both ends side by side. */
export function renderCounters({ ends, states }: Picture): string[] {
  const rows = states.map(session);
  const number = (value: number | undefined): string =>
    value === undefined ? "–" : value.toLocaleString("en");
  const line = (label: string, key: keyof SessionStateRow["counters"]): string =>
    `  ${label.padEnd(26)}${rows.map((row) => number(row?.counters[key]).padStart(20)).join("")}`;
  return [
    `  ${"counters of the session".padEnd(26)}${ends.map(({ title }) => title.padStart(20)).join("")}`,
    line("packets sent", "txPackets"),
    line("octets sent", "txBytes"),
    line("packets received", "rxPackets"),
    line("octets received", "rxBytes"),
    line("wrong cookie", "rxCookieDiscards"),
    line("errors sending", "txErrors"),
    line("errors receiving", "rxErrors"),
  ];
}

/** The whole picture. */
export function renderPicture(picture: Picture): string[] {
  const { ends, pids, states, doing, ping, transfer, troubles } = picture;
  const column = (texts: readonly [string, string]): string => `  ${texts[0].padEnd(34)}${texts[1]}`;
  const both = (each: (end: End, state: DaemonState | undefined) => string): string =>
    column([each(ends[0], states[0]), each(ends[1], states[1])]);
  const standing = (state: DaemonState | undefined): string => {
    const tunnel = state?.tunnels[0];
    if (!tunnel) return "tunnel starting";
    return tunnel.upForMs === undefined
      ? `tunnel ${tunnel.state}`
      : `tunnel up for ${formatDuration(tunnel.upForMs)}`;
  };
  return [
    "",
    both(({ title }) => `${title.toUpperCase()} (a network namespace)`),
    both(
      ({ inner }, state) =>
        `${session(state)?.interfaceName ?? "TAP"} ${inner.address}/${inner.prefixLength}`,
    ),
    column(["      │ Ethernet frames", "      │"]),
    column([`l2tpd, process ${pids[0] ?? "–"}`, `l2tpd, process ${pids[1] ?? "–"}`]),
    both((_, state) => standing(state)),
    column(["      │ L2TPv3 over UDP", "      │"]),
    both(({ outer }) => `wan0 ${outer.address} port ${outer.port}`),
    "        └────────────── a cable (veth) ──────────────┘",
    "",
    `  ping  ${formatPing(ping)}`,
    `  TCP   ${formatTransfer(transfer)}`,
    "",
    ...renderCounters(picture),
    "",
    ...troubles.slice(-3).map((trouble) => `  ! ${trouble}`),
    `  ${doing}`,
  ];
}

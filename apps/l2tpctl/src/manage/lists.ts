/** `l2tpctl peers`, `l2tpctl pools`, `l2tpctl targets`. */
import { type DialTarget, formatDuration, type PeerSummary, type PoolStatus } from "@l2tp/management";
import type { Command } from "commander";
import type { Column } from "../table.ts";
import { amount } from "../text.ts";
import { type Listed, printRows } from "./things.ts";
import { repeat, watchOption } from "./watch.ts";
import { type CommonFlags, daemonCommand, type Program, type Work, work } from "./work.ts";

type Flags = CommonFlags & { readonly watch?: number; readonly peer?: string };

function list<T>(
  program: Program,
  command: Command,
  rows: (work: Work, flags: Flags) => AsyncIterable<T>,
  listed: Listed<T>,
): Command {
  return command
    .addOption(watchOption())
    .action((flags: Flags) =>
      work(program, flags, (it) => repeat(it, flags, () => printRows(it, flags, rows(it, flags), listed))),
    );
}

export function peersCommand(program: Program): Command {
  const command = daemonCommand("peers", "addresses that control messages came from, and what they did", [
    "l2tpctl peers",
    "l2tpctl peers --peer '2001:db8:*' --watch",
  ]).option("--peer <peer>", "only this address or host name; * stands for anything");
  return list(program, command, ({ client }, { peer }) => client.peers({ peer }), {
    columns: PEERS,
    empty: "no peers",
  });
}

export function poolsCommand(program: Program): Command {
  const command = daemonCommand("pools", "address pools, and how much of them is in use", ["l2tpctl pools"]);
  return list(program, command, ({ client }) => client.pools(), { columns: POOLS, empty: "no pools" });
}

export function targetsCommand(program: Program): Command {
  const command = daemonCommand("targets", "tunnels that can be dialled, and how that goes", [
    "l2tpctl targets --watch",
  ]);
  return list(program, command, ({ client }) => client.dialTargets(), {
    columns: TARGETS,
    empty: "no tunnel is configured to be dialled",
  });
}

const counter = (title: string, name: string, rank: number): Column<PeerSummary> => ({
  title,
  value: (row) => row.counters[name],
  right: true,
  rank,
});

const PEERS: readonly Column<PeerSummary>[] = [
  { title: "ADDRESS", value: (row) => row.address, rank: 0 },
  { title: "TUNNELS", value: (row) => row.tunnels, right: true, rank: 0 },
  { title: "HALF OPEN", value: (row) => row.halfOpen, right: true, rank: 2 },
  { title: "SESSIONS", value: (row) => row.sessions, right: true, rank: 1 },
  { title: "HOST NAMES", value: (row) => row.hostNames?.join(", "), rank: 6 },
  counter("MESSAGES", "messagesReceived", 3),
  counter("DROPPED", "discarded", 3),
  counter("REFUSED", "tunnelsRefused", 4),
  counter("WRONG SECRET", "badAuthentications", 4),
  counter("TOO FAST", "rateLimited", 5),
];

const POOLS: readonly Column<PoolStatus>[] = [
  { title: "NAME", value: (row) => row.name, rank: 0 },
  { title: "USED", value: (row) => row.used, right: true, rank: 0 },
  {
    title: "OF",
    value: (row) => row.size && (row.size >= 1e6 ? amount(row.size) : row.size),
    right: true,
    rank: 0,
  },
  {
    title: "FULL",
    value: (row) => row.size && `${Math.floor((100 * row.used) / row.size)} %`,
    right: true,
    rank: 1,
  },
  { title: "RANGES", value: (row) => row.ranges.join(", "), rank: 2 },
];

const TARGETS: readonly Column<DialTarget>[] = [
  { title: "NAME", value: (row) => row.name, rank: 0 },
  {
    title: "STATE",
    value: (row) => row.state,
    rank: 0,
    paint: (row, paint) => (row.state === "up" ? paint.good : undefined),
  },
  { title: "DIALLED", value: (row) => row.when, rank: 3 },
  { title: "TUNNEL", value: (row) => (row.tunnel === row.name ? undefined : row.tunnel), rank: 4 },
  { title: "TRIES", value: (row) => row.attempts, right: true, rank: 2 },
  { title: "NEXT IN", value: (row) => row.retryInMs && formatDuration(row.retryInMs), right: true, rank: 1 },
  {
    title: "PEERS",
    value: (row) =>
      row.peers
        .map(
          ({ name, lockedOutForMs }) =>
            `${name}${lockedOutForMs ? ` (not for ${formatDuration(lockedOutForMs)})` : ""}`,
        )
        .join(", "),
    rank: 0,
  },
  { title: "WHY NOT UP", value: (row) => row.reason?.text, rank: 1 },
];

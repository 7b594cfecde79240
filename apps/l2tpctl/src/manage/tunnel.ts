/** `l2tpctl tunnel list|show|down`. */
import { type ClosedTunnel, formatAddress, type TunnelDetail, type TunnelSummary } from "@l2tp/management";
import { Command } from "commander";
import type { Paint } from "../paint.ts";
import { type Column, fields, printTable } from "../table.ts";
import { duration, json, roundTrip, safe, words } from "../text.ts";
import { notZero, section } from "./status.ts";
import { repeat, watchOption } from "./watch.ts";
import { type CommonFlags, daemonCommand, type Program, printLines, work } from "./work.ts";

interface ListFlags extends CommonFlags {
  readonly peer?: string;
  readonly state?: string;
  readonly closed?: true;
  readonly watch?: number;
}

export function tunnelCommand(program: Program): Command {
  return new Command("tunnel")
    .summary("list tunnels, show one, take one down")
    .description("A tunnel (control connection) is called by its name or by our tunnel ID.")
    .helpCommand(false)
    .addCommand(listCommand(program))
    .addCommand(showCommand(program))
    .addCommand(downCommand(program));
}

function listCommand(program: Program): Command {
  return daemonCommand("list", "a line for each tunnel", [
    "l2tpctl tunnel list --state down            those that are not up",
    "l2tpctl tunnel list --peer '192.0.2.*'      those of some peers",
    "l2tpctl tunnel list --closed                those that have ended, and why",
    "l2tpctl tunnel list --json | jq -r .name    their names",
  ])
    .option("--peer <peer>", "only of this address, host name or [peer.NAME]; * stands for anything")
    .option("--state <state>", "only in this state: up, down, or as shown")
    .option("--closed", "those that have ended and are still remembered")
    .addOption(watchOption())
    .action((flags: ListFlags) =>
      work(program, flags, (it) =>
        repeat(it, flags, async () => {
          const { client, output } = it;
          if (flags.closed) {
            const rows = client.closedTunnels({ peer: flags.peer });
            if (flags.json) await printLines(rows, output);
            else await printTable(rows, CLOSED, { ...it, empty: "no tunnel has ended lately" });
          } else {
            const rows = client.tunnels({ peer: flags.peer, state: flags.state });
            if (flags.json) await printLines(rows, output);
            else await printTable(rows, COLUMNS, { ...it, empty: "no tunnels" });
          }
        }),
      ),
    );
}

function showCommand(program: Program): Command {
  return daemonCommand("show", "everything about one tunnel", [
    "l2tpctl tunnel show office",
    "l2tpctl tunnel show 4711 --json     by our tunnel ID",
  ])
    .argument("<tunnel>", "its name, or our tunnel ID")
    .addOption(watchOption())
    .action((name: string, flags: CommonFlags & { watch?: number }) =>
      work(program, flags, (it) =>
        repeat(it, flags, async () => {
          const tunnel = await it.client.tunnel(name);
          if (flags.json) it.output.line(json(tunnel));
          else for (const line of detailLines(tunnel, it.paint)) it.output.line(line);
        }),
      ),
    );
}

function downCommand(program: Program): Command {
  return daemonCommand("down", "end a tunnel and its sessions with StopCCN", [
    "l2tpctl tunnel down 4711",
    'l2tpctl tunnel down office --text "maintenance, back at noon"',
  ])
    .description(
      "Ends a tunnel and its sessions with StopCCN. One that the configuration wants up is dialled again as its\n" +
        "redial settings say; l2tpctl hangup NAME keeps it down.",
    )
    .argument("<tunnel>", "its name, or our tunnel ID")
    .option("--text <text>", "for the log, and for the peer to read")
    .action((name: string, flags: CommonFlags & { text?: string }) =>
      work(program, flags, async ({ client, output }) => {
        await client.closeTunnel(name, { text: flags.text });
        output.line(flags.json ? json({}) : safe(`tunnel ${name} is being taken down`));
      }),
    );
}

const stateOf = (row: { up: boolean; state: string; controlState?: string | undefined }): string =>
  row.up || row.controlState === undefined ? row.state : `${row.state} (${row.controlState})`;

const COLUMNS: readonly Column<TunnelSummary>[] = [
  { title: "NAME", value: (row) => row.name, rank: 0 },
  { title: "ID", value: (row) => row.tunnelId, right: true, rank: 0 },
  { title: "PEER ID", value: (row) => row.peerTunnelId || undefined, right: true, rank: 5 },
  {
    title: "STATE",
    value: stateOf,
    rank: 0,
    paint: (row, paint) => (row.up ? paint.good : paint.bad),
  },
  { title: "PEER", value: (row) => formatAddress(row.peer), rank: 0 },
  { title: "HOST NAME", value: (row) => row.peerHostName, rank: 3 },
  { title: "OPENED BY", value: (row) => row.openedBy && (row.openedBy === "local" ? "us" : "peer"), rank: 6 },
  { title: "SESSIONS", value: (row) => row.sessionsUp, right: true, rank: 1 },
  { title: "UP FOR", value: (row) => row.upForMs && duration(row.upForMs), right: true, rank: 2 },
  { title: "RTT", value: (row) => row.rttMs && roundTrip(row.rttMs), right: true, rank: 4 },
  { title: "WHY NOT UP", value: (row) => row.reason?.text, rank: 2 },
];

const CLOSED: readonly Column<ClosedTunnel>[] = [
  { title: "NAME", value: (row) => row.name, rank: 0 },
  { title: "ID", value: (row) => row.tunnelId, right: true, rank: 3 },
  { title: "PEER", value: (row) => formatAddress(row.peer), rank: 0 },
  { title: "HOST NAME", value: (row) => row.peerHostName, rank: 4 },
  {
    title: "WAS UP",
    value: (row) => (row.wasUp ? duration(row.upForMs ?? 0) : "never"),
    right: true,
    rank: 2,
  },
  { title: "ENDED", value: (row) => `${duration(row.endedAgoMs)} ago`, right: true, rank: 1 },
  { title: "WHY", value: (row) => row.ending.line, rank: 0 },
];

function detailLines(tunnel: TunnelDetail, paint: Paint): string[] {
  const { peerFacts: facts, channel } = tunnel;
  const up = tunnel.upForMs === undefined ? "" : ` for ${duration(tunnel.upForMs)}`;
  const lines = [
    `${paint.strong(`tunnel ${safe(tunnel.name)}`)}: ${(tunnel.up ? paint.good : paint.bad)(safe(stateOf(tunnel)) + up)}`,
    ...fields(
      [
        ["why", tunnel.reason?.text],
        ["what to do", tunnel.reason?.remedy],
        ["next try in", tunnel.retryInMs && duration(tunnel.retryInMs)],
        ["kind", `L2TPv${tunnel.version}, ${tunnel.mode}, ${tunnel.encapsulation}`],
        ["IDs", `${tunnel.tunnelId}, the peer's ${tunnel.peerTunnelId || "not known"}`],
        ["addresses", `${tunnel.local ? formatAddress(tunnel.local) : "-"} → ${formatAddress(tunnel.peer)}`],
        [
          "opened by",
          tunnel.openedBy &&
            (tunnel.openedBy === "local"
              ? "us"
              : `the peer${tunnel.listener ? `, at ${tunnel.listener}` : ""}`),
        ],
        [
          "let in by",
          tunnel.openedBy === "peer" && tunnel.peerName ? `[peer.${tunnel.peerName}]` : undefined,
        ],
        ["host name", tunnel.peerHostName],
        [
          "vendor",
          [
            tunnel.peerVendorName,
            facts?.firmwareRevision && `firmware ${facts.firmwareRevision.toString(16)}`,
          ]
            .filter(Boolean)
            .join(", "),
        ],
        ["framing", facts?.framing.join(", ")],
        ["bearer", facts?.bearer?.join(", ")],
        [
          "authenticated",
          tunnel.authenticated === undefined
            ? undefined
            : tunnel.authenticated
              ? `yes${tunnel.secret === 1 ? ", by the second secret" : ""}`
              : "no",
        ],
        ["quirks", tunnel.quirks.map(({ name, text }) => `${name} (${text})`).join("; ")],
        ["data plane", tunnel.plane],
        [
          "sessions",
          `${tunnel.sessionsUp} up of ${tunnel.sessions}${tunnel.sessionsEstablished === undefined ? "" : `; since its set-up ${tunnel.sessionsEstablished} established, ${tunnel.sessionsFailed ?? 0} failed`}`,
        ],
        ["timers", tunnel.timers.map(words).join(", ")],
      ],
      "  ",
    ),
  ];
  if (channel) {
    lines.push(
      "  control messages",
      ...fields(
        [
          ["Ns, Nr", `${channel.ns}, ${channel.nr}; the peer has ${channel.peerNr}`],
          [
            "round trip",
            channel.rttMs === undefined
              ? "not measured"
              : `${roundTrip(channel.rttMs)}${channel.rttVariationMs === undefined ? "" : ` ± ${roundTrip(channel.rttVariationMs)}`}`,
          ],
          [
            "retransmission",
            channel.retransmissionMs &&
              `after ${duration(channel.retransmissionMs)}, sent again ${channel.retries} times`,
          ],
          ["window", `${channel.window}; cwnd ${channel.cwnd}, ssthresh ${channel.ssthresh}`],
          ["waiting", `${channel.queued}, of these ${channel.inFlight} on their way, ${channel.held} held`],
          ["last heard", `${duration(channel.lastHeardAgoMs)} ago`],
          ...notZero(channel.counters),
        ],
        "    ",
      ),
    );
  }
  lines.push(...section("data", tunnel.data));
  lines.push(...messageLines(tunnel.messages));
  return lines;
}

function messageLines(messages: TunnelDetail["messages"]): string[] {
  if (messages.length === 0) return [];
  return [
    "  last messages",
    ...messages.map(
      ({ agoMs, direction, message, sessionId }) =>
        `    ${`${duration(agoMs)} ago`.padStart(14)}  ${direction.padEnd(8)}  ${safe(message)}${sessionId === 0 ? "" : `, session ${sessionId}`}`,
    ),
  ];
}

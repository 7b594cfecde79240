/** `l2tpctl tunnel list|show|down`. */
import {
  type ClosedTunnel,
  formatAddress,
  formatDuration,
  type TunnelDetail,
  type TunnelSummary,
} from "@l2tp/management";
import { type Command, Option } from "commander";
import type { Paint } from "../paint.ts";
import { type Column, fields } from "../table.ts";
import { roundTrip, words } from "../text.ts";
import { notZero, section } from "./status.ts";
import {
  detailHead,
  ENDING_COLUMNS,
  endedHead,
  messageLines,
  stateColumn,
  thingCommand,
  upForColumn,
  WHY_NOT_UP,
} from "./things.ts";
import type { Program } from "./work.ts";

interface Filters {
  readonly peer?: string;
  readonly state?: string;
}

export function tunnelCommand(program: Program): Command {
  return thingCommand<Filters, TunnelSummary, TunnelDetail, ClosedTunnel>(program, {
    noun: "tunnel",
    summary: "list tunnels, show one, take one down",
    description: "A tunnel (control connection) is called by its name or by our tunnel ID.",
    argument: "its name, or our tunnel ID",
    examples: {
      list: [
        "l2tpctl tunnel list --state down            those that are not up",
        "l2tpctl tunnel list --peer '192.0.2.*'      those of some peers",
        "l2tpctl tunnel list --closed                those that have ended, and why",
        "l2tpctl tunnel list --json | jq -r .name    their names",
      ],
      show: ["l2tpctl tunnel show office", "l2tpctl tunnel show 4711 --json     by our tunnel ID"],
      end: ["l2tpctl tunnel down 4711", 'l2tpctl tunnel down office --text "maintenance, back at noon"'],
    },
    filters: [
      new Option("--peer <peer>", "only of this address, host name or [peer.NAME]; * stands for anything"),
      new Option("--state <state>", "only in this state: up, down, or as shown"),
    ],
    rows: (client, { peer, state }) => client.tunnels({ peer, state }),
    live: { columns: COLUMNS, empty: "no tunnels" },
    closedRows: (client, { peer }) => client.closedTunnels({ peer }),
    closed: { columns: CLOSED, empty: "no tunnel has ended lately" },
    one: (client, name) => client.tunnel(name),
    lines: detailLines,
    isMeant: ({ name, tunnelId }, reference) => name === reference || String(tunnelId) === reference,
    closedLines,
    end: {
      name: "down",
      summary: "end a tunnel and its sessions with StopCCN",
      description:
        "Ends a tunnel and its sessions with StopCCN. One that the configuration wants up is dialled again as its\n" +
        "redial settings say; l2tpctl hangup NAME keeps it down.",
      run: (client, name, text) => client.closeTunnel(name, { text }),
      done: (name) => `tunnel ${name} is being taken down`,
    },
  });
}

const COLUMNS: readonly Column<TunnelSummary>[] = [
  { title: "NAME", value: (row) => row.name, rank: 0 },
  { title: "ID", value: (row) => row.tunnelId, right: true, rank: 0 },
  { title: "PEER ID", value: (row) => row.peerTunnelId || undefined, right: true, rank: 5 },
  stateColumn((row) => row.controlState),
  { title: "PEER", value: (row) => formatAddress(row.peer), rank: 0 },
  { title: "HOST NAME", value: (row) => row.peerHostName, rank: 3 },
  { title: "OPENED BY", value: (row) => row.openedBy && (row.openedBy === "local" ? "us" : "peer"), rank: 6 },
  { title: "SESSIONS", value: (row) => row.sessionsUp, right: true, rank: 1 },
  upForColumn(2),
  { title: "RTT", value: (row) => row.rttMs && roundTrip(row.rttMs), right: true, rank: 4 },
  WHY_NOT_UP,
];

const CLOSED: readonly Column<ClosedTunnel>[] = [
  { title: "NAME", value: (row) => row.name, rank: 0 },
  { title: "ID", value: (row) => row.tunnelId, right: true, rank: 3 },
  { title: "PEER", value: (row) => formatAddress(row.peer), rank: 0 },
  { title: "HOST NAME", value: (row) => row.peerHostName, rank: 4 },
  ...ENDING_COLUMNS,
];

function detailLines(tunnel: TunnelDetail, paint: Paint): string[] {
  const { peerFacts: facts, channel } = tunnel;
  const lines = detailHead(
    `tunnel ${tunnel.name}`,
    tunnel,
    tunnel.controlState,
    [
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
      ["let in by", tunnel.openedBy === "peer" && tunnel.peerName ? `[peer.${tunnel.peerName}]` : undefined],
      ["host name", tunnel.peerHostName],
      [
        "vendor",
        [tunnel.peerVendorName, facts?.firmwareRevision && `firmware ${facts.firmwareRevision.toString(16)}`]
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
    paint,
  );
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
              `after ${formatDuration(channel.retransmissionMs)}, sent again ${channel.retries} times`,
          ],
          ["window", `${channel.window}; cwnd ${channel.cwnd}, ssthresh ${channel.ssthresh}`],
          ["waiting", `${channel.queued}, of these ${channel.inFlight} on their way, ${channel.held} held`],
          ["last heard", `${formatDuration(channel.lastHeardAgoMs)} ago`],
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

function closedLines(tunnel: ClosedTunnel, paint: Paint): string[] {
  return [
    ...endedHead(
      `tunnel ${tunnel.name}`,
      tunnel,
      [
        ["IDs", `${tunnel.tunnelId}, the peer's ${tunnel.peerTunnelId || "not known"}`],
        ["peer", formatAddress(tunnel.peer)],
        ["opened by", tunnel.openedBy && (tunnel.openedBy === "local" ? "us" : "the peer")],
        ["host name", tunnel.peerHostName],
        ["sessions", tunnel.sessions],
      ],
      paint,
    ),
    ...messageLines(tunnel.messages),
  ];
}

/** `l2tpctl tunnel list|show|down`. */
import {
  type ChannelValue,
  type ClosedTunnel,
  formatAddress,
  formatDuration,
  type TunnelDetail,
  type TunnelSummary,
} from "@l2tp/management";
import { type Command, Option } from "commander";
import type { Paint } from "../paint.ts";
import { type Column, type Field, part } from "../table.ts";
import { listed, roundTrip, words, yesOrNo } from "../text.ts";
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

const idsText = (tunnel: TunnelDetail | ClosedTunnel): string =>
  `${tunnel.tunnelId}, the peer's ${tunnel.peerTunnelId || "not known"}`;

function detailLines(tunnel: TunnelDetail, paint: Paint): string[] {
  const { name, controlState, channel, data, messages } = tunnel;
  return [
    ...detailHead(
      `tunnel ${name}`,
      tunnel,
      controlState,
      [...tunnelFields(tunnel), ...peerFields(tunnel), ...insideFields(tunnel)],
      paint,
    ),
    ...(channel ? part("control messages", channelFields(channel)) : []),
    ...section("data", data),
    ...messageLines(messages),
  ];
}

function tunnelFields(tunnel: TunnelDetail): readonly Field[] {
  const { local, peer, openedBy, listener, peerName } = tunnel;
  const thePeer = `the peer${listener ? `, at ${listener}` : ""}`;
  return [
    ["kind", `L2TPv${tunnel.version}, ${tunnel.mode}, ${tunnel.encapsulation}`],
    ["IDs", idsText(tunnel)],
    ["addresses", `${local ? formatAddress(local) : "-"} → ${formatAddress(peer)}`],
    ["opened by", openedBy && (openedBy === "local" ? "us" : thePeer)],
    ["let in by", openedBy === "peer" && peerName ? `[peer.${peerName}]` : undefined],
  ];
}

/** What the peer said of itself, and what is held of it. */
function peerFields(tunnel: TunnelDetail): readonly Field[] {
  const { peerFacts: facts, authenticated, secret } = tunnel;
  const whichSecret = authenticated && secret === 1 ? ", by the second secret" : "";
  return [
    ["host name", tunnel.peerHostName],
    [
      "vendor",
      listed(
        tunnel.peerVendorName,
        facts?.firmwareRevision && `firmware ${facts.firmwareRevision.toString(16)}`,
      ),
    ],
    ["framing", facts?.framing.join(", ")],
    ["bearer", facts?.bearer?.join(", ")],
    ["authenticated", authenticated === undefined ? undefined : `${yesOrNo(authenticated)}${whichSecret}`],
    ["quirks", tunnel.quirks.map(({ name, text }) => `${name} (${text})`).join("; ")],
  ];
}

function insideFields(tunnel: TunnelDetail): readonly Field[] {
  const { sessionsUp, sessions, sessionsEstablished, sessionsFailed } = tunnel;
  const since =
    sessionsEstablished === undefined
      ? ""
      : `; since its set-up ${sessionsEstablished} established, ${sessionsFailed ?? 0} failed`;
  return [
    ["data plane", tunnel.plane],
    ["sessions", `${sessionsUp} up of ${sessions}${since}`],
    ["timers", tunnel.timers.map(words).join(", ")],
  ];
}

function channelFields(channel: ChannelValue): readonly Field[] {
  const { rttMs, rttVariationMs, retransmissionMs } = channel;
  const variation = rttVariationMs === undefined ? "" : ` ± ${roundTrip(rttVariationMs)}`;
  return [
    ["Ns, Nr", `${channel.ns}, ${channel.nr}; the peer has ${channel.peerNr}`],
    ["round trip", rttMs === undefined ? "not measured" : `${roundTrip(rttMs)}${variation}`],
    [
      "retransmission",
      retransmissionMs && `after ${formatDuration(retransmissionMs)}, sent again ${channel.retries} times`,
    ],
    ["window", `${channel.window}; cwnd ${channel.cwnd}, ssthresh ${channel.ssthresh}`],
    ["waiting", `${channel.queued}, of these ${channel.inFlight} on their way, ${channel.held} held`],
    ["last heard", `${formatDuration(channel.lastHeardAgoMs)} ago`],
    ...notZero(channel.counters),
  ];
}

function closedLines(tunnel: ClosedTunnel, paint: Paint): string[] {
  return [
    ...endedHead(
      `tunnel ${tunnel.name}`,
      tunnel,
      [
        ["IDs", idsText(tunnel)],
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

/** `l2tpctl session list|show|hangup`. */
import {
  type ClosedSession,
  formatAddress,
  formatDuration,
  type PppStatus,
  type SessionDetail,
  type SessionSummary,
} from "@l2tp/management";
import { type Command, Option } from "commander";
import type { Paint } from "../paint.ts";
import { type Column, type Field, part } from "../table.ts";
import { amount, listed, safe, yesOrNo } from "../text.ts";
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
  readonly tunnel?: string;
  readonly peer?: string;
  readonly user?: string;
  readonly state?: string;
}

const ARGUMENT = "TUNNEL/SESSION by names or IDs; or a name, user or interface that only one has";

export function sessionCommand(program: Program): Command {
  return thingCommand<Filters, SessionSummary, SessionDetail, ClosedSession>(program, {
    noun: "session",
    summary: "list sessions, show one, hang one up",
    description: `A session is called ${ARGUMENT}.`,
    argument: ARGUMENT,
    examples: {
      list: [
        "l2tpctl session list --tunnel office",
        "l2tpctl session list --user '*@example.org' --state up",
        "l2tpctl session list --closed                   those that have ended, and why",
        "l2tpctl session list --json | jq -s 'map(.rxOctets) | add'",
      ],
      show: [
        "l2tpctl session show office/call-1",
        "l2tpctl session show anna            by the user's name",
        "l2tpctl session show ppp3 --json     by its interface",
      ],
      end: ["l2tpctl session hangup anna", 'l2tpctl session hangup 4711/815 --text "line test"'],
    },
    filters: [
      new Option("--tunnel <tunnel>", "only of this tunnel, by name or ID"),
      new Option("--peer <peer>", "only of this peer, by address; * stands for anything"),
      new Option("--user <user>", "only of this user"),
      new Option("--state <state>", "only in this state: up, down, or as shown"),
    ],
    rows: (client, { tunnel, peer, user, state }) => client.sessions({ tunnel, peer, user, state }),
    live: { columns: COLUMNS, empty: "no sessions" },
    closedRows: (client, { tunnel, peer, user }) => client.closedSessions({ tunnel, peer, user }),
    closed: { columns: CLOSED, empty: "no session has ended lately" },
    one: (client, reference) => client.session(reference),
    lines: detailLines,
    isMeant: ({ tunnel, name, user, sessionId }, reference) =>
      [`${tunnel}/${name}`, `${tunnel}/${sessionId}`, name, user, String(sessionId)].includes(reference),
    closedLines,
    end: {
      name: "hangup",
      summary: "end a session with CDN",
      run: (client, reference, text) => client.hangUp(reference, { text }),
      done: (reference) => `session ${reference} is being hung up`,
    },
  });
}

/** The address that tells sessions apart: the subscriber's, which is the peer at an LNS and ourselves at a LAC. */
function subscriberAddress({ kind, ipv4, ipv6 }: SessionSummary): string | undefined {
  const end = kind.startsWith("lac") ? "local" : "peer";
  return ipv4?.[end] ?? ipv6?.[end];
}

const octets = (title: string, of: "rxOctets" | "txOctets"): Column<SessionSummary> => ({
  title,
  value: ({ [of]: count }) => (count === undefined ? undefined : amount(count)),
  right: true,
  rank: 6,
});

const COLUMNS: readonly Column<SessionSummary>[] = [
  { title: "TUNNEL/SESSION", value: (row) => `${row.tunnel}/${row.name}`, rank: 0 },
  { title: "IDS", value: (row) => `${row.tunnelId}/${row.sessionId}`, rank: 4 },
  { title: "KIND", value: (row) => row.kind, rank: 7 },
  stateColumn((row) => row.callState),
  { title: "USER", value: (row) => row.user, rank: 0 },
  { title: "ADDRESS", value: subscriberAddress, rank: 1 },
  { title: "INTERFACE", value: (row) => row.interfaceName, rank: 2 },
  { title: "MTU", value: (row) => row.mtuOctets, right: true, rank: 8 },
  { title: "PEER", value: (row) => formatAddress(row.peer), rank: 5 },
  upForColumn(3),
  octets("RX", "rxOctets"),
  octets("TX", "txOctets"),
  WHY_NOT_UP,
];

const CLOSED: readonly Column<ClosedSession>[] = [
  { title: "TUNNEL/SESSION", value: (row) => `${row.tunnel}/${row.name}`, rank: 0 },
  { title: "USER", value: (row) => row.user, rank: 0 },
  { title: "PEER", value: (row) => row.peer && formatAddress(row.peer), rank: 3 },
  ...ENDING_COLUMNS,
];

const pair = (
  it: { local?: string | undefined; peer?: string | undefined } | undefined,
): string | undefined => it && `${it.local ?? "-"} → ${it.peer ?? "-"}`;

const idsText = (session: SessionDetail | ClosedSession): string =>
  `${session.sessionId}, the peer's ${session.peerSessionId || "not known"}`;

function detailLines(session: SessionDetail, paint: Paint): string[] {
  const { tunnel, name, callState, warnings, ppp, proxy, data } = session;
  return [
    ...detailHead(
      `session ${tunnel}/${name}`,
      session,
      callState,
      [...sessionFields(session), ...callFields(session)],
      paint,
    ),
    ...(warnings ?? []).map((text) => paint.bad(`  ${safe(text)}`)),
    ...(ppp ? part("PPP", pppFields(ppp)) : []),
    ...(proxy ? part("of the LAC", proxyFields(proxy)) : []),
    ...section("data", data),
  ];
}

function sessionFields(session: SessionDetail): readonly Field[] {
  const { interfaceName, mtuOctets } = session;
  const mtu = mtuOctets === undefined ? "" : `, MTU ${mtuOctets}`;
  return [
    ["kind", `${session.kind}, ${session.pseudowire}`],
    ["IDs", `${idsText(session)}; of tunnel ${session.tunnelId}`],
    ["peer", formatAddress(session.peer)],
    ["user", session.user],
    ["IPv4", pair(session.ipv4)],
    ["IPv6", pair(session.ipv6)],
    ["interface", interfaceName && `${interfaceName}${mtu}`],
    ["switched to", session.switchedTo],
    ["routes", session.routes?.join(", ")],
    ["set up in", session.setupMs && formatDuration(session.setupMs)],
  ];
}

/** What the messages of the call said. */
function callFields(session: SessionDetail): readonly Field[] {
  const { callSerialNumber, calledNumber, callingNumber, txConnectBps, rxConnectBps } = session;
  const required = session.sequencingRequired ? "required" : undefined;
  return [
    [
      "call",
      listed(
        callSerialNumber && `serial number ${callSerialNumber}`,
        calledNumber && `to ${calledNumber}`,
        callingNumber && `from ${callingNumber}`,
      ),
    ],
    ["private group", session.privateGroupId],
    [
      "speed",
      listed(
        txConnectBps !== undefined && `${amount(txConnectBps)}bit/s to the caller`,
        rxConnectBps !== undefined && `${amount(rxConnectBps)}bit/s from it`,
      ),
    ],
    ["sequencing", required ?? yesOrNo(session.sequencing)],
    ["data plane", session.plane],
  ];
}

const pppFields = (ppp: PppStatus): readonly Field[] => [
  ["run by", ppp.pid === undefined ? ppp.by : `${ppp.by}, process ${ppp.pid}`],
  ["phase", ppp.phase],
  ["peer's proof", ppp.peerAuthentication],
  ["our proof", ppp.ourAuthentication],
  ["MRU, MTU", ppp.mruOctets && `${ppp.mruOctets}, ${ppp.mtuOctets ?? "-"}`],
  ["networks", ppp.networks?.join(", ")],
  ["DNS", ppp.dns?.join(", ")],
  ["MPPE", ppp.mppe],
  ...notZero(ppp.counters ?? {}),
];

const proxyFields = (proxy: NonNullable<SessionDetail["proxy"]>): readonly Field[] => [
  ["name", proxy.authenticationName],
  ["proof", proxy.authenticationType],
  ["taken as", proxy.use],
];

function closedLines(session: ClosedSession, paint: Paint): string[] {
  return [
    ...endedHead(
      `session ${session.tunnel}/${session.name}`,
      session,
      [
        ["kind", session.kind],
        ["IDs", idsText(session)],
        ["peer", session.peer && formatAddress(session.peer)],
        ["user", session.user],
      ],
      paint,
    ),
    ...section("data", session.data),
    ...messageLines(session.messages ?? []),
  ];
}

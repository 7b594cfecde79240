/** `l2tpctl session list|show|hangup`. */
import { type ClosedSession, formatAddress, type SessionDetail, type SessionSummary } from "@l2tp/management";
import { Command } from "commander";
import type { Paint } from "../paint.ts";
import { type Column, fields, printTable } from "../table.ts";
import { amount, duration, json, safe } from "../text.ts";
import { notZero, section } from "./status.ts";
import { repeat, watchOption } from "./watch.ts";
import { type CommonFlags, daemonCommand, type Program, printLines, work } from "./work.ts";

interface ListFlags extends CommonFlags {
  readonly tunnel?: string;
  readonly peer?: string;
  readonly user?: string;
  readonly state?: string;
  readonly closed?: true;
  readonly watch?: number;
}

const ARGUMENT = "TUNNEL/SESSION by names or IDs; or a name, user or interface that only one has";

export function sessionCommand(program: Program): Command {
  return new Command("session")
    .summary("list sessions, show one, hang one up")
    .description(`A session is called ${ARGUMENT}.`)
    .helpCommand(false)
    .addCommand(listCommand(program))
    .addCommand(showCommand(program))
    .addCommand(hangUpCommand(program));
}

function listCommand(program: Program): Command {
  return daemonCommand("list", "a line for each session", [
    "l2tpctl session list --tunnel office",
    "l2tpctl session list --user '*@example.org' --state up",
    "l2tpctl session list --closed                   those that have ended, and why",
    "l2tpctl session list --json | jq -s 'map(.rxOctets) | add'",
  ])
    .option("--tunnel <tunnel>", "only of this tunnel, by name or ID")
    .option("--peer <peer>", "only of this peer, by address; * stands for anything")
    .option("--user <user>", "only of this user")
    .option("--state <state>", "only in this state: up, down, or as shown")
    .option("--closed", "those that have ended and are still remembered")
    .addOption(watchOption())
    .action((flags: ListFlags) =>
      work(program, flags, (it) =>
        repeat(it, flags, async () => {
          const { client, output } = it;
          const { tunnel, peer, user, state } = flags;
          if (flags.closed) {
            const rows = client.closedSessions({ tunnel, peer, user });
            if (flags.json) await printLines(rows, output);
            else await printTable(rows, CLOSED, { ...it, empty: "no session has ended lately" });
          } else {
            const rows = client.sessions({ tunnel, peer, user, state });
            if (flags.json) await printLines(rows, output);
            else await printTable(rows, COLUMNS, { ...it, empty: "no sessions" });
          }
        }),
      ),
    );
}

function showCommand(program: Program): Command {
  return daemonCommand("show", "everything about one session", [
    "l2tpctl session show office/call-1",
    "l2tpctl session show anna            by the user's name",
    "l2tpctl session show ppp3 --json     by its interface",
  ])
    .argument("<session>", ARGUMENT)
    .addOption(watchOption())
    .action((reference: string, flags: CommonFlags & { watch?: number }) =>
      work(program, flags, (it) =>
        repeat(it, flags, async () => {
          const session = await it.client.session(reference);
          if (flags.json) it.output.line(json(session));
          else for (const line of detailLines(session, it.paint)) it.output.line(line);
        }),
      ),
    );
}

function hangUpCommand(program: Program): Command {
  return daemonCommand("hangup", "end a session with CDN", [
    "l2tpctl session hangup anna",
    'l2tpctl session hangup 4711/815 --text "line test"',
  ])
    .argument("<session>", ARGUMENT)
    .option("--text <text>", "for the log, and for the peer to read")
    .action((reference: string, flags: CommonFlags & { text?: string }) =>
      work(program, flags, async ({ client, output }) => {
        await client.hangUp(reference, { text: flags.text });
        output.line(flags.json ? json({}) : safe(`session ${reference} is being hung up`));
      }),
    );
}

const stateOf = (row: { up: boolean; state: string; callState?: string | undefined }): string =>
  row.up || row.callState === undefined ? row.state : `${row.state} (${row.callState})`;

/** The address that tells sessions apart: the subscriber's, which is the peer at an LNS and ourselves at a LAC. */
function subscriberAddress({ kind, ipv4, ipv6 }: SessionSummary): string | undefined {
  const end = kind.startsWith("lac") ? "local" : "peer";
  return ipv4?.[end] ?? ipv6?.[end];
}

const COLUMNS: readonly Column<SessionSummary>[] = [
  { title: "TUNNEL/SESSION", value: (row) => `${row.tunnel}/${row.name}`, rank: 0 },
  { title: "IDS", value: (row) => `${row.tunnelId}/${row.sessionId}`, rank: 4 },
  { title: "KIND", value: (row) => row.kind, rank: 7 },
  {
    title: "STATE",
    value: stateOf,
    rank: 0,
    paint: (row, paint) => (row.up ? paint.good : paint.bad),
  },
  { title: "USER", value: (row) => row.user, rank: 0 },
  { title: "ADDRESS", value: subscriberAddress, rank: 1 },
  { title: "INTERFACE", value: (row) => row.interfaceName, rank: 2 },
  { title: "MTU", value: (row) => row.mtuOctets, right: true, rank: 8 },
  { title: "PEER", value: (row) => formatAddress(row.peer), rank: 5 },
  { title: "UP FOR", value: (row) => row.upForMs && duration(row.upForMs), right: true, rank: 3 },
  {
    title: "RX",
    value: (row) => (row.rxOctets !== undefined && amount(row.rxOctets)) || undefined,
    right: true,
    rank: 6,
  },
  {
    title: "TX",
    value: (row) => (row.txOctets !== undefined && amount(row.txOctets)) || undefined,
    right: true,
    rank: 6,
  },
  { title: "WHY NOT UP", value: (row) => row.reason?.text, rank: 2 },
];

const CLOSED: readonly Column<ClosedSession>[] = [
  { title: "TUNNEL/SESSION", value: (row) => `${row.tunnel}/${row.name}`, rank: 0 },
  { title: "USER", value: (row) => row.user, rank: 0 },
  { title: "PEER", value: (row) => row.peer && formatAddress(row.peer), rank: 3 },
  {
    title: "WAS UP",
    value: (row) => (row.wasUp ? duration(row.upForMs ?? 0) : "never"),
    right: true,
    rank: 2,
  },
  { title: "ENDED", value: (row) => `${duration(row.endedAgoMs)} ago`, right: true, rank: 1 },
  { title: "WHY", value: (row) => row.ending.line, rank: 0 },
];

const pair = (
  it: { local?: string | undefined; peer?: string | undefined } | undefined,
): string | undefined => it && `${it.local ?? "-"} → ${it.peer ?? "-"}`;

function detailLines(session: SessionDetail, paint: Paint): string[] {
  const { ppp, proxy } = session;
  const up = session.upForMs === undefined ? "" : ` for ${duration(session.upForMs)}`;
  const yes = (value: boolean | undefined): string | undefined =>
    value === undefined ? undefined : value ? "yes" : "no";
  const bps = (value: number | undefined): string | undefined =>
    value === undefined ? undefined : `${amount(value)}bit/s`;
  const lines = [
    `${paint.strong(`session ${safe(`${session.tunnel}/${session.name}`)}`)}: ${(session.up ? paint.good : paint.bad)(safe(stateOf(session)) + up)}`,
    ...fields(
      [
        ["why", session.reason?.text],
        ["what to do", session.reason?.remedy],
        ["next try in", session.retryInMs && duration(session.retryInMs)],
        ["kind", `${session.kind}, ${session.pseudowire}`],
        [
          "IDs",
          `${session.sessionId}, the peer's ${session.peerSessionId || "not known"}; of tunnel ${session.tunnelId}`,
        ],
        ["peer", formatAddress(session.peer)],
        ["user", session.user],
        ["IPv4", pair(session.ipv4)],
        ["IPv6", pair(session.ipv6)],
        [
          "interface",
          session.interfaceName &&
            `${session.interfaceName}${session.mtuOctets === undefined ? "" : `, MTU ${session.mtuOctets}`}`,
        ],
        ["switched to", session.switchedTo],
        ["routes", session.routes?.join(", ")],
        ["set up in", session.setupMs && duration(session.setupMs)],
        [
          "call",
          [
            session.callSerialNumber && `serial number ${session.callSerialNumber}`,
            session.calledNumber && `to ${session.calledNumber}`,
            session.callingNumber && `from ${session.callingNumber}`,
          ]
            .filter(Boolean)
            .join(", "),
        ],
        ["private group", session.privateGroupId],
        [
          "speed",
          [
            session.txConnectBps !== undefined && `${bps(session.txConnectBps)} to the caller`,
            session.rxConnectBps !== undefined && `${bps(session.rxConnectBps)} from it`,
          ]
            .filter(Boolean)
            .join(", "),
        ],
        ["sequencing", session.sequencingRequired ? "required" : yes(session.sequencing)],
        ["data plane", session.plane],
      ],
      "  ",
    ),
    ...(session.warnings ?? []).map((text) => paint.bad(`  ${safe(text)}`)),
  ];
  if (ppp) {
    lines.push(
      "  PPP",
      ...fields(
        [
          ["run by", ppp.pid === undefined ? ppp.by : `${ppp.by}, process ${ppp.pid}`],
          ["phase", ppp.phase],
          ["peer's proof", ppp.peerAuthentication],
          ["our proof", ppp.ourAuthentication],
          ["MRU, MTU", ppp.mruOctets && `${ppp.mruOctets}, ${ppp.mtuOctets ?? "-"}`],
          ["networks", ppp.networks?.join(", ")],
          ["DNS", ppp.dns?.join(", ")],
          ["MPPE", ppp.mppe],
          ...notZero(ppp.counters ?? {}),
        ],
        "    ",
      ),
    );
  }
  if (proxy)
    lines.push(
      "  of the LAC",
      ...fields(
        [
          ["name", proxy.authenticationName],
          ["proof", proxy.authenticationType],
          ["taken as", proxy.use],
        ],
        "    ",
      ),
    );
  lines.push(...section("data", session.data));
  return lines;
}

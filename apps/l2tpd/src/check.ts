/** `--check`: says whether the configuration is correct and what would be done with it, and does nothing. */
import {
  type Config,
  type ConfiguredTunnelConfig,
  type DynamicTunnelConfig,
  explain,
  type ListenerConfig,
} from "@l2tp/config";
import { PlaneError } from "@l2tp/dataplane";
import { formatAddress, formatDuration } from "@l2tp/management";
import { peerGoneWithinMs } from "@l2tp/transport";
import { readConfig } from "./config-file.ts";
import { EXIT, type ExitCode, ExitError } from "./exit-codes.ts";
import { runsPppd } from "./needs.ts";
import { obstacleTo } from "./obstacles.ts";
import type { DaemonOptions } from "./options.ts";
import { choosePlane, remedyFor } from "./planes.ts";
import { transportOf } from "./tunnels.ts";

/** Prints to standard output. @throws ExitError with code 78 and every problem of the file. */
export async function check(options: DaemonOptions): Promise<ExitCode> {
  const { config, warnings } = readConfig(options.config);
  const wanted = options.dataPlane ?? config.daemon.dataPlane;
  const lines = [
    `${options.config}: correct`,
    ...warnings,
    ...(await describePlane(wanted, config)),
    "",
    explain(config).trimEnd(),
    "",
    ...describeWork(config),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return EXIT.ok;
}

/** A file may be checked on a machine that cannot run it. */
async function describePlane(wanted: string, config: Config): Promise<string[]> {
  try {
    const { name, why, summary, lacks, plane } = await choosePlane(wanted, config);
    await plane[Symbol.asyncDispose]();
    return [`data plane: ${name} (${why}): ${summary}`, ...lacks.map((lack) => `  ${remedyFor(lack, name)}`)];
  } catch (error) {
    if (error instanceof ExitError || error instanceof PlaneError) {
      return [`data plane: ${wanted}, and ${error.message}`];
    }
    throw error;
  }
}

/** What l2tpd would do, one line a listener and a tunnel. */
function describeWork(config: Config): string[] {
  const { listeners, tunnels } = config;
  if (listeners.length + tunnels.length === 0) {
    return ["l2tpd would do nothing: there are no tunnels and no listeners"];
  }
  return [
    ...listeners.map((listener) => describeListener(listener, config)),
    ...tunnels.map((tunnel) => {
      const obstacle = obstacleTo(tunnel);
      if (obstacle !== undefined) return `l2tpd would leave out tunnel ${tunnel.name}: ${obstacle}`;
      return tunnel.mode === "dynamic" ? describeDialled(tunnel) : describeConfigured(tunnel, config);
    }),
  ];
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`;

function describeListener({ name, local }: ListenerConfig, { peers, users, pools }: Config): string {
  const may = peers.filter(({ listen, deny }) => deny === undefined && (listen?.includes(name) ?? true));
  const who =
    may.length === 0
      ? "nobody may call: there is no [peer.NAME] for it"
      : `${may.length === 1 ? "peer" : "peers"} ${may.map((peer) => peer.name).join(", ")} may call; ${count(users.length, "user")}, ${count(pools.length, "pool")}`;
  return `l2tpd would listen on ${formatAddress(local)} (listener ${name}); ${who}`;
}

const WHEN = {
  "at-start": "at its start, and again whenever it ends",
  "on-demand": "for the first call to it, or when it is asked to (l2tpctl dial)",
  manual: "when it is asked to (l2tpctl dial), once",
} as const;

function describeDialled({ name, peers, dial, sessions, secrets }: DynamicTunnelConfig): string {
  const whom = peers.map(({ host, port }) => formatAddress({ address: host, port })).join(", ");
  const calls = sessions.map((session) => {
    const by = runsPppd(session) ? "pppd" : session.user ? `PPP as user ${session.user.name}` : "PPP";
    return `${session.name} with ${by}`;
  });
  const what =
    calls.length === 0 ? "without sessions" : `with ${count(calls.length, "session")} (${calls.join(", ")})`;
  const known = secrets.length === 0 ? "without a secret" : "with a secret";
  return `l2tpd would dial tunnel ${name} to ${whom}, ${known}, ${WHEN[dial.mode]}; ${what}`;
}

function describeConfigured(tunnel: ConfiguredTunnelConfig, config: Config): string {
  const { name, sessions } = tunnel;
  return `l2tpd would keep up tunnel ${name} with ${count(sessions.length, "session")}; ${describeLiveness(tunnel, config)}`;
}

function describeLiveness(tunnel: ConfiguredTunnelConfig, { defaults }: Config): string {
  if (tunnel.mode === "static") return "it is static: whether the peer lives is not known";
  const ms = peerGoneWithinMs(transportOf(tunnel, defaults.profile));
  if (!Number.isFinite(ms)) return "hello is off: whether the peer lives is not known";
  return `a peer that is gone is noticed within ${formatDuration(ms)}`;
}

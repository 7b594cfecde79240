/** `--check`: says whether the configuration is correct and what would be done with it, and does nothing. */
import { type Config, explain, renderProblem } from "@l2tp/config";
import { PlaneError } from "@l2tp/dataplane";
import { peerGoneWithinMs } from "@l2tp/transport";
import { readConfig } from "./config-file.ts";
import { EXIT, type ExitCode, ExitError } from "./exit-codes.ts";
import { obstacleTo } from "./obstacles.ts";
import type { DaemonOptions } from "./options.ts";
import { choosePlane, remedyFor } from "./planes.ts";
import { formatDuration } from "./state.ts";
import { transportOf } from "./tunnels.ts";

/** Prints to standard output. @throws ExitError with code 78 and every problem of the file. */
export async function check(options: DaemonOptions): Promise<ExitCode> {
  const config = readConfig(options.config);
  const wanted = options.dataPlane ?? config.daemon.dataPlane;
  const lines = [
    `${options.config}: correct`,
    ...config.warnings.map(renderProblem),
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

/** What l2tpd would do, one line a tunnel. */
function describeWork(config: Config): string[] {
  if (config.tunnels.length === 0) return ["l2tpd would do nothing: there are no tunnels"];
  return config.tunnels.map((tunnel) => {
    const { name, mode, sessions } = tunnel;
    const obstacle = obstacleTo(tunnel);
    if (obstacle !== undefined || mode === "dynamic")
      return `l2tpd would leave out tunnel ${name}: ${obstacle}`;
    const count = sessions.length === 1 ? "1 session" : `${sessions.length} sessions`;
    return `l2tpd would keep up tunnel ${name} with ${count}; ${describeLiveness(tunnel, config)}`;
  });
}

function describeLiveness(
  tunnel: Exclude<Config["tunnels"][number], { mode: "dynamic" }>,
  { defaults }: Config,
): string {
  if (tunnel.mode === "static") return "it is static: whether the peer lives is not known";
  const ms = peerGoneWithinMs(transportOf(tunnel, defaults.profile));
  if (!Number.isFinite(ms)) return "hello is off: whether the peer lives is not known";
  return `a peer that is gone is noticed within ${formatDuration(ms)}`;
}

/**
 * The daemon's life: configuration, data plane, tunnels; then signals until one says stop; then everything down
 * in order, within a time limit.
 */
import { type Config, renderProblem } from "@l2tp/config";
import type { DataPlaneStatus } from "@l2tp/dataplane";
import { Context } from "@l2tp/node";
import { readConfig } from "./config-file.ts";
import { EXIT, type ExitCode, ExitError } from "./exit-codes.ts";
import { createLogWriter, type LogWriter, lineFormat } from "./log-writer.ts";
import { enterNetworkNamespace } from "./namespace.ts";
import { createNotify, type Notify } from "./notify.ts";
import { obstacleTo, obstacleToSession } from "./obstacles.ts";
import type { DaemonOptions } from "./options.ts";
import { choosePlane, type PlaneChoice, remedyFor } from "./planes.ts";
import { collectState, formatDuration, formatState } from "./state.ts";
import { listenForStop, withinLimit } from "./stop.ts";
import { startTunnel } from "./tunnels.ts";
import { version } from "./version.ts";

/** Runs until a signal says stop. @returns the code to end with. */
export async function runDaemon(options: DaemonOptions): Promise<ExitCode> {
  const startedAt = performance.now();
  // First of all: until somebody listens, SIGUSR1 would open Node's debugger.
  let printState = (): void => {};
  process.on("SIGUSR1", () => printState());
  using stop = listenForStop(options);
  // Who read the log may go away; the tunnels stay.
  process.stderr.on("error", () => {});

  const config = readConfig(options.config);
  const logger = createLogWriter({
    level: options.logLevel ?? config.daemon.logLevel,
    format: lineFormat(options.logFormat ?? config.daemon.logFormat),
    write: (line) => void process.stderr.write(line),
    now: () => new Date(),
  });
  for (const warning of config.warnings) logger.warn({}, renderProblem(warning));
  if (options.netns !== undefined) await enterNetworkNamespace(options.netns);
  const { plane: dataPlane, ...choice } = await choosePlane(
    options.dataPlane ?? config.daemon.dataPlane,
    config,
    undefined,
    (line) => logger.info({}, line),
  );
  const notify = await createNotify(logger);
  logger.info({}, `l2tpd ${version} begins, on the ${choice.name} data plane (${choice.why})`);
  for (const lack of choice.lacks) logger.warn({}, remedyFor(lack, choice.name));
  logFeatures(dataPlane.status(), logger);

  const context = new Context({
    dataPlane,
    logger,
    backoff: { firstMs: config.daemon.retryInitialMs, maxMs: config.daemon.retryMaxMs },
  });
  startAll(context, config, logger);
  reportStatus(context, notify);
  notify("READY=1");
  printState = () => void writeState(context, choice, logger, startedAt);

  const cause = await stop.requested;
  const limitMs =
    options.stopTimeout === undefined ? config.daemon.stopTimeoutMs : options.stopTimeout * 1000;
  logger.info({ cause }, `stopping: ${cause}`);
  notify("STOPPING=1");
  printState = () => {};
  const done = await withinLimit(
    context.close().then(() => dataPlane[Symbol.asyncDispose]()),
    limitMs,
    stop.hurry,
  );
  if (done) {
    logger.info({}, "stopped");
    return EXIT.ok;
  }
  logger.error(
    {},
    `stopped before everything was taken down (the limit is ${formatDuration(limitMs)}, and a second signal ends the wait)`,
  );
  return EXIT.cutShort;
}

/** What fell back to less than the best is worth a line; the rest is for those who ask. */
function logFeatures({ features }: DataPlaneStatus, logger: LogWriter): void {
  for (const { feature, using, why } of features) {
    if (why === undefined) logger.debug({}, `data plane: ${feature}: ${using}`);
    else logger.info({}, `data plane: ${feature}: ${using}, because ${why}`);
  }
}

/** Makes every tunnel that can be made; one that cannot is logged and does not stop the others. */
function startAll(context: Context, { tunnels, defaults }: Config, logger: LogWriter): void {
  let started = 0;
  for (const tunnel of tunnels) {
    const obstacle = obstacleTo(tunnel);
    if (obstacle !== undefined || tunnel.mode === "dynamic") {
      logger.error({ tunnel: tunnel.name }, `tunnel ${tunnel.name} is left out: ${obstacle}`);
      continue;
    }
    for (const session of tunnel.sessions) {
      const why = obstacleToSession(session);
      if (why === undefined) continue;
      const fields = { tunnel: tunnel.name, session: session.name };
      logger.error(fields, `session ${session.name} of tunnel ${tunnel.name} is left out: ${why}`);
    }
    startTunnel(context, tunnel, defaults.profile);
    started += 1;
  }
  if (started === 0 && tunnels.length > 0) {
    throw new ExitError(EXIT.unavailable, "none of the tunnels can be run, see the messages before");
  }
  if (tunnels.length === 0) logger.warn({}, "the configuration has no tunnels: nothing to do");
}

/** `systemctl status` shows how many are up; told once for all that happens in one turn of the event loop. */
function reportStatus(context: Context, notify: Notify): void {
  let due = false;
  const tell = (): void => {
    if (due) return;
    due = true;
    setImmediate(() => {
      due = false;
      const { tunnels } = context;
      notify(
        `STATUS=${tunnels.filter(({ state }) => state === "up").length} of ${tunnels.length} tunnels up`,
      );
    });
  };
  context.on("tunnel-up", tell);
  context.on("tunnel-down", tell);
  tell();
}

async function writeState(
  context: Context,
  choice: PlaneChoice,
  logger: LogWriter,
  startedAt: number,
): Promise<void> {
  try {
    const state = await collectState(context, choice, version, startedAt);
    if (logger.format === "json")
      logger.raw(JSON.stringify({ time: new Date().toISOString(), level: "info", message: "state", state }));
    else logger.raw(formatState(state));
  } catch (error) {
    logger.error({ error }, "the state could not be read");
  }
}

/**
 * The daemon's life: configuration, data plane, listeners and tunnels; then signals until one says stop; then everything
 * down in order, within a time limit.
 */
import type { DataPlane, DataPlaneStatus } from "@l2tp/dataplane";
import {
  daemonSocketPath,
  formatDuration,
  ManagementError,
  type ManagementServer,
  SocketError,
  serve,
} from "@l2tp/management";
import type { Context } from "@l2tp/node";
import { type LoadedConfig, readConfig } from "./config-file.ts";
import { EXIT, type ExitCode, ExitError } from "./exit-codes.ts";
import { HostNetwork } from "./host-network.ts";
import { createLogWriter, type LogWriter, lineFormat } from "./log-writer.ts";
import { ManagedDaemon } from "./manage/managed.ts";
import type { ManagedParts } from "./manage/shown.ts";
import { enterNetworkNamespace } from "./namespace.ts";
import { createNotify, type Notify } from "./notify.ts";
import type { DaemonOptions } from "./options.ts";
import { writePidFile } from "./pid-file.ts";
import { choosePlane, remedyFor } from "./planes.ts";
import { reachOf } from "./reach.ts";
import { Reloader, traceSettings } from "./reload.ts";
import { Runtime } from "./runtime.ts";
import { writeState } from "./state-report.ts";
import { listenForStop, withinLimit } from "./stop.ts";
import { version } from "./version.ts";

/**
 * What peers get to acknowledge that their tunnels end: three tries of a StopCCN, and not more than this part of the time for
 * a stop; the rest is for hooks and the data plane.
 */
const PEERS_MS = 3_500;
const PEERS_SHARE = 0.6;

/** Runs until a signal says stop. @returns the code to end with. */
export async function runDaemon(options: DaemonOptions): Promise<ExitCode> {
  const startedAt = performance.now();
  // First of all: until somebody listens, SIGUSR1 would open Node's debugger, and SIGHUP end the program.
  const on = { state: (): void => {}, reload: (): void => {} };
  process.on("SIGUSR1", () => on.state());
  process.on("SIGHUP", () => on.reload());
  using stop = listenForStop(options);
  // Who read the log may go away; the tunnels stay.
  process.stderr.on("error", () => {});

  const loaded = readConfig(options.config);
  const { daemon } = loaded.config;
  const logger = createLogWriter({
    level: options.logLevel ?? daemon.logLevel,
    format: lineFormat(options.logFormat ?? daemon.logFormat),
    write: (line) => void process.stderr.write(line),
    now: () => new Date(),
  });
  for (const warning of loaded.warnings) logger.warn({}, warning);
  if (options.netns !== undefined) await enterNetworkNamespace(options.netns);
  const pidFile = options.pidFile ?? daemon.pidFile;
  using _pid = pidFile === undefined ? undefined : writePidFile(pidFile);
  const wanted = options.dataPlane ?? daemon.dataPlane;
  const { plane, ...choice } = await choosePlane(wanted, loaded.config, undefined, (line) =>
    logger.info({}, line),
  );
  const notify = await createNotify(logger);
  logger.info({}, `l2tpd ${version} begins, on the ${choice.name} data plane (${choice.why})`);
  for (const lack of choice.lacks) logger.warn({}, remedyFor(lack, choice.name));
  logFeatures(plane.status(), logger);

  const runtime = new Runtime(loaded, plane, logger);
  const trace = options.trace === undefined ? traceSettings(daemon.trace) : traceOption(options, loaded);
  if (trace !== undefined) await startTrace(runtime, trace);
  const fixed = { logLevel: options.logLevel !== undefined, trace: options.trace !== undefined };
  // Without interfaces of ours the packets of peers never come to the host's network.
  const network = plane.capabilities.interfaces ? new HostNetwork(logger) : undefined;
  const reloader = new Reloader(options.config, runtime, logger, fixed, network);
  const { config: configFile } = options;
  const parts: ManagedParts = { runtime, reloader, network, logger, choice, configFile, startedAt };
  const managed = new ManagedDaemon(parts);
  const server = await startManagement(managed, options, loaded, logger);
  // Before the first packet of a peer: what is not masqueraded at its beginning stays so.
  await network?.apply(loaded.config);
  if (network !== undefined) explainReach(runtime, network);
  startAll(runtime, loaded, logger);
  reportStatus(runtime.context, notify);
  notify("READY=1");
  on.state = () => void writeState(managed, logger);
  on.reload = () => void reload(reloader, notify, logger);

  const cause = await stop.requested;
  // As it is now: a reload may have changed it.
  const { stopTimeoutMs } = runtime.loaded.config.daemon;
  const limitMs = options.stopTimeout === undefined ? stopTimeoutMs : options.stopTimeout * 1000;
  logger.info({ cause }, `stopping: ${cause}`);
  notify("STOPPING=1");
  on.state = () => {};
  on.reload = () => {};
  const done = await withinLimit(takeDown(runtime, plane, network, server, limitMs), limitMs, stop.hurry);
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

/** Peers first, as long as they may be told; then hooks and trace, the data plane, and whoever manages us. */
async function takeDown(
  runtime: Runtime,
  plane: DataPlane,
  network: HostNetwork | undefined,
  server: ManagementServer | undefined,
  limitMs: number,
): Promise<void> {
  await runtime.close(Math.min(PEERS_MS, limitMs * PEERS_SHARE));
  await plane[Symbol.asyncDispose]();
  await network?.[Symbol.asyncDispose]();
  await server?.close();
}

/** A session that is up and whose packets get nowhere is explained, once for all that are alike; one that we dial may hide others. */
function explainReach(runtime: Runtime, network: HostNetwork): void {
  const { context } = runtime;
  context.on("session-up", (event) => {
    const tunnel = context.tunnel(event.tunnel);
    const session = tunnel?.sessions.find(({ name }) => name === event.session);
    const reach = tunnel && session && reachOf(runtime, tunnel, session);
    if (reach !== undefined) void network.tell(reach);
    else if (event.interfaceName !== undefined)
      void network.dialled(event.tunnel, event.session, event.interfaceName);
  });
  context.on("session-down", (event) => void network.dialled(event.tunnel, event.session, undefined));
}

/** What fell back to less than the best is worth a line; the rest is for those who ask. */
function logFeatures({ features }: DataPlaneStatus, logger: LogWriter): void {
  for (const { feature, using, why } of features) {
    if (why === undefined) logger.debug({}, `data plane: ${feature}: ${using}`);
    else logger.info({}, `data plane: ${feature}: ${using}, because ${why}`);
  }
}

function traceOption({ trace, traceSecrets = false }: DaemonOptions, { config }: LoadedConfig) {
  return { file: trace, secrets: traceSecrets, limitOctets: config.daemon.trace.limitOctets };
}

/** A trace that was asked for and cannot be is no reason to carry on: whoever wants it would miss it later. */
async function startTrace(
  runtime: Runtime,
  settings: Parameters<Runtime["trace"]["start"]>[0],
): Promise<void> {
  try {
    await runtime.trace.start(settings);
  } catch (error) {
    throw new ExitError(EXIT.osError, (error as Error).message, { cause: error });
  }
}

/**
 * Opens the management interface. Where it was not asked for by name, the daemon runs without it when it cannot be had: a
 * second daemon of one user, or an ordinary user without a runtime directory.
 */
async function startManagement(
  managed: ManagedDaemon,
  { socket }: DaemonOptions,
  { config }: LoadedConfig,
  logger: LogWriter,
): Promise<ManagementServer | undefined> {
  const given = socket === true || socket === undefined ? config.daemon.managementSocket : socket;
  if (given === false) return undefined;
  try {
    const server = await serve(managed, {
      socketPath: given ?? daemonSocketPath(),
      version,
      onError: (error, request) => logger.error({ error }, `management: ${request} failed`),
    });
    logger.debug({ socket: server.socketPath }, "the management interface is open");
    return server;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    const text = `${error.message}; ${error.remedy}`;
    if (given !== undefined) {
      throw new ExitError(error.code === "no-permission" ? EXIT.noPermission : EXIT.osError, text, {
        cause: error,
      });
    }
    logger.warn({ code: error.code }, `l2tpctl cannot reach this daemon: ${text}`);
    return undefined;
  }
}

/** Makes everything that can be made. @throws ExitError when there is something to do and nothing can be done */
function startAll(runtime: Runtime, { config }: LoadedConfig, logger: LogWriter): void {
  const wanted = config.tunnels.length + config.listeners.length;
  if (wanted === 0) logger.warn({}, "the configuration has no tunnels and no listeners: nothing to do");
  else if (runtime.start() === 0) {
    throw new ExitError(EXIT.unavailable, "none of the tunnels can be run, see the messages before");
  }
}

/** SIGHUP. What was wrong with the configuration is in the log already. */
async function reload(reloader: Reloader, notify: Notify, logger: LogWriter): Promise<void> {
  notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
  logger.info({}, "SIGHUP: the configuration is read again");
  await reloader.reload({ dryRun: false }).catch((error: unknown) => {
    if (error instanceof ManagementError) return;
    logger.error({ error }, "the configuration could not be put into force");
  });
  notify("READY=1");
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

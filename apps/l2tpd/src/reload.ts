/**
 * A reload: the new document is read; when it has errors nothing changes. Else the steps between the old one and the new one
 * are taken one by one; one that fails is told, and the others are taken all the same.
 */
import {
  type Config,
  type DynamicTunnelConfig,
  plan,
  type RuleChange,
  type Secrets,
  type Step,
} from "@l2tp/config";
import { ManagementError, type ReloadReport, type ReloadStep } from "@l2tp/management";
import { ConfigurationError, type LoadedConfig, readConfig } from "./config-file.ts";
import { ExitError } from "./exit-codes.ts";
import type { HostNetwork } from "./host-network.ts";
import type { LogWriter } from "./log-writer.ts";
import type { Runtime } from "./runtime.ts";
import type { TraceSettings } from "./trace/trace.ts";

/** What reloads. */
export class Reloader {
  readonly #file: string;
  readonly #runtime: Runtime;
  readonly #logger: LogWriter;
  /** Command-line options that stand above the document. */
  readonly #fixed: { readonly logLevel: boolean; readonly trace: boolean };
  readonly #network: HostNetwork | undefined;
  /** One after another. */
  #turn: Promise<unknown> = Promise.resolve();
  /** On the clock of `performance.now()`. */
  reloadedAt: number | undefined;

  constructor(
    file: string,
    runtime: Runtime,
    logger: LogWriter,
    fixed: { readonly logLevel: boolean; readonly trace: boolean },
    network: HostNetwork | undefined,
  ) {
    this.#file = file;
    this.#runtime = runtime;
    this.#logger = logger;
    this.#fixed = fixed;
    this.#network = network;
  }

  /** @throws ManagementError `configuration` with every problem; nothing was changed then */
  reload({ dryRun }: { readonly dryRun: boolean }): Promise<ReloadReport> {
    const done = this.#turn.then(() => this.#reload(dryRun));
    this.#turn = done.catch(() => {});
    return done;
  }

  async #reload(dryRun: boolean): Promise<ReloadReport> {
    const next = this.#read();
    const before = this.#runtime.loaded;
    const planned = plan(before.config, next.config);
    const steps = [...planned, ...secretSteps(before, next, planned)];
    const { warnings } = next;
    const file = this.#file;
    if (dryRun) return { file, dryRun, steps: steps.map((step) => describe(step)), warnings: [...warnings] };
    for (const warning of warnings) this.#logger.warn({}, warning);
    try {
      this.#runtime.adopt(next);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.#logger.error({ error }, `${file} cannot be put into force: ${text}; nothing was changed`);
      throw new ManagementError("configuration", text, { cause: error });
    }
    const taken: ReloadStep[] = [];
    for (const step of steps) taken.push(await this.#take(step, next));
    if (steps.length > 0) await this.#network?.apply(next.config);
    this.reloadedAt = performance.now();
    const failed = taken.filter(({ failure }) => failure !== undefined).length;
    const count = steps.length === 1 ? "1 change" : `${steps.length} changes`;
    this.#logger.info(
      { steps: steps.length, failed },
      `${file} was read again: ${steps.length === 0 ? "nothing has changed" : count}${failed === 0 ? "" : `, ${failed} of them failed`}`,
    );
    return { file, dryRun, steps: taken, warnings: [...warnings] };
  }

  #read(): LoadedConfig {
    try {
      return readConfig(this.#file);
    } catch (error) {
      if (!(error instanceof ExitError)) throw error;
      const details = error instanceof ConfigurationError ? error.problems : [];
      const [first = error.message] = error.message.split("\n");
      this.#logger.error({}, `${this.#file} was not put into force, and nothing was changed: ${first}`);
      for (const problem of details) this.#logger.error({}, problem);
      throw new ManagementError("configuration", first, { details, cause: error });
    }
  }

  /** Takes one step; what goes wrong is its failure. */
  async #take(step: Step, next: LoadedConfig): Promise<ReloadStep> {
    const described = describe(step);
    const text = stepText(described);
    try {
      await this.#do(step, next);
      this.#logger.info({}, `reload: ${text}`);
      return described;
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error);
      this.#logger.error({ error }, `reload: ${text}: failed: ${failure}`);
      return { ...described, failure };
    }
  }

  async #do(step: Step, { config }: LoadedConfig): Promise<void> {
    const runtime = this.#runtime;
    switch (step.do) {
      case "remove-listener":
        return runtime.removeListener(step.listener);
      case "add-listener":
        return runtime.addListener(step.config);
      case "remove-tunnel":
        return runtime.removeTunnel(step.tunnel);
      case "add-tunnel":
        return runtime.addTunnel(step.config);
      case "remove-session":
        return runtime.removeSession(step.tunnel, step.session);
      case "add-session": {
        const tunnel = config.tunnels.find(({ name }) => name === step.tunnel);
        if (tunnel) runtime.addSession(tunnel, step.config);
        return;
      }
      case "change-session":
        return runtime.changeSession(step.tunnel, step.session, step.change);
      case "change-tunnel":
        return runtime.changeTunnel(step.config);
      case "change-transport": {
        const tunnel = config.tunnels.find(({ name }) => name === step.tunnel);
        return tunnel && runtime.replaceTunnel(tunnel);
      }
      case "change-rules":
        return this.#changeRules(step, config);
      case "change-settings":
        return step.of === "daemon" ? this.#changeDaemon(config.daemon) : undefined;
      case "restart-daemon":
        this.#logger.warn({}, `${step.keys.join(", ")}: what was changed holds from the next start of l2tpd`);
    }
  }

  /** The rules are in force already. Whoever may not any more is ended; all others stay. */
  #changeRules({ of, removed, changed }: RuleChange, { peers, users }: Config): void {
    if (of !== "peers" && of !== "users") return;
    const rules: readonly { readonly name: string; readonly deny?: string }[] =
      of === "peers" ? peers : users;
    const denied = changed.filter((name) => rules.find((rule) => rule.name === name)?.deny !== undefined);
    const count = this.#runtime.revoke(of, [...removed, ...denied]);
    if (count > 0) {
      const what = of === "peers" ? "tunnels of peers" : "sessions of users";
      this.#logger.info({}, `reload: ${count} ${what} that are gone or denied now were ended`);
    }
  }

  /** Keys of `[daemon]` that hold at once. */
  async #changeDaemon({ logLevel, trace }: LoadedConfig["config"]["daemon"]): Promise<void> {
    if (!this.#fixed.logLevel) this.#logger.level = logLevel;
    if (this.#fixed.trace) return;
    const settings = traceSettings(trace);
    const { file, secrets, limitOctets } = this.#runtime.trace.state;
    if (settings === undefined) await this.#runtime.trace.stop();
    else if (settings.file !== file || settings.secrets !== secrets || settings.limitOctets !== limitOctets) {
      await this.#runtime.trace.start(settings);
    }
  }
}

/** The trace that a document asks for. */
export function traceSettings({
  file,
  secrets,
  limitOctets,
}: LoadedConfig["config"]["daemon"]["trace"]): TraceSettings | undefined {
  return file === undefined ? undefined : { file, secrets, limitOctets };
}

/** Tunnels that we dial and whose secret file has another secret now: the document is the same, and yet it has changed. */
function secretSteps(before: LoadedConfig, next: LoadedConfig, planned: readonly Step[]): Step[] {
  const known = new Set(planned.flatMap((step) => ("tunnel" in step && "config" in step ? step.tunnel : [])));
  return next.config.tunnels.flatMap((tunnel): Step[] => {
    const was = before.config.tunnels.find(({ name }) => name === tunnel.name);
    if (tunnel.mode !== "dynamic" || was?.mode !== "dynamic" || known.has(tunnel.name)) return [];
    if (textsOf(tunnel, next.secrets) === textsOf(was, before.secrets)) return [];
    const why = "changed: a secret in a file (from its next connection)";
    return [{ do: "change-tunnel", tunnel: tunnel.name, config: tunnel, why }];
  });
}

/** The secrets of a tunnel and its sessions that are in files. */
function textsOf({ secrets, sessions }: DynamicTunnelConfig, { texts }: Secrets): string {
  const sources = [...secrets, ...sessions.flatMap(({ user }) => user?.password ?? [])];
  return JSON.stringify(
    sources.flatMap((source) => (source.from === "file" ? (texts.get(source.path) ?? "") : [])),
  );
}

/** A step without what may be secret in it. */
function describe(step: Step): ReloadStep {
  const { do: what } = step;
  return {
    do: what,
    ...("tunnel" in step && { tunnel: step.tunnel }),
    ...("session" in step && { session: step.session }),
    ...("listener" in step && { of: step.listener }),
    ...("of" in step && { of: step.of }),
    ...("keys" in step && { keys: [...step.keys] }),
    ...("why" in step && { why: step.why }),
  };
}

/** `add-session call of tunnel lns (new)` */
export function stepText({ do: what, tunnel, session, of, keys, why }: ReloadStep): string {
  const subject = session !== undefined ? `${session} of tunnel ${tunnel}` : (tunnel ?? of ?? "");
  const which = keys && keys.length > 0 ? `: ${keys.join(", ")}` : "";
  return `${what}${subject === "" ? "" : ` ${subject}`}${which}${why === undefined ? "" : ` (${why})`}`;
}

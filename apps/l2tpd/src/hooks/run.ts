/** One run of a hook: a program without a shell, with facts, its output in the log, and a time limit. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Logger } from "@l2tp/node";

/** A program and its arguments. */
export interface HookProgram {
  readonly program: string;
  readonly args: readonly string[];
}

/** What to run, and with what. */
export interface HookRun extends HookProgram {
  /** For the log: `hook session-up of session call on tunnel lns`. */
  readonly what: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly input: string;
  readonly timeoutMs: number;
}

/** How it went. */
export interface HookOutcome {
  readonly code: number | undefined;
  readonly signal: NodeJS.Signals | undefined;
  readonly timedOut: boolean;
  /** It could not be started. */
  readonly error?: Error;
}

/** From SIGTERM to SIGKILL. */
const GRACE_MS = 2_000;
/** Lines of output that are logged of one run; the others are counted. */
const LOGGED_LINES = 50;
/** Characters of one line. */
const LONGEST_LINE = 500;
/** How long the output is waited for when the program has ended: a child of it may hold the pipe for ever. */
const OUTPUT_MS = 200;

/** Runs it to its end; never rejects. */
export async function runHook(run: HookRun, logger: Logger): Promise<HookOutcome> {
  const begun = performance.now();
  const outcome = await attempt(run, logger);
  const { code, signal, timedOut, error } = outcome;
  const tookMs = Math.round(performance.now() - begun);
  const fields = { program: run.program, tookMs };
  if (error) {
    const remedy = startRemedy(error);
    logger.error({ ...fields, error }, `${run.what} could not be started: ${error.message}; ${remedy}`);
  } else if (timedOut) {
    logger.warn(fields, `${run.what} was ended after ${run.timeoutMs} ms, its time limit ([hooks] timeout)`);
  } else if (code === 0) logger.debug(fields, `${run.what} ended with 0`);
  else logger.warn({ ...fields, code, signal }, `${run.what} ended with ${signal ?? code}`);
  return outcome;
}

function attempt(run: HookRun, logger: Logger): Promise<HookOutcome> {
  const { program, args, environment: env } = run;
  return new Promise((resolve) => {
    const failed = (error: Error): void => {
      resolve({ code: undefined, signal: undefined, timedOut: false, error });
    };
    let child: ChildProcess;
    try {
      // A group of its own: a signal to it reaches its children, and a Ctrl-C for us does not reach it.
      child = spawn(program, [...args], { cwd: "/", env, stdio: ["pipe", "pipe", "pipe"], detached: true });
    } catch (error) {
      failed(error as Error);
      return;
    }
    child.once("error", failed);
    logOutput(run.what, child, logger);
    // A program that reads nothing closes it early.
    child.stdin?.on("error", () => {}).end(run.input);
    let timedOut = false;
    let kill: NodeJS.Timeout | undefined;
    const limit = setTimeout(() => {
      timedOut = true;
      signalGroup(child, "SIGTERM");
      kill = setTimeout(() => signalGroup(child, "SIGKILL"), GRACE_MS);
    }, run.timeoutMs);
    child.once("exit", (code, signal) => {
      clearTimeout(limit);
      clearTimeout(kill);
      // What it left behind in its group has outlived its limit, too.
      if (timedOut) signalGroup(child, "SIGKILL");
      const done = (): void => {
        clearTimeout(output);
        child.stdout?.destroy();
        child.stderr?.destroy();
        resolve({ code: code ?? undefined, signal: signal ?? undefined, timedOut });
      };
      const output = setTimeout(done, OUTPUT_MS);
      child.once("close", done);
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    // Windows has no groups.
    if (process.platform === "win32") child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

function logOutput(what: string, { stdout, stderr }: ChildProcess, logger: Logger): void {
  let lines = 0;
  for (const stream of [stdout, stderr]) {
    if (!stream) continue;
    stream.on("error", () => {});
    createInterface({ input: stream }).on("line", (line) => {
      lines += 1;
      if (lines <= LOGGED_LINES) logger.info({}, `${what} says: ${line.slice(0, LONGEST_LINE)}`);
      else if (lines === LOGGED_LINES + 1) logger.info({}, `${what} says more, which is left out`);
    });
  }
}

function startRemedy(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "ENOENT") return "look at its path in [hooks], and at the interpreter in its first line";
  if (code === "EACCES") return "make it executable (chmod +x)";
  if (code === "EAGAIN" || code === "EMFILE") return "the system has no room for another process now";
  return "look at it in [hooks]";
}

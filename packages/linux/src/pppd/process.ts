/**
 * One pppd on one session: on a session of the kernel's (`pppd plugin pppol2tp.so pppol2tp FD …`, with the socket of the
 * session inherited as a descriptor), or on a terminal; its options through a pipe, and what it says line by line.
 *
 * Its life is tied to ours both ways. pppd holds a copy of the socket, so it would outlive us: the session stays while
 * any copy is open. Node.js offers no PR_SET_PDEATHSIG; setpriv(1) sets it and then becomes pppd, so that the kernel
 * sends pppd SIGTERM when we die of whatever cause, SIGKILL included. (The kernel clears that setting when a program
 * gains privileges; pppd is setuid-root, which is a gain for others than root, but pppd needs root anyway.)
 */
import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { F_SETFL, O_NONBLOCK } from "../abi.ts";
import { fcntl, pipe2, write as writeAll } from "../sys.ts";
import { type Fd, raw } from "../syscalls.ts";
import { PppdError } from "./error.ts";
import type { ProcessExit } from "./exit.ts";
import { checkPppdOptions, formatPppdOptions, parsePppdOptions } from "./options.ts";
import { cleanLine, Lines, secretWords } from "./output.ts";

/** Where the child finds the session's socket and the pipe with its options. */
const SOCKET_FD = 3;
const OPTIONS_FD = 4;
/** Where programs of the system are, which the PATH of a service may leave out. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/bin", "/bin"];
/** pppd ends the link with LCP Terminate-Requests: two, three seconds apart, unless its options say otherwise. */
const TERMINATE_MS = 8000;
/** Lines kept to explain how it ended. */
const LAST_LINES = 4;
/** A pseudo-terminal has no modem, no wires for flow control, and nobody else who would want it. */
const TERMINAL_WORDS = ["local", "nocrtscts", "nolock"];
/** The plugin reads IDs with `int`. */
const MAX_INT = 0x7fff_ffff;

/** What carries pppd's frames; it gets a copy of the descriptor. */
export type PppdLine =
  /** The PPPoL2TP socket of a session: frames stay in the kernel. */
  | { readonly by: "plugin"; readonly socket: Fd; readonly tunnelId: number; readonly sessionId: number }
  /** A terminal, with asynchronous framing (RFC 1662 §4). */
  | { readonly by: "pty"; readonly terminal: Fd };

/** What pppd is started with. */
export interface PppdStart {
  readonly line: PppdLine;
  /** Path of the program; default: `pppd` as found in PATH and the system's folders. */
  readonly program?: string | undefined;
  /** Options, one word each; the last of the same kind wins. */
  readonly options: readonly string[];
  /** Makes the child: in the network namespace of the session, as pppd opens `/dev/ppp` there. */
  readonly inNamespace: <T>(work: () => T) => T;
  /** Each line that it says, without secrets. */
  readonly onLine: (line: string) => void;
}

function find(program: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_FOLDERS].filter(Boolean);
  return folders
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/**
 * The path of pppd.
 * @throws {@link PppdError} `ERR_PPPD_MISSING`
 */
export function findPppd(program?: string): string {
  const path = program === undefined ? find("pppd") : program;
  if (path !== undefined) {
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Said below.
    }
  }
  throw new PppdError(
    "ERR_PPPD_MISSING",
    `${program ?? "pppd"} is not there or may not be run: install it (Debian, Ubuntu, Fedora: package "ppp")`,
  );
}

/**
 * All options of a session: what the file says, then what is given word by word.
 * @throws {@link PppdError} `ERR_PPPD_OPTIONS` when the file cannot be read, or a word is impossible
 */
export function readPppdOptions(file: string | undefined, words: readonly string[]): string[] {
  checkPppdOptions(words, "pppd_options");
  if (file === undefined) return [...words];
  let text: string;
  try {
    // Reading a pipe would wait for its writer, and the event loop with it.
    if (!statSync(file).isFile()) throw new Error(`${file} is not a plain file`);
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new PppdError("ERR_PPPD_OPTIONS", `pppd_args: ${(cause as Error).message}`, { cause });
  }
  const fromFile = parsePppdOptions(text, file);
  checkPppdOptions(fromFile, file);
  return [...fromFile, ...words];
}

/** Words of the command line that say what carries the frames. */
function wordsOf(line: PppdLine): string[] {
  if (line.by === "pty") return [];
  const { tunnelId, sessionId } = line;
  const ids = tunnelId <= MAX_INT && sessionId <= MAX_INT;
  return [
    ...["plugin", "pppol2tp.so", "pppol2tp", String(SOCKET_FD)],
    ...(ids ? ["pppol2tp_tunnel_id", String(tunnelId), "pppol2tp_session_id", String(sessionId)] : []),
  ];
}

/** A pppd that runs. */
export class Pppd {
  readonly #child: ChildProcess;
  readonly #last: string[] = [];
  /** Resolves when it has ended and all that it said has been read. */
  readonly ended: Promise<ProcessExit>;
  #running = true;

  private constructor(child: ChildProcess, onLine: (line: string) => void, secrets: readonly string[]) {
    this.#child = child;
    const take = (line: string) => {
      const clean = cleanLine(line, secrets);
      this.#last.push(clean);
      if (this.#last.length > LAST_LINES) this.#last.shift();
      onLine(clean);
    };
    for (const stream of [child.stdout, child.stderr]) {
      const lines = new Lines(take);
      stream?.setEncoding("utf8");
      stream?.on("data", (text: string) => lines.push(text));
      stream?.on("end", () => lines.end());
      stream?.on("error", () => {}); // Its end is told by "close".
    }
    this.ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#running = false;
        // Scripts that pppd has started may hold the streams open: they are not waited for.
        const settled = () => {
          clearTimeout(late);
          child.stdout?.destroy();
          child.stderr?.destroy();
          resolve({ code, signal });
        };
        const late = setTimeout(settled, STREAMS_MS);
        child.once("close", settled);
      });
    });
  }

  /**
   * Starts pppd. What it needs to be told is written before it runs, so there is nothing to wait for.
   * @throws {@link PppdError} when it is not installed, or its options are impossible
   */
  static async start(start: PppdStart): Promise<Pppd> {
    const { line, options, onLine } = start;
    const program = findPppd(start.program);
    const setpriv = find("setpriv");
    if (setpriv === undefined) {
      onLine("setpriv(1) of util-linux is missing: pppd will outlive this process if that is killed");
    }
    const text = formatPppdOptions(options);
    const command = [
      ...(setpriv === undefined ? [] : [setpriv, "--pdeathsig", "TERM", "--"]),
      program,
      ...wordsOf(line),
      ...["file", `/proc/self/fd/${OPTIONS_FD}`],
      // Last, so that they win: it must stay our child, say what it does to us, and end with its session, as the
      // plugin cannot connect the same socket again.
      ...["nodetach", "nopersist", "logfd", "1"],
      ...(line.by === "pty" ? TERMINAL_WORDS : []),
    ] as const;
    const [read, write] = pipe2(O_NONBLOCK);
    let child: ChildProcess;
    try {
      writeAll(write, text, "pppd's options");
      // pppd reads to the end of the pipe, in a blocking way.
      fcntl(read, F_SETFL, 0, "pppd's options");
      child = start.inNamespace(() =>
        spawn(command[0] as string, command.slice(1), {
          // Without the name of a device pppd takes the terminal that its standard input is.
          stdio:
            line.by === "pty"
              ? [line.terminal, "pipe", "pipe", "ignore", read]
              : ["ignore", "pipe", "pipe", line.socket, read],
          cwd: "/",
          // Its own session: a ^C at our terminal is for us, and we end pppd in order.
          detached: true,
        }),
      );
    } finally {
      raw().close(read);
      raw().close(write);
    }
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => {
        reject(new PppdError("ERR_PPPD_FAILED", `${program} cannot be started: ${cause.message}`, { cause }));
      });
    });
    return new Pppd(child, onLine, secretWords(options));
  }

  /** Its process ID. */
  get pid(): number {
    return this.#child.pid as number;
  }

  get running(): boolean {
    return this.#running;
  }

  /** What it said last, without secrets. */
  get lastLines(): readonly string[] {
    return this.#last;
  }

  /**
   * Ends it: SIGTERM, with which it ends the link in order, and SIGKILL when that takes too long.
   * @returns how it ended
   */
  async stop(limitMs = TERMINATE_MS): Promise<ProcessExit> {
    if (this.#running) this.#child.kill("SIGTERM");
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), limitMs);
    try {
      return await this.ended;
    } finally {
      clearTimeout(kill);
    }
  }
}

/** After the end of pppd, for what it said last to be read. */
const STREAMS_MS = 500;

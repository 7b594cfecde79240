/** Debian's xl2tpd in a site, with its files in a folder of its own; pppd runs its sessions on the kernel's L2TP. */
import type { ChildProcess } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Site, until } from "@l2tp/lab";

/** Set in the virtual machine. */
const INSIDE = "L2TP_VM";

/** How often SIGTERM is sent: see {@link Xl2tpd.stop}. */
const TERM_AGAIN_MS = 250;

/** What pppd reads besides options; in the virtual machine nothing of the host's is written. */
export function writeSecrets(users: Readonly<Record<string, string>>): void {
  insideOnly("a machine's own secrets would be overwritten");
  const lines = Object.entries(users).map(([user, password]) => `${user}\t*\t${password}\t*\n`);
  for (const file of ["chap-secrets", "pap-secrets"])
    writeFileSync(`/etc/ppp/${file}`, lines.join(""), { mode: 0o600 });
}

/** pppd runs nothing at changes of its sessions. Debian's scripts are half a dozen shells each time, for nobody's name servers. */
export function removeScripts(): void {
  insideOnly("a machine's own scripts would be gone");
  for (const file of ["ip-pre-up", "ip-up", "ip-down", "ipv6-up", "ipv6-down"])
    rmSync(`/etc/ppp/${file}`, { force: true });
}

function insideOnly(why: string): void {
  if (process.env[INSIDE] === undefined) throw new Error(why);
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode !== null || signalCode !== null;

/** Sends a signal to a process that may just have ended. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** What an xl2tpd is started with. */
export interface Xl2tpdFiles {
  /** After `[global]`. */
  readonly global?: string;
  /** The sections: `[lns default]`, `[lac NAME]`. `OPTIONS` stands for the path of the options' file. */
  readonly sections: string;
  /** pppd's options. */
  readonly options: string;
  /** `* * secret` */
  readonly secrets?: string;
}

/** A running xl2tpd. It is ended by {@link Symbol.asyncDispose}, with its pppds. */
export class Xl2tpd implements AsyncDisposable {
  readonly #site: Site;
  readonly #folder = mkdtempSync(join(tmpdir(), "xl2tpd-"));
  #process: ChildProcess | undefined;
  /** Our own end of its pipe for commands, see {@link command}. */
  #pipe: number | undefined;
  #said = "";
  #ended: Promise<void> = Promise.resolve();

  constructor(site: Site, files: Xl2tpdFiles) {
    this.#site = site;
    const options = join(this.#folder, "options");
    const secrets = join(this.#folder, "secrets");
    writeFileSync(options, `${files.options}debug\nlogfile ${this.#path("pppd.log")}\n`);
    writeFileSync(secrets, files.secrets ?? "", { mode: 0o600 });
    writeFileSync(
      this.#path("xl2tpd.conf"),
      `[global]\nauth file = ${secrets}\n${files.global ?? ""}\n${files.sections.replaceAll("OPTIONS", options)}\n`,
    );
    mkdirSync("/run/xl2tpd", { recursive: true });
    this.start();
  }

  #path(file: string): string {
    return join(this.#folder, file);
  }

  start(): void {
    const args = [
      "-D",
      "-c",
      this.#path("xl2tpd.conf"),
      "-p",
      this.#path("pid"),
      "-C",
      this.#path("control"),
    ];
    const child = this.#site.start("/usr/sbin/xl2tpd", args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (text: Buffer) => {
        this.#said += text.toString();
      });
    }
    this.#ended = new Promise((resolve) => child.once("close", () => resolve()));
  }

  /** All that it and its pppds have said since the test began, restarts included. */
  get said(): string {
    const log = this.#path("pppd.log");
    return this.#said + (existsSync(log) ? readFileSync(log, "utf8") : "");
  }

  /** The processes of its pppds. */
  get pppds(): number[] {
    const pid = this.#process?.pid;
    const file = `/proc/${pid}/task/${pid}/children`;
    return existsSync(file) ? readFileSync(file, "utf8").split(" ").filter(Boolean).map(Number) : [];
  }

  /** What runs with files of its folder: xl2tpd, and every pppd of it, whoever its parent is now. */
  get #processes(): number[] {
    return readdirSync("/proc")
      .map(Number)
      .filter((pid) => {
        try {
          return pid > 0 && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(this.#folder);
        } catch {
          return false; // it has ended
        }
      });
  }

  async says(what: RegExp, patienceMs = 60_000): Promise<void> {
    await until(() => what.test(this.said), `xl2tpd says ${what}`, patienceMs);
  }

  /**
   * As `xl2tpd-control`: `c NAME`, `d NAME`, `h CALL`, `t NAME`.
   *
   * After each command xl2tpd closes the pipe and opens it again: what is written between would go with the last
   * descriptor. So one more is kept open, of which nobody reads.
   */
  async command(line: string): Promise<void> {
    const pipe = this.#path("control");
    await until(() => existsSync(pipe) && statSync(pipe).isFIFO(), "xl2tpd takes commands");
    this.#pipe ??= openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
    writeFileSync(pipe, `${line}\n`);
  }

  /** Sends a signal to its pppds. */
  signalPppds(name: NodeJS.Signals): void {
    for (const pid of this.pppds) signal(pid, name);
  }

  /**
   * SIGTERM is an orderly end; SIGKILL a crash, of its pppds too.
   *
   * xl2tpd 1.3.18 looks whether a signal has come, and then sleeps in select(): it sees one that comes between the two when
   * the next packet wakes it, or the next timer, of which there may be none. So SIGTERM is sent until it has ended.
   */
  async stop(name: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#process;
    const orphans = name === "SIGKILL" ? this.pppds : [];
    const again = setInterval(() => child?.kill(name), TERM_AGAIN_MS);
    child?.kill(name);
    for (const pid of orphans) signal(pid, name);
    if (child !== undefined)
      await until(() => hasEnded(child), "xl2tpd has ended").finally(() => clearInterval(again));
    // pppds outlive an xl2tpd that is killed: they hold the sockets of tunnel and session. One may just have been born.
    if (name === "SIGKILL") {
      await until(() => {
        const left = this.#processes;
        for (const pid of left) signal(pid, name);
        return left.length === 0;
      }, "the pppds of an xl2tpd that was killed are gone");
    }
    await this.#ended;
    if (this.#pipe !== undefined) closeSync(this.#pipe);
    this.#pipe = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

/** Debian's xl2tpd in a site, with its files in a folder of its own; pppd runs its sessions on the kernel's L2TP. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Site, until } from "@l2tp/lab";

/** Set in the virtual machine. */
const INSIDE = "L2TP_VM";

/** What pppd reads besides options; in the virtual machine nothing of the host's is written. */
export function writeSecrets(users: Readonly<Record<string, string>>): void {
  if (process.env[INSIDE] === undefined) throw new Error("a machine's own secrets would be overwritten");
  const lines = Object.entries(users).map(([user, password]) => `${user}\t*\t${password}\t*\n`);
  for (const file of ["chap-secrets", "pap-secrets"])
    writeFileSync(`/etc/ppp/${file}`, lines.join(""), { mode: 0o600 });
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

  async says(what: RegExp, patienceMs = 60_000): Promise<void> {
    await until(() => what.test(this.said), `xl2tpd says ${what}`, patienceMs);
  }

  /** As `xl2tpd-control`: `c NAME`, `d NAME`, `h CALL`, `t NAME`. */
  async command(line: string): Promise<void> {
    const pipe = this.#path("control");
    await until(() => existsSync(pipe) && statSync(pipe).isFIFO(), "xl2tpd takes commands");
    writeFileSync(pipe, `${line}\n`);
  }

  /** Sends a signal to its pppds. */
  signalPppds(signal: NodeJS.Signals): void {
    for (const pid of this.pppds) process.kill(pid, signal);
  }

  /** SIGTERM is an orderly end; SIGKILL a crash, of its pppds too. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    // pppds outlive an xl2tpd that is killed: they hold the sockets of tunnel and session.
    if (signal === "SIGKILL") {
      const orphans = this.pppds;
      this.#process?.kill(signal);
      for (const pid of orphans) process.kill(pid, signal);
    } else {
      this.#process?.kill(signal);
    }
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }
}

/** Debian's l2tpns in a site, with its RADIUS server. Its folder of configurations is mounted over /etc/l2tpns for it alone. */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Site, until } from "@l2tp/lab";

const RADIUS = fileURLToPath(new URL("radius.ts", import.meta.url));
const RADIUS_SECRET = "between the two";
const PASSWORD = "test";

/** What a test has of its own. */
export interface L2tpnsOptions {
  readonly address: string;
  readonly secret: string;
  /** In order of preference, such as `pap,chap`. */
  readonly authentication: string;
  /** Addresses of users, such as `10.64.0.0/24`, and l2tpns's own one. */
  readonly pool: string;
  readonly gateway: string;
  /** Further lines of its configuration. */
  readonly more?: string;
}

/** One life of l2tpns. */
export class L2tpns implements AsyncDisposable {
  readonly #site: Site;
  readonly #folder = mkdtempSync(join(tmpdir(), "l2tp-l2tpns-"));
  readonly #radius: ChildProcess;
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #radiusSaid = "";
  #errors = "";

  constructor(site: Site, options: L2tpnsOptions) {
    this.#site = site;
    this.#radius = site.start(
      process.execPath,
      ["--import", "tsx", RADIUS, "1812", RADIUS_SECRET, PASSWORD],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#radius.stdout?.on("data", (text) => {
      this.#radiusSaid += text;
    });
    const etc = join(this.#folder, "etc");
    mkdirSync(etc);
    writeFileSync(join(etc, "startup-config"), this.#configuration(options));
    writeFileSync(join(etc, "ip_pool"), `${options.pool}\n`);
    writeFileSync(join(etc, "users"), "");
    this.#process = site.start(
      "unshare",
      ["-m", "sh", "-c", `mount --bind ${etc} /etc/l2tpns && exec l2tpns`],
      {
        stdio: ["ignore", "ignore", "pipe"],
        detached: true,
      },
    );
    this.#process.stderr?.on("data", (text) => {
      this.#errors += text;
    });
    this.#ended = new Promise((resolve) => this.#process.once("exit", resolve));
  }

  #configuration({ address, secret, authentication, gateway, more = "" }: L2tpnsOptions): string {
    return `set debug 3
set log_file "${this.#folder}/log"
set pid_file "${this.#folder}/pid"
set bind_address ${address}
set l2tp_secret "${secret}"
set primary_dns ${gateway}
set primary_radius 127.0.0.1
set primary_radius_port 1812
set radius_secret "${RADIUS_SECRET}"
set radius_authtypes "${authentication}"
set cli_bind_address 127.0.0.1
set peer_address ${gateway}
set iftun_address ${gateway}
set cluster_interface lo
set cluster_hb_interval 1
set cluster_hb_timeout 10
set allow_duplicate_users yes
load plugin "sessionctl"
${more}
`;
  }

  /** Its log. */
  get log(): string {
    try {
      return readFileSync(join(this.#folder, "log"), "utf8");
    } catch {
      return "";
    }
  }

  /** What its RADIUS server has said: `ready`; `USER by pap|chap: accepted|rejected`, a line each. */
  get asked(): string {
    return this.#radiusSaid;
  }

  /**
   * It has begun to answer, which takes an election of itself as master; and so has its RADIUS server: a user for whom
   * that does not answer within seven seconds is hung up.
   */
  async ready(): Promise<void> {
    const isMaster = () => this.log.includes("declaring myself the master");
    const isReady = () => isMaster() && this.#radiusSaid.includes("ready");
    await until(() => isReady() || this.#hasEnded, "l2tpns and its RADIUS server are ready", 60_000);
    if (this.#hasEnded) throw new Error(`l2tpns ended: ${this.log} ${this.#errors}`);
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** A command of its control program, such as `drop USER`. */
  async control(...command: string[]): Promise<string> {
    const { output } = await this.#site.execute("nsctl", "-h", "127.0.0.1", ...command);
    return output;
  }

  /** Ends it: by SIGQUIT it says goodbye to its peers, by SIGKILL it does not. */
  async end(signal: "SIGQUIT" | "SIGKILL"): Promise<void> {
    if (!this.#hasEnded) this.#process.kill(signal);
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end("SIGKILL");
    this.#radius.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

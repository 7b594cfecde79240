/**
 * The management socket of a daemon: l2tpctl, as a person at a shell has it, and the client that it is made
 * of, for tests that ask often.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ManagementClient } from "@l2tp/management";
import { built } from "@l2tp/testing/built";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What a command printed, and how it ended. */
export interface Said {
  readonly code: number;
  readonly output: string;
}

/** A daemon's socket, in a folder of its own. */
export class Ctl implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "l2tp-ctl-"));
  readonly socket = join(this.folder, "l2tpd.sock");
  readonly client = new ManagementClient({ socketPath: this.socket });

  /** For `[daemon]` of the daemon's document. */
  get key(): string {
    return `management_socket = "${this.socket}"`;
  }

  /** `l2tpctl ARGS` to its end. */
  run(...args: string[]): Promise<Said> {
    const child = spawn(process.execPath, [built("l2tpctl"), "--socket", this.socket, ...args], {
      cwd: ROOT,
    });
    let output = "";
    const add = (text: Buffer) => {
      output += text.toString();
    };
    child.stdout.on("data", add);
    child.stderr.on("data", add);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve({ code: status ?? -1, output }));
    });
  }

  /** The same with `--json`: lists are one object per line. @throws Error with what was said instead */
  async json<T = Record<string, unknown>>(...args: string[]): Promise<T[]> {
    const { code, output } = await this.run(...args, "--json");
    if (code !== 0) throw new Error(`l2tpctl ${args.join(" ")} ended with ${code}: ${output}`);
    return output
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as T);
  }

  [Symbol.dispose](): void {
    void this.client[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

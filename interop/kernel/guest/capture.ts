/** What goes over the cable, kept by tcpdump in the folder that the virtual machine shares with the host. */
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { Site } from "@l2tp/lab";
import { CABLE } from "./sites.ts";

/** Names the shared folder to the guest. */
export const CAPTURE_FOLDER = "L2TP_TEST_CAPTURES";

/** What is captured, by the outer protocols. */
const FILTERS = {
  "udp-ipv4": "ip and udp",
  "udp-ipv6": "ip6 and udp",
  "ip-ipv4": "ip proto 115",
  "ip-ipv6": "ip6 proto 115",
};

/** One file of frames, from `start` to `stop`. */
export class Capture {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(process: ChildProcess) {
    this.#process = process;
    this.#ended = new Promise((resolve) => process.once("close", () => resolve()));
  }

  /** @param filter - for tcpdump, such as `ip and udp`. */
  static async start(site: Site, name: string, filter: string): Promise<Capture> {
    const folder = process.env[CAPTURE_FOLDER];
    if (folder === undefined) throw new Error(`${CAPTURE_FOLDER} is not set`);
    const file = join(folder, `${name}.pcap`);
    // -U and immediate: what was captured is in the file; as root, or the file could not be made.
    const args = ["-i", CABLE, "-U", "--immediate-mode", "-Z", "root", "-w", file, filter];
    const child = site.start("tcpdump", args, { stdio: ["ignore", "ignore", "pipe"] });
    let said = "";
    await new Promise<void>((resolve, reject) => {
      child.stderr?.on("data", (text: Buffer) => {
        said += text.toString();
        if (said.includes("listening on")) resolve();
      });
      child.once("close", () => reject(new Error(`tcpdump ended: ${said}`)));
    });
    return new Capture(child);
  }

  /** One for each encapsulation and family: `KIND-udp-ipv4.pcap` and so on. */
  static all(site: Site, kind: string): Promise<Capture[]> {
    return Promise.all(
      Object.entries(FILTERS).map(([name, filter]) => Capture.start(site, `${kind}-${name}`, filter)),
    );
  }

  async stop(): Promise<void> {
    this.#process.kill("SIGINT");
    await this.#ended;
  }
}

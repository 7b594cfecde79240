/**
 * What of ours the kernel would keep if the process were killed: tunnels with sockets of the kernel's own. The kernel
 * marks no owner, so a file says which are ours: one for each process and network namespace, of one boot of the machine.
 * The next start deletes what a dead process left, after comparing what is there with what was written down.
 */
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PlaneError } from "@l2tp/dataplane";
import { bootId, type NamespaceId } from "@l2tp/linux";
import { isErrno } from "./failure.ts";
import { deleteTunnel, getTunnel, type L2tpAttributes } from "./family.ts";
import type { KernelAccess } from "./kernel-access.ts";

/** Where the files are unless said otherwise: gone with the boot, as what they speak of. */
export const DEFAULT_STATE_DIRECTORY = "/run/l2tp";
const FORMAT = 1;
const NAME = /^kernel-.*\.json$/;

/** A tunnel as it was made: enough to know it again. */
export interface RecordedTunnel {
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly version: number;
  readonly encapsulation: number;
  readonly local: string;
  readonly localPort: number;
  readonly peer: string;
  readonly peerPort: number;
}

interface Contents {
  readonly format: typeof FORMAT;
  readonly boot: string;
  readonly namespace: string;
  readonly pid: number;
  /** When that process began, in clock ticks since boot: a number may be given to another process. */
  readonly started: string;
  readonly tunnels: readonly RecordedTunnel[];
}

export class StateFile {
  readonly #directory: string | undefined;
  readonly #namespace: string;
  readonly #path: string | undefined;
  readonly #tunnels = new Map<number, RecordedTunnel>();

  /** @param directory - `undefined`: nothing is written down. */
  constructor(directory: string | undefined, { device, inode }: NamespaceId) {
    this.#directory = directory;
    this.#namespace = `${device}:${inode}`;
    const name = `kernel-${device}-${inode}-${process.pid}-${randomUUID().slice(0, 8)}.json`;
    this.#path = directory === undefined ? undefined : join(directory, name);
  }

  /**
   * Writes a tunnel down, before it is made.
   * @throws PlaneError `system` when the file cannot be written
   */
  add(tunnel: RecordedTunnel): void {
    this.#tunnels.set(tunnel.tunnelId, tunnel);
    try {
      this.#write();
    } catch (error) {
      this.#tunnels.delete(tunnel.tunnelId);
      throw new PlaneError(
        "system",
        `tunnel ${tunnel.tunnelId}: ${this.#path} cannot be written (${(error as Error).message}), and a tunnel with a ` +
          "socket of the kernel's must be found again after a crash: choose another stateDirectory",
        { cause: error },
      );
    }
  }

  /** The tunnel is gone. The last one takes the file with it. */
  remove(tunnelId: number): void {
    if (!this.#tunnels.delete(tunnelId)) return;
    try {
      this.#write();
    } catch {
      // An entry too many is compared with what is there, and found to be nothing.
    }
  }

  /** Tunnels written down now. */
  get tunnels(): readonly RecordedTunnel[] {
    return [...this.#tunnels.values()];
  }

  #write(): void {
    if (this.#path === undefined || this.#directory === undefined) return;
    if (this.#tunnels.size === 0) {
      unlinkSync(this.#path);
      return;
    }
    const contents: Contents = {
      format: FORMAT,
      boot: bootId(),
      namespace: this.#namespace,
      pid: process.pid,
      started: startOf("self") ?? "",
      tunnels: [...this.#tunnels.values()],
    };
    mkdirSync(this.#directory, { recursive: true, mode: 0o755 });
    const half = `${this.#path}.new`;
    writeFileSync(half, `${JSON.stringify(contents, undefined, 2)}\n`, { mode: 0o644 });
    renameSync(half, this.#path);
  }

  close(): void {
    for (const tunnelId of [...this.#tunnels.keys()]) this.remove(tunnelId);
  }

  /** Deletes what dead processes left in this namespace; files that speak of nothing any more go too. */
  async recover(kernel: KernelAccess): Promise<readonly RecordedTunnel[]> {
    const directory = this.#directory;
    if (directory === undefined) return [];
    const deleted: RecordedTunnel[] = [];
    for (const name of filesIn(directory)) {
      const path = join(directory, name);
      const contents = read(path);
      if (contents === undefined) continue;
      if (contents.boot === bootId()) {
        // Of another namespace, which whoever works there looks after; or of a process that lives.
        if (contents.namespace !== this.#namespace || lives(contents)) continue;
        for (const tunnel of contents.tunnels) {
          if (await deleteIfOurs(kernel, tunnel)) deleted.push(tunnel);
        }
      }
      forget(path);
    }
    return deleted;
  }
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => NAME.test(name));
  } catch {
    return [];
  }
}

/** @returns `undefined` for what is no file of ours, or of a later format. */
function read(path: string): Contents | undefined {
  try {
    const contents = JSON.parse(readFileSync(path, "utf8")) as Contents;
    return contents.format === FORMAT && Array.isArray(contents.tunnels) ? contents : undefined;
  } catch {
    return undefined;
  }
}

function forget(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody else was first.
  }
}

/** Field 22 of /proc/PID/stat; what stands before may have blanks in parentheses. */
function startOf(pid: number | "self"): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

const lives = ({ pid, started }: Contents): boolean => startOf(pid) === started;

/** Deletes a tunnel when it is the one that was written down. */
async function deleteIfOurs(kernel: KernelAccess, tunnel: RecordedTunnel): Promise<boolean> {
  try {
    const found = await kernel.run(getTunnel(kernel.family, tunnel.tunnelId));
    if (!isSame(found, tunnel)) return false;
    await kernel.run(deleteTunnel(kernel.family, tunnel.tunnelId));
    await kernel.gone(tunnel.tunnelId);
    return true;
  } catch (error) {
    if (isErrno(error, "ENODEV")) return false;
    throw error;
  }
}

function isSame(found: L2tpAttributes, tunnel: RecordedTunnel): boolean {
  const udp = found.UDP_SPORT === undefined || found.UDP_SPORT === tunnel.localPort;
  return (
    found.PEER_CONN_ID === tunnel.peerTunnelId &&
    found.PROTO_VERSION === tunnel.version &&
    found.ENCAP_TYPE === tunnel.encapsulation &&
    (found.IP_SADDR ?? found.IP6_SADDR) === tunnel.local &&
    (found.IP_DADDR ?? found.IP6_DADDR) === tunnel.peer &&
    udp &&
    (found.UDP_DPORT === undefined || found.UDP_DPORT === tunnel.peerPort)
  );
}

/** The Linux kernel as a data plane: what it can do here, and its wires. */
import {
  type Binding,
  type ControlHandler,
  checkBinding,
  type DataPlane,
  type DataPlaneCapabilities,
  type DataPlaneStatus,
  type FeatureStatus,
  PlaneError,
  type Wire,
} from "@l2tp/dataplane";
import { namespaceId } from "@l2tp/linux";
import type { Pseudowire } from "@l2tp/protocol";
import { DescriptorBudget } from "./descriptors.ts";
import { ETHERNET } from "./ethernet.ts";
import { kernelError } from "./failure.ts";
import { Kernel, type KernelOptions } from "./kernel.ts";
import { Pacer } from "./pacer.ts";
import { pppKinds, probePpp } from "./ppp/kinds.ts";
import { type LinuxProbe, probeLinux } from "./probe.ts";
import type { SessionKinds } from "./session-kind.ts";
import { DEFAULT_STATE_DIRECTORY } from "./state-file.ts";
import { LinuxWire } from "./wire.ts";

/** How often the kernel's tables are compared with ours, for what it does not tell of. */
const DEFAULT_RECONCILE_MS = 30_000;

/** How the kernel's data plane is to work. */
export interface LinuxOptions {
  /**
   * How often to compare the kernel's tables with ours, in milliseconds; 0: only after notifications were lost. Most losses
   * are told of at once; this finds the others. Default 30,000.
   */
  readonly reconcileMs?: number;
  /**
   * Folder for the files that say which tunnels in the kernel are ours, so that the next start can clean up after a
   * SIGKILL. Written only for unmanaged tunnels. `false`: no such files. Default `/run/l2tp`.
   */
  readonly stateDirectory?: string | false;
  /**
   * Takes what programs say that the data plane runs, line by line: pppd, for sessions of pseudowire `ppp`. Without
   * secrets and control characters; the line begins with the tunnel and session.
   */
  readonly log?: (line: string) => void;
}

/** The kernel of one namespace, and the wires that use it. */
interface Namespace {
  readonly opened: Promise<Kernel>;
  users: number;
}

/** Carries L2TP by the kernel's own modules: L2TPv2 and v3, UDP and IP, IPv4 and IPv6. */
export class LinuxDataPlane implements DataPlane {
  readonly capabilities: DataPlaneCapabilities;
  readonly #features: readonly FeatureStatus[];
  readonly #kinds: SessionKinds;
  readonly #missing: ReadonlyMap<Pseudowire, string>;
  readonly #options: KernelOptions;
  readonly #descriptors = new DescriptorBudget();
  readonly #pacer = new Pacer();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #wires = new Set<LinuxWire>();
  readonly #opening = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  private constructor(probe: Extract<LinuxProbe, { available: true }>, options: LinuxOptions) {
    const { reconcileMs = DEFAULT_RECONCILE_MS, stateDirectory = DEFAULT_STATE_DIRECTORY } = options;
    if (!Number.isFinite(reconcileMs) || reconcileMs < 0 || reconcileMs > 2 ** 31 - 1) {
      throw new PlaneError(
        "invalid-parameters",
        `reconcileMs ${reconcileMs}: expected 0 or more milliseconds`,
      );
    }
    this.#options = {
      reconcileMs,
      stateDirectory: stateDirectory === false ? undefined : stateDirectory,
    };
    const kinds = { eth: ETHERNET, ...pppKinds(options.log ?? (() => {})) };
    const ppp = probePpp();
    const pseudowires = (Object.keys(kinds) as Pseudowire[]).filter((name) => !ppp.missing.has(name));
    this.#kinds = kinds;
    this.#missing = ppp.missing;
    this.capabilities = {
      ...probe.capabilities,
      pseudowires,
      ...(pseudowires.includes("ppp") && { pppLink: ["interface"] as const }),
      ...(ppp.pppd && { pppd: "plugin" as const }),
    };
    this.#features = [...probe.features, ...ppp.features];
  }

  /** Whether the kernel's L2TP can be used here, and if not, why; see {@link LinuxDataPlane.create}. */
  static probe(): Promise<LinuxProbe> {
    return probeLinux();
  }

  /**
   * Probes, and makes the data plane.
   * @throws PlaneError `module-missing`, `no-privilege`, `not-available`, `invalid-parameters`
   */
  static async create(options: LinuxOptions = {}): Promise<LinuxDataPlane> {
    const probe = await probeLinux();
    if (!probe.available) throw probe.error;
    return new LinuxDataPlane(probe, options);
  }

  status(): DataPlaneStatus {
    const descriptors = { feature: "descriptor-limit", using: String(this.#descriptors.limit) };
    return {
      name: "linux",
      capabilities: this.capabilities,
      features: [...this.#features, descriptors],
    };
  }

  async open(binding: Binding, onControl: ControlHandler): Promise<Wire> {
    this.#requireOpen();
    checkBinding(binding, this.capabilities);
    const opening = this.#open(binding, onControl);
    this.#opening.add(opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(opening);
    }
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw new PlaneError("closed", "the data plane is closed");
  }

  async #open({ encapsulation, local, namespace }: Binding, onControl: ControlHandler): Promise<LinuxWire> {
    const key = keyOf(namespace);
    const entry = this.#namespaces.get(key) ?? { opened: Kernel.open(namespace, this.#options), users: 0 };
    this.#namespaces.set(key, entry);
    entry.users++;
    const leave = () => this.#leave(key, entry);
    try {
      const kernel = await entry.opened;
      this.#requireOpen();
      const wire = new LinuxWire({ encapsulation, local }, onControl, {
        capabilities: this.capabilities,
        kinds: this.#kinds,
        missing: this.#missing,
        descriptors: this.#descriptors,
        pacer: this.#pacer,
        kernel,
        closed: (closed) => {
          this.#wires.delete(closed);
          return leave();
        },
      });
      this.#wires.add(wire);
      return wire;
    } catch (error) {
      await leave();
      throw kernelError(error, "wire");
    }
  }

  /** The last wire of a namespace takes its sockets along. */
  async #leave(key: string, entry: Namespace): Promise<void> {
    entry.users--;
    if (entry.users > 0) return;
    this.#namespaces.delete(key);
    const kernel = await entry.opened.catch(() => undefined);
    await kernel?.[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled([...this.#opening]);
      await Promise.all([...this.#wires].map((wire) => wire[Symbol.asyncDispose]()));
    })();
    return this.#closing;
  }
}

/** What tells one namespace from another, however its path is written. */
function keyOf(path: string | undefined): string {
  try {
    const { device, inode } = namespaceId(path);
    return `${device}:${inode}`;
  } catch {
    return path ?? ""; // Opening it will say what is wrong.
  }
}

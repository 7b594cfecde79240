/** The userspace data plane itself: what it can do here, and its wires. */
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
import { abi, hasCapability, raw, SyscallError, sys, tunFeatures, UnsupportedError } from "@l2tp/linux";
import type { Encapsulation } from "@l2tp/protocol";
import { type Features, type Offload, probeFeatures } from "./features.ts";
import type { Checksum } from "./packet/checksum.ts";
import { type PppdService, probePppd } from "./pppd.ts";
import { SharedTuns } from "./shared-tun.ts";
import { UserspaceWire } from "./wire.ts";

/** Enough for every port of a large concentrator; rows that are not used cost no memory. */
const DEFAULT_MAX_SESSIONS = 16_384;

/** How a userspace data plane is to work. */
export interface UserspaceOptions {
  /**
   * How far up the steps to go: `batch` (system calls in batches), `gso` (and UDP GSO/GRO), `full` (and large TCP
   * frames between kernel and TAP). Each step that the platform refuses falls back to the one before. Default:
   * the environment variable `L2TP_OFFLOAD`, else `full`.
   */
  readonly offload?: Offload;
  /** The best checksum to take; for tests. Default `WebAssembly SIMD`. */
  readonly checksum?: Checksum["using"];
  /** Sessions of one wire at most. Default 16,384. */
  readonly maxSessions?: number;
  /**
   * Takes what programs say that the data plane runs, line by line: pppd, for PPP sessions without `pppLink`. Without
   * secrets and control characters; the line begins with the tunnel and session.
   */
  readonly log?: (line: string) => void;
}

/**
 * Carries Ethernet pseudowires (L2TPv3) through TAP interfaces, and PPP (L2TPv2 and v3) through TUN interfaces or to the
 * program itself, over UDP or IP sockets, in worker threads and without any kernel module but TUN.
 */
export class UserspaceDataPlane implements DataPlane {
  readonly capabilities: DataPlaneCapabilities;
  readonly #features: Features;
  readonly #status: readonly FeatureStatus[];
  readonly #maxSessions: number;
  readonly #pppd: PppdService;
  readonly #wires = new Set<UserspaceWire>();
  readonly #sharedTuns = new SharedTuns();
  readonly #opening = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  /** @throws PlaneError `not-available` off Linux, `invalid-parameters` for an unknown option. */
  constructor(options: UserspaceOptions = {}) {
    const offload = options.offload ?? (process.env["L2TP_OFFLOAD"] as Offload | undefined) ?? "full";
    if (!["batch", "gso", "full"].includes(offload)) {
      throw new PlaneError("invalid-parameters", `offload "${offload}": expected batch, gso or full`);
    }
    this.#maxSessions = options.maxSessions ?? DEFAULT_MAX_SESSIONS;
    if (!Number.isInteger(this.#maxSessions) || this.#maxSessions < 1 || this.#maxSessions > 1_000_000) {
      throw new PlaneError("invalid-parameters", `maxSessions ${this.#maxSessions}: expected 1 to 1,000,000`);
    }
    try {
      const ipv4 = probeRaw(abi.AF_INET);
      const ipv6 = probeFamily(abi.AF_INET6);
      this.#features = probeFeatures(offload, options.checksum ?? "WebAssembly SIMD");
      const noTun = probeTun();
      const missing = probePppd();
      this.#pppd = { missing, log: options.log ?? (() => {}) };
      const encapsulations: Encapsulation[] = ipv4 === undefined ? ["udp", "ip"] : ["udp"];
      this.capabilities = {
        versions: [2, 3],
        encapsulations,
        families: ipv6 === undefined ? [4, 6] : [4],
        pseudowires: ["eth", "ppp"],
        interfaces: true,
        pppLink: noTun === undefined ? ["interface", "shared", "program"] : ["program"],
        ...(missing === undefined && { pppd: "pty" as const }),
      };
      this.#status = [
        ...this.#features.status,
        {
          feature: "ip-encapsulation",
          using: ipv4 === undefined ? "raw sockets" : "off",
          ...(ipv4 === undefined ? {} : { why: ipv4 }),
        },
        {
          feature: "ppp-interfaces",
          using: noTun === undefined ? "TUN" : "off",
          ...(noTun === undefined ? {} : { why: noTun }),
        },
        {
          feature: "pppd",
          using: missing === undefined ? "on a pseudo-terminal" : "off",
          ...(missing === undefined ? {} : { why: missing }),
        },
        {
          feature: "ipv6",
          using: ipv6 === undefined ? "on" : "off",
          ...(ipv6 === undefined ? {} : { why: ipv6 }),
        },
      ];
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      throw new PlaneError("not-available", error.message, { cause: error });
    }
  }

  status(): DataPlaneStatus {
    const wires = [...this.#wires].flatMap((wire) =>
      wire.status().map((row) => ({ ...row, feature: `${row.feature} (${wire.name})` })),
    );
    return { name: "userspace", capabilities: this.capabilities, features: [...this.#status, ...wires] };
  }

  async open(binding: Binding, onControl: ControlHandler): Promise<Wire> {
    if (this.#closing !== undefined) throw new PlaneError("closed", "the data plane is closed");
    if (binding.encapsulation === "ip") this.#requireRaw();
    checkBinding(binding, this.capabilities);
    const opening = UserspaceWire.open(binding, onControl, {
      capabilities: this.capabilities,
      features: this.#features,
      sharedTuns: this.#sharedTuns,
      pppd: this.#pppd,
      rows: this.#maxSessions,
      closed: (wire) => this.#wires.delete(wire),
    });
    this.#opening.add(opening);
    try {
      const wire = await opening;
      this.#wires.add(wire);
      return wire;
    } finally {
      this.#opening.delete(opening);
    }
  }

  /** @throws PlaneError `no-privilege` with what to do. */
  #requireRaw(): void {
    if (this.capabilities.encapsulations.includes("ip")) return;
    const why = this.#status.find(({ feature }) => feature === "ip-encapsulation")?.why;
    throw new PlaneError("no-privilege", `L2TP over IP (protocol 115): ${why}; or use encapsulation "udp"`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= (async () => {
      await Promise.allSettled([...this.#opening]);
      await Promise.all([...this.#wires].map((wire) => wire[Symbol.asyncDispose]()));
    })();
    return this.#closing;
  }
}

/** Whether TUN interfaces can be had: why not, if they cannot. */
function probeTun(): string | undefined {
  try {
    tunFeatures();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (hasCapability("CAP_NET_ADMIN")) return undefined;
  return "interfaces need CAP_NET_ADMIN: run as root, or inside `unshare -Urn`; sessions can end in the program";
}

/** Whether raw sockets of protocol 115 can be had: why not, if they cannot. */
function probeRaw(family: number): string | undefined {
  return probe(family, abi.SOCK_RAW, abi.IPPROTO_L2TP, "raw socket of IP protocol 115");
}

function probeFamily(family: number): string | undefined {
  return probe(family, abi.SOCK_DGRAM, 0, "UDP over IPv6");
}

function probe(family: number, type: number, protocol: number, what: string): string | undefined {
  const fd = raw().socket(family, type | abi.SOCK_CLOEXEC, protocol);
  if (fd < 0) return new SyscallError("socket", -fd, what).message;
  sys.close(fd as Parameters<typeof sys.close>[0]);
  return undefined;
}

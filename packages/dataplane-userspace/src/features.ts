/**
 * What the platform offers for speed, probed once. The steps, each standing on the one before: batches of system
 * calls; UDP GSO and GRO; TAPs that take and give large TCP frames. Beside them, what computes checksums.
 */
import type { FeatureStatus } from "@l2tp/dataplane";
import { abi, raw, SyscallError, sys, tunFeatures } from "@l2tp/linux";
import type { Checksum } from "./packet/checksum.ts";

/** How far up the steps to go: `batch`, then `gso`, then `full`. */
export type Offload = "batch" | "gso" | "full";

/** What is in use, and the words for the status. */
export interface Features {
  /** UDP_SEGMENT. */
  readonly gso: boolean;
  /** UDP_GRO. */
  readonly gro: boolean;
  /** IFF_VNET_HDR. */
  readonly vnet: boolean;
  /** Where to begin looking for the best. */
  readonly checksum: Checksum["using"];
  readonly status: readonly FeatureStatus[];
}

/** Whether the kernel knows UDP_SEGMENT (Linux 4.18) and UDP_GRO (5.0): why not, if it does not. */
function probeUdp(option: number, name: string): string | undefined {
  const fd = sys.socket(abi.AF_INET, abi.SOCK_DGRAM, 0, "to probe UDP offloads");
  const result = raw().setsockopt(fd, abi.SOL_UDP, option, Int32Array.of(1), 4);
  sys.close(fd);
  return result < 0 ? new SyscallError("setsockopt", -result, name).message : undefined;
}

function probeTap(): string | undefined {
  try {
    return (tunFeatures() & abi.IFF_VNET_HDR) !== 0
      ? undefined
      : "this kernel's TUN driver has no IFF_VNET_HDR";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Probes.
 *
 * @param offload - the highest step to take.
 * @param checksum - the best implementation to take.
 */
export function probeFeatures(offload: Offload, checksum: Checksum["using"]): Features {
  const lower = `option offload: "${offload}"`;
  const noGso = offload === "batch" ? lower : probeUdp(abi.UDP_SEGMENT, "UDP_SEGMENT");
  const noGro = offload === "batch" ? lower : probeUdp(abi.UDP_GRO, "UDP_GRO");
  const noTap =
    offload !== "full"
      ? lower
      : noGso !== undefined && noGro !== undefined
        ? "it stands on UDP GSO, which is not to be had"
        : probeTap();
  const row = (feature: string, using: string, why: string | undefined): FeatureStatus => ({
    feature,
    using: why === undefined ? using : "off",
    ...(why === undefined ? {} : { why }),
  });
  return {
    gso: noGso === undefined,
    gro: noGro === undefined,
    vnet: noTap === undefined,
    checksum,
    status: [
      { feature: "udp-batches", using: "recvmmsg and sendmmsg" },
      row("udp-gso", "UDP_SEGMENT", noGso),
      row("udp-gro", "UDP_GRO", noGro),
      row("tap-tso", "IFF_VNET_HDR with TSO4 and TSO6", noTap),
    ],
  };
}

/**
 * A MAC address for the interface of an Ethernet session that stays the same when the daemon is restarted. With a
 * random one the neighbours would go on sending to the old address until their ARP entries have expired: half a
 * minute or more of silence.
 */
import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { ConfiguredSessionConfig, ConfiguredTunnelConfig } from "@l2tp/config";
import { formatAddress } from "@l2tp/management";

/** IEEE 802: locally administered, and not a group address. */
const LOCALLY_ADMINISTERED = 0x02;
const GROUP = 0x01;

/** Where this process runs: two of them must not come to one address, though their configurations be alike. */
export function hostIdentity(): readonly string[] | undefined {
  if (process.platform !== "linux") return undefined;
  const read = (file: string): string => {
    try {
      return readFileSync(file, "utf8").trim();
    } catch {
      return ""; // one of them is enough
    }
  };
  try {
    // Containers on one host share the boot ID, and images the machine ID; the namespace tells them apart.
    const { ino } = statSync("/proc/self/ns/net");
    return [read("/etc/machine-id"), read("/proc/sys/kernel/random/boot_id"), String(ino)];
  } catch {
    return undefined;
  }
}

/** `02:…`, the same for the same host, tunnel and session. */
export function stableMacAddress(
  identity: readonly string[],
  tunnel: Pick<ConfiguredTunnelConfig, "name" | "local" | "tunnelId" | "peerTunnelId" | "namespace">,
  session: Pick<ConfiguredSessionConfig, "name" | "sessionId" | "peerSessionId">,
): string {
  const local = tunnel.local ? formatAddress(tunnel.local) : "";
  const parts = [
    ...identity,
    tunnel.namespace ?? "",
    local,
    tunnel.name,
    tunnel.tunnelId,
    tunnel.peerTunnelId,
    session.name,
    session.sessionId,
    session.peerSessionId,
  ];
  const octets = createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 6);
  octets[0] = ((octets[0] ?? 0) | LOCALLY_ADMINISTERED) & ~GROUP;
  return [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join(":");
}

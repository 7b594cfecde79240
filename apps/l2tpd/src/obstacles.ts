/** What of a configuration this version of l2tpd leaves out, and why. */
import type { ConfiguredSessionConfig, TunnelConfig } from "@l2tp/config";

/** Why this version of l2tpd does not run a tunnel; undefined when it does. */
export function obstacleTo({ mode, version }: TunnelConfig): string | undefined {
  return mode === "dynamic" && version === 3
    ? 'L2TPv3 tunnels cannot be dialled yet: take version = "l2tpv2", or give both ends their IDs (tid, ptid, and sid, psid for each session) and run it as static or quiescent'
    : undefined;
}

/** Why this version of l2tpd does not run a session of a configured tunnel; undefined when it does. */
export function obstacleToSession({
  pseudowire,
  interface: { name },
}: ConfiguredSessionConfig): string | undefined {
  return pseudowire === "pppac" && name === undefined
    ? "the Ethernet interface that its PPPoE session comes in by must be known: give interface_name"
    : undefined;
}

/** Whether the kernel's L2TP can be had here, and what of it: found out by asking, which loads modules by itself. */
import type { DataPlaneCapabilities, FeatureStatus, PlaneError } from "@l2tp/dataplane";
import { PlaneError as PlaneErrorClass } from "@l2tp/dataplane";
import {
  abi,
  NetlinkSocket,
  nftabi,
  nftables,
  nlabi,
  raw,
  resolveFamily,
  SyscallError,
  sys,
  UnsupportedError,
} from "@l2tp/linux";
import type { Encapsulation } from "@l2tp/protocol";
import { isErrno, kernelError } from "./failure.ts";
import { getTunnel } from "./family.ts";

/** What was found. */
export type LinuxProbe =
  | {
      readonly available: true;
      readonly capabilities: Omit<DataPlaneCapabilities, "pseudowires">;
      readonly features: readonly FeatureStatus[];
    }
  | { readonly available: false; readonly error: PlaneError };

/**
 * Asks the kernel in the network namespace of the process: for the family `l2tp` by name, whether we may use it, and for
 * sockets of L2TP/IP. Changes nothing, and does not block the event loop.
 */
export async function probeLinux(): Promise<LinuxProbe> {
  let socket: NetlinkSocket | undefined;
  const doing = "the data plane of the Linux kernel";
  try {
    socket = new NetlinkSocket(nlabi.NETLINK_GENERIC);
    const family = await socket.run(resolveFamily("l2tp"));
    await mayUse(socket, family.id);
    const { capabilities, features } = describeFeatures(family.groups.size > 0);
    return { available: true, capabilities, features: [...features, await mssClamp()] };
  } catch (error) {
    if (error instanceof UnsupportedError) {
      return {
        available: false,
        error: new PlaneErrorClass("not-available", error.message, { cause: error }),
      };
    }
    if (isErrno(error, "EOPNOTSUPP", "ENOPROTOOPT")) {
      const text = `${doing}: this kernel is too old: its family l2tp does not know TUNNEL_GET; Linux 4.15 or later is needed`;
      return { available: false, error: new PlaneErrorClass("not-available", text, { cause: error }) };
    }
    return { available: false, error: kernelError(error, doing) };
  } finally {
    await socket?.close();
  }
}

/** Asks for a tunnel that cannot be: EPERM comes before ENODEV. */
async function mayUse(socket: NetlinkSocket, id: number): Promise<void> {
  try {
    await socket.run(getTunnel({ id }, 0));
  } catch (error) {
    if (!isErrno(error, "ENODEV", "ENOENT")) throw error;
  }
}

/** Asks nf_tables for its tables, which takes the same module as ours. */
async function mssClamp(): Promise<FeatureStatus> {
  const feature = "mss-clamp";
  let socket: NetlinkSocket | undefined;
  try {
    socket = new NetlinkSocket(nftabi.NETLINK_NETFILTER);
    await socket.run(nftables.tables());
    const why = "the kernel's L2TP has none for Ethernet sessions; nftables can do it";
    return { feature, using: "of PPP, by nf_tables", why };
  } catch (error) {
    return { feature, using: "off", why: error instanceof Error ? error.message : String(error) };
  } finally {
    await socket?.close();
  }
}

function describeFeatures(notifications: boolean): {
  capabilities: Omit<DataPlaneCapabilities, "pseudowires">;
  features: FeatureStatus[];
} {
  const ipv6 = refusal(abi.AF_INET6, 0, "UDP over IPv6");
  const ip4 = refusal(abi.AF_INET, abi.IPPROTO_L2TP, "L2TP/IP, module l2tp_ip");
  const ip6 = ipv6 ?? refusal(abi.AF_INET6, abi.IPPROTO_L2TP, "L2TP/IP over IPv6, module l2tp_ip6");
  // Encapsulations and families are told apart: all that is offered works together.
  const ip = ip4 ?? (ipv6 === undefined ? ip6 : undefined);
  const encapsulations: Encapsulation[] = ip === undefined ? ["udp", "ip"] : ["udp"];
  const row = (feature: string, using: string, why: string | undefined): FeatureStatus => ({
    feature,
    using: why === undefined ? using : "off",
    ...(why === undefined ? {} : { why }),
  });
  return {
    capabilities: {
      versions: [2, 3],
      encapsulations,
      families: ipv6 === undefined ? [4, 6] : [4],
      interfaces: true,
    },
    features: [
      row("ip-encapsulation", "L2TP/IP sockets", ip),
      row("ipv6", "on", ipv6),
      row(
        "notifications",
        "multicast group l2tp, link events",
        notifications
          ? undefined
          : "this kernel's family has no multicast group; losses are found by comparing tables",
      ),
      row(
        "dont-fragment",
        "",
        "the kernel sends data without the DF bit whatever the session asks for; the interface's MTU keeps packets whole",
      ),
    ],
  };
}

function refusal(family: number, protocol: number, what: string): string | undefined {
  const fd = raw().socket(family, abi.SOCK_DGRAM | abi.SOCK_CLOEXEC, protocol);
  if (fd < 0) return new SyscallError("socket", -fd, what).message;
  sys.close(fd as Parameters<typeof sys.close>[0]);
  return undefined;
}

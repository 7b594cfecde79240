/** Whether packets of subscribers go any further than this host. */
import { PlaneError } from "@l2tp/dataplane";
import { openNamespace } from "@l2tp/linux";
import { readSwitch, writeSwitch } from "./sysctl.ts";

const SWITCHES = { ipv4: "ipv4/ip_forward", ipv6: "ipv6/conf/all/forwarding" } as const;

/** Where, and what. */
export interface ForwardingOptions {
  /** Network namespace by path, as in a wire's binding; absent: that of the process. */
  readonly namespace?: string;
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
}

/** What is switched on now; undefined where the family is not there. */
export function forwardingState(namespace?: string): {
  readonly ipv4: boolean | undefined;
  readonly ipv6: boolean | undefined;
} {
  const read = (name: string) => {
    const value = readSwitch(name);
    return value === undefined ? undefined : value !== "0";
  };
  return within(namespace, () => ({ ipv4: read(SWITCHES.ipv4), ipv6: read(SWITCHES.ipv6) }));
}

/**
 * Switches forwarding on. It is a switch of the whole host (or namespace), so it is left on afterwards.
 *
 * Address translation is not done by this package: {@link masqueradeCommands} says how nftables does it.
 * @throws PlaneError `no-privilege` with what to run instead
 */
export function enableForwarding({ namespace, ipv4 = false, ipv6 = false }: ForwardingOptions): void {
  within(namespace, () => {
    for (const [family, wanted] of [["ipv4", ipv4] as const, ["ipv6", ipv6] as const]) {
      if (!wanted) continue;
      const name = SWITCHES[family];
      try {
        writeSwitch(name, "1");
      } catch (error) {
        throw new PlaneError(
          "no-privilege",
          `forwarding of ${family === "ipv4" ? "IPv4" : "IPv6"} cannot be switched on (${String((error as { code?: string }).code)}); ` +
            `run: sysctl -w net.${name.replaceAll("/", ".")}=1`,
          { cause: error },
        );
      }
    }
  });
}

/**
 * The commands that let subscribers with private addresses reach the world by the address of this host.
 * @param prefixes - of the pools, such as `10.0.0.0/16`.
 */
export function masqueradeCommands(prefixes: readonly string[]): string[] {
  const of = (prefix: string) => (prefix.includes(":") ? "ip6" : "ip");
  return [
    "nft add table inet l2tp",
    "nft 'add chain inet l2tp postrouting { type nat hook postrouting priority srcnat ; }'",
    ...prefixes.map(
      (prefix) =>
        `nft add rule inet l2tp postrouting ${of(prefix)} saddr ${prefix} ${of(prefix)} daddr != ${prefix} masquerade`,
    ),
  ];
}

function within<T>(path: string | undefined, work: () => T): T {
  if (path === undefined) return work();
  const namespace = openNamespace({ path });
  try {
    return namespace.run(work);
  } finally {
    namespace.close();
  }
}

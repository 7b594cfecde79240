/** Where the load goes: resolved, and looked at before the first datagram leaves. */
import { lookup } from "node:dns/promises";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import type { SocketAddress } from "@l2tp/protocol";
import { UsageError } from "./errors.ts";

/** Networks that are nobody else's: loopback, private use, link-local, shared, documentation, benchmarking (RFC 2544). */
const OURS = new BlockList();
for (const [network, bits] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
  ["100.64.0.0", 10],
  ["192.0.2.0", 24],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["198.18.0.0", 15],
] as const) {
  OURS.addSubnet(network, bits, "ipv4");
}
OURS.addAddress("::1", "ipv6");
OURS.addSubnet("fc00::", 7, "ipv6");
OURS.addSubnet("fe80::", 10, "ipv6");
OURS.addSubnet("2001:db8::", 32, "ipv6");

/** Whether load may go there without a further word. */
export function isPrivate({ address, family }: SocketAddress): boolean {
  return OURS.check(address.replace(/%.*$/, ""), family === 4 ? "ipv4" : "ipv6");
}

/** `192.0.2.1`, `192.0.2.1:1702`, `lns.example:1702`, `[2001:db8::1]:1702`, `2001:db8::1`. @throws UsageError */
export function splitTarget(text: string): { host: string; port: number } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const plain = isIPv6(text) ? undefined : /^([^:]+)(?::(\d+))?$/.exec(text);
  const [, host, port] = bracketed ?? plain ?? [undefined, isIPv6(text) ? text : undefined, undefined];
  const number = port === undefined ? 1701 : Number(port);
  if (host === undefined || number < 1 || number > 65_535) {
    throw new UsageError(
      `target ${text}: an address or name with or without a port was expected, such as 127.0.0.1:1701`,
    );
  }
  return { host, port: number };
}

/** Finds the target's address. @throws UsageError when there is none. */
export async function resolveTarget(text: string): Promise<SocketAddress> {
  const { host, port } = splitTarget(text);
  const bare = host.replace(/%.*$/, "");
  if (isIPv4(host)) return { family: 4, address: host, port };
  if (isIPv6(bare)) return { family: 6, address: host, port };
  try {
    const { address, family } = await lookup(host);
    return { family: family === 6 ? 6 : 4, address, port };
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    const why = code === "ENOTFOUND" ? "has no address" : `cannot be looked up (${code})`;
    throw new UsageError(`target ${text}: the name ${why}; see getent hosts ${host}`);
  }
}

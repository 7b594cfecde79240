/** A UDP socket of Node's, for control messages. */
import { createSocket, type Socket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { PlaneError, planeError } from "@l2tp/dataplane";
import type { IpAddress, SocketAddress } from "@l2tp/protocol";

/** Room for the bursts of many tunnels that begin at once; the system may give less. */
const BUFFER_OCTETS = 4 << 20;

/** @throws PlaneError when it cannot be bound */
export async function bindUdp(local: SocketAddress): Promise<Socket> {
  const ipv6 = local.family === 6;
  const socket = createSocket({ type: ipv6 ? "udp6" : "udp4", ipv6Only: ipv6, lookup: literal });
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => {
      socket.close();
      reject(planeError(error, `wire on ${local.address}:${local.port}`, BIND_CODES));
    };
    socket.once("error", failed);
    socket.bind({ address: local.address, port: local.port, exclusive: true }, () => {
      socket.off("error", failed);
      resolve();
    });
  });
  // What the system does not grant makes no error worth stopping for.
  for (const grow of [socket.setRecvBufferSize, socket.setSendBufferSize]) {
    try {
      grow.call(socket, BUFFER_OCTETS);
    } catch {}
  }
  return socket;
}

/** Addresses come as text and never as names: nothing is looked up. */
const literal = (
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: number) => void,
): void => done(null, address, address.includes(":") ? 6 : 4);

/** Windows' word for an address that nobody here has, and Node's for a text that is none. */
const BIND_CODES = { EINVAL: "invalid-parameters", WSAEADDRNOTAVAIL: "address-not-local" } as const;

/** `0.0.0.0` and `::`: the system chooses. */
export const isWildcard = (address: IpAddress): boolean => address === "0.0.0.0" || address === "::";

/** @throws PlaneError `address-not-local` when no interface here has the address */
export function assertLocal(address: IpAddress, what: string): void {
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  // All of 127.0.0.0/8 is ours on Linux, whatever the interface says.
  if (isWildcard(address) || /^127\./.test(address) || own.some((one) => one.address === address)) return;
  throw new PlaneError("address-not-local", `${what}: no interface of this host has the address ${address}`);
}

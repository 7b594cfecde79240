/** Socket addresses of L2TP/IP (`linux/l2tp.h`): an IP address and a control connection ID. */
import { abi, encodeSocketAddress } from "@l2tp/linux";
import type { Encapsulation, SocketAddress } from "@l2tp/protocol";

/** `struct sockaddr_l2tpip`: address in network order, ID in host order. */
const L2TPIP = { size: 16, l2tp_addr: 4, l2tp_conn_id: 8 } as const;
/** `struct sockaddr_l2tpip6`. */
const L2TPIP6 = { size: 32, l2tp_flowinfo: 4, l2tp_addr: 8, l2tp_scope_id: 24, l2tp_conn_id: 28 } as const;

/**
 * What bind, connect and sendmsg of a wire's sockets take.
 *
 * @param connectionId - over IP: 0 for what belongs to no tunnel; nothing over UDP.
 * @throws TypeError for a malformed address; `SyscallError` for a scope that is no interface
 */
export function wireAddress(
  encapsulation: Encapsulation,
  { family, address, port }: SocketAddress,
  connectionId: number,
): Uint8Array {
  if (encapsulation === "udp") return encodeSocketAddress({ family, address, port });
  const plain = encodeSocketAddress({ family, address, port: 0 });
  const octets = new Uint8Array(family === 4 ? L2TPIP.size : L2TPIP6.size);
  if (family === 4) {
    octets.set(plain.subarray(0, abi.sockaddr_in.sin_addr + 4));
  } else {
    // The same as sockaddr_in6 up to the scope.
    octets.set(plain);
  }
  new DataView(octets.buffer).setUint32(
    family === 4 ? L2TPIP.l2tp_conn_id : L2TPIP6.l2tp_conn_id,
    connectionId,
    true,
  );
  return octets;
}

/** `0.0.0.0` or `::`, however it is written. */
export const isWildcard = (address: string): boolean => address === "0.0.0.0" || /^[0:]+$/.test(address);

/** For messages: `UDP 192.0.2.1:1701`. */
export function describePlace(
  encapsulation: Encapsulation,
  { family, address, port }: SocketAddress,
): string {
  if (encapsulation === "ip") return `IP protocol 115 on ${address}`;
  return family === 4 ? `UDP ${address}:${port}` : `UDP [${address}]:${port}`;
}

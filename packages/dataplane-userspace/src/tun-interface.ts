/** Opening the TAP and TUN interfaces of sessions. */
import { abi, openTun, type TunInterface } from "@l2tp/linux";

/**
 * Opens an interface with what the step of offloads asks of it, in the calling thread's network namespace.
 * @throws SyscallError
 */
export function openInterface(kind: "tap" | "tun", name: string, vnet: boolean): TunInterface {
  const made = openTun({ kind, name, vnetHeader: vnet, exclusive: true });
  if (vnet) {
    const { TUN_F_CSUM, TUN_F_TSO4, TUN_F_TSO6, TUN_F_TSO_ECN } = abi;
    for (const features of [
      TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN,
      TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6,
      TUN_F_CSUM,
    ]) {
      if (made.setOffload(features)) break;
    }
  }
  return made;
}

/** Opening and closing the TAP and TUN interfaces of sessions. */
import { close } from "node:fs";
import { abi, type Fd, openTun, type TunInterface } from "@l2tp/linux";

/**
 * How many are closed at a time. Each takes the kernel some 20 ms, and Node.js has four threads for all that waits:
 * a thousand interfaces that close must not hold up everybody else's files and look-ups of names.
 */
const CLOSING_AT_ONCE = 2;

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

interface Waiting {
  readonly fd: Fd;
  readonly done: () => void;
}

const waiting: Waiting[] = [];
let closing = 0;

/** Closes a descriptor in another thread, a few at a time; resolves when its interface is gone. */
export function closeInBackground(fd: Fd): Promise<void> {
  return new Promise((done) => {
    waiting.push({ fd, done });
    closeNext();
  });
}

function closeNext(): void {
  if (closing >= CLOSING_AT_ONCE) return;
  const next = waiting.shift();
  if (next === undefined) return;
  closing++;
  close(next.fd, () => {
    closing--;
    next.done();
    closeNext();
  });
}

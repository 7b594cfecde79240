/**
 * The kernel's generic PPP driver: `/dev/ppp` and its ioctls (`linux/ppp-ioctl.h`). A descriptor of the device is
 * fresh, then attached to a channel (one way to carry frames: a PPPoX socket) or to a unit (an interface, pppN).
 */
import { O_NONBLOCK, O_RDWR } from "./abi.ts";
import {
  PPPIOCATTCHAN,
  PPPIOCBRIDGECHAN,
  PPPIOCCONNECT,
  PPPIOCDISCONN,
  PPPIOCGCHAN,
  PPPIOCGUNIT,
  PPPIOCNEWUNIT,
  PPPIOCUNBRIDGECHAN,
} from "./abi-ppp.ts";
import { ioctl, ioctlValue, open } from "./sys.ts";
import type { Fd } from "./syscalls.ts";

const DEVICE = "/dev/ppp";

/**
 * Opens the device, in the calling thread's network namespace; reads and writes answer EAGAIN instead of waiting.
 * @throws {@link SyscallError} ENOENT or ENXIO (module ppp_generic missing), EPERM without CAP_NET_ADMIN.
 */
export function openPpp(): Fd {
  return open(DEVICE, O_RDWR | O_NONBLOCK);
}

function readInt(fd: Fd, request: number, what: string): number {
  const value = new Int32Array(1);
  ioctl(fd, request, value, what);
  return value[0] as number;
}

/**
 * The channel of a connected PPPoX socket (PPPIOCGCHAN); from then on its frames go to the channel and not to `recv`.
 * @throws {@link SyscallError} ENOTCONN when it is not connected.
 */
export const channelIndex = (socket: Fd): number => readInt(socket, PPPIOCGCHAN, "PPPIOCGCHAN");

/**
 * Makes a fresh descriptor of the device that of a channel (PPPIOCATTCHAN). POLLHUP tells that the channel is gone.
 * @throws {@link SyscallError} ENXIO when there is no such channel in the namespace.
 */
export function attachChannel(device: Fd, channel: number): void {
  ioctl(device, PPPIOCATTCHAN, Int32Array.of(channel), `PPPIOCATTCHAN channel ${channel}`);
}

/**
 * Makes a unit, the interface pppN, of a fresh descriptor (PPPIOCNEWUNIT); it goes when the descriptor is closed.
 * @param unit - its number; -1 for any.
 * @returns the number.
 * @throws {@link SyscallError} EEXIST when the number is taken.
 */
export function newUnit(device: Fd, unit = -1): number {
  const value = Int32Array.of(unit);
  ioctl(device, PPPIOCNEWUNIT, value, unit < 0 ? "PPPIOCNEWUNIT" : `PPPIOCNEWUNIT ppp${unit}`);
  return value[0] as number;
}

/** The number of a unit by its descriptor (PPPIOCGUNIT): N of pppN, also after the interface was renamed. */
export const unitNumber = (device: Fd): number => readInt(device, PPPIOCGUNIT, "PPPIOCGUNIT");

/** Lets a channel carry the frames of a unit (PPPIOCCONNECT), on the channel's descriptor. */
export function connectChannel(device: Fd, unit: number): void {
  ioctl(device, PPPIOCCONNECT, Int32Array.of(unit), `PPPIOCCONNECT ppp${unit}`);
}

/** Takes a channel from its unit (PPPIOCDISCONN). */
export function disconnectChannel(device: Fd): void {
  ioctlValue(device, PPPIOCDISCONN, 0, "PPPIOCDISCONN");
}

/**
 * Joins two channels, so that the frames of each go out at the other (PPPIOCBRIDGECHAN, Linux 5.11).
 * @throws {@link SyscallError} ENOTTY on an older kernel, EALREADY when one is bridged or connected to a unit.
 */
export function bridgeChannels(device: Fd, other: number): void {
  ioctl(device, PPPIOCBRIDGECHAN, Int32Array.of(other), `PPPIOCBRIDGECHAN channel ${other}`);
}

/** Parts what {@link bridgeChannels} joined (PPPIOCUNBRIDGECHAN). */
export function unbridgeChannel(device: Fd): void {
  ioctlValue(device, PPPIOCUNBRIDGECHAN, 0, "PPPIOCUNBRIDGECHAN");
}

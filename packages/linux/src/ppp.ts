/**
 * The kernel's generic PPP driver: `/dev/ppp` and its ioctls (`linux/ppp-ioctl.h`). A descriptor of the device is
 * fresh, then attached to a channel (one way to carry frames: a PPPoX socket) or to a unit (an interface, pppN).
 */
import { O_NONBLOCK, O_RDWR, sock_filter, sock_fprog } from "./abi.ts";
import {
  CI_MPPE,
  CILEN_MPPE,
  IFLA_PPP_DEV_FD,
  NPMODE_DROP,
  NPMODE_PASS,
  npioctl,
  PPPIOCATTCHAN,
  PPPIOCBRIDGECHAN,
  PPPIOCCONNECT,
  PPPIOCDISCONN,
  PPPIOCGCHAN,
  PPPIOCGIDLE,
  PPPIOCGUNIT,
  PPPIOCSCOMPRESS,
  PPPIOCSFLAGS,
  PPPIOCSMRU,
  PPPIOCSNPMODE,
  PPPIOCSPASS,
  PPPIOCUNBRIDGECHAN,
  ppp_idle,
  ppp_option_data,
} from "./abi-ppp.ts";
import { encodeAttributes, s32 } from "./netlink-attributes.ts";
import { Reactor } from "./reactor.ts";
import { ioctl, ioctlValue, open } from "./sys.ts";
import { addressOf, type Fd } from "./syscalls.ts";

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

// ── What waits for the kernel's locks: made in the reactor's thread for such calls ──────────────────────────────

/** Octets that the thread can see. */
const shared = (octets: number): Uint8Array => new Uint8Array(new SharedArrayBuffer(octets));

function sharedInt(value: number): Uint8Array {
  const octets = shared(4);
  new DataView(octets.buffer).setInt32(0, value, true);
  return octets;
}

/**
 * What an interface of kind `ppp` is made of through rtnetlink (IFLA_INFO_DATA of `link.add`): a fresh descriptor of the
 * device, in the namespace of the request, which then is that of the unit. The kernel answers EBUSY while it makes another.
 */
export const unitData = (device: Fd): Uint8Array =>
  encodeAttributes({ DEV_FD: [IFLA_PPP_DEV_FD, s32] }, { DEV_FD: device });

/**
 * {@link attachChannel}, in the reactor's thread and in a network namespace: the kernel looks for the channel in that of
 * the calling thread.
 * @throws {@link SyscallError} by rejection
 */
export async function attachChannelLater(
  device: Fd,
  channel: number,
  namespace: Fd | undefined,
): Promise<void> {
  const what = `PPPIOCATTCHAN channel ${channel}`;
  await Reactor.shared().ioctl(device, PPPIOCATTCHAN, sharedInt(channel), what, namespace);
}

/** {@link connectChannel}, in the reactor's thread. @throws {@link SyscallError} by rejection */
export async function connectChannelLater(device: Fd, unit: number): Promise<void> {
  const what = `PPPIOCCONNECT ppp${unit}`;
  await Reactor.shared().ioctl(device, PPPIOCCONNECT, sharedInt(unit), what);
}

/** {@link disconnectChannel}, in the reactor's thread. @throws {@link SyscallError} by rejection */
export async function disconnectChannelLater(device: Fd): Promise<void> {
  await Reactor.shared().ioctl(device, PPPIOCDISCONN, null, "PPPIOCDISCONN");
}

/**
 * {@link bridgeChannels}, in the reactor's thread and in a network namespace: the kernel looks for the other channel in that
 * of the calling thread.
 * @throws {@link SyscallError} by rejection
 */
export async function bridgeChannelsLater(
  device: Fd,
  other: number,
  namespace: Fd | undefined,
): Promise<void> {
  const what = `PPPIOCBRIDGECHAN channel ${other}`;
  await Reactor.shared().ioctl(device, PPPIOCBRIDGECHAN, sharedInt(other), what, namespace);
}

/** {@link unbridgeChannel}, in the reactor's thread. @throws {@link SyscallError} by rejection */
export async function unbridgeChannelLater(device: Fd): Promise<void> {
  await Reactor.shared().ioctl(device, PPPIOCUNBRIDGECHAN, null, "PPPIOCUNBRIDGECHAN");
}

/** The number of a unit by its descriptor, as {@link unitNumber}. @throws {@link SyscallError} by rejection */
export async function unitNumberLater(device: Fd): Promise<number> {
  const value = sharedInt(-1);
  await Reactor.shared().ioctl(device, PPPIOCGUNIT, value, "PPPIOCGUNIT");
  return new DataView(value.buffer).getInt32(0, true);
}

/**
 * Lets the packets of a protocol pass through a unit in both directions, or drops them (PPPIOCSNPMODE).
 * @param protocol - 0x0021 IPv4, 0x0057 IPv6.
 * @throws {@link SyscallError} by rejection
 */
export async function setNetworkMode(device: Fd, protocol: number, mode: "pass" | "drop"): Promise<void> {
  const argument = shared(npioctl.size);
  const view = new DataView(argument.buffer);
  view.setInt32(npioctl.protocol, protocol, true);
  view.setInt32(npioctl.mode, mode === "pass" ? NPMODE_PASS : NPMODE_DROP, true);
  await Reactor.shared().ioctl(device, PPPIOCSNPMODE, argument, "PPPIOCSNPMODE");
}

/** Octets of a packet that a unit takes (PPPIOCSMRU). @throws {@link SyscallError} by rejection */
export async function setMru(device: Fd, octets: number): Promise<void> {
  await Reactor.shared().ioctl(device, PPPIOCSMRU, sharedInt(octets), "PPPIOCSMRU");
}

/** Sets the flags of a unit (PPPIOCSFLAGS), `pppabi.SC_*`. @throws {@link SyscallError} by rejection */
export async function setFlags(device: Fd, flags: number): Promise<void> {
  await Reactor.shared().ioctl(device, PPPIOCSFLAGS, sharedInt(flags), "PPPIOCSFLAGS");
}

/** Seconds since a unit last received a packet of a network protocol (PPPIOCGIDLE). @throws {@link SyscallError} by rejection */
export async function secondsSinceReceived(device: Fd): Promise<number> {
  const argument = shared(ppp_idle.size);
  await Reactor.shared().ioctl(device, PPPIOCGIDLE, argument, "PPPIOCGIDLE");
  return Number(new DataView(argument.buffer).getBigInt64(ppp_idle.recv_idle, true));
}

/**
 * Filters the packets of a unit (PPPIOCSPASS): those for which the program returns 0 are dropped. It sees four octets
 * before the packet: 1 for one that is sent or 0 for one received, another octet, and the protocol in two.
 * @param program - of `assembleBpf`; empty: no filter.
 * @throws {@link SyscallError} by rejection: EINVAL or ENOTTY without CONFIG_PPP_FILTER.
 */
export async function setFilter(device: Fd, program: Uint8Array): Promise<void> {
  const argument = shared(sock_fprog.size + program.length);
  argument.set(program, sock_fprog.size);
  const view = new DataView(argument.buffer);
  view.setUint16(sock_fprog.len, program.length / sock_filter.size, true);
  const address = program.length === 0 ? 0 : addressOf(argument) + sock_fprog.size;
  view.setBigUint64(sock_fprog.filter, BigInt(address), true);
  await Reactor.shared().ioctl(device, PPPIOCSPASS, argument, "PPPIOCSPASS");
}

/** Start key of MPPE for one direction, with the agreed option (RFC 3078 §2). */
export interface MppeState {
  /** Supported bits and mode, as CCP agreed on. */
  readonly option: number;
  /** 8 or 16 octets. */
  readonly startKey: Uint8Array;
}

/** struct ppp_mppe: the option is followed by a key of this length. */
const MPPE_KEY = 16;

/**
 * Gives a unit the means to encrypt what it sends, or to decrypt what it receives (PPPIOCSCOMPRESS, module `ppp_mppe`). It
 * begins to when a CCP Configure-Ack passes the unit while SC_CCP_OPEN is set.
 * @throws {@link SyscallError} by rejection: EINVAL without the module, or for a strength that it does not have (56 bits).
 */
export async function setMppe(device: Fd, direction: "send" | "receive", state: MppeState): Promise<void> {
  const length = CILEN_MPPE + MPPE_KEY;
  const argument = shared(ppp_option_data.size + length);
  const view = new DataView(argument.buffer);
  const at = ppp_option_data.size;
  view.setBigUint64(ppp_option_data.ptr, BigInt(addressOf(argument) + at), true);
  view.setUint32(ppp_option_data.length, length, true);
  view.setInt32(ppp_option_data.transmit, direction === "send" ? 1 : 0, true);
  view.setUint8(at, CI_MPPE);
  view.setUint8(at + 1, CILEN_MPPE);
  view.setUint32(at + 2, state.option, false);
  argument.set(state.startKey.subarray(0, MPPE_KEY), at + CILEN_MPPE);
  try {
    await Reactor.shared().ioctl(device, PPPIOCSCOMPRESS, argument, "PPPIOCSCOMPRESS MPPE");
  } finally {
    argument.fill(0);
  }
}

/**
 * MPPE in the kernel (module `ppp_mppe`). The kernel begins to encrypt and to decrypt when it sees a CCP Configure-Ack pass
 * the unit, in that direction, with the keys there already; pppd gives them in time, as it speaks CCP itself. Whoever runs a
 * `PppLink` says them when CCP is up. So the two Acks pass once more, and only the kernel sees them: for that moment a
 * pseudo-terminal, with the kernel's line discipline for synchronous PPP, takes the place of the session's channel. What is
 * written to the unit then goes there, and what we write there comes in. (With no channel at all the unit reads as ended.)
 */
import { type MppeDirection, PlaneError } from "@l2tp/dataplane";
import { type Fd, openPty, ppp, pppabi, Reactor, sys, ttyabi } from "@l2tp/linux";
import type { PppHost } from "./host.ts";
import type { Unit } from "./unit.ts";

/** Supported bits of the option (RFC 3078 §2.1); the kernel has no 56 bits. */
const STRENGTH = { 128: 0x40, 40: 0x20 } as const;
const STATELESS = 0x0100_0000;

const CCP = 0x80fd;
const CONFIGURE_ACK = 2;
/** RFC 3078 §2: the option alone. */
const ACK_OCTETS = 4 + pppabi.CILEN_MPPE;

/** Both directions, as CCP agreed on them. */
export interface MppeModes {
  readonly send: MppeDirection;
  readonly receive: MppeDirection;
}

/** What the kernel's PPP is to be told of a direction. @throws PlaneError `unsupported`, `invalid-parameters` */
function stateOf(what: string, { bits, stateless, startKey }: MppeDirection): ppp.MppeState {
  if (bits === 56) {
    throw new PlaneError(
      "unsupported",
      `${what}: the kernel's MPPE has 40 and 128 bits, and no 56: leave them out of what is offered`,
    );
  }
  const octets = bits === 128 ? 16 : 8;
  if (startKey.length < octets) {
    const text = `${what}: a start key of MPPE for ${bits} bits has ${octets} octets, this one ${startKey.length}`;
    throw new PlaneError("invalid-parameters", text);
  }
  const key = new Uint8Array(16);
  key.set(startKey.subarray(0, octets));
  return { option: STRENGTH[bits] | (stateless ? STATELESS : 0), startKey: key };
}

/** A Configure-Ack with MPPE's option, protocol field first. */
function configureAck(identifier: number, option: number): Uint8Array {
  const frame = new Uint8Array(2 + ACK_OCTETS);
  const view = new DataView(frame.buffer);
  view.setUint16(0, CCP);
  frame.set([CONFIGURE_ACK, identifier, 0, ACK_OCTETS, pppabi.CI_MPPE, pppabi.CILEN_MPPE], 2);
  view.setUint32(8, option);
  return frame;
}

/** The unit's end of it. */
export interface MppeUnit {
  readonly unit: Unit;
  /** Writes a frame to the unit. */
  write(frame: Uint8Array): void;
  /** Takes this frame from those that come, when it comes; rejected when it does not. */
  swallow(frame: Uint8Array): Promise<void>;
  /** Takes the session's channel from the unit, and gives it back. */
  disconnect(): Promise<void>;
  connect(): Promise<void>;
}

/**
 * Begins to encrypt and decrypt, or begins anew with other keys.
 * @throws PlaneError `unsupported`, `module-missing`; SyscallError
 */
export async function startMppe(host: PppHost, at: MppeUnit, modes: MppeModes): Promise<void> {
  const { what } = host;
  const [send, receive] = [stateOf(what, modes.send), stateOf(what, modes.receive)];
  const { fd } = at.unit;
  // What was agreed before ends.
  await ppp.setFlags(fd, 0);
  try {
    await ppp.setMppe(fd, "send", send);
    await ppp.setMppe(fd, "receive", receive);
  } catch (cause) {
    throw new PlaneError(
      "module-missing",
      `${what}: this kernel has no MPPE: load it with "modprobe ppp_mppe" (CONFIG_PPP_MPPE=m)`,
      { cause },
    );
  }
  await ppp.setFlags(fd, pppabi.SC_CCP_OPEN);
  await passAcks(host, at, configureAck(0, send.option), configureAck(0, receive.option));
  // From here on the kernel takes part in resets, and sends nothing in the clear.
  await ppp.setFlags(fd, pppabi.SC_CCP_OPEN | pppabi.SC_CCP_UP | pppabi.SC_MUST_COMP);
}

/** Ends it. @throws SyscallError */
export const stopMppe = ({ fd }: Unit): Promise<void> => ppp.setFlags(fd, 0);

/** Lets one frame go out, and another come in, and neither reach or come from the peer. @throws PlaneError `unsupported` */
async function passAcks(host: PppHost, at: MppeUnit, out: Uint8Array, into: Uint8Array): Promise<void> {
  const reactor = Reactor.shared();
  const { namespace } = host.kernel;
  const { master, slave } = openPty();
  let channel: Fd | undefined;
  try {
    const discipline = new Uint8Array(new SharedArrayBuffer(4));
    discipline[0] = ttyabi.N_SYNC_PPP;
    // The channel is of the namespace in which the discipline is set.
    await reactor.ioctl(slave, ttyabi.TIOCSETD, discipline, "TIOCSETD N_SYNC_PPP", namespace);
    const index = ppp.channelIndex(slave);
    channel = host.kernel.inNamespace(() => ppp.openPpp());
    await ppp.attachChannelLater(channel, index, namespace);
    await ppp.connectChannelLater(channel, await ppp.unitNumberLater(at.unit.fd));
    await at.disconnect();
    try {
      at.write(out);
      const swallowed = at.swallow(into);
      sys.write(master, Uint8Array.of(0xff, 0x03, ...into), "pseudo-terminal");
      await swallowed;
    } finally {
      await at.connect();
    }
  } catch (cause) {
    throw new PlaneError(
      "unsupported",
      `${host.what}: MPPE cannot begin: ${(cause as Error).message}; the kernel needs synchronous PPP on terminals for it ` +
        '("modprobe ppp_synctty", CONFIG_PPP_SYNC_TTY=m)',
      { cause },
    );
  } finally {
    if (channel !== undefined) sys.close(channel);
    await reactor.closeLater(slave).catch(() => {});
    sys.close(master);
  }
}

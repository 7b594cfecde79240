/**
 * Pseudowire `pppac`: a PPPoE session (RFC 2516) joined to an L2TP session in the kernel, as an access concentrator does.
 * Each end is a PPP channel; the kernel passes the frames of each to the other, and no PPP is spoken here.
 */
import { readFileSync } from "node:fs";
import { PlaneError, type PppoeLink, type SessionPlaneParameters } from "@l2tp/dataplane";
import {
  abi,
  ERRNO,
  encodePppoxAddress,
  type Fd,
  ppp,
  pppabi,
  Reactor,
  type Registration,
  SyscallError,
  sys,
} from "@l2tp/linux";
import { isErrno, kernelError } from "../failure.ts";
import type { KernelSession } from "../session-kind.ts";
import type { PppHost } from "./host.ts";
import { KernelPppSession } from "./kernel-session.ts";

/** Two sockets and, to be told of their ends, a descriptor of `/dev/ppp` for each. */
const DESCRIPTORS = 4;
/** RFC 2516 §4: 0xffff is reserved; 0 is discovery. */
const LARGEST_PPPOE_SESSION = 0xfffe;
/** `chan->ops`: what an old kernel says of a request that it does not know. */
const UNKNOWN_REQUEST = ["ENOTTY", "EINVAL"];

/** Checks what is asked for before anything is opened. @throws PlaneError `invalid-parameters` */
export function checkPppoe(what: string, { pppoe, interface: wanted }: SessionPlaneParameters): PppoeLink {
  const invalid = (text: string) => new PlaneError("invalid-parameters", `${what}: ${text}`);
  if (pppoe === undefined) throw invalid('pseudowire "pppac" joins a PPPoE session: say which (pppoe)');
  const { sessionId, device } = pppoe;
  if (!Number.isInteger(sessionId) || sessionId < 1 || sessionId > LARGEST_PPPOE_SESSION) {
    throw invalid(`PPPoE session ID ${sessionId}: it is 1 to ${LARGEST_PPPOE_SESSION} (RFC 2516 §4)`);
  }
  if (Number.parseInt(pppoe.peerMac.slice(0, 2), 16) & 1) {
    throw invalid(`PPPoE peer ${pppoe.peerMac}: the address of a group, not of a host`);
  }
  if (
    wanted?.bridge !== undefined ||
    wanted?.macAddress !== undefined ||
    (wanted?.addresses?.length ?? 0) > 0
  ) {
    throw invalid(`a "pppac" session has no interface of its own: ${device} stays as it is`);
  }
  return pppoe;
}

/** Why the kernel refuses a PPPoE session, by error name. @throws PlaneError always */
function refusePppoe(error: unknown, what: string, { device, sessionId, peerMac }: PppoeLink): never {
  const which = `PPPoE session ${sessionId} of ${peerMac} on ${device}`;
  const fail = (code: "invalid-parameters" | "id-in-use" | "module-missing", text: string): never => {
    throw new PlaneError(code, `${what}: ${which}: ${text}`, { cause: error });
  };
  if (isErrno(error, "EAFNOSUPPORT", "EPROTONOSUPPORT")) {
    fail("module-missing", 'this kernel lacks pppoe: load it with "modprobe pppoe" (CONFIG_PPPOE=m)');
  }
  if (isErrno(error, "ENODEV")) fail("invalid-parameters", `there is no interface ${device} here`);
  if (isErrno(error, "ENETDOWN")) fail("invalid-parameters", `${device} is down: "ip link set ${device} up"`);
  if (isErrno(error, "EALREADY", "EBUSY")) {
    fail("id-in-use", "another program has this PPPoE session; /proc/net/pppoe lists them");
  }
  if (error instanceof TypeError || error instanceof RangeError) fail("invalid-parameters", error.message);
  throw kernelError(error, `${what}: ${which}`);
}

/**
 * Whether another socket of the namespace has the PPPoE session. Asked before `connect`, which would refuse it as well:
 * but when the socket that was refused is closed, the kernel takes the entry of the one that has the session out of its
 * table (`pppoe_release`, seen on 6.1), and that one hears nothing more.
 */
export function isTaken({ sessionId, peerMac, device }: PppoeLink, table = readTable()): boolean {
  // The ID is printed as the kernel holds it: in network order, read on a little-endian machine.
  const id = (((sessionId & 0xff) << 8) | (sessionId >> 8)).toString(16).padStart(8, "0");
  const wanted = `${id} ${peerMac} ${device}`.toLowerCase();
  return table.split("\n").some((line) => line.trim().split(/\s+/).join(" ").toLowerCase() === wanted);
}

/** The kernel's table of PPPoE sessions in the calling thread's namespace; empty without the module. */
function readTable(): string {
  try {
    return readFileSync("/proc/thread-self/net/pppoe", "utf8");
  } catch {
    return "";
  }
}

/** A PPPoE socket connected to its session. Synchronous, in the calling thread's network namespace. */
function connectPppoe(what: string, link: PppoeLink): Fd {
  const { sessionId, peerMac, device } = link;
  let fd: Fd | undefined;
  try {
    const address = encodePppoxAddress({ family: "pppoe", sessionId, peerMac, device });
    if (isTaken(link)) throw new SyscallError("connect", ERRNO["EALREADY"] as number, "PPPoE");
    fd = sys.socket(pppabi.AF_PPPOX, abi.SOCK_STREAM | abi.SOCK_NONBLOCK, pppabi.PX_PROTO_OE, "PPPoE");
    sys.connect(fd, address, "PPPoE");
    return fd;
  } catch (error) {
    if (fd !== undefined) sys.close(fd);
    return refusePppoe(error, what, link);
  }
}

/** A descriptor of `/dev/ppp` on the channel of a socket: it hangs up when the channel goes. */
interface Channel {
  readonly index: number;
  readonly fd: Fd;
}

function openChannel(socket: Fd): Channel {
  const index = ppp.channelIndex(socket);
  const fd = ppp.openPpp();
  try {
    ppp.attachChannel(fd, index);
    return { index, fd };
  } catch (error) {
    sys.close(fd);
    throw error;
  }
}

/** Opens what is needed, in order; what was opened is closed again when a step fails. */
function join(
  host: PppHost,
  l2tp: Fd,
  link: PppoeLink,
): { pppoe: Fd; channels: readonly [Channel, Channel] } {
  const opened: Fd[] = [];
  const keep = <T extends Fd | Channel>(one: T): T => {
    opened.push(typeof one === "number" ? one : one.fd);
    return one;
  };
  try {
    const pppoe = keep(connectPppoe(host.what, link));
    const channels = [keep(openChannel(l2tp)), keep(openChannel(pppoe))] as const;
    ppp.bridgeChannels(channels[0].fd, channels[1].index);
    return { pppoe, channels };
  } catch (error) {
    for (const fd of opened.reverse()) sys.close(fd);
    if (
      error instanceof SyscallError &&
      error.what?.startsWith("PPPIOCBRIDGECHAN") &&
      UNKNOWN_REQUEST.includes(error.code)
    ) {
      const text = `${host.what}: this kernel cannot bridge PPP channels: pseudowire "pppac" needs Linux 5.11 or newer`;
      throw new PlaneError("unsupported", text, { cause: error });
    }
    throw error;
  }
}

/**
 * Makes the L2TP session, connects to the PPPoE session and joins them. On failure nothing is left.
 * @throws PlaneError `invalid-parameters`, `id-in-use`, `module-missing`, `unsupported` (old kernel), `limit`
 */
export async function createPppacSession(
  host: PppHost,
  parameters: SessionPlaneParameters,
): Promise<KernelSession> {
  const { what, kernel, descriptors } = host;
  const link = checkPppoe(what, parameters);
  descriptors.take(DESCRIPTORS, what);
  let kernelSession: KernelPppSession | undefined;
  try {
    const made = await KernelPppSession.create(host, parameters);
    kernelSession = made;
    const joined = kernel.inNamespace(() => join(host, made.socket.fd, link));
    return new PppacSession(host, made, link, joined);
  } catch (error) {
    await kernelSession?.remove();
    descriptors.release(DESCRIPTORS);
    throw kernelError(error, what);
  }
}

class PppacSession implements KernelSession {
  readonly #host: PppHost;
  readonly #kernelSession: KernelPppSession;
  readonly #pppoe: Fd;
  readonly #channels: readonly Channel[];
  readonly #watches: readonly Registration[];
  #told = false;
  #removing: Promise<void> | undefined;

  constructor(
    host: PppHost,
    kernelSession: KernelPppSession,
    { device, sessionId }: PppoeLink,
    joined: { readonly pppoe: Fd; readonly channels: readonly [Channel, Channel] },
  ) {
    this.#host = host;
    this.#kernelSession = kernelSession;
    this.#pppoe = joined.pppoe;
    this.#channels = joined.channels;
    const [l2tp, pppoe] = joined.channels;
    this.#watches = [
      this.#watch(l2tp, "the L2TP session's PPP channel is gone"),
      this.#watch(
        pppoe,
        `PPPoE session ${sessionId} has ended: its peer said so (PADT), or ${device} is down or gone`,
      ),
    ];
  }

  /** Nothing is to be read of a bridged channel, but that it hangs up. */
  #watch({ fd }: Channel, reason: string): Registration {
    return Reactor.shared().watch(
      fd,
      (events) => {
        if ((events & abi.EPOLLHUP) !== 0) this.#lost(reason);
      },
      { events: 0, mode: "oneshot", ref: false },
    );
  }

  #lost(reason: string): void {
    if (this.#told) return;
    this.#told = true;
    // In a turn of its own: whoever asked for the session has it by then.
    setImmediate(() => this.#host.lost(reason));
  }

  get interfaceName(): undefined {
    return undefined;
  }

  get interfaceIndex(): undefined {
    return undefined;
  }

  /** The ends agree on an MTU by themselves: frames pass through here as they are. */
  setMtu(): Promise<void> {
    return Promise.resolve();
  }

  remove(): Promise<void> {
    this.#removing ??= (async () => {
      this.#told = true;
      for (const watch of this.#watches) watch.close();
      // The kernel parts the channels when the first of them goes.
      for (const { fd } of this.#channels) sys.close(fd);
      sys.close(this.#pppoe);
      await this.#kernelSession.remove();
      this.#host.descriptors.release(DESCRIPTORS);
    })();
    return this.#removing;
  }
}

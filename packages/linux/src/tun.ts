/**
 * TUN and TAP interfaces (`Documentation/networking/tuntap.rst`): frames written to the descriptor are received by the interface,
 * and frames sent through the interface are read from the descriptor, one per call.
 *
 * With `vnetHeader`, each packet begins with a `struct virtio_net_hdr` (10 octets unless
 * {@link TunInterface.setVnetHeaderSize}), which tells what is left to do: a checksum, the cutting into segments.
 */
import {
  IFF_ATTACH_QUEUE,
  IFF_DETACH_QUEUE,
  IFF_MULTI_QUEUE,
  IFF_NAPI,
  IFF_NO_PI,
  IFF_PERSIST,
  IFF_TAP,
  IFF_TUN,
  IFF_TUN_EXCL,
  IFF_VNET_HDR,
  ifreq,
  O_NONBLOCK,
  O_RDWR,
  TUNGETFEATURES,
  TUNGETIFF,
  TUNGETVNETHDRSZ,
  TUNSETCARRIER,
  TUNSETGROUP,
  TUNSETIFF,
  TUNSETOFFLOAD,
  TUNSETOWNER,
  TUNSETPERSIST,
  TUNSETQUEUE,
  TUNSETSNDBUF,
  TUNSETVNETHDRSZ,
} from "./abi.ts";
import { ClosedError, SyscallError } from "./errors.ts";
import { ifreqOf, nameInIfreq } from "./sockaddr.ts";
import { close, ioctl, ioctlValue, open } from "./sys.ts";
import { type Fd, raw } from "./syscalls.ts";

/** What kind of interface to open or attach to. */
export interface TunOptions {
  /** `tap`: Ethernet frames; `tun`: IP packets. */
  readonly kind: "tap" | "tun";
  /** At most 15 octets; `%d` becomes the first free number. Default `tap%d` or `tun%d`. */
  readonly name?: string;
  /** Packets begin with a `struct virtio_net_hdr`. Default false. */
  readonly vnetHeader?: boolean;
  /** Several descriptors of one interface (open again with the same name); every one must say so. Default false. */
  readonly multiQueue?: boolean;
  /** Fail with EBUSY when the interface exists already. Default false: attach to a persistent one. */
  readonly exclusive?: boolean;
  /** Received frames go through NAPI (and its GRO). Default false. */
  readonly napi?: boolean;
  /** The descriptor answers EAGAIN instead of waiting. Default true. */
  readonly nonBlocking?: boolean;
}

const DEVICE = "/dev/net/tun";

/**
 * Makes a TUN/TAP interface, or attaches to a persistent one, in the calling thread's network namespace. It is
 * down, without addresses, and goes away when its last descriptor is closed, unless made persistent.
 *
 * @throws {@link SyscallError} with the remedy: ENOENT (module `tun` missing), EACCES (device node), EPERM
 * (CAP_NET_ADMIN), EBUSY (the name is in use), EINVAL (the interface is of another kind).
 * @throws {@link UnsupportedError} off Linux. @throws TypeError for an impossible name.
 */
export function openTun(options: TunOptions): TunInterface {
  const name = options.name ?? `${options.kind}%d`;
  const request = ifreqOf(name);
  const flags =
    (options.kind === "tap" ? IFF_TAP : IFF_TUN) |
    IFF_NO_PI |
    (options.vnetHeader ? IFF_VNET_HDR : 0) |
    (options.multiQueue ? IFF_MULTI_QUEUE : 0) |
    (options.exclusive ? IFF_TUN_EXCL : 0) |
    (options.napi ? IFF_NAPI : 0);
  new DataView(request.buffer).setUint16(ifreq.ifr_flags, flags, true);
  const fd = open(DEVICE, O_RDWR | (options.nonBlocking === false ? 0 : O_NONBLOCK));
  try {
    ioctl(fd, TUNSETIFF, request, `TUNSETIFF ${name}`);
  } catch (error) {
    close(fd);
    throw error;
  }
  return new TunInterface(fd, nameInIfreq(request));
}

/** The flags that this kernel's driver knows (IFF_*, TUNGETFEATURES); needs the device node and no privilege. */
export function tunFeatures(): number {
  const fd = open(DEVICE, O_RDWR);
  try {
    const features = new Uint32Array(1);
    ioctl(fd, TUNGETFEATURES, features, "TUNGETFEATURES");
    return features[0] as number;
  } finally {
    close(fd);
  }
}

/** One descriptor of a TUN or TAP interface. Reading and writing is by {@link raw} on `fd`. */
export class TunInterface implements Disposable {
  /** The interface's name as the kernel has chosen it; a later renaming is told by {@link currentName}. */
  readonly name: string;
  readonly #fd: Fd;
  #open = true;

  /** @param fd - owned from here on. Applications call {@link openTun}. */
  constructor(fd: Fd, name: string) {
    this.#fd = fd;
    this.name = name;
  }

  /** @throws {@link ClosedError} */
  get fd(): Fd {
    if (!this.#open) throw new ClosedError(`the TUN/TAP interface ${this.name} is closed`);
    return this.#fd;
  }

  /** The interface's name now (TUNGETIFF): someone may have renamed it. */
  currentName(): string {
    return nameInIfreq(this.#getIfreq());
  }

  /** The IFF_* flags of this descriptor (TUNGETIFF), IFF_PERSIST among them. */
  flags(): number {
    return new DataView(this.#getIfreq().buffer).getUint16(ifreq.ifr_flags, true);
  }

  #getIfreq(): Uint8Array {
    const request = new Uint8Array(ifreq.size);
    ioctl(this.fd, TUNGETIFF, request, `TUNGETIFF ${this.name}`);
    return request;
  }

  /**
   * What the reader of this descriptor can do, TUN_F_*: with TSO the kernel hands up to 64 KB at once.
   * @returns whether the kernel took it; false for a flag that it does not know (TUN_F_USO4 before 6.2).
   * @throws {@link SyscallError} for any failure other than EINVAL.
   */
  setOffload(features: number): boolean {
    const result = raw().ioctlValue(this.fd, TUNSETOFFLOAD, features);
    if (result >= 0) return true;
    const error = new SyscallError("ioctl", -result, `TUNSETOFFLOAD ${this.name}`);
    if (error.code === "EINVAL") return false;
    throw error;
  }

  /** The header before each packet, in octets: 10, or 12 to have `num_buffers` as well. */
  setVnetHeaderSize(octets: number): void {
    ioctl(this.fd, TUNSETVNETHDRSZ, Int32Array.of(octets), `TUNSETVNETHDRSZ ${this.name}`);
  }

  /** The header before each packet, in octets. */
  vnetHeaderSize(): number {
    const octets = new Int32Array(1);
    ioctl(this.fd, TUNGETVNETHDRSZ, octets, `TUNGETVNETHDRSZ ${this.name}`);
    return octets[0] as number;
  }

  /** Whether the interface stays when its last descriptor is closed. */
  setPersistent(persistent: boolean): void {
    ioctlValue(this.fd, TUNSETPERSIST, persistent ? 1 : 0, `TUNSETPERSIST ${this.name}`);
  }

  /** Whether the interface stays when its last descriptor is closed. */
  isPersistent(): boolean {
    return (this.flags() & IFF_PERSIST) !== 0;
  }

  /** The cable in or out: NO-CARRIER is how an interface says that its other end is gone (Linux 5.0). */
  setCarrier(up: boolean): void {
    ioctl(this.fd, TUNSETCARRIER, Int32Array.of(up ? 1 : 0), `TUNSETCARRIER ${this.name}`);
  }

  /** How many octets of frames written may wait in the kernel. */
  setSendBuffer(octets: number): void {
    ioctl(this.fd, TUNSETSNDBUF, Int32Array.of(octets), `TUNSETSNDBUF ${this.name}`);
  }

  /** Who may attach to a persistent interface without a capability. */
  setOwner(owner: { readonly uid?: number; readonly gid?: number }): void {
    if (owner.uid !== undefined) ioctlValue(this.fd, TUNSETOWNER, owner.uid, `TUNSETOWNER ${this.name}`);
    if (owner.gid !== undefined) ioctlValue(this.fd, TUNSETGROUP, owner.gid, `TUNSETGROUP ${this.name}`);
  }

  /** Takes this queue of a multi-queue interface out of use, or into it again. */
  setQueueAttached(attached: boolean): void {
    const request = new Uint8Array(ifreq.size);
    new DataView(request.buffer).setUint16(
      ifreq.ifr_flags,
      attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE,
      true,
    );
    ioctl(this.fd, TUNSETQUEUE, request, `TUNSETQUEUE ${this.name}`);
  }

  /** Closes the descriptor; unless it is persistent, the interface goes with its last one. Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

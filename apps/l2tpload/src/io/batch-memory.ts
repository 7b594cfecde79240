/** The memory that recvmmsg and sendmmsg work on: laid out once, so that nothing is allocated or converted per datagram. */
import { abi, addressOf } from "@l2tp/linux";

/** Datagrams of one system call. */
export const BATCH = 64;
/** Room for one: PPP of 1500 octets and all headers; what is longer is cut, and then malformed. */
export const ROOM = 2_048;
/** `sockaddr_in6`, and `sockaddr_in`. */
const NAME = 28;

/** {@link BATCH} datagrams with their addresses, one way. */
export class BatchMemory {
  readonly headers = new Uint8Array(BATCH * abi.mmsghdr.size);
  readonly payload = new Uint8Array(BATCH * ROOM);
  readonly names = new Uint8Array(BATCH * NAME);
  readonly #iov = new DataView(new ArrayBuffer(BATCH * abi.iovec.size));
  readonly #view = new DataView(this.headers.buffer);
  readonly #iovOctets = new Uint8Array(this.#iov.buffer);
  /** How long each iovec says it is. */
  readonly #lengths = new Float64Array(BATCH);

  constructor() {
    const { msghdr, mmsghdr, iovec } = abi;
    const [payload, names, iov] = [this.payload, this.names, this.#iovOctets].map((view) => addressOf(view));
    for (let n = 0; n < BATCH; n++) {
      const header = n * mmsghdr.size + mmsghdr.msg_hdr;
      this.#iov.setBigUint64(n * iovec.size + iovec.iov_base, BigInt((payload as number) + n * ROOM), true);
      this.#view.setBigUint64(header + msghdr.msg_name, BigInt((names as number) + n * NAME), true);
      this.#view.setBigUint64(header + msghdr.msg_iov, BigInt((iov as number) + n * iovec.size), true);
      this.#view.setBigUint64(header + msghdr.msg_iovlen, 1n, true);
      this.#length(n, ROOM);
      this.#nameLength(n, NAME);
    }
  }

  #length(n: number, octets: number): void {
    if (this.#lengths[n] === octets) return;
    this.#lengths[n] = octets;
    this.#iov.setBigUint64(n * abi.iovec.size + abi.iovec.iov_len, BigInt(octets), true);
  }

  #nameLength(n: number, octets: number): void {
    this.#view.setUint32(n * abi.mmsghdr.size + abi.msghdr.msg_namelen, octets, true);
  }

  /** Before recvmmsg: room for addresses, which the last call has changed. */
  prepare(count: number): void {
    for (let n = 0; n < count; n++) this.#nameLength(n, NAME);
  }

  /** After recvmmsg: octets of datagram `n`. */
  received(n: number): number {
    return this.#view.getUint32(n * abi.mmsghdr.size + abi.mmsghdr.msg_len, true);
  }

  /** Before sendmmsg: datagram `n`, and where it goes. */
  put(n: number, datagram: Uint8Array, name: Uint8Array): void {
    this.payload.set(datagram, n * ROOM);
    this.names.set(name, n * NAME);
    this.#nameLength(n, name.length);
    this.#length(n, datagram.length);
  }

  /** The address of datagram `n`. */
  name(n: number): Uint8Array {
    return this.names.subarray(n * NAME, (n + 1) * NAME);
  }
}

/**
 * Classic BPF for sockets (`Documentation/networking/filter.rst`): a small assembler with labels, and attaching
 * the program as a filter (SO_ATTACH_FILTER: the result is how many octets of the datagram to keep, 0 drops it)
 * or as the chooser of a reuse-port group (SO_ATTACH_REUSEPORT_CBPF: the result is the index of the socket, in
 * the order in which they were bound). No privilege is needed.
 *
 * Where offsets count from: a UDP socket's filter sees the UDP header first (the payload begins at 8), a reuse-port program the
 * UDP payload, a raw IPv4 socket's filter the IPv4 header, a raw IPv6 socket's the payload behind the IPv6 header.
 */
import {
  BPF_A,
  BPF_ABS,
  BPF_ALU,
  BPF_AND,
  BPF_B,
  BPF_H,
  BPF_IMM,
  BPF_IND,
  BPF_JA,
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JMP,
  BPF_JSET,
  BPF_K,
  BPF_LD,
  BPF_LDX,
  BPF_LEN,
  BPF_LSH,
  BPF_MAXINSNS,
  BPF_MISC,
  BPF_MSH,
  BPF_OR,
  BPF_RET,
  BPF_RSH,
  BPF_W,
  SO_ATTACH_FILTER,
  SO_ATTACH_REUSEPORT_CBPF,
  SO_DETACH_FILTER,
  SOL_SOCKET,
  sock_filter,
  sock_fprog,
} from "./abi.ts";
import { setsockopt, setsockoptInt } from "./sys.ts";
import { addressOf, type Fd } from "./syscalls.ts";

/** Instructions with one number: mnemonic and code. */
const PLAIN = {
  /** A = 32 bits at octet k, network order. A load past the end drops the packet (result 0). */
  ldw: BPF_LD | BPF_W | BPF_ABS,
  /** A = 16 bits at octet k. */
  ldh: BPF_LD | BPF_H | BPF_ABS,
  /** A = the octet at k. */
  ldb: BPF_LD | BPF_B | BPF_ABS,
  /** A = 32 bits at octet X + k. */
  "ldw-x": BPF_LD | BPF_W | BPF_IND,
  /** A = 16 bits at octet X + k. */
  "ldh-x": BPF_LD | BPF_H | BPF_IND,
  /** A = the octet at X + k. */
  "ldb-x": BPF_LD | BPF_B | BPF_IND,
  /** X = length in octets of the IPv4 header that begins at k. */
  "ldx-ip-header": BPF_LDX | BPF_B | BPF_MSH,
  /** A = k. */
  ld: BPF_LD | BPF_W | BPF_IMM,
  and: BPF_ALU | BPF_AND | BPF_K,
  or: BPF_ALU | BPF_OR | BPF_K,
  lsh: BPF_ALU | BPF_LSH | BPF_K,
  rsh: BPF_ALU | BPF_RSH | BPF_K,
  /** Ends with the result k. */
  ret: BPF_RET | BPF_K,
} as const;

/** Instructions without a number. */
const BARE = {
  /** A = length of the packet. */
  "ld-len": BPF_LD | BPF_W | BPF_LEN,
  /** X = A. */
  tax: BPF_MISC,
  /** Ends with the result A. */
  "ret-a": BPF_RET | BPF_A,
} as const;

/** Conditional jumps: compare A with k. */
const JUMPS = {
  jeq: BPF_JMP | BPF_JEQ | BPF_K,
  jgt: BPF_JMP | BPF_JGT | BPF_K,
  jge: BPF_JMP | BPF_JGE | BPF_K,
  /** A & k is not 0. */
  jset: BPF_JMP | BPF_JSET | BPF_K,
} as const;

/**
 * One line of a program: an instruction, or a label as a string. A jump names where to go when true and,
 * optionally, when false; what is left out goes on with the next instruction. Jumps go forward only.
 */
export type BpfLine =
  | string
  | readonly [keyof typeof PLAIN, number]
  | readonly [keyof typeof BARE]
  | readonly [keyof typeof JUMPS, number, whenTrue: string | null, whenFalse?: string | null]
  | readonly ["ja", string];

/**
 * Assembles a program into an array of `struct sock_filter`.
 * @throws TypeError for an unknown or backward label, or one out of a jump's reach; RangeError for an empty or
 * too long program.
 */
export function assembleBpf(lines: readonly BpfLine[]): Uint8Array {
  const labels = new Map<string, number>();
  const code: Exclude<BpfLine, string>[] = [];
  for (const line of lines) {
    if (typeof line === "string") labels.set(line, code.length);
    else code.push(line);
  }
  if (code.length === 0 || code.length > BPF_MAXINSNS) {
    throw new RangeError(`a BPF program has 1 to ${BPF_MAXINSNS} instructions, this one has ${code.length}`);
  }
  const octets = new Uint8Array(code.length * sock_filter.size);
  const view = new DataView(octets.buffer);
  const distance = (from: number, label: string, reach: number): number => {
    const to = labels.get(label);
    if (to === undefined || to >= code.length)
      throw new TypeError(`BPF: no instruction behind the label ${label}`);
    const skip = to - from - 1;
    if (skip < 0 || skip > reach) {
      throw new TypeError(
        `BPF: the label ${label} is ${skip} instructions away; a jump reaches 0 to ${reach}`,
      );
    }
    return skip;
  };
  code.forEach((line, i) => {
    const put = (operation: number, k: number, jt = 0, jf = 0) => {
      view.setUint16(i * sock_filter.size + sock_filter.code, operation, true);
      octets[i * sock_filter.size + sock_filter.jt] = jt;
      octets[i * sock_filter.size + sock_filter.jf] = jf;
      view.setUint32(i * sock_filter.size + sock_filter.k, k >>> 0, true);
    };
    const [name, k, whenTrue, whenFalse] = line as readonly [string, unknown?, unknown?, unknown?];
    if (name === "ja") {
      put(BPF_JMP | BPF_JA, distance(i, k as string, 0xffff_ffff));
    } else if (name in JUMPS) {
      const to = (label: unknown) => (typeof label === "string" ? distance(i, label, 0xff) : 0);
      put(JUMPS[name as keyof typeof JUMPS], k as number, to(whenTrue), to(whenFalse));
    } else if (name in BARE) {
      put(BARE[name as keyof typeof BARE], 0);
    } else {
      put(PLAIN[name as keyof typeof PLAIN], k as number);
    }
  });
  return octets;
}

/**
 * Lets a socket receive only what the program keeps; datagrams that came before are still in its queue.
 * @param program - from {@link assembleBpf}.
 * @throws {@link SyscallError} EINVAL for a program that the kernel's checker refuses.
 */
export function attachFilter(fd: Fd, program: Uint8Array): void {
  attach(fd, SO_ATTACH_FILTER, program, "SO_ATTACH_FILTER");
}

/**
 * Takes the filter away.
 * @throws {@link SyscallError} ENOENT when there is none.
 */
export function detachFilter(fd: Fd): void {
  setsockoptInt(fd, SOL_SOCKET, SO_DETACH_FILTER, 0, "SO_DETACH_FILTER");
}

/**
 * Lets the program choose the socket of a reuse-port group. Sockets are counted in the order of their bind(),
 * all with SO_REUSEPORT set before it; attach to any of them after the first is bound. When the program's
 * result is no socket's index, the kernel chooses by its hash.
 * @throws {@link SyscallError} EINVAL for a program that the kernel's checker refuses.
 */
export function attachReuseportFilter(fd: Fd, program: Uint8Array): void {
  attach(fd, SO_ATTACH_REUSEPORT_CBPF, program, "SO_ATTACH_REUSEPORT_CBPF");
}

function attach(fd: Fd, option: number, program: Uint8Array, what: string): void {
  // A copy of our own: aligned, and certainly alive during the call, which `kept` sees to.
  const kept = program.slice();
  const fprog = new Uint8Array(sock_fprog.size);
  const view = new DataView(fprog.buffer);
  view.setUint16(sock_fprog.len, kept.length / sock_filter.size, true);
  view.setBigUint64(sock_fprog.filter, BigInt(addressOf(kept)), true);
  setsockopt(fd, SOL_SOCKET, option, fprog, what);
  keepAlive(kept);
}

/** Uses its argument, so that the collector cannot take it before this line. */
function keepAlive(memory: Uint8Array): void {
  if (memory.length < 0) throw new RangeError("unreachable");
}

/**
 * The system calls, through koffi: the only file that knows of it. {@link raw} gives the C functions for packet loops: they never
 * throw and allocate nothing; a failure is the negative error number (`-11` is EAGAIN); a pointer may be a view or a
 * plain address (see {@link addressOf}). The forms that throw are in `sys.ts`.
 *
 * No policy, no loops, no protocol. koffi is loaded by the first call and not by the import, so the package can
 * be imported anywhere; main thread and worker threads each load it for themselves (some 13 ms, once).
 */
import { createRequire } from "node:module";
import type * as Koffi from "koffi";
import { requirePlatform } from "./abi.ts";
import { SyscallError, UnsupportedError } from "./errors.ts";

/** An open descriptor: branded, so that no other number is passed for one. */
export type Fd = number & { readonly __fd: never };

/** Memory that a call reads or writes: a view of it, its address (see {@link addressOf}), or `null`. */
export type Pointer = Uint8Array | Uint16Array | Uint32Array | Int32Array | BigUint64Array | number | null;

let koffi: typeof Koffi | undefined;

function load(): typeof Koffi {
  requirePlatform();
  try {
    // From a bundle this resolves beside the bundle: koffi stays a package there, as its binary must.
    koffi = createRequire(import.meta.url)("koffi") as typeof Koffi;
    return koffi;
  } catch (cause) {
    throw new UnsupportedError(
      "@l2tp/linux cannot load koffi, which makes its system calls: install the package koffi together with its " +
        `optional dependency @koromix/koffi-linux-${process.arch} (npm install --include=optional koffi)`,
      { cause },
    );
  }
}

/**
 * The address of a view's first octet, for structures that hold pointers and for the calls of {@link raw}.
 * Costs about 40 ns: take it once for an arena and add offsets.
 *
 * An address does not keep its memory alive: hold a reference to the view (or its buffer) for as long as the
 * address is in use, or the collector frees it under the call. Memory of a SharedArrayBuffer or of a
 * WebAssembly.Memory works as well; one that is grown moves.
 */
export function addressOf(view: ArrayBufferView | ArrayBufferLike): number {
  return Number((koffi ?? load()).address(view));
}

/**
 * The C functions, as they are. Every one returns what C returns, or `-errno` where C returns -1.
 * An interrupted call (`-EINTR`, -4) is the caller's to repeat.
 */
export interface RawSyscalls {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  read(fd: number, buffer: Pointer, octets: number): number;
  write(fd: number, buffer: Pointer, octets: number): number;
  readv(fd: number, iov: Pointer, count: number): number;
  writev(fd: number, iov: Pointer, count: number): number;
  /** The argument as a pointer. */
  ioctl(fd: number, request: number, argument: Pointer): number;
  /** The argument as a value, as TUNSETOFFLOAD takes it. */
  ioctlValue(fd: number, request: number, argument: number): number;
  fcntl(fd: number, command: number, argument: number): number;
  pipe2(fds: Int32Array, flags: number): number;
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: Pointer, octets: number): number;
  connect(fd: number, address: Pointer, octets: number): number;
  getsockname(fd: number, address: Pointer, octets: Pointer): number;
  getpeername(fd: number, address: Pointer, octets: Pointer): number;
  getsockopt(fd: number, level: number, name: number, value: Pointer, octets: Pointer): number;
  setsockopt(fd: number, level: number, name: number, value: Pointer, octets: number): number;
  send(fd: number, buffer: Pointer, octets: number, flags: number): number;
  recv(fd: number, buffer: Pointer, octets: number, flags: number): number;
  sendto(
    fd: number,
    b: Pointer,
    octets: number,
    flags: number,
    address: Pointer,
    addressOctets: number,
  ): number;
  recvfrom(
    fd: number,
    b: Pointer,
    octets: number,
    flags: number,
    address: Pointer,
    addressOctets: Pointer,
  ): number;
  sendmsg(fd: number, message: Pointer, flags: number): number;
  recvmsg(fd: number, message: Pointer, flags: number): number;
  sendmmsg(fd: number, messages: Pointer, count: number, flags: number): number;
  /** `timeout` is for the kernel's peculiar semantics (checked only between packets): pass `null`. */
  recvmmsg(fd: number, messages: Pointer, count: number, flags: number, timeout: Pointer): number;
  poll(fds: Pointer, count: number, timeoutMs: number): number;
  /** `signals` must be `null`: no signal mask is offered. */
  ppoll(fds: Pointer, count: number, timeout: Pointer, signals: null): number;
  epoll_create1(flags: number): number;
  epoll_ctl(epoll: number, operation: number, fd: number, event: Pointer): number;
  epoll_wait(epoll: number, events: Pointer, count: number, timeoutMs: number): number;
  eventfd(initial: number, flags: number): number;
  setns(fd: number, kind: number): number;
  unshare(flags: number): number;
  mount(source: string, target: string, type: string | null, flags: number, data: null): number;
  umount2(target: string, flags: number): number;
  prlimit(pid: number, resource: number, next: Pointer, old: Pointer): number;
  gettid(): number;
}

let table: RawSyscalls | undefined;

/**
 * The functions for packet loops; bound once per thread, on the first call. Keep the result, or single
 * functions of it, in a constant outside the loop.
 *
 * @throws {@link UnsupportedError} off Linux, on an unknown architecture, and without koffi's binary.
 */
export function raw(): RawSyscalls {
  table ??= bindAll(koffi ?? load());
  return table;
}

/** Declares the prototypes. Variadic functions are called with their usual arguments: same registers. */
function bindAll(k: typeof Koffi): RawSyscalls {
  const libc = k.load(null);
  const errno: () => number = k.errno as () => number;
  // One wrapper per number of arguments: rest parameters would allocate an array per call.
  const one = <A>(prototype: string) => {
    const c = libc.func(prototype);
    return (a: A): number => {
      const n = c(a) as number;
      return n === -1 ? -errno() : n;
    };
  };
  const two = <A, B>(prototype: string) => {
    const c = libc.func(prototype);
    return (a: A, b: B): number => {
      const n = c(a, b) as number;
      return n === -1 ? -errno() : n;
    };
  };
  const three = <A, B, C>(prototype: string) => {
    const c = libc.func(prototype);
    return (a: A, b: B, d: C): number => {
      const n = c(a, b, d) as number;
      return n === -1 ? -errno() : n;
    };
  };
  const four = <A, B, C, D>(prototype: string) => {
    const c = libc.func(prototype);
    return (a: A, b: B, d: C, e: D): number => {
      const n = c(a, b, d, e) as number;
      return n === -1 ? -errno() : n;
    };
  };
  const five = <A, B, C, D, E>(prototype: string) => {
    const c = libc.func(prototype);
    return (a: A, b: B, d: C, e: D, f: E): number => {
      const n = c(a, b, d, e, f) as number;
      return n === -1 ? -errno() : n;
    };
  };
  const six = <A, B, C, D, E, F>(prototype: string) => {
    const c = libc.func(prototype);
    return (a: A, b: B, d: C, e: D, f: E, g: F): number => {
      const n = c(a, b, d, e, f, g) as number;
      return n === -1 ? -errno() : n;
    };
  };
  // ssize_t is spelled intptr_t and socklen_t unsigned int: koffi knows the built-in names only.
  return {
    open: three("int open(const char *path, int flags, unsigned int mode)"),
    close: one("int close(int fd)"),
    read: three("intptr_t read(int fd, void *buf, size_t n)"),
    write: three("intptr_t write(int fd, const void *buf, size_t n)"),
    readv: three("intptr_t readv(int fd, const void *iov, int n)"),
    writev: three("intptr_t writev(int fd, const void *iov, int n)"),
    ioctl: three("int ioctl(int fd, unsigned long request, void *argument)"),
    ioctlValue: three("int ioctl(int fd, unsigned long request, unsigned long argument)"),
    fcntl: three("int fcntl(int fd, int command, long argument)"),
    pipe2: two("int pipe2(void *fds, int flags)"),
    socket: three("int socket(int family, int type, int protocol)"),
    bind: three("int bind(int fd, const void *address, unsigned int n)"),
    connect: three("int connect(int fd, const void *address, unsigned int n)"),
    getsockname: three("int getsockname(int fd, void *address, void *n)"),
    getpeername: three("int getpeername(int fd, void *address, void *n)"),
    getsockopt: five("int getsockopt(int fd, int level, int name, void *value, void *n)"),
    setsockopt: five("int setsockopt(int fd, int level, int name, const void *value, unsigned int n)"),
    send: four("intptr_t send(int fd, const void *b, size_t n, int flags)"),
    recv: four("intptr_t recv(int fd, void *b, size_t n, int flags)"),
    sendto: six(
      "intptr_t sendto(int fd, const void *b, size_t n, int flags, const void *to, unsigned int tolen)",
    ),
    recvfrom: six("intptr_t recvfrom(int fd, void *b, size_t n, int flags, void *from, void *fromlen)"),
    sendmsg: three("intptr_t sendmsg(int fd, const void *message, int flags)"),
    recvmsg: three("intptr_t recvmsg(int fd, void *message, int flags)"),
    sendmmsg: four("int sendmmsg(int fd, void *messages, unsigned int n, int flags)"),
    recvmmsg: five("int recvmmsg(int fd, void *messages, unsigned int n, int flags, void *timeout)"),
    poll: three("int poll(void *fds, unsigned long n, int timeout)"),
    ppoll: four("int ppoll(void *fds, unsigned long n, const void *timeout, const void *signals)"),
    epoll_create1: one("int epoll_create1(int flags)"),
    epoll_ctl: four("int epoll_ctl(int epoll, int operation, int fd, void *event)"),
    epoll_wait: four("int epoll_wait(int epoll, void *events, int n, int timeout)"),
    eventfd: two("int eventfd(unsigned int initial, int flags)"),
    setns: two("int setns(int fd, int kind)"),
    unshare: one("int unshare(int flags)"),
    mount: five(
      "int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)",
    ),
    umount2: two("int umount2(const char *target, int flags)"),
    prlimit: four("int prlimit(int pid, int resource, const void *next, void *old)"),
    gettid: bindPlain(libc, "int gettid()"),
  };
}

/** A function that cannot fail. */
function bindPlain(libc: Koffi.LibraryHandle, prototype: string): () => number {
  return libc.func(prototype) as () => number;
}

/** Turns a raw result into a thrown error or the number itself. */
export function check(syscall: string, result: number, what?: string): number {
  if (result < 0) throw new SyscallError(syscall, -result, what);
  return result;
}

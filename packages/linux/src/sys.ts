/**
 * The system calls in their convenient form: they take views, return values and throw {@link SyscallError}, whose message
 * names the object by the argument `what`. Descriptors are closed on exec, always.
 */
import { EFD_CLOEXEC, EPOLL_CLOEXEC, O_CLOEXEC, SOCK_CLOEXEC } from "./abi.ts";
import { check, type Fd, type Pointer, raw } from "./syscalls.ts";

/**
 * `int open(const char *path, int flags, mode_t mode)`; O_CLOEXEC is always added.
 * @throws {@link SyscallError}
 */
export function open(path: string, flags: number, mode = 0): Fd {
  return check("open", raw().open(path, flags | O_CLOEXEC, mode), path) as Fd;
}

/**
 * `int close(int fd)`. The descriptor is gone also when this throws.
 * @throws {@link SyscallError} EBADF when it was not open: a bug of the caller.
 */
export function close(fd: Fd): void {
  check("close", raw().close(fd));
}

/**
 * `ssize_t read(int fd, void *buf, size_t count)`
 * @returns octets read; 0 at the end.
 * @throws {@link SyscallError} EAGAIN on a non-blocking descriptor with nothing to read.
 */
export function read(fd: Fd, buffer: Uint8Array, what?: string): number {
  return check("read", raw().read(fd, buffer, buffer.length), what);
}

/**
 * `ssize_t write(int fd, const void *buf, size_t count)`
 * @throws {@link SyscallError}
 */
export function write(fd: Fd, buffer: Uint8Array, what?: string): number {
  return check("write", raw().write(fd, buffer, buffer.length), what);
}

/**
 * `ssize_t readv(int fd, const struct iovec *iov, int count)`
 * @param iov - {@link addressOf}-style table, see `abi.iovec`; the caller keeps what it points to alive.
 * @throws {@link SyscallError}
 */
export function readv(fd: Fd, iov: Pointer, count: number, what?: string): number {
  return check("readv", raw().readv(fd, iov, count), what);
}

/**
 * `ssize_t writev(int fd, const struct iovec *iov, int count)`
 * @throws {@link SyscallError}
 */
export function writev(fd: Fd, iov: Pointer, count: number, what?: string): number {
  return check("writev", raw().writev(fd, iov, count), what);
}

/**
 * `int ioctl(int fd, unsigned long request, void *argument)`; for requests that take a value and not a pointer
 * (TUNSETOFFLOAD) see {@link ioctlValue}.
 * @param request - with its name for the error's message.
 * @throws {@link SyscallError} whose `what` is the request's name.
 */
export function ioctl(fd: Fd, request: number, argument: Pointer, what: string): number {
  return check("ioctl", raw().ioctl(fd, request, argument), what);
}

/**
 * `int ioctl(int fd, unsigned long request, unsigned long argument)`
 * @throws {@link SyscallError}
 */
export function ioctlValue(fd: Fd, request: number, argument: number, what: string): number {
  return check("ioctl", raw().ioctlValue(fd, request, argument), what);
}

/**
 * `int fcntl(int fd, int command, long argument)`
 * @throws {@link SyscallError}
 */
export function fcntl(fd: Fd, command: number, argument = 0, what?: string): number {
  return check("fcntl", raw().fcntl(fd, command, argument), what);
}

/**
 * `int pipe2(int fds[2], int flags)`; O_CLOEXEC is always added.
 * @returns the end to read and the end to write.
 * @throws {@link SyscallError}
 */
export function pipe2(flags = 0): readonly [Fd, Fd] {
  const fds = new Int32Array(2);
  check("pipe2", raw().pipe2(fds, flags | O_CLOEXEC));
  return [fds[0] as Fd, fds[1] as Fd];
}

/**
 * `int socket(int family, int type, int protocol)`; SOCK_CLOEXEC is always added.
 * @throws {@link SyscallError}
 */
export function socket(family: number, type: number, protocol = 0, what?: string): Fd {
  return check("socket", raw().socket(family, type | SOCK_CLOEXEC, protocol), what) as Fd;
}

/**
 * `int bind(int fd, const struct sockaddr *address, socklen_t length)`
 * @throws {@link SyscallError}
 */
export function bind(fd: Fd, address: Uint8Array, what?: string): void {
  check("bind", raw().bind(fd, address, address.length), what);
}

/**
 * `int connect(int fd, const struct sockaddr *address, socklen_t length)`
 * @throws {@link SyscallError} EINPROGRESS on a non-blocking stream socket.
 */
export function connect(fd: Fd, address: Uint8Array, what?: string): void {
  check("connect", raw().connect(fd, address, address.length), what);
}

/**
 * `int getsockname(int fd, struct sockaddr *address, socklen_t *length)`
 * @returns the address as octets; see `decodeSocketAddress`.
 * @throws {@link SyscallError}
 */
export function getsockname(fd: Fd): Uint8Array {
  const address = new Uint8Array(128);
  const length = new Uint32Array([address.length]);
  check("getsockname", raw().getsockname(fd, address, length));
  return address.subarray(0, length[0]);
}

/**
 * `int getpeername(int fd, struct sockaddr *address, socklen_t *length)`
 * @throws {@link SyscallError} ENOTCONN.
 */
export function getpeername(fd: Fd): Uint8Array {
  const address = new Uint8Array(128);
  const length = new Uint32Array([address.length]);
  check("getpeername", raw().getpeername(fd, address, length));
  return address.subarray(0, length[0]);
}

/**
 * `int getsockopt(int fd, int level, int name, void *value, socklen_t *length)`
 * @returns as many octets as the kernel gave, at most `octets`.
 * @throws {@link SyscallError}
 */
export function getsockopt(fd: Fd, level: number, name: number, octets: number, what?: string): Uint8Array {
  const value = new Uint8Array(octets);
  const length = new Uint32Array([octets]);
  check("getsockopt", raw().getsockopt(fd, level, name, value, length), what);
  return value.subarray(0, length[0]);
}

/**
 * {@link getsockopt} of an `int`.
 * @throws {@link SyscallError}
 */
export function getsockoptInt(fd: Fd, level: number, name: number, what?: string): number {
  const value = new Int32Array(1);
  check("getsockopt", raw().getsockopt(fd, level, name, value, new Uint32Array([4])), what);
  return value[0] as number;
}

/**
 * `int setsockopt(int fd, int level, int name, const void *value, socklen_t length)`
 * @throws {@link SyscallError}
 */
export function setsockopt(fd: Fd, level: number, name: number, value: Uint8Array, what?: string): void {
  check("setsockopt", raw().setsockopt(fd, level, name, value, value.length), what);
}

/**
 * {@link setsockopt} of an `int`.
 * @throws {@link SyscallError}
 */
export function setsockoptInt(fd: Fd, level: number, name: number, value: number, what?: string): void {
  check("setsockopt", raw().setsockopt(fd, level, name, new Int32Array([value]), 4), what);
}

/**
 * `ssize_t send(int fd, const void *buf, size_t length, int flags)`
 * @throws {@link SyscallError}
 */
export function send(fd: Fd, datagram: Uint8Array, flags = 0, what?: string): number {
  return check("send", raw().send(fd, datagram, datagram.length, flags), what);
}

/**
 * `ssize_t recv(int fd, void *buf, size_t length, int flags)`
 * @throws {@link SyscallError} EAGAIN on a non-blocking socket with nothing to read.
 */
export function recv(fd: Fd, buffer: Uint8Array, flags = 0, what?: string): number {
  return check("recv", raw().recv(fd, buffer, buffer.length, flags), what);
}

/**
 * `ssize_t sendto(int fd, const void *buf, size_t length, int flags, const struct sockaddr *to, socklen_t)`
 * @throws {@link SyscallError}
 */
export function sendto(fd: Fd, datagram: Uint8Array, to: Uint8Array, flags = 0, what?: string): number {
  return check("sendto", raw().sendto(fd, datagram, datagram.length, flags, to, to.length), what);
}

/**
 * `ssize_t recvfrom(int fd, void *buf, size_t length, int flags, struct sockaddr *from, socklen_t *)`
 * @returns octets of the datagram and the sender's address, see `decodeSocketAddress`.
 * @throws {@link SyscallError} EAGAIN on a non-blocking socket with nothing to read.
 */
export function recvfrom(
  fd: Fd,
  buffer: Uint8Array,
  flags = 0,
  what?: string,
): { readonly octets: number; readonly from: Uint8Array } {
  const from = new Uint8Array(128);
  const length = new Uint32Array([from.length]);
  const octets = check("recvfrom", raw().recvfrom(fd, buffer, buffer.length, flags, from, length), what);
  return { octets, from: from.subarray(0, length[0]) };
}

/**
 * `ssize_t sendmsg(int fd, const struct msghdr *message, int flags)`
 * @param message - see `abi.msghdr`; the caller keeps what it points to alive.
 * @throws {@link SyscallError}
 */
export function sendmsg(fd: Fd, message: Pointer, flags = 0, what?: string): number {
  return check("sendmsg", raw().sendmsg(fd, message, flags), what);
}

/**
 * `ssize_t recvmsg(int fd, struct msghdr *message, int flags)`
 * @throws {@link SyscallError} EAGAIN on a non-blocking socket with nothing to read.
 */
export function recvmsg(fd: Fd, message: Pointer, flags = 0, what?: string): number {
  return check("recvmsg", raw().recvmsg(fd, message, flags), what);
}

/**
 * `int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)`
 * @returns how many messages were sent: fewer than `count` when a later one failed.
 * @throws {@link SyscallError} when the first one failed.
 */
export function sendmmsg(fd: Fd, messages: Pointer, count: number, flags = 0, what?: string): number {
  return check("sendmmsg", raw().sendmmsg(fd, messages, count, flags), what);
}

/**
 * `int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *timeout)`
 * @throws {@link SyscallError} EAGAIN on a non-blocking socket with nothing to read.
 */
export function recvmmsg(fd: Fd, messages: Pointer, count: number, flags = 0, what?: string): number {
  return check("recvmmsg", raw().recvmmsg(fd, messages, count, flags, null), what);
}

/**
 * `int poll(struct pollfd *fds, nfds_t count, int timeout)`. Blocks the thread: for worker threads, and with
 * a timeout of 0 anywhere.
 * @returns how many have something to say; 0 when the time is over.
 * @throws {@link SyscallError} EINTR.
 */
export function poll(fds: Pointer, count: number, timeoutMs: number): number {
  return check("poll", raw().poll(fds, count, timeoutMs));
}

/**
 * `int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, NULL)`: {@link poll} with
 * nanoseconds; `null` waits without limit.
 * @throws {@link SyscallError} EINTR.
 */
export function ppoll(fds: Pointer, count: number, timeout: Pointer): number {
  return check("ppoll", raw().ppoll(fds, count, timeout, null));
}

/**
 * `int epoll_create1(int flags)`; EPOLL_CLOEXEC is always set.
 * @throws {@link SyscallError}
 */
export function epoll_create1(): Fd {
  return check("epoll_create1", raw().epoll_create1(EPOLL_CLOEXEC)) as Fd;
}

/**
 * `int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)`
 * @param event - see `abi.epoll_event`; `null` for EPOLL_CTL_DEL.
 * @throws {@link SyscallError} EEXIST when added twice, ENOENT when not there, EPERM for a plain file.
 */
export function epoll_ctl(epoll: Fd, operation: number, fd: Fd, event: Pointer): void {
  check("epoll_ctl", raw().epoll_ctl(epoll, operation, fd, event));
}

/**
 * `int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)`. Blocks the thread.
 * @throws {@link SyscallError} EINTR.
 */
export function epoll_wait(epoll: Fd, events: Pointer, count: number, timeoutMs: number): number {
  return check("epoll_wait", raw().epoll_wait(epoll, events, count, timeoutMs));
}

/**
 * `int eventfd(unsigned int initial, int flags)`; EFD_CLOEXEC is always added.
 * @throws {@link SyscallError}
 */
export function eventfd(initial = 0, flags = 0): Fd {
  return check("eventfd", raw().eventfd(initial, flags | EFD_CLOEXEC)) as Fd;
}

/**
 * `int setns(int fd, int kind)`: moves the calling thread, and it alone, into a namespace. See `withNamespace`.
 * @throws {@link SyscallError}
 */
export function setns(fd: Fd, kind: number, what?: string): void {
  check("setns", raw().setns(fd, kind), what);
}

/**
 * `int unshare(int flags)`: gives the calling thread, and it alone, a namespace of its own.
 * @throws {@link SyscallError} EINVAL for a user namespace: the process has threads.
 */
export function unshare(flags: number, what?: string): void {
  check("unshare", raw().unshare(flags), what);
}

/**
 * `int mount(const char *source, const char *target, const char *type, unsigned long flags, NULL)`
 * @throws {@link SyscallError}
 */
export function mount(source: string, target: string, type: string | null, flags: number): void {
  check("mount", raw().mount(source, target, type, flags, null), target);
}

/**
 * `int umount2(const char *target, int flags)`
 * @throws {@link SyscallError}
 */
export function umount2(target: string, flags: number): void {
  check("umount2", raw().umount2(target, flags), target);
}

/** A limit of this process, `Infinity` for none. */
export interface ResourceLimit {
  readonly soft: number;
  readonly hard: number;
}

const NO_LIMIT = 0xffff_ffff_ffff_ffffn;
const fromLimit = (value: bigint) => (value === NO_LIMIT ? Number.POSITIVE_INFINITY : Number(value));
const toLimit = (value: number) => (value === Number.POSITIVE_INFINITY ? NO_LIMIT : BigInt(value));

/**
 * `int prlimit(0, int resource, NULL, struct rlimit *)` of the own process.
 * @param resource - `abi.RLIMIT_NOFILE` …
 * @throws {@link SyscallError}
 */
export function getrlimit(resource: number): ResourceLimit {
  const old = new BigUint64Array(2);
  check("getrlimit", raw().prlimit(0, resource, null, old));
  return { soft: fromLimit(old[0] as bigint), hard: fromLimit(old[1] as bigint) };
}

/**
 * `int prlimit(0, int resource, const struct rlimit *, NULL)` of the own process.
 * @throws {@link SyscallError} EPERM when the hard limit is to rise without CAP_SYS_RESOURCE.
 */
export function setrlimit(resource: number, limit: ResourceLimit): void {
  check(
    "setrlimit",
    raw().prlimit(0, resource, BigUint64Array.of(toLimit(limit.soft), toLimit(limit.hard)), null),
  );
}

/** `pid_t gettid(void)`: the kernel's number of this thread, as in `/proc/self/task`. */
export function gettid(): number {
  return raw().gettid();
}

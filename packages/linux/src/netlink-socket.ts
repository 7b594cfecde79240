/**
 * Netlink sockets: running requests, and receiving notifications.
 *
 * {@link NetlinkSocket} never blocks the event loop: the kernel works a request off inside send(), sometimes
 * behind a lock, so sending is a thread's of the reactor; receiving is told by it. {@link runNetlink} is the
 * synchronous form, for start-up and for tools: it blocks for as long as the kernel takes.
 */
import {
  AF_NETLINK,
  MSG_DONTWAIT,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SO_RCVTIMEO,
  SOCK_RAW,
  SOL_SOCKET,
} from "./abi.ts";
import {
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_DROP_MEMBERSHIP,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_ROUTE,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_MIN_TYPE,
  NLMSG_OVERRUN,
  SOL_NETLINK,
  sockaddr_nl,
} from "./abi-netlink.ts";
import { attachFilter } from "./bpf.ts";
import { ERRNO } from "./errno.ts";
import { ClosedError, SyscallError } from "./errors.ts";
import { withNamespace } from "./namespace.ts";
import {
  type Acknowledgement,
  acknowledgedType,
  concat,
  decodeAcknowledgement,
  decodeDone,
  encodeMessage,
  NetlinkCursor,
  type NetlinkMessage,
  type NetlinkPart,
  type NetlinkRequest,
} from "./netlink.ts";
import { NetlinkError } from "./netlink-error.ts";
import { Reactor, type Registration } from "./reactor.ts";
import { encodeSocketAddress } from "./sockaddr.ts";
import { bind, close, setsockopt, setsockoptInt, socket } from "./sys.ts";
import { type Fd, raw } from "./syscalls.ts";

const EAGAIN = ERRNO["EAGAIN"] as number;
const EINTR = ERRNO["EINTR"] as number;
const EINVAL = ERRNO["EINVAL"] as number;
const ENOBUFS = ERRNO["ENOBUFS"] as number;

/** A dump that changed under way is asked for again, so often; then the table changes faster than it can be read. */
const DUMP_ATTEMPTS = 10;
/** How long datagrams are read before other work gets its turn: each read of a dump lets the kernel write more of it. */
const MS_PER_TURN = 5;
/**
 * Requests sent and not yet answered. The kernel drops answers that find the socket's buffer full (208 KiB by
 * default, of which an answer about an interface takes 4): more than this wait their turn here.
 */
const REQUESTS_IN_FLIGHT = 16;
/** The kernel writes at most 32 KiB into one datagram of a dump; a single object may be larger. */
const RECEIVE_OCTETS = 256 * 1024;
/** The kernel answers at once; a longer wait is a bug, not to be waited out for ever. */
const BLOCKING_SECONDS = 10n;

/** Of which socket, and with what buffers. */
export interface NetlinkOptions {
  /** The network namespace that the socket belongs to (see `openNamespace`); default the calling thread's. */
  readonly namespace?: Fd | undefined;
  /** Octets of notifications that may wait in the kernel; larger for large machines. Default the system's. */
  readonly receiveBufferOctets?: number;
  /**
   * A BPF program (`assembleBpf`) that sees each message from its `nlmsghdr` on: those for which it returns 0 never wake
   * anybody. For sockets that listen only, as it sees answers as well. Numbers are in host order there.
   */
  readonly filter?: Uint8Array;
}

/** One request under way, whichever way its answer comes. */
class Exchange<T> {
  readonly request: NetlinkRequest<T>;
  readonly #replies: NetlinkMessage[] = [];
  #interrupted = false;
  #refused: Acknowledgement | undefined;
  /** Of a transaction: the part that was refused. */
  #refusedPart: NetlinkPart | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(request: NetlinkRequest<T>) {
    this.request = request;
  }

  encode(sequence: number): Uint8Array {
    const { flags, kind, around } = this.request;
    const encodePart = ({ type, flags, payload }: NetlinkPart) =>
      encodeMessage({ type, flags: flags | NLM_F_REQUEST, sequence, portId: 0, payload });
    const asked = kind === "dump" ? NLM_F_DUMP : NLM_F_ACK;
    const message = encodePart({ ...this.request, flags: flags | asked });
    if (around === undefined) return message;
    return concat([...around.before.map(encodePart), message, ...around.after.map(encodePart)]);
  }

  /** @returns whether the answer is complete. */
  take(message: NetlinkCursor): boolean {
    if ((message.flags & NLM_F_DUMP_INTR) !== 0) this.#interrupted = true;
    if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) {
      const ack = message.type === NLMSG_DONE ? decodeDone(message) : decodeAcknowledgement(message);
      if (ack.errno !== 0) {
        this.#refused = ack;
        const type = acknowledgedType(message);
        this.#refusedPart = this.request.around?.before.find((part) => part.type === type);
      }
      return true;
    }
    if (message.type < NLMSG_MIN_TYPE) return false;
    if (this.request.each === undefined) this.#replies.push(message.message());
    else this.#hand(message, this.request.each);
    return false;
  }

  /** What fails on our side is told at the end: until then the kernel goes on with its answer. */
  #hand(message: NetlinkMessage, each: (message: NetlinkMessage) => void): void {
    if (this.#failure !== undefined) return;
    try {
      each(message);
    } catch (error) {
      this.#failure = { error };
    }
  }

  /** Ask again? The table changed while it was dumped, so entries may be missing or double. */
  get interrupted(): boolean {
    return this.#interrupted && this.#refused === undefined && this.#failure === undefined;
  }

  result(): T {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#refused === undefined) return this.request.decode(this.#replies);
    const { absent } = this.request;
    if (absent !== undefined && absent.errno === this.#refused.errno) return absent.value;
    throw new NetlinkError(this.#refusedPart ?? this.request, this.#refused);
  }
}

function openSocket(protocol: number, { namespace, receiveBufferOctets, filter }: NetlinkOptions): Fd {
  const make = () => socket(AF_NETLINK, SOCK_RAW, protocol, `netlink protocol ${protocol}`);
  const fd = namespace === undefined ? make() : withNamespace(namespace, make);
  try {
    if (filter !== undefined) attachFilter(fd, filter);
    bind(fd, encodeSocketAddress({ family: "netlink", portId: 0, groups: 0 }), "netlink");
    setsockoptInt(fd, SOL_NETLINK, NETLINK_EXT_ACK, 1, "NETLINK_EXT_ACK");
    setsockoptInt(fd, SOL_NETLINK, NETLINK_CAP_ACK, 1, "NETLINK_CAP_ACK");
    // Filters of dumps are obeyed rather than ignored (Linux 4.20; refused before, and then we filter anyway).
    if (protocol === NETLINK_ROUTE) {
      raw().setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, Int32Array.of(1), 4);
    }
    if (receiveBufferOctets !== undefined) {
      const forced = raw().setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, Int32Array.of(receiveBufferOctets), 4);
      if (forced < 0) setsockoptInt(fd, SOL_SOCKET, SO_RCVBUF, receiveBufferOctets, "SO_RCVBUF");
    }
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}

// ── Receiving ─────────────────────────────────────────────────────────────────────────────────────────────────────

const from = new Uint8Array(sockaddr_nl.size);
const fromLength = new Uint32Array(1);

/**
 * How often EINVAL is read over. Linux reports it to a reader that saw a dump running which the sending thread then
 * ended, which a dump that finds nothing does within send(): netlink_recvmsg() looks at `cb_running` without the lock,
 * and netlink_dump() finds it cleared under the lock (seen on 6.1 and 6.18, once for every four empty dumps of a reader
 * that never rests). That says nothing of the socket or of any request, and every answer is in the queue. Each needs a
 * dump of its own, so a few in a row are more than there can be; a socket that says nothing else is broken.
 */
const DUMP_RACES = 8;

function receiveOnce(fd: Fd, buffer: Uint8Array, flags: number): number {
  fromLength[0] = from.length;
  return raw().recvfrom(fd, buffer, buffer.length, flags, from, fromLength);
}

/** Where datagrams are received, and read before anything else is received there. */
class Inbox {
  readonly #buffer = new Uint8Array(RECEIVE_OCTETS);
  readonly #cursor = new NetlinkCursor(this.#buffer);

  /** @returns the messages of one datagram, until the next one is received; or the negative error number. */
  receive(fd: Fd, flags: number): NetlinkCursor | number {
    let octets = receiveOnce(fd, this.#buffer, flags);
    for (let race = 0; octets === -EINVAL && race < DUMP_RACES; race++) {
      octets = receiveOnce(fd, this.#buffer, flags);
    }
    if (octets < 0) return octets;
    // Anybody may send to a netlink socket: only the kernel (port 0) is listened to.
    const sender = new DataView(from.buffer).getUint32(sockaddr_nl.nl_pid, true);
    return this.#cursor.begin(sender === 0 ? octets : 0);
  }
}

/** Of all sockets on the event loop, as they are emptied one after the other. */
let inbox: Inbox | undefined;

/**
 * Runs one request on a socket of its own and waits for the answer: synchronous. For start-up and tools; where an
 * event loop serves others, use {@link NetlinkSocket}.
 *
 * @param protocol - `nlabi.NETLINK_ROUTE` …
 * @throws {@link NetlinkError} when the kernel refuses, {@link SyscallError} when the socket fails.
 */
export function runNetlink<T>(protocol: number, request: NetlinkRequest<T>, options: NetlinkOptions = {}): T {
  const fd = openSocket(protocol, options);
  try {
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(BigInt64Array.of(BLOCKING_SECONDS, 0n).buffer));
    for (let attempt = 1; ; attempt++) {
      const exchange = new Exchange(request);
      const datagram = exchange.encode(attempt);
      const sent = raw().send(fd, datagram, datagram.length, 0);
      if (sent < 0) throw new SyscallError("send", -sent, request.name);
      waitFor(fd, exchange, attempt);
      if (!exchange.interrupted) return exchange.result();
      if (attempt === DUMP_ATTEMPTS) throw interrupted(request);
    }
  } finally {
    close(fd);
  }
}

function waitFor(fd: Fd, exchange: Exchange<unknown>, sequence: number): void {
  // Its own, as somebody on the event loop may be about to read there and ask for this meanwhile.
  const blocking = new Inbox();
  for (;;) {
    const messages = blocking.receive(fd, 0);
    if (typeof messages === "number") {
      if (messages === -EINTR) continue;
      throw new SyscallError("recvfrom", -messages, exchange.request.name);
    }
    while (messages.next()) if (messages.sequence === sequence && exchange.take(messages)) return;
  }
}

function interrupted(request: NetlinkRequest<unknown>): NetlinkError {
  return new NetlinkError(request, {
    errno: EINTR,
    text: `the table changed during each of ${DUMP_ATTEMPTS} attempts to read it`,
  });
}

/** Stops waiting when the signal says so; what was waited for goes on and its failure is nobody's. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

interface Pending {
  readonly exchange: Exchange<unknown>;
  readonly settle: () => void;
  readonly reject: (error: Error) => void;
}

/** What a socket says beside the answers to its requests. */
export interface NetlinkListener {
  /** A multicast message of a group that was joined. */
  onNotification(message: NetlinkMessage): void;
  /** Notifications were lost (ENOBUFS): what was known of the kernel's tables is to be read again. */
  onOverrun(): void;
  /** The socket can no longer be used. */
  onFailure?(error: Error): void;
}

/** A netlink socket on the event loop. Requests may be under way at the same time; dumps follow one another. */
export class NetlinkSocket implements AsyncDisposable {
  readonly #fd: Fd;
  readonly #reactor: Reactor;
  readonly #watch: Registration;
  readonly #listener: NetlinkListener | undefined;
  readonly #pending = new Map<number, Pending>();
  readonly #sending = new Set<Promise<unknown>>();
  #lastDump: Promise<unknown> = Promise.resolve();
  /** What starts the next request, in order of asking. */
  readonly #turns: (() => void)[] = [];
  #sequence = 0;
  #closed: Promise<void> | undefined;
  /** Why it can no longer be used; set before anything else of the end happens. */
  #ended: Error | undefined;
  #listening = false;

  /**
   * @param protocol - `nlabi.NETLINK_ROUTE` …
   * @throws {@link SyscallError}, {@link UnsupportedError}
   */
  constructor(protocol: number, options: NetlinkOptions & { readonly listener?: NetlinkListener } = {}) {
    this.#listener = options.listener;
    this.#reactor = Reactor.shared();
    this.#fd = openSocket(protocol, options);
    try {
      this.#watch = this.#reactor.watch(this.#fd, () => this.#drain(), {
        mode: "oneshot",
        ref: false,
        onFailure: (error) => this.#fail(error),
      });
    } catch (error) {
      close(this.#fd);
      throw error;
    }
  }

  /**
   * Runs a request.
   * @param options - `signal` abandons the waiting; the kernel may carry the request out all the same.
   * @throws {@link NetlinkError} when the kernel refuses, {@link ClosedError} when the socket is closed meanwhile.
   */
  async run<T>(request: NetlinkRequest<T>, { signal }: { signal?: AbortSignal } = {}): Promise<T> {
    signal?.throwIfAborted();
    if (request.kind !== "dump") return (await orAborted(this.#exchange(request), signal)).result();
    for (let attempt = 1; ; attempt++) {
      // The kernel allows one dump at a time on a socket (EBUSY), also while nobody waits for the other.
      const mine = this.#lastDump.then(() => this.#exchange(request));
      this.#lastDump = mine.catch(() => {});
      const exchange = await orAborted(mine, signal);
      if (!exchange.interrupted) return exchange.result();
      if (attempt === DUMP_ATTEMPTS) throw interrupted(request);
    }
  }

  /**
   * Joins a multicast group (NETLINK_ADD_MEMBERSHIP); from then on the socket keeps the process alive.
   * @throws {@link SyscallError} EPERM for a group that needs CAP_NET_ADMIN.
   */
  join(group: number): void {
    this.#assertOpen();
    setsockoptInt(this.#fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, `multicast group ${group}`);
    this.#listening = true;
    this.#watch.setRef(true);
  }

  /** Leaves a multicast group. */
  leave(group: number): void {
    this.#assertOpen();
    setsockoptInt(this.#fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, group, `multicast group ${group}`);
  }

  /** Requests under way are rejected with {@link ClosedError}. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#shutDown(new ClosedError("the netlink socket is closed"));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #exchange<T>(request: NetlinkRequest<T>): Promise<Exchange<T>> {
    return new Promise((resolve, reject) => {
      this.#assertOpen();
      const exchange = new Exchange(request);
      const start = () => {
        try {
          this.#assertOpen();
          this.#start(exchange, () => resolve(exchange), reject);
        } catch (error) {
          reject(error);
        }
      };
      if (this.#pending.size < REQUESTS_IN_FLIGHT) start();
      else this.#turns.push(start);
    });
  }

  #start(exchange: Exchange<unknown>, resolve: () => void, reject: (error: Error) => void): void {
    this.#sequence = this.#sequence === 0xffff_ffff ? 1 : this.#sequence + 1;
    const sequence = this.#sequence;
    const datagram = exchange.encode(sequence);
    const done = (finish: () => void) => {
      if (!this.#pending.delete(sequence)) return;
      finish();
      this.#turns.shift()?.();
      if (this.#pending.size === 0 && !this.#listening) this.#watch.setRef(false);
    };
    this.#pending.set(sequence, {
      exchange,
      settle: () => done(resolve),
      reject: (error) => done(() => reject(error)),
    });
    this.#watch.setRef(true);
    const sending = this.#reactor.send(this.#fd, datagram).then(
      () => {},
      (error: Error) => this.#pending.get(sequence)?.reject(error),
    );
    this.#sending.add(sending);
    void sending.finally(() => this.#sending.delete(sending));
  }

  /** For messages: what is waited for. */
  get #what(): string {
    const names = [...this.#pending.values()].map(({ exchange }) => exchange.request.name);
    return names.length === 0 ? "netlink" : `netlink, waiting for ${names.join(", ")}`;
  }

  /** Reads until there is nothing more; when that takes long, in turns of the event loop that follow one another. */
  #drain(): void {
    inbox ??= new Inbox();
    const end = performance.now() + MS_PER_TURN;
    while (this.#ended === undefined) {
      const messages = inbox.receive(this.#fd, MSG_DONTWAIT);
      if (messages === -EAGAIN || messages === -EINTR) {
        this.#watch.rearm();
        return;
      }
      if (messages === -ENOBUFS) this.#overrun();
      else if (typeof messages === "number") this.#fail(new SyscallError("recvfrom", -messages, this.#what));
      else while (messages.next()) this.#dispatch(messages);
      if (performance.now() > end) {
        setImmediate(() => this.#drain());
        return;
      }
    }
  }

  #dispatch(message: NetlinkCursor): void {
    if (message.type === NLMSG_OVERRUN) {
      this.#overrun();
      return;
    }
    const pending = message.sequence === 0 ? undefined : this.#pending.get(message.sequence);
    if (pending !== undefined) {
      if (pending.exchange.take(message)) pending.settle();
    } else if (message.type >= NLMSG_MIN_TYPE) {
      this.#listener?.onNotification(message.message());
    }
  }

  /** Answers may be among what was lost: whoever waits for one is told, and asks again. */
  #overrun(): void {
    const error = new SyscallError("recvfrom", ENOBUFS, "netlink");
    for (const pending of [...this.#pending.values()]) pending.reject(error);
    this.#listener?.onOverrun();
  }

  #fail(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#closed = this.#shutDown(error);
    this.#listener?.onFailure?.(error);
  }

  async #shutDown(reason: Error): Promise<void> {
    this.#ended = reason;
    // Those whose turn has not come start now, and find the socket closed.
    while (this.#pending.size > 0 || this.#turns.length > 0) {
      for (const pending of [...this.#pending.values()]) pending.reject(reason);
      this.#turns.shift()?.();
    }
    this.#watch.close();
    // A send under way in the other thread must not meet another file under this number.
    await Promise.allSettled([...this.#sending]);
    close(this.#fd);
  }

  #assertOpen(): void {
    if (this.#ended !== undefined) throw this.#ended;
  }
}

/**
 * PPPoL2TP sockets (`linux/if_pppol2tp.h`): one for a session, through which PPP reaches the kernel's L2TP, and one
 * that manages a tunnel. They stand on a tunnel that is in the kernel already, made through generic netlink.
 */
import { PlaneError, type PlaneStatistics } from "@l2tp/dataplane";
import {
  abi,
  decodePppoxAddress,
  encodePppoxAddress,
  type Fd,
  type Pppol2tpAddress,
  pppabi,
  SyscallError,
  sys,
} from "@l2tp/linux";
import type { L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { kernelError, moduleMissing } from "../failure.ts";

/** PPPOL2TP_SO_*: what can be set of a socket. */
export const PPPOL2TP_OPTIONS = {
  /** A mask of messages; the kernel ignores it since 5.10. The only option of a management socket. */
  debug: pppabi.PPPOL2TP_SO_DEBUG,
  /** 1: drop messages without sequence number. */
  receiveSequence: pppabi.PPPOL2TP_SO_RECVSEQ,
  /** 1: send sequence numbers. */
  sendSequence: pppabi.PPPOL2TP_SO_SENDSEQ,
  /** 1: the peer's use of sequence numbers does not change ours. */
  lnsMode: pppabi.PPPOL2TP_SO_LNSMODE,
  /** How long messages wait for those before them, in milliseconds. */
  reorderMs: pppabi.PPPOL2TP_SO_REORDERTO,
} as const;

/** The name of an option. */
export type Pppol2tpOption = keyof typeof PPPOL2TP_OPTIONS;

/** C's `int`. */
const MAX_INT = 0x7fff_ffff;
const NO_SESSION = "EBADR";

/** The tunnel that a socket is for. */
export interface Pppol2tpTunnel {
  readonly version: L2tpVersion;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly peer: SocketAddress;
}

/** The statistics that PPPIOCGL2TPSTATS gives: those of netlink without the two newest. */
export type Pppol2tpStatistics = Omit<PlaneStatistics, "rxCookieDiscards" | "rxInvalid">;

/** Opens an unconnected PPPoL2TP socket in the calling thread's network namespace. @throws PlaneError */
function openSocket(what: string): Fd {
  try {
    return sys.socket(pppabi.AF_PPPOX, abi.SOCK_DGRAM | abi.SOCK_NONBLOCK, pppabi.PX_PROTO_OL2TP, "PPPoL2TP");
  } catch (error) {
    if (error instanceof SyscallError && ["EAFNOSUPPORT", "EPROTONOSUPPORT"].includes(error.code)) {
      throw moduleMissing("ppp", what, error);
    }
    throw kernelError(error, what);
  }
}

/** Why the kernel refuses a connection, by error name. */
const REFUSALS: Readonly<
  Record<string, { readonly code: "closed" | "id-in-use" | "invalid-parameters"; text: string }>
> = {
  ENOENT: { code: "closed", text: "the tunnel is not in the kernel (any more)" },
  ENODEV: { code: "closed", text: "the tunnel is leaving the kernel" },
  EEXIST: {
    code: "id-in-use",
    text: "the session has a PPPoL2TP socket already: another program (pppd, xl2tpd) uses it; choose another session ID",
  },
  EPROTOTYPE: {
    code: "id-in-use",
    text: "the kernel has a session of this ID that carries something else than PPP; choose another session ID",
  },
  EINVAL: {
    code: "invalid-parameters",
    text: "the kernel does not take these IDs, or the tunnel is of the other version or address family",
  },
};

/** One PPPoL2TP socket. Close it when it is no longer needed; a session without a socket has no PPP. */
export class Pppol2tpSocket implements Disposable {
  readonly #fd: Fd;
  /** For messages: `tunnel 7, session 3`. */
  readonly #what: string;
  readonly #management: boolean;
  #open = true;

  private constructor(fd: Fd, what: string, management: boolean) {
    this.#fd = fd;
    this.#what = what;
    this.#management = management;
  }

  /**
   * The socket of a session; the kernel makes the session where it is not there yet (with its own defaults).
   * Synchronous, in the calling thread's network namespace.
   *
   * @throws PlaneError `module-missing`, `closed` (no such tunnel), `id-in-use` (the session has a socket, or is not PPP)
   */
  static session(
    tunnel: Pppol2tpTunnel,
    ids: { readonly sessionId: number; readonly peerSessionId: number },
  ): Pppol2tpSocket {
    return Pppol2tpSocket.#connect(tunnel, ids, `tunnel ${tunnel.tunnelId}, session ${ids.sessionId}`);
  }

  /**
   * The socket that manages a tunnel (session IDs 0): it reads the statistics of any session, and of the tunnel. When
   * it is closed the tunnel stays.
   * @throws PlaneError as {@link Pppol2tpSocket.session}
   */
  static management(tunnel: Pppol2tpTunnel): Pppol2tpSocket {
    return Pppol2tpSocket.#connect(tunnel, { sessionId: 0, peerSessionId: 0 }, `tunnel ${tunnel.tunnelId}`);
  }

  static #connect(
    tunnel: Pppol2tpTunnel,
    ids: { readonly sessionId: number; readonly peerSessionId: number },
    what: string,
  ): Pppol2tpSocket {
    const { version, tunnelId, peerTunnelId, peer } = tunnel;
    let address: Uint8Array;
    try {
      address = encodePppoxAddress({ family: "pppol2tp", version, peer, tunnelId, peerTunnelId, ...ids });
    } catch (error) {
      throw new PlaneError("invalid-parameters", `${what}: ${(error as Error).message}`, { cause: error });
    }
    const fd = openSocket(what);
    try {
      sys.connect(fd, address, `PPPoL2TP ${what}`);
      return new Pppol2tpSocket(fd, what, ids.sessionId === 0);
    } catch (error) {
      sys.close(fd);
      const refusal = error instanceof SyscallError ? REFUSALS[error.code] : undefined;
      if (refusal === undefined) throw kernelError(error, what);
      throw new PlaneError(refusal.code, `${what}: ${refusal.text}`, { cause: error });
    }
  }

  /** @throws PlaneError `closed` */
  get fd(): Fd {
    if (!this.#open) throw new PlaneError("closed", `${this.#what}: its PPPoL2TP socket is closed`);
    return this.#fd;
  }

  /** The address with the IDs that the kernel has. */
  address(): Pppol2tpAddress {
    return decodePppoxAddress(sys.getsockname(this.fd)) as Pppol2tpAddress;
  }

  /**
   * Sets an option.
   *
   * @param value - 0 or 1; milliseconds of `reorderMs`; a mask of `debug`.
   * @throws PlaneError `invalid-parameters`; `unsupported` for what a management socket does not have
   */
  set(option: Pppol2tpOption, value: number): void {
    this.#requireOption(option);
    const largest = option === "debug" || option === "reorderMs" ? MAX_INT : 1;
    if (!Number.isInteger(value) || value < 0 || value > largest) {
      const expected = largest === 1 ? "0 or 1" : `0 to ${largest}`;
      throw new PlaneError("invalid-parameters", `${this.#what}: ${option} ${value}: expected ${expected}`);
    }
    try {
      sys.setsockoptInt(this.fd, pppabi.SOL_PPPOL2TP, PPPOL2TP_OPTIONS[option], value, `PPPoL2TP ${option}`);
    } catch (error) {
      throw this.#optionError(error);
    }
  }

  /** Reads an option. @throws PlaneError `unsupported` for what a management socket does not have */
  get(option: Pppol2tpOption): number {
    this.#requireOption(option);
    try {
      return sys.getsockoptInt(this.fd, pppabi.SOL_PPPOL2TP, PPPOL2TP_OPTIONS[option], `PPPoL2TP ${option}`);
    } catch (error) {
      throw this.#optionError(error);
    }
  }

  #requireOption(option: Pppol2tpOption): void {
    if (!this.#management || option === "debug") return;
    throw new PlaneError(
      "unsupported",
      `${this.#what}: ${option} is an option of a session; the management socket of a tunnel has "debug" only`,
    );
  }

  #optionError(error: unknown): PlaneError {
    // ENOTCONN, EBADF: the kernel took the session from the socket.
    return kernelError(error, this.#what, { ENOTCONN: "closed", EBADF: "closed", ENODEV: "closed" });
  }

  /**
   * The counters (PPPIOCGL2TPSTATS): of the session; of a management socket those of its tunnel, or of one session.
   *
   * @param sessionId - for a management socket; the kernel's structure has room for IDs up to 65,535.
   * @throws PlaneError `closed` when there is no such session
   */
  statistics(sessionId = 0): Pppol2tpStatistics {
    const layout = pppabi.pppol2tp_ioc_stats;
    if (!Number.isInteger(sessionId) || sessionId < 0 || sessionId > 0xffff) {
      throw new PlaneError(
        "invalid-parameters",
        `${this.#what}: session ID ${sessionId}: PPPIOCGL2TPSTATS takes 0 to 65535; ask generic netlink for others`,
      );
    }
    const octets = new Uint8Array(layout.size);
    const view = new DataView(octets.buffer);
    view.setUint16(layout.session_id, sessionId, true);
    try {
      sys.ioctl(this.fd, pppabi.PPPIOCGL2TPSTATS, octets, "PPPIOCGL2TPSTATS");
    } catch (error) {
      if (error instanceof SyscallError && error.code === NO_SESSION) {
        throw new PlaneError("closed", `${this.#what}: it has no session ${sessionId}`, { cause: error });
      }
      throw this.#optionError(error);
    }
    const counter = (at: number) => Number(view.getBigUint64(at, true));
    return {
      txPackets: counter(layout.tx_packets),
      txBytes: counter(layout.tx_bytes),
      txErrors: counter(layout.tx_errors),
      rxPackets: counter(layout.rx_packets),
      rxBytes: counter(layout.rx_bytes),
      rxErrors: counter(layout.rx_errors),
      rxSeqDiscards: counter(layout.rx_seq_discards),
      rxOosPackets: counter(layout.rx_oos_packets),
    };
  }

  /** Idempotent. The last socket of a session takes the session with it. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    sys.close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

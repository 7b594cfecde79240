/** The kernel's half of a PPP session: the session itself and its PPPoL2TP socket. */
import { PlaneError, type SessionPlaneParameters } from "@l2tp/dataplane";
import { isErrno, kernelError, sessionError } from "../failure.ts";
import { createSession, deleteSession, hasSession, L2SPEC, type L2tpAttributes, PWTYPE } from "../family.ts";
import { sequenceAttributes } from "../sequence.ts";
import type { PppHost } from "./host.ts";
import { Pppol2tpSocket } from "./pppol2tp.ts";

/** The attributes of SESSION_CREATE for PPP. */
function attributesOf({ carrier }: PppHost, p: SessionPlaneParameters): L2tpAttributes {
  return {
    CONN_ID: carrier.tunnelId,
    SESSION_ID: p.sessionId,
    PEER_SESSION_ID: p.peerSessionId,
    PW_TYPE: PWTYPE.ppp,
    ...(carrier.version === 3 && {
      L2SPEC_TYPE: L2SPEC[p.l2SpecificSublayer],
      // COOKIE is what the kernel writes, PEER_COOKIE what it expects.
      ...(p.peerCookie.length > 0 && { COOKIE: p.peerCookie }),
      ...(p.cookie.length > 0 && { PEER_COOKIE: p.cookie }),
    }),
    ...sequenceAttributes(p),
  };
}

export class KernelPppSession {
  readonly socket: Pppol2tpSocket;
  readonly #host: PppHost;
  readonly #sessionId: number;
  #removing: Promise<void> | undefined;

  private constructor(host: PppHost, sessionId: number, socket: Pppol2tpSocket) {
    this.#host = host;
    this.#sessionId = sessionId;
    this.socket = socket;
  }

  /**
   * Makes the session and connects its socket; on failure nothing is left. It is made through generic netlink first, as
   * a session that `connect` makes has no cookies, and the kernel's choice of sublayer.
   * @throws PlaneError `id-in-use`, `module-missing`, `closed`, …
   */
  static async create(host: PppHost, parameters: SessionPlaneParameters): Promise<KernelPppSession> {
    const { kernel, carrier, what } = host;
    const { sessionId, peerSessionId, pseudowire } = parameters;
    try {
      await kernel.run(createSession(kernel.family, attributesOf(host, parameters)));
    } catch (error) {
      // Whether it was made is not known: then it must not be.
      if (isErrno(error, "ENOBUFS")) await deleteQuietly(host, sessionId);
      if (isErrno(error, "EEXIST")) {
        const text = `${what}: the kernel has a session of this ID already ("ip l2tp show session" lists them); choose another`;
        throw new PlaneError("id-in-use", text, { cause: error });
      }
      throw sessionError(error, what, pseudowire);
    }
    try {
      const ids = { sessionId, peerSessionId };
      return new KernelPppSession(
        host,
        sessionId,
        kernel.inNamespace(() => Pppol2tpSocket.session(carrier, ids)),
      );
    } catch (error) {
      await deleteQuietly(host, sessionId);
      throw error;
    }
  }

  /** Whether the kernel still has it: nobody is told when a tunnel takes its sessions with it. */
  async isThere(): Promise<boolean> {
    const { kernel, carrier, what } = this.#host;
    try {
      return await kernel.run(hasSession(kernel.family, carrier.tunnelId, this.#sessionId));
    } catch (error) {
      throw kernelError(error, what);
    }
  }

  /** Takes it out of the kernel, if it is there. Idempotent. */
  remove(): Promise<void> {
    this.#removing ??= deleteQuietly(this.#host, this.#sessionId).finally(() => this.socket.close());
    return this.#removing;
  }
}

async function deleteQuietly({ kernel, carrier }: PppHost, sessionId: number): Promise<void> {
  try {
    await kernel.run(deleteSession(kernel.family, carrier.tunnelId, sessionId));
  } catch {
    // Gone already, with its tunnel or its last socket.
  }
}

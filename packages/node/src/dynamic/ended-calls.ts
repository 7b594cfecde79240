/** Calls that have ended, with what the control plane does not know of them: who used them, and what they have carried. */
import type { ClosedSession, SessionHandle, TunnelHandle } from "@l2tp/control";
import type { PlaneStatistics } from "@l2tp/dataplane";
import type { SocketAddress } from "@l2tp/protocol";

/** A call that has ended not long ago. */
export interface EndedSession extends ClosedSession {
  /** Name of the tunnel that it was on, and where the peer was; undefined when that is not known any more. */
  readonly tunnelName: string | undefined;
  readonly peer: SocketAddress | undefined;
  /** Who used it, where PPP is ours and the peer has proved it. */
  readonly userName: string | undefined;
  /** All that it has carried; undefined where nothing carried it, and until the data plane has let go of it. */
  readonly data: PlaneStatistics | undefined;
}

/** What is kept beside the control plane's history. */
type Known = Pick<EndedSession, "tunnelName" | "peer" | "userName" | "data">;

/** The tunnels that there are, and were. */
type TunnelsByHandle = ReadonlyMap<TunnelHandle, { readonly name: string; readonly peer: SocketAddress }>;

/** See the file's head. */
export class EndedCalls {
  readonly #known = new Map<SessionHandle, Known>();

  /** @param most - as many as the control plane's history has. */
  note(call: SessionHandle, known: Known, most: number): void {
    this.#known.set(call, known);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= most) break;
      this.#known.delete(oldest);
    }
  }

  /** @param tunnels - for calls that never were more than a question. */
  complete(closed: readonly ClosedSession[], tunnels: TunnelsByHandle): readonly EndedSession[] {
    return closed.map((session): EndedSession => {
      const on = tunnels.get(session.tunnel);
      const { tunnelName, peer, userName, data } = this.#known.get(session.session) ?? {
        tunnelName: on?.name,
        peer: on?.peer,
        userName: undefined,
        data: undefined,
      };
      // One that was refused had not got a name yet: that which it would have had.
      const name = session.name === "" ? `call-${session.sessionId}` : session.name;
      return { ...session, name, tunnelName, peer, userName, data };
    });
  }
}

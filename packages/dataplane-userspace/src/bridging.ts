/** Tunnel switching, on the main thread: who is joined to whom, and handing the sending over. */
import { type Bridge, PlaneError, type SessionPlane, type SessionPlaneParameters } from "@l2tp/dataplane";
import { headerRecord } from "./header-record.ts";
import type { SendSide, TunnelHost } from "./host.ts";
import type { SessionOwner } from "./tunnel-path.ts";
import type { BridgeRecord } from "./worker/messages.ts";

/** One bridge, as each of its sessions knows it. */
export interface Bridged {
  /** The way out of a session has changed: its header, or its peer's address. */
  refresh(): Promise<void>;
  end(): Promise<void>;
}

/** A session of this data plane. */
export interface Bridgeable extends SessionPlane {
  readonly carries: "eth" | "ppp";
  readonly wire: TunnelHost;
  readonly owner: SessionOwner;
  readonly row: number;
  /** By whom its messages are sent, if not by its wire. */
  readonly out?: Pick<SendSide, "wire" | "row">;
  readonly parameters: SessionPlaneParameters;
  bridged: Bridged | undefined;
}

/**
 * Joins two sessions, of one wire or of two. While they are, their own interfaces are out of use: each session's frames
 * are sent by the thread that receives the other's.
 * @throws PlaneError `invalid-parameters`, `unsupported`, `closed`
 */
export async function bridgeSessions(one: Bridgeable, other: SessionPlane): Promise<Bridge> {
  const what = `session ${one.sessionId} with session ${other.sessionId}`;
  if (!isBridgeable(other)) {
    throw new PlaneError("unsupported", `bridge of ${what}: the other is not a session of this data plane`);
  }
  if (one === other) throw new PlaneError("invalid-parameters", `bridge of ${what}: it takes two sessions`);
  if (one.carries !== other.carries) {
    throw new PlaneError("invalid-parameters", `bridge of ${what}: one carries Ethernet and the other PPP`);
  }
  if (one.bridged !== undefined || other.bridged !== undefined) {
    throw new PlaneError("invalid-parameters", `bridge of ${what}: one of them is in a bridge already`);
  }
  const ends = [one, other];
  // A bridge may be cut from either end at any time, so it is put together and taken apart one step after the other.
  let turn = Promise.resolve();
  let over = false;
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(work);
    // Whoever asked hears of it; the next one has its turn all the same.
    turn = done.catch(() => {});
    return done;
  };
  const join = (from: Bridgeable, to: BridgeRecord | undefined) =>
    from.wire.receiver.order({ do: "bridge", row: from.row, to });
  const block = ({ wire, row, out = { wire, row } }: Bridgeable, blocked: boolean) =>
    out.wire.sender.order({ do: "block", row: out.row, blocked });
  const connect = async () => {
    await join(one, wayOut(other));
    await join(other, wayOut(one));
  };
  const bridged: Bridged = {
    refresh: () => inTurn(async () => (over ? undefined : connect())),
    end: () =>
      inTurn(async () => {
        if (over) return;
        over = true;
        // First nobody sends by the other thread any more; a session that is gone makes no difference.
        await Promise.all(ends.map((end) => join(end, undefined).catch(() => {})));
        await Promise.all(ends.map((end) => block(end, false).catch(() => {})));
        for (const end of ends) end.bridged = undefined;
      }),
  };
  for (const end of ends) end.bridged = bridged;
  try {
    await inTurn(async () => {
      // First their own thread stops sending, as counters and numbers have one writer.
      await Promise.all(ends.map((end) => block(end, true)));
      await connect();
    });
  } catch (error) {
    await bridged.end();
    throw error;
  }
  return { kind: "direct", [Symbol.asyncDispose]: () => bridged.end() };
}

const isBridgeable = (session: SessionPlane): session is Bridgeable =>
  "bridged" in session && "carries" in session && "wire" in session;

function wayOut({ wire, owner, row, parameters, out = { wire, row } }: Bridgeable): BridgeRecord {
  const { tx, ns } = out.wire.shared.buffers;
  return {
    destination: owner.destinationRecord(parameters.mtu?.dontFragment ?? "path"),
    header: headerRecord(wire.encapsulation, owner, parameters),
    outRow: out.row,
    tx,
    ns,
  };
}

/** A PPP session's entries in the two packet threads. */
import type { SessionPlaneChange, SessionPlaneParameters } from "@l2tp/dataplane";
import { headerRecord } from "./header-record.ts";
import type { SendSide, TunnelHost } from "./host.ts";
import type { SessionOwner } from "./tunnel-path.ts";
import type { PppPath } from "./worker/messages.ts";

/** Whose entries they are. */
export interface PppEntries {
  readonly wire: TunnelHost;
  readonly owner: SessionOwner;
  readonly row: number;
  readonly generation: number;
  readonly out: SendSide;
}

/** Where the session's packets go to and come from. */
export interface PppWay {
  readonly path: PppPath;
  /** The number of the shared TUN; -1 for none. */
  readonly shared: number;
  /** What the receiver writes packets to, and what the sender reads them from; -1 for nothing. */
  readonly tap: { readonly write: number; readonly read: number };
}

/**
 * Begins to carry frames; on failure neither thread has an entry.
 * @throws what the threads refuse
 */
export async function addEntries(
  { wire, owner, row, generation, out }: PppEntries,
  p: SessionPlaneParameters,
  { path, shared, tap }: PppWay,
): Promise<void> {
  const destination = await owner.destination(p.mtu?.dontFragment ?? "path", out.wire);
  const results = await Promise.allSettled([
    wire.receiver.order({
      do: "add-receiver",
      session: {
        row,
        mss: undefined,
        ppp: { path, shared, generation },
        tap: tap.write,
        version: owner.version,
        sessionId: p.sessionId,
        tunnelId: owner.tunnelId,
        cookie: p.cookie.slice(),
        sublayer: p.l2SpecificSublayer === "default",
        receiveSequence: p.receiveSequence,
        ...(owner.version === 2 && p.role === "lac" && { follows: true, sendSequence: p.sendSequence }),
        reorderMs: p.reorderMs,
        peer: owner.address,
      },
    }),
    out.wire.sender.order({
      do: "add-sender",
      session: {
        row: out.row,
        mss: undefined,
        ppp: { path, shared, generation: out.generation },
        tap: tap.read,
        destination,
        header: headerRecord(wire.encapsulation, owner, p),
      },
    }),
  ]);
  const failed = results.find((result) => result.status === "rejected");
  if (failed === undefined) return;
  await removeEntries({ wire, row, out });
  throw failed.reason;
}

/**
 * Changes what the threads do about sequence numbers: the receiver first, whose peer answers.
 *
 * @param p - with the change.
 */
export async function changeSequencing(
  { wire, owner, row, out }: PppEntries,
  p: SessionPlaneParameters,
  { sendSequence: send, receiveSequence: receive, reorderMs }: SessionPlaneChange,
): Promise<void> {
  if (send !== undefined || receive !== undefined || reorderMs !== undefined) {
    await wire.receiver.order({
      do: "set-sequence",
      row,
      ...(send !== undefined && { send }),
      ...(receive !== undefined && { receive }),
      ...(reorderMs !== undefined && { reorderMs }),
    });
  }
  if (send === undefined) return;
  const header = headerRecord(wire.encapsulation, owner, { ...p, sendSequence: send });
  await out.wire.sender.order({ do: "set-header", row: out.row, header });
}

/** The threads forget the session. */
export async function removeEntries({
  wire,
  row,
  out,
}: Omit<PppEntries, "owner" | "generation">): Promise<void> {
  await Promise.all([
    out.wire.sender.order({ do: "remove", row: out.row }).catch(() => {}),
    wire.receiver.order({ do: "remove", row }).catch(() => {}),
  ]);
}

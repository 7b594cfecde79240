/** What the receiving thread knows: sessions and the peers of tunnels. It changes by commands only, between two batches. */
import type { HoldingSlots } from "../packet/sequence.ts";
import type { ReceiveRecord } from "./messages.ts";
import { Peer, RxSession } from "./rx-session.ts";
import { SessionTable } from "./session-table.ts";

/** Tunnel and session ID of L2TPv2, as one word. */
const keyV2 = (tunnelId: number, sessionId: number): number => ((tunnelId << 16) | sessionId) >>> 0;

export class ReceiveTables {
  /** By row. */
  readonly #sessions: (RxSession | undefined)[] = [];
  /** L2TPv3 sessions by their ID. */
  readonly #table = new SessionTable();
  /** L2TPv2 sessions by the IDs of tunnel and session. */
  readonly #tableV2 = new SessionTable();
  /** By tunnel ID. */
  readonly #peers = new Map<number, Peer>();
  readonly #family: 4 | 6;
  readonly #slots: HoldingSlots;

  constructor(family: 4 | 6, slots: HoldingSlots) {
    this.#family = family;
    this.#slots = slots;
  }

  get(row: number): RxSession | undefined {
    return this.#sessions[row];
  }

  find(sessionId: number): RxSession | undefined {
    const row = this.#table.get(sessionId);
    return row === -1 ? undefined : this.#sessions[row];
  }

  findV2(tunnelId: number, sessionId: number): RxSession | undefined {
    const row = this.#tableV2.get(keyV2(tunnelId, sessionId));
    return row === -1 ? undefined : this.#sessions[row];
  }

  /** Where the tunnel's data comes from, from now on. */
  setPeer(tunnelId: number, address: Uint8Array): void {
    this.#peers.get(tunnelId)?.set(address);
  }

  add(record: ReceiveRecord): void {
    const { row, version, tunnelId, sessionId } = record;
    const peer = this.#peers.get(tunnelId) ?? new Peer(tunnelId, this.#family);
    this.#peers.set(tunnelId, peer);
    peer.set(record.peer);
    peer.users++;
    this.#sessions[row] = new RxSession(record, peer, this.#slots);
    if (version === 2) this.#tableV2.set(keyV2(tunnelId, sessionId), row);
    else this.#table.set(sessionId, row);
  }

  /** @returns the session that was there. */
  remove(row: number): RxSession | undefined {
    const session = this.#sessions[row];
    if (session === undefined) return undefined;
    const { peer, version, id } = session;
    if (version === 2) this.#tableV2.delete(keyV2(peer.tunnelId, id));
    else this.#table.delete(id);
    this.#sessions[row] = undefined;
    if (--peer.users === 0) this.#peers.delete(peer.tunnelId);
    return session;
  }
}

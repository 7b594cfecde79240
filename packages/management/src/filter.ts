/** Which rows of a list are wanted. A `*` in a value stands for any characters. */
import { LISTS, type ListName } from "./api.ts";
import { ManagementError } from "./errors.ts";
import type { DialTarget, PeerSummary, PoolStatus } from "./schemas/peer.ts";
import type { ClosedSession, SessionSummary } from "./schemas/session.ts";
import type { ClosedTunnel, TunnelSummary } from "./schemas/tunnel.ts";
import type { SocketAddressValue } from "./schemas/values.ts";
import { formatAddress } from "./text.ts";

/** For tunnels. `peer`: address, address and port, host name, or name of the section that let it in. */
export interface TunnelFilter {
  readonly name?: string | undefined;
  readonly peer?: string | undefined;
  /** `up`, `down`, or a state as it is shown. */
  readonly state?: string | undefined;
}

/** For sessions. */
export interface SessionFilter extends TunnelFilter {
  /** Name of the tunnel, or its ID. */
  readonly tunnel?: string | undefined;
  readonly user?: string | undefined;
}

/** A row of each list. */
export interface RowOf {
  tunnels: TunnelSummary;
  "closed-tunnels": ClosedTunnel;
  sessions: SessionSummary;
  "closed-sessions": ClosedSession;
  peers: PeerSummary;
  pools: PoolStatus;
  "dial-targets": DialTarget;
}

const FILTERS: { [L in ListName]: Record<(typeof LISTS)[L][number], (row: RowOf[L]) => readonly string[]> } =
  {
    tunnels: {
      name: (row) => [row.name, String(row.tunnelId)],
      peer: (row) => [...texts(row.peer), ...given(row.peerHostName, row.peerName)],
      state: (row) => [row.up ? "up" : "down", row.state, ...given(row.controlState)],
    },
    "closed-tunnels": {
      name: (row) => [row.name, String(row.tunnelId)],
      peer: (row) => [...texts(row.peer), ...given(row.peerHostName)],
    },
    sessions: {
      name: (row) => [row.name, String(row.sessionId)],
      tunnel: (row) => [row.tunnel, String(row.tunnelId)],
      peer: (row) => [...texts(row.peer), row.tunnel],
      user: (row) => given(row.user),
      state: (row) => [row.up ? "up" : "down", row.state, ...given(row.callState)],
    },
    "closed-sessions": {
      name: (row) => [row.name, String(row.sessionId)],
      tunnel: (row) => [row.tunnel],
      peer: (row) => [...(row.peer ? texts(row.peer) : []), row.tunnel],
      user: (row) => given(row.user),
    },
    peers: { peer: (row) => [row.address, ...(row.hostNames ?? [])] },
    pools: { name: (row) => [row.name] },
    "dial-targets": { name: (row) => [row.name], state: (row) => [row.state] },
  };

/**
 * @param query - such as `{ state: "up" }`.
 * @returns whether a row is wanted.
 * @throws ManagementError `invalid` for a filter that this list does not have.
 */
export function filterOf<L extends ListName>(
  list: L,
  query: Readonly<Record<string, string | undefined>>,
): (row: RowOf[L]) => boolean {
  const known = FILTERS[list] as Record<string, (row: RowOf[L]) => readonly string[]>;
  const tests = Object.entries(query)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([key, wanted]) => {
      if (!Object.hasOwn(known, key)) {
        throw new ManagementError(
          "invalid",
          `there is no filter ${JSON.stringify(key.slice(0, 40))} for ${list}`,
          {
            remedy: `filters are ${LISTS[list].join(", ")}`,
          },
        );
      }
      const matches = matcher(wanted);
      const values = known[key] as (row: RowOf[L]) => readonly string[];
      return (row: RowOf[L]) => values(row).some(matches);
    });
  return (row) => tests.every((test) => test(row));
}

/** A `*` costs no more than a search for each piece between two of them, so no pattern can hold the daemon up. */
function matcher(wanted: string): (value: string) => boolean {
  const pieces = wanted.split("*");
  if (pieces.length === 1) return (value) => value === wanted;
  const first = pieces[0] as string;
  const last = pieces[pieces.length - 1] as string;
  const middle = pieces.slice(1, -1);
  return (value) => {
    if (value.length < first.length + last.length || !value.startsWith(first) || !value.endsWith(last))
      return false;
    let at = first.length;
    for (const piece of middle) {
      const found = value.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at <= value.length - last.length;
  };
}

const given = (...values: readonly (string | undefined)[]): string[] =>
  values.filter((value) => value !== undefined);

const texts = (address: SocketAddressValue): string[] => [address.address, formatAddress(address)];

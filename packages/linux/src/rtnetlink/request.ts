/** The shape that all requests of rtnetlink have: what differs between kinds of things is their header and attributes. */
import type { NetlinkMessage, NetlinkRequest } from "../netlink.ts";

/** Builds a request about one kind of thing. */
export type RequestBuilder<Thing> = <T>(
  name: string,
  type: number,
  kind: NetlinkRequest<T>["kind"],
  payload: Uint8Array,
  decode: (things: Thing[]) => T,
  /** NLM_F_* beside those of `kind`. */
  flags?: number,
) => NetlinkRequest<T>;

/**
 * Builds requests about one kind of thing: interfaces, addresses, routes, neighbours.
 *
 * @param table - its attributes.
 * @param headerOctets - of the structure before them.
 * @param read - one message of an answer; `undefined` for one that is about something else.
 */
export const requestsOf =
  <Thing>(
    table: NonNullable<NetlinkRequest<unknown>["table"]>,
    headerOctets: number,
    read: (message: NetlinkMessage) => Thing | undefined,
  ): RequestBuilder<Thing> =>
  (name, type, kind, payload, decode, flags = 0) => ({
    name,
    type,
    flags,
    kind,
    payload,
    table,
    headerOctets,
    decode: (replies) => decode(replies.flatMap((reply) => read(reply) ?? [])),
  });

/**
 * Generic netlink (`linux/genetlink.h`): families are known by name and found by number through the controller.
 *
 * A family is declared as a table; its requests follow:
 *
 *     const L2TP = genericFamily({ name: "l2tp", version: 1, attributes: attributes({ CONN_ID: [9, u32] }) });
 *     const id = await socket.run(resolveFamily("l2tp"));
 *     await socket.run(L2TP.request(id, { name: "TUNNEL_GET", command: 4, kind: "get", values: { CONN_ID: 1 } }, …));
 */
import { CTRL_CMD_GETFAMILY, CTRL_CMD_NEWFAMILY, GENL_ID_CTRL, genlmsghdr } from "./abi-netlink.ts";
import {
  type AttributeTable,
  type AttributeValues,
  attributes,
  concat,
  decodeAttributes,
  decodeHeader,
  encodeAttributes,
  encodeHeader,
  listOf,
  type NetlinkMessage,
  type NetlinkRequest,
  nested,
  string,
  u16,
  u32,
} from "./netlink.ts";

const GENLMSGHDR = {
  size: genlmsghdr.size,
  members: { cmd: [genlmsghdr.cmd, "u8"], version: [genlmsghdr.version, "u8"] },
} as const;

const MULTICAST_GROUP = attributes({ NAME: [1, string], ID: [2, u32] });

/** Attributes of the controller, CTRL_ATTR_*. */
const CTRL = attributes({
  FAMILY_ID: [1, u16],
  FAMILY_NAME: [2, string],
  VERSION: [3, u32],
  HDRSIZE: [4, u32],
  MAXATTR: [5, u32],
  MCAST_GROUPS: [7, listOf(nested(MULTICAST_GROUP))],
});

/** A family as this kernel has it. */
export interface ResolvedFamily {
  /** The message type of its requests, replies and notifications. */
  readonly id: number;
  readonly name: string;
  readonly version: number;
  /** Multicast groups by name: what {@link NetlinkSocket.join} takes. */
  readonly groups: ReadonlyMap<string, number>;
}

/** One message of a family. */
export interface GenericMessage<T extends AttributeTable> {
  readonly command: number;
  readonly attributes: AttributeValues<T>;
}

/** Asks the controller for a family by name; ENOENT when this kernel has none (its module is missing). */
export function resolveFamily(name: string): NetlinkRequest<ResolvedFamily> {
  const controller = genericFamily({ name: "nlctrl", version: 1, attributes: CTRL });
  return controller.request(
    { id: GENL_ID_CTRL },
    {
      name: `CTRL_CMD_GETFAMILY ${name}`,
      command: CTRL_CMD_GETFAMILY,
      kind: "get",
      values: { FAMILY_NAME: name },
    },
    (messages) => {
      const found = messages.find(({ command }) => command === CTRL_CMD_NEWFAMILY)?.attributes;
      if (found?.FAMILY_ID === undefined)
        throw new TypeError(`the controller's answer for ${name} has no family ID`);
      const groups = new Map<string, number>();
      for (const { NAME, ID } of found.MCAST_GROUPS ?? []) {
        if (NAME !== undefined && ID !== undefined) groups.set(NAME, ID);
      }
      return { id: found.FAMILY_ID, name: found.FAMILY_NAME ?? name, version: found.VERSION ?? 0, groups };
    },
  );
}

/** What of a generic netlink request is its own. */
export interface GenericRequest<T extends AttributeTable> {
  /** For error messages, such as `L2TP_CMD_TUNNEL_CREATE 7`. */
  readonly name: string;
  readonly command: number;
  readonly kind: NetlinkRequest<unknown>["kind"];
  /** NLM_F_* beside those that the kind implies. */
  readonly flags?: number;
  readonly values: AttributeValues<T>;
}

/** A family's declaration: see {@link genericFamily}. */
export interface GenericFamily<T extends AttributeTable> {
  readonly name: string;
  /** A request; `decode` gets the answer's messages of this family. */
  request<R>(
    family: Pick<ResolvedFamily, "id">,
    request: GenericRequest<T>,
    decode: (messages: GenericMessage<T>[]) => R,
  ): NetlinkRequest<R>;
  /** Reads a reply or a notification; `undefined` for one that is not of this family, or too short. */
  decode(family: Pick<ResolvedFamily, "id">, message: NetlinkMessage): GenericMessage<T> | undefined;
}

/** Declares a family by its table of attributes. */
export function genericFamily<T extends AttributeTable>(declaration: {
  readonly name: string;
  readonly version: number;
  readonly attributes: T;
}): GenericFamily<T> {
  const { name, version, attributes: table } = declaration;
  const decode: GenericFamily<T>["decode"] = (family, message) => {
    const header = message.type === family.id ? decodeHeader(GENLMSGHDR, message.payload) : undefined;
    if (header === undefined) return undefined;
    return {
      command: header.cmd,
      attributes: decodeAttributes(table, message.payload.subarray(GENLMSGHDR.size)),
    };
  };
  return {
    name,
    decode,
    request: (family, { name: label, command, kind, flags = 0, values }, read) => ({
      name: label,
      type: family.id,
      flags,
      kind,
      payload: concat([encodeHeader(GENLMSGHDR, { cmd: command, version }), encodeAttributes(table, values)]),
      table,
      headerOctets: GENLMSGHDR.size,
      decode: (replies) =>
        read(
          replies.flatMap((reply) => {
            const message = decode(family, reply);
            return message === undefined ? [] : [message];
          }),
        ),
    }),
  };
}

/**
 * What the kernel answers to a netlink request that it refuses: a {@link SyscallError} with its own words and
 * the attribute that it objects to.
 */
import { errnoName } from "./errno.ts";
import { SyscallError } from "./errors.ts";
import { type Acknowledgement, type NetlinkRequest, nameAt } from "./netlink.ts";

/** A netlink request was refused. `syscall` is `netlink`, `what` the request's name. */
export class NetlinkError extends SyscallError {
  override readonly name = "NetlinkError";
  /** The kernel's own words (extended ack), where it gave any. */
  readonly kernelText: string | undefined;
  /** Octets from the start of the request's `nlmsghdr` to the attribute it objects to. */
  readonly offset: number | undefined;
  /** That attribute's name, such as `LINKINFO.KIND`, or the one that is missing. */
  readonly attribute: string | undefined;

  constructor(
    request: Pick<NetlinkRequest<unknown>, "name" | "payload" | "table" | "headerOctets">,
    ack: Acknowledgement,
  ) {
    super("netlink", ack.errno, request.name);
    this.kernelText = ack.text;
    this.offset = ack.offset;
    this.attribute = attributeOf(request, ack);
    const detail = [
      ack.text,
      this.attribute === undefined ? undefined : `attribute ${this.attribute}`,
    ].filter((part) => part !== undefined);
    // The kernel's words say more than errno's general remedy: they come first.
    this.message =
      `${request.name}: ${errnoName(ack.errno)} (${ack.errno})` +
      (detail.length === 0 ? "" : `: the kernel says: ${detail.join(", ")}`) +
      (this.remedy === undefined ? "" : `: ${this.remedy}`);
  }
}

function attributeOf(
  { payload, table, headerOctets = 0 }: Pick<NetlinkRequest<unknown>, "payload" | "table" | "headerOctets">,
  ack: Acknowledgement,
): string | undefined {
  if (table === undefined) return undefined;
  if (ack.offset !== undefined) return nameAt(table, payload, headerOctets, ack.offset);
  if (ack.missingType !== undefined && ack.missingNest === undefined) {
    const missing = Object.entries(table).find(([, [type]]) => type === ack.missingType);
    return `${missing?.[0] ?? ack.missingType} (missing)`;
  }
  return undefined;
}

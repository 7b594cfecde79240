/** One of several messages of L2TPv2, told apart by `type`. */
import type { Message, MessageName } from "@l2tp/protocol";

type V2Name = { [K in MessageName]: [Message<K, 2>] extends [never] ? never : K }[MessageName];

/** The union of the messages with these names. */
export type MessageOf<K extends V2Name> = { [N in K]: Message<N, 2> }[K];

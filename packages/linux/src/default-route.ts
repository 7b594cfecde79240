/** A default route of ours beside those that are there. */
import { RT_TABLE_MAIN } from "./abi-netlink.ts";
import type { NetlinkRunner } from "./interface-settings.ts";
import type { NetlinkMessage } from "./netlink.ts";
import * as routes from "./rtnetlink/route.ts";

const WHOLE = { 4: "0.0.0.0/0", 6: "::/0" } as const;
/** More specific than a default route, so that one that is there may stay. */
const HALVES = { 4: ["0.0.0.0/1", "128.0.0.0/1"], 6: ["::/1", "8000::/1"] } as const;
/** What routes have whose maker names no metric. */
const USUAL_METRIC = { 4: 0, 6: 1024 } as const;

/**
 * The destinations to route so that packets to anywhere go through an interface: all at once, or in two halves where somebody
 * else has a default route that ours would collide with, or lose against.
 *
 * @param interfaceIndex - whose routes do not count: they are ours.
 * @throws SyscallError
 */
export async function defaultDestinations(
  netlink: NetlinkRunner,
  family: 4 | 6,
  interfaceIndex: number,
): Promise<readonly string[]> {
  let another = false;
  // One by one: a host may have a million.
  const look = (message: NetlinkMessage) => {
    const route = routes.decodeRoute(message);
    another ||=
      route?.prefixLength === 0 &&
      route.table === RT_TABLE_MAIN &&
      route.interfaceIndex !== interfaceIndex &&
      (route.metric ?? 0) <= USUAL_METRIC[family];
  };
  await netlink.run({ ...routes.list({ family }), each: look, decode: () => [] });
  return another ? HALVES[family] : [WHOLE[family]];
}

/** Routes that lead to all users of pools: for an interface that their sessions share. */
import { prefixesOf, readRange } from "@l2tp/access";
import type { PoolConfig, PppAttachmentConfig, PppProfileConfig } from "./types.ts";

/** The fewest prefixes that have all addresses of the pools, those that are excluded too: nobody else has them. */
export function poolRoutes(pools: readonly PoolConfig[]): string[] {
  const texts = pools.flatMap(({ ranges = [], ipv6 = [], delegated = [] }) => [
    ...ranges,
    ...ipv6,
    ...delegated,
  ]);
  return [
    ...new Set(
      texts.flatMap((text) => {
        const read = readRange(text);
        return "range" in read ? prefixesOf(read.range) : [];
      }),
    ),
  ];
}

/** A profile whose shared interface has our address and the routes of all pools: any user may come to it. */
export function withPools(profile: PppProfileConfig, pools: readonly PoolConfig[]): PppProfileConfig {
  const { attach, options, pool } = profile;
  if (attach?.to !== "shared") return profile;
  const ownPool = pools.find(({ name }) => name === pool);
  const local = (options.ipv4 === false ? undefined : options.ipv4.local) ?? ownPool?.local;
  const addresses = attach.addresses.length === 0 && local !== undefined ? [`${local}/32`] : attach.addresses;
  const routes = [...new Set([...attach.routes, ...poolRoutes(pools)])];
  return { ...profile, attach: { ...attach, addresses, routes } satisfies PppAttachmentConfig };
}

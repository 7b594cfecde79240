/** Which addresses are hidden behind the host's own: those that PPP profiles with `masquerade` give to peers. */
import { type AddressRange, prefixesOf, readRange } from "@l2tp/access";
import type { Config, PoolConfig, PppProfileConfig, UserConfig } from "@l2tp/config";
import type { MasqueradeRule } from "@l2tp/linux";

/** fc00::/7 (RFC 4193 §3.1): not routed in the Internet. Other addresses of IPv6 need no masquerading. */
export const isUniqueLocal = (address: string): boolean => /^f[cd]/i.test(address);

/** In ascending order, in the fewest prefixes; of IPv6 only what is unique local. */
export function maskedPrefixes(config: Config): MasqueradeRule[] {
  const behind = new Map<string | undefined, string[]>();
  for (const profile of config.profiles.ppp) {
    const { masquerade } = profile;
    if (masquerade === false) continue;
    const outputInterface = masquerade === true ? undefined : masquerade;
    const texts = behind.get(outputInterface) ?? [];
    texts.push(...addressesOf(profile, config));
    behind.set(outputInterface, texts);
  }
  return [...behind].flatMap(([outputInterface, texts]) =>
    merged(texts.filter((text) => !text.includes(":") || isUniqueLocal(text))).map((prefix) => ({
      prefix,
      ...(outputInterface !== undefined && { outputInterface }),
    })),
  );
}

/** A session that we dial: its place, and what is said of its packets. */
export interface DialledSession {
  /** Of tunnel and session. */
  readonly name: string;
  readonly namespace: string | undefined;
  /** Where the document chooses it. */
  readonly interfaceName: string | undefined;
  readonly profile: PppProfileConfig;
}

/** Sessions of ours whose PPP is our own. */
export function dialledSessions({ tunnels }: Config): DialledSession[] {
  return tunnels.flatMap((tunnel) =>
    tunnel.mode !== "dynamic"
      ? []
      : tunnel.sessions.flatMap(({ name, ppp: profile, interface: wanted }) => {
          if (profile === undefined) return [];
          const interfaceName = wanted.name?.includes("%") === true ? undefined : wanted.name;
          return [
            { name: nameOfSession(tunnel.name, name), namespace: tunnel.namespace, interfaceName, profile },
          ];
        }),
  );
}

/** One name for a session of a tunnel. */
export const nameOfSession = (tunnel: string, session: string): string => JSON.stringify([tunnel, session]);

/** What leaves through a session that we dial comes from its address: of IPv4 all, of IPv6 what is unique local. */
export function maskedBehind(outputInterface: string, { options }: PppProfileConfig): MasqueradeRule[] {
  const rule = (prefix: string) => ({ prefix, outputInterface, wherever: true });
  return [
    ...(options.ipv4 === false ? [] : [rule("0.0.0.0/0")]),
    ...(options.ipv6 === false ? [] : [rule("fc00::/7")]),
  ];
}

/** All that a peer of this profile may have. */
function addressesOf(profile: PppProfileConfig, { pools, users }: Config): string[] {
  const { options, pool, routes } = profile;
  const mayUse = users.filter(({ profiles }) => profiles === undefined || profiles.includes(profile.name));
  const names = [pool, ...mayUse.map((user) => user.pool)];
  return [
    ...(options.ipv4 !== false && options.ipv4.peer !== undefined ? [options.ipv4.peer] : []),
    ...routes,
    ...mayUse.flatMap(addressesOfUser),
    ...chainOf(names, pools).flatMap(({ ranges = [], ipv6 = [], delegated = [] }) => [
      ...ranges,
      ...ipv6,
      ...delegated,
    ]),
  ];
}

const addressesOfUser = ({ address, ipv6Prefix, delegatedPrefix, routes = [] }: UserConfig): string[] =>
  [address, ipv6Prefix, delegatedPrefix, ...routes].filter((text) => text !== undefined);

/** Pools by name, and those that are asked when one is empty. */
function chainOf(names: readonly (string | undefined)[], pools: readonly PoolConfig[]): PoolConfig[] {
  const found = new Set<PoolConfig>();
  for (const name of names) {
    let pool = pools.find((one) => one.name === name);
    while (pool !== undefined && !found.has(pool)) {
      found.add(pool);
      const { next } = pool;
      pool = pools.find((one) => one.name === next);
    }
  }
  return [...found];
}

/** Neighbours and what overlaps become one. */
function merged(texts: readonly string[]): string[] {
  const ranges = texts
    .flatMap((text) => {
      const read = readRange(text);
      return "range" in read ? [read.range] : [];
    })
    .sort((a, b) => a.family - b.family || (a.first < b.first ? -1 : a.first > b.first ? 1 : 0));
  const joined: AddressRange[] = [];
  for (const { family, first, last } of ranges) {
    const before = joined.at(-1);
    if (before === undefined || before.family !== family || first > before.last + 1n) {
      joined.push({ family, first, last });
    } else if (last > before.last) joined[joined.length - 1] = { ...before, last };
  }
  return joined.flatMap(prefixesOf);
}

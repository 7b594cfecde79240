/** An application's own keys: zod shapes for each level, whose types flow into the result. */
import type * as z from "zod";
import { DAEMON_KEYS, HOOK_KEYS, ROOT_KEYS, ROOT_TABLES } from "./keys/daemon.ts";
import { LIMIT_KEYS } from "./keys/limits.ts";
import { CALL_KEYS, LISTEN_KEYS, PEER_KEYS } from "./keys/peer.ts";
import { PPP_KEYS } from "./keys/ppp.ts";
import { SESSION_KEYS, SESSION_PROFILE_KEYS } from "./keys/session.ts";
import { TUNNEL_KEYS, TUNNEL_PROFILE_KEYS } from "./keys/tunnel.ts";
import { NAME_KEYS, POOL_KEYS, USER_KEYS } from "./keys/user.ts";

/** Keys with their schemas, as `z.object` takes them. A key that may be absent is `.optional()` or has a default. */
export type Shape = Readonly<Record<string, z.ZodType>>;

/** What an application adds: at the top, to each tunnel, to each session. Schemas must not be asynchronous. */
export interface Extensions<
  Root extends Shape = Shape,
  Tunnel extends Shape = Shape,
  Session extends Shape = Shape,
> {
  readonly root?: Root;
  readonly tunnel?: Tunnel;
  readonly session?: Session;
}

/** What a shape's keys become. */
export type ExtensionOf<S extends Shape> = z.output<z.ZodObject<S>>;

/** No keys. */
export type NoExtension = Record<never, never>;

const TAKEN: Readonly<Record<keyof Extensions, readonly string[]>> = {
  root: [...Object.keys(ROOT_KEYS), ...ROOT_TABLES],
  tunnel: [...Object.keys(TUNNEL_KEYS), "session"],
  session: Object.keys(SESSION_KEYS),
};

/** @throws TypeError when an extension has a key that is ours. */
export function checkExtensions(extensions: Extensions): void {
  for (const level of ["root", "tunnel", "session"] as const) {
    for (const name of Object.keys(extensions[level] ?? {})) {
      if (TAKEN[level].includes(name)) {
        throw new TypeError(`extensions.${level}.${name}: l2tpd has a key of this name; choose another`);
      }
    }
  }
}

/** In which tables a key of this name is at home. */
export function homesOf(name: string): string[] {
  if (name === "session") return ["below its tunnel, as [tunnel.NAME.session.NAME]"];
  // `[tunnels.x]` is a slip, and no key of `[limits]`.
  if ((ROOT_TABLES as readonly string[]).some((table) => name === `${table}s`)) return [];
  const homes = Object.entries({
    "at the top, before all tables": ROOT_KEYS,
    "in [daemon]": DAEMON_KEYS,
    "in [limits]": LIMIT_KEYS,
    "in [hooks]": HOOK_KEYS,
    "in [listen.NAME]": LISTEN_KEYS,
    "in [peer.NAME]": PEER_KEYS,
    "in [call.NAME]": CALL_KEYS,
    "in [user.NAME]": USER_KEYS,
    "in [names]": NAME_KEYS,
    "in [pool.NAME]": POOL_KEYS,
    "in [profile.tunnel.NAME]": TUNNEL_PROFILE_KEYS,
    "in [profile.session.NAME]": SESSION_PROFILE_KEYS,
    "in [profile.ppp.NAME]": PPP_KEYS,
    "in [tunnel.NAME]": TUNNEL_KEYS,
    "in [tunnel.NAME.session.NAME]": SESSION_KEYS,
  })
    .filter(([, keys]) => Object.hasOwn(keys, name))
    .map(([home]) => home);
  const withoutProfiles = homes.filter((home) => !home.includes("[profile."));
  return withoutProfiles.length > 0 ? withoutProfiles : homes;
}

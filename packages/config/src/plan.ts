/** What a reload does: from the old configuration and the new one, the steps between them. Pure. */
import { changedMembers } from "./difference.ts";
import type { Config, ListenerConfig, SessionConfig, TunnelConfig } from "./types.ts";
import {
  DAEMON_WRITTEN,
  HOOKS_WRITTEN,
  LIMITS_WRITTEN,
  LISTENER_WRITTEN,
  NAMES_WRITTEN,
  SESSION_WRITTEN,
  TRANSPORT_WRITTEN,
  TUNNEL_WRITTEN,
  writtenAs,
} from "./written-as.ts";

/** What can change in a session that is up, as the data plane takes it. */
export interface SessionChange {
  readonly sendSequence?: boolean;
  readonly receiveSequence?: boolean;
  readonly reorderMs?: number;
  readonly mtuOctets?: number;
}

/** One step. `tunnel` and `session` are names. */
export type Step =
  | { readonly do: "remove-session"; readonly tunnel: string; readonly session: string; readonly why: string }
  | { readonly do: "remove-tunnel"; readonly tunnel: string; readonly why: string }
  /** The control channel takes new settings and starts again; data goes on. */
  | {
      readonly do: "change-transport";
      readonly tunnel: string;
      readonly transport: TunnelConfig["transport"];
      readonly why: string;
    }
  | {
      readonly do: "change-session";
      readonly tunnel: string;
      readonly session: string;
      readonly change: SessionChange;
      readonly why: string;
    }
  | {
      readonly do: "add-tunnel";
      readonly tunnel: string;
      readonly config: TunnelConfig;
      readonly why: string;
    }
  | {
      readonly do: "add-session";
      readonly tunnel: string;
      readonly session: string;
      readonly config: SessionConfig;
      readonly why: string;
    }
  /** A dynamic tunnel takes new settings, secrets, profiles or ways of dialling; a tunnel that is up is not touched. */
  | {
      readonly do: "change-tunnel";
      readonly tunnel: string;
      readonly config: Extract<TunnelConfig, { mode: "dynamic" }>;
      readonly why: string;
    }
  | { readonly do: "remove-listener"; readonly listener: string; readonly why: string }
  | {
      readonly do: "add-listener";
      readonly listener: string;
      readonly config: ListenerConfig;
      readonly why: string;
    }
  /**
   * Peers, calls, users, pools or profiles are others: all that is up stays, unless a peer is gone or is denied, whose
   * tunnels end, or a user, whose sessions do.
   */
  | RuleChange
  /** Keys of `[daemon]`, `[limits]`, `[hooks]` or of an application, as they are written; whoever owns them must look at them. */
  | { readonly do: "change-settings"; readonly of: string; readonly keys: readonly string[] }
  /** Settings that hold from the daemon's next start. */
  | { readonly do: "restart-daemon"; readonly keys: readonly string[] };

/** What has changed of one kind of rules or profiles, by name. */
export interface RuleChange {
  readonly do: "change-rules";
  readonly of:
    | "peers"
    | "calls"
    | "users"
    | "pools"
    | "names"
    | "tunnel profiles"
    | "session profiles"
    | "ppp profiles";
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Those that are not as they were. */
  readonly changed: readonly string[];
  /** They are asked in another order. */
  readonly reordered: boolean;
  readonly why: string;
}

/** Where the daemon has to be started again to heed a change of `[daemon]`. */
const NEEDS_RESTART = new Set(["data_plane", "state_directory", "management_socket", "pid_file"]);

/**
 * The steps of a reload, in the order to take them: first everything goes that must (a removed tunnel takes its
 * sessions along), so that IDs, addresses and interface names are free, then changes in place, then what is new:
 * profiles and rules before those who use them. What is the same in both configurations is not touched and carries on.
 */
export function plan(old: Config, next: Config): Step[] {
  const removals: Step[] = [];
  const changes: Step[] = [];
  const additions: Step[] = [];
  planRules(old, next, changes);
  planListeners(old, next, removals, additions);
  planTunnels(old, next, removals, changes, additions);
  noteExtensions(changes, "the document", old.extensions, next.extensions);
  const daemon = writtenAs(DAEMON_WRITTEN, old.daemon, next.daemon);
  const live = daemon.filter((key) => !NEEDS_RESTART.has(key));
  const limits = writtenAs(LIMITS_WRITTEN, old.limits, next.limits);
  const restart = daemon.filter((key) => NEEDS_RESTART.has(key));
  const hooks = writtenAs(HOOKS_WRITTEN, old.hooks, next.hooks);
  if (live.length > 0) changes.push({ do: "change-settings", of: "daemon", keys: live });
  if (limits.length > 0) changes.push({ do: "change-settings", of: "limits", keys: limits });
  if (hooks.length > 0) changes.push({ do: "change-settings", of: "hooks", keys: hooks });
  if (restart.length > 0) additions.push({ do: "restart-daemon", keys: restart });
  return [...removals, ...changes, ...additions];
}

/** Members of a dynamic tunnel that hold from the next time that it is dialled, or the next call on it. */
const LATER = [
  "profile",
  "secrets",
  "settings",
  "transport",
  "hostName",
  "framingCapabilities",
  "udpChecksum",
  "dial",
  "sessionProfile",
  "pppProfile",
];

function planTunnels(old: Config, next: Config, removals: Step[], changes: Step[], additions: Step[]): void {
  const before = byName(old.tunnels);
  const after = byName(next.tunnels);
  for (const tunnel of old.tunnels) {
    if (!after.has(tunnel.name)) {
      removals.push({ do: "remove-tunnel", tunnel: tunnel.name, why: "no longer configured" });
    }
  }
  for (const tunnel of next.tunnels) {
    const was = before.get(tunnel.name);
    if (!was) {
      addTunnel(additions, tunnel, "new");
      continue;
    }
    const later = tunnel.mode === "dynamic" && was.mode === "dynamic" ? LATER : ["transport"];
    const fixed = changedMembers(was, tunnel, [...later, "sessions", "extensions", "origins"]);
    if (fixed.length > 0) {
      const why = changed(writtenAs(TUNNEL_WRITTEN, was, tunnel, fixed));
      removals.push({ do: "remove-tunnel", tunnel: tunnel.name, why });
      addTunnel(additions, tunnel, why);
      continue;
    }
    const transport = writtenAs(TRANSPORT_WRITTEN, was.transport, tunnel.transport);
    if (tunnel.mode === "dynamic" && was.mode === "dynamic") {
      const soft = changedMembers(was, tunnel, ["sessions", "extensions", "origins"]);
      if (soft.length > 0) {
        const why = `${changed(writtenAs(TUNNEL_WRITTEN, was, tunnel, soft))} (from its next connection)`;
        changes.push({ do: "change-tunnel", tunnel: tunnel.name, config: tunnel, why });
      }
    } else if (transport.length > 0 && tunnel.mode === "quiescent") {
      const why = changed(transport);
      changes.push({ do: "change-transport", tunnel: tunnel.name, transport: tunnel.transport, why });
    }
    noteExtensions(changes, `tunnel ${tunnel.name}`, was.extensions, tunnel.extensions);
    planSessions(was, tunnel, removals, changes, additions);
  }
}

function planListeners(old: Config, next: Config, removals: Step[], additions: Step[]): void {
  const after = byName(next.listeners);
  const before = byName(old.listeners);
  for (const { name } of old.listeners) {
    if (!after.has(name)) {
      removals.push({ do: "remove-listener", listener: name, why: "no longer configured" });
    }
  }
  for (const config of next.listeners) {
    const { name } = config;
    const was = before.get(name);
    const keys = was === undefined ? [] : writtenAs(LISTENER_WRITTEN, was, config);
    if (was !== undefined && keys.length === 0) continue;
    const why = was === undefined ? "new" : changed(keys);
    if (was !== undefined) removals.push({ do: "remove-listener", listener: name, why });
    additions.push({ do: "add-listener", listener: name, config, why });
  }
}

function planRules(old: Config, next: Config, changes: Step[]): void {
  const kinds = [
    ["pools", old.pools, next.pools],
    ["tunnel profiles", old.profiles.tunnel, next.profiles.tunnel],
    ["session profiles", old.profiles.session, next.profiles.session],
    ["ppp profiles", old.profiles.ppp, next.profiles.ppp],
    ["users", old.users, next.users],
    ["peers", old.peers, next.peers],
    ["calls", old.calls, next.calls],
  ] as const;
  // Profiles are for those who call, and for tunnels that are dialled.
  const isUsed = next.listeners.length > 0 || next.tunnels.some(({ mode }) => mode === "dynamic");
  for (const [of, before, after] of kinds) {
    if (!isUsed && of.endsWith("profiles")) continue;
    const was = byName<{ readonly name: string }>(before);
    const is = byName<{ readonly name: string }>(after);
    const added = [...is.keys()].filter((name) => !was.has(name));
    const removed = [...was.keys()].filter((name) => !is.has(name));
    const kept = [...is.keys()].filter((name) => was.has(name));
    const altered = kept.filter(
      (name) => changedMembers(was.get(name) as object, is.get(name) as object, ["origins"]).length > 0,
    );
    const order = [...was.keys()].filter((name) => is.has(name));
    const asked = of === "peers" || of === "calls" || of === "users";
    const reordered = asked && order.some((name, at) => name !== kept[at]);
    const words = [
      ...(added.length > 0 ? [`new: ${few(added)}`] : []),
      ...(removed.length > 0 ? [`gone: ${few(removed)}`] : []),
      ...(altered.length > 0 ? [changed([few(altered)])] : []),
      ...(reordered ? ["another order"] : []),
    ];
    if (words.length === 0) continue;
    const why = words.join("; ");
    changes.push({ do: "change-rules", of, added, removed, changed: altered, reordered, why });
  }
  const names = writtenAs(NAMES_WRITTEN, old.names, next.names);
  if (names.length > 0) {
    changes.push({
      do: "change-rules",
      of: "names",
      added: [],
      removed: [],
      changed: names,
      reordered: false,
      why: changed(names),
    });
  }
}

/** Names for a line that people read. */
const few = (names: readonly string[]): string =>
  names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");

const changed = (keys: readonly string[]): string => `changed: ${keys.join(", ")}`;

function addTunnel(additions: Step[], tunnel: TunnelConfig, why: string): void {
  additions.push({ do: "add-tunnel", tunnel: tunnel.name, config: tunnel, why });
  for (const session of tunnel.sessions) addSession(additions, tunnel, session, why);
}

function addSession(additions: Step[], tunnel: TunnelConfig, session: SessionConfig, why: string): void {
  additions.push({ do: "add-session", tunnel: tunnel.name, session: session.name, config: session, why });
}

function planSessions(
  was: TunnelConfig,
  tunnel: TunnelConfig,
  removals: Step[],
  changes: Step[],
  additions: Step[],
): void {
  const before = byName<SessionConfig>(was.sessions);
  const after = byName<SessionConfig>(tunnel.sessions);
  const remove = (session: string, why: string): void => {
    removals.push({ do: "remove-session", tunnel: tunnel.name, session, why });
  };
  for (const { name } of was.sessions) if (!after.has(name)) remove(name, "no longer configured");
  for (const session of tunnel.sessions) {
    const old = before.get(session.name);
    if (!old) {
      addSession(additions, tunnel, session, "new");
      continue;
    }
    const change = changeInPlace(old, session);
    const fixed = changedMembers(old, session, [...Object.keys(change), "mtu", "extensions", "origins"]);
    const { mtuOctets: _, ...oldPolicy } = old.mtu;
    const { mtuOctets, ...policy } = session.mtu;
    // From a given MTU back to the path's: only a new interface works that out again.
    const mtuGone = old.mtu.mtuOctets !== undefined && mtuOctets === undefined;
    if (mtuGone || changedMembers(oldPolicy, policy).length > 0) fixed.push("mtu");
    if (fixed.length > 0) {
      const why = changed(writtenAs(SESSION_WRITTEN, old, session, fixed));
      remove(session.name, why);
      addSession(additions, tunnel, session, why);
      continue;
    }
    const members = Object.keys(change).map((name) => (name === "mtuOctets" ? "mtu" : name));
    if (members.length > 0) {
      const why = changed(writtenAs(SESSION_WRITTEN, old, session, members));
      changes.push({ do: "change-session", tunnel: tunnel.name, session: session.name, change, why });
    }
    noteExtensions(
      changes,
      `session ${session.name} of tunnel ${tunnel.name}`,
      old.extensions,
      session.extensions,
    );
  }
}

function changeInPlace(old: SessionConfig, next: SessionConfig): SessionChange {
  const { mtuOctets } = next.mtu;
  return {
    ...(old.sendSequence !== next.sendSequence && { sendSequence: next.sendSequence }),
    ...(old.receiveSequence !== next.receiveSequence && { receiveSequence: next.receiveSequence }),
    ...(old.reorderMs !== next.reorderMs && { reorderMs: next.reorderMs }),
    ...(mtuOctets !== undefined && old.mtu.mtuOctets !== mtuOctets && { mtuOctets }),
  };
}

function noteExtensions(changes: Step[], of: string, old: object, next: object): void {
  const keys = changedMembers(old, next);
  if (keys.length > 0) changes.push({ do: "change-settings", of, keys });
}

const byName = <T extends { readonly name: string }>(all: readonly T[]): Map<string, T> =>
  new Map(all.map((one) => [one.name, one]));

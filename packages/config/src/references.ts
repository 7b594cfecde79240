/** Names that one table has of another, and rules that never come to be asked. */
import { type AddressRange, formatRange, isPattern, matchesPattern, overlap, readRange } from "@l2tp/access";
import { isUnspecified } from "./address.ts";
import { nearest } from "./nearest.ts";
import { type KeyPath, renderPath } from "./problem.ts";
import type { ProfileBooks } from "./profile-tables.ts";
import type { Report } from "./report.ts";
import type { CallRuleConfig, Config, ListenerConfig, PeerConfig } from "./types.ts";

type Draft = Omit<Config, "warnings">;

/** Checks all that tables say of each other. */
export function checkReferences(report: Report, draft: Draft, books: ProfileBooks): void {
  const names = namesOf(draft);
  const known = (path: KeyPath, name: string | undefined, of: Names, form: string): void => {
    if (name !== undefined && !of.has(name)) unknown(report, path, name, of, form);
  };
  for (const { name, listen, tunnelProfile, sessionProfile, pppProfile } of draft.peers) {
    const path = ["peer", name];
    for (const [at, listener] of (listen ?? []).entries()) {
      known([...path, "listen", at], listener, names.listeners, "[listen.NAME]");
    }
    if (tunnelProfile !== undefined) books.tunnel.refer([...path, "tunnel_profile"], tunnelProfile);
    if (sessionProfile !== undefined) books.session.refer([...path, "session_profile"], sessionProfile);
    if (pppProfile !== undefined) books.ppp.refer([...path, "ppp_profile"], pppProfile);
  }
  for (const { name, peer, sessionProfile, pppProfile, switchTo } of draft.calls) {
    const path = ["call", name];
    for (const [at, one] of (peer ?? []).entries()) {
      known([...path, "peer", at], one, names.callers, "[peer.NAME] or [tunnel.NAME]");
    }
    if (sessionProfile !== undefined) books.session.refer([...path, "session_profile"], sessionProfile);
    if (pppProfile !== undefined) books.ppp.refer([...path, "ppp_profile"], pppProfile);
    known([...path, "switch_to"], switchTo, names.dialled, "[tunnel.NAME] that is dynamic");
  }
  for (const { name, pool, profiles } of draft.users) {
    known(["user", name, "pool"], pool, names.pools, "[pool.NAME]");
    for (const [at, profile] of (profiles ?? []).entries()) {
      books.ppp.refer(["user", name, "ppp_profiles", at], profile);
    }
  }
  for (const { name, next } of draft.pools) known(["pool", name, "next"], next, names.pools, "[pool.NAME]");
  for (const { name } of draft.profiles.ppp) {
    known([...books.ppp.path(name), "pool"], books.ppp.own(name).pool, names.pools, "[pool.NAME]");
  }
  for (const tunnel of draft.tunnels) {
    if (tunnel.mode !== "dynamic") continue;
    const { name, origins, sessionProfile, pppProfile } = tunnel;
    // What it has of a profile is told there.
    if (origins["session_profile"] === "given") {
      books.session.refer(["tunnel", name, "session_profile"], sessionProfile);
    }
    if (origins["ppp_profile"] === "given") books.ppp.refer(["tunnel", name, "ppp_profile"], pppProfile);
  }
  checkListeners(report, draft);
  checkPools(report, draft);
  checkPeerSecrets(report, draft);
  neverAsked(report, "peer", draft.peers, coversPeer());
  neverAsked(report, "call", draft.calls, coversCall);
  for (const book of [books.tunnel, books.session, books.ppp]) book.reportUnused();
}

type Names = ReadonlySet<string>;

function namesOf({
  listeners,
  peers,
  pools,
  tunnels,
}: Draft): Record<"listeners" | "callers" | "pools" | "dialled", Names> {
  const all = (of: readonly { readonly name: string }[]): string[] => of.map(({ name }) => name);
  const dialled = all(tunnels.filter(({ mode }) => mode === "dynamic"));
  return {
    listeners: new Set(all(listeners)),
    callers: new Set([...all(peers), ...dialled]),
    pools: new Set(all(pools)),
    dialled: new Set(dialled),
  };
}

function unknown(report: Report, path: KeyPath, name: string, of: Names, form: string): void {
  const near = nearest(name, of);
  report.error({
    code: "unknown-name",
    path,
    reason: `there is no ${form.replaceAll("NAME", /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name))}`,
    ...(near !== undefined && { nearest: near }),
    ...(near === undefined && {
      remedy: of.size === 0 ? "There is none of any name." : `There are: ${[...of].join(", ")}.`,
    }),
  });
}

function checkListeners(report: Report, { listeners, peers }: Draft): void {
  for (const [at, one] of listeners.entries()) {
    const other = listeners.slice(0, at).find((before) => sameSocket(before, one));
    if (other === undefined) continue;
    report.error({
      code: "duplicate",
      path: ["listen", one.name, "local"],
      reason: `${renderPath(["listen", other.name])} has this address and port already`,
    });
  }
  const [listener] = listeners;
  const [peer] = peers;
  if (listener !== undefined && peer === undefined) {
    report.warn({
      code: "missing-key",
      path: ["listen", listener.name],
      part: "key",
      reason: "nobody may call: there is no [peer.NAME]",
      remedy: "Write [peer.any] with a secret to let in everybody who knows it.",
    });
  }
  if (peer !== undefined && listener === undefined) {
    report.warn({
      code: "unused",
      path: ["peer", peer.name],
      part: "key",
      reason: "nobody can call: there is no [listen.NAME]",
      remedy: 'Write [listen.any] with local = "0.0.0.0:1701".',
    });
  }
}

function sameSocket(a: ListenerConfig, b: ListenerConfig): boolean {
  const here =
    a.namespace === b.namespace && a.local.family === b.local.family && a.local.port === b.local.port;
  const any = isUnspecified(a.local.address) && isUnspecified(b.local.address);
  return here && (any || a.local.address === b.local.address);
}

interface Claim {
  readonly range: AddressRange;
  readonly path: KeyPath;
}

function claim(path: KeyPath, text: string): Claim[] {
  const read = readRange(text);
  return "range" in read ? [{ range: read.range, path }] : [];
}

/** No address is in two pools, nor fixed for two users. */
function checkPools(report: Report, { pools, users }: Draft): void {
  const claims: Claim[] = [];
  for (const pool of pools) {
    for (const key of ["ranges", "ipv6", "delegated"] as const) {
      for (const [at, text] of (pool[key] ?? []).entries()) {
        for (const one of claim(["pool", pool.name, key, at], text)) {
          const other = claims.find(({ range }) => overlap(range, one.range));
          if (other !== undefined) {
            report.error({
              code: "duplicate",
              path: one.path,
              reason: `${text} overlaps ${formatRange(other.range)} of ${renderPath(other.path)}`,
            });
          }
          claims.push(one);
        }
      }
    }
  }
  const fixed = new Map<string, KeyPath>();
  for (const user of users) {
    for (const [key, text] of [
      ["address", user.address],
      ["ipv6_prefix", user.ipv6Prefix],
      ["delegated_prefix", user.delegatedPrefix],
    ] as const) {
      if (text === undefined) continue;
      const path = ["user", user.name, key];
      for (const { range } of claim(path, text)) {
        const other = fixed.get(formatRange(range));
        if (other === undefined) fixed.set(formatRange(range), path);
        else report.error({ code: "duplicate", path, reason: `${text} is also ${renderPath(other)}` });
      }
    }
  }
}

/** Settings of a peer's tunnel profile that need a secret. */
function checkPeerSecrets(report: Report, { peers, profiles }: Draft): void {
  for (const { name, secrets, deny, tunnelProfile = "default" } of peers) {
    const profile = profiles.tunnel.find((one) => one.name === tunnelProfile);
    if (profile === undefined || secrets.length > 0 || deny !== undefined) continue;
    const { hiding, challenge } = profile.settings;
    const needs = hiding !== "accept" ? `hiding = "${hiding}"` : challenge ? "challenge = true" : undefined;
    if (needs === undefined) continue;
    report.error({
      code: "missing-key",
      path: ["peer", name, "secret"],
      reason: `missing: ${needs} of ${renderPath(["profile", "tunnel", tunnelProfile])} needs one`,
      remedy: "Write secret or secret_file.",
    });
  }
}

/** Warns of a rule whose callers are all taken by one before it. */
function neverAsked<T extends { readonly name: string }>(
  report: Report,
  kind: string,
  rules: readonly T[],
  covers: (before: T, after: T) => boolean,
): void {
  // Who has thousands of rules made them by a program.
  if (rules.length > 1_000) return;
  for (const [at, rule] of rules.entries()) {
    const before = rules.find((one, place) => place < at && covers(one, rule));
    if (before === undefined) continue;
    report.warn({
      code: "unused",
      path: [kind, rule.name],
      part: "key",
      reason: `never asked: ${renderPath([kind, before.name])} stands before it and takes all that it would`,
      remedy: "Put the narrower one first.",
    });
  }
}

type Texts = readonly string[] | undefined;

const coversNames = (a: Texts, b: Texts): boolean =>
  a === undefined || (b?.every((one) => a.includes(one)) ?? false);

const coversPatterns = (a: Texts, b: Texts): boolean =>
  a === undefined ||
  (b === undefined
    ? a.includes("*")
    : b.every((text) =>
        a.some((pattern) => {
          const [outer, inner] = [pattern.toLowerCase(), text.toLowerCase()];
          return outer === inner || outer === "*" || (!isPattern(inner) && matchesPattern(outer, inner));
        }),
      ));

/** Ranges of a rule, read once for all the rules that it is held against. */
class Ranges {
  readonly #known = new WeakMap<readonly string[], readonly AddressRange[]>();

  of(texts: readonly string[]): readonly AddressRange[] {
    let ranges = this.#known.get(texts);
    if (ranges === undefined) {
      ranges = texts.flatMap((text) => claim([], text)).map(({ range }) => range);
      this.#known.set(texts, ranges);
    }
    return ranges;
  }

  /** Whether every address of `b` is in `a`. */
  cover(a: Texts, b: Texts): boolean {
    if (a === undefined) return true;
    if (b === undefined) return false;
    const outer = this.of(a);
    return this.of(b).every(({ family, first, last }) =>
      outer.some((one) => one.family === family && one.first <= first && one.last >= last),
    );
  }
}

function coversPeer(): (a: PeerConfig, b: PeerConfig) => boolean {
  const ranges = new Ranges();
  return (a, b) =>
    coversNames(a.listen, b.listen) &&
    ranges.cover(a.from, b.from) &&
    coversPatterns(a.hostName, b.hostName) &&
    coversPatterns(a.vendorName, b.vendorName);
}

const coversCall = (a: CallRuleConfig, b: CallRuleConfig): boolean =>
  (a.kind === undefined || a.kind === b.kind) &&
  coversNames(a.peer, b.peer) &&
  coversPatterns(a.calledNumber, b.calledNumber) &&
  coversPatterns(a.callingNumber, b.callingNumber) &&
  coversPatterns(a.subAddress, b.subAddress) &&
  coversPatterns(a.privateGroup, b.privateGroup);

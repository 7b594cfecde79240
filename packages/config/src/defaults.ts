/** The two sets of defaults, and which of them a document gets. */
import { ROOT_KEYS, ROOT_TABLES } from "./keys/daemon.ts";
import { declarationOf } from "./keys/declare.ts";
import { SESSION_KEYS } from "./keys/session.ts";
import { TUNNEL_KEYS } from "./keys/tunnel.ts";
import { type KeyPath, renderPath } from "./problem.ts";
import { isTable, type RawTable } from "./table.ts";
import type { DefaultsProfile, TransportConfig } from "./types.ts";

/** What the profiles differ in. */
export interface ProfileDefaults {
  readonly transport: (version: 2 | 3) => Required<TransportConfig>;
  readonly l2SpecificSublayer: "none" | "default";
}

/** `retryTimeoutMaxMs` 0 is: no cap. */
export const PROFILES: Readonly<Record<DefaultsProfile, ProfileDefaults>> = {
  field: {
    transport: (version) => ({
      windowSize: 16,
      helloTimeoutMs: 60_000,
      retryTimeoutMs: 1_000,
      retryTimeoutMaxMs: 8_000,
      maxRetries: version === 2 ? 5 : 10,
    }),
    l2SpecificSublayer: "default",
  },
  "go-l2tp": {
    transport: () => ({
      windowSize: 4,
      helloTimeoutMs: 0,
      retryTimeoutMs: 1_000,
      // go-l2tp itself has no cap, which changes nothing with its three tries; with more, a dead peer would be
      // noticed after half an hour.
      retryTimeoutMaxMs: 8_000,
      maxRetries: 3,
    }),
    l2SpecificSublayer: "none",
  },
};

/** Chooses the profile of a document, and says why. */
export function chooseProfile(document: RawTable): { profile: DefaultsProfile; why: string } {
  const given = document["defaults"];
  if (given === "field" || given === "go-l2tp") {
    return { profile: given, why: `the document says defaults = "${given}"` };
  }
  const own = firstOwnKey(document);
  if (own)
    return { profile: "field", why: `the document has ${renderPath(own)}, which is no key of go-l2tp` };
  if (!isTable(document["tunnel"])) return { profile: "field", why: "the document has no tunnels" };
  return { profile: "go-l2tp", why: "the document has only keys of go-l2tp" };
}

/** The first key that go-l2tp does not have. Keys that nobody has are errors, and an application's are its own. */
function firstOwnKey(document: RawTable): KeyPath | undefined {
  for (const name of [...Object.keys(ROOT_KEYS), ...ROOT_TABLES.filter((one) => one !== "tunnel")]) {
    if (Object.hasOwn(document, name)) return [name];
  }
  for (const [tunnelName, tunnel] of tablesIn(document["tunnel"])) {
    const path = ["tunnel", tunnelName];
    const own = ownKeyIn(tunnel, TUNNEL_KEYS);
    if (own) return [...path, own];
    for (const [sessionName, session] of tablesIn(tunnel["session"])) {
      const own = ownKeyIn(session, SESSION_KEYS);
      if (own) return [...path, "session", sessionName, own];
    }
  }
  return undefined;
}

function ownKeyIn(table: RawTable, keys: typeof TUNNEL_KEYS | typeof SESSION_KEYS): string | undefined {
  for (const [name, schema] of Object.entries(keys)) {
    if (Object.hasOwn(table, name) && declarationOf(schema).origin === "l2tpd") return name;
  }
  return undefined;
}

const tablesIn = (value: unknown): [string, RawTable][] =>
  isTable(value)
    ? Object.entries(value).filter((entry): entry is [string, RawTable] => isTable(entry[1]))
    : [];

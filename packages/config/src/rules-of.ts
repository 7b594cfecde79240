/** The rules for `@l2tp/access` that a configuration makes. */
import type { RulesData } from "@l2tp/access";
import { type Secrets, secretText } from "./secrets.ts";
import type { Config } from "./types.ts";

/**
 * Peers, calls, users and pools, with their secrets in them: do not print the result.
 * @param secrets - what `readSecrets` found, for a document that has secrets in files.
 * @throws RangeError when a file of a secret was not read.
 */
export function rulesOf(config: Config, secrets?: Secrets): RulesData {
  return {
    peers: config.peers.map(({ origins: _, secrets: sources, ...rule }) => ({
      ...rule,
      secrets: sources.map((source) => secretText(source, secrets)),
    })),
    calls: config.calls.map(({ origins: _, ...rule }) => rule),
    users: config.users.map(({ origins: _, password, ...rule }) => ({
      ...rule,
      ...(password && { password: secretText(password, secrets) }),
    })),
    pools: config.pools.map(({ origins: _, ...rule }) => rule),
    names: config.names,
  };
}

/** `[limits]` and what else of `[daemon]` is the control plane's, in the words of `@l2tp/control`. */
import type { Config } from "@l2tp/config";
import type { EndpointChanges } from "@l2tp/control";
import { hostNameOf, type Surroundings, tunnelChanges } from "./profiles.ts";

/** Secrets are a peer's: what needs one comes with its profile, and is not for whom we know nothing of. */
const WITHOUT_SECRET = { hiding: "accept", challenge: undefined } as const;

/** Settings of the endpoint, all of which a reload may change. */
export function endpointChanges(config: Config, { secret }: Surroundings): EndpointChanges {
  const { unverifiedRetries, ...limits } = config.limits;
  const { history, questionMs, intentMs } = config.daemon;
  const usual = config.profiles.tunnel.find(({ name }) => name === "default");
  return {
    tunnel: usual
      ? { ...tunnelChanges(usual.settings, config), ...WITHOUT_SECRET }
      : { hostName: hostNameOf(config) },
    callerSecrets: callerSecrets(config, secret),
    limits,
    unverifiedRetries,
    questionMs,
    intentMs,
    historyTunnels: history.tunnels,
    historySessions: history.sessions,
    historyMs: history.keepMs,
    messagesRemembered: history.messages,
  };
}

/** Secrets to open the hidden AVPs of a caller with whom nothing is agreed yet: those of all peers that may call. */
function callerSecrets(config: Config, secret: Surroundings["secret"]): string[] {
  return [...new Set(config.peers.flatMap(({ secrets }) => secrets.map(secret)))];
}

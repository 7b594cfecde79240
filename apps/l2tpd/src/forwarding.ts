/** Whether packets of subscribers go any further than this host: switched on where the document says so, else explained. */
import { type Config, poolRoutes } from "@l2tp/config";
import type { Logger } from "@l2tp/node";

/** What of the host is looked at and changed; the functions of `@l2tp/dataplane-userspace`. */
export interface HostForwarding {
  forwardingState(namespace?: string): {
    readonly ipv4: boolean | undefined;
    readonly ipv6: boolean | undefined;
  };
  enableForwarding(options: {
    readonly namespace?: string;
    readonly ipv4?: boolean;
    readonly ipv6?: boolean;
  }): void;
  masqueradeCommands(prefixes: readonly string[]): string[];
}

/** Does, or says, what the PPP profiles that are in use want. Never throws: subscribers reach this host without it. */
export async function applyForwarding(
  config: Config,
  logger: Logger,
  load: () => Promise<HostForwarding> = () => import("@l2tp/dataplane-userspace"),
): Promise<void> {
  const { profiles, listeners, pools } = config;
  if (listeners.length === 0) return;
  const wanted = profiles.ppp.filter(({ forward }) => forward);
  const masked = profiles.ppp.filter(({ masquerade }) => masquerade !== false);
  const ended = profiles.ppp.every(({ attach }) => attach?.to === "program");
  const host = await load();
  // The host is that of each listener; most have one.
  const namespaces = new Set(listeners.map(({ namespace }) => namespace));
  for (const namespace of namespaces) {
    const at = namespace === undefined ? {} : { namespace };
    try {
      if (wanted.length > 0) host.enableForwarding({ ...at, ipv4: true, ipv6: true });
      else if (!ended && host.forwardingState(namespace).ipv4 === false) {
        logger.info(
          at,
          "callers reach this host only, as it forwards no packets; forward = true in their [profile.ppp.NAME] switches that on",
        );
      }
    } catch (error) {
      logger.warn({ error, ...at }, error instanceof Error ? error.message : String(error));
    }
  }
  if (masked.length === 0) return;
  const commands = host.masqueradeCommands(poolRoutes(pools).filter((prefix) => !prefix.includes(":")));
  logger.warn(
    { profiles: masked.map(({ name }) => name) },
    `masquerade is not done by l2tpd itself; with nftables: ${commands.join("; ")}`,
  );
}

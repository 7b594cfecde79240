/** Profiles of the configuration in the words of `@l2tp/node`: for tunnels and calls that others open. */
import { hostname } from "node:os";
import {
  type Config,
  type PppProfileConfig,
  poolRoutes,
  type SecretSource,
  type SessionProfileConfig,
  type TunnelSettingsConfig,
} from "@l2tp/config";
import type { TunnelChanges } from "@l2tp/control";
import type { DataPlaneCapabilities, PppAttachment } from "@l2tp/dataplane";
import { type PppProfile, type Profiles, pppProfile, type SessionDefaults } from "@l2tp/node";
import { runsPppd } from "../needs.ts";

/** What composing needs beside the configuration. */
export interface Surroundings {
  readonly capabilities: DataPlaneCapabilities;
  /** The text of a secret, from the document or its file. */
  secret(source: SecretSource): string;
}

/** Name of the interface that all subscribers share, where the document gives none. */
const SHARED_INTERFACE = "l2tpppp0";

/** Whose end of the call it is: who dials has one session, who is called has many. */
type Role = "dials" | "is-called";

/** Our Host Name where a tunnel has none of its own. */
export const hostNameOf = ({ daemon }: Pick<Config, "daemon">): string => daemon.hostName ?? hostname();

/** Settings of a tunnel without its secrets. */
export function tunnelChanges(settings: TunnelSettingsConfig, config: Config): TunnelChanges {
  const { hostName = hostNameOf(config), ...rest } = settings;
  return { hostName, ...rest };
}

/** A PPP profile; `attach` of the document, else what the data plane does best. @throws PppSettingError, ParameterError */
export function pppProfileOf(
  profile: PppProfileConfig,
  role: Role,
  config: Config,
  { capabilities, secret }: Surroundings,
): PppProfile {
  const { options, ownMethods, user, origins: _, forward: __, masquerade: ___, attach, ...rest } = profile;
  const { authenticatePeer } = options;
  return pppProfile({
    // A subscriber sends only from its addresses; who dials carries a whole network's traffic.
    ...(role === "is-called" && { checkSource: "if-possible" }),
    ...rest,
    attach: attach ?? usualAttachment(role, profile, config, capabilities),
    options: {
      ...options,
      ...(authenticatePeer && {
        authenticatePeer: {
          ...authenticatePeer,
          localName: authenticatePeer.localName ?? hostNameOf(config),
        },
      }),
      ...(user && {
        authenticateSelf: {
          name: user.name,
          password: user.password === undefined ? "" : secret(user.password),
          ...(ownMethods && { methods: ownMethods }),
        },
      }),
    },
  });
}

/** Who dials has an interface of its own; subscribers share one; without interfaces packets go to the program. */
function usualAttachment(
  role: Role,
  profile: PppProfileConfig,
  config: Config,
  { pppLink = [] }: DataPlaneCapabilities,
): PppAttachment {
  if (role === "is-called" && pppLink.includes("shared")) {
    return {
      to: "shared",
      name: SHARED_INTERFACE,
      addresses: [...localAddresses(profile, config)].map((local) => `${local}/32`),
      routes: poolRoutes(config.pools),
    };
  }
  return pppLink.includes("interface") ? { to: "interface" } : { to: "program" };
}

/** Ours on the interface that all share: users of all pools and profiles may come to it, whatever this profile's own is. */
function localAddresses(own: PppProfileConfig, { pools, profiles, tunnels }: Config): Set<string> {
  const dialled = new Set(
    tunnels.flatMap((tunnel) =>
      tunnel.mode === "dynamic" ? tunnel.sessions.map(({ ppp }) => ppp?.name) : [],
    ),
  );
  const ofCallers = profiles.ppp.filter(({ name }) => name === own.name || !dialled.has(name));
  return new Set([
    ...pools.flatMap(({ local }) => local ?? []),
    ...ofCallers.flatMap(({ options }) => (options.ipv4 === false ? [] : (options.ipv4?.local ?? []))),
  ]);
}

/** What sessions of a profile are like. */
export function sessionDefaults(profile: SessionProfileConfig): SessionDefaults {
  const { interface: given, mtu, reorderMs, sendSequence, pppdArgs, pppdOptions } = profile;
  const { txConnectSpeedBps, rxConnectSpeedBps, framingType } = profile;
  return {
    interface: given,
    mtu,
    reorderMs,
    sendSequence,
    placed: {
      txConnectSpeedBps,
      framingType,
      // Of calls that we place: the OCCN says that all data messages have numbers (RFC 2661 §4.4.6).
      ...(profile.receiveSequence && { sequencingRequired: true as const }),
      ...(rxConnectSpeedBps !== undefined && { rxConnectSpeedBps }),
    },
    ...(runsPppd(profile) && { ppp: { by: "pppd", settings: pppdSettings({ pppdArgs, pppdOptions }) } }),
  };
}

/** pppd's options, as the data plane takes them. */
export function pppdSettings({
  pppdArgs,
  pppdOptions,
}: {
  readonly pppdArgs?: string | undefined;
  readonly pppdOptions?: readonly string[] | undefined;
}) {
  return {
    ...(pppdArgs !== undefined && { optionsFile: pppdArgs }),
    ...(pppdOptions !== undefined && { options: pppdOptions }),
  };
}

/** All profiles by name; asked anew for each tunnel and call, so that a reload holds for those that come. */
export class ConfiguredProfiles implements Profiles {
  #tunnels = new Map<string, TunnelChanges>();
  #sessions = new Map<string, SessionDefaults>();
  #ppp = new Map<string, PppProfile>();

  /** Takes those of a configuration. @throws PppSettingError, ParameterError naming what is wrong; nothing has changed then */
  configure(config: Config, surroundings: Surroundings): void {
    const { tunnel, session, ppp } = config.profiles;
    const profiles = ppp.map(
      (one) => [one.name, pppProfileOf(one, "is-called", config, surroundings)] as const,
    );
    this.#ppp = new Map(profiles);
    this.#tunnels = new Map(tunnel.map(({ name, settings }) => [name, tunnelChanges(settings, config)]));
    this.#sessions = new Map(session.map((one) => [one.name, sessionDefaults(one)]));
  }

  tunnel(name: string): TunnelChanges | undefined {
    return this.#tunnels.get(name);
  }

  session(name: string): SessionDefaults | undefined {
    return this.#sessions.get(name);
  }

  ppp(name: string): PppProfile | undefined {
    return this.#ppp.get(name);
  }
}

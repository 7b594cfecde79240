/** Tunnels that we dial, and their sessions, in the words of `@l2tp/node`. */
import type { Config, DynamicSessionConfig, DynamicTunnelConfig, ListenerConfig } from "@l2tp/config";
import type { DynamicSessionInit, DynamicTunnelInit, ListenerInit } from "@l2tp/node";
import { runsPppd } from "../needs.ts";
import { pppdSettings, pppProfileOf, type Surroundings, sessionDefaults, tunnelChanges } from "./profiles.ts";

/** A listener as a context takes it. */
export function listenerInit({ name, local, namespace, udpChecksum }: ListenerConfig): ListenerInit {
  return { name, local, udpChecksum, ...(namespace !== undefined && { namespace }) };
}

/** A tunnel that we dial, without its sessions. */
export function dialledTunnelInit(
  tunnel: DynamicTunnelConfig,
  config: Config,
  surroundings: Surroundings,
): DynamicTunnelInit {
  const { name, peers, dial, local, namespace, udpChecksum, settings, secrets, hostName } = tunnel;
  const session = config.profiles.session.find((profile) => profile.name === tunnel.sessionProfile);
  return {
    ...tunnelChanges(hostName === undefined ? settings : { ...settings, hostName }, config),
    name,
    peers,
    dial,
    udpChecksum,
    secrets: secrets.map(surroundings.secret),
    ...(local && { local }),
    ...(namespace !== undefined && { namespace }),
    ...(session && { session: sessionDefaults(session) }),
  };
}

/** A session that we open. @throws PppSettingError, ParameterError */
export function dialledSessionInit(
  session: DynamicSessionConfig,
  config: Config,
  surroundings: Surroundings,
): DynamicSessionInit {
  const { name, call, interface: given, mtu, reorderMs, sendSequence, ppp } = session;
  const ours = (surroundings.capabilities.pppLink ?? []).length > 0;
  return {
    name,
    call,
    interface: given,
    mtu,
    reorderMs,
    sendSequence,
    ...(runsPppd(session)
      ? { ppp: { by: "pppd", settings: pppdSettings(session) } }
      : ppp && ours && { ppp: { by: "own", profile: pppProfileOf(ppp, "dials", config, surroundings) } }),
  };
}

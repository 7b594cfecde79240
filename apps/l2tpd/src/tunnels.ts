/** Static and quiescent tunnels, from the configuration's words to those of `@l2tp/node`. */
import type { ConfiguredSessionConfig, ConfiguredTunnelConfig, DefaultsProfile } from "@l2tp/config";
import type { Context, QuiescentInit, SessionInit, Tunnel } from "@l2tp/node";
import { FIELD_SETTINGS, GO_L2TP_SETTINGS, type TransportSettings } from "@l2tp/transport";
import { hostIdentity, stableMacAddress } from "./mac-address.ts";

/** The longest cap that the transport takes: as good as none. */
const NO_CAP_MS = 3_600_000;

/** The reliable transport of a configured tunnel. */
export function transportOf(
  { transport, version }: Pick<ConfiguredTunnelConfig, "transport" | "version">,
  profile: DefaultsProfile,
): TransportSettings {
  const base = profile === "go-l2tp" ? GO_L2TP_SETTINGS : FIELD_SETTINGS[version];
  const { windowSize, helloTimeoutMs, retryTimeoutMs, retryTimeoutMaxMs = NO_CAP_MS, maxRetries } = transport;
  return {
    ...base,
    windowSize,
    sendWindowLimit: windowSize,
    helloTimeoutMs,
    retryTimeoutMs,
    retryTimeoutCapMs: retryTimeoutMaxMs,
    maxRetries,
  };
}

/** A session as a context takes it. */
export function configuredSessionInit(
  tunnel: ConfiguredTunnelConfig,
  session: ConfiguredSessionConfig,
): SessionInit {
  const { interface: given, pppoe, pppdArgs, pppdOptions } = session;
  const needsMac = session.pseudowire === "eth" && given.macAddress === undefined;
  const identity = needsMac ? hostIdentity() : undefined;
  return {
    name: session.name,
    pseudowire: session.pseudowire,
    sessionId: session.sessionId,
    peerSessionId: session.peerSessionId,
    cookie: session.cookie,
    peerCookie: session.peerCookie,
    l2SpecificSublayer: session.l2SpecificSublayer,
    sendSequence: session.sendSequence,
    receiveSequence: session.receiveSequence,
    reorderMs: session.reorderMs,
    interface: identity ? { ...given, macAddress: stableMacAddress(identity, tunnel, session) } : given,
    mtu: session.mtu,
    ppp: {
      ...(pppdArgs !== undefined && { optionsFile: pppdArgs }),
      ...(pppdOptions !== undefined && { options: pppdOptions }),
    },
    // As with go-l2tp, the interface of such a session is the Ethernet one that PPPoE comes in by.
    ...(pppoe && { pppoe: { ...pppoe, device: given.name ?? "" }, interface: { up: given.up } }),
  };
}

/** Makes a configured tunnel, without its sessions; it comes up by itself. @throws ParameterError, NameInUseError */
export function startTunnel(
  context: Context,
  tunnel: ConfiguredTunnelConfig,
  profile: DefaultsProfile,
): Tunnel {
  const { name, version, encapsulation, local, peer, tunnelId, peerTunnelId, namespace, udpChecksum } =
    tunnel;
  const init: QuiescentInit = {
    name,
    version,
    encapsulation,
    peer,
    tunnelId,
    peerTunnelId,
    udpChecksum,
    ...(local && { local }),
    ...(namespace !== undefined && { namespace }),
  };
  return tunnel.mode === "static"
    ? context.newStaticTunnel(init)
    : context.newQuiescentTunnel({ ...init, transport: transportOf(tunnel, profile) });
}

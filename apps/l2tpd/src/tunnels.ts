/** From the configuration's words to those of `@l2tp/node`: what is run, and what this version leaves out. */
import type {
  ConfiguredSessionConfig,
  ConfiguredTunnelConfig,
  DefaultsProfile,
  TunnelConfig,
} from "@l2tp/config";
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

/** Why this version of l2tpd does not run a tunnel; undefined when it does. */
export function obstacleTo(tunnel: TunnelConfig): string | undefined {
  return tunnel.mode === "dynamic"
    ? "dynamic tunnels are not there yet: give both ends their IDs (tid, ptid, and sid, psid for each session) and run it as static or quiescent"
    : undefined;
}

function sessionInit(
  tunnel: ConfiguredTunnelConfig,
  session: ConfiguredSessionConfig,
  identity: readonly string[] | undefined,
): SessionInit {
  const { interface: given, pppoe, pppdArgs, pppdOptions } = session;
  const derived = identity && session.pseudowire === "eth" && given.macAddress === undefined;
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
    interface: derived ? { ...given, macAddress: stableMacAddress(identity, tunnel, session) } : given,
    mtu: session.mtu,
    ppp: {
      ...(pppdArgs !== undefined && { optionsFile: pppdArgs }),
      ...(pppdOptions !== undefined && { options: pppdOptions }),
    },
    // As with go-l2tp, the interface of such a session is the Ethernet one that PPPoE comes in by.
    ...(pppoe && { pppoe: { ...pppoe, device: given.name ?? "" }, interface: { up: given.up } }),
  };
}

/** Why this version of l2tpd does not run a session; undefined when it does. */
export function obstacleToSession({
  pseudowire,
  interface: { name },
}: ConfiguredSessionConfig): string | undefined {
  return pseudowire === "pppac" && name === undefined
    ? "the Ethernet interface that its PPPoE session comes in by must be known: give interface_name"
    : undefined;
}

/** Makes a configured tunnel with its sessions; they come up by themselves. @throws ParameterError, NameInUseError */
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
  const made =
    tunnel.mode === "static"
      ? context.newStaticTunnel(init)
      : context.newQuiescentTunnel({ ...init, transport: transportOf(tunnel, profile) });
  const identity = hostIdentity();
  for (const session of tunnel.sessions) {
    if (obstacleToSession(session) === undefined) made.newSession(sessionInit(tunnel, session, identity));
  }
  return made;
}

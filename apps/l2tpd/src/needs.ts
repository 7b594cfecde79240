/** What a document needs of a data plane, and what a data plane lacks of it: how `auto` decides. */
import type {
  Config,
  ConfiguredSessionConfig,
  ConfiguredTunnelConfig,
  DynamicSessionConfig,
  DynamicTunnelConfig,
  PeerConfig,
  PppProfileConfig,
  SessionConfig,
  SessionProfileConfig,
} from "@l2tp/config";
import type { DataPlaneCapabilities } from "@l2tp/dataplane";

/** What a data plane can do. */
export interface Abilities {
  readonly capabilities: DataPlaneCapabilities;
  /** Rewrites the MSS of TCP SYNs of an Ethernet session (`clamp_mss`). */
  readonly clampsMss: boolean;
  /** Limits the rates of a PPP session (`to_peer_rate`, `from_peer_rate`). */
  readonly limitsRates: boolean;
  /** Sends its outer packets with the DF bit where a document wants that (`dont_fragment = "set"`). */
  readonly setsDontFragment: boolean;
  /** Carries nothing by design: nobody expects PPP of it. */
  readonly carriesNothing?: boolean;
}

/** One thing that a document says and a data plane does not do. */
export interface Shortfall {
  /** Such as `session lan of tunnel site-b: clamp_mss`. */
  readonly what: string;
  /** `left out`: the session or tunnel cannot be; `not done`: it is without that. */
  readonly effect: "left out" | "not done";
}

/** Everything that a data plane lacks for a document, in the document's order. */
export function shortfalls(config: Config, abilities: Abilities): Shortfall[] {
  return [
    ...config.listeners.flatMap((listener) => ofListener(listener, config, abilities)),
    ...config.tunnels.flatMap((tunnel) =>
      tunnel.mode === "dynamic" ? ofDialled(tunnel, abilities) : ofConfigured(tunnel, abilities),
    ),
  ];
}

const leftOut = (what: string): Shortfall => ({ what, effect: "left out" });
const notDone = (what: string): Shortfall => ({ what, effect: "not done" });

/** A listener needs UDP, its family, L2TPv2, and PPP as the profiles of those who may call say. */
function ofListener(
  { name, local }: Config["listeners"][number],
  config: Config,
  abilities: Abilities,
): Shortfall[] {
  const where = `listener ${name}`;
  const { versions, encapsulations, families } = abilities.capabilities;
  if (!versions.includes(2)) return [leftOut(`${where}: L2TPv2`)];
  if (!encapsulations.includes("udp")) return [leftOut(`${where}: UDP`)];
  if (!families.includes(local.family)) return [leftOut(`${where}: IPv${local.family}`)];
  const sessions = profilesInUse(config).flatMap((profile) =>
    ofPpp(`sessions of profile ${profile.name} on ${where}`, profile, abilities),
  );
  if (sessions.length > 0) return sessions;
  return [
    ...pppProfilesInUse(config).flatMap((profile) =>
      ofPppProfile(`sessions of [profile.ppp.${profile.name}] on ${where}`, profile, abilities),
    ),
    ...config.users.flatMap((user) => ofRates(`sessions of user ${user.name} on ${where}`, user, abilities)),
  ];
}

/** Of a peer: its session profile, or that of its tunnel profile. */
function sessionProfileOf(peer: PeerConfig, { profiles }: Config): string {
  const ofTunnel = profiles.tunnel.find(({ name }) => name === (peer.tunnelProfile ?? "default"));
  return peer.sessionProfile ?? ofTunnel?.sessionProfile ?? "default";
}

/** Session profiles that peers and calls are given. */
function profilesInUse(config: Config): SessionProfileConfig[] {
  const { peers, calls, profiles } = config;
  const named = new Set([
    ...calls.flatMap(({ sessionProfile }) => sessionProfile ?? []),
    ...peers.flatMap((peer) => (peer.deny === undefined ? sessionProfileOf(peer, config) : [])),
  ]);
  return profiles.session.filter(({ name }) => named.has(name));
}

/** PPP profiles that peers and calls are given: where they say none, their session profile's, then their tunnel profile's. */
function pppProfilesInUse(config: Config): PppProfileConfig[] {
  const { peers, calls, profiles } = config;
  const ofSession = (name: string | undefined) =>
    profiles.session.find((profile) => profile.name === name && !runsPppd(profile));
  const ofPeer = (peer: PeerConfig): string[] => {
    if (peer.deny !== undefined) return [];
    const session = ofSession(sessionProfileOf(peer, config));
    if (session === undefined) return [];
    const ofTunnel = profiles.tunnel.find(({ name }) => name === (peer.tunnelProfile ?? "default"));
    return [peer.pppProfile ?? session.pppProfile ?? ofTunnel?.pppProfile ?? "default"];
  };
  const named = new Set([
    ...peers.flatMap(ofPeer),
    ...calls.flatMap((call) => call.pppProfile ?? ofSession(call.sessionProfile)?.pppProfile ?? []),
  ]);
  return profiles.ppp.filter(({ name }) => named.has(name));
}

function ofTunnel(
  where: string,
  { version, encapsulation }: Pick<ConfiguredTunnelConfig, "version" | "encapsulation">,
  families: readonly (4 | 6 | undefined)[],
  abilities: Abilities,
): Shortfall[] {
  const can = abilities.capabilities;
  if (!can.versions.includes(version)) return [leftOut(`${where}: L2TPv${version}`)];
  if (!can.encapsulations.includes(encapsulation)) return [leftOut(`${where}: encap = "${encapsulation}"`)];
  // A name has a family when it is resolved.
  const [missing] = families.filter((family) => family !== undefined && !can.families.includes(family));
  return missing === undefined ||
    families.some((family) => family === undefined || can.families.includes(family))
    ? []
    : [leftOut(`${where}: IPv${missing}`)];
}

function ofConfigured(tunnel: ConfiguredTunnelConfig, abilities: Abilities): Shortfall[] {
  const own = ofTunnel(`tunnel ${tunnel.name}`, tunnel, [tunnel.peer.family], abilities);
  if (own.length > 0) return own;
  return tunnel.sessions.flatMap((session) => {
    const lacks = ofSession(tunnel.name, session, abilities);
    if (lacks.length > 0 || session.pseudowire !== "ppp" || abilities.carriesNothing) return lacks;
    // Nobody has negotiated its call: its PPP is pppd's, with options or without.
    const { pppd } = abilities.capabilities;
    return pppd === undefined ? [leftOut(`session ${session.name} of tunnel ${tunnel.name}: pppd`)] : [];
  });
}

function ofDialled(tunnel: DynamicTunnelConfig, abilities: Abilities): Shortfall[] {
  const families = tunnel.peers.map(({ family }) => family);
  const own = ofTunnel(`tunnel ${tunnel.name}`, tunnel, families, abilities);
  if (own.length > 0) return own;
  return tunnel.sessions.flatMap((session) => [
    ...ofSession(tunnel.name, session, abilities),
    ...ofPpp(`session ${session.name} of tunnel ${tunnel.name}`, session, abilities),
    ...(session.ppp === undefined || runsPppd(session)
      ? []
      : ofPppProfile(`session ${session.name} of tunnel ${tunnel.name}`, session.ppp, abilities)),
  ]);
}

function ofSession(
  tunnel: string,
  session: ConfiguredSessionConfig | DynamicSessionConfig,
  abilities: Abilities,
): Shortfall[] {
  const { pseudowire, mtu } = session;
  const where = `session ${session.name} of tunnel ${tunnel}`;
  if (!abilities.capabilities.pseudowires.includes(pseudowire)) {
    return [leftOut(`${where}: pseudowire = "${pseudowire}"`)];
  }
  // PPP of our own clamps by itself, and a session of a configured tunnel has pppd.
  const clamps = abilities.clampsMss || pseudowire !== "eth";
  if (mtu.clampMss && !clamps) return [leftOut(`${where}: clamp_mss`)];
  if (mtu.dontFragment === "set" && !abilities.setsDontFragment) {
    return [notDone(`${where}: dont_fragment = "set"`)];
  }
  return [];
}

/** Who runs PPP: pppd where the document has options for it, else we, where the data plane has links for that. */
function ofPpp(
  where: string,
  { pppdArgs, pppdOptions }: Pick<SessionConfig, "pppdArgs" | "pppdOptions">,
  { capabilities: { pppd, pppLink }, carriesNothing }: Abilities,
): Shortfall[] {
  if (carriesNothing) return [];
  if (runsPppd({ pppdArgs, pppdOptions })) return pppd === undefined ? [leftOut(`${where}: pppd`)] : [];
  return (pppLink ?? []).length === 0 ? [leftOut(`${where}: PPP without pppd`)] : [];
}

/** What becomes of the packets of PPP of our own. */
function ofPppProfile(
  where: string,
  { attach, rateLimit }: PppProfileConfig,
  abilities: Abilities,
): Shortfall[] {
  const { capabilities, carriesNothing } = abilities;
  // Without any link at all it is that which is said.
  const { pppLink = [] } = capabilities;
  if (carriesNothing || pppLink.length === 0) return [];
  if (attach !== undefined && !pppLink.includes(attach.to)) {
    return [leftOut(`${where}: attach = "${attach.to}"`)];
  }
  return ofRates(where, rateLimit, abilities);
}

function ofRates(
  where: string,
  limits: { readonly toPeerBps?: number; readonly fromPeerBps?: number } | undefined,
  { limitsRates }: Abilities,
): Shortfall[] {
  const { toPeerBps, fromPeerBps } = limits ?? {};
  if (limitsRates || (toPeerBps ?? fromPeerBps) === undefined) return [];
  return [leftOut(`${where}: ${toPeerBps === undefined ? "from_peer_rate" : "to_peer_rate"}`)];
}

/** Whether the document wants pppd for a session, or sessions of a profile. */
export function runsPppd({
  pppdArgs,
  pppdOptions,
}: {
  readonly pppdArgs?: string | undefined;
  readonly pppdOptions?: readonly string[] | undefined;
}): boolean {
  return pppdArgs !== undefined || pppdOptions !== undefined;
}

/** Negative when `a` lacks less than `b`: a session that cannot be weighs more than any that lacks something. */
export function compareShortfalls(a: readonly Shortfall[], b: readonly Shortfall[]): number {
  const count = (all: readonly Shortfall[], effect: Shortfall["effect"]) =>
    all.filter((one) => one.effect === effect).length;
  return count(a, "left out") - count(b, "left out") || count(a, "not done") - count(b, "not done");
}

/** `session lan of tunnel site-b: clamp_mss (and 3 more)` */
export function summarize(all: readonly Shortfall[]): string {
  const [first] = all;
  if (first === undefined) return "nothing";
  return all.length === 1 ? first.what : `${first.what} (and ${all.length - 1} more)`;
}

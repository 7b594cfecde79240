/** What a document needs of a data plane, and what a data plane lacks of it: how `auto` decides. */
import type { Config, ConfiguredSessionConfig, ConfiguredTunnelConfig } from "@l2tp/config";
import type { DataPlaneCapabilities } from "@l2tp/dataplane";
import { obstacleTo } from "./obstacles.ts";

/** What a data plane can do. */
export interface Abilities {
  readonly capabilities: DataPlaneCapabilities;
  /** Rewrites the MSS of TCP SYNs (`clamp_mss`). */
  readonly clampsMss: boolean;
  /** Sends its outer packets with the DF bit where a document wants that (`dont_fragment = "set"`). */
  readonly setsDontFragment: boolean;
}

/** One thing that a document says and a data plane does not do. */
export interface Shortfall {
  /** Such as `session lan of tunnel site-b: clamp_mss`. */
  readonly what: string;
  /** `left out`: the session or tunnel cannot be; `not done`: it is without that. */
  readonly effect: "left out" | "not done";
}

/** Everything that a data plane lacks for a document, in the document's order. */
export function shortfalls({ tunnels }: Config, abilities: Abilities): Shortfall[] {
  return tunnels.flatMap((tunnel) => {
    // What is left out on every data plane is no reason for any.
    if (obstacleTo(tunnel) !== undefined || tunnel.mode === "dynamic") return [];
    return ofTunnel(tunnel, abilities);
  });
}

function ofTunnel(tunnel: ConfiguredTunnelConfig, abilities: Abilities): Shortfall[] {
  const { versions, encapsulations, families } = abilities.capabilities;
  const { name, version, encapsulation, peer } = tunnel;
  const leftOut = (why: string): Shortfall[] => [{ what: `tunnel ${name}: ${why}`, effect: "left out" }];
  if (!versions.includes(version)) return leftOut(`L2TPv${version}`);
  if (!encapsulations.includes(encapsulation)) return leftOut(`encap = "${encapsulation}"`);
  if (!families.includes(peer.family)) return leftOut(`IPv${peer.family}`);
  return tunnel.sessions.flatMap((session) => ofSession(name, session, abilities));
}

function ofSession(tunnel: string, session: ConfiguredSessionConfig, abilities: Abilities): Shortfall[] {
  const { pseudowire, mtu } = session;
  const where = `session ${session.name} of tunnel ${tunnel}`;
  if (!abilities.capabilities.pseudowires.includes(pseudowire)) {
    return [{ what: `${where}: pseudowire = "${pseudowire}"`, effect: "left out" }];
  }
  if (mtu.clampMss && !abilities.clampsMss) return [{ what: `${where}: clamp_mss`, effect: "left out" }];
  if (mtu.dontFragment === "set" && !abilities.setsDontFragment) {
    return [{ what: `${where}: dont_fragment = "set"`, effect: "not done" }];
  }
  return [];
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

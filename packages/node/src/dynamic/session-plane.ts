/** What a call asks of the data plane, by who runs its PPP; and addresses of PPP in the data plane's form. */
import type { DataPlaneCapabilities, InterfaceAddress, SessionPlaneParameters } from "@l2tp/dataplane";
import type { PppAddresses } from "../ppp/index.ts";
import type { SessionDefaults, SessionPpp } from "./api.ts";

/** Who runs PPP, where nobody said. */
export const pppOf = ({ ppp }: SessionDefaults, { pppd }: DataPlaneCapabilities): SessionPpp =>
  ppp ?? (pppd === undefined ? { by: "plane" } : { by: "pppd" });

/** By what they were made of: calls of one profile share theirs. */
const made = new WeakMap<SessionDefaults, WeakMap<DataPlaneCapabilities, Partial<SessionPlaneParameters>>>();

/** What the control plane does not negotiate. */
export function planeParameters(
  defaults: SessionDefaults,
  capabilities: DataPlaneCapabilities,
): Partial<SessionPlaneParameters> {
  let known = made.get(defaults);
  if (known === undefined) {
    known = new WeakMap();
    made.set(defaults, known);
  }
  let parameters = known.get(capabilities);
  if (parameters === undefined) {
    parameters = makeParameters(defaults, capabilities);
    known.set(capabilities, parameters);
  }
  return parameters;
}

function makeParameters(
  defaults: SessionDefaults,
  capabilities: DataPlaneCapabilities,
): Partial<SessionPlaneParameters> {
  const { interface: given, mtu, reorderMs } = defaults;
  const ppp = pppOf(defaults, capabilities);
  const name = ppp.by === "own" ? ppp.profile.interfaceName : undefined;
  const wanted = name === undefined || given?.name !== undefined ? given : { ...given, name };
  return {
    ...(wanted !== undefined && { interface: wanted }),
    ...(mtu !== undefined && { mtu }),
    ...(reorderMs !== undefined && { reorderMs }),
    ...(ppp.by === "pppd" && { ppp: ppp.settings ?? {} }),
    ...(ppp.by === "own" && { pppLink: ppp.profile.link }),
  };
}

/** A session whose frames are passed on needs a link that nothing is attached to. */
export function bridgeParameters({ pppLink }: DataPlaneCapabilities): Partial<SessionPlaneParameters> {
  if (pppLink === undefined) return {};
  return { pppLink: { attach: pppLink.includes("program") ? { to: "program" } : { to: "interface" } } };
}

/** As `session-addresses` has them. */
export function interfaceAddresses({ ipv4, ipv6 }: PppAddresses): InterfaceAddress[] {
  const addresses: InterfaceAddress[] = [];
  if (ipv4?.local !== undefined) {
    addresses.push({
      address: ipv4.local,
      prefixLength: 32,
      ...(ipv4.peer !== undefined && { peer: ipv4.peer }),
    });
  }
  if (ipv6 === undefined) return addresses;
  addresses.push({ address: ipv6.local, prefixLength: 64, peer: ipv6.peer });
  for (const prefix of ipv6.addresses) {
    const [address = prefix, length = "128"] = prefix.split("/");
    addresses.push({ address, prefixLength: Number(length) });
  }
  return addresses;
}

/** `10.0.0.1 (peer 10.0.0.2)`, for people. */
export function textOfAddresses(addresses: readonly InterfaceAddress[]): string {
  if (addresses.length === 0) return "no addresses any more";
  return addresses
    .map(({ address, peer }) => (peer === undefined ? address : `${address} (peer ${peer})`))
    .join(", ");
}

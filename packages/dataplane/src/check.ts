/**
 * What every data plane refuses before it touches anything. The kernel takes tunnel ID 0, v2 IDs above
 * 65,535 and cookies of 3 octets; the contract does not, on any data plane, and says so in the same words.
 */
import type { Encapsulation, L2tpVersion } from "@l2tp/protocol";
import { PlaneError } from "./errors.ts";
import type { Binding, DataPlaneCapabilities, TunnelPlaneParameters } from "./plane.ts";
import type { SessionPlaneChange, SessionPlaneParameters } from "./session.ts";

/** Largest tunnel or session ID: 16 bits in v2 (RFC 2661 §3.1), 32 bits in v3 (RFC 3931 §4.1). */
export function largestId(version: L2tpVersion): number {
  return version === 2 ? 0xffff : 0xffff_ffff;
}

/**
 * Checks where a wire is to listen.
 * @throws PlaneError `unsupported`, `invalid-parameters`
 */
export function checkBinding(binding: Binding, capabilities: DataPlaneCapabilities): void {
  const { encapsulation, local } = binding;
  if (!capabilities.encapsulations.includes(encapsulation)) {
    throw unsupported(`encapsulation "${encapsulation}"`, capabilities.encapsulations);
  }
  if (!capabilities.families.includes(local.family)) {
    throw unsupported(`IPv${local.family}`, capabilities.families);
  }
  checkPort("local port", encapsulation, local.port, 0);
}

/**
 * Checks a tunnel against the wire that is to carry it.
 * @throws PlaneError `unsupported`, `invalid-parameters`
 */
export function checkTunnel(
  parameters: TunnelPlaneParameters,
  wire: { readonly encapsulation: Encapsulation; readonly family: 4 | 6 },
  capabilities: DataPlaneCapabilities,
): void {
  const { version, tunnelId, peerTunnelId, peer } = parameters;
  if (!capabilities.versions.includes(version)) throw unsupported(`L2TPv${version}`, capabilities.versions);
  if (version === 2 && wire.encapsulation === "ip") {
    throw invalid(`tunnel ${tunnelId}: L2TPv2 travels in UDP only; take encapsulation "udp" or version 3`);
  }
  checkId("tunnelId", tunnelId, version);
  checkId("peerTunnelId", peerTunnelId, version);
  if (peer.family !== wire.family) {
    throw invalid(
      `tunnel ${tunnelId}: the peer ${peer.address} is IPv${peer.family}, the wire IPv${wire.family}`,
    );
  }
  checkPort("peer port", wire.encapsulation, peer.port, 1);
}

/**
 * Checks a session against the version of its tunnel.
 * @throws PlaneError `unsupported`, `invalid-parameters`
 */
export function checkSession(
  parameters: SessionPlaneParameters,
  version: L2tpVersion,
  capabilities: DataPlaneCapabilities,
): void {
  const { sessionId, peerSessionId, pseudowire, l2SpecificSublayer } = parameters;
  checkId("sessionId", sessionId, version);
  checkId("peerSessionId", peerSessionId, version);
  const what = `session ${sessionId}`;
  if (!capabilities.pseudowires.includes(pseudowire)) {
    throw unsupported(`pseudowire "${pseudowire}"`, capabilities.pseudowires);
  }
  if (version === 2 && pseudowire === "eth") {
    throw invalid(`${what}: L2TPv2 carries PPP only; an Ethernet pseudowire needs version 3`);
  }
  for (const key of ["cookie", "peerCookie"] as const) {
    const octets = parameters[key].length;
    if (version === 2 ? octets !== 0 : octets !== 0 && octets !== 4 && octets !== 8) {
      throw invalid(
        `${what}: ${key} has ${octets} octets; ${version === 2 ? "L2TPv2 has no cookies" : "0, 4 or 8 are allowed"}`,
      );
    }
  }
  if (version === 2 && l2SpecificSublayer !== "none") {
    throw invalid(`${what}: L2TPv2 has no L2-specific sublayer; take "none"`);
  }
  if (
    version === 3 &&
    l2SpecificSublayer === "none" &&
    (parameters.sendSequence || parameters.receiveSequence)
  ) {
    throw invalid(
      `${what}: sequence numbers travel in the L2-specific sublayer (RFC 3931 §4.6); take "default"`,
    );
  }
  checkReorder(what, parameters.reorderMs);
  checkMtu(what, parameters.mtu?.mtuOctets);
  checkInterfaceName(what, parameters.interface?.name);
}

/**
 * Checks a change of a session that is up.
 * @throws PlaneError `invalid-parameters`
 */
export function checkSessionChange(
  change: SessionPlaneChange,
  session: Pick<SessionPlaneParameters, "sessionId" | "l2SpecificSublayer">,
  version: L2tpVersion,
): void {
  const what = `session ${session.sessionId}`;
  if (
    version === 3 &&
    session.l2SpecificSublayer === "none" &&
    (change.sendSequence || change.receiveSequence)
  ) {
    throw invalid(`${what}: sequence numbers travel in the L2-specific sublayer, and this session has none`);
  }
  if (change.reorderMs !== undefined) checkReorder(what, change.reorderMs);
  checkMtu(what, change.mtuOctets);
}

function checkId(key: string, id: number, version: L2tpVersion): void {
  const largest = largestId(version);
  if (!Number.isInteger(id) || id < 1 || id > largest) {
    throw invalid(`${key} ${id}: an ID of L2TPv${version} is 1 to ${largest.toLocaleString("en-US")}`);
  }
}

function checkPort(key: string, encapsulation: Encapsulation, port: number, least: 0 | 1): void {
  if (encapsulation === "ip") {
    if (port !== 0) throw invalid(`${key} ${port}: IP protocol 115 has no ports; take 0`);
  } else if (!Number.isInteger(port) || port < least || port > 0xffff) {
    throw invalid(`${key} ${port}: a UDP port is ${least} to 65,535`);
  }
}

function checkReorder(what: string, reorderMs: number): void {
  if (!Number.isFinite(reorderMs) || reorderMs < 0) {
    throw invalid(`${what}: reorderMs ${reorderMs} is no duration; take 0 or more milliseconds`);
  }
}

function checkMtu(what: string, mtuOctets: number | undefined): void {
  if (mtuOctets !== undefined && !(Number.isInteger(mtuOctets) && mtuOctets >= 68 && mtuOctets <= 0xffff)) {
    throw invalid(`${what}: an MTU of ${mtuOctets} octets; 68 (RFC 791) to 65,535 are allowed`);
  }
}

/** As the kernel's `dev_valid_name`, with `%d` for a number. */
function checkInterfaceName(what: string, name: string | undefined): void {
  if (name === undefined) return;
  const octets = new TextEncoder().encode(name).length;
  if (octets < 1 || octets > 15) {
    throw invalid(`${what}: interface name "${name}" has ${octets} octets; 1 to 15 are allowed`);
  }
  if (name === "." || name === ".." || /[\s/:]/.test(name)) {
    throw invalid(`${what}: interface name "${name}": no space, "/" or ":", and neither "." nor ".."`);
  }
}

const invalid = (message: string): PlaneError => new PlaneError("invalid-parameters", message);

const unsupported = (what: string, able: readonly (string | number)[]): PlaneError =>
  new PlaneError("unsupported", `${what} is not to be had here; this data plane does: ${able.join(", ")}`);

/** Checks and defaults of what a program says of dynamic tunnels, sessions and listeners. */
import { isIP } from "node:net";
import type { SessionOpening, TunnelChanges, TunnelSettings } from "@l2tp/control";
import type { SocketAddress } from "@l2tp/protocol";
import { ParameterError } from "../errors.ts";
import { checkKeys } from "../known-keys.ts";
import { L2TP_PORT } from "../parameters.ts";
import type {
  CallInit,
  DynamicSessionInit,
  DynamicTunnelInit,
  ListenerInit,
  Origin,
  SessionDefaults,
  SessionPpp,
} from "./api.ts";
import type { SessionSettings } from "./session-settings.ts";

const ANY: SocketAddress = { family: 4, address: "0.0.0.0", port: L2TP_PORT };

/** @throws ParameterError */
export function checkLocal(path: string, local: SocketAddress): void {
  if (typeof local?.address !== "string") {
    const example = '{ family: 4, address: "0.0.0.0", port: 1701 }';
    throw new ParameterError(path, `an address such as ${example} was expected, got ${local}`);
  }
  const family = isIP(local.address.replace(/%.*$/, ""));
  if (family === 0) throw new ParameterError(`${path}.address`, `${local.address} is no IP address`);
  if (family !== local.family) {
    throw new ParameterError(`${path}.family`, `${local.address} is no IPv${local.family} address`);
  }
  if (!Number.isInteger(local.port) || local.port < 0 || local.port > 0xffff) {
    throw new ParameterError(`${path}.port`, `${local.port} is no UDP port: it must be 0 to 65535`);
  }
}

const LISTENER_KEYS: readonly (keyof ListenerInit)[] = [
  "name",
  "local",
  "namespace",
  "udpChecksum",
  "signal",
];

/** Where a listener is bound. @throws ParameterError */
export function listenerBinding(init: ListenerInit) {
  checkKeys("", init, LISTENER_KEYS);
  const { local = ANY, namespace } = init;
  checkLocal("local", local);
  return { encapsulation: "udp", local, ...(namespace !== undefined && { namespace }) } as const;
}

/** What of a dialled tunnel's parameters goes to the endpoint. */
export function tunnelChanges(init: DynamicTunnelInit): TunnelChanges {
  const {
    name: _,
    peers: __,
    dial: ___,
    local: ____,
    namespace: _____,
    udpChecksum: ______,
    session: _______,
    peerName: ________,
    signal: _________,
    ...changes
  } = init;
  return changes;
}

/** What a tunnel is asked for beside its settings. */
const TUNNEL_KEYS: readonly Exclude<keyof DynamicTunnelInit, keyof TunnelChanges>[] = [
  "name",
  "peers",
  "dial",
  "local",
  "namespace",
  "udpChecksum",
  "session",
  "peerName",
  "signal",
];

const DIAL_KEYS: readonly (keyof NonNullable<DynamicTunnelInit["dial"]>)[] = [
  "family",
  "lockOutMs",
  "maxLockOutMs",
  "failBackMs",
  "failBack",
  "mode",
  "redial",
  "initialMs",
  "maxMs",
  "jitter",
  "maxRedials",
  "stableMs",
  "quickMs",
  "quickForMs",
  "sleptMs",
];
const DIAL_MODES: readonly string[] = ["at-start", "on-demand", "manual"];

/**
 * @param settings - all that a tunnel can have.
 * @throws ParameterError
 */
export function checkTunnel(init: DynamicTunnelInit, settings: TunnelSettings): void {
  checkKeys("", init, [...TUNNEL_KEYS, ...Object.keys(settings)]);
  const { local, peers, secrets, transport, dial } = init;
  if (local !== undefined) checkLocal("local", local);
  if (!Array.isArray(peers) || peers.length === 0) {
    throw new ParameterError("peers", 'name one LNS at least, as in [{ host: "192.0.2.2" }]');
  }
  for (const [i, peer] of peers.entries()) {
    if (typeof peer?.host !== "string" || peer.host === "") {
      throw new ParameterError(`peers[${i}].host`, `an address or a name was expected, got ${peer?.host}`);
    }
    const { port = L2TP_PORT } = peer;
    if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
      throw new ParameterError(
        `peers[${i}].port`,
        `a whole number from 1 to 65535 was expected, got ${port}`,
      );
    }
  }
  if (transport !== undefined) checkKeys("transport.", transport, Object.keys(settings.transport));
  if (dial !== undefined) checkKeys("dial.", dial, DIAL_KEYS);
  if (dial?.mode !== undefined && !DIAL_MODES.includes(dial.mode)) {
    throw new ParameterError("dial.mode", `one of ${DIAL_MODES.join(", ")} was expected, got ${dial.mode}`);
  }
  if (secrets !== undefined && !Array.isArray(secrets)) {
    throw new ParameterError("secrets", "an array of secrets was expected: two during a change, else one");
  }
}

const SESSION_KEYS: readonly (keyof DynamicSessionInit)[] = [
  "name",
  "call",
  "redial",
  "auto",
  "signal",
  "ppp",
  "interface",
  "mtu",
  "reorderMs",
  "sendSequence",
  "placed",
];
const PPP_BY: readonly SessionPpp["by"][] = ["own", "pppd", "plane", "none"];

/** @throws ParameterError */
function checkSession(init: DynamicSessionInit): void {
  checkKeys("", init, SESSION_KEYS);
  const { ppp, call } = init;
  if (ppp !== undefined && !PPP_BY.includes(ppp.by)) {
    throw new ParameterError("ppp.by", `one of ${PPP_BY.join(", ")} was expected, got ${ppp.by}`);
  }
  if (ppp?.by === "own" && ppp.profile?.settings === undefined) {
    throw new ParameterError("ppp.profile", "what pppProfile() makes was expected");
  }
  if (call === undefined) return;
  if (call.kind !== "incoming" && call.kind !== "outgoing") {
    throw new ParameterError(
      "call.kind",
      `incoming or outgoing was expected, got ${(call as CallInit).kind}`,
    );
  }
  if (call.kind === "outgoing" && call.request === undefined) {
    throw new ParameterError("call.request", "what the LAC is asked for: the called number, speeds, …");
  }
}

/** How a session that we open is to be. @throws ParameterError */
export function sessionSettings(
  init: DynamicSessionInit,
  origin: Origin,
  usual: SessionDefaults,
): SessionSettings {
  checkSession(init);
  const { call = { kind: "incoming" }, redial = origin === "dialled", auto = true, signal } = init;
  const opening: SessionOpening = call;
  return {
    kind: call.kind === "incoming" ? "lac-incoming" : "lns-outgoing",
    origin: "dialled",
    opening,
    defaults: { ...usual, ...sessionDefaults(init) },
    redial,
    stays: origin === "dialled",
    auto,
    signal,
  };
}

/** Only what says how a session is at our end. */
export function sessionDefaults(from: SessionDefaults): SessionDefaults {
  const { ppp, interface: given, mtu, reorderMs, sendSequence, placed } = from;
  return {
    ...(ppp !== undefined && { ppp }),
    ...(given !== undefined && { interface: given }),
    ...(mtu !== undefined && { mtu }),
    ...(reorderMs !== undefined && { reorderMs }),
    ...(sendSequence !== undefined && { sendSequence }),
    ...(placed !== undefined && { placed }),
  };
}

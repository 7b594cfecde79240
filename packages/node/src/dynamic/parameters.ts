/** Checks and defaults of what a program says of dynamic tunnels, sessions and listeners. */
import { isIP } from "node:net";
import type { SessionOpening, TunnelChanges } from "@l2tp/control";
import type { SocketAddress } from "@l2tp/protocol";
import { ParameterError } from "../errors.ts";
import { L2TP_PORT } from "../parameters.ts";
import type { DynamicSessionInit, DynamicTunnelInit, ListenerInit, Origin, SessionDefaults } from "./api.ts";
import type { SessionSettings } from "./session-settings.ts";

const ANY: SocketAddress = { family: 4, address: "0.0.0.0", port: L2TP_PORT };

/** @throws ParameterError */
export function checkLocal(path: string, local: SocketAddress): void {
  const family = isIP(local.address.replace(/%.*$/, ""));
  if (family === 0) throw new ParameterError(`${path}.address`, `${local.address} is no IP address`);
  if (family !== local.family) {
    throw new ParameterError(`${path}.family`, `${local.address} is no IPv${local.family} address`);
  }
  if (!Number.isInteger(local.port) || local.port < 0 || local.port > 0xffff) {
    throw new ParameterError(`${path}.port`, `${local.port} is no UDP port: it must be 0 to 65535`);
  }
}

/** Where a listener is bound. @throws ParameterError */
export function listenerBinding({ local = ANY, namespace }: ListenerInit) {
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

/** @throws ParameterError */
export function checkTunnel({ local }: DynamicTunnelInit): void {
  if (local !== undefined) checkLocal("local", local);
}

/** How a session that we open is to be. */
export function sessionSettings(
  init: DynamicSessionInit,
  origin: Origin,
  usual: SessionDefaults,
): SessionSettings {
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
  const { ppp, interface: given, mtu, reorderMs, placed } = from;
  return {
    ...(ppp !== undefined && { ppp }),
    ...(given !== undefined && { interface: given }),
    ...(mtu !== undefined && { mtu }),
    ...(reorderMs !== undefined && { reorderMs }),
    ...(placed !== undefined && { placed }),
  };
}

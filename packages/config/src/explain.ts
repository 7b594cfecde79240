/** What a document comes to, for `l2tpd --check`: each value, and whether it was given. */
import type { SocketAddress } from "@l2tp/protocol";
import type { Config, Origins, PeerTargetConfig, SessionConfig, TunnelConfig } from "./types.ts";

/**
 * The configuration as text: a line for each value, marked where it is a default or follows from other keys.
 * Cookies show only in their length.
 */
export function explain(config: Config): string {
  const { profile, why } = config.defaults;
  const lines = [`defaults: ${profile === "field" ? "l2tpd's (field)" : "go-l2tp's"}, because ${why}`];
  for (const tunnel of config.tunnels) {
    lines.push(`tunnel ${tunnel.name}`, ...rows("  ", tunnel.origins, tunnelValues(tunnel)));
    for (const session of tunnel.sessions) {
      lines.push(`  session ${session.name}`, ...rows("    ", session.origins, sessionValues(session)));
    }
  }
  return `${lines.join("\n")}\n`;
}

type Value = readonly [key: string, text: string];

function rows(indent: string, origins: Origins, values: readonly Value[]): string[] {
  const width = Math.max(...values.map(([key]) => key.length));
  return values.map(([key, text]) => {
    const origin = origins[key] ?? "default";
    return `${indent}${key.padEnd(width)}  ${text}${origin === "given" ? "" : `  (${origin})`}`;
  });
}

const target = ({ host, family, port }: PeerTargetConfig): string =>
  `${family === 6 ? `[${host}]` : host}:${port}`;

const socket = ({ family, address, port }: SocketAddress): string =>
  port === 0 ? address : `${family === 6 ? `[${address}]` : address}:${port}`;

function tunnelValues(tunnel: TunnelConfig): Value[] {
  const { transport } = tunnel;
  const values: Value[] = [
    ["mode", tunnel.mode],
    ["version", `l2tpv${tunnel.version}`],
    ["encap", tunnel.encapsulation],
    ["local", tunnel.local ? socket(tunnel.local) : "any address"],
    ["peer", tunnel.mode === "dynamic" ? tunnel.peers.map(target).join(", ") : socket(tunnel.peer)],
    ["tid", String(tunnel.tunnelId ?? "chosen at random")],
  ];
  if (tunnel.mode !== "dynamic") values.push(["ptid", String(tunnel.peerTunnelId)]);
  if (tunnel.encapsulation === "udp") values.push(["udp_checksum", tunnel.udpChecksum ? "on" : "off"]);
  if (tunnel.namespace !== undefined) values.push(["namespace", tunnel.namespace]);
  if (tunnel.mode === "static") return values;
  const { retryTimeoutMaxMs: cap } = transport;
  return [
    ...values,
    ["hello_timeout", transport.helloTimeoutMs === 0 ? "off" : `${transport.helloTimeoutMs} ms`],
    ["window_size", String(transport.windowSize)],
    ["retry_timeout", `${transport.retryTimeoutMs} ms`],
    ["retry_timeout_max", cap === undefined ? "no cap" : `${cap} ms`],
    ["max_retries", String(transport.maxRetries)],
  ];
}

const cookie = (octets: Uint8Array): string => (octets.length === 0 ? "none" : `${octets.length} octets`);

function sessionValues(session: SessionConfig): Value[] {
  const { interface: link, mtu } = session;
  const values: Value[] = [
    ["pseudowire", session.pseudowire],
    ["sid", String(session.sessionId ?? "chosen at random")],
  ];
  if ("peerSessionId" in session) values.push(["psid", String(session.peerSessionId)]);
  values.push(
    // `cookie` is what is sent: see readCookies in session.ts.
    ["cookie", cookie(session.peerCookie)],
    ["peer_cookie", cookie(session.cookie)],
    ["l2spec_type", session.l2SpecificSublayer],
    ["seqnum", session.sendSequence ? "on" : "off"],
    ["seqnum_required", session.receiveSequence ? "yes" : "no"],
    ["reorder_timeout", session.reorderMs === 0 ? "off" : `${session.reorderMs} ms`],
    ["interface_name", link.name ?? "the system's choice"],
    ["mtu", mtu.mtuOctets === undefined ? "from the path" : `${mtu.mtuOctets} octets`],
    ["dont_fragment", mtu.dontFragment],
    ["clamp_mss", String(mtu.clampMss ?? false)],
  );
  if (link.macAddress !== undefined) values.push(["mac_address", link.macAddress]);
  if (link.bridge !== undefined) values.push(["bridge", link.bridge]);
  if (link.addresses) {
    values.push(["addresses", link.addresses.map((one) => `${one.address}/${one.prefixLength}`).join(", ")]);
  }
  return values;
}

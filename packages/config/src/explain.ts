/** What a document comes to, for `l2tpd --check`: each value, and whether it was given. */
import { explainAccess, secretWords, socketText } from "./explain-access.ts";
import { DIAL_MODES } from "./tunnel-settings.ts";
import type {
  Config,
  DynamicSessionConfig,
  DynamicTunnelConfig,
  Origins,
  PeerTargetConfig,
  SessionConfig,
  TunnelConfig,
} from "./types.ts";

/**
 * The configuration as text: a line for each value, marked where it is a default or follows from other keys.
 * Of cookies only the length shows, of secrets only that they are there.
 */
export function explain(config: Config): string {
  const { profile, why } = config.defaults;
  const lines = [`defaults: ${profile === "field" ? "l2tpd's (field)" : "go-l2tp's"}, because ${why}`];
  lines.push(...explainAccess(config));
  for (const tunnel of config.tunnels) {
    lines.push(`tunnel ${tunnel.name}`, ...rows("  ", tunnel.origins, tunnelValues(tunnel)));
    for (const session of tunnel.sessions) {
      lines.push(
        `  session ${session.name}`,
        ...rows("    ", session.origins, sessionValues(session, tunnel.version)),
      );
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

function tunnelValues(tunnel: TunnelConfig): Value[] {
  const { transport } = tunnel;
  const values: Value[] = [
    ["mode", tunnel.mode],
    ["version", `l2tpv${tunnel.version}`],
    ["encap", tunnel.encapsulation],
    ["local", tunnel.local ? socketText(tunnel.local) : "any address"],
    ["peer", tunnel.mode === "dynamic" ? tunnel.peers.map(target).join(", ") : socketText(tunnel.peer)],
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
    ...(tunnel.mode === "dynamic" ? dialled(tunnel) : []),
  ];
}

const dialWord = (wanted: DynamicTunnelConfig["dial"]["mode"]): string =>
  Object.entries(DIAL_MODES).find(([, mode]) => mode === wanted)?.[0] ?? wanted;

function dialled({ secrets, settings, dial, profile }: DynamicTunnelConfig): Value[] {
  const { mode, redial, initialMs, maxMs } = dial;
  return [
    ["profile", profile],
    [secrets[0]?.from === "file" ? "secret_file" : "secret", secretWords(secrets, "secret")],
    ["hiding", settings.hiding],
    ["dial", dialWord(mode)],
    ["redial", redial ? `after ${initialMs} ms, ${maxMs} ms at most` : "no"],
    ...(settings.quirks.length > 0 ? [["quirks", settings.quirks.join(", ")] as const] : []),
  ];
}

const cookie = (octets: Uint8Array): string => (octets.length === 0 ? "none" : `${octets.length} octets`);

function sessionValues(session: SessionConfig, version: TunnelConfig["version"]): Value[] {
  const { interface: link, mtu, origins } = session;
  const values: Value[] = [
    ["pseudowire", session.pseudowire],
    ["sid", String(session.sessionId ?? "chosen at random")],
  ];
  if ("peerSessionId" in session) values.push(["psid", String(session.peerSessionId)]);
  if (version === 3) {
    values.push(
      // `cookie` is what is sent: see readCookies in session.ts.
      ["cookie", cookie(session.peerCookie)],
      ["peer_cookie", cookie(session.cookie)],
      ["l2spec_type", session.l2SpecificSublayer],
    );
  }
  values.push(
    ["seqnum", session.sendSequence ? "on" : "off"],
    ["seqnum_required", session.receiveSequence ? "yes" : "no"],
    ["reorder_timeout", session.reorderMs === 0 ? "off" : `${session.reorderMs} ms`],
    ["interface_name", link.name ?? "the system's choice"],
    ["mtu", mtu.mtuOctets === undefined ? "from the path" : `${mtu.mtuOctets} octets`],
    ["dont_fragment", mtu.dontFragment],
  );
  // PPP clamps by its own profile.
  if (session.pseudowire === "eth" || origins["clamp_mss"] === "given")
    values.push(["clamp_mss", String(mtu.clampMss ?? false)]);
  if (link.macAddress !== undefined) values.push(["mac_address", link.macAddress]);
  if (link.bridge !== undefined) values.push(["bridge", link.bridge]);
  if (link.addresses) {
    values.push(["addresses", link.addresses.map((one) => `${one.address}/${one.prefixLength}`).join(", ")]);
  }
  if ("call" in session) values.push(...called(session));
  return values;
}

function called({ call, user, ppp, pppdArgs, pppdOptions }: DynamicSessionConfig): Value[] {
  const number = call.request.calledNumber;
  const runner = pppdArgs ?? (pppdOptions && "pppd_options");
  return [
    ["call", number === undefined ? call.kind : `${call.kind}, to ${number}`],
    ...(user ? [["user", user.name] as const] : []),
    ...(user?.password
      ? [
          [
            user.password.from === "file" ? "password_file" : "password",
            secretWords([user.password], "password"),
          ] as const,
        ]
      : []),
    ...(ppp ? [["ppp_profile", ppp.name] as const] : []),
    ...(runner === undefined ? [] : [["pppd_args", `pppd, with ${runner}`] as const]),
  ];
}

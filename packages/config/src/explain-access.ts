/** What a document comes to for those who call: one line for each entry, in the order in which they are asked. */
import { Rules } from "@l2tp/access";
import type { SocketAddress } from "@l2tp/protocol";
import { rulesOf } from "./rules-of.ts";
import { type Secrets, secretsOf } from "./secrets.ts";
import type { Config, PppProfileConfig, SecretSource, TunnelProfileConfig } from "./types.ts";

/** An address with its port, unless there is none. */
export const socketText = ({ family, address, port }: SocketAddress): string =>
  port === 0 ? address : `${family === 6 ? `[${address}]` : address}:${port}`;

/** `secret given`, `secret in /etc/l2tpd/secret`: never the secret, nor how long it is. */
export function secretWords(sources: readonly SecretSource[], noun: string): string {
  if (sources.length === 0) return `no ${noun}`;
  return sources
    .map((source, at) => {
      const which = at === 0 ? noun : `old ${noun}`;
      return source.from === "file" ? `${which} in ${source.path}` : `${which} given`;
    })
    .join(", ");
}

/** The lines; none for a document that only dials. */
export function explainAccess(config: Config): string[] {
  const { listeners, peers, calls, users } = config;
  const lines = listeners.map(({ name, local, namespace }) =>
    line("listen", name, [socketText(local), namespace && `in ${namespace}`]),
  );
  for (const { name, deny, from, hostName, vendorName, listen, secrets, ...profiles } of peers) {
    lines.push(
      line("peer", name, [
        denied(deny),
        words("from", from),
        words("host name", hostName),
        words("vendor", vendorName),
        words("by", listen),
        deny === undefined && secretWords(secrets, "secret"),
        profileWords(profiles),
      ]),
    );
  }
  for (const {
    name,
    deny,
    kind,
    peer,
    calledNumber,
    callingNumber,
    privateGroup,
    switchTo,
    switchPpp,
    ...profiles
  } of calls) {
    lines.push(
      line("call", name, [
        denied(deny),
        kind,
        words("of", peer),
        words("to", calledNumber),
        words("from", callingNumber),
        words("group", privateGroup),
        switchTo &&
          `switched to ${switchTo}${switchPpp === "end" ? ", LCP and authentication end here" : ""}`,
        profileWords(profiles),
      ]),
    );
  }
  for (const { name, deny, password, methods, address, pool } of users) {
    lines.push(
      line("user", name, [
        denied(deny),
        password ? secretWords([password], "password") : "no password",
        words("by", methods),
        address,
        pool && `pool ${pool}`,
      ]),
    );
  }
  lines.push(...poolLines(config));
  if (listeners.length > 0) {
    lines.push(...config.profiles.tunnel.map(tunnelProfile), ...config.profiles.ppp.map(pppProfile));
  }
  return lines;
}

type Word = string | undefined | false;

const line = (kind: string, name: string, parts: readonly Word[]): string =>
  `${kind} ${name}: ${parts.filter((part) => typeof part === "string" && part !== "").join("; ")}`;

const words = (what: string, of: readonly string[] | undefined): Word => of && `${what} ${of.join(", ")}`;

const denied = (deny: string | undefined): Word =>
  deny === undefined ? undefined : `denied${deny === "" ? "" : ` (${deny})`}`;

function profileWords({
  tunnelProfile,
  sessionProfile,
  pppProfile,
}: {
  readonly tunnelProfile?: string;
  readonly sessionProfile?: string;
  readonly pppProfile?: string;
}): Word {
  const names = [
    tunnelProfile && `tunnel ${tunnelProfile}`,
    sessionProfile && `session ${sessionProfile}`,
    pppProfile && `PPP ${pppProfile}`,
  ].filter((one) => one !== undefined);
  return names.length === 0 ? undefined : `profiles ${names.join(", ")}`;
}

/** How much a pool has, as the rules count it. Secrets have no part in that. */
function poolLines(config: Config): string[] {
  const files = [...secretsOf(config)].flatMap((source) => (source.from === "file" ? [source.path] : []));
  const unread: Secrets = { texts: new Map(files.map((path) => [path, ""])), problems: [] };
  const { pools } = new Rules(rulesOf(config, unread)).status();
  return pools.map(({ name, ipv4, ipv6, delegated }) =>
    line("pool", name, [
      ipv4 && `${ipv4.size} addresses`,
      ipv6 && `${ipv6.size} IPv6 prefixes`,
      delegated && `${delegated.size} prefixes to delegate`,
    ]),
  );
}

function tunnelProfile({ name, settings }: TunnelProfileConfig): string {
  const { transport, hiding, maximumSessions, quirks } = settings;
  return line("tunnel profile", name, [
    `${maximumSessions} ${maximumSessions === 1 ? "session" : "sessions"}`,
    transport.helloTimeoutMs === 0 ? "no hello" : `hello ${transport.helloTimeoutMs} ms`,
    `${transport.maxRetries} retries`,
    `window ${transport.windowSize}`,
    hiding !== "accept" && `hiding ${hiding}`,
    quirks.length > 0 && `quirks ${quirks.join(", ")}`,
  ]);
}

function pppProfile({ name, options, pool, attach, rateLimit }: PppProfileConfig): string {
  const { authenticatePeer, mppe } = options;
  return line("PPP profile", name, [
    authenticatePeer ? `asks for ${authenticatePeer.methods.join(", ")}` : "asks for no proof",
    pool && `pool ${pool}`,
    attach && `attached to ${attach.to === "shared" ? attach.name : attach.to}`,
    mppe.policy !== "off" && `MPPE ${mppe.policy}`,
    rateLimit?.toPeerBps !== undefined && `${rateLimit.toPeerBps} bit/s to the peer`,
    rateLimit?.fromPeerBps !== undefined && `${rateLimit.fromPeerBps} bit/s from it`,
  ]);
}

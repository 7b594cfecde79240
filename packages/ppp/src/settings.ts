/** What a link is to negotiate: settings with their defaults, checked once and then shared by all links of a profile. */
import { PppSettingError } from "./errors.ts";
import { parseIpv4, parseIpv6 } from "./ip.ts";
import { Password } from "./secret.ts";

/** How one side proves to the other who it is. */
export type AuthMethod = "pap" | "chap-md5" | "mschap-v1" | "mschap-v2" | "eap-md5" | "eap-mschap-v2";

/** All methods, the strongest first: the order in which they are offered and taken by default. PAP only on request. */
export const AUTH_METHODS = [
  "eap-mschap-v2",
  "mschap-v2",
  "eap-md5",
  "chap-md5",
  "mschap-v1",
  "pap",
] as const;

/** What we demand of the peer. */
export interface AuthenticatePeer {
  /** Methods we take, the preferred one first. Default `["mschap-v2", "chap-md5"]`. */
  readonly methods: readonly AuthMethod[];
  /** Go on without authentication when the peer refuses all; a question with method `none` is asked. Default false. */
  readonly allowNone: boolean;
  /** Our name in challenges. Default `l2tp`. */
  readonly localName: string;
  /** The peer has to be authenticated within this; 60 s. */
  readonly timeLimitMs: number;
  /** A question has to be answered within this, or counts as refused; 30 s. */
  readonly decisionLimitMs: number;
  /** Wrong answers after which the link ends; 3. */
  readonly attempts: number;
  /** Ask the peer again about this often while the link is up; 0, the default: never. Not with PAP. */
  readonly rechallengeMs: number;
}

/** Who we are for a peer that demands it. */
export interface AuthenticateSelf {
  /** Methods we are willing to use, the preferred one first. Default: all but PAP. */
  readonly methods: readonly AuthMethod[];
  readonly name: string;
  readonly password: Password;
}

/** IPCP (RFC 1332, RFC 1877). Addresses are text. */
export interface Ipv4Settings {
  /** Our address; `undefined`: ask the peer for one. */
  readonly local: string | undefined;
  /** The peer's address, Nak'ed until it is used; `undefined`: whatever it says. */
  readonly peer: string | undefined;
  /** Take another address than {@link local} when the peer insists. Default false. */
  readonly acceptLocal: boolean;
  /** Let the peer have another address than {@link peer}. Default false. */
  readonly acceptPeer: boolean;
  /** No address of our own on this link: the option is not sent. Default false. */
  readonly unnumbered: boolean;
  /** DNS and NBNS servers for the peer: none, one or two of each. */
  readonly dns: readonly string[];
  readonly nbns: readonly string[];
  /** Ask the peer for its DNS or NBNS servers. Default false. */
  readonly requestDns: boolean;
  readonly requestNbns: boolean;
}

/** IPV6CP (RFC 5072). Identifiers are text of an IPv6 address's lower half: `::1`, `::a1b2:0:0:1`. */
export interface Ipv6Settings {
  /** Our interface identifier; `undefined`: random. */
  readonly local: string | undefined;
  /** The peer's; `undefined`: whatever it says, random when it asks. */
  readonly peer: string | undefined;
  /** Let the peer have another identifier than {@link peer}. Default true. */
  readonly acceptPeer: boolean;
}

/** MPPE (RFC 3078) by CCP. */
export interface MppeSettings {
  /** `off`: CCP is rejected; `allow`: when the peer wants it; `request`: we ask; `require`: the link ends without. */
  readonly policy: "off" | "allow" | "request" | "require";
  /** Strengths that are taken, of 128, 56 and 40 bits. Default `[128]`. */
  readonly bits: readonly (40 | 56 | 128)[];
  /** A new key for each packet: `stateless` (default), `stateful`, or `either`. */
  readonly mode: "stateless" | "stateful" | "either";
}

/** All settings of a link; {@link pppSettings} fills in what is left out. */
export interface PppSettings {
  /** Octets of information that we ask to receive at most, without FF 03 and protocol; 1500. See `mruForPath`. */
  readonly mru: number;
  /** Octets of a packet that we send at most, whatever the peer takes; as {@link mru}. */
  readonly mtu: number;
  /** The ACCM that we ask for: control characters that the peer escapes towards us; 0, as L2TP needs none. */
  readonly accm: number;
  /** Offer to receive compressed Protocol, and Address and Control fields. Default true. */
  readonly pfc: boolean;
  readonly acfc: boolean;
  /** Use them towards a peer that offered to receive them. Default false: two octets are not worth an old bug. */
  readonly sendCompressed: boolean;
  /** Send a Magic-Number, for loops to be found. Default true. */
  readonly magic: boolean;
  readonly authenticatePeer: AuthenticatePeer | undefined;
  readonly authenticateSelf: AuthenticateSelf | undefined;
  /** We placed the call. Decides, where both sides prove themselves, whose proof gives MPPE's keys. Default: we prove. */
  readonly caller: boolean;
  /** Ask for a sign of life after this much silence; 30 s. 0: never. */
  readonly echoIntervalMs: number;
  /** Echo-Requests without a reply after which the link is dead; 4. */
  readonly echoFailures: number;
  /** `undefined`: the protocol is not used, and rejected. */
  readonly ipv4: Ipv4Settings | undefined;
  readonly ipv6: Ipv6Settings | undefined;
  readonly mppe: MppeSettings;
  /** Sent to the peer when LCP is up (RFC 1570 §1.1); empty: not sent. */
  readonly identification: string;
  /** LCP and authentication from the LAC (RFC 2661 §4.4.5): believed, checked, or done again. Default `verify`. */
  readonly proxy: "use" | "verify" | "renegotiate";
  /** Clamp the MSS of TCP to what fits the link: `auto` (default), `off`, or octets. */
  readonly tcpMss: "auto" | "off" | number;
  /** RFC 1661 §4.6: 3 s, 2, 10, 5. */
  readonly restartMs: number;
  readonly maxTerminate: number;
  readonly maxConfigure: number;
  readonly maxFailure: number;
  /** LCP, and then the first network protocol, has to be up within this; 60 s each. */
  readonly phaseLimitMs: number;
  /** Own Magic-Numbers that come back until the line counts as looped back; 5. */
  readonly maxLoops: number;
  /** Take PAP from a peer that agreed to CHAP (old SonicWall). Default false. */
  readonly papInsteadOfChap: boolean;
  /** Stop when both sides know who the other is: what was agreed on is told, for another end to go on with. Default false. */
  readonly handOver: boolean;
}

type Deep<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** What a program writes: everything may be left out, passwords may be text. */
export interface PppOptions
  extends Deep<Omit<PppSettings, "authenticatePeer" | "authenticateSelf" | "ipv4" | "ipv6" | "mppe">> {
  readonly authenticatePeer?: Deep<AuthenticatePeer> | undefined;
  readonly authenticateSelf?:
    | {
        readonly name: string;
        readonly password: string | Uint8Array | Password;
        readonly methods?: readonly AuthMethod[];
      }
    | undefined;
  /** Default `{}`: used, and our address asked for. `false`: not used. */
  readonly ipv4?: Deep<Ipv4Settings> | false | undefined;
  /** Default `{}`: used, with random identifiers. `false`: not used. */
  readonly ipv6?: Deep<Ipv6Settings> | false | undefined;
  readonly mppe?: Deep<MppeSettings> | undefined;
}

/** Numbers: setting, default, least, most. */
const NUMBERS = {
  mru: [1500, 128, 65_535],
  mtu: [1500, 128, 65_535],
  accm: [0, 0, 0xffffffff],
  echoIntervalMs: [30_000, 0, 86_400_000],
  echoFailures: [4, 1, 1000],
  restartMs: [3000, 1, 600_000],
  maxTerminate: [2, 1, 255],
  maxConfigure: [10, 1, 255],
  maxFailure: [5, 1, 255],
  phaseLimitMs: [60_000, 1, 86_400_000],
  maxLoops: [5, 1, 255],
} as const;

const PEER_NUMBERS = {
  timeLimitMs: [60_000, 1, 86_400_000],
  decisionLimitMs: [30_000, 1, 86_400_000],
  attempts: [3, 1, 255],
  rechallengeMs: [0, 0, 86_400_000],
} as const;

type Range = readonly [preset: number, least: number, most: number];

function numbers<K extends string>(
  prefix: string,
  table: Readonly<Record<K, Range>>,
  given: object,
): Record<K, number> {
  return Object.fromEntries(
    Object.entries<Range>(table).map(([key, [preset, least, most]]) => {
      const value = (given as Record<string, unknown>)[key] ?? preset;
      if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
        throw new PppSettingError(
          prefix + key,
          `must be a whole number from ${least} to ${most}, not ${String(value)}`,
        );
      }
      return [key, value];
    }),
  ) as Record<K, number>;
}

function oneOf<T extends string | number>(key: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value))
    throw new PppSettingError(key, `must be one of ${allowed.join(", ")}, not ${String(value)}`);
  return value;
}

function methods(key: string, given: readonly AuthMethod[]): readonly AuthMethod[] {
  if (given.length === 0) throw new PppSettingError(key, `name one at least of ${AUTH_METHODS.join(", ")}`);
  for (const method of given) oneOf(key, method, AUTH_METHODS);
  return [...new Set(given)];
}

function ipv4(key: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const octets = parseIpv4(text);
  if (octets === undefined || octets[0] === 0) {
    throw new PppSettingError(
      key,
      `must be an IPv4 address such as 192.0.2.1, not ${text}; leave it out to have any`,
    );
  }
  return text;
}

/** An IPv6 address whose first half is zero, as the identifiers are written. */
function identifier(key: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const octets = parseIpv6(text);
  if (
    octets === undefined ||
    octets.some((octet, i) => i < 8 && octet !== 0) ||
    octets.every((octet) => octet === 0)
  ) {
    throw new PppSettingError(key, `must be an interface identifier such as ::1 or ::a:b:c:d, not ${text}`);
  }
  return text;
}

function two(key: string, servers: readonly string[] = []): readonly string[] {
  if (servers.length > 2) throw new PppSettingError(key, `IPCP can tell two servers, not ${servers.length}`);
  for (const [i, server] of servers.entries()) ipv4(`${key}[${i}]`, server);
  return servers;
}

/** Fills in and checks the settings of IPCP; also what an authority grants. @throws PppSettingError */
export function ipv4Settings(given: Deep<Ipv4Settings>, key = "ipv4"): Ipv4Settings {
  return {
    local: ipv4(`${key}.local`, given.local),
    peer: ipv4(`${key}.peer`, given.peer),
    acceptLocal: given.acceptLocal ?? false,
    acceptPeer: given.acceptPeer ?? false,
    unnumbered: given.unnumbered ?? false,
    dns: two(`${key}.dns`, given.dns),
    nbns: two(`${key}.nbns`, given.nbns),
    requestDns: given.requestDns ?? false,
    requestNbns: given.requestNbns ?? false,
  };
}

/** Fills in and checks the settings of IPV6CP. @throws PppSettingError */
export function ipv6Settings(given: Deep<Ipv6Settings>, key = "ipv6"): Ipv6Settings {
  return {
    local: identifier(`${key}.local`, given.local),
    peer: identifier(`${key}.peer`, given.peer),
    acceptPeer: given.acceptPeer ?? true,
  };
}

/**
 * Fills in and checks all settings. Do it once for a profile: links share the result.
 * @throws PppSettingError - a value that cannot be; `key` says which.
 */
export function pppSettings(given: PppOptions = {}): PppSettings {
  const { authenticatePeer: peer, authenticateSelf: self } = given;
  const checked = numbers("", NUMBERS, { ...given, mtu: given.mtu ?? given.mru });
  const bits = given.mppe?.bits ?? [128];
  for (const strength of bits) oneOf("mppe.bits", strength, [128, 56, 40]);
  if (bits.length === 0) throw new PppSettingError("mppe.bits", "name one at least of 128, 56, 40");
  if (
    typeof given.tcpMss === "number" &&
    !(Number.isInteger(given.tcpMss) && given.tcpMss >= 64 && given.tcpMss <= 65_535)
  ) {
    throw new PppSettingError("tcpMss", `must be auto, off, or octets from 64 to 65535, not ${given.tcpMss}`);
  }
  const password = self === undefined ? undefined : Password.from(self.password);
  if (self !== undefined && (self.name === "" || password?.isEmpty === true)) {
    throw new PppSettingError(
      "authenticateSelf",
      "name and password must not be empty: they would prove nothing",
    );
  }
  return {
    ...checked,
    pfc: given.pfc ?? true,
    acfc: given.acfc ?? true,
    sendCompressed: given.sendCompressed ?? false,
    magic: given.magic ?? true,
    authenticatePeer: peer && {
      methods: methods("authenticatePeer.methods", peer.methods ?? ["mschap-v2", "chap-md5"]),
      allowNone: peer.allowNone ?? false,
      localName: peer.localName ?? "l2tp",
      ...numbers("authenticatePeer.", PEER_NUMBERS, peer),
    },
    authenticateSelf: self && {
      methods: methods(
        "authenticateSelf.methods",
        self.methods ?? AUTH_METHODS.filter((method) => method !== "pap"),
      ),
      name: self.name,
      password: password as Password,
    },
    ipv4: given.ipv4 === false ? undefined : ipv4Settings(given.ipv4 ?? {}),
    ipv6: given.ipv6 === false ? undefined : ipv6Settings(given.ipv6 ?? {}),
    caller: given.caller ?? self !== undefined,
    mppe: {
      policy: oneOf("mppe.policy", given.mppe?.policy ?? "off", ["off", "allow", "request", "require"]),
      bits,
      mode: oneOf("mppe.mode", given.mppe?.mode ?? "stateless", ["stateless", "stateful", "either"]),
    },
    identification: given.identification ?? "",
    proxy: oneOf("proxy", given.proxy ?? "verify", ["use", "verify", "renegotiate"]),
    tcpMss: given.tcpMss ?? "auto",
    papInsteadOfChap: given.papInsteadOfChap ?? false,
    handOver: given.handOver ?? false,
  };
}

/**
 * What a program says of a tunnel and a session, with the defaults, and the checks that need no data plane.
 * What is wrong is thrown at once as a {@link ParameterError}; what only the data plane can know (an address
 * in use, a missing bridge) comes later as an event with the reason, and is tried again.
 */
import { isIP } from "node:net";
import type { SessionPlaneParameters } from "@l2tp/dataplane";
import type { Encapsulation, IpAddress, L2tpVersion, SessionParameters, SocketAddress } from "@l2tp/protocol";
import { ParameterError } from "./errors.ts";

/** The port of L2TP over UDP, RFC 2661 §8.1. */
export const L2TP_PORT = 1701;

/** What every configured tunnel has. */
export interface TunnelInit {
  /** Unique in the context; default `tunnel-ID`. */
  readonly name?: string;
  /** Default 3. */
  readonly version?: L2tpVersion;
  /** Default `udp`; `ip` is IP protocol 115, for version 3 only. */
  readonly encapsulation?: Encapsulation;
  /** Where we listen; default: any address of the peer's family, any free port. */
  readonly local?: SocketAddress;
  readonly peer: SocketAddress;
  /** Ours: what the peer puts into its messages. 16 bits in version 2, 32 in 3, never 0. */
  readonly tunnelId: number;
  /** The peer's: what we put into ours. */
  readonly peerTunnelId: number;
  /** Network namespace of the wire by path; default that of the process. */
  readonly namespace?: string;
  /** UDP checksums on data messages; default true. */
  readonly udpChecksum?: boolean;
  /** Closes the tunnel when it aborts. */
  readonly signal?: AbortSignal;
}

/** What every session has; what is left out takes the default named. */
export type SessionInit = Pick<SessionPlaneParameters, "interface" | "mtu" | "ppp" | "pppoe"> &
  Pick<SessionParameters, "sessionId" | "peerSessionId"> & {
    /** Unique in the tunnel; default `session-ID`. */
    readonly name?: string;
    /** Default `eth`. */
    readonly pseudowire?: SessionParameters["pseudowire"];
    /** Default none. */
    readonly cookie?: Uint8Array;
    /** Default none. */
    readonly peerCookie?: Uint8Array;
    /** Default `default`, as Linux has it. */
    readonly l2SpecificSublayer?: SessionParameters["l2SpecificSublayer"];
    /** Default false. */
    readonly sendSequence?: boolean;
    /** Default false. */
    readonly receiveSequence?: boolean;
    /** Default 0. */
    readonly reorderMs?: number;
    /** Closes the session when it aborts. */
    readonly signal?: AbortSignal;
  };

/** A tunnel's parameters with all defaults in. */
export interface ConfiguredTunnel {
  readonly name: string;
  readonly version: L2tpVersion;
  readonly encapsulation: Encapsulation;
  /** As given; see {@link bindingAddress} for what is bound. */
  readonly local?: SocketAddress;
  readonly peer: SocketAddress;
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  readonly namespace?: string;
  readonly udpChecksum: boolean;
}

/** The largest ID: 16 bits in RFC 2661 §3.1, 32 in RFC 3931 §3.2. */
const MAX_ID = { 2: 0xffff, 3: 0xffff_ffff } as const;

const isId = (id: number, max: number): boolean => Number.isInteger(id) && id >= 1 && id <= max;

function checkId(path: string, id: number, version: L2tpVersion): void {
  const max = MAX_ID[version];
  if (!isId(id, max))
    throw new ParameterError(path, `${id} is no L2TPv${version} ID: it must be 1 to ${max}`);
}

function checkAddress(path: string, at: SocketAddress, encapsulation: Encapsulation, anyPort: boolean): void {
  // A zone (fe80::1%eth0) is the system's business.
  const family = isIP(at.address.replace(/%.*$/, ""));
  if (family === 0) throw new ParameterError(`${path}.address`, `${at.address} is no IP address`);
  if (family !== at.family)
    throw new ParameterError(`${path}.family`, `${at.address} is no IPv${at.family} address`);
  const lowest = encapsulation === "ip" || anyPort ? 0 : 1;
  const highest = encapsulation === "ip" ? 0 : 0xffff;
  if (!Number.isInteger(at.port) || at.port < lowest || at.port > highest) {
    throw new ParameterError(
      `${path}.port`,
      encapsulation === "ip"
        ? `${at.port}: IP protocol 115 has no ports, it must be 0`
        : `${at.port} is no UDP port: it must be ${lowest} to ${highest}`,
    );
  }
}

/** Checks and completes. @throws ParameterError */
export function configureTunnel(init: TunnelInit): ConfiguredTunnel {
  const version = init.version ?? 3;
  const encapsulation = init.encapsulation ?? "udp";
  if (version !== 2 && version !== 3)
    throw new ParameterError("version", `${String(version)}: it must be 2 or 3`);
  if (version === 2 && encapsulation === "ip") {
    throw new ParameterError(
      "encapsulation",
      "ip needs version 3: L2TPv2 runs over UDP only (RFC 2661 §8.1)",
    );
  }
  checkId("tunnelId", init.tunnelId, version);
  checkId("peerTunnelId", init.peerTunnelId, version);
  checkAddress("peer", init.peer, encapsulation, false);
  if (init.local) {
    checkAddress("local", init.local, encapsulation, true);
    if (init.local.family !== init.peer.family) {
      throw new ParameterError(
        "local",
        `IPv${init.local.family} cannot reach a peer that is IPv${init.peer.family}`,
      );
    }
  }
  return {
    name: init.name ?? `tunnel-${init.tunnelId}`,
    version,
    encapsulation,
    ...(init.local && { local: init.local }),
    peer: init.peer,
    tunnelId: init.tunnelId,
    peerTunnelId: init.peerTunnelId,
    ...(init.namespace !== undefined && { namespace: init.namespace }),
    udpChecksum: init.udpChecksum ?? true,
  };
}

/** The address that a tunnel's wire binds. */
export function bindingAddress({ local, peer }: ConfiguredTunnel): SocketAddress {
  return local ?? { family: peer.family, address: peer.family === 4 ? "0.0.0.0" : "::", port: 0 };
}

/** The one local address of a tunnel; undefined when it listens on all of them. */
export function ownAddress({ local }: ConfiguredTunnel): IpAddress | undefined {
  return local === undefined || local.address === "0.0.0.0" || local.address === "::"
    ? undefined
    : local.address;
}

const NO_COOKIE = new Uint8Array(0);

function checkCookie(path: string, cookie: Uint8Array, version: L2tpVersion): void {
  const { length } = cookie;
  if (length !== 0 && length !== 4 && length !== 8) {
    throw new ParameterError(path, `${length} octets: a cookie has 0, 4 or 8 (RFC 3931 §4.1.2.2)`);
  }
  if (version === 2 && length !== 0) throw new ParameterError(path, "L2TPv2 has no cookies");
}

/** Checks and completes. The cookies are copied. @throws ParameterError */
export function configureSession(init: SessionInit, version: L2tpVersion): SessionPlaneParameters {
  const { cookie = NO_COOKIE, peerCookie = NO_COOKIE, reorderMs = 0 } = init;
  checkId("sessionId", init.sessionId, version);
  checkId("peerSessionId", init.peerSessionId, version);
  checkCookie("cookie", cookie, version);
  checkCookie("peerCookie", peerCookie, version);
  if (!(reorderMs >= 0 && reorderMs < 2 ** 31))
    throw new ParameterError("reorderMs", `${reorderMs} is no duration`);
  return {
    name: init.name ?? `session-${init.sessionId}`,
    pseudowire: init.pseudowire ?? "eth",
    sessionId: init.sessionId,
    peerSessionId: init.peerSessionId,
    cookie: cookie.slice(),
    peerCookie: peerCookie.slice(),
    l2SpecificSublayer: init.l2SpecificSublayer ?? (version === 3 ? "default" : "none"),
    sendSequence: init.sendSequence ?? false,
    receiveSequence: init.receiveSequence ?? false,
    reorderMs,
    ...(init.interface && { interface: init.interface }),
    ...(init.mtu && { mtu: init.mtu }),
    ...(init.ppp && { ppp: init.ppp }),
    ...(init.pppoe && { pppoe: init.pppoe }),
  };
}

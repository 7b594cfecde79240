/**
 * Addresses of AF_PPPOX sockets: which L2TP or PPPoE session a socket is for. The kernel tells the four forms of a
 * PPPoL2TP address apart by their length (38, 46, 50, 58), so an address is given exactly as long as it is.
 */

import { IFNAMSIZ, sockaddr_in, sockaddr_in6 } from "./abi.ts";
import {
  AF_PPPOX,
  PX_PROTO_OE,
  PX_PROTO_OL2TP,
  sockaddr_pppol2tp,
  sockaddr_pppol2tpin6,
  sockaddr_pppol2tpv3,
  sockaddr_pppol2tpv3in6,
  sockaddr_pppox,
} from "./abi-ppp.ts";
import { decodeSocketAddress, encodeSocketAddress, type InetSocketAddress, ifreqOf } from "./sockaddr.ts";

/** A PPPoL2TP session; with both session IDs 0, the management socket of a tunnel. */
export interface Pppol2tpAddress {
  readonly family: "pppol2tp";
  readonly version: 2 | 3;
  /** Of the tunnel: which form the address has. The kernel does not look at it where the tunnel exists. */
  readonly peer: InetSocketAddress;
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly peerTunnelId: number;
  readonly peerSessionId: number;
  /** The tunnel's socket, for a tunnel that is to be made by `connect`; absent (-1) for one that exists. */
  readonly fd?: number;
}

/** A PPPoE session (RFC 2516) on an Ethernet interface. */
export interface PppoeAddress {
  readonly family: "pppoe";
  /** 1 to 65,534; 0 unbinds the socket. */
  readonly sessionId: number;
  /** `02:00:00:00:00:01` */
  readonly peerMac: string;
  /** Name of the interface. */
  readonly device: string;
}

/** Any address of an AF_PPPOX socket that is known here. */
export type PppoxAddress = Pppol2tpAddress | PppoeAddress;

const FORMS = {
  2: { 4: sockaddr_pppol2tp, 6: sockaddr_pppol2tpin6 },
  3: { 4: sockaddr_pppol2tpv3, 6: sockaddr_pppol2tpv3in6 },
} as const;

const IDS = [
  ["tunnelId", "pppol2tp.s_tunnel"],
  ["sessionId", "pppol2tp.s_session"],
  ["peerTunnelId", "pppol2tp.d_tunnel"],
  ["peerSessionId", "pppol2tp.d_session"],
] as const;

/**
 * A value to what `connect` takes.
 * @throws RangeError for an ID that the version does not have, TypeError for a malformed address or name.
 */
export function encodePppoxAddress(value: PppoxAddress): Uint8Array {
  return value.family === "pppoe" ? encodePppoe(value) : encodePppol2tp(value);
}

function encodePppol2tp(value: Pppol2tpAddress): Uint8Array {
  const { version, peer, fd = -1 } = value;
  const form = FORMS[version][peer.family];
  const octets = new Uint8Array(form.size);
  const view = new DataView(octets.buffer);
  view.setUint16(form.sa_family, AF_PPPOX, true);
  view.setUint32(form.sa_protocol, PX_PROTO_OL2TP, true);
  // pid stays 0: the descriptor, if any, is the caller's.
  view.setInt32(form["pppol2tp.fd"], fd, true);
  octets.set(encodeSocketAddress(peer), form["pppol2tp.addr"]);
  const largest = version === 2 ? 0xffff : 0xffff_ffff;
  for (const [key, member] of IDS) {
    const id = value[key];
    if (!Number.isInteger(id) || id < 0 || id > largest) {
      throw new RangeError(`${key} ${id}: expected 0 to ${largest} in L2TPv${version}`);
    }
    if (version === 2) view.setUint16(form[member], id, true);
    else view.setUint32(form[member], id, true);
  }
  return octets;
}

function encodePppoe({ sessionId, peerMac, device }: PppoeAddress): Uint8Array {
  const octets = new Uint8Array(sockaddr_pppox.size);
  const view = new DataView(octets.buffer);
  view.setUint16(sockaddr_pppox.sa_family, AF_PPPOX, true);
  view.setUint32(sockaddr_pppox.sa_protocol, PX_PROTO_OE, true);
  if (!Number.isInteger(sessionId) || sessionId < 0 || sessionId > 0xffff) {
    throw new RangeError(`PPPoE session ID ${sessionId}: expected 0 to 65535`);
  }
  view.setUint16(sockaddr_pppox["sa_addr.pppoe.sid"], sessionId, false);
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(peerMac)) {
    throw new TypeError(`"${peerMac}" is no MAC address: expected one such as 02:00:00:00:00:01`);
  }
  const mac = peerMac.split(":").map((hex) => Number.parseInt(hex, 16));
  octets.set(mac, sockaddr_pppox["sa_addr.pppoe.remote"]);
  // An ifreq begins with the name, padded with zeros.
  octets.set(ifreqOf(device).subarray(0, IFNAMSIZ), sockaddr_pppox["sa_addr.pppoe.dev"]);
  return octets;
}

/**
 * What `getsockname` gave to a value.
 * @throws RangeError for another family or protocol, or a length that no form has.
 */
export function decodePppoxAddress(octets: Uint8Array): PppoxAddress {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const protocol = octets.length >= 6 && view.getUint16(0, true) === AF_PPPOX ? view.getUint32(2, true) : -1;
  if (protocol === PX_PROTO_OE && octets.length === sockaddr_pppox.size) return decodePppoe(octets, view);
  if (protocol === PX_PROTO_OL2TP) {
    for (const version of [2, 3] as const) {
      for (const family of [4, 6] as const) {
        if (FORMS[version][family].size === octets.length)
          return decodePppol2tp(octets, view, version, family);
      }
    }
  }
  throw new RangeError(
    `a PPPoX address of ${octets.length} octets and protocol ${protocol} is not understood`,
  );
}

function decodePppol2tp(octets: Uint8Array, view: DataView, version: 2 | 3, family: 4 | 6): Pppol2tpAddress {
  const form = FORMS[version][family];
  const id = (at: number) => (version === 2 ? view.getUint16(at, true) : view.getUint32(at, true));
  const start = form["pppol2tp.addr"];
  const peer = octets.slice(start, start + (family === 4 ? sockaddr_in.size : sockaddr_in6.size));
  const fd = view.getInt32(form["pppol2tp.fd"], true);
  return {
    family: "pppol2tp",
    version,
    peer: decodeSocketAddress(peer) as InetSocketAddress,
    tunnelId: id(form["pppol2tp.s_tunnel"]),
    sessionId: id(form["pppol2tp.s_session"]),
    peerTunnelId: id(form["pppol2tp.d_tunnel"]),
    peerSessionId: id(form["pppol2tp.d_session"]),
    ...(fd !== -1 && { fd }),
  };
}

function decodePppoe(octets: Uint8Array, view: DataView): PppoeAddress {
  const mac = octets.subarray(sockaddr_pppox["sa_addr.pppoe.remote"], sockaddr_pppox["sa_addr.pppoe.dev"]);
  const name = octets.subarray(sockaddr_pppox["sa_addr.pppoe.dev"]);
  const end = name.indexOf(0);
  return {
    family: "pppoe",
    sessionId: view.getUint16(sockaddr_pppox["sa_addr.pppoe.sid"], false),
    peerMac: Array.from(mac, (octet) => octet.toString(16).padStart(2, "0")).join(":"),
    device: new TextDecoder().decode(end < 0 ? name : name.subarray(0, end)),
  };
}

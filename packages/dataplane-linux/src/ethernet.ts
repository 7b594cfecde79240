/** Ethernet pseudowires (RFC 4719): the kernel's `l2tp_eth` gives each session an interface. */
import { PlaneError, type SessionPlaneParameters } from "@l2tp/dataplane";
import { applyInterfaceSettings, link, type NetlinkMessage, parseIp } from "@l2tp/linux";
import { sessionIdOf } from "./dump.ts";
import { isErrno, kernelError, sessionError } from "./failure.ts";
import {
  createSession,
  deleteSession,
  getSession,
  L2SPEC,
  type L2tpAttributes,
  PWTYPE,
  readAll,
  readObject,
} from "./family.ts";
import { sequenceAttributes } from "./sequence.ts";
import type { KernelSession, SessionHost, SessionKind } from "./session-kind.ts";

export const ETHERNET: SessionKind = {
  async create(host, parameters) {
    const { what } = host;
    refuseOwnNetwork(host, parameters);
    const name = await createNamed(host, parameters);
    try {
      return await setUp(host, parameters, name);
    } catch (error) {
      await remove(host, parameters.sessionId);
      throw kernelError(error, what, {
        EEXIST: "invalid-parameters",
        EINVAL: "invalid-parameters",
        ERANGE: "invalid-parameters",
        EADDRNOTAVAIL: "invalid-parameters",
        ENODEV: "closed",
      });
    }
  },
};

/**
 * Makes the session with its interface.
 * @returns the interface's name
 */
async function createNamed(host: SessionHost, parameters: SessionPlaneParameters): Promise<string> {
  const wanted = parameters.interface?.name;
  if (wanted !== undefined) {
    await create(host, parameters, wanted);
    return wanted.includes("%") ? nameOf(host, parameters.sessionId) : wanted;
  }
  // A number of our own saves the question which one the kernel took.
  const name = `l2tpeth${host.kernel.nextNumber()}`;
  try {
    await create(host, parameters, name);
    return name;
  } catch (error) {
    if ((error as { code?: unknown }).code !== "name-in-use") throw error;
    await create(host, parameters, "l2tpeth%d");
    return nameOf(host, parameters.sessionId);
  }
}

async function create(host: SessionHost, parameters: SessionPlaneParameters, name: string): Promise<void> {
  const { kernel, carrier, what } = host;
  try {
    await kernel.run(createSession(kernel.family, attributesOf(carrier.tunnelId, parameters, name)));
  } catch (error) {
    // Whether it was made is not known: then it must not be.
    if (isErrno(error, "ENOBUFS")) await remove(host, parameters.sessionId);
    if (isErrno(error, "EEXIST")) throw await inUse(host, parameters.sessionId, name, error);
    throw sessionError(error, what, "eth");
  }
}

async function nameOf({ kernel, carrier, what }: SessionHost, sessionId: number): Promise<string> {
  const { IFNAME } = await kernel.run(getSession(kernel.family, carrier.tunnelId, sessionId));
  if (IFNAME === undefined) throw new PlaneError("system", `${what}: the kernel names no interface`);
  return IFNAME;
}

/** What the kernel is told; the names of cookies are the other way round there. */
function attributesOf(tunnelId: number, p: SessionPlaneParameters, name: string): L2tpAttributes {
  return {
    CONN_ID: tunnelId,
    SESSION_ID: p.sessionId,
    PEER_SESSION_ID: p.peerSessionId,
    PW_TYPE: PWTYPE.eth,
    // Left out, the kernel takes the default sublayer: the opposite of the protocol's default.
    L2SPEC_TYPE: L2SPEC[p.l2SpecificSublayer],
    // COOKIE is what the kernel writes, PEER_COOKIE what it expects.
    ...(p.peerCookie.length > 0 && { COOKIE: p.peerCookie }),
    ...(p.cookie.length > 0 && { PEER_COOKIE: p.cookie }),
    ...sequenceAttributes(p),
    IFNAME: name,
  };
}

async function setUp(
  host: SessionHost,
  parameters: SessionPlaneParameters,
  interfaceName: string,
): Promise<KernelSession> {
  const { kernel, mtuOctets } = host;
  const { sessionId, interface: wanted = {} } = parameters;
  const index = kernel.interfaceIndex(interfaceName);
  const { macAddress, bridge, addresses } = wanted;
  await applyInterfaceSettings(
    kernel.route,
    { index },
    {
      // A new interface is down, and has the MTU that the kernel thinks right: mostly it is.
      ...(kernel.interfaceMtu(interfaceName) !== mtuOctets && { mtuOctets }),
      ...(wanted.up !== false && { up: true }),
      ...(macAddress !== undefined && { macAddress }),
      ...(bridge !== undefined && { bridge }),
      ...(addresses !== undefined && { addresses }),
    },
  );
  // Without addresses it attracts no packets.
  if ((addresses?.length ?? 0) > 0) await host.refuseLoop(index, interfaceName);
  return {
    interfaceName,
    interfaceIndex: index,
    setMtu: (octets) => kernel.route.run(link.set({ index }, { mtuOctets: octets })),
    remove: (withTunnel) => (withTunnel ? Promise.resolve() : remove(host, sessionId)),
  };
}

async function remove({ kernel, carrier }: SessionHost, sessionId: number): Promise<void> {
  try {
    await kernel.run(deleteSession(kernel.family, carrier.tunnelId, sessionId));
  } catch {
    // Gone already, with its tunnel perhaps.
  }
}

/** The interface's own network must not hold the peer: before the first packet can go round. */
function refuseOwnNetwork({ carrier, what }: SessionHost, parameters: SessionPlaneParameters): void {
  const peer = parseIp(carrier.peer.address).octets;
  for (const { address, prefixLength, peer: other } of parameters.interface?.addresses ?? []) {
    let network: Uint8Array;
    try {
      network = parseIp(other ?? address).octets;
    } catch (error) {
      throw new PlaneError("invalid-parameters", `${what}: address ${address}: ${(error as Error).message}`);
    }
    if (network.length !== peer.length || !within(peer, network, prefixLength)) continue;
    throw new PlaneError(
      "route-through-itself",
      `${what}: the peer ${carrier.peer.address} is in the network ${address}/${prefixLength} of the session's own ` +
        "interface: each packet would be wrapped again and again; give the interface addresses of another network",
    );
  }
}

function within(address: Uint8Array, network: Uint8Array, prefixLength: number): boolean {
  for (let bit = 0; bit < prefixLength; bit += 8) {
    const mask = prefixLength - bit >= 8 ? 0xff : (0xff << (8 - (prefixLength - bit))) & 0xff;
    if ((((address[bit / 8] ?? 0) ^ (network[bit / 8] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}

/** EEXIST is said of an ID and of a name alike: finds out which, and whose. */
async function inUse(
  { kernel, carrier, what }: SessionHost,
  sessionId: number,
  name: string,
  cause: unknown,
): Promise<PlaneError> {
  let holder: L2tpAttributes | undefined;
  // Of many thousand only those are read that have the ID.
  const look = (message: NetlinkMessage) => {
    if (sessionIdOf(message) !== sessionId) return;
    const found = readObject(kernel.family, message);
    if (holder === undefined || found?.CONN_ID === carrier.tunnelId) holder = found;
  };
  await kernel.run(readAll(kernel.family, "sessions", look)).catch(() => {});
  if (holder !== undefined) {
    return new PlaneError(
      "id-in-use",
      `${what}: the ID is that of a session in tunnel ${holder.CONN_ID}` +
        `${holder.IFNAME === undefined ? "" : `, interface ${holder.IFNAME}`}` +
        `${carrier.encapsulation === "ip" ? "; over IP the session ID alone tells sessions of a network namespace apart" : ""}`,
      { cause },
    );
  }
  const taken = await kernel.route.run(link.get({ name })).then(
    ({ kind }) => kind ?? "network interface",
    () => undefined,
  );
  if (taken !== undefined) {
    return new PlaneError(
      "name-in-use",
      `${what}: there is a ${taken} of the name ${name} already; "ip link show ${name}" tells more; choose another name`,
      { cause },
    );
  }
  return new PlaneError("id-in-use", `${what}: the kernel says that it exists already`, { cause });
}

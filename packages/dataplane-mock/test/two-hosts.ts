/** What the tests of this package share: two hosts, a tunnel and a session between them. */
import type { ControlDatagram, SessionPlaneParameters } from "@l2tp/dataplane";
import { type Impairment, MockDataPlane, MockNetwork } from "@l2tp/dataplane-mock";

export const udp = (address: string, port = 1701) => ({ family: 4, address, port }) as const;

export const session = (wish: Partial<SessionPlaneParameters> = {}): SessionPlaneParameters => ({
  name: "s",
  pseudowire: "eth",
  sessionId: 11,
  peerSessionId: 22,
  cookie: Uint8Array.of(1, 2, 3, 4),
  peerCookie: Uint8Array.of(5, 6, 7, 8),
  l2SpecificSublayer: "default",
  sendSequence: false,
  receiveSequence: false,
  reorderMs: 0,
  ...wish,
});

/** A frame of 60 octets that carries `n`. */
export const frame = (n: number): Uint8Array => {
  const octets = new Uint8Array(60);
  new DataView(octets.buffer).setUint32(20, n);
  return octets;
};
export const numberOf = (octets: Uint8Array): number =>
  new DataView(octets.buffer, octets.byteOffset).getUint32(20);

/** Two hosts with wires on port 1701, a tunnel (1 and 2) and a session (11 and 22). */
export async function twoHosts(
  options: {
    seed?: number;
    impairment?: Partial<Impairment>;
    session?: Partial<SessionPlaneParameters>;
  } = {},
) {
  const { session: wish, ...rest } = options;
  const network = new MockNetwork(rest);
  const hosts = { a: network.host("a", "192.0.2.1"), b: network.host("b", "192.0.2.2") };
  const planes = { a: new MockDataPlane(hosts.a), b: new MockDataPlane(hosts.b) };
  const control: { a: ControlDatagram[]; b: ControlDatagram[] } = { a: [], b: [] };
  const keep = (into: ControlDatagram[]) => (message: ControlDatagram) => {
    into.push({ ...message, datagram: message.datagram.slice() });
  };
  const open = (side: "a" | "b") =>
    planes[side].open(
      { encapsulation: "udp", local: udp([...hosts[side].addresses][0] ?? "") },
      keep(control[side]),
    );
  const wires = { a: await open("a"), b: await open("b") };
  const tunnels = {
    a: await wires.a.createTunnel({ version: 3, tunnelId: 1, peerTunnelId: 2, peer: wires.b.local }),
    b: await wires.b.createTunnel({ version: 3, tunnelId: 2, peerTunnelId: 1, peer: wires.a.local }),
  };
  const a = session(wish);
  const mirror = { sessionId: 22, peerSessionId: 11, cookie: a.peerCookie, peerCookie: a.cookie };
  const sessions = {
    a: await tunnels.a.createSession(a),
    b: await tunnels.b.createSession({ ...a, ...mirror }),
  };
  return { network, hosts, planes, control, wires, tunnels, sessions };
}

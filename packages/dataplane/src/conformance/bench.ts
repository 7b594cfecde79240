/** What a scenario works with: wires, tunnels and sessions that are cleared away at its end. */
import type { IpAddress, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import type { PlaneNotice } from "../notice.ts";
import type { TunnelPlane, TunnelPlaneParameters, Wire } from "../plane.ts";
import type { PppLinkSettings } from "../ppp-link.ts";
import type { SessionPlane, SessionPlaneParameters } from "../session.ts";
import type { PlaneStatistics } from "../statistics.ts";
import { ok } from "./assert.ts";
import type {
  ConformanceEnd,
  ConformanceFixture,
  ConformanceOptions,
  FramePort,
  RawSocket,
  Transport,
} from "./fixture.ts";
import { frameNumber } from "./octets.ts";

/** A control message that came, copied. */
export interface Received {
  readonly from: SocketAddress;
  readonly to: IpAddress;
  readonly datagram: Uint8Array;
}

/** A wire with what it handed up. */
export interface OpenWire {
  readonly end: ConformanceEnd;
  readonly wire: Wire;
  /** Where the other end sends to. */
  readonly address: SocketAddress;
  readonly control: Received[];
  readonly notices: PlaneNotice[];
}

/** Both ends of a session. */
export interface SessionPair {
  readonly a: SessionPlane;
  readonly b: SessionPlane;
  readonly parameters: { readonly a: SessionPlaneParameters; readonly b: SessionPlaneParameters };
}

/** Both ends of a tunnel. */
export interface TunnelPair {
  readonly a: TunnelPlane;
  readonly b: TunnelPlane;
}

/** What may be said of a session; the rest is an Ethernet pseudowire without cookie and with the sublayer. */
export type SessionWish = Partial<SessionPlaneParameters>;

/** IDs are never used twice in one process: the kernel forgets one only after a moment. */
let lastId = 0x1000;
/** A fresh ID that fits both versions. */
export const freshId = (): number => {
  lastId += 1;
  return lastId;
};

/** Session parameters from one end's point of view. */
export function sessionParameters(wish: SessionWish = {}): SessionPlaneParameters {
  return {
    name: "conformance",
    pseudowire: "eth",
    sessionId: freshId(),
    peerSessionId: freshId(),
    cookie: new Uint8Array(),
    peerCookie: new Uint8Array(),
    l2SpecificSublayer: "default",
    sendSequence: false,
    receiveSequence: false,
    reorderMs: 0,
    ...wish,
  };
}

/** One scenario's surroundings. */
export class Bench {
  readonly fixture: ConformanceFixture;
  readonly transport: Transport;
  readonly options: ConformanceOptions;
  readonly #cleanUp: (() => PromiseLike<void>)[] = [];

  constructor(fixture: ConformanceFixture, transport: Transport, options: ConformanceOptions) {
    this.fixture = fixture;
    this.transport = transport;
    this.options = options;
  }

  get patienceMs(): number {
    return this.options.patienceMs ?? 3_000;
  }

  /** Opens a wire at one end: at its first address, or where the wish says. Port 0 unless wished otherwise. */
  async open(end: ConformanceEnd, wish: { address?: IpAddress; port?: number } = {}): Promise<OpenWire> {
    const { encapsulation, family } = this.transport;
    const control: Received[] = [];
    const notices: PlaneNotice[] = [];
    const own = this.addressOf(end);
    const local = { family, address: wish.address ?? own, port: wish.port ?? 0 };
    const namespace = end.namespace === undefined ? {} : { namespace: end.namespace };
    const wire = await end.plane.open({ encapsulation, local, ...namespace }, ({ from, to, datagram }) => {
      control.push({ from, to, datagram: datagram.slice() });
    });
    this.defer(() => wire[Symbol.asyncDispose]());
    void read(wire, notices);
    const address = {
      family,
      address: wish.address === wildcard(family) ? own : local.address,
      port: wire.local.port,
    };
    return { end, wire, address, control, notices };
  }

  /** A wire at each end. */
  async wires(): Promise<{ a: OpenWire; b: OpenWire }> {
    return { a: await this.open(this.fixture.a), b: await this.open(this.fixture.b) };
  }

  /** A tunnel between two wires. */
  async tunnels(a: OpenWire, b: OpenWire, version: L2tpVersion = 3): Promise<TunnelPair> {
    const [idA, idB] = [freshId(), freshId()];
    return {
      a: await this.tunnel(a, { version, tunnelId: idA, peerTunnelId: idB, peer: b.address }),
      b: await this.tunnel(b, { version, tunnelId: idB, peerTunnelId: idA, peer: a.address }),
    };
  }

  /** One tunnel; version 3 and fresh IDs unless said otherwise. */
  tunnel(
    { wire }: OpenWire,
    wish: Partial<TunnelPlaneParameters> & Pick<TunnelPlaneParameters, "peer">,
  ): Promise<TunnelPlane> {
    return wire.createTunnel({ version: 3, tunnelId: freshId(), peerTunnelId: freshId(), ...wish });
  }

  /** A session between two tunnels; the wish is `a`'s view, and `b` gets the mirror of it. */
  async sessions(tunnels: TunnelPair, wish: SessionWish = {}, wishB: SessionWish = {}): Promise<SessionPair> {
    const a = sessionParameters(this.#wish(wish));
    const b: SessionPlaneParameters = {
      ...a,
      sessionId: a.peerSessionId,
      peerSessionId: a.sessionId,
      cookie: a.peerCookie,
      peerCookie: a.cookie,
      ...wishB,
    };
    const pair = { a: await tunnels.a.createSession(a), b: await tunnels.b.createSession(b) };
    return { ...pair, parameters: { a, b } };
  }

  /** Wires, a tunnel and a session in one go, with a port at each end. */
  async connected(wish: SessionWish = {}, wishB: SessionWish = {}, version: L2tpVersion = 3) {
    const wires = await this.wires();
    const tunnels = await this.tunnels(wires.a, wires.b, version);
    const sessions = await this.sessions(tunnels, wish, wishB);
    const ports = {
      a: await this.port(wires.a.end, sessions.a),
      b: await this.port(wires.b.end, sessions.b),
    };
    return { wires, tunnels, sessions, ports };
  }

  /** A session at `b` whose peer is a raw socket, so that a scenario can write and read every octet. */
  async facingRaw(wish: SessionWish = {}, version: L2tpVersion = 3) {
    const raw = await this.raw();
    const open = await this.open(this.fixture.b);
    const peerTunnelId = freshId();
    const tunnel = await this.tunnel(open, { version, peer: raw.local, peerTunnelId });
    const parameters = sessionParameters(this.#wish(wish));
    const session = await tunnel.createSession(parameters);
    const port = await this.port(open.end, session);
    return { raw, open, tunnel, peerTunnelId, session, parameters, port };
  }

  /** A raw socket; scenarios that call it are skipped where the fixture has none. */
  async raw(): Promise<RawSocket> {
    const { encapsulation, family } = this.transport;
    const socket = await this.fixture.raw?.(encapsulation, family);
    ok(socket !== undefined, "the fixture offers raw sockets");
    this.defer(() => socket[Symbol.asyncDispose]());
    return socket;
  }

  /** The interface of a session. */
  async port(end: ConformanceEnd, session: SessionPlane): Promise<FramePort> {
    const port = await end.port(session);
    this.defer(() => port[Symbol.asyncDispose]());
    return port;
  }

  /** The wish with a link, for data planes whose PPP sessions have one. */
  linked(wish: SessionWish, settings: Partial<PppLinkSettings> = {}): SessionWish {
    const { pppLink: to } = this.options;
    return to === undefined ? wish : { ...wish, pppLink: { attach: { to }, ...settings } };
  }

  #wish(wish: SessionWish): SessionWish {
    const lacking = wish.pseudowire === "ppp" && wish.pppLink === undefined;
    return lacking && this.options.linkedOnly === true ? this.linked(wish) : wish;
  }

  /** Where the IP packets of a session with a link go in and come out. */
  async packets(end: ConformanceEnd, session: SessionPlane): Promise<FramePort> {
    const inProgram = session.link?.packets;
    if (inProgram !== undefined) {
      const received: Uint8Array[] = [];
      const listening = inProgram.onPacket((packet) => received.push(packet.slice()));
      this.defer(async () => listening[Symbol.dispose]());
      const close = async () => listening[Symbol.dispose]();
      return { received, send: (packet) => inProgram.send(packet), [Symbol.asyncDispose]: close };
    }
    const port = await end.packets?.(session);
    ok(port !== undefined, "the fixture opens interfaces for packets");
    this.defer(() => port[Symbol.asyncDispose]());
    return port;
  }

  /** The first address of an end in the family at hand, or the one of that index. */
  addressOf(end: ConformanceEnd, index = 0): IpAddress {
    const address = end.addresses[this.transport.family]?.[index];
    ok(address !== undefined, `an end has IPv${this.transport.family} address number ${index + 1}`);
    return address;
  }

  /** Waits until the condition holds. @throws Error that says what never came */
  async until(
    condition: () => boolean | Promise<boolean>,
    what: string,
    patienceMs = this.patienceMs,
  ): Promise<void> {
    for (let waited = 0; waited <= patienceMs; waited += 10) {
      if (await condition()) return;
      await this.fixture.wait(10);
    }
    throw new Error(`after ${patienceMs} ms still not so: ${what}`);
  }

  /** Lets everything in flight arrive, to show that something did not. */
  async quiet(): Promise<void> {
    await this.fixture.wait(60);
  }

  /** The kit's own frames that a port received, by number. */
  numbers(port: FramePort): number[] {
    return port.received.map(frameNumber).filter((n) => n !== undefined);
  }

  /** Waits for frames by number, in this order and no others of the kit's. */
  async expectFrames(port: FramePort, expected: readonly number[], what: string): Promise<void> {
    const same = () => this.numbers(port).join() === expected.join();
    await this.until(same, what).catch((error: unknown) => {
      throw new Error(
        `${what}: expected frames ${expected.join()}, got ${this.numbers(port).join() || "none"}`,
        {
          cause: error,
        },
      );
    });
  }

  /** Waits for counters of a session: whoever counts may be a moment behind what was handed up. */
  async expectCounters(
    session: SessionPlane,
    expected: Partial<PlaneStatistics>,
    what: string,
  ): Promise<void> {
    const keys = Object.keys(expected) as (keyof PlaneStatistics)[];
    let got: PlaneStatistics | undefined;
    await this.until(async () => {
      const now = await session.statistics();
      got = now;
      return keys.every((key) => now[key] === expected[key]);
    }, what).catch((error: unknown) => {
      const counted = keys.map((key) => `${key} ${got?.[key]} instead of ${expected[key]}`);
      throw new Error(`${what}: ${counted.join(", ")}`, { cause: error });
    });
  }

  /** Done at the end of the scenario, last first. */
  defer(task: () => PromiseLike<void>): void {
    this.#cleanUp.push(task);
  }

  /** Clears everything away, also after a failure. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const task of this.#cleanUp.reverse()) {
      try {
        await task();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** All addresses of a family. */
export const wildcard = (family: 4 | 6): IpAddress => (family === 4 ? "0.0.0.0" : "::");

async function read(wire: Wire, into: PlaneNotice[]): Promise<void> {
  for await (const notice of wire.notices) into.push(notice);
}

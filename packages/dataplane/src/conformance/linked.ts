/** PPP sessions that are run through their links, for the scenarios about them. */
import type { PppLink, PppLinkConfiguration, PppLinkSettings } from "../ppp-link.ts";
import type { SessionPlane } from "../session.ts";
import { ok } from "./assert.ts";
import { type Bench, type OpenWire, type SessionWish, sessionParameters } from "./bench.ts";
import type { FramePort } from "./fixture.ts";
import { packetNumber, v2Data } from "./octets.ts";

/** Of every session here; what else it is, the scenario says. */
export const PPP: SessionWish = { pseudowire: "ppp", l2SpecificSublayer: "none" };
/** Addresses inside the tunnel: A is the LAC's end, B the LNS's. */
export const A4 = "10.77.0.2";
export const B4 = "10.77.0.1";
export const A6 = "fe80::2";
export const B6 = "fe80::1";

/** One end of a linked session. */
interface Linked {
  readonly session: SessionPlane;
  readonly link: PppLink;
  /** Where its IP packets come out. */
  readonly packets: FramePort;
  /** Frames that were handed up. */
  readonly frames: Uint8Array[];
}

/** What both ends agree on, from one end's view. */
export function agreed(local: "a" | "b", more: Partial<PppLinkConfiguration> = {}): PppLinkConfiguration {
  const [own4, peer4] = local === "a" ? [A4, B4] : [B4, A4];
  const [own6, peer6] = local === "a" ? [A6, B6] : [B6, A6];
  return {
    sendAccm: 0xffff_ffff,
    receiveAccm: 0xffff_ffff,
    pfc: false,
    acfc: false,
    mru: 1_500,
    mtu: 1_400,
    ipv4: { local: own4, peer: peer4 },
    ipv6: { local: own6, peer: peer6 },
    ...more,
  };
}

/** The link of a session, with what comes out of it. */
export async function linkOf(bench: Bench, open: OpenWire, session: SessionPlane): Promise<Linked> {
  const { link } = session;
  ok(link !== undefined, "a session that is made with pppLink has a link");
  const frames: Uint8Array[] = [];
  const listening = link.onFrame((frame) => frames.push(frame.slice()));
  bench.defer(async () => listening[Symbol.dispose]());
  return { session, link, frames, packets: await bench.packets(open.end, session) };
}

/** Two ends of a session, nothing configured. */
export async function pair(bench: Bench, settings: Partial<PppLinkSettings> = {}) {
  const wires = await bench.wires();
  const tunnels = await bench.tunnels(wires.a, wires.b, 2);
  const sessions = await bench.sessions(tunnels, bench.linked(PPP, settings));
  return {
    wires,
    a: await linkOf(bench, wires.a, sessions.a),
    b: await linkOf(bench, wires.b, sessions.b),
  };
}

/** Two ends with addresses and open gates. */
export async function running(
  bench: Bench,
  settings: Partial<PppLinkSettings> = {},
  more: { a?: Partial<PppLinkConfiguration>; b?: Partial<PppLinkConfiguration> } = {},
) {
  const ends = await pair(bench, settings);
  await open(ends.a.link, agreed("a", more.a));
  await open(ends.b.link, agreed("b", more.b));
  return ends;
}

/** Tells a link what was agreed, and opens its gates. */
export async function open(link: PppLink, configuration: PppLinkConfiguration): Promise<void> {
  await link.configure(configuration);
  link.gate("ipv4", "pass");
  link.gate("ipv6", "pass");
  // A command that is answered comes after those before it.
  await link.configure(configuration);
}

/** End B against a raw socket, configured and open. */
export async function facing(
  bench: Bench,
  settings: Partial<PppLinkSettings> = {},
  more: Partial<PppLinkConfiguration> = {},
) {
  const raw = await bench.raw();
  const open_ = await bench.open(bench.fixture.b);
  const tunnel = await bench.tunnel(open_, { version: 2, peer: raw.local });
  const parameters = sessionParameters(bench.linked(PPP, settings));
  const end = await linkOf(bench, open_, await tunnel.createSession(parameters));
  await open(end.link, agreed("b", more));
  const ids = { tunnelId: tunnel.tunnelId, sessionId: parameters.sessionId };
  const send = (payload: Uint8Array) => raw.send(open_.address, v2Data({ ...ids, payload }));
  return { ...end, raw, send, open: open_ };
}

/** Numbers of the kit's packets that came out. */
export const numbers = (port: FramePort): number[] =>
  port.received.map(packetNumber).filter((n) => n !== undefined);

/** Waits for the kit's packets by number, in this order and no others. */
export async function expectPackets(
  bench: Bench,
  port: FramePort,
  expected: readonly number[],
  what: string,
): Promise<void> {
  await bench
    .until(() => numbers(port).join() === expected.join(), what)
    .catch((error: unknown) => {
      throw new Error(`${what}: expected packets ${expected.join()}, got ${numbers(port).join() || "none"}`, {
        cause: error,
      });
    });
}

/** A frame: protocol field first. */
export const of = (protocol: number, ...information: number[]): Uint8Array =>
  Uint8Array.of(protocol >> 8, protocol & 0xff, ...information);
/** Frames of one protocol. */
export const ours = (frames: readonly Uint8Array[], protocol: number): Uint8Array[] =>
  frames.filter((frame) => ((frame[0] ?? 0) << 8) + (frame[1] ?? 0) === protocol);
/** Whether these octets are anywhere in it. */
export const has = (datagram: Uint8Array, part: Uint8Array): boolean =>
  datagram.some((_, i) => part.every((octet, j) => datagram[i + j] === octet));

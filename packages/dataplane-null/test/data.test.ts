/** Data messages: known ones are counted and dropped, unknown ones too, and nothing is ever answered to them. */
import { randomBytes } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { PlaneNotice, SessionPlaneParameters } from "@l2tp/dataplane";
import { NullDataPlane, type NullWire } from "@l2tp/dataplane-null";
import { encodeDataV2, encodeDataV3, type SocketAddress } from "@l2tp/protocol";
import { seeds } from "@l2tp/testing";
import { afterEach, beforeEach, expect, test } from "vitest";

const none = new Uint8Array();
const frame = Uint8Array.of(0xff, 0x03, 0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4);
const LOOPBACK = { family: 4, address: "127.0.0.1" } as const;

let plane: NullDataPlane;
let wire: NullWire;
let peer: Socket;
let peerAddress: SocketAddress;
const control: Uint8Array[] = [];
const answers: Uint8Array[] = [];
const notices: PlaneNotice[] = [];

beforeEach(async () => {
  for (const list of [control, answers, notices]) list.length = 0;
  plane = new NullDataPlane();
  wire = await plane.open({ encapsulation: "udp", local: { ...LOOPBACK, port: 0 } }, ({ datagram }) => {
    control.push(datagram.slice());
  });
  void (async () => {
    for await (const notice of wire.notices) notices.push(notice);
  })();
  peer = createSocket("udp4").bind(0, LOOPBACK.address);
  peer.on("message", (datagram) => answers.push(datagram));
  await once(peer, "listening");
  peerAddress = { ...LOOPBACK, port: peer.address().port };
});
afterEach(async () => {
  peer.close();
  await plane[Symbol.asyncDispose]();
});

const send = (datagram: Uint8Array) =>
  new Promise((sent) => peer.send(datagram, wire.local.port, LOOPBACK.address, sent));

/** A message that is handed up says that all before it was dealt with. It is like no other: those before may still be on their way. */
async function flush(): Promise<void> {
  const last = Uint8Array.of(0xc8, 2, 0, 18, 0, 0, 0, 0, 0, 0, 0, 0, ...randomBytes(6));
  await send(last);
  await expect.poll(() => control.some((datagram) => Buffer.compare(datagram, last) === 0)).toBe(true);
}

const session = (wish: Partial<SessionPlaneParameters>): SessionPlaneParameters => ({
  name: "call",
  pseudowire: "ppp",
  sessionId: 1,
  peerSessionId: 2,
  cookie: none,
  peerCookie: none,
  l2SpecificSublayer: "none",
  sendSequence: false,
  receiveSequence: false,
  reorderMs: 0,
  ...wish,
});

test("data of a v2 session is counted, in its session and in the table, and not answered", async () => {
  const tunnel = await wire.createTunnel({ version: 2, tunnelId: 7, peerTunnelId: 8, peer: peerAddress });
  const call = await tunnel.createSession(session({}));
  const message = encodeDataV2({ tunnelId: 7, sessionId: 1 }, frame);
  await send(message);
  await send(message);
  await flush();
  const counted = { rxPackets: 2, rxBytes: 2 * message.length, rxErrors: 0, txPackets: 0 };
  expect(await call.statistics()).toMatchObject(counted);
  const rows: unknown[] = [];
  await wire.statistics({ row: (row) => rows.push({ ...row }) });
  expect(rows).toEqual([expect.objectContaining({ tunnelId: 7, sessionId: 1, ...counted })]);
  expect(answers).toEqual([]);
});

test("data of a v3 session is counted where its cookie is right, and refused where not", async () => {
  const tunnel = await wire.createTunnel({ version: 3, tunnelId: 7, peerTunnelId: 8, peer: peerAddress });
  const cookie = Uint8Array.of(1, 2, 3, 4);
  const call = await tunnel.createSession(session({ pseudowire: "eth", sessionId: 99_999, cookie }));
  for (const given of [cookie, Uint8Array.of(1, 2, 3, 5), cookie.subarray(0, 2)]) {
    await send(Uint8Array.of(...encodeDataV3({ encapsulation: "udp", sessionId: 99_999 }, none), ...given));
  }
  await flush();
  expect(await call.statistics()).toMatchObject({
    rxPackets: 1,
    rxErrors: 2,
    rxCookieDiscards: 1,
    rxInvalid: 1,
  });
});

test("data for no session here, and of a peer that is another, is counted and told of", async () => {
  const elsewhere = { ...peerAddress, address: "127.0.0.3" };
  const tunnel = await wire.createTunnel({ version: 2, tunnelId: 7, peerTunnelId: 8, peer: elsewhere });
  const call = await tunnel.createSession(session({}));
  await send(encodeDataV2({ tunnelId: 7, sessionId: 1 }, frame));
  await send(encodeDataV2({ tunnelId: 9, sessionId: 1 }, frame));
  await flush();
  expect((await wire.counters()).strayData).toBe(2);
  expect((await call.statistics()).rxPackets).toBe(0);
  expect(notices).toEqual([{ type: "stray-data", from: peerAddress, sessionId: 1, count: 1 }]);
  await tunnel.update({ peer: peerAddress });
  await send(encodeDataV2({ tunnelId: 7, sessionId: 1 }, frame));
  await flush();
  expect((await call.statistics()).rxPackets).toBe(1);
});

test("a session of a tunnel that was closed is gone, and its IDs are free", async () => {
  const parameters = { version: 2, tunnelId: 7, peerTunnelId: 8, peer: peerAddress } as const;
  const tunnel = await wire.createTunnel(parameters);
  const call = await tunnel.createSession(session({}));
  await expect(tunnel.createSession(session({}))).rejects.toMatchObject({ code: "id-in-use" });
  await tunnel[Symbol.asyncDispose]();
  await expect(call.statistics()).rejects.toMatchObject({ code: "closed" });
  await send(encodeDataV2({ tunnelId: 7, sessionId: 1 }, frame));
  await flush();
  expect((await wire.counters()).strayData).toBe(1);
  await (await wire.createTunnel(parameters)).createSession(session({}));
});

test("PPP of our own is refused with what to do, as its frames would go nowhere", async () => {
  const tunnel = await wire.createTunnel({ version: 2, tunnelId: 7, peerTunnelId: 8, peer: peerAddress });
  const refused = tunnel.createSession(session({ pppLink: { attach: { to: "program" } } }));
  await expect(refused).rejects.toMatchObject({ code: "unsupported" });
  await expect(refused).rejects.toThrow(/--data-plane/);
});

test.for(seeds(2))("random datagrams do no harm and get no answer (seed %s)", async (seed) => {
  const random = mulberry(seed);
  let expected = 0;
  for (let n = 0; n < 300; n++) {
    const datagram = Uint8Array.from({ length: Math.floor(random() * 60) }, () => random() * 256);
    if (datagram.length >= 2 && (datagram[0] as number) & 0x80) expected += 1;
    await send(datagram);
  }
  await flush();
  expect(control.length).toBe(expected + 1);
  const { malformed, strayData, controlReceived } = await wire.counters();
  expect(malformed + strayData + controlReceived).toBe(301);
  expect(answers).toEqual([]);
});

function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

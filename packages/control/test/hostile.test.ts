/**
 * Mutated and malformed datagrams at a live LNS and a live LAC, from known and unknown sources: they stay up, answer new
 * callers meanwhile, and their memory returns to where it was. `L2TP_HOSTILE=1000000` sends a million to each.
 */
import { expect, test } from "vitest";
import type { PeerAddress } from "../src/index.ts";
import { A, forSeeds, lacWithSession, lnsWithSession, Peer, rng, type Stage } from "./stage.ts";
import { avp, body, control, text, u16 } from "./wire.ts";

const count = Number(globalThis.process?.env["L2TP_HOSTILE"] ?? 100_000);

/** Good messages of every sort, to be made bad. */
const seedsOf = (tunnelId: number, sessionId: number): Uint8Array[] => [
  control(
    { tunnelId: 0, ns: 0, nr: 0 },
    body(
      "SCCRQ",
      A.version(),
      A.host("peer"),
      A.framing(),
      A.tunnelId(7),
      A.vendor("v"),
      A.window(4),
      A.challenge([1, 2, 3]),
      A.tieBreaker(5),
    ),
  ),
  control(
    { tunnelId, ns: 1, nr: 1 },
    body("SCCRP", A.version(), A.framing(), A.host("peer"), A.tunnelId(7), A.response(new Array(16).fill(1))),
  ),
  control({ tunnelId, ns: 1, nr: 1 }, body("SCCCN", A.response(new Array(16).fill(1)))),
  control({ tunnelId, ns: 2, nr: 1 }, body("StopCCN", A.tunnelId(7), A.result(2, 6, "text"))),
  control({ tunnelId, ns: 2, nr: 1 }, body("HELLO")),
  control(
    { tunnelId, ns: 2, nr: 1 },
    body(
      "ICRQ",
      A.sessionId(9),
      A.serial(1),
      A.bearerType(1),
      A.called("1"),
      A.calling("2"),
      avp(36, new Array(16).fill(2)),
      avp(23, [1, 2, 3, 4], { h: 1 }),
    ),
  ),
  control({ tunnelId, sessionId, ns: 3, nr: 2 }, body("ICRP", A.sessionId(9))),
  control(
    { tunnelId, sessionId, ns: 3, nr: 2 },
    body(
      "ICCN",
      A.txSpeed(1),
      A.framingType(1),
      avp(29, [0, 2], { m: 0 }),
      avp(31, text("challenge"), { m: 0 }),
    ),
  ),
  control(
    { tunnelId, ns: 3, nr: 2 },
    body(
      "OCRQ",
      A.sessionId(9),
      A.serial(1),
      A.minimumBps(1),
      A.maximumBps(2),
      A.bearerType(1),
      A.framingType(1),
      A.called("1"),
    ),
  ),
  control(
    { tunnelId, sessionId, ns: 3, nr: 2 },
    body("CDN", A.result(2, 4), A.sessionId(9), A.q931(16, 69, "bye")),
  ),
  control({ tunnelId, sessionId, ns: 3, nr: 2 }, body("WEN", A.callErrors(1, 2, 3, 4, 5, 6))),
  control({ tunnelId, sessionId, ns: 3, nr: 2 }, body("SLI", A.accm(1, 2))),
  control(
    { tunnelId, ns: 3, nr: 2 },
    body("CSUN", avp(97, [0, 0, ...u16(sessionId), 0, 0, 0, 1, 0, 0, 0, 1], { m: 0 })),
  ),
  control({ tunnelId, ns: 3, nr: 2 }, body(99)),
  control({ tunnelId, ns: 3, nr: 2 }, []),
];

function mutated(random: () => number, seeds: readonly Uint8Array[], ns: number): Uint8Array {
  const pick = (most: number): number => Math.floor(random() * most);
  let octets = (seeds[pick(seeds.length)] as Uint8Array).slice();
  // Most would be old news: half of them come in their turn, so that they are acted on.
  if (random() < 0.5 && octets.length >= 12) new DataView(octets.buffer).setUint16(8, ns);
  const changes = pick(5);
  for (let n = 0; n < changes; n++) {
    const at = pick(octets.length);
    switch (pick(6)) {
      case 0:
        octets[at] = pick(256);
        break;
      case 1:
        octets[at] = (octets[at] as number) ^ (1 << pick(8));
        break;
      case 2:
        octets = octets.slice(0, at);
        break;
      case 3:
        octets = Uint8Array.of(...octets, ...octets.slice(at));
        break;
      case 4:
        if (at + 1 < octets.length)
          new DataView(octets.buffer).setUint16(at, [0, 5, 6, 0x3ff, 0x8000, 0xffff][pick(6)] as number);
        break;
      case 5:
        octets.copyWithin(at, pick(octets.length));
        break;
    }
    if (octets.length === 0) break;
  }
  // Sometimes the header tells the truth about the length again, so that the AVPs are read.
  if (random() < 0.7 && octets.length >= 12) new DataView(octets.buffer).setUint16(2, octets.length);
  return octets;
}

/** Sends `count` of them from the peer itself and from strangers; new callers come in all the while. */
function bombard(seed: number, stage: Stage, tunnelOf: () => { tunnelId: number; ns: number }): void {
  const random = rng(seed);
  let callers = 0;
  let next = 0;
  let target = tunnelOf();
  let good = seedsOf(target.tunnelId, 9);
  for (let n = 0; n < count; n++) {
    const stranger = random() < 0.4;
    if (n % 8 === 0) {
      const before = target.tunnelId;
      target = tunnelOf();
      if (target.tunnelId !== before) good = seedsOf(target.tunnelId, 9);
    }
    const from: PeerAddress = stranger
      ? {
          family: 4,
          address: `203.0.113.${Math.floor(random() * 255)}`,
          port: 1 + Math.floor(random() * 65_000),
        }
      : { family: 4, address: "192.0.2.1", port: 1701 };
    stage.endpoint.handleDatagram(stage.now, from, mutated(random, good, target.ns));
    if (n % 8 === 0) stage.pump();
    if (n % 400 === 0) {
      stage.pass(1_000);
      stage.events.length = 0;
      stage.sent.length = 0;
    }
    if (n % 5_000 === 0) {
      // A caller whom nobody has heard of comes in, and brings a call up.
      const caller = new Peer(stage, `198.51.${100 + (next >> 8)}.${next++ & 255}`);
      caller.establish().call(1);
      stage.pass(50);
      if (stage.of("session-up").some(({ peerSessionId }) => peerSessionId === 1)) callers++;
      caller.say("StopCCN", A.tunnelId(77), A.result(1));
      stage.peers.delete(`${caller.address.address}:1701`);
    }
  }
  expect(callers).toBe(next);
  stage.peers.clear();
}

function memoryReturns(stage: Stage): void {
  stage.endpoint.shutDown(stage.now);
  stage.pass(200_000);
  expect(stage.isEmpty).toBe(true);
  expect(stage.endpoint.peers().length).toBeLessThanOrEqual(4_096);
}

test(`${count} hostile datagrams at a live LNS: it stays up, new callers come in, nothing is left of it`, () => {
  forSeeds(1, (seed) => {
    const { stage, peer } = lnsWithSession({
      tunnel: { secrets: [] },
      historyTunnels: 8,
      historySessions: 8,
    });
    bombard(seed, stage, () => {
      if (stage.endpoint.tunnels().next().done) {
        // The known peer comes back, if its address is not in disgrace because of what was sent in its name.
        Object.assign(peer, { ns: 0, nr: 0, theirs: 0 });
        peer.clear();
        peer.sccrq();
        if (peer.heard.some(({ type }) => type === "SCCRP")) peer.say("SCCCN");
      }
      const { value } = stage.endpoint.tunnels().next();
      return { tunnelId: value?.tunnelId ?? 1, ns: value?.channel?.nr ?? 0 };
    });
    memoryReturns(stage);
  });
}, 600_000);

test(`${count} hostile datagrams at a live LAC: it stays up, new callers come in, nothing is left of it`, () => {
  forSeeds(1, (seed) => {
    const { stage } = lacWithSession({
      tunnel: { acceptOutgoing: true, bearerCapabilities: 3 },
      historyTunnels: 8,
      historySessions: 8,
    });
    let tunnel = stage.last("tunnel-up").tunnel;
    bombard(seed, stage, () => {
      let status = stage.endpoint.tunnel(tunnel);
      if (status === undefined) {
        tunnel = stage.endpoint.openTunnel(stage.now, {
          peer: { family: 4, address: "192.0.2.1", port: 1701 },
        });
        stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
        stage.pump();
        status = stage.endpoint.tunnel(tunnel);
      }
      return { tunnelId: status?.tunnelId ?? 0, ns: status?.channel?.nr ?? 0 };
    });
    memoryReturns(stage);
  });
}, 600_000);

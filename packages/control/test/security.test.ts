/** The security checklist, points 9 to 22, as far as they are the control plane's. */
import { expect, test } from "vitest";
import { Endpoint } from "../src/index.ts";
import { A, fillWith, lacWithSession, lnsWithSession, Peer, rng, Stage } from "./stage.ts";
import { avp, avpOf, body, control, hear, hidden, numberOf, response, resultOf, text, u16 } from "./wire.ts";

const sccrq = (id: number, ...more: number[][]) =>
  control(
    { tunnelId: 0, ns: 0, nr: 0 },
    body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(id), ...more),
  );

test.each([
  ["a ZLB", control({ tunnelId: 0, ns: 0, nr: 0 }, [])],
  ["a Hello", control({ tunnelId: 0, ns: 0, nr: 0 }, body("HELLO"))],
  ["an ICRQ", control({ tunnelId: 0, ns: 0, nr: 0 }, body("ICRQ", A.sessionId(1), A.serial(1)))],
  [
    "an SCCRP",
    control(
      { tunnelId: 0, ns: 0, nr: 0 },
      body("SCCRP", A.version(), A.framing(), A.host("p"), A.tunnelId(1)),
    ),
  ],
  ["an SCCCN", control({ tunnelId: 0, ns: 0, nr: 0 }, body("SCCCN"))],
  ["a StopCCN", control({ tunnelId: 0, ns: 0, nr: 0 }, body("StopCCN", A.tunnelId(1), A.result(1)))],
  [
    "an SCCRQ with Ns 1",
    control(
      { tunnelId: 0, ns: 1, nr: 0 },
      body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(1)),
    ),
  ],
  [
    "an SCCRQ for a tunnel that is not there",
    control(
      { tunnelId: 9, ns: 0, nr: 0 },
      body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(1)),
    ),
  ],
  ["a ZLB for a tunnel that is not there", control({ tunnelId: 9, ns: 0, nr: 0 }, [])],
  [
    "a StopCCN for a tunnel that is not there",
    control({ tunnelId: 9, ns: 0, nr: 0 }, body("StopCCN", A.tunnelId(1), A.result(1))),
  ],
  ["L2F", Uint8Array.of(0xc8, 1, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0)],
  ["L2TPv3", Uint8Array.of(0xc8, 3, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0)],
  ["garbage", Uint8Array.of(1, 2, 3)],
  ["nothing", new Uint8Array()],
])("9. %s makes no state and gets no answer", (_, datagram) => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.raw(datagram);
  stage.pass(60_000);
  expect(stage.sent).toEqual([]);
  expect(stage.isEmpty).toBe(true);
  expect(Object.values(stage.statistics.discards).reduce((a, b) => a + b)).toBe(1);
});

test("9. half-open tunnels are limited for each source, and others still come in", () => {
  const stage = new Stage({ limits: { halfOpenPerSource: 3 } });
  const flood = new Peer(stage, "203.0.113.1");
  for (let id = 1; id <= 50; id++) flood.raw(sccrq(id));
  expect(stage.statistics).toMatchObject({ halfOpen: 3, tunnels: 3 });
  expect(stage.statistics.discards.halfOpenLimit).toBe(47);
  new Peer(stage, "192.0.2.1").establish();
  expect(stage.of("tunnel-up")).toHaveLength(1);
});

test("9. half-open tunnels are limited in all", () => {
  const stage = new Stage({ limits: { halfOpen: 10 } });
  for (let n = 1; n <= 50; n++) new Peer(stage, `203.0.113.${n}`).raw(sccrq(1));
  expect(stage.statistics.halfOpen).toBe(10);
  stage.pass(120_000);
  expect(stage.statistics.halfOpen).toBe(0);
  expect(stage.isEmpty).toBe(true);
});

test("9. SCCRQs of one source are limited in rate, by silence, and then taken again", () => {
  const stage = new Stage({ limits: { sourceSccrq: [1, 5], halfOpenPerSource: 1_000 } });
  const peer = new Peer(stage);
  for (let id = 1; id <= 20; id++) peer.raw(sccrq(id));
  expect(stage.of("question")).toHaveLength(5);
  expect(stage.statistics.discards.rateLimited).toBe(15);
  stage.pass(3_000);
  for (let id = 30; id <= 40; id++) peer.raw(sccrq(id));
  expect(stage.of("question")).toHaveLength(8);
});

test("9. tunnel set-ups are limited in rate in all", () => {
  const stage = new Stage({ limits: { tunnelRate: 4 } });
  for (let n = 1; n <= 20; n++) new Peer(stage, `203.0.113.${n}`).raw(sccrq(1));
  expect(stage.of("question")).toHaveLength(4);
});

test("9. calls of one source are limited in rate: CDN 2/4", () => {
  const stage = new Stage({ limits: { sourceCalls: [1, 3] } });
  const peer = new Peer(stage).establish();
  for (let id = 1; id <= 6; id++) peer.icrq(id);
  stage.pass(50);
  const refused = peer.heard.filter(({ type }) => type === "CDN");
  expect(refused.map(resultOf)).toEqual([
    [2, 4],
    [2, 4],
    [2, 4],
  ]);
  expect(stage.statistics.sessions).toBe(3);
});

test("9. who shows wrong secrets again and again is not heard for a while; with the right one it then comes in", () => {
  const stage = new Stage({ tunnel: { secrets: ["x"] }, limits: { sourceBadAuthentication: [0.1, 3] } });
  for (let n = 0; n < 6; n++) new Peer(stage, "192.0.2.1", 2_000 + n).raw(sccrq(n + 1));
  for (let n = 0; n < 6; n++) {
    const peer = stage.peers.get(`192.0.2.1:${2_000 + n}`) as Peer;
    peer.ns = 1;
    peer.say("SCCCN", A.response(response(3, "wrong", avpOf(peer.last, 11) as Uint8Array)));
  }
  expect(stage.statistics.authenticationFailures).toBe(6);
  const late = new Peer(stage, "192.0.2.1", 3_000);
  late.sccrq();
  expect(late.heard).toEqual([]);
  stage.pass(11_000);
  late.ns = 0;
  late.establish("x");
  expect(stage.of("tunnel-up")).toHaveLength(1);
});

test("9. things for the log are limited in rate for each source, and say how many were left out", () => {
  const stage = new Stage({ limits: { sourceNotices: [1, 5] } });
  const peer = new Peer(stage);
  for (let n = 0; n < 1_000; n++) peer.raw(Uint8Array.of(1, 2, 3));
  expect(stage.of("notice")).toHaveLength(5);
  stage.pass(1_000);
  peer.raw(Uint8Array.of(1, 2, 3));
  expect(stage.last("notice").suppressed).toBe(995);
  expect(stage.statistics.noticesSuppressed).toBe(995);
});

test("9. what is kept of addresses is bounded", () => {
  const stage = new Stage({ limits: { sources: 100 } });
  for (let n = 0; n < 5_000; n++) {
    stage.endpoint.handleDatagram(
      stage.now,
      { family: 4, address: `10.0.${n >> 8}.${n & 255}`, port: 1 },
      Uint8Array.of(1),
    );
  }
  expect(stage.endpoint.peers().length).toBeLessThanOrEqual(100);
});

test("11. an SCCRP to a caller who never answers is sent again three times only, whatever is set for others", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.acknowledges = false;
  peer.sccrq();
  stage.pass(120_000);
  expect(peer.types).toEqual(["SCCRP", "SCCRP", "SCCRP", "SCCRP"]);
  expect(stage.isEmpty).toBe(true);
});

test("11. what was sent again is answered by a ZLB, not by one more SCCRP", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.acknowledges = false;
  for (let n = 0; n < 5; n++) peer.raw(sccrq(7));
  expect(peer.types).toEqual(["SCCRP"]);
});

test("11. a refusal is never longer than the SCCRQ that it answers, and limited in rate", () => {
  const long = "x".repeat(500);
  const stage = new Stage({
    accept: () => ({ accept: false, text: long }),
    limits: { sourceRefusals: [1, 3] },
  });
  const peer = new Peer(stage);
  for (let id = 1; id <= 10; id++) {
    const asked = sccrq(id);
    peer.raw(asked);
    for (const { octets } of peer.heard) expect(octets.length).toBeLessThanOrEqual(asked.length);
  }
  expect(peer.heard).toHaveLength(3);
  expect(stage.statistics.refusalsSuppressed).toBe(7);
});

test("11. an SCCRQ that is shorter than any refusal gets none", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  for (const avps of [[], [A.version()], [A.host("a")], [A.version(), A.host("a")]]) {
    const asked = control({ tunnelId: 0, ns: 0, nr: 0 }, body("SCCRQ", A.tunnelId(7), ...avps));
    peer.heard.length = 0;
    peer.raw(asked);
    for (const { octets } of peer.heard) expect(octets.length).toBeLessThanOrEqual(asked.length);
    expect(peer.heard).toHaveLength(asked.length < 38 ? 0 : 1);
  }
  expect(stage.statistics.refusalsSuppressed).toBe(3);
});

test("11. a decision that comes late is held to the length of its own SCCRQ, not of the last one", () => {
  const stage = new Stage({ accept: false });
  const small = new Peer(stage, "192.0.2.1");
  small.raw(sccrq(1));
  const token = stage.token();
  new Peer(stage, "192.0.2.2").raw(sccrq(2, A.vendor("x".repeat(400))));
  stage.endpoint.decide(stage.now, token, { accept: false, text: "y".repeat(300) });
  stage.pump();
  expect(small.last.octets.length).toBeLessThanOrEqual(sccrq(1).length);
});

test("12. an old Ns is acknowledged and never acted on again (RFC 2661 §5.8)", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  const icrq = peer.make(0, body("ICRQ", A.sessionId(500), A.serial(1)));
  for (let n = 0; n < 5; n++) peer.raw(icrq);
  expect(stage.of("question").filter(({ about }) => about === "incoming-call")).toHaveLength(1);
  expect(peer.types.filter((type) => type === "ICRP")).toHaveLength(1);
  expect(peer.heard.filter(({ type }) => type === "ZLB")).toHaveLength(4);
});

test("12. a ZLB is never acknowledged, whatever its Ns", () => {
  const { stage, peer } = lnsWithSession();
  stage.pass(100);
  peer.clear();
  for (const ns of [0, peer.ns, peer.ns + 5, 65_535])
    peer.raw(control({ tunnelId: peer.theirs, ns, nr: peer.nr }, []));
  stage.pass(1_000);
  expect(peer.heard).toEqual([]);
});

test("12. what lies outside the window is dropped and counted, and what waits is bounded by the window", () => {
  const stage = new Stage({ tunnel: { transport: { windowSize: 4 } } });
  const peer = new Peer(stage).establish();
  peer.ns += 1;
  for (let n = 0; n < 20; n++) peer.say("HELLO");
  const channel = stage.endpoint.tunnel(stage.last("tunnel-up").tunnel)?.channel;
  expect(channel?.held).toBe(3);
  expect(stage.statistics.discards.outOfWindow).toBe(17);
});

test("12. what waits out of order is a copy: the caller's buffer may be a slice of a pool that is used again", () => {
  const stage = new Stage();
  const peer = new Peer(stage).establish();
  const first = peer.make(0, body("HELLO"));
  const icrq = peer.make(0, body("ICRQ", A.sessionId(500), A.serial(1), A.called("123")));
  const pool = Buffer.alloc(512);
  pool.set(icrq, 100);
  peer.raw(pool.subarray(100, 100 + icrq.length));
  pool.fill(0xee);
  peer.raw(first);
  expect(stage.last("question")).toMatchObject({ request: { calledNumber: "123" } });
});

test("13. no timer fires for what is gone: at every moment of a close the clock may run on", () => {
  const scenes: ((stage: Stage, peer: Peer) => void)[] = [
    (stage) => stage.endpoint.closeTunnel(stage.now, stage.last("tunnel-up").tunnel),
    (_, peer) => peer.say("StopCCN", A.tunnelId(77), A.result(1)),
    (stage) => stage.endpoint.closeSession(stage.now, stage.last("session-up").session),
    (stage) => stage.endpoint.shutDown(stage.now),
    (_, peer) => peer.icrq(501),
    (_, peer) => {
      peer.acknowledges = false;
    },
  ];
  for (const scene of scenes) {
    for (const wait of [0, 10, 999, 1_000, 29_999, 30_999, 31_000, 60_000]) {
      const { stage, peer, tunnel, session } = lnsWithSession({
        tunnel: { idleTimeoutMs: 5_000, sessionSetupMs: 2_000 },
      });
      scene(stage, peer);
      stage.pass(wait);
      stage.endpoint.closeTunnel(stage.now, tunnel);
      stage.endpoint.closeTunnel(stage.now, tunnel);
      stage.endpoint.closeSession(stage.now, session);
      stage.endpoint.shutDown(stage.now);
      stage.pass(200_000);
      expect(stage.isEmpty).toBe(true);
      expect(stage.of("tunnel-down")).toHaveLength(1);
      expect(stage.of("session-down").filter((event) => event.session === session)).toHaveLength(1);
    }
  }
});

test("13. a question's and an intent's late answers change nothing, nor do answers of others", () => {
  const stage = new Stage({ accept: false, planes: false });
  const peer = new Peer(stage);
  peer.sccrq();
  const token = stage.token();
  peer.theirs = stage.endpoint.tunnels().next().value?.tunnelId ?? 0;
  peer.say("StopCCN", A.tunnelId(77), A.result(1));
  const before = stage.events.length;
  expect(stage.endpoint.decide(stage.now, token, { accept: true })).toBe(false);
  stage.endpoint.planeReady(stage.now, token);
  stage.endpoint.planeFailed(stage.now, 12_345 as never, "no");
  stage.pump();
  expect(stage.events).toHaveLength(before);
});

test("14. at the limit of tunnels a caller is told: StopCCN 2/4; our own attempt says which limit", () => {
  const stage = new Stage({ limits: { tunnels: 1 } });
  new Peer(stage).establish();
  const other = new Peer(stage, "192.0.2.2");
  other.sccrq();
  expect(resultOf(other.last)).toEqual([2, 4]);
  expect(() => stage.dial(other)).toThrow(/limits\.tunnels/);
});

test("14. closed tunnels whose channel lingers are bounded", () => {
  const stage = new Stage({ limits: { closedTunnels: 5 } });
  for (let n = 1; n <= 20; n++) {
    new Peer(stage, `192.0.2.${n}`).establish();
    stage.endpoint.closeTunnel(stage.now, stage.last("tunnel-up").tunnel);
    stage.pump();
  }
  expect(stage.statistics.closedTunnels).toBe(5);
});

test("16. IDs come from the injected randomness, are never 0, and no two runs have the same", () => {
  const ids = (seed: number) => {
    const stage = new Stage({ seed });
    return Array.from({ length: 50 }, (_, n) => {
      new Peer(stage, `192.0.2.${n + 1}`).establish();
      return stage.last("tunnel-up").tunnelId;
    });
  };
  const [one, two] = [ids(1), ids(2)];
  expect(one).not.toEqual(two);
  expect(new Set(one).size).toBe(50);
  const steps = one.slice(1).map((id, n) => id - (one[n] as number));
  expect(new Set(steps).size).toBeGreaterThan(45);
  expect([...one, ...two]).not.toContain(0);
});

test("16. an ID is not given again for a full retransmission cycle, nor while the data plane has it; then it is", () => {
  // The same number again and again: whoever takes it first has it, the next gets another.
  const fill = (into: Uint8Array) => into.fill(0x11);
  const endpoint = new Endpoint({ random: fill });
  const peer = { family: 4, address: "192.0.2.1", port: 1701 } as const;
  const handle = endpoint.openTunnel(0, { peer });
  expect(endpoint.tunnel(handle)?.tunnelId).toBe(0x1111);
  endpoint.closeTunnel(0, handle);
  for (const [now, expected] of [
    [1_000, 0x1112],
    [30_000, 0x1113],
  ] as const) {
    endpoint.handleTimeout(now);
    while (endpoint.pollTransmit() !== undefined);
    expect(endpoint.tunnel(endpoint.openTunnel(now, { peer, tunnelSetupMs: 1_000 }))?.tunnelId).toBe(
      expected,
    );
  }
  for (let now = 31_000; now < 400_000; now += 1_000) {
    endpoint.handleTimeout(now);
    while (endpoint.pollTransmit() !== undefined);
  }
  expect(endpoint.tunnel(endpoint.openTunnel(400_000, { peer }))?.tunnelId).toBe(0x1111);
});

test("16. a session's ID rests after its end, until the data plane has let go of it", () => {
  const stage = new Stage({ planes: false });
  const peer = new Peer(stage).establish();
  const { tunnel } = stage.last("tunnel-up");
  stage.endpoint.planeReady(stage.now, stage.intent("set-up-tunnel").token);
  const open = (sessionId: number) =>
    stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming", sessionId });
  const session = open(1_234);
  stage.pump();
  peer.sayTo(1_234, "ICRP", A.sessionId(9));
  stage.endpoint.planeReady(stage.now, stage.intent("set-up-session").token);
  stage.pump();
  stage.endpoint.closeSession(stage.now, session);
  stage.pump();
  const tearDown = stage.intent("tear-down-session").token;
  expect(() => open(1_234)).toThrow(/sessionId/);
  stage.endpoint.planeReady(stage.now, tearDown);
  stage.pass(30_000);
  expect(() => open(1_234)).toThrow(/sessionId/);
  stage.pass(1_500);
  expect(open(1_234)).toBeGreaterThan(0);
});

test("17. an empty Challenge Response never answers anything", () => {
  const stage = new Stage({ tunnel: { secrets: ["x"] } });
  const peer = new Peer(stage);
  peer.sccrq();
  peer.say("SCCCN", avp(13, []));
  expect(stage.of("tunnel-up")).toEqual([]);
  expect(peer.last.type).toBe("StopCCN");
});

test("18. whoever has a secret challenges, as LAC and as LNS, each time with another challenge", () => {
  const stage = new Stage({ tunnel: { secrets: ["x"] } });
  const challenges = [1, 2, 3].map((n) => {
    const peer = new Peer(stage, `192.0.2.${n}`);
    if (n === 1) stage.dial(peer);
    else peer.sccrq();
    return [...(avpOf(peer.last, 11) as Uint8Array)].join();
  });
  expect(new Set(challenges).size).toBe(3);
});

test("18. our own challenge, reflected in the SCCRP of the same tunnel, is refused", () => {
  const stage = new Stage({ tunnel: { secrets: ["x"] } });
  const peer = new Peer(stage);
  stage.dial(peer);
  const ours = avpOf(peer.last, 11) as Uint8Array;
  peer.answers(A.challenge([...ours]), A.response(response(2, "x", ours)));
  expect(resultOf(peer.last)[0]).toBe(4);
  expect(avpOf(peer.last, 13)).toBeUndefined();
  expect(stage.statistics.reflectedChallenges).toBe(1);
});

test("18. our challenge, reflected by a call to us while it waits for its answer, is refused: we do not answer ourselves", () => {
  const stage = new Stage({ tunnel: { secrets: ["x"] } });
  const victim = new Peer(stage);
  stage.dial(victim);
  const ours = avpOf(victim.last, 11) as Uint8Array;
  const attacker = new Peer(stage, "203.0.113.5");
  attacker.sccrq(A.challenge([...ours]));
  expect(resultOf(attacker.last)[0]).toBe(4);
  expect(avpOf(attacker.last, 13)).toBeUndefined();
  expect(stage.statistics.reflectedChallenges).toBe(1);
});

test("18. a LAC and an LNS in one program may call each other: what our own socket sent is no reflection", () => {
  const own = { family: 4, address: "192.0.2.200", port: 1_701 } as const;
  const stage = new Stage({ tunnel: { secrets: ["x"] }, isOwn: ({ address }) => address === own.address });
  const victim = new Peer(stage);
  stage.dial(victim);
  const ours = avpOf(victim.last, 11) as Uint8Array;
  const ourselves = new Peer(stage, own.address);
  ourselves.sccrq(A.challenge([...ours]));
  expect(avpOf(ourselves.last, 13)).toEqual(Uint8Array.from(response(2, "x", ours)));
  const attacker = new Peer(stage, "203.0.113.5");
  attacker.sccrq(A.challenge([...ours]));
  expect(avpOf(attacker.last, 13)).toBeUndefined();
  expect(stage.statistics.reflectedChallenges).toBe(1);
});

test.each([
  ["strict", "192.0.2.1", 1_702, false],
  ["port", "192.0.2.1", 1_702, true],
  ["port", "192.0.2.2", 1_701, false],
  ["roam", "192.0.2.2", 1_701, false],
])(
  "19. policy %s without a secret: a message from %s port %i is taken: %s",
  (peerAddress, address, port, taken) => {
    const stage = new Stage({ tunnel: { peerAddress: peerAddress as "port" } });
    const peer = new Peer(stage).establish();
    peer.address = { family: 4, address, port };
    peer.call(500);
    expect(stage.of("session-up").length === 1 || stage.of("question").length === 2).toBe(taken);
    expect(stage.statistics.discards.wrongAddress > 0).toBe(!taken);
  },
);

test("19. with policy roam a peer that has shown its secret may come from elsewhere, and old messages do not move it", () => {
  const stage = new Stage({ tunnel: { peerAddress: "roam", secrets: ["x"] } });
  const peer = new Peer(stage).establish("x");
  const recorded = peer.make(0, body("HELLO"));
  peer.raw(recorded);
  stage.endpoint.handleDatagram(stage.now, { family: 4, address: "203.0.113.66", port: 6 }, recorded);
  stage.endpoint.handleDatagram(
    stage.now,
    { family: 4, address: "203.0.113.66", port: 6 },
    control({ tunnelId: peer.theirs, ns: 9, nr: 0 }, []),
  );
  stage.pump();
  expect(stage.of("peer-moved")).toEqual([]);
  peer.address = { family: 4, address: "198.51.100.7", port: 4_000 };
  stage.peers.set("198.51.100.7:4000", peer);
  peer.say("HELLO");
  stage.pass(100);
  expect(stage.last("peer-moved")).toMatchObject({
    before: { address: "192.0.2.1" },
    after: { address: "198.51.100.7", port: 4_000 },
  });
  expect(stage.sent.at(-1)?.to).toBe("198.51.100.7:4000");
});

test("19. several clients behind one address with equal ports, and even equal IDs, are told apart", () => {
  const stage = new Stage();
  const ask = (id: number, name: string) =>
    control(
      { tunnelId: 0, ns: 0, nr: 0 },
      body("SCCRQ", A.version(), A.host(name), A.framing(), A.tunnelId(id)),
    );
  const nat = new Peer(stage);
  nat.acknowledges = false;
  for (const [id, name] of [
    [1, "a"],
    [2, "a"],
    [1, "b"],
  ] as const)
    nat.raw(ask(id, name));
  const assigned = nat.heard
    .filter(({ type }) => type === "SCCRP")
    .map((sccrp) => numberOf(sccrp, 9) as number);
  expect(new Set(assigned).size).toBe(3);
  for (const id of assigned) nat.raw(control({ tunnelId: id, ns: 1, nr: 1 }, body("SCCCN")));
  expect(stage.of("tunnel-up").map(({ peer }) => peer.hostName)).toEqual(["a", "a", "b"]);
});

test("19. a datagram that came through another of our sockets reaches its tunnel, and the answer leaves by that one", () => {
  const stage = new Stage();
  const peer = new Peer(stage);
  peer.address = { ...peer.address, local: "198.51.100.1", wire: 1 };
  peer.establish();
  peer.address = { ...peer.address, local: "198.51.100.2", wire: 2 };
  stage.endpoint.handleDatagram(
    stage.now,
    peer.address,
    peer.make(0, body("ICRQ", A.sessionId(1), A.serial(1))),
  );
  for (let event = stage.endpoint.pollEvent(); event; event = stage.endpoint.pollEvent()) {
    if (event.type === "question") stage.endpoint.decide(stage.now, event.token, { accept: true });
    else if (event.type === "intent") stage.endpoint.planeReady(stage.now, event.token);
  }
  const out = stage.endpoint.pollTransmit();
  expect(out).toMatchObject({ from: "198.51.100.2", wire: 2 });
  expect(hear(out?.datagram as Uint8Array).type).toBe("ICRP");
});

test("22. no secret shows in an event, a status, a history or an error", () => {
  const secrets = ["correct horse battery"];
  const { stage } = lacWithSession(
    { tunnel: { secrets, challenge: false } },
    {
      connected: {
        proxyAuthenType: 3,
        proxyAuthenName: "u",
        proxyAuthenId: { id: 1 },
        proxyAuthenResponse: Uint8Array.from(text("hunter2")),
      },
    },
  );
  stage.endpoint.shutDown(stage.now);
  stage.pass(60_000);
  const shown = JSON.stringify([
    stage.events,
    [...stage.endpoint.tunnels()],
    stage.endpoint.closedTunnels(stage.now),
    stage.endpoint.closedSessions(stage.now),
    stage.endpoint.peers(),
    stage.statistics,
  ]);
  expect(shown).not.toContain("correct horse");
  expect(shown).not.toContain("hunter2");
});

test("23. a peer's text has no control characters in an ending", () => {
  const { stage, peer, sessionId } = lnsWithSession();
  peer.sayTo(sessionId, "CDN", A.result(2, 6, "\u001b[31mboo\n"), A.sessionId(500));
  expect(stage.last("session-down").ending.text).toBe("\\x1b[31mboo\\x0a");
});

test("4. hidden AVPs are opened with either secret, and refused without a Random Vector or with a wrong secret", () => {
  const vector = new Array(16).fill(0x5a);
  const scene = (secret: string, withVector = true) => {
    const stage = new Stage({ tunnel: { secrets: ["new", "old"], challenge: false } });
    const peer = new Peer(stage).establish();
    const number = avp(21, hidden(21, secret, vector, text("555")), { h: 1 });
    peer.icrq(500, ...(withVector ? [avp(36, vector)] : []), number);
    return { stage, peer };
  };
  for (const secret of ["new", "old"]) {
    expect(scene(secret).stage.last("question")).toMatchObject({ request: { calledNumber: "555" } });
  }
  expect(scene("new", false).peer.last.type).toBe("CDN");
  expect(
    scene("wrong")
      .stage.of("question")
      .filter(({ about }) => about !== "peer").length,
  ).toBeLessThanOrEqual(1);
});

test("4. a caller may hide AVPs of its SCCRQ, its Assigned Tunnel ID too", () => {
  const vector = new Array(16).fill(3);
  const stage = new Stage({ tunnel: { secrets: ["x"], challenge: false } });
  const peer = new Peer(stage);
  peer.say(
    "SCCRQ",
    A.version(),
    A.host("p"),
    avp(36, vector),
    avp(3, hidden(3, "x", vector, [0, 0, 0, 3]), { h: 1 }),
    avp(9, hidden(9, "x", vector, u16(77)), { h: 1 }),
  );
  expect(peer.last).toMatchObject({ type: "SCCRP", tunnelId: 77 });
});

test("4. so may one whose secret is only known when somebody has decided on it", () => {
  const vector = new Array(16).fill(3);
  const stage = new Stage({
    callerSecrets: ["somebody else's", "x"],
    accept: () => ({ accept: true, tunnel: { secrets: ["x"], challenge: false } }),
  });
  const peer = new Peer(stage);
  const hide = (type: number, value: number[]) => avp(type, hidden(type, "x", vector, value), { h: 1 });
  peer.say("SCCRQ", A.version(), A.host("p"), avp(36, vector), hide(3, [0, 0, 0, 3]), hide(9, u16(77)));
  expect(stage.of("question")).toMatchObject([{ about: "peer" }]);
  expect(peer.last).toMatchObject({ type: "SCCRP", tunnelId: 77 });
});

test("4. hiding: our AVPs are hidden after a Random Vector, and can be opened with the secret", () => {
  const stage = new Stage({ tunnel: { secrets: ["x"], challenge: false, hiding: "send" } });
  const peer = new Peer(stage);
  const tunnel = stage.dial(peer);
  peer.answers();
  stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming", request: { calledNumber: "555" } });
  stage.pass(10);
  const icrq = peer.last;
  const vector = [...(avpOf(icrq, 36) as Uint8Array)];
  expect(vector).toHaveLength(16);
  const called = icrq.avps.find(({ type }) => type === 21);
  expect(called?.h).toBe(1);
  expect([...(called?.value ?? [])]).toEqual(hidden(21, "x", vector, text("555")));
  expect(icrq.avps.find(({ type }) => type === 0)?.h).toBe(0);
});

test("4. hiding required: a number or password in clear refuses the call; hidden it comes in", () => {
  const vector = new Array(16).fill(1);
  const stage = new Stage({ tunnel: { secrets: ["x"], challenge: false, hiding: "require" } });
  const peer = new Peer(stage).establish();
  peer.icrq(500, A.calling("555"));
  expect(peer.last.type).toBe("CDN");
  peer.icrq(501, avp(36, vector), avp(22, hidden(22, "x", vector, text("555")), { h: 1 }));
  expect(stage.last("question")).toMatchObject({ request: { callingNumber: "555" } });
  const session = stage.endpoint.sessions().next().value?.sessionId as number;
  peer.sayTo(session, "ICCN", A.txSpeed(1), A.framingType(1), avp(33, text("pw"), { m: 0 }));
  expect(stage.last("session-down").ending.text).toMatch(/Proxy Authen Response must be hidden/);
});

test("the same seed gives the same run, octet for octet", () => {
  const run = () => {
    const { stage } = lnsWithSession({ seed: 9, tunnel: {} });
    stage.pass(200_000);
    return stage.sent.map(({ heard }) => [...heard.octets].join());
  };
  expect(run()).toEqual(run());
  expect(fillWith(rng(1))).toBeInstanceOf(Function);
});

/** Tie breakers, data plane, draining, shutdown, limits, statistics and history. */
import { describe, expect, test } from "vitest";
import { endingText, REMEDIES, tieOutcome } from "../src/index.ts";
import { A, lnsWithSession, Peer, Stage } from "./stage.ts";
import { avp, body, control, numberOf, resultOf, text } from "./wire.ts";

describe("tie breakers (RFC 2661 §4.4.3)", () => {
  test.each([
    [undefined, undefined, "two-tunnels"],
    [1n, undefined, "we-win"],
    [undefined, 1n, "we-lose"],
    [1n, 2n, "we-win"],
    [2n, 1n, "we-lose"],
    [5n, 5n, "both-lose"],
  ] as const)("ours %s, the peer's %s: %s", (ours, peers, outcome) => {
    expect(tieOutcome(ours, peers)).toBe(outcome);
  });

  const dialled = (tieBreaker: boolean) => {
    const stage = new Stage();
    const peer = new Peer(stage);
    const tunnel = stage.dial(peer, { tieBreaker });
    return { stage, peer, tunnel };
  };
  const calls = (peer: Peer, ...avps: number[][]) =>
    peer.raw(
      control(
        { tunnelId: 0, ns: 0, nr: 0 },
        body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(88), ...avps),
      ),
    );

  test("without one at either end two tunnels come up", () => {
    const { stage, peer } = dialled(false);
    calls(peer);
    expect(peer.types).toEqual(["SCCRQ", "SCCRP"]);
    expect(stage.statistics.tunnels).toBe(2);
  });

  test("a lower one of the peer: our tunnel is silently discarded, its sessions go over, and the peer's is used", () => {
    const { stage, peer, tunnel } = dialled(true);
    const session = stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
    calls(peer, A.tieBreaker(0));
    const down = stage.last("tunnel-down");
    expect(down).toMatchObject({ tunnel, ending: { cause: "tie-breaker" } });
    expect(peer.types).toEqual(["SCCRQ", "SCCRP"]);
    peer.raw(control({ tunnelId: peer.theirs, ns: 1, nr: 1 }, body("SCCCN")));
    stage.pass(10);
    expect(stage.last("tunnel-up").tunnel).toBe(down.replacedBy);
    expect(peer.last.type).toBe("ICRQ");
    expect(stage.endpoint.session(session)).toMatchObject({ tunnel: down.replacedBy, state: "wait-reply" });
  });

  test("we have one and the peer has none: its SCCRQ is ignored, also when it comes late, and ours comes up", () => {
    const { stage, peer } = dialled(true);
    calls(peer);
    expect(peer.types).toEqual(["SCCRQ"]);
    peer.answers();
    calls(peer);
    stage.pass(100);
    expect(stage.statistics).toMatchObject({ tunnels: 1, tunnelsUp: 1 });
    expect(stage.of("question")).toEqual([]);
  });

  test("the peer has one and we have none: the peer wins", () => {
    const { stage, peer } = dialled(false);
    calls(peer, A.tieBreaker(0xffffffff));
    expect(stage.last("tunnel-down").ending.cause).toBe("tie-breaker");
    expect(peer.last.type).toBe("SCCRP");
  });

  test("of two peers at one address, each with its port, only the one that calls is meant", () => {
    const { stage, peer, tunnel } = dialled(false);
    const neighbour = new Peer(stage, "192.0.2.1", 1702, 99);
    const other = stage.dial(neighbour);
    calls(peer, A.tieBreaker(0));
    expect(stage.of("tunnel-down").map((down) => down.tunnel)).toEqual([tunnel]);
    neighbour.answers();
    expect(stage.last("tunnel-up").tunnel).toBe(other);
  });

  test("one of a wrong length cannot be passed over, though it has no M bit: who wins would differ at both ends", () => {
    const { stage, peer } = dialled(false);
    calls(peer, avp(5, [0, 0, 0], { m: 0 }));
    expect(peer.types).toEqual(["SCCRQ", "StopCCN"]);
    expect(stage.statistics.tunnels).toBe(1);
  });

  test("equal ones: both tunnels are discarded, without a message", () => {
    const { stage, peer } = dialled(true);
    const sent = [...(peer.last.avps.find(({ type }) => type === 5)?.value ?? [])];
    peer.raw(
      control(
        { tunnelId: 0, ns: 0, nr: 0 },
        body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(88), [0x00, 14, 0, 0, 0, 5, ...sent]),
      ),
    );
    stage.pass(40_000);
    expect(peer.types).toEqual(["SCCRQ"]);
    expect(stage.last("tunnel-down")).toMatchObject({ ending: { cause: "tie-breaker" } });
    expect(stage.isEmpty).toBe(true);
  });

  test("two endpoints that dial each other at the same moment end up with one tunnel", () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const [a, b] = [new Stage({ seed }), new Stage({ seed: seed + 100 })];
      const at = {
        a: { family: 4, address: "192.0.2.1", port: 1701 },
        b: { family: 4, address: "192.0.2.2", port: 1701 },
      } as const;
      a.endpoint.openTunnel(1_000, { peer: at.b, tieBreaker: true });
      b.endpoint.openTunnel(1_000, { peer: at.a, tieBreaker: true });
      for (let n = 0; n < 20; n++) {
        const [fromA, fromB] = [a, b].map((stage) => {
          const out: Uint8Array[] = [];
          stage.pass(20);
          out.push(...stage.sent.splice(0).map(({ heard }) => heard.octets));
          return out;
        }) as [Uint8Array[], Uint8Array[]];
        for (const datagram of fromA) b.deliver(at.a, datagram);
        for (const datagram of fromB) a.deliver(at.b, datagram);
      }
      expect([a, b].map((stage) => [stage.statistics.tunnels, stage.statistics.tunnelsUp])).toEqual([
        [1, 1],
        [1, 1],
      ]);
    }
  });
});

describe("data plane", () => {
  test("a tunnel's plane is asked for when it is established, with all that it needs; sessions wait for it", () => {
    const stage = new Stage({ planes: false });
    const peer = new Peer(stage);
    peer.sccrq();
    expect(stage.of("intent")).toEqual([]);
    peer.say("SCCCN");
    expect(stage.intent("set-up-tunnel")).toMatchObject({
      plane: {
        version: 2,
        encapsulation: "udp",
        mode: "dynamic",
        peerTunnelId: 77,
        peer: { address: "192.0.2.1", port: 1701 },
      },
    });
    peer.icrq(500);
    expect(stage.of("intent")).toHaveLength(1);
    stage.endpoint.planeReady(stage.now, stage.intent("set-up-tunnel").token);
    stage.pump();
    expect(stage.intent("set-up-session")).toMatchObject({
      plane: { pseudowire: "ppp", peerSessionId: 500 },
    });
  });

  test("an LNS sends its ICRP when the data plane is there for the frames that follow the ICCN at once", () => {
    const stage = new Stage({ planes: false });
    const peer = new Peer(stage).establish();
    stage.endpoint.planeReady(stage.now, stage.intent("set-up-tunnel").token);
    peer.icrq(500);
    expect(peer.heard.at(-1)?.type).toBe("ZLB");
    expect(peer.types).not.toContain("ICRP");
    stage.endpoint.planeReady(stage.now, stage.intent("set-up-session").token);
    stage.pump();
    expect(peer.last.type).toBe("ICRP");
    expect(stage.of("session-up")).toEqual([]);
    peer.iccn(numberOf(peer.last, 14) as number);
    expect(stage.of("session-up")).toHaveLength(1);
  });

  test("a plane that fails ends what it is for: StopCCN 2/4, CDN 2/4, with its reason", () => {
    const stage = new Stage({ planes: false });
    const peer = new Peer(stage).establish();
    stage.endpoint.planeReady(stage.now, stage.intent("set-up-tunnel").token);
    peer.icrq(500);
    stage.endpoint.planeFailed(stage.now, stage.intent("set-up-session").token, "no module l2tp_ppp");
    stage.pump();
    expect(resultOf(peer.last)).toEqual([2, 4]);
    expect(stage.last("session-down").ending).toMatchObject({
      cause: "data-plane",
      text: "no module l2tp_ppp",
    });
    const other = new Peer(stage, "192.0.2.2").establish();
    stage.endpoint.planeFailed(stage.now, stage.intent("set-up-tunnel").token, "EPERM");
    stage.pass(10);
    expect(other.last.type).toBe("StopCCN");
    expect(resultOf(other.last)).toEqual([2, 4]);
  });

  test("a plane that never answers ends it after the time for it", () => {
    const stage = new Stage({ planes: false, intentMs: 5_000 });
    const peer = new Peer(stage).establish();
    stage.pass(5_100);
    expect(peer.last.type).toBe("StopCCN");
    expect(stage.last("tunnel-down").ending.text).toMatch(/in time/);
  });

  test("what was set up is torn down, the session's at once and the tunnel's when its last acknowledgement has left", () => {
    const { stage, tunnel } = lnsWithSession();
    stage.endpoint.closeTunnel(stage.now, tunnel);
    stage.pump();
    expect(stage.of("intent").map(({ intent }) => intent)).toEqual([
      "set-up-tunnel",
      "set-up-session",
      "tear-down-session",
    ]);
    stage.pass(32_000);
    expect(stage.intent("tear-down-tunnel").tunnel).toBe(tunnel);
    expect(stage.isEmpty).toBe(true);
  });

  test("what ends while its plane is being set up is torn down; the late answer changes nothing", () => {
    const stage = new Stage({ planes: false });
    const peer = new Peer(stage).establish();
    stage.endpoint.planeReady(stage.now, stage.intent("set-up-tunnel").token);
    peer.icrq(500);
    const { token } = stage.intent("set-up-session");
    peer.sayTo(numberOf(peer.last, 14) as number, "CDN", A.result(1), A.sessionId(500));
    expect(stage.intent("tear-down-session").token).not.toBe(token);
    const before = stage.events.length;
    stage.endpoint.planeReady(stage.now, token);
    stage.endpoint.planeFailed(stage.now, token, "late");
    stage.pump();
    expect(stage.events).toHaveLength(before);
  });

  test("nothing is set up for a caller who has not shown its secret", () => {
    const stage = new Stage({ tunnel: { secrets: ["x"] } });
    new Peer(stage).establish("wrong");
    expect(stage.of("intent")).toEqual([]);
  });
});

describe("draining and shutting down", () => {
  const withSessions = (count: number) => {
    const stage = new Stage();
    const peer = new Peer(stage).establish();
    for (let id = 1; id <= count; id++) {
      peer.icrq(id);
      stage.pass(1);
      const icrp = peer.heard.findLast(({ type }) => type === "ICRP");
      peer.iccn(numberOf(icrp as never, 14) as number);
    }
    expect(stage.statistics.sessionsUp).toBe(count);
    return { stage, peer };
  };

  test("waves of sessions end at their rate, then the tunnel; new callers and calls are sent elsewhere", () => {
    const { stage, peer } = withSessions(10);
    stage.endpoint.drain(stage.now, { sessionsPerWave: 3, waveMs: 1_000 });
    stage.pass(1);
    expect(stage.statistics.sessions).toBe(7);
    peer.icrq(99);
    expect(resultOf(peer.last)).toEqual([2, 7]);
    const caller = new Peer(stage, "192.0.2.2");
    caller.sccrq();
    expect(resultOf(caller.last)).toEqual([2, 7]);
    expect(() => stage.dial(caller)).toThrow(/draining/);
    stage.pass(1_000);
    expect(stage.statistics.sessions).toBe(4);
    stage.pass(2_100);
    expect(stage.of("drained")).toHaveLength(1);
    expect(peer.types).toContain("StopCCN");
    expect(stage.statistics).toMatchObject({ sessions: 0, tunnels: 0 });
  });

  test("without a rate the old end by themselves, and at the deadline at once", () => {
    const { stage } = withSessions(5);
    stage.endpoint.drain(stage.now, { deadlineMs: 10_000 });
    stage.pass(9_900);
    expect(stage.statistics.sessions).toBe(5);
    stage.pass(200);
    expect(stage.statistics.sessions).toBe(0);
    expect(stage.last("session-down").ending.cause).toBe("drained");
  });

  test("a drain can be called off", () => {
    const { stage, peer } = withSessions(2);
    stage.endpoint.drain(stage.now);
    stage.endpoint.resume();
    peer.icrq(99);
    stage.pass(10);
    expect(peer.last.type).toBe("ICRP");
  });

  test("shutting down: StopCCN 6 to all, acknowledgements linger, then it is empty", () => {
    const { stage, peer } = withSessions(3);
    stage.endpoint.shutDown(stage.now);
    stage.pump();
    expect(resultOf(peer.last)[0]).toBe(6);
    expect(stage.of("session-down")).toHaveLength(3);
    expect(stage.of("empty")).toEqual([]);
    stage.pass(32_000);
    expect(stage.of("empty")).toHaveLength(1);
    expect(stage.isEmpty).toBe(true);
  });

  test("an endpoint with nothing in it is empty at once", () => {
    const stage = new Stage();
    stage.endpoint.shutDown(stage.now);
    stage.pump();
    expect(stage.of("empty")).toHaveLength(1);
  });
});

describe("statistics and history", () => {
  test("messages are counted by type and direction, datagrams and octets in all", () => {
    const { stage } = lnsWithSession();
    stage.pass(100);
    const { messages, ...statistics } = stage.statistics;
    for (const [name, received, sent] of [
      ["SCCRQ", 1, 0],
      ["SCCRP", 0, 1],
      ["SCCCN", 1, 0],
      ["ICRQ", 1, 0],
      ["ICRP", 0, 1],
      ["ICCN", 1, 0],
    ] as const) {
      expect([name, messages[name].received, messages[name].sent]).toEqual([name, received, sent]);
    }
    expect(messages.ZLB.sent).toBeGreaterThan(0);
    expect(messages.ZLB.received).toBeGreaterThan(0);
    expect(statistics).toMatchObject({
      tunnelsUp: 1,
      sessionsUp: 1,
      sessionsEstablished: 1,
      tunnelsEstablished: 1,
    });
    expect(statistics.controlOctetsReceived).toBeGreaterThan(100);
    stage.endpoint.resetStatistics();
    expect(stage.statistics.messages.SCCRQ.received).toBe(0);
  });

  test("a tunnel shows its round trip time, window, retransmission time and last messages", () => {
    const { stage, tunnel } = lnsWithSession();
    const status = stage.endpoint.tunnel(tunnel);
    expect(status).toMatchObject({ state: "established", sessions: 1, retransmissionMs: 1_000, quirks: [] });
    expect(status?.channel).toMatchObject({ ns: 2, window: 4 });
    expect(status?.messages.map(({ direction, message }) => `${direction} ${message}`)).toEqual([
      "received SCCRQ",
      "sent SCCRP",
      "received SCCCN",
      "received ICRQ",
      "sent ICRP",
      "received ICCN",
    ]);
  });

  test("a peer's address has its own counters", () => {
    const { stage } = lnsWithSession();
    expect(stage.endpoint.peers()).toEqual([
      expect.objectContaining({
        address: "192.0.2.1",
        tunnels: 1,
        tunnelsEstablished: 1,
        sessionsEstablished: 1,
      }),
    ]);
  });

  test("what has ended stays visible for a while, bounded, with its cause and last messages", () => {
    const stage = new Stage({ historyTunnels: 3, historyMs: 60_000 });
    for (let n = 1; n <= 5; n++) {
      const peer = new Peer(stage, `192.0.2.${n}`).establish();
      peer.say("StopCCN", A.tunnelId(77), A.result(6, 0, `bye ${n}`));
    }
    const closed = stage.endpoint.closedTunnels(stage.now);
    expect(closed.map(({ ending }) => ending.text)).toEqual(["bye 5", "bye 4", "bye 3"]);
    expect(closed[0]?.messages.at(-1)).toMatchObject({ message: "StopCCN", direction: "received" });
    stage.pass(61_000);
    expect(stage.endpoint.closedTunnels(stage.now)).toEqual([]);
  });

  test("an ending is one line that a person understands: who, code, meaning, text, remedy", () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    stage.dial(peer);
    peer.say("StopCCN", A.tunnelId(77), A.result(4, 0, "go away"));
    expect(endingText(stage.last("tunnel-down").ending)).toBe(
      'peer-refused: the peer ended it: StopCCN 4/0 (Requester is not authorized to establish a control channel), "go away"; ' +
        REMEDIES["peer-refused"],
    );
  });

  test.each([
    ["", "peer-close; "],
    ["bye", 'peer-close: "bye"; '],
  ])(
    "of a session whose tunnel has ended, only what the peer said (%j) is in quotation marks",
    (said, tail) => {
      const { stage, peer } = lnsWithSession();
      peer.say("StopCCN", A.tunnelId(77), A.result(1, 0, said));
      expect(endingText(stage.last("session-down").ending)).toContain(
        `tunnel-ended: the peer ended it: StopCCN 1/0 (General request to clear control connection), ${tail}`,
      );
    },
  );

  test("a peer that ends the set-up over a secret, with whatever code, brings the remedy for it", () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    stage.dial(peer);
    peer.say("StopCCN", A.tunnelId(77), A.result(2, 6, "Invalid challenge authentication"));
    expect(endingText(stage.last("tunnel-down").ending)).toBe(
      "authentication: the peer ended it: StopCCN 2/6 (A generic vendor-specific error occurred), " +
        `"Invalid challenge authentication"; ${REMEDIES.authentication}`,
    );
  });

  test("what an LNS says of the end of PPP (RFC 3145) is in that line", () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    const tunnel = stage.dial(peer);
    peer.answers();
    stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
    stage.pump();
    const id = numberOf(peer.last, 14) ?? 0;
    peer.sayTo(id, "CDN", A.result(1), A.sessionId(600), avp(46, [0, 15, 0xc0, 0x21, 1, ...text("no PAP")]));
    expect(endingText(stage.last("session-down").ending)).toMatch(
      /CDN 1 .*, PPP 15 \(Authentication protocol unacceptable: no PAP\)/,
    );
  });

  test.each([
    ["StopCCN", 1, /nothing to do: it was asked for at the peer/],
    ["StopCCN", 6, /nothing to do: the peer is being shut down/],
    ["StopCCN", 3, /look into the peer's log/],
    ["CDN", 3, /nothing to do: it was asked for at the peer/],
  ] as const)("what is up and ended by a peer's %s %i has a remedy that fits", (type, result, remedy) => {
    const { stage, peer, sessionId } = lnsWithSession();
    if (type === "CDN") peer.sayTo(sessionId, "CDN", A.result(result), A.sessionId(500));
    else peer.say("StopCCN", A.tunnelId(77), A.result(result));
    const { ending } = stage.last(type === "CDN" ? "session-down" : "tunnel-down");
    expect(ending.cause).toBe("peer-close");
    expect(endingText(ending)).toMatch(remedy);
  });

  test("every cause has a remedy", () => {
    expect(Object.values(REMEDIES).every((remedy) => remedy.length > 10)).toBe(true);
  });
});

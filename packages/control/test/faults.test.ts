/** What a peer can get wrong in octets, at a live tunnel: headers, numbers, AVPs; and what strangers can do with an SCCRQ. */
import { describe, expect, test } from "vitest";
import { A, body, control, lnsWithSession, Peer, rng, Stage, type StageOptions, tunnelIn } from "./stage.ts";
import { type AvpFlags, avp, avpOf, hidden, NEEDED, numberOf, resultOf, text, u16, u32 } from "./wire.ts";

const secret: StageOptions = { tunnel: { secrets: ["s3cret"], challenge: false } };

/** A tunnel with a session, after everything is acknowledged. */
function live(options: StageOptions = {}) {
  const scene = lnsWithSession(options);
  scene.stage.pass(1_000);
  scene.peer.clear();
  return scene;
}

/** The tunnel and its session are as they were, and both still work. */
function unharmed({ stage, peer }: ReturnType<typeof live>): void {
  expect(stage.of("tunnel-down")).toEqual([]);
  expect(stage.of("session-down")).toEqual([]);
  peer.call(900);
  expect(stage.of("session-up")).toHaveLength(2);
}

describe("headers that no control message has are dropped and counted, without an answer (RFC 2661 §3.1)", () => {
  test.each([
    ["the Offset bit", 0xca02, "badHeader"],
    ["the Priority bit", 0xc902, "badHeader"],
    ["no Length bit", 0x8802, "badHeader"],
    ["no Sequence bit", 0xc002, "badHeader"],
    ["version 3 and the ID of a v2 tunnel", 0xc803, "unknownVersion"],
    ["version 1: L2F", 0xc801, "unknownVersion"],
    ["version 0", 0xc800, "unknownVersion"],
    ["version 15", 0xc80f, "unknownVersion"],
  ] as const)("%s", (_, flags, discard) => {
    const scene = live();
    const { peer, stage } = scene;
    const icrq = body("ICRQ", A.sessionId(700), A.serial(1));
    peer.raw(control({ tunnelId: peer.theirs, ns: peer.ns, nr: peer.nr, flags }, icrq));
    stage.pass(1_000);
    expect(peer.heard).toEqual([]);
    expect(stage.statistics.discards[discard]).toBe(1);
    unharmed(scene);
  });

  test("reserved bits are ignored (§3.1 MUST)", () => {
    const { peer, stage } = live();
    const icrq = body("ICRQ", A.sessionId(700), A.serial(1));
    peer.raw(control({ tunnelId: peer.theirs, ns: peer.ns, nr: peer.nr, flags: 0xfcf2 }, icrq));
    expect(stage.last("question")).toMatchObject({ request: { assignedSessionId: 700 } });
  });

  test.each([
    ["11, less than the header", 11],
    ["0", 0],
    ["more than there is", 60],
    ["65,535", 65_535],
  ])("Length %s", (_, length) => {
    const scene = live();
    const { peer, stage } = scene;
    peer.raw(control({ tunnelId: peer.theirs, ns: peer.ns, nr: peer.nr, length }, body("HELLO")));
    stage.pass(1_000);
    expect(peer.heard).toEqual([]);
    unharmed(scene);
  });

  test("octets behind the Length belong to nobody: a ZLB with a tail is a ZLB, a Hello with one a Hello", () => {
    const scene = live();
    const { peer, stage } = scene;
    const tail = (datagram: Uint8Array) => Uint8Array.of(...datagram, ...avp(9_999, [1]));
    peer.raw(tail(control({ tunnelId: peer.theirs, ns: peer.ns, nr: peer.nr }, [])));
    stage.pass(1_000);
    expect(peer.heard).toEqual([]);
    peer.raw(tail(peer.make(0, body("HELLO"))));
    stage.pass(1_000);
    expect(peer.heard.map(({ type }) => type)).toEqual(["ZLB"]);
    unharmed(scene);
  });

  test("every cut of every message leaves the tunnel as it was: its Length says more than there is", () => {
    const scene = live();
    const { peer } = scene;
    const whole = control(
      { tunnelId: peer.theirs, ns: peer.ns, nr: peer.nr },
      body("ICRQ", A.sessionId(700), A.serial(1), A.calling("555")),
    );
    for (let octets = 0; octets < whole.length; octets++) peer.raw(whole.slice(0, octets));
    unharmed(scene);
  });
});

describe("numbers of reliable delivery (RFC 2661 §5.8)", () => {
  test.each([1, 2, 100, 32_767, 32_768, 65_535])(
    "an Nr that is %i ahead of all that we have sent acknowledges nothing, and the message counts",
    (ahead) => {
      const scene = live();
      const { peer, stage } = scene;
      peer.acknowledges = false;
      stage.endpoint.sendHello(stage.now, scene.tunnel);
      stage.pump();
      const nr = (peer.nr + ahead) & 0xffff;
      peer.raw(control({ tunnelId: peer.theirs, ns: peer.ns++, nr }, body("HELLO")));
      const { queued } = stage.endpoint.tunnel(scene.tunnel)?.channel ?? {};
      // One behind is an old acknowledgement, and as good as none.
      expect(queued).toBe(1);
      peer.acknowledge();
      expect(stage.endpoint.tunnel(scene.tunnel)?.channel?.queued).toBe(0);
      unharmed(scene);
    },
  );

  test("a jump of Ns within the window waits for what is missing; beyond it is dropped; behind it is acknowledged", () => {
    const scene = live({ tunnel: { transport: { windowSize: 8 } } });
    const { peer, stage } = scene;
    const icrq = (ns: number, id: number) =>
      peer.raw(
        control(
          { tunnelId: peer.theirs, ns: ns & 0xffff, nr: peer.nr },
          body("ICRQ", A.sessionId(id), A.serial(id)),
        ),
      );
    const asked = () => stage.of("question").length;
    const before = asked();
    icrq(peer.ns + 1, 701);
    icrq(peer.ns + 8, 708);
    icrq(peer.ns + 30_000, 730);
    icrq(peer.ns - 1, 799);
    icrq(peer.ns - 30_000, 799);
    expect(asked()).toBe(before);
    icrq(peer.ns, 700);
    expect(asked()).toBe(before + 2);
    expect(stage.statistics.discards.outOfWindow).toBe(2);
    expect(stage.of("tunnel-down")).toEqual([]);
  });

  test("the first message of a caller with an Nr of its own invention is a call all the same", () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    const sccrq = body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(77));
    peer.raw(control({ tunnelId: 0, ns: 0, nr: 4_711 }, sccrq));
    expect(peer.last.type).toBe("SCCRP");
    expect(peer.types).toEqual(["SCCRP"]);
  });

  test("a Session ID in the header of a tunnel's own message means nothing", () => {
    const scene = live();
    scene.peer.sayTo(4_711, "HELLO");
    unharmed(scene);
    scene.peer.sayTo(4_711, "StopCCN", A.tunnelId(77), A.result(1));
    expect(scene.stage.of("tunnel-down")).toHaveLength(1);
  });
});

describe("AVPs", () => {
  /** An ICRQ with these AVPs behind the needed ones. @returns what it is answered with. */
  function icrq(avps: number[][], options: StageOptions = {}) {
    const scene = live(options);
    scene.peer.icrq(700, ...avps);
    scene.stage.pass(100);
    expect(scene.stage.of("tunnel-down")).toEqual([]);
    const { last } = scene.peer;
    return last.type === "CDN" ? resultOf(last) : last.type;
  }
  const vector = (...octets: number[]) => avp(36, octets);
  const hide = (rv: number[], number: string, flags: AvpFlags = {}) =>
    avp(22, hidden(22, "s3cret", rv, text(number)), { h: 1, ...flags });

  test.each([
    ["twice, both with the M bit", [A.calling("1"), A.calling("2")], [2, 3]],
    ["twice, the second without", [A.calling("1"), avp(22, text("2"), { m: 0 })], "ICRP"],
    ["that no ICRQ has, known", [A.window(4)], "ICRP"],
    ["of 3 octets where there are 4, with the M bit", [avp(18, [0, 0, 1])], [2, 2]],
    ["of 5 octets where there are 4, with the M bit", [avp(18, [0, 0, 0, 0, 1])], [2, 2]],
    ["of a wrong length without the M bit", [avp(18, [0, 0, 1], { m: 0 })], "ICRP"],
    ["with Length 5", [avp(22, [], { length: 5 })], [2, 2]],
    ["with Length 0", [avp(22, [], { length: 0 })], [2, 2]],
    ["that is longer than the message", [avp(22, text("1"), { length: 40 })], [2, 2]],
    [
      "that is longer than the message, without the M bit",
      [avp(22, text("1"), { m: 0, length: 40 })],
      [2, 2],
    ],
    ["cut off within its header", [[0x80, 8, 0]], [2, 2]],
    ["whose M bit should be there and is not", [avp(22, text("1"), { m: 0 })], "ICRP"],
    ["whose M bit should not be there and is", [A.channelId(1, 1)], "ICRP"],
    ["of a vendor, with the M bit", [avp(22, [1], { vendor: 9 })], [2, 8]],
    ["Message Type once more", [avp(0, u16(10))], [2, 3]],
    ["empty: a number of no digits", [A.calling("")], "ICRP"],
  ] as const)("an AVP %s: %j", (_, avps, expected) => {
    expect(icrq(avps as unknown as number[][])).toEqual(expected);
  });

  test.each([
    ["with no Random Vector", (_: number[]) => [hide([1], "5")], [2, 3]],
    ["with the Random Vector behind it", (rv: number[]) => [hide(rv, "5"), vector(...rv)], [2, 3]],
    ["without M bit, and no Random Vector", () => [hide([1], "5", { m: 0 })], "ICRP"],
    [
      "with a value of 1 octet: no room for its length",
      (rv: number[]) => [vector(...rv), avp(22, [9], { h: 1 })],
      [2, 3],
    ],
    ["with no value", (rv: number[]) => [vector(...rv), avp(22, [], { h: 1 })], [2, 3]],
    ["whose Random Vector is hidden too", (rv: number[]) => [avp(36, rv, { h: 1 }), hide(rv, "5")], [2, 3]],
  ] as const)("a hidden AVP %s: %j (RFC 2661 §4.3)", (_, make, expected) => {
    expect(icrq((make as (rv: number[]) => number[][])([7, 8, 9]), secret)).toEqual(expected);
  });

  test("each hidden AVP goes with the Random Vector before it, of whatever length (RFC 2661 §4.3)", () => {
    const { peer, stage } = live(secret);
    const [one, two] = [[5], new Array(40).fill(6)];
    const called = avp(21, hidden(21, "s3cret", two, text("222")), { h: 1 });
    peer.icrq(700, vector(...one), hide(one, "111"), vector(...two), called);
    expect(stage.last("question")).toMatchObject({ request: { callingNumber: "111", calledNumber: "222" } });
  });

  test("a hidden AVP where there is no secret is one that cannot be read: with the M bit it ends the call", () => {
    expect(icrq([vector(1), hide([1], "5")])).toEqual([2, 3]);
  });

  test.each([
    ["StopCCN", "SCCRQ", [A.version(), A.host("p"), A.framing(), A.tunnelId(7), A.tunnelId(8)]],
    ["StopCCN", "SCCRQ", [A.version(), A.host("p"), A.framing(), A.tunnelId(7), A.challenge([])]],
    ["StopCCN", "SCCRQ", [A.version(), A.host("p"), A.framing(), A.tunnelId(7), avp(13, [1])]],
    ["StopCCN", "SCCRQ", [A.version(), A.host("p"), A.framing(), A.tunnelId(7), avp(5, [1], { m: 1 })]],
    ["StopCCN", "SCCRQ", [A.version(), A.host("p"), A.framing(), A.tunnelId(7), avp(10, [1], { length: 7 })]],
  ] as const)(
    "a caller is answered with one %s to a %s that is not well-formed, and nothing is kept (%#)",
    (type, message, avps) => {
      const stage = new Stage(secret);
      const peer = new Peer(stage);
      peer.say(message, ...(avps as unknown as number[][]));
      expect(peer.types).toEqual([type]);
      expect(peer.last).toMatchObject({ tunnelId: 7, ns: 0, nr: 1 });
      expect(resultOf(peer.last)[0]).toBe(2);
      expect(stage.isEmpty).toBe(true);
      expect(stage.of("question")).toEqual([]);
    },
  );

  test.each([
    ["without an Assigned Session ID", [A.serial(1)]],
    ["with Assigned Session ID 0", [A.sessionId(0), A.serial(1)]],
    ["with one of 1 octet", [avp(14, [7]), A.serial(1)]],
  ])(
    "an ICRQ %s is refused with Session ID 0 in the header: it has told no other (RFC 2661 §4.4.4)",
    (_, avps) => {
      const scene = live();
      scene.peer.say("ICRQ", ...avps);
      expect(scene.peer.last).toMatchObject({ type: "CDN", sessionId: 0 });
      expect(resultOf(scene.peer.last)[0]).toBe(2);
      unharmed(scene);
    },
  );

  test("an SCCRP with Assigned Tunnel ID 0, or none, ends our attempt: StopCCN 2/3 with Tunnel ID 0", () => {
    for (const avps of [[A.tunnelId(0)], []]) {
      const stage = new Stage();
      const peer = new Peer(stage);
      stage.dial(peer);
      peer.say("SCCRP", A.version(), A.framing(), A.host("p"), ...avps);
      expect(peer.last).toMatchObject({ type: "StopCCN", tunnelId: 0 });
      expect(resultOf(peer.last)).toEqual([2, 3]);
      expect(stage.last("tunnel-down").ending.cause).toBe("protocol-error");
    }
  });

  test("an ICRP with Assigned Session ID 0 ends our call with CDN 2/3, and the tunnel lives on", () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    const tunnel = stage.dial(peer);
    peer.answers();
    stage.endpoint.openSession(stage.now, tunnel, { kind: "incoming" });
    stage.pump();
    peer.sayTo(numberOf(peer.last, 14) as number, "ICRP", A.sessionId(0));
    expect(peer.last).toMatchObject({ type: "CDN", sessionId: 0 });
    expect(resultOf(peer.last)).toEqual([2, 3]);
    expect(stage.of("tunnel-down")).toEqual([]);
  });

  test("128 AVPs are a message; more are work that nobody does", () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => avp(20_000 + n, [], { m: 0 }));
    expect(icrq(many(100))).toBe("ICRP");
    expect(icrq(many(500))).toEqual([2, 4]);
  });
});

describe("callers", () => {
  const sccrqOf = (name: string) => [A.version(), A.host(name), A.framing(), A.tunnelId(77)];
  const sccrq = (id = 77) => body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(id));

  test("an SCCRQ that is sent again from another port is another call: of two clients behind one NAT nobody can tell", () => {
    const stage = new Stage();
    const first = new Peer(stage, "192.0.2.1", 1_701);
    const again = new Peer(stage, "192.0.2.1", 40_000);
    for (const peer of [first, again, first, again])
      peer.raw(control({ tunnelId: 0, ns: 0, nr: 0 }, sccrq()));
    expect(stage.of("question")).toHaveLength(2);
    expect([first.types, again.types]).toEqual([["SCCRP"], ["SCCRP"]]);
    again.say("SCCCN");
    again.ns = 1;
    again.say("SCCCN");
    stage.pass(120_000);
    expect(stage.statistics.tunnelsUp).toBe(1);
    expect(stage.statistics.halfOpen).toBe(0);
  });

  test("a forged SCCRQ in the name of a peer with many tunnels asks each of them once, not at each datagram", () => {
    const stage = new Stage();
    const peers = Array.from({ length: 10 }, (_, n) =>
      new Peer(stage, "192.0.2.1", 1_701, 100 + n).establish(),
    );
    stage.pass(30_000);
    const before = stage.sent.length;
    for (const { acknowledges } of peers) expect(acknowledges).toBe(true);
    for (let n = 0; n < 15; n++) {
      peers.at(-1)?.raw(control({ tunnelId: 0, ns: 0, nr: 0 }, sccrq(1_000 + n)));
      // The peer is there, and acknowledges all it hears.
      for (const tunnel of stage.endpoint.tunnels()) {
        if (tunnel.state !== "established") continue;
        const { ns = 0, nr = 0 } = { ns: tunnel.channel?.nr, nr: tunnel.channel?.ns };
        peers[0]?.raw(control({ tunnelId: tunnel.tunnelId, ns, nr }, []));
      }
    }
    const hellos = stage.sent.slice(before).filter(({ heard }) => heard.type === "HELLO");
    expect(hellos.length).toBeLessThanOrEqual(10);
  });

  test("a peer that has nothing random in its SCCRQ ends its tunnel and calls again at once: that is a new call", () => {
    const stage = new Stage();
    const peer = new Peer(stage);
    for (let n = 1; n <= 3; n++) {
      peer.ns = 0;
      peer.nr = 0;
      peer.theirs = 0;
      peer.establish();
      peer.call(500);
      expect(stage.of("session-up")).toHaveLength(n);
      peer.say("StopCCN", A.tunnelId(77), A.result(1));
      expect(stage.of("tunnel-down")).toHaveLength(n);
    }
    stage.pass(120_000);
    expect(stage.isEmpty).toBe(true);
  });

  test("so it is when we have ended its tunnel, and our StopCCN is not sent again to the ID that it uses anew", () => {
    const stage = new Stage();
    const peer = new Peer(stage).establish();
    peer.acknowledges = false;
    stage.endpoint.closeTunnel(stage.now, stage.last("tunnel-up").tunnel);
    stage.pump();
    peer.ns = 0;
    peer.nr = 0;
    peer.theirs = 0;
    peer.clear();
    peer.acknowledges = true;
    peer.establish();
    expect(stage.of("tunnel-up")).toHaveLength(2);
    stage.pass(40_000);
    expect(peer.types).toEqual(["SCCRP"]);
  });

  test("one that calls again and has ended nothing is asked whether it is there, and comes in when it is not", () => {
    const stage = new Stage();
    const before = new Peer(stage).establish();
    before.acknowledges = false;
    stage.pass(10_000);
    const after = new Peer(stage);
    after.acknowledges = false;
    const call = () => after.raw(control({ tunnelId: 0, ns: 0, nr: 0 }, body("SCCRQ", ...sccrqOf("peer"))));
    call();
    expect(after.types).toEqual(["HELLO"]);
    expect(stage.of("tunnel-down")).toEqual([]);
    stage.pass(31_000);
    expect(stage.last("tunnel-down").ending.cause).toBe("hello-missed");
    after.clear();
    call();
    expect(after.types).toEqual(["SCCRP"]);
  });

  test("a refusal is said again to who asks again at once; after a while without a word it is another try", () => {
    let accept = false;
    const stage = new Stage({ accept: () => ({ accept }) });
    const peer = new Peer(stage);
    const call = () => peer.raw(control({ tunnelId: 0, ns: 0, nr: 0 }, body("SCCRQ", ...sccrqOf("p"))));
    for (const pause of [0, 1_000, 2_000, 4_000, 8_000]) {
      stage.pass(pause);
      call();
    }
    expect(peer.types).toEqual(new Array(5).fill("StopCCN"));
    expect(stage.of("question")).toHaveLength(1);
    accept = true;
    stage.pass(10_001);
    call();
    expect(peer.last.type).toBe("SCCRP");
    expect(stage.of("question")).toHaveLength(2);
  });

  test("what was sent again, and comes late, asks nobody anything", () => {
    const { stage, peer } = live();
    peer.raw(control({ tunnelId: 0, ns: 0, nr: 0 }, body("SCCRQ", ...sccrqOf("peer"))));
    expect(peer.types).toEqual([]);
    expect(stage.statistics.discards.duplicateSccrq).toBe(1);
  });

  test("what cannot be opened is not tried with every secret there is, where nothing is hidden", () => {
    let taken = 0;
    const callerSecrets = new Proxy(
      Array.from({ length: 1_000 }, (_, n) => `secret ${n}`),
      {
        get(secrets, key, self) {
          if (typeof key === "string" && /^\d+$/.test(key)) taken++;
          return Reflect.get(secrets, key, self) as unknown;
        },
      },
    );
    const stage = new Stage({ callerSecrets, limits: { sourceRefusals: [0, 0] } });
    taken = 0;
    const sccrq = body("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(1), avp(9_999, [1]));
    const datagram = control({ tunnelId: 0, ns: 0, nr: 0 }, sccrq);
    for (let n = 0; n < 300; n++) new Peer(stage, `10.0.${n >> 8}.${n & 255}`).raw(datagram);
    expect(stage.statistics.discards.malformed + stage.statistics.discards.rateLimited).toBe(300);
    // A thousand each would be 300,000.
    expect(taken).toBeLessThan(1_000);
  });

  test("nor, where something is, more often in a second than is good for the others", () => {
    const callerSecrets = Array.from({ length: 1_000 }, (_, n) => `secret ${n}`);
    const stage = new Stage({ callerSecrets, limits: { sourceRefusals: [0, 0] } });
    const call = (n: number, own: string) => {
      const rv = [n & 255, n >> 8];
      const peer = new Peer(stage, `10.0.${n >> 8}.${n & 255}`);
      const id = avp(9, hidden(9, own, rv, u16(7)), { h: 1 });
      peer.say("SCCRQ", A.version(), A.host("p"), A.framing(), avp(36, rv), id);
      return peer;
    };
    for (let n = 0; n < 2_000; n++) call(n, "none of them");
    // A thousand each would be two million.
    expect(stage.statistics.discards.rateLimited).toBeGreaterThan(1_500);
    stage.pass(60_000);
    expect(call(60_000, "secret 999").last.type).toBe("SCCRP");
  });
});

describe("at the wrong time", () => {
  const { SCCRQ: _, SCCRP: __, SCCCN: ___, StopCCN: ____, ...ofCalls } = NEEDED;
  const states: Record<string, () => { stage: Stage; peer: Peer }> = {
    "not decided on": () => {
      const stage = new Stage({ accept: false });
      const peer = new Peer(stage);
      peer.sccrq();
      peer.theirs = stage.endpoint.tunnels().next().value?.tunnelId ?? 0;
      return { stage, peer };
    },
    "wait-ctl-reply": tunnelIn["wait-ctl-reply"],
    "wait-ctl-conn": tunnelIn["wait-ctl-conn"],
  };

  test.each(
    Object.keys(states).flatMap((state) =>
      (Object.keys(ofCalls) as (keyof typeof ofCalls)[]).map((message) => [message, state] as const),
    ),
  )(
    "%s on a tunnel in state %s clears it with StopCCN 7, and makes no call (RFC 2661 §7.1)",
    (message, state) => {
      const { stage, peer } = (states[state] as (typeof states)[string])();
      peer.sayTo(4_711, message, ...ofCalls[message]);
      expect(peer.last.type).toBe("StopCCN");
      expect(resultOf(peer.last)[0]).toBe(7);
      expect(stage.last("tunnel-down").ending).toMatchObject({ cause: "protocol-error", by: "local" });
      expect(stage.statistics.sessions).toBe(0);
      stage.pass(120_000);
      expect(stage.isEmpty).toBe(true);
    },
  );

  test.each(Object.keys(states))(
    "a Hello on a tunnel in state %s is acknowledged, and changes nothing",
    (state) => {
      const { stage, peer } = (states[state] as (typeof states)[string])();
      stage.pass(500);
      peer.clear();
      const before = stage.endpoint.tunnels().next().value?.state;
      peer.say("HELLO");
      stage.pass(900);
      expect(stage.endpoint.tunnels().next().value?.state).toBe(before);
      expect(stage.of("tunnel-down")).toEqual([]);
    },
  );

  test("whatever comes for a tunnel that was closed is acknowledged as long as it is in mind, and does nothing", () => {
    const { stage, peer, tunnel } = live();
    stage.endpoint.closeTunnel(stage.now, tunnel);
    stage.pump();
    peer.clear();
    const before = stage.events.length;
    for (const message of Object.keys(ofCalls) as (keyof typeof ofCalls)[]) {
      peer.say(message, ...ofCalls[message]);
    }
    peer.say("SCCRQ", A.version(), A.host("p"), A.framing(), A.tunnelId(77));
    peer.say("SCCCN");
    expect(new Set(peer.heard.map(({ type }) => type))).toEqual(new Set(["ZLB"]));
    expect(peer.heard.at(-1)?.nr).toBe(peer.ns);
    expect(stage.events.slice(before)).toEqual([]);
    stage.pass(120_000);
    peer.clear();
    peer.say("HELLO");
    expect(peer.heard).toEqual([]);
    expect(stage.statistics.discards.unknownTunnel).toBe(1);
    expect(stage.isEmpty).toBe(true);
  });
});

test("every message type, every single octet of it changed in turn: the LNS stays up, and its first tunnel too unless it was told", () => {
  const random = rng(7);
  const messages = [
    ["WEN", A.callErrors(1, 2, 3, 4, 5, 6)],
    ["ICCN", A.txSpeed(1), A.framingType(1)],
    ["CDN", A.result(1), A.sessionId(500)],
    ["ICRQ", A.sessionId(700), A.serial(1), A.bearerType(1), A.calling("555")],
    [
      "OCRQ",
      A.sessionId(700),
      A.serial(1),
      A.minimumBps(1),
      A.maximumBps(2),
      A.bearerType(1),
      A.framingType(1),
      A.called("1"),
    ],
    ["SCCCN", A.response(new Array(16).fill(1))],
    ["SLI", A.accm(1, 2)],
    ["CSUN", avp(97, [0, 0, ...u16(1), ...u32(1), ...u32(1), ...u32(0), ...u32(1)])],
  ] as const;
  const bystander = "198.51.100.1";
  for (const [type, ...avps] of messages) {
    const length = body(type, ...(avps as unknown as number[][])).length + 12;
    for (let at = 0; at < length; at++) {
      const scene = lnsWithSession();
      const { stage, peer, sessionId } = scene;
      const other = new Peer(stage, bystander).establish();
      other.call(1);
      const datagram = peer.make(sessionId, body(type, ...(avps as unknown as number[][])));
      datagram[at] = (datagram[at] as number) ^ (1 << Math.floor(random() * 8));
      peer.raw(datagram);
      stage.pass(500);
      expect(stage.of("tunnel-down").filter((event) => event.tunnel !== scene.tunnel)).toEqual([]);
      expect(
        stage.of("session-down").filter((event) => event.session !== scene.session && event.wasUp),
      ).toEqual([]);
      other.call(2);
      expect(stage.of("session-up")).toHaveLength(3);
      expect(avpOf(other.last, 14)).toBeDefined();
    }
  }
});

/** Two secrets during a change, and peers that have one of them: which is used to answer whom, and what strangers can do about it. */
import { describe, expect, test } from "vitest";
import { RandomSource } from "../src/random.ts";
import { SecondSecret } from "../src/second-secret.ts";
import type { Tunnel } from "../src/state.ts";
import { A, fillWith, forSeeds, Peer, rng, Stage, type StageOptions } from "./stage.ts";
import { avp, avpOf, hidden, response, resultOf, text, u16 } from "./wire.ts";
import { World } from "./world.ts";

const BOTH = ["new secret", "old secret"];
const [NEW, OLD] = BOTH as [string, string];
const CHALLENGE = 11;
const RESPONSE = 13;

const lns = (options: StageOptions = {}) =>
  new Stage({ ...options, tunnel: { secrets: BOTH, ...options.tunnel } });

let attempts = 0;
interface Caller {
  readonly address?: string;
  readonly host?: string;
  /** What it says when our answer is not that of its own secret; default StopCCN 4. */
  readonly refuses?: (peer: Peer) => void;
}

/** A LAC calls, and challenges. @returns the secret that it was answered with, and the peer. */
function answered(stage: Stage, { address = "192.0.2.1", host = "lac" }: Caller = {}) {
  const peer = new Peer(stage, address, 1_701, 1 + (attempts++ % 60_000));
  const challenge = Uint8Array.of(7, attempts >> 16, attempts >> 8, attempts);
  peer.say(
    "SCCRQ",
    A.version(),
    A.host(host),
    A.framing(),
    A.tunnelId(peer.tunnelId),
    A.challenge([...challenge]),
  );
  const got = [...(avpOf(peer.last, RESPONSE) ?? [])].join();
  const secret = BOTH.find((one) => response(2, one, challenge).join() === got);
  return { peer, secret };
}

const refusal = (peer: Peer) => peer.say("StopCCN", A.tunnelId(peer.tunnelId), A.result(4));

/** A LAC with one secret calls, and goes on or refuses. @returns whether it has a tunnel, and its end. */
function calls(stage: Stage, own: string, caller: Caller = {}) {
  const { peer, secret } = answered(stage, caller);
  const challenge = avpOf(peer.last, CHALLENGE);
  if (secret === own) peer.say("SCCCN", ...(challenge ? [A.response(response(3, own, challenge))] : []));
  else (caller.refuses ?? refusal)(peer);
  const hangUp = () => peer.say("StopCCN", A.tunnelId(peer.tunnelId), A.result(1));
  return { secret, isUp: secret === own, peer, hangUp };
}

describe("an LNS with two secrets, and a LAC that challenges it", () => {
  test("a LAC with the new secret is answered with it", () => {
    const stage = lns();
    expect(calls(stage, NEW).isUp).toBe(true);
    expect(stage.of("tunnel-up")).toMatchObject([{ authenticated: true }]);
  });

  test("one that has only the old secret refuses once, and is in at its next attempt, and at each one after", () => {
    const stage = lns();
    expect(calls(stage, OLD).secret).toBe(NEW);
    const { ending } = stage.last("tunnel-down");
    expect(ending).toMatchObject({ cause: "authentication", by: "peer", result: 4 });
    expect(ending.remedy).toMatch(/the other of our two secrets/);
    for (let n = 0; n < 3; n++) {
      const call = calls(stage, OLD);
      expect(call.isUp).toBe(true);
      expect(stage.endpoint.tunnel(stage.last("tunnel-up").tunnel)).toMatchObject({ secret: 1 });
      call.hangUp();
    }
    expect(stage.of("tunnel-up")).toHaveLength(3);
  });

  test("when it has the new secret at last it refuses once more, and is in with that from then on", () => {
    const stage = lns();
    calls(stage, OLD);
    calls(stage, OLD).hangUp();
    expect([calls(stage, NEW), calls(stage, NEW), calls(stage, NEW)].map(({ isUp }) => isUp)).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("xl2tpd's way to refuse counts as well: another result code, and a text about the challenge", () => {
    const stage = lns();
    const refuses = (peer: Peer) =>
      peer.say("StopCCN", A.tunnelId(peer.tunnelId), A.result(2, 6, "Invalid challenge authentication"));
    calls(stage, OLD, { refuses });
    expect(calls(stage, OLD).isUp).toBe(true);
  });

  test("silence counts, of one that has acknowledged our SCCRP; of one that has not, it does not", () => {
    for (const acknowledges of [true, false]) {
      const stage = lns();
      calls(stage, OLD, {
        refuses: (peer) => {
          if (!acknowledges) return;
          peer.acknowledge();
        },
      });
      const peer = stage.peers.get("192.0.2.1:1701") as Peer;
      peer.acknowledges = acknowledges;
      stage.pass(120_000);
      expect(stage.isEmpty).toBe(true);
      expect(answered(stage).secret).toBe(OLD);
    }
  });

  test.each([
    ["it is shut down", A.result(6)],
    ["the version is not its own", A.result(5, 1)],
    ["it has no room", A.result(2, 4)],
  ])("a StopCCN because %s says nothing about the secret", (_, result) => {
    const stage = lns();
    calls(stage, OLD, { refuses: (peer) => peer.say("StopCCN", A.tunnelId(peer.tunnelId), result) });
    expect(answered(stage).secret).toBe(NEW);
  });

  test("what one LAC refuses changes nothing for another address, nor for another name at the same address", () => {
    const stage = lns();
    calls(stage, OLD);
    expect(answered(stage, { address: "192.0.2.2" }).secret).toBe(NEW);
    expect(answered(stage, { host: "neighbour" }).secret).toBe(NEW);
    expect(answered(stage).secret).toBe(OLD);
  });

  test("a LAC that hides AVPs of its SCCRQ has shown its secret: it is answered with it at once", () => {
    const vector = new Array(16).fill(9);
    for (const secret of BOTH) {
      const stage = lns({ callerSecrets: ["of somebody else", ...BOTH] });
      const peer = new Peer(stage);
      const hide = (type: number, value: number[]) =>
        avp(type, hidden(type, secret, vector, value), { h: 1 });
      peer.say(
        "SCCRQ",
        A.version(),
        A.host("p"),
        A.framing(),
        avp(36, vector),
        hide(9, u16(77)),
        A.challenge([1]),
      );
      expect([...(avpOf(peer.last, RESPONSE) ?? [])]).toEqual(response(2, secret, Uint8Array.of(1)));
    }
  });

  test("with one secret there is nothing to try: each attempt is answered alike", () => {
    const stage = new Stage({ tunnel: { secrets: [NEW] } });
    for (let n = 0; n < 5; n++) expect(calls(stage, OLD).secret).toBe(NEW);
    expect(stage.last("tunnel-down").ending.remedy).toMatch(/^compare the tunnel secret/);
  });

  test("a LAC with neither secret never gets in, whatever it is answered with", () => {
    const stage = lns();
    for (let n = 0; n < 20; n++) {
      const { peer } = answered(stage);
      peer.say("SCCCN", A.response(response(3, "a third one", avpOf(peer.last, CHALLENGE) as Uint8Array)));
      expect(resultOf(peer.last)[0]).toBe(4);
    }
    expect(stage.of("tunnel-up")).toEqual([]);
  });
});

describe("strangers cannot keep a LAC away", () => {
  test("who forges its address hears nothing, so that his StopCCN has Tunnel ID 0: that is not believed", () => {
    const stage = lns();
    for (let n = 0; n < 5; n++) {
      calls(stage, OLD, {
        refuses: (peer) => {
          peer.theirs = 0;
          refusal(peer);
        },
      });
    }
    expect(stage.of("tunnel-down")).toHaveLength(5);
    expect(answered(stage).secret).toBe(NEW);
  });

  test("nor are SCCRQs in its name that nobody acknowledges", () => {
    const stage = lns();
    for (let n = 0; n < 5; n++) {
      const { peer } = answered(stage);
      peer.acknowledges = false;
    }
    const silent = new Stage({ tunnel: { secrets: BOTH } });
    const peer = new Peer(silent);
    peer.acknowledges = false;
    peer.sccrq(A.challenge([1]));
    silent.pass(200_000);
    expect(silent.isEmpty).toBe(true);
    expect(answered(silent).secret).toBe(NEW);
  });

  test.each([[NEW], [OLD]])(
    "one who shares its address and name, and refuses between its attempts, costs %s one attempt and then half of them",
    (own) => {
      const needed: number[] = [];
      forSeeds(40, (seed) => {
        const stage = lns({ seed, limits: { sourceSccrq: [1e6, 1e6] } });
        let tries = 1;
        calls(stage, "a stranger's");
        while (!calls(stage, own).isUp) {
          calls(stage, "a stranger's");
          tries++;
          if (tries > 30) throw new Error("kept away");
        }
        needed.push(tries);
      });
      expect(needed.reduce((a, b) => a + b) / needed.length).toBeLessThan(4);
    },
  );

  test("where we do not challenge, a stranger's SCCCN is no proof that this secret is the peer's", () => {
    const stage = lns({ tunnel: { challenge: false } });
    calls(stage, "a stranger's");
    const { peer, secret } = answered(stage);
    expect(secret).toBe(OLD);
    peer.say("SCCCN");
    expect(stage.of("tunnel-up")).toMatchObject([{ authenticated: false }]);
    peer.say("StopCCN", A.tunnelId(peer.tunnelId), A.result(1));
    expect(calls(stage, NEW).isUp).toBe(false);
    // Refused both: by lot from here on.
    const lots = new Set(Array.from({ length: 40 }, () => calls(stage, "a stranger's").secret));
    expect(lots).toEqual(new Set(BOTH));
  });

  test("what is kept in mind is bounded, and one address cannot push out what another has refused", () => {
    const memory = new SecondSecret(new RandomSource(fillWith(rng(1))));
    const peer = (address: string, hostName: string) =>
      ({ peer: { address }, facts: { hostName }, settings: { secrets: BOTH } }) as unknown as Tunnel;
    const known = peer("192.0.2.1", "lac");
    memory.refused(0, known, 0);
    for (let n = 0; n < 50_000; n++) memory.refused(n, peer("203.0.113.1", `name ${n}`), 0);
    expect(memory.size).toBeLessThanOrEqual(9);
    expect(memory.guess(1, known)).toBe(1);
    expect(memory.guess(3_600_001, known)).toBe(0);
    for (let n = 0; n < 50_000; n++) memory.refused(n, peer(`10.${n >> 8}.${n & 255}.1`, "x"), 0);
    for (let n = 0; n < 50_000; n++) memory.accepted(peer("198.51.100.1", `name ${n}`), 1);
    expect(memory.size).toBeLessThanOrEqual(1_024 * 8 + 4_096);
    for (let n = 0; n < 50_000; n++) memory.accepted(peer("198.51.100.1", `name ${n}`), 0);
    for (let n = 0; n < 50_000; n++) memory.accepted(peer(`10.${n >> 8}.${n & 255}.1`, "x"), 0);
    expect(memory.size).toBe(0);
  });
});

describe("a LAC with two secrets, and an LNS with one", () => {
  /** The LNS answers our challenge if there is one, challenges us, and goes on or refuses. */
  function dialled(stage: Stage, own: string) {
    const peer = new Peer(stage, "192.0.2.9", 1_701, 1 + (attempts++ % 60_000));
    stage.dial(peer);
    const ours = avpOf(peer.last, CHALLENGE);
    peer.sccrp(A.challenge([3]), ...(ours ? [A.response(response(2, own, ours))] : []));
    const right = response(3, own, Uint8Array.of(3));
    const vector = avpOf(peer.last, 36);
    const expected = vector ? hidden(RESPONSE, own, [...vector], right) : right;
    const isRight = [...(avpOf(peer.last, RESPONSE) ?? [])].join() === expected.join();
    if (isRight) peer.say("HELLO");
    else refusal(peer);
    return { isRight, peer };
  }

  test.each(BOTH)(
    "the LNS shows by its answer that it has the %s: ours is made with it, and so are hidden AVPs",
    (own) => {
      const stage = new Stage({ tunnel: { secrets: BOTH, hiding: "send" } });
      const { isRight, peer } = dialled(stage, own);
      expect(isRight).toBe(true);
      stage.endpoint.openSession(stage.now, stage.last("tunnel-up").tunnel, {
        kind: "incoming",
        request: { calledNumber: "555" },
      });
      stage.pump();
      const vector = [...(avpOf(peer.last, 36) ?? [])];
      expect([...(avpOf(peer.last, 21) ?? [])]).toEqual(hidden(21, own, vector, text("555")));
    },
  );

  test("one that we do not challenge shows nothing: it refuses once, and then has the other answer", () => {
    const stage = new Stage({ tunnel: { secrets: BOTH, challenge: false } });
    expect(dialled(stage, OLD).isRight).toBe(false);
    expect(stage.last("tunnel-down").ending).toMatchObject({
      cause: "authentication",
      by: "peer",
      result: 4,
    });
    for (let n = 0; n < 3; n++) {
      const { isRight, peer } = dialled(stage, OLD);
      expect(isRight).toBe(true);
      peer.say("StopCCN", A.tunnelId(peer.tunnelId), A.result(1));
    }
    expect(
      [dialled(stage, NEW), dialled(stage, NEW), dialled(stage, NEW)].map(({ isRight }) => isRight),
    ).toEqual([false, true, true]);
  });

  test("what is a guess is not hidden: whoever has the other secret could not read it", () => {
    const stage = new Stage({ tunnel: { secrets: BOTH, challenge: false, hiding: "send" } });
    for (const own of [OLD, OLD]) {
      dialled(stage, own);
      expect(
        stage.sent.findLast(({ heard }) => heard.type === "SCCCN")?.heard.avps.map(({ h }) => h),
      ).toEqual([0, 0]);
    }
    stage.endpoint.openSession(stage.now, stage.last("tunnel-up").tunnel, {
      kind: "incoming",
      request: { calledNumber: "555" },
    });
    stage.pump();
    const { heard } = stage.sent.findLast(({ heard: { type } }) => type === "ICRQ") ?? {};
    const vector = [...((heard && avpOf(heard, 36)) ?? [])];
    expect([...((heard && avpOf(heard, 21)) ?? [])]).toEqual(hidden(21, OLD, vector, text("555")));
  });

  test("its StopCCN 4 much later is an end like any other", () => {
    const stage = new Stage({ tunnel: { secrets: BOTH, challenge: false } });
    const { isRight, peer } = dialled(stage, NEW);
    expect(isRight).toBe(true);
    refusal(peer);
    expect(stage.last("tunnel-down").ending.cause).toBe("peer-close");
    expect(dialled(stage, NEW).isRight).toBe(true);
  });
});

test.each([
  ["the LAC has the old secret", [OLD], BOTH],
  ["the LAC has the new secret", [NEW], BOTH],
  ["the LNS has the old secret", BOTH, [OLD]],
  ["the LNS has the new secret", BOTH, [NEW]],
  ["both have both, in another order", [OLD, NEW], BOTH],
])("on a bad network too a tunnel comes up, and again and again: %s", (_, ofLac, ofLns) => {
  forSeeds(5, (seed) => {
    const world = new World(seed, { loss: 0.2, duplicate: 0.1, delayMs: [5, 400] });
    const server = world.host("192.0.2.9", { tunnel: { secrets: ofLns } });
    const client = world.host("192.0.2.1", { tunnel: { secrets: ofLac } });
    let ups = 0;
    const dial = () => {
      client.endpoint.openTunnel(world.now, { peer: server.address });
      client.pump();
    };
    client.onEvent = (event) => {
      if (event.type === "tunnel-up") {
        ups++;
        world.at(world.now + 30_000, () => {
          client.endpoint.closeTunnel(world.now, event.tunnel);
          client.pump();
        });
      } else if (event.type === "tunnel-down") world.at(world.now + 5_000, dial);
    };
    dial();
    world.run(600_000);
    expect(ups).toBeGreaterThan(8);
  });
});

/** Peers that go on and on: guess passwords by starting over, repeat themselves, refuse what nobody asked for. */
import { expect, test } from "vitest";
import { type AuthMethod, answerFromSecret } from "../src/index.ts";
import { Bench } from "./bench.ts";
import { hex } from "./hex.ts";
import { CLIENT, Pair, SERVER } from "./pair.ts";

const id = (number: number) => (number & 255).toString(16).padStart(2, "0");

/** Negotiates LCP of a link anew: the peer asks for nothing, and takes all. */
function renegotiate(bench: Bench, number: number): void {
  const request = bench.send(`c021 01 ${id(number)} 0004`).find((frame) => frame.startsWith("c02101"));
  if (request !== undefined) bench.send(`c021 02 ${request.slice(6)}`);
}

test("attempts are counted for the link: who negotiates LCP anew after wrong passwords has no more of them", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["pap"], attempts: 3 } }).open();
  let refused = 0;
  for (let i = 0; i < 60 && bench.down === undefined; i++) {
    bench.wait(1000);
    bench.send(`c023 01 ${id(i)} 000d 04 75736572 03 616263`);
    const question = bench.events.findLast((event) => event.type === "question");
    if (bench.link.decide(bench.now, question?.token ?? 0, { accept: false })) refused++;
    renegotiate(bench, i + 2);
  }
  bench.wait(10_000);
  expect(bench.down).toMatchObject({ code: "authentication-failed" });
  expect(refused).toBe(3);
});

test("so do questions that are left open by negotiating LCP anew", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["pap"], attempts: 3 } }).open();
  for (let i = 0; i < 60 && bench.down === undefined; i++) {
    bench.wait(1000);
    bench.send(`c023 01 ${id(i)} 000d 04 75736572 03 616263`);
    renegotiate(bench, i + 2);
  }
  bench.wait(10_000);
  expect(bench.down).toMatchObject({ code: "authentication-failed" });
  expect(bench.events.filter((event) => event.type === "question").length).toBeLessThanOrEqual(4);
});

test("the time to be authenticated is not had anew by negotiating LCP anew", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["chap-md5"] } }).open();
  for (let i = 0; i < 60 && bench.down === undefined; i++) {
    bench.wait(20_000);
    renegotiate(bench, i + 2);
  }
  expect(bench.down).toMatchObject({ code: "authentication-failed" });
  expect(bench.now).toBeLessThan(130_000);
});

test("a peer that would like to be asked for a proof, which we do not want, is none that refuses ours", () => {
  const bench = new Bench();
  const [request = ""] = bench.wait(0);
  const [again = ""] = bench.send(`c021 03 ${request.slice(6, 8)} 0009 0305 c22305`);
  expect(again.slice(0, 6)).toBe("c02101");
  expect(again.slice(12)).toBe(request.slice(12));
  expect(bench.events).toEqual([]);
});

test("a Protocol-Reject of a protocol that is none of ours ends no other; one of IPv4 packets ends IPCP", () => {
  const mppe = { policy: "require" } as const;
  const pair = new Pair({ ...CLIENT, mppe }, { ...SERVER, mppe }).start().run(5000);
  expect(pair.link.b.states.ccp).toBe("Opened");
  for (const [i, protocol] of ["c025", "8031", "0281", "c023", "803d"].entries())
    pair.link.b.receive(pair.now, hex(`c021 08 0${i} 0006 ${protocol}`));
  pair.run(5000);
  expect(pair.link.b.states).toMatchObject({
    lcp: "Opened",
    ccp: "Opened",
    ipcp: "Opened",
    ipv6cp: "Opened",
  });
  pair.link.b.receive(pair.now, hex("c021 08 09 0006 0021"));
  pair.run(5000);
  expect(pair.link.b.states).toMatchObject({ lcp: "Opened", ccp: "Opened", ipv6cp: "Opened" });
  expect(pair.link.b.states.ipcp).not.toBe("Opened");
  pair.link.b.receive(pair.now, hex("c021 08 0a 0006 00fd"));
  pair.run(9000);
  expect(pair.last("b", "down")?.reason.code).toBe("encryption");
});

test("before the peer is known all but LCP, its proof and LQR is silently discarded (RFC 1661 §3.5)", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["pap"] } }).open();
  for (const frame of [
    "8021 01 01 0004",
    "80fd 01 01 0004",
    "8281 01 01 0004",
    "003d c000 0000",
    "8057 01 01 0004",
  ])
    expect(bench.send(frame), frame).toEqual([]);
  expect(bench.link.counters).toMatchObject({ unexpected: 5, unknownProtocol: 0 });
  expect(bench.send("c025 1234")[0]).toMatch(/^c02108/);
});

test("a peer that asks for the same refused thing for ever, always with one identifier, is given up", () => {
  for (const request of ["c021 01 07 0008 0104 0001", "c021 01 07 0006 4d02"]) {
    const bench = new Bench({ phaseLimitMs: 86_400_000 });
    let frames = bench.wait(0);
    for (let i = 0; i < 600 && bench.down === undefined; i++) {
      for (const frame of frames) if (frame.startsWith("c02101")) bench.send(`c021 02 ${frame.slice(6)}`);
      bench.send(request);
      frames = bench.wait(1000);
    }
    expect(bench.down?.code, request).toBe("lcp-not-converging");
  }
});

test("PAP asked again with a new identifier while the decision is pending: the answer has the latest (RFC 1334 §2.2.1)", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["pap"] } }).open();
  bench.send("c023 01 01 000d 04 75736572 03 616263");
  bench.send("c023 01 02 000d 04 75736572 03 616263");
  bench.send("c023 01 03 000d 04 75736573 03 616264"); // another user: not what is being decided
  const questions = bench.events.filter((event) => event.type === "question");
  expect(questions).toHaveLength(1);
  bench.link.decide(bench.now, questions[0]?.token ?? 0, { accept: true });
  expect(bench.sent[0]).toBe("c0230202000500");
});

test("names of 255 octets are names, in every method", () => {
  const name = "61".repeat(255);
  const pap = new Bench({ authenticatePeer: { methods: ["pap"] } }).open();
  pap.send(
    `c023 01 01 0107 ff ${name} 03 616263`.replace(
      "0107",
      (4 + 1 + 255 + 1 + 3).toString(16).padStart(4, "0"),
    ),
  );
  expect(pap.events.filter((event) => event.type === "question")).toHaveLength(1);
  const chap = new Bench({ authenticatePeer: { methods: ["chap-md5"] } });
  const lcp = chap.wait(0)[0] as string;
  chap.send("c021 01 01 0004");
  const challenge = chap
    .send(`c021 02 ${lcp.slice(6)}`)
    .find((frame) => frame.startsWith("c22301")) as string;
  chap.send(
    `c223 02 ${challenge.slice(6, 8)} ${(4 + 17 + 255).toString(16).padStart(4, "0")} 10 ${"00".repeat(16)} ${name}`,
  );
  const [question] = chap.events.filter((event) => event.type === "question");
  expect(question?.credentials.nameOctets).toHaveLength(255);
  expect(answerFromSecret(question?.credentials ?? ({} as never), "x").accept).toBe(false);
});

test("LCP that comes up again and again, and nothing after it, ends the link; it may begin anew when it was of use", () => {
  const bench = new Bench().open();
  for (let i = 0; i < 600 && bench.down === undefined; i++) {
    bench.wait(3000);
    renegotiate(bench, i + 2);
  }
  expect(bench.down?.code).toMatch(/no-network-protocol|lcp-timeout/);
  expect(bench.now).toBeLessThan(200_000);
  const pair = new Pair(CLIENT, SERVER).start();
  for (let i = 0; i < 30; i++) {
    pair.run(20_000);
    pair.link.b.receive(pair.now, hex(`c021 01 ${id(i)} 0004`));
  }
  pair.run(20_000);
  expect(pair.settled).toBe(true);
});

test("a line that sends back all there is is taken for that, whatever we ask of the peer (RFC 1661 §6.4)", () => {
  for (const authenticatePeer of [{}, { methods: ["pap"] as const }, { allowNone: true }, undefined]) {
    for (const authenticateSelf of [undefined, { name: "user", password: "secret" }]) {
      const bench = new Bench({ authenticatePeer, authenticateSelf });
      let frames = bench.wait(0);
      for (let i = 0; i < 200 && bench.down === undefined; i++) {
        frames = frames.flatMap((frame) => bench.send(frame));
        if (frames.length === 0) frames = bench.wait(1000);
      }
      expect(bench.down).toMatchObject({ code: "looped-back", disconnectCode: 7 });
    }
  }
});

test("a peer that negotiates IPCP anew for ever takes it down ten times, and then once in ten seconds", () => {
  const pair = new Pair(CLIENT, { ...SERVER, ipv6: false }).start().run(5000);
  for (let i = 0; i < 1000; i++) {
    pair.link.b.receive(pair.now, hex(`8021 01 ${id(i)} 000a 0306 0a000002`));
    pair.run(60);
  }
  expect(pair.all("b", "gate").filter(({ mode }) => mode === "drop").length).toBeLessThanOrEqual(17);
  expect(pair.link.b.counters.flooded).toBeGreaterThan(500);
  pair.run(30_000);
  expect(pair.settled).toBe(true);
});

test("who answers with another name when asked again is sent away, whatever it knows", () => {
  const pair = new Pair(CLIENT, {
    ...SERVER,
    authenticatePeer: { methods: ["chap-md5"], rechallengeMs: 10_000 },
  })
    .start()
    .run(5000);
  pair.tap = (from, frame) =>
    from === "a" && frame[0] === 0xc2 && frame[2] === 2
      ? hex(
          `c223 02 ${id(frame[3] as number)} 001a 10 ${Buffer.from(frame.subarray(7, 23)).toString("hex")} 7875736572`,
        )
      : frame;
  pair.authority.b = () => ({ accept: true });
  pair.run(30_000);
  expect(pair.last("b", "down")?.reason).toMatchObject({
    code: "authentication-failed",
    text: expect.stringMatching(/Another name/),
  });
});

/** A peer that acknowledges all that we ask, of LCP and IPV6CP, and asks for IPv4 only. */
function onlyIpv4(): Bench {
  const bench = new Bench({ ipv4: { local: "10.0.0.1", peer: "10.0.0.2" } });
  const acknowledge = (frames: readonly string[]) => {
    for (const frame of frames)
      if (/^(c021|8057|8021)01/.test(frame))
        acknowledge(bench.send(`${frame.slice(0, 4)}02${frame.slice(6)}`));
  };
  acknowledge(bench.wait(0));
  acknowledge(bench.send("c021 01 01 0004"));
  acknowledge(bench.send("8021 01 01 000a 0306 0a000002"));
  expect(bench.link.states).toMatchObject({ ipcp: "Opened", ipv6cp: "Ack-Rcvd" });
  return bench;
}

test("a peer that acknowledges IPV6CP and never asks for it is not asked for ever", () => {
  const bench = onlyIpv4();
  let requests = 0;
  for (let i = 0; i < 400; i++) {
    for (const frame of bench.wait(1000)) {
      if (frame.startsWith("c02109")) bench.send(`c0210a${frame.slice(6, 8)}0008 12345678`);
      if (!frame.startsWith("805701")) continue;
      requests++;
      bench.send(`805702${frame.slice(6)}`);
    }
  }
  expect(requests).toBeLessThanOrEqual(30);
  expect(bench.link.states).toMatchObject({ ipcp: "Opened", ipv6cp: "Stopped" });
  expect(bench.down).toBeUndefined();
  // It may change its mind.
  expect(
    bench.send("8057 01 09 000e 010a 0000000000000007").some((frame) => frame.startsWith("805702")),
  ).toBe(true);
});

test("when the last network protocol is terminated by the peer, the link has no more time than it had to begin with", () => {
  const bench = onlyIpv4();
  bench.send("8021 05 07 0004");
  for (let i = 0; i < 200 && bench.down === undefined; i++) {
    for (const frame of bench.wait(1000)) {
      if (frame.startsWith("805701")) bench.send(`805702${frame.slice(6)}`);
      if (frame.startsWith("c02105")) bench.send(`c02106${frame.slice(6, 8)}0004`);
    }
  }
  expect(bench.down).toMatchObject({ code: "no-network-protocol", disconnectCode: 18 });
  expect(bench.now).toBeLessThan(70_000);
});

/** A client whose peer demands a proof of it. */
function demanded(option: string, methods: readonly AuthMethod[]): Bench {
  const bench = new Bench({ authenticateSelf: { name: "user", password: "secret", methods } });
  const [request = ""] = bench.wait(0);
  bench.send(`c021 01 01 ${option}`);
  bench.send(`c021 02 ${request.slice(6)}`);
  expect(bench.link.phase).toBe("authenticate");
  return bench;
}

test("a peer that wants to know who we are, and then says nothing or rejects the answer, is left with the reason", () => {
  const silent = demanded("0009 0305 c22305", ["chap-md5"]);
  silent.wait(70_000);
  expect(silent.down).toMatchObject({
    code: "authentication-refused",
    text: expect.stringMatching(/no question in time/),
  });
  const asking = demanded("0009 0305 c22305", ["chap-md5"]);
  asking.send("c223 01 05 0009 04 01020304");
  asking.wait(70_000);
  expect(asking.down?.text).toMatch(/no answer in time/);
  const rejecting = demanded("0008 0304 c023", ["pap"]);
  rejecting.send("c021 08 01 000a c023 01010006");
  expect(rejecting.events.find(({ type }) => type === "terminating")).toMatchObject({
    reason: {
      code: "authentication-refused",
      text: expect.stringMatching(/rejects the protocol that it asked for/),
    },
  });
});

test("what a peer says about its refusal is one line of text, whatever it says", () => {
  const bench = demanded("0008 0304 c023", ["pap"]);
  bench.send("c023 03 01 000f 0a 676f0a 1b5b324a 0d61 00");
  expect(bench.events.find(({ type }) => type === "terminating")).toMatchObject({
    reason: { text: "the peer did not accept who we are: go  [2J a" },
  });
});

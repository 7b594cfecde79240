/** Peers that vanish, lie, loop, flood and send rubbish: each bounded, counted, and answered as the RFC says. */
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { decodeOptions, decodePacket, type PppOptions } from "../src/index.ts";
import { Bench } from "./bench.ts";
import { hex, toHex } from "./hex.ts";
import { CLIENT, Pair, SERVER } from "./pair.ts";

test("a peer that never answers gets ten Configure-Requests, and the link is down after thirty seconds", () => {
  const bench = new Bench();
  const sent = bench.wait(120_000);
  expect(sent).toHaveLength(10);
  expect(new Set(sent).size).toBe(1); // retransmissions keep their identifier
  expect(bench.down).toMatchObject({ code: "lcp-timeout", disconnectCode: 5 });
  expect(bench.link.pollTimeout()).toBeUndefined();
});

test("a peer that vanishes is found by Echo-Requests: four without reply, and the link is down", () => {
  const pair = new Pair(CLIENT, SERVER).start().run(5000);
  pair.tap = () => undefined;
  const at = pair.now;
  pair.run(400_000);
  expect(pair.last("a", "down")?.reason).toMatchObject({ code: "no-echo", disconnectCode: 8 });
  const when = pair.events.find(({ event, side }) => side === "a" && event.type === "terminating")?.at ?? 0;
  expect(when - at).toBeGreaterThan(115_000);
  expect(when - at).toBeLessThan(160_000);
});

test("Echo-Requests keep quiet while data flows, and while the peer sends its own", () => {
  const bench = new Bench({ ipv4: { unnumbered: true }, ipv6: false }).open();
  bench.send("8021 01 01 0004");
  bench.send("8021 02 01 0004");
  expect(bench.link.states.ipcp).toBe("Opened");
  let echoes = 0;
  for (let now = 0; now < 600_000; now += 10_000) {
    bench.now = now;
    bench.link.handleTimeout(now, now - 1);
    echoes += bench.sent.filter((frame) => frame.startsWith("c02109")).length;
  }
  expect(echoes).toBe(0);
  for (let i = 0; i < 20; i++) {
    bench.send("c021 09 01 0008 12345678");
    for (const frame of bench.wait(20_000)) expect(frame).not.toMatch(/^c02109/);
  }
  bench.now += 31_000;
  bench.link.handleTimeout(bench.now, bench.now - 31_000);
  expect(bench.sent.filter((frame) => frame.startsWith("c02109"))).toHaveLength(1);
});

test("our own line, looped back, is found by the Magic-Number and given up", () => {
  const bench = new Bench();
  let frames = bench.sent;
  for (let rounds = 0; frames.length > 0 && rounds < 200; rounds++)
    frames = frames.flatMap((frame) => bench.send(frame));
  bench.wait(30_000);
  expect(bench.down).toMatchObject({ code: "looped-back", disconnectCode: 7 });
  expect(bench.link.counters.looped).toBeGreaterThanOrEqual(5);
});

test("a line that loops later is found by the numbers in Echo-Requests", () => {
  const bench = new Bench({ echoIntervalMs: 1000 }).open();
  for (let i = 0; i < 60 && bench.down === undefined; i++) {
    for (const frame of bench.wait(1000))
      if (frame.startsWith("c02109")) for (const back of bench.send(frame)) bench.send(back);
  }
  expect(bench.down?.code).toBe("looped-back");
});

test("a Magic-Number of zero is Nak'ed with another (RFC 1661 §6.4)", () => {
  const bench = new Bench();
  bench.wait(0);
  const [nak] = bench.send("c021 01 07 000a 0506 00000000");
  expect(nak).toMatch(/^c0210307000a0506(?!00000000)/);
});

test("unknown options are rejected alone, before others are Nak'ed, in their order (RFC 1661 §5.4)", () => {
  const bench = new Bench();
  bench.wait(0);
  const request = "c021 01 09 0017 0104 0010 e303 aa 0506 00000000 1104 05dc 4d02";
  // Two options that nobody knows and multilink; the MRU of 16 and the zero number wait.
  expect(bench.send(request)).toEqual(["c0210409000de303aa110405dc4d02"]);
  expect(bench.send("c021 01 0a 000e 0104 0010 0506 00000000")[0]).toMatch(/^c021030a000e010400800506/);
});

test("an option listed twice is rejected the second time; one with an impossible length is Nak'ed with a good one", () => {
  const bench = new Bench();
  bench.wait(0);
  expect(bench.send("c021 01 01 000c 0104 05dc 0104 05dc")).toEqual(["c02104010008010405dc"]);
  expect(bench.send("c021 01 02 0007 0103 05")).toEqual(["c02103020008010405dc"]);
});

test("options that run over the end, or shorter than two octets, spoil the whole packet, unanswered and counted", () => {
  const bench = new Bench();
  bench.wait(0);
  const bad = [
    "c021 01 01 0006 0100", // Length 0 would never end
    "c021 01 01 0006 0101",
    "c021 01 01 0008 0105 05dc",
    "c021 01 01 0005 01",
    "c021 01 01 0003",
    "c021 01 01 00ff 0104 05dc",
    "c021 01",
    `c021 01 01 0046 ${"0702".repeat(33)}`, // more options than anybody has
  ];
  for (const frame of bad) expect(bench.send(frame), frame).toEqual([]);
  expect(bench.link.counters.malformed).toBe(bad.length);
  expect(bench.send("c021 01 01 0008 0104 05dc ffffffff")).toEqual(["c02102010008010405dc"]); // padding is no option
});

test("an Ack with other octets, another identifier, or options in another order counts for nothing (RFC 1661 §5.2)", () => {
  const bench = new Bench();
  const [request = ""] = bench.wait(0);
  const options = request.slice(12);
  expect(bench.send(`c021 02 77 ${request.slice(8)}`)).toEqual([]);
  expect(bench.send(`c021 02 ${request.slice(6, -4)}0702`)).toEqual([]);
  const turned = `0802${options.slice(0, -4)}`;
  expect(bench.send(`c021 02 ${request.slice(6, 12)}${turned}`)).toEqual([]);
  expect(bench.send(`c021 04 ${request.slice(6, 8)} 0008 01040777`)).toEqual([]); // rejects what was not asked for
  expect(bench.link.counters.unexpected).toBe(4);
  expect(bench.link.states.lcp).toBe("Req-Sent");
});

test("a peer that floods Configure-Requests gets some answers, then silence; the link outlives it", () => {
  const bench = new Bench();
  bench.wait(0);
  let answers = 0;
  for (let i = 0; i < 10_000; i++) answers += bench.send("c021 01 05 0008 0104 05dc").length;
  expect(answers).toBeLessThanOrEqual(100);
  expect(bench.link.counters.flooded).toBe(9900);
  bench.now += 1000;
  expect(bench.send("c021 01 06 0004")).toEqual(["c02102060004"]);
});

test("a peer that asks for the refused again and again, or Naks all we ask, is given up", () => {
  const asks = new Bench();
  asks.wait(0);
  for (let i = 1; i < 60 && asks.down === undefined; i++) {
    asks.now += 100;
    asks.send(`c021 01 ${i.toString(16).padStart(2, "0")} 0006 4d02`);
  }
  expect(asks.down?.code).toBe("lcp-not-converging");
  const naks = new Bench();
  for (let i = 0; i < 60 && naks.down === undefined; i++) {
    naks.now += 100;
    const request = naks.sent.at(-1) ?? "";
    if (!request.startsWith("c02101")) break;
    naks.link.receive(naks.now, hex(`c021 03 ${request.slice(6, 8)} 000a 0506 12345678`));
  }
  naks.wait(0);
  expect(naks.down?.code).toBe("lcp-not-converging");
});

test("a peer that wants other addresses than it gets is Nak'ed five times, then rejected, then the link ends", () => {
  const bench = new Bench({ ipv4: { local: "10.0.0.1", peer: "10.0.0.2" }, ipv6: false }).open();
  const answers: string[] = [];
  for (let i = 1; i < 10; i++) answers.push(...bench.send(`8021 01 0${i} 000a 0306 0a000063`));
  expect(answers.map((frame) => frame.slice(4, 6))).toEqual([
    "03",
    "03",
    "03",
    "03",
    "03",
    "04",
    "04",
    "04",
    "04",
  ]);
  // Without an address it would be let in, and be of no use: IPCP is closed, and with it the link.
  expect(bench.send("8021 01 20 0004")).toEqual(["802102200004"]);
  expect(bench.send("8021 02 01 000a 0306 0a000001")).toEqual(["802105010004"]);
  bench.send("8021 06 01 0004");
  expect(bench.events.find((event) => event.type === "terminating")?.reason).toMatchObject({
    code: "address",
    disconnectCode: 19,
  });
});

test("a frame of a protocol nobody opened gets a Protocol-Reject with what fits the peer's MRU, ten at once at most", () => {
  const bench = new Bench();
  bench.wait(0);
  expect(bench.send("8031 0101 0004")).toEqual([]); // before LCP is up: silently discarded
  const request = bench.wait(3000).at(-1) as string;
  bench.send("c021 01 01 0008 0104 0080"); // MRU 128
  bench.send(`c021 02 ${request.slice(6)}`);
  expect(bench.link.states.lcp).toBe("Opened");
  const [reject = ""] = bench.send(`8031 ${"ab".repeat(1000)}`);
  expect(reject.slice(0, 4)).toBe("c021");
  const packet = decodePacket(hex(reject.slice(4)));
  expect(packet).toMatchObject({ code: 8 });
  expect(toHex(packet?.data ?? new Uint8Array(0))).toBe(`8031${"ab".repeat(122)}`);
  let rejects = 0;
  for (let i = 0; i < 90; i++) rejects += bench.send("003d c000 0000 0000").length;
  expect(rejects).toBe(9);
  expect(bench.link.counters.unknownProtocol).toBe(91);
  expect(bench.link.states.lcp).toBe("Opened");
});

test("an unknown code gets a Code-Reject; a Code-Reject of what LCP needs ends the link, of anything else does not", () => {
  const bench = new Bench().open();
  expect(bench.send("c021 00 07 0008 0000 0000")).toEqual(["c0210701000c0007000800000000"]);
  bench.send("c021 07 01 0008 0c01 0004"); // Identification
  expect(bench.link.states.lcp).toBe("Opened");
  bench.send("c021 07 02 0008 0101 0004"); // Configure-Request
  expect(bench.link.states.lcp).toBe("Stopping");
  bench.wait(30_000);
  expect(bench.down?.code).toBe("lcp-rejected");
});

test("a Protocol-Reject of one network protocol leaves the other; of both it ends the link", () => {
  const bench = new Bench().open();
  bench.send("c021 08 01 000a 8021 01010004");
  expect(bench.link.states).toMatchObject({ lcp: "Opened", ipcp: "Stopped", ipv6cp: "Req-Sent" });
  bench.send("c021 08 02 000a 8057 01010004");
  expect(bench.events.find((event) => event.type === "terminating")?.reason).toMatchObject({
    code: "no-network-protocol",
    disconnectCode: 18,
  });
});

test("where the peer takes no packets of 1280 octets there is no IPv6 (RFC 8200 §5), and IPv4 comes up all the same", () => {
  const open = (mru: string) => {
    const bench = new Bench({ ipv4: { local: "10.0.0.1", peer: "10.0.0.2" } });
    const request = bench.sent.find((frame) => frame.startsWith("c02101")) as string;
    bench.send(`c021 01 01 0008 0104 ${mru}`);
    const frames = bench.send(`c021 02 ${request.slice(6)}`);
    expect(bench.link.states.lcp).toBe("Opened");
    return { bench, asked: frames.filter((frame) => frame.startsWith("8057")).length };
  };
  expect(open("0500").asked).toBe(1); // 1280
  const { bench, asked } = open("04ff");
  expect(asked).toBe(0);
  // A peer that asks for it all the same hears that there is none.
  expect(bench.send("8057 01 01 000e 010a 0000000000000007")).toEqual([
    expect.stringMatching(/^c02108..0014805701/),
  ]);
  expect(bench.link.states).toMatchObject({ lcp: "Opened", ipcp: "Req-Sent", ipv6cp: undefined });
});

test("a peer that never finishes authentication is sent away when its time is over, whatever else it says", () => {
  for (const method of ["pap", "chap-md5", "mschap-v2", "eap-md5"] as const) {
    const bench = new Bench({ authenticatePeer: { methods: [method] } }).open();
    for (let now = 1000; now < 200_000 && bench.down === undefined; now += 1000) {
      bench.wait(1000);
      bench.send("c021 09 01 0008 12345678"); // alive it is
      bench.send("8021 01 01 000a 0306 0a000063"); // and in a hurry: silently discarded
      bench.send("c223 02 99 0015 10 00112233445566778899aabbccddeeff"); // an answer to nothing
    }
    expect(bench.down, method).toMatchObject({
      code: "authentication-failed",
      disconnectCode: 16,
      direction: 1,
    });
    expect(bench.now, method).toBeLessThan(75_000);
    expect(bench.link.counters.unexpected).toBeGreaterThan(20);
    expect(bench.events.some((event) => event.type === "gate")).toBe(false);
  }
});

test("names and passwords of no octets are refused without a question, three times, and that is that", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["pap"] } }).open();
  expect(bench.send("c023 01 01 0006 00 00")[0]).toMatch(/^c0230301/);
  expect(bench.send("c023 01 02 000a 04 75736572 00")[0]).toMatch(/^c0230302/);
  expect(bench.send("c023 01 03 0009 00 03 616263")[0]).toMatch(/^c0230303/);
  expect(bench.events.some((event) => event.type === "question")).toBe(false);
  bench.wait(10_000);
  expect(bench.down?.code).toBe("authentication-failed");
  // Lengths that run over the end are no request at all.
  const other = new Bench({ authenticatePeer: { methods: ["pap"] } }).open();
  for (const data of ["ff 61", "04 75736572", "04 75736572 ff 61", ""]) {
    const length = (4 + hex(data).length).toString(16).padStart(4, "0");
    expect(other.send(`c023 01 01 ${length} ${data}`)).toEqual([]);
  }
  expect(other.link.counters.malformed).toBe(4);
});

test("repeats while the decision is pending ask nobody again; afterwards they get the same answer", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["chap-md5"] } }).open();
  const id = bench
    .wait(3000)
    .find((frame) => frame.startsWith("c22301"))
    ?.slice(6, 8);
  const response = `c223 02 ${id} 0019 10 00112233445566778899aabbccddeeff 75736572`;
  for (let i = 0; i < 5; i++) expect(bench.send(response)).toEqual([]);
  const questions = bench.events.filter((event) => event.type === "question");
  expect(questions).toHaveLength(1);
  const token = questions[0]?.token ?? 0;
  expect(bench.link.decide(bench.now, token + 1, { accept: true })).toBe(false);
  expect(bench.link.decide(bench.now, token, { accept: true, message: "hi" })).toBe(true);
  const [success] = bench.sent;
  expect(success).toBe(`c22303${id}00066869`);
  expect(bench.send(response)[0]).toBe(success);
  expect(bench.link.decide(bench.now, token, { accept: true })).toBe(false);
});

test("a decision that does not come counts as no after its time, and one that comes later changes nothing", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["pap"], decisionLimitMs: 5000 } }).open();
  bench.send("c023 01 01 000d 04 75736572 03 616263");
  const question = bench.events.find((event) => event.type === "question");
  bench.wait(20_000);
  expect(bench.down?.code).toBe("authentication-failed");
  expect(bench.link.decide(bench.now, question?.token ?? 0, { accept: true })).toBe(false);
});

test("a challenge of our own, reflected, is not answered (RFC 1994 §5)", () => {
  const bench = new Bench({
    authenticatePeer: { methods: ["chap-md5"] },
    authenticateSelf: { name: "user", password: "secret" },
  });
  const request = bench.wait(0)[0] as string;
  bench.send("c021 01 01 0009 0305 c22305"); // it wants CHAP of us too
  const challenge = bench
    .send(`c021 02 ${request.slice(6)}`)
    .find((frame) => frame.startsWith("c22301")) as string;
  expect(challenge).toBeDefined();
  expect(bench.send(challenge)).toEqual([]);
  expect(bench.send("c223 01 44 0016 11 00112233445566778899aabbccddeeff aa")[0]).toMatch(/^c2230244/);
});

test("a liar of an authenticator, which does not know the password, is left (RFC 2759 §5)", () => {
  const pair = new Pair(CLIENT, SERVER);
  pair.authority.b = () => ({ accept: true, authenticatorResponse: `S=${"0".repeat(40)}` });
  pair.start().run(10_000);
  expect(pair.last("a", "down")?.reason).toMatchObject({ code: "authentication-refused", direction: 2 });
  expect(pair.last("a", "gate")).toBeUndefined();
});

test("change-password packets are answered with an error, and end the attempt (RFC 2759 §7)", () => {
  const bench = new Bench({ authenticatePeer: { methods: ["mschap-v2"] } }).open();
  const id =
    bench
      .wait(1)
      .find((frame) => frame.startsWith("c22301"))
      ?.slice(6, 8) ?? "";
  const challenge =
    id === ""
      ? bench
          .wait(3000)
          .find((frame) => frame.startsWith("c22301"))
          ?.slice(6, 8)
      : id;
  const [failure = ""] = bench.send(`c223 07 ${challenge} 0010 ${"00".repeat(12)}`);
  expect(Buffer.from(hex(failure)).toString("latin1")).toContain("E=709 R=0");
});

test("renegotiation takes the network down and up again; data frames are none of its business", () => {
  const pair = new Pair(CLIENT, SERVER).start().run(5000);
  pair.link.b.receive(pair.now, hex("c021 01 55 0004"));
  pair.run(20_000);
  const gates = pair.all("b", "gate").map(({ protocol, mode }) => `${protocol} ${mode}`);
  const [pass, drop] = [
    ["ipv4 pass", "ipv6 pass"],
    ["ipv4 drop", "ipv6 drop"],
  ];
  expect([gates.slice(0, 2).sort(), gates.slice(2, 4).sort(), gates.slice(4).sort()]).toEqual([
    pass,
    drop,
    pass,
  ]);
  expect(pair.settled).toBe(true);
  const before = pair.link.a.counters.sent;
  for (let i = 0; i < 1000; i++) pair.link.a.receive(pair.now, hex("ff03 0021 4500"));
  expect(pair.link.a.counters).toMatchObject({ data: 1000, sent: before, flooded: 0 });
});

test("no frames whatever make a link throw, answer without end, or hold more than a few kilobytes of events", () => {
  const frames = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .tuple(
        fc.constantFrom("c021", "8021", "8057", "80fd", "c023", "c223", "c227", "ff03c021", "c025"),
        fc.nat(20),
        fc.nat(8),
        fc.uint8Array({ maxLength: 70 }),
      )
      .map(([protocol, code, id, data]) => {
        const length = (4 + data.length).toString(16).padStart(4, "0");
        return hex(
          `${protocol}${code.toString(16).padStart(2, "0")}${id.toString(16).padStart(2, "0")}${length}${toHex(data)}`,
        );
      }),
  );
  const options: PppOptions[] = [
    CLIENT,
    {
      ...SERVER,
      authenticatePeer: { methods: ["eap-mschap-v2", "mschap-v1", "pap"] },
      mppe: { policy: "request", mode: "either" },
    },
    {
      authenticateSelf: { name: "u", password: "p" },
      authenticatePeer: { methods: ["chap-md5"], allowNone: true },
    },
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...options),
      fc.boolean(),
      fc.array(fc.tuple(frames, fc.nat(5000)), { maxLength: 60 }),
      (how, open, script) => {
        const pair = new Pair(how, { ipv4: {} });
        if (open) pair.start().run(200);
        else pair.link.a.start(0);
        let now = pair.now;
        for (const [frame, wait] of script) {
          now += wait;
          pair.link.a.handleTimeout(now);
          pair.link.a.receive(now, frame);
          let events = 0;
          for (let event = pair.link.a.pollEvent(); event; event = pair.link.a.pollEvent()) {
            events++;
            if (event.type === "question") pair.link.a.decide(now, event.token, { accept: wait % 2 === 0 });
            if (event.type === "frame") {
              const packet = decodePacket(event.frame.subarray(2));
              expect(packet).toBeDefined();
              if (packet?.code === 1 && event.frame[0] === 0xc0 && event.frame[1] === 0x21)
                expect(decodeOptions(packet.data)).toBeDefined();
            }
          }
          expect(events).toBeLessThan(30);
        }
        const due = pair.link.a.pollTimeout();
        if (pair.link.a.phase !== "dead" && pair.link.a.phase !== "network") expect(due).toBeDefined();
      },
    ),
    { numRuns: 500 },
  );
});

test("an Identification is told even before LCP is up (RFC 1570 §1.1); one cut short is not", () => {
  const bench = new Bench();
  bench.send("c021 0c 01 000b 00000000 6d6521");
  bench.send("c021 0c 02 0006 0000");
  expect(bench.events).toEqual([{ type: "identification", text: "me!" }]);
  expect(bench.link.counters.unexpected).toBe(1);
});

test("a client answers a late repeat of its challenge once, and waits for nothing; a late Failure is no failure", () => {
  const pair = new Pair(CLIENT, SERVER);
  let challenge = new Uint8Array(0);
  pair.tap = (from, frame) => {
    if (from === "b" && toHex(frame).startsWith("c22301")) challenge = frame.slice();
    return frame;
  };
  pair.start().run(5000);
  pair.tap = () => undefined; // nobody repeats the Success
  const sent = pair.link.a.counters.sent;
  pair.link.a.receive(pair.now, challenge);
  pair.link.a.receive(pair.now, Uint8Array.of(0xc2, 0x23, 4, challenge[3] as number, 0, 4));
  pair.run(20_000);
  expect(pair.link.a.counters.sent).toBe(sent + 1);
  expect(pair.link.a.phase).toBe("network");
});

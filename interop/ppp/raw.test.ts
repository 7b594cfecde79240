/** An LNS of ours and subscribers on raw octets, from the well-behaved to those that no textbook has. */
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { chapMd5, Mppe, mschapV2 } from "./raw/arithmetic.ts";
import { echo, icmpv6, ipv4 } from "./raw/packets.ts";
import {
  CCP,
  CHAP,
  EAP,
  type Frame,
  hex,
  IPCP,
  IPV6CP,
  LCP,
  PAP,
  type RawSubscriber,
} from "./raw/raw-ppp.ts";
import { avp } from "./raw/raw-tunnel.ts";
import { GATEWAY, RawScene } from "./raw/scene.ts";

const test = needs("linux", "root", "tun");
/** Control packets that are answered at once; and what is given back a second, since `from`, with one for the fraction. */
const rationed = (from: number): number => 100 + Math.ceil(((performance.now() - from) / 1_000) * 20) + 1;
const IP = 0x21;
const IPV6 = 0x57;
const LINK_LOCAL = "fe80:0000:0000:0000:0000:0000:0000:0007";

describe("an LNS of ours and a LAC on raw octets", () => {
  let scene: RawScene;
  beforeAll(async () => {
    scene = new RawScene();
    await scene.ready();
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  /** Whether the LNS answers this packet of a subscriber. */
  async function answers(
    subscriber: RawSubscriber,
    packet: Uint8Array,
    patienceMs = 10_000,
  ): Promise<boolean> {
    const before = subscriber.all(IP).length;
    subscriber.say(packet);
    const come = () => subscriber.all(IP).length > before;
    return until(come, "an answer", patienceMs).then(
      () => true,
      () => false,
    );
  }
  /** Waits until pings pass. Replies come in the order of their requests: after this no late one is on its way. */
  async function passes(subscriber: RawSubscriber, mine: string, patienceMs?: number): Promise<void> {
    let sequence = 1;
    const isAnswered = () => answers(subscriber, echo(mine, GATEWAY, { sequence: ++sequence }), 300);
    await until(isAnswered, `${mine} can ping`, patienceMs);
    const isLast = ({ octets }: Frame) => octets.length > 28 && octets.readUInt16BE(26) === sequence;
    await until(() => subscriber.all(IP).some(isLast), "the last ping is answered");
  }
  const rxErrors = async (user: string): Promise<number> => {
    const session = await scene.ctl.client.session(user);
    return Number(session.data?.["rxErrors"]);
  };

  for (const attach of ["shared", "interface", "program"] as const) {
    test(`${attach}: by PAP, CHAP and MS-CHAPv2, and each can ping the LNS`, async () => {
      const [pap, md5, v2] = [
        await scene.lac.call(attach),
        await scene.lac.call(attach),
        await scene.lac.call(attach),
      ];
      const addresses = [await pap.up()];
      await md5.demandIs("c22305");
      await md5.lcp();
      expect((await md5.chap("test", "test")).code).toBe(3);
      addresses.push(await md5.ipcp());
      await v2.lcp();
      const { answer, expected } = await v2.mschapV2("test", "test");
      expect(answer.data.toString().slice(0, 42)).toBe(expected);
      addresses.push(await v2.ipcp());
      expect(new Set(addresses).size).toBe(3);
      for (const [i, subscriber] of [pap, md5, v2].entries()) {
        const mine = addresses[i] as string;
        await passes(subscriber, mine);
        // Padding behind the packet is none of it; the protocol may have one octet.
        expect(await answers(subscriber, Buffer.concat([echo(mine, GATEWAY), Buffer.alloc(30)]))).toBe(true);
        expect(
          await answers(subscriber, Buffer.concat([Buffer.of(IP), echo(mine, GATEWAY).subarray(4)])),
        ).toBe(true);
        subscriber.hangUp();
      }
    });

    test(`${attach}: other people's addresses and lengths that cannot be get no answer, and nobody else one`, async () => {
      const [one, other] = [await scene.lac.call(attach), await scene.lac.call(attach)];
      const [mine, theirs] = [await one.up(`one-${attach}`), await other.up(`other-${attach}`)];
      await passes(one, mine);
      await until(async () => (await rxErrors(`one-${attach}`).catch(() => -1)) >= 0, "the session is told");
      const before = await rxErrors(`one-${attach}`);
      const heard = other.all(IP).length;
      const wrong = [
        echo(theirs, GATEWAY),
        echo("8.8.8.8", GATEWAY),
        echo(GATEWAY, GATEWAY),
        echo(mine, GATEWAY, { total: 2_000 }),
        echo(mine, GATEWAY, { total: 19 }),
        echo(mine, GATEWAY, { first: 0x55 }),
        Buffer.concat([hex("ff03 0057"), echo(mine, GATEWAY).subarray(4)]),
        hex("ff03 0021"),
        hex("ff03 0020 45"),
      ];
      const count = one.all(IP).length;
      for (const packet of wrong) one.say(packet);
      await until(async () => (await rxErrors(`one-${attach}`)) >= before + wrong.length, "all are counted");
      expect([one.all(IP).length - count, other.all(IP).length - heard]).toEqual([0, 0]);
      expect(await answers(one, echo(mine, GATEWAY))).toBe(true);
      one.hangUp();
      other.hangUp();
    });

    test(`${attach}: a subscriber with a small MRU gets nothing that is larger`, async () => {
      const small = await scene.lac.call(attach);
      await small.demandIs("c023");
      await small.lcp("0104 0100 0506 5a5a0001");
      await small.pap("test", "test");
      const mine = await small.ipcp();
      await passes(small, mine);
      small.say(echo(mine, GATEWAY, { octets: 600 }));
      small.packet(LCP, 9, 1, Buffer.concat([small.magic, Buffer.alloc(600)]));
      small.packet(0x8281, 1, 1, Buffer.alloc(600));
      await small.next(({ protocol, code }) => protocol === LCP && code === 8, "a Protocol-Reject");
      await delay(200);
      expect(Math.max(...small.frames.map(({ octets }) => octets.length))).toBeLessThanOrEqual(256);
      small.hangUp();
    });
  }

  test("IPv6: an identifier of none or the LNS's own is Nak'ed; who solicits a router hears of it, not too often", async () => {
    const subscriber = await scene.lac.call("shared");
    await subscriber.up();
    const request = subscriber.frames.findLast(
      ({ protocol, code }) => protocol === IPV6CP && code === 1,
    ) as Frame;
    expect((await subscriber.ask(IPV6CP, "010a 0000000000000000")).code).toBe(3);
    const nak = await subscriber.ask(IPV6CP, request.data);
    expect(nak.code).toBe(3);
    expect(nak.data).not.toEqual(request.data);
    expect((await subscriber.ask(IPV6CP, "010a 0000000000000007")).code).toBe(2);
    await until(() => subscriber.all(IPV6).length > 0, "an advertisement");
    const solicitation = icmpv6(LINK_LOCAL, "ff02:0000:0000:0000:0000:0000:0000:0002", "85000000 00000000");
    for (let i = 0; i < 500; i++) subscriber.say(solicitation);
    await delay(1_000);
    expect(subscriber.all(IPV6).length).toBeLessThan(6);
    subscriber.hangUp();
  });

  test("a line that sends back all there is is told as that", async () => {
    const line = await scene.lac.call("hasty_lcp");
    line.agreeable.clear();
    let sent = 0;
    const back = () => {
      for (; sent < line.frames.length; sent++) {
        const { protocol, code, id, data } = line.frames[sent] as Frame;
        line.packet(protocol, code, id, data);
      }
      return line.ended() !== undefined;
    };
    await until(back, "the call ends");
    expect(await line.cdn()).toEqual({ code: 7, text: expect.stringContaining("looped back") });
    expect(sent).toBeLessThan(60);
  });

  const HANGS = [
    ["lcp", 5, /no answer from the peer/],
    ["authentication", 16, /out of time/],
    ["ipcp", 18, /no network protocol came up/],
  ] as const;
  for (const [phase, code, words] of HANGS) {
    test(`who hangs in ${phase} is sent away when its time is over, with the reason in both logs`, async () => {
      const since = scene.lns.lines.length;
      const hung = await scene.lac.call(`hasty_${phase}`);
      if (phase === "lcp") hung.agreeable.clear();
      else {
        await hung.demandIs("c22305");
        await hung.lcp();
        hung.agreeable.clear();
        if (phase === "ipcp") await hung.chap("test", "test");
      }
      expect(await hung.cdn()).toEqual({ code, text: expect.stringMatching(words) });
      await scene.lns.says(new RegExp(`cannot come up: .*${words.source}`), { since });
    });
  }

  test("three wrong passwords are all there are, however often LCP is negotiated anew; nothing of them is in the log", async () => {
    const guesser = await scene.lac.call();
    await guesser.demandIs("c023");
    for (let i = 1; i < 8 && guesser.ended() === undefined; i++) {
      // Whoever has had his last try hears nothing more, and then the end.
      const patienceMs = i <= 3 ? undefined : 300;
      await guesser.lcp(undefined, patienceMs).catch(() => undefined);
      await guesser.pap("gu\nesser\u001b[2J", `geheim${i}`, i, patienceMs).catch(() => undefined);
    }
    expect(await guesser.cdn()).toMatchObject({ code: 16 });
    expect(guesser.all(PAP, 3)).toHaveLength(3);
    const line = await scene.lns.says(/gu.*esser.*its proof was wrong/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
    expect(line.message).not.toMatch(/[\u0000-\u001f]/);
    expect(scene.lns.said(/geheim/)).toEqual([]);
  });

  test("names of 255 octets, no name, passwords with NUL and UTF-8: each is answered, and a repeat like the first", async () => {
    const subscriber = await scene.lac.call();
    await subscriber.demandIs("c023");
    await subscriber.lcp();
    expect((await subscriber.pap("", "test", 1)).code).toBe(3);
    expect((await subscriber.pap("ä".repeat(127), "pass\0wörd", 2)).code).toBe(3);
    expect((await subscriber.pap("a".repeat(255), "test", 3)).code).toBe(2);
    expect((await subscriber.pap("a".repeat(255), "test", 4)).code).toBe(2);
    expect((await subscriber.pap("someone", "else", 5)).code).toBe(2);
    subscriber.packet(PAP, 1, 6, "ff61"); // runs over the end
    await subscriber.ipcp();
    expect(subscriber.all(PAP)).toHaveLength(5);
    subscriber.hangUp();
  });

  test("CHAP: a wrong identifier or length is silence, a password to be changed an error", async () => {
    const md5 = await scene.lac.call();
    await md5.demandIs("c22305");
    await md5.lcp();
    const { id, value } = await md5.challenge();
    const response = chapMd5(id, "test", value).toString("hex");
    md5.packet(CHAP, 2, (id + 1) & 255, `10${response}74657374`);
    md5.packet(CHAP, 2, id, `0f${response}74657374`);
    md5.packet(CHAP, 2, id, "ff00");
    md5.packet(CHAP, 2, id, `10${response}74657374`);
    await md5.next(({ protocol, code }) => protocol === CHAP && code > 1, "a word");
    expect(md5.all(CHAP, 3)).toHaveLength(1);
    // Its Success was lost.
    md5.packet(CHAP, 2, id, `10${response}74657374`);
    await until(() => md5.all(CHAP, 3).length === 2, "the same again");
    md5.hangUp();
    const old = await scene.lac.call();
    await old.lcp();
    const challenge = await old.challenge();
    old.packet(CHAP, 7, challenge.id, Buffer.alloc(582));
    const failure = await old.next(({ protocol, code }) => protocol === CHAP && code === 4, "a Failure");
    expect(failure.data.toString()).toMatch(/^E=709 R=0/);
    old.hangUp();
  });

  test("EAP: MD5, and MS-CHAPv2 for who would rather; who would neither is told to go", async () => {
    const isRequest = ({ protocol, code }: Frame) => protocol === EAP && code === 1;
    const isEnd = ({ protocol, code }: Frame) => protocol === EAP && code > 2;
    const begin = async () => {
      const subscriber = await scene.lac.call("eap");
      await subscriber.lcp();
      const identity = await subscriber.next(isRequest, "who it is");
      expect(identity.data[0]).toBe(1);
      subscriber.packet(EAP, 2, identity.id, Buffer.from("\u0001test"));
      return { subscriber, request: await subscriber.next(isRequest, "a method") };
    };
    const md5 = await begin();
    expect(md5.request.data[0]).toBe(4);
    const proof = chapMd5(md5.request.id, "test", md5.request.data.subarray(2, 18));
    md5.subscriber.packet(EAP, 2, md5.request.id, Buffer.concat([hex("0410"), proof]));
    expect((await md5.subscriber.next(isEnd, "the end")).code).toBe(3);
    await md5.subscriber.ipcp();
    const v2 = await begin();
    v2.subscriber.packet(EAP, 2, v2.request.id, "031a");
    const { id, data } = await v2.subscriber.next(isRequest, "MS-CHAPv2");
    const { value, expected } = mschapV2(Buffer.from("test"), "test", data.subarray(6, 22), randomBytes(16));
    const head = Buffer.concat([hex("1a02"), data.subarray(2, 3), hex("003a 31")]);
    v2.subscriber.packet(EAP, 2, id, Buffer.concat([head, value, Buffer.from("test")]));
    const told = await v2.subscriber.next(isRequest, "the LNS's proof");
    expect(told.data.subarray(5, 47).toString()).toBe(expected);
    v2.subscriber.packet(EAP, 2, told.id, "1a03");
    expect((await v2.subscriber.next(isEnd, "the end")).code).toBe(3);
    const neither = await begin();
    neither.subscriber.packet(EAP, 2, neither.request.id, "030d");
    expect((await neither.subscriber.next(isEnd, "the end")).code).toBe(4);
    expect(await neither.subscriber.cdn()).toMatchObject({
      code: 16,
      text: expect.stringMatching(/EAP methods/),
    });
    for (const { subscriber } of [md5, v2]) subscriber.hangUp();
  });

  test("options of IPCP: VJ and old ones rejected, other people's addresses Nak'ed, then rejected", async () => {
    const subscriber = await scene.lac.call();
    await subscriber.demandIs("c023");
    // Before the peer is known IPCP is silently discarded.
    subscriber.packet(IPCP, 1, 200, "0306 00000000");
    await subscriber.lcp();
    subscriber.packet(IPCP, 1, 201, "0306 00000000");
    await subscriber.pap("test", "test");
    expect(subscriber.all(IPCP).filter(({ id }) => id >= 200)).toEqual([]);
    expect(
      await subscriber.ask(IPCP, "0206 002d0f01 010a 0000000000000000 8106 00000000 f002"),
    ).toMatchObject({
      code: 4,
      data: hex("0206 002d0f01 010a 0000000000000000 8106 00000000 f002"),
    });
    const codes: number[] = [];
    let data: Uint8Array = Buffer.alloc(0);
    for (let i = 0; i < 7; i++) {
      const answer = await subscriber.ask(IPCP, `0306 ${ipv4(GATEWAY).toString("hex")}`);
      codes.push(answer.code);
      if (answer.code === 3) data = answer.data;
    }
    expect(codes).toEqual([3, 3, 3, 3, 3, 4, 4]);
    expect((await subscriber.ask(IPCP, data)).code).toBe(2);
    subscriber.hangUp();
  });

  test("one fixed address, one session a user, one address in the pool: who comes second hears why not", async () => {
    const since = scene.lns.lines.length;
    for (const [user, called, words] of [
      ["fixed", "shared", /100\.64\.9\.9 is fixed for this user/],
      ["alone", "shared", /it has a session already/],
      ["someone", "tiny", /nothing is free in pool "tiny"/],
    ] as const) {
      const [first, second] = [await scene.lac.call(called), await scene.lac.call(called)];
      await first.up(user);
      await second.demandIs("c023");
      await second.lcp();
      expect((await second.pap(user, "test")).code).toBe(3);
      await second.cdn();
      await scene.lns.says(words, { since });
      expect(first.ended()).toBeUndefined();
      first.hangUp();
    }
    const [first, second] = [await scene.lac.call(), await scene.lac.call()];
    const address = await first.up("newest");
    expect(await second.up("newest")).toBe(address);
    expect((await first.cdn()).text).toMatch(/another session of the same user/);
    second.hangUp();
    const gone = await scene.lac.call("hasty_authentication");
    await gone.demandIs("c023");
    await gone.lcp();
    expect((await gone.pap("gone", "test")).code).toBe(3);
    await gone.cdn();
    await scene.lns.says(/user gone: .*left us in May/, { since });
  });

  for (const [bits, flag, isStateless] of [
    [128, 0x40, true],
    [56, 0x80, false],
    [40, 0x20, false],
  ] as const) {
    test(`MPPE of ${bits} bits, ${isStateless ? "stateless" : "stateful"}: lost packets, and more than the count can say`, async () => {
      const subscriber = await scene.lac.call("mppe");
      await subscriber.lcp();
      const { master } = await subscriber.mschapV2("test", "test");
      const option = Buffer.concat([hex("1206"), Buffer.of(isStateless ? 1 : 0, 0, 0, flag)]);
      for (let tries = 0; tries < 5; tries++) {
        const request = await subscriber.next(
          ({ protocol, code }) => protocol === CCP && code === 1,
          "a request",
        );
        const isIt = request.data.equals(option);
        subscriber.packet(CCP, isIt ? 2 : 3, request.id, option);
        if (isIt) break;
      }
      expect((await subscriber.ask(CCP, option)).code).toBe(2);
      const mine = await subscriber.ipcp();
      const ours = new Mppe(master, "send", bits);
      let count = 0;
      let isFirst = true;
      const encrypted = (frame: Buffer): Buffer => {
        const changes = isStateless || (count & 255) === 255;
        if (changes) ours.change();
        else if (isFirst) ours.restart();
        const head = (changes || isFirst ? 0x9000 : 0x1000) | count;
        count = (count + 1) & 0xfff;
        isFirst = false;
        return Buffer.concat([
          hex("ff03 00fd"),
          Buffer.of(head >> 8, head & 255),
          ours.run(frame.subarray(2)),
        ]);
      };
      const replies = () => subscriber.all(0xfd).length;
      const arrives = async (patienceMs = 10_000) => {
        const before = replies();
        isFirst = true;
        subscriber.say(encrypted(echo(mine, GATEWAY)));
        return until(() => replies() > before, "a reply", patienceMs).then(
          () => true,
          () => false,
        );
      };
      await until(() => arrives(1_000), "packets pass");
      // What the LNS sends is encrypted with the other key.
      const theirs = new Mppe(master, "receive", bits);
      const reply = subscriber.all(0xfd)[0]?.octets ?? Buffer.alloc(2);
      if (isStateless) theirs.change();
      expect(theirs.run(reply.subarray(2)).subarray(0, 4).toString("hex")).toMatch(/^00214[0-9a-f]00/);
      // Nothing in the clear, and nothing that is cut.
      const before = replies();
      for (const frame of ["", "90", "9000", "1fff 12"]) subscriber.say(hex(`ff03 00fd ${frame}`));
      expect(await answers(subscriber, echo(mine, GATEWAY), 200)).toBe(false);
      // Two are lost, and one comes that does not begin the stream anew.
      for (let i = 0; i < 2; i++) encrypted(echo(mine, GATEWAY));
      subscriber.say(encrypted(echo(mine, GATEWAY)));
      if (isStateless) await until(() => replies() > before, "the third is understood");
      else await subscriber.next(({ protocol, code }) => protocol === CCP && code === 14, "a Reset-Request");
      expect(await arrives()).toBe(true);
      // Three quarters of all counts are lost, and then again.
      for (let times = 0; times < 4; times++) {
        for (let i = 0; i < 2_000; i++) encrypted(echo(mine, GATEWAY, { octets: 8 }));
        expect(await arrives()).toBe(true);
      }
      const from = performance.now();
      for (let i = 0; i < 500; i++) subscriber.packet(CCP, 14, i & 255);
      expect(await arrives()).toBe(true);
      expect(subscriber.all(CCP, 15).length).toBeLessThanOrEqual(rationed(from));
      subscriber.hangUp();
    });
  }

  const sent = hex("0305 c22305 0506 11223344");
  const challenge = randomBytes(16);
  const proxied = (more: Readonly<Record<number, Uint8Array>> = {}) =>
    Object.entries({
      26: hex("0506 5a5a0001"),
      27: sent,
      28: hex("0506 5a5a0001"),
      29: hex("0002"),
      30: Buffer.from("proxied"),
      31: challenge,
      32: hex("0007"),
      33: chapMd5(7, "test", challenge),
      ...more,
    }).map(([type, value]) => avp(Number(type), value));
  const LIES: Readonly<Record<string, Readonly<Record<number, Uint8Array>>>> = {
    "an option of length 0": { 28: hex("0500") },
    "an option that runs over the end": { 27: hex("03ff c2") },
    "an MRU that is ours in no case": { 27: Buffer.concat([hex("0104 ffff"), sent]) },
    "no proof was asked for": { 27: hex("0506 11223344") },
    "multilink was granted": { 28: hex("1104 05dc") },
  };
  for (const policy of ["use", "verify", "renegotiate"] as const) {
    test(`proxy LCP and authentication, ${policy}: taken up or not, and never upon a lie`, async () => {
      const first = async (more?: Readonly<Record<number, Uint8Array>>) => {
        const subscriber = await scene.lac.call(policy, proxied(more));
        subscriber.agreeable.delete(LCP);
        await until(() => subscriber.frames.length > 0, "it begins");
        const { protocol, code } = subscriber.frames[0] as Frame;
        subscriber.hangUp();
        return `${protocol.toString(16)} ${code}`;
      };
      const anew = "c021 1";
      const expected = {
        use: { honest: "8021 1", wrong: "8021 1", none: "c223 1" },
        verify: { honest: "c223 3", wrong: "c223 4", none: "c223 1" },
        renegotiate: { honest: anew, wrong: anew, none: anew },
      }[policy];
      expect(await first()).toBe(expected.honest);
      expect(await first({ 33: randomBytes(16) })).toBe(expected.wrong);
      expect(await first({ 29: hex("0004") })).toBe(expected.none);
      expect(await first({ 30: Buffer.alloc(0) })).toBe(expected.none);
      expect(await first({ 33: Buffer.alloc(3) })).toBe(expected.none);
      for (const [lie, avps] of Object.entries(LIES)) expect(await first(avps), lie).toBe(anew);
    });
  }

  test("floods of all kinds are answered a little, cost the others nothing, and leave the session as it is", async () => {
    const [flood, other] = [await scene.lac.call("shared"), await scene.lac.call("shared")];
    const mine = await flood.up("flood");
    const theirs = await other.up();
    await passes(other, theirs);
    const floods: Readonly<Record<string, readonly [number, number, string]>> = {
      "protocols that nobody opened": [0x8281, 1, ""],
      "Echo-Requests": [LCP, 9, `5a5a0001${"00".repeat(900)}`],
      "codes that nobody knows": [LCP, 99, ""],
      "compression that nobody wants": [CCP, 1, "1a04 7800"],
      "link quality reports": [0xc025, 1, ""],
      "bandwidth allocation": [0xc02b, 1, ""],
      multilink: [0x3d, 0xc0, ""],
      "IPCP negotiated anew": [IPCP, 1, `0306 ${ipv4(mine).toString("hex")}`],
      Identification: [LCP, 12, `5a5a0001${Buffer.from("me\nERROR").toString("hex")}`],
    };
    for (const [what, [protocol, code, data]] of Object.entries(floods)) {
      const before = flood.frames.length;
      const from = performance.now();
      for (let i = 0; i < 3_000; i++) flood.packet(protocol, code, i & 255, data);
      expect(await answers(other, echo(theirs, GATEWAY)), what).toBe(true);
      expect(flood.frames.length - before, what).toBeLessThanOrEqual(rationed(from));
    }
    // The ration comes back.
    await delay(2_000);
    flood.agreeable.add(IPCP);
    await passes(flood, mine);
    const { counters } = (await scene.ctl.client.session("flood")).ppp as {
      counters: Record<string, number>;
    };
    expect(counters["flooded"]).toBeGreaterThan(0);
    expect(counters["unknownProtocol"]).toBeGreaterThan(0);
    expect(scene.lns.said(/ERROR/)).toEqual([]);
    flood.hangUp();
    other.hangUp();
  });
});

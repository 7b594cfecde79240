/** What real peers do, and how LCP, authentication, CCP and IPCP get along with it. */
import { expect, test } from "vitest";
import { answerFromSecret, type PppOptions } from "../src/index.ts";
import { hex, toHex } from "./hex.ts";
import { CLIENT, Pair, SERVER } from "./pair.ts";

test("CCP that nobody can agree on does not touch IPCP, whichever side wants it (MikroTik, corner case 21)", () => {
  for (const [a, b] of [
    [{ policy: "request" }, { policy: "off" }],
    [
      { policy: "request", bits: [40] },
      { policy: "request", bits: [128] },
    ],
    [{ policy: "off" }, { policy: "request" }],
  ] as [PppOptions["mppe"], PppOptions["mppe"]][]) {
    const pair = new Pair({ ...CLIENT, mppe: a }, { ...SERVER, mppe: b }).start().run(120_000);
    expect(pair.settled).toBe(true);
    expect(pair.all("a", "down")).toEqual([]);
    expect(pair.last("a", "configure")?.configuration.mppe).toBeUndefined();
    expect(pair.all("a", "gate").map(({ mode }) => mode)).toEqual(["pass", "pass"]);
  }
});

test("every compression but MPPE is rejected, and MPPC's bit is Nak'ed away", () => {
  const sent: string[] = [];
  const pair = new Pair(CLIENT, { ...SERVER, mppe: { policy: "allow" } });
  pair.tap = (from, frame) => {
    if (from === "b") sent.push(toHex(frame));
    return frame;
  };
  pair.start().run(3000);
  sent.length = 0;
  // Deflate, BSD-Compress, Stac, and MPPE with MPPC.
  pair.link.b.receive(pair.now, hex("80fd 01 01 0016 1a04 7800 1503 2f 1105 000104 1206 01000041"));
  pair.run(1);
  expect(sent).toContain("80fd04010010" + "1a047800" + "15032f" + "1105000104");
  pair.link.b.receive(pair.now, hex("80fd 01 02 000a 1206 01000041"));
  pair.run(1);
  expect(sent).toContain("80fd0302000a120601000040");
  expect(pair.link.b.states).toMatchObject({ ipcp: "Opened", lcp: "Opened" });
});

test("a peer that acknowledges several strengths of MPPE is asked again, for the strongest alone (RFC 3078 §2.1)", () => {
  for (const policy of ["allow", "request", "require"] as const) {
    const mppe = { policy, bits: [40, 56, 128] as const };
    const pair = new Pair({ ...CLIENT, ipv6: false }, { ...SERVER, ipv6: false, mppe });
    const requests: string[] = [];
    pair.tap = (from, frame) => {
      const text = toHex(frame);
      if (!text.startsWith("80fd")) return frame;
      // The peer's CCP is this script: it takes whatever it is asked for.
      if (from === "b" && text.startsWith("80fd01")) {
        requests.push(text.slice(-8));
        pair.link.b.receive(pair.now, hex(`80fd02${text.slice(6)}`));
      }
      return undefined;
    };
    pair.start().run(1000);
    pair.link.b.receive(pair.now, hex("80fd 01 01 000a 1206 01000040"));
    pair.run(5000);
    expect(requests, policy).toEqual(["010000e0", "01000040"]);
    expect(pair.link.b.states, policy).toMatchObject({ ccp: "Opened", ipcp: "Opened" });
    const mode = { bits: 128, stateless: true };
    expect(pair.last("b", "configure")?.configuration.mppe, policy).toMatchObject({
      send: mode,
      receive: mode,
    });
  }
});

test("required MPPE that the peer refuses ends the link with cause 4, and nothing went in the clear", () => {
  const pair = new Pair(CLIENT, { ...SERVER, mppe: { policy: "require" } }).start().run(120_000);
  expect(pair.last("b", "down")?.reason).toMatchObject({ code: "encryption", disconnectCode: 4 });
  expect([...pair.all("a", "gate"), ...pair.all("b", "gate")]).toEqual([]);
  // And without MS-CHAP there are no keys at all.
  const md5: PppOptions = {
    ...SERVER,
    authenticatePeer: { methods: ["chap-md5"] },
    mppe: { policy: "require" },
  };
  expect(new Pair(CLIENT, md5).start().run(60_000).last("b", "down")?.reason.code).toBe("encryption");
});

test("IPCP before the end of authentication is silently discarded, and asked for again", () => {
  const pair = new Pair(CLIENT, SERVER);
  pair.thinkMs = 7000;
  pair.start().run(1000);
  pair.link.b.receive(pair.now, hex("8021 01 01 000a 0306 00000000"));
  pair.run(60_000);
  expect(pair.settled).toBe(true);
  expect(pair.link.b.counters.unexpected).toBeGreaterThanOrEqual(1);
});

test("SonicWall's PAP after agreeing to CHAP is refused, and taken only where the settings say so", () => {
  for (const papInsteadOfChap of [false, true]) {
    const pair = new Pair(CLIENT, {
      ...SERVER,
      authenticatePeer: { methods: ["chap-md5"] },
      papInsteadOfChap,
    });
    pair.tap = (from, frame) =>
      from === "a" && toHex(frame).startsWith("c22302")
        ? hex("c023 01 01 0010 04 75736572 06 736563726574")
        : frame;
    pair.start().run(100_000);
    expect(pair.last("b", "peer-authenticated")?.method).toBe(papInsteadOfChap ? "pap" : undefined);
  }
});

test("addresses: given, wished for and granted, refused; IP-Addresses and VJ are rejected, DNS told or not", () => {
  const fixed = new Pair(
    { ...CLIENT, ipv4: { local: "192.0.2.7" } },
    { ...SERVER, ipv4: { local: "10.0.0.1" } },
  )
    .start()
    .run(9000);
  expect(fixed.last("b", "configure")?.configuration.ipv4?.peer).toBe("192.0.2.7");
  const insists = new Pair({ ...CLIENT, ipv4: { local: "192.0.2.7" }, ipv6: false }, SERVER)
    .start()
    .run(60_000);
  expect(insists.last("b", "down")?.reason.code).toMatch(/address|peer-terminated|no-network-protocol/);
  const yields = new Pair({ ...CLIENT, ipv4: { local: "192.0.2.7", acceptLocal: true } }, SERVER)
    .start()
    .run(9000);
  expect(yields.last("a", "configure")?.configuration.ipv4).toMatchObject({ local: "10.0.0.2", dns: [] });
  const sent: string[] = [];
  fixed.tap = (_, frame) => {
    sent.push(toHex(frame));
    return frame;
  };
  fixed.link.b.receive(
    fixed.now,
    hex("8021 01 63 0020 010a 0a000001 0a000002 0206 002d0f01 0306 c0000207 8106 00000000"),
  );
  fixed.run(1);
  expect(sent).toContain("8021046300 1a 010a0a0000010a000002 0206002d0f01 810600000000".replaceAll(" ", ""));
});

test("grants of the decision replace the settings: addresses, servers, families, MPPE", () => {
  const pair = new Pair({ ...CLIENT, mppe: { policy: "allow" } }, { ...SERVER, ipv4: { local: "10.0.0.1" } });
  pair.authority.b = ({ credentials }) => {
    const decision = answerFromSecret(credentials, "secret");
    if (!decision.accept) return decision;
    return {
      ...decision,
      message: "Welcome",
      grants: { ipv4: { peer: "10.9.9.9", dns: ["10.9.9.53"] }, ipv6: false, mppe: { policy: "require" } },
    };
  };
  pair.start().run(9000);
  const configuration = pair.last("a", "configure")?.configuration;
  expect(configuration?.ipv4).toMatchObject({ local: "10.9.9.9", dns: ["10.9.9.53"] });
  expect(configuration).toMatchObject({
    ipv6: undefined,
    mtu: 1496,
    mppe: { send: { bits: 128, stateless: true } },
  });
});

test("asked again in the network phase, a peer that still knows stays, one that does not goes", () => {
  for (const method of ["chap-md5", "mschap-v2", "eap-mschap-v2"] as const) {
    const pair = new Pair(CLIENT, {
      ...SERVER,
      authenticatePeer: { methods: [method], rechallengeMs: 60_000 },
    })
      .start()
      .run(200_000);
    const questions = pair.all("b", "question");
    expect(questions.length, method).toBeGreaterThanOrEqual(3);
    expect(questions.at(-1)?.credentials.again).toBe(true);
    expect(pair.all("b", "peer-authenticated")).toHaveLength(1);
    expect(pair.all("b", "gate")).toHaveLength(2);
    pair.authority.b = () => ({ accept: false, retry: false });
    pair.run(120_000);
    expect(pair.last("b", "down")?.reason.code, method).toBe("authentication-failed");
  }
});

test("a second try with the right password is let in (MS-CHAPv2, R=1 and the new challenge)", () => {
  const pair = new Pair(CLIENT, SERVER);
  let tries = 0;
  const failures: string[] = [];
  pair.authority.b = ({ credentials }) =>
    ++tries === 1 ? { accept: false } : answerFromSecret(credentials, "secret");
  pair.tap = (from, frame) => {
    if (from === "b" && toHex(frame).startsWith("c22304")) {
      failures.push(Buffer.from(frame.subarray(6)).toString("latin1"));
      // The peer of this test types its password again: it answers the new challenge as if it were a first one.
      const challenge = hex(/C=([0-9A-F]{32})/.exec(failures[0] ?? "")?.[1] ?? "");
      const id = ((frame[3] as number) + 1) & 255;
      return Uint8Array.of(0xc2, 0x23, 1, id, 0, 21, 16, ...challenge);
    }
    return frame;
  };
  pair.start().run(20_000);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(/^E=691 R=1 C=[0-9A-F]{32} V=3$/);
  expect(pair.settled).toBe(true);
});

test("who may go on without a proof is asked about too", () => {
  const pair = new Pair(
    { ipv4: {} },
    { ...SERVER, authenticatePeer: { methods: ["chap-md5"], allowNone: true } },
  );
  pair.authority.b = ({ credentials }) => ({
    accept: credentials.method === "none",
    grants: { ipv4: { peer: "10.0.0.77" } },
  });
  pair.start().run(9000);
  expect(pair.last("a", "configure")?.configuration.ipv4?.local).toBe("10.0.0.77");
  const strict = new Pair({}, { ...SERVER, authenticatePeer: { methods: ["chap-md5"] } }).start().run(9000);
  expect(strict.last("b", "down")?.reason).toMatchObject({
    code: "authentication-protocol",
    disconnectCode: 15,
  });
});

test("identification and time-remaining are told; the MSS fits the MTU", () => {
  const pair = new Pair({ ...CLIENT, mru: 1400 }, { ...SERVER, mru: 1462, identification: "lns of ours" })
    .start()
    .run(5000);
  expect(pair.last("a", "identification")).toEqual({ type: "identification", text: "lns of ours" });
  pair.link.b.tellTimeRemaining(90, "soon");
  pair.run(10);
  expect(pair.last("a", "time-remaining")).toEqual({ type: "time-remaining", seconds: 90, text: "soon" });
  expect(pair.last("b", "configure")?.configuration).toMatchObject({
    mtu: 1400,
    mru: 1462,
    tcpMss: { ipv4: 1360, ipv6: 1340 },
  });
});

test("colliding and missing interface identifiers are Nak'ed with another (RFC 5072 §4.1)", () => {
  const pair = new Pair(
    { ...CLIENT, ipv6: { local: "::1" } },
    { ...SERVER, ipv6: { local: "::1", peer: "::9" } },
  )
    .start()
    .run(30_000);
  const [a, b] = (["a", "b"] as const).map((side) => pair.last(side, "configure")?.configuration.ipv6);
  expect(a?.local).not.toBe(a?.peer);
  expect(a?.local).toBe(b?.peer);
  expect(pair.settled).toBe(true);
});

test("a peer at the other end of stateful MPPE that lost a packet gets the stream begun anew", () => {
  const stateful = { policy: "require", mode: "stateful" } as const;
  const pair = new Pair({ ...CLIENT, mppe: stateful }, { ...SERVER, mppe: stateful }).start().run(5000);
  for (let i = 0; i < 10; i++) pair.link.a.mppeLost(pair.now);
  pair.run(100);
  expect(pair.all("b", "mppe-reset")).toHaveLength(1);
});

test("the lower layer going down ends the link at once, and silently", () => {
  const pair = new Pair(CLIENT, SERVER).start().run(5000);
  const sent = pair.link.a.counters.sent;
  pair.link.a.lowerDown(pair.now);
  pair.run(10);
  expect(pair.last("a", "down")?.reason.code).toBe("lower-layer-down");
  expect(pair.all("a", "gate").at(-1)?.mode).toBe("drop");
  expect(pair.link.a.counters.sent).toBe(sent);
});

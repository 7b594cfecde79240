import { expect, test } from "vitest";
import type { AuthMethod } from "../src/index.ts";
import { CLIENT, Pair, SERVER } from "./pair.ts";

const METHODS: AuthMethod[] = ["pap", "chap-md5", "mschap-v1", "mschap-v2", "eap-md5", "eap-mschap-v2"];

test.each(METHODS)(
  "a client comes up with %s, gets its address and servers, and hangs up in order",
  (method) => {
    const pair = new Pair(CLIENT, { ...SERVER, authenticatePeer: { methods: [method] } }).start().run(5000);
    expect(pair.last("b", "peer-authenticated")).toEqual({
      type: "peer-authenticated",
      name: "user",
      method,
    });
    expect(pair.last("a", "configure")?.configuration).toMatchObject({
      mtu: 1500,
      tcpMss: { ipv4: 1460, ipv6: 1440 },
      ipv4: { local: "10.0.0.2", peer: "10.0.0.1", dns: ["10.0.0.53", "10.0.0.54"] },
    });
    expect(pair.last("b", "configure")?.configuration.ipv4).toMatchObject({
      local: "10.0.0.1",
      peer: "10.0.0.2",
    });
    const [a, b] = (["a", "b"] as const).map((side) => pair.last(side, "configure")?.configuration.ipv6);
    expect(a?.local).toBe(b?.peer);
    expect(a?.peer).toBe(b?.local);
    expect(a?.local).toMatch(/^fe80::/);
    expect(pair.all("a", "up")).toHaveLength(1);
    pair.link.a.close(pair.now);
    pair.run(10_000);
    expect(pair.last("a", "down")?.reason).toMatchObject({ code: "closed", disconnectCode: 3, direction: 2 });
    expect(pair.last("b", "down")?.reason).toMatchObject({
      code: "peer-terminated",
      disconnectCode: 3,
      direction: 1,
    });
    expect(pair.link.a.pollTimeout()).toBeUndefined();
    expect(pair.link.b.pollTimeout()).toBeUndefined();
  },
);

test.each(METHODS)(
  "a wrong password with %s ends the link after the attempts, and both say why",
  (method) => {
    const pair = new Pair(
      { ...CLIENT, authenticateSelf: { name: "user", password: "wrong", methods: [method] } },
      { ...SERVER, authenticatePeer: { methods: [method] } },
    )
      .start()
      .run(120_000);
    expect(pair.last("b", "down")?.reason).toMatchObject({ disconnectCode: 16 });
    expect(pair.last("a", "down")?.reason.code).toMatch(/authentication-refused|peer-terminated/);
    expect(pair.all("b", "gate")).toEqual([]);
    expect(pair.all("b", "question").length).toBeLessThanOrEqual(3);
  },
);

test("why a link is terminated is told to the peer, which quotes it (RFC 1661 §5.5)", () => {
  const pair = new Pair(CLIENT, SERVER).start().run(5000);
  pair.link.a.close(pair.now, "going\nhome");
  pair.run(10_000);
  expect(pair.last("a", "down")?.reason.text).toBe("closed by us: going\nhome");
  expect(pair.last("b", "down")?.reason.text).toBe("the peer terminated the link: going home");

  const { authenticateSelf: _, ...nobody } = CLIENT;
  const strangers = new Pair(nobody, SERVER).start().run(30_000);
  const { reason } = strangers.last("b", "down") ?? {};
  expect(reason).toMatchObject({ code: "authentication-protocol", disconnectCode: 15 });
  expect(strangers.last("a", "down")?.reason.text).toBe(`the peer terminated the link: ${reason?.text}`);
});

test("a Terminate-Request of any octets is quoted no further than a line", () => {
  const pair = new Pair(CLIENT, SERVER).start().run(5000);
  const request = Uint8Array.of(0xc0, 0x21, 5, 9, 1, 4, ...new Uint8Array(256).fill(0x41));
  pair.link.a.receive(pair.now, request);
  pair.run(10_000);
  expect(pair.last("a", "down")?.reason.text).toBe(`the peer terminated the link: ${"A".repeat(120)}`);
});

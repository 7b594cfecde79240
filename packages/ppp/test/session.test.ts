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

/** A PPP session from call to end: who is let in, what the data plane is told, and how it ends. */
import { Rules } from "@l2tp/access";
import { PlaneError } from "@l2tp/dataplane";
import type { AuthMethod } from "@l2tp/ppp";
import { describe, expect, test } from "vitest";
import { CLIENT, CLIENT_OPTIONS, last, PppWorld, SERVER, SERVER_OPTIONS, typesOf } from "./world.ts";

const serverWith = (method: AuthMethod, more = {}) => ({
  ...SERVER,
  options: { ...SERVER_OPTIONS, authenticatePeer: { methods: [method] }, ...more },
});

describe("coming up", () => {
  const METHODS = ["pap", "chap-md5", "mschap-v1", "mschap-v2", "eap-md5", "eap-mschap-v2"] as const;
  test.each(METHODS)("by %s, with an address from the pool", async (method) => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run(CLIENT, serverWith(method));
    expect(last(server, "up")).toMatchObject({
      user: "alice",
      method,
      ipv4: { local: "10.0.0.1", peer: "10.0.0.2" },
      mtu: 1500,
      interfaceName: "ppp7",
    });
    expect(last(client, "up")).toMatchObject({
      user: undefined,
      ipv4: { local: "10.0.0.2", peer: "10.0.0.1", dns: ["10.0.0.53"] },
    });
    expect(world.authority.requests).toEqual([
      expect.objectContaining({ name: "alice", method, profile: "server", tunnel: "t", session: "s" }),
    ]);
    expect(world.authority.leases[0]).toMatchObject({ user: "alice", pool: "subscribers" });
  });

  test("the gates open only when the data plane has done what it was told", async () => {
    const world = new PppWorld().user().address();
    const ends = world.pair();
    ends.server.link.configureMs = 300;
    ends.client.runner.start();
    ends.server.runner.start();
    await world.advance(400);
    expect(ends.server.link.gates.ipv4).toBe("drop");
    expect(last(ends.server, "up")).toBeUndefined();
    await world.advance(1000);
    expect(ends.server.link.gates.ipv4).toBe("pass");
    const { calls } = ends.server.link;
    expect(calls.lastIndexOf("configure")).toBeLessThan(calls.indexOf("ipv4 pass"));
    expect(last(ends.server, "up")).toBeDefined();
  });

  test("what the user was granted reaches PPP and the data plane", async () => {
    const world = new PppWorld().address({ ipv6Prefix: "2001:db8:1::/64" }).user("alice", {
      address: "10.9.9.9",
      dns: ["10.1.1.1", "2001:db8::53", "10.1.1.2"],
      nbns: ["10.1.1.3"],
      routes: ["192.168.7.0/24", "2001:db8:7::/48"],
      toPeerBps: 5_000_000,
      interfaceId: "::42",
    });
    const { client, server } = await world.run({
      ...CLIENT,
      options: { ...CLIENT_OPTIONS, ipv4: { requestDns: true, requestNbns: true } },
    });
    expect(last(client, "up")?.ipv4).toEqual({
      local: "10.9.9.9",
      peer: "10.0.0.1",
      dns: ["10.1.1.1", "10.1.1.2"],
      nbns: ["10.1.1.3"],
    });
    expect(server.link.last).toMatchObject({
      ipv4: { local: "10.0.0.1", peer: "10.9.9.9", routes: ["192.168.7.0/24"] },
      ipv6: { peer: "fe80::42", routes: ["2001:db8:1::/64", "2001:db8:7::/48"] },
      rateLimit: { toPeerBps: 5_000_000 },
    });
  });

  test("a slow authority holds nothing up, and the peer waits for it", async () => {
    const world = new PppWorld().user().address();
    world.authority.userMs = 8_000;
    world.authority.leaseMs = 7_000;
    const { client, server } = await world.run(undefined, undefined, undefined, 14_900);
    expect(last(client, "up")).toBeUndefined();
    await world.advance(1_000);
    expect(last(client, "up")?.ipv4?.local).toBe("10.0.0.2");
    expect(typesOf(server)).not.toContain("down");
    expect(world.authority.requests).toHaveLength(1);
  });

  test("a peer that need not say who it is gets an address of the pool", async () => {
    const world = new PppWorld().address();
    const { client, server } = await world.run(
      { options: { ipv4: {} } },
      { pool: "subscribers", options: { ipv4: { local: "10.0.0.1" } } },
    );
    expect(last(client, "up")?.ipv4?.local).toBe("10.0.0.2");
    expect(last(server, "up")).toMatchObject({ user: undefined, method: undefined });
    expect(world.authority.leases[0]).toMatchObject({ user: "", pool: "subscribers" });
    server.runner.lowerDown();
    expect(world.authority.released).toBe(1);
  });

  test("two routers with addresses of their own need no authority", async () => {
    const world = new PppWorld();
    const { client, server } = await world.run(
      { options: { ipv4: { local: "10.0.0.2", peer: "10.0.0.1" } } },
      { options: { ipv4: { local: "10.0.0.1", peer: "10.0.0.2" } } },
      { server: { authority: undefined } },
    );
    expect(last(client, "up")?.ipv4).toMatchObject({ local: "10.0.0.2", peer: "10.0.0.1" });
    expect(last(server, "up")?.ipv4).toMatchObject({ local: "10.0.0.1", peer: "10.0.0.2" });
  });

  test("what the LAC has negotiated is taken over: no LCP, no question to the peer (RFC 2661 §4.4.5)", async () => {
    const world = new PppWorld().user().address();
    const octets = (text: string) => new TextEncoder().encode(text);
    const proxy = {
      lastSent: Uint8Array.of(1, 4, 5, 0xdc, 3, 4, 0xc0, 0x23, 5, 6, 1, 2, 3, 4),
      lastReceived: Uint8Array.of(1, 4, 5, 0xdc, 5, 6, 9, 8, 7, 6),
      authentication: { type: 3, name: octets("alice"), identifier: 1, response: octets("secret") },
    };
    const server = world.end(world.lns, serverWith("pap"), { call: { proxy, callingNumber: "555" } });
    const sent: number[] = [];
    server.link.tap = (frame) => {
      sent.push(((frame[0] as number) << 8) | (frame[1] as number));
      return true;
    };
    server.runner.start();
    await world.advance(100);
    expect(world.authority.requests).toEqual([
      expect.objectContaining({ name: "alice", method: "pap", callingNumber: "555" }),
    ]);
    expect(server.runner.status()).toMatchObject({ phase: "network", user: "alice", method: "pap" });
    expect(sent).not.toContain(0xc021);
    expect(sent).toContain(0x8021);
    server.runner.lowerDown();
    expect(world.authority.released).toBe(1);
  });

  test("the LAC is told of the ACCMs that are not its default (RFC 2661 §6.14)", async () => {
    const world = new PppWorld().user().address();
    const { server } = await world.run();
    expect(server.events.filter(({ type }) => type === "link-info")).toEqual([
      { type: "link-info", sendAccm: 0, receiveAccm: 0 },
    ]);
  });

  test("the rules of @l2tp/access are an authority like any other", async () => {
    const rules = new Rules({
      users: [{ name: "alice", password: "secret", pool: "p" }],
      pools: [{ name: "p", ranges: ["10.7.0.2-10.7.0.2"], local: "10.7.0.1" }],
    });
    const world = new PppWorld();
    const server = { ...SERVER, options: { ...SERVER_OPTIONS, ipv4: {} } };
    const first = await world.run(CLIENT, server, { server: { authority: rules } });
    expect(last(first.client, "up")?.ipv4).toMatchObject({ local: "10.7.0.2", peer: "10.7.0.1" });
    const second = await world.run(CLIENT, server, { server: { authority: rules } });
    expect(last(second.server, "down")?.reason).toMatchObject({ code: "no-address" });
    void first.client.runner.close();
    await world.advance(5_000);
    expect(rules.status().leases).toBe(0);
  });
});

describe("who is refused", () => {
  test("a wrong password, after as many attempts as the profile has", async () => {
    const world = new PppWorld().user("alice", { secret: "other" }).address();
    const { client, server } = await world.run(CLIENT, serverWith("chap-md5"), undefined, 20_000);
    expect(last(server, "down")).toMatchObject({
      wasUp: false,
      reason: {
        code: "authentication-failed",
        by: "local",
        disconnect: { code: 16, protocol: 0xc223, direction: 1 },
      },
    });
    expect(last(server, "down")?.reason.text).toContain("user alice: its proof was wrong");
    expect(last(client, "down")?.reason).toMatchObject({
      code: "authentication-refused",
      by: "peer",
      disconnect: { code: 16, protocol: 0xc223, direction: 2 },
    });
    expect(world.authority.leases).toEqual([]);
    expect(world.log.join("\n")).toContain("debug t/s: refused user alice: its proof was wrong");
  });

  test("a user that does not exist; the other end is not told which of the two it was", async () => {
    const world = new PppWorld().address();
    const { client, server } = await world.run(CLIENT, serverWith("pap"), undefined, 20_000);
    const { reason } = last(server, "down") ?? {};
    expect(reason?.text).toContain("there is no user alice");
    expect(reason?.disconnect).toMatchObject({ code: 16, protocol: 0xc023 });
    expect(reason?.disconnect.text).not.toContain("there is no user");
    expect(last(client, "down")?.reason.text).toContain("No such user"); // what the authority wants it to read
  });

  test("everybody, where there is no authority", async () => {
    const world = new PppWorld();
    const { server } = await world.run(CLIENT, SERVER, { server: { authority: undefined } }, 20_000);
    expect(last(server, "down")?.reason.text).toContain("no authority is configured");
  });

  test.each(["throw", "reject"] as const)("whoever asks an authority that fails (%s)", async (fails) => {
    const world = new PppWorld().user().address();
    world.authority.fails = fails;
    const { server } = await world.run(CLIENT, SERVER, undefined, 20_000);
    expect(last(server, "down")?.reason.text).toContain("the authority failed: out of order");
  });

  test("whoever asks an authority whose answer is none", async () => {
    const world = new PppWorld().user().address();
    world.authority.lease = () => undefined as never;
    const { server } = await world.run(CLIENT, SERVER, undefined, 20_000);
    expect(last(server, "down")?.reason.text).toContain("the answer of the authority is none");
    expect(world.lns.users.users).toBe(0);
  });

  test("a user that was granted nothing to check a proof with", async () => {
    const world = new PppWorld().address();
    world.authority.users.set("alice", {});
    const { server } = await world.run(CLIENT, SERVER, undefined, 20_000);
    expect(last(server, "down")?.reason.text).toContain("neither a secret nor its own word");
  });

  test("a user for whom the pool has no address left, at once and with the reason", async () => {
    const world = new PppWorld().user();
    const { client, server } = await world.run(CLIENT, SERVER, undefined, 10_000);
    expect(last(server, "down")).toMatchObject({
      wasUp: false,
      reason: {
        code: "no-address",
        disconnect: { code: 20, protocol: 0x8021, text: "no address available" },
        text: "user alice: the pool is empty",
      },
    });
    expect(last(client, "down")?.reason.text).toContain("No address left");
    expect(world.authority.requests).toHaveLength(1);
    expect(world.lns.users.count("alice")).toBe(0);
  });

  test("a user that was granted what cannot be; what was leased is given back", async () => {
    const world = new PppWorld().user("alice", { routes: ["10.0.0.0/99"] }).address();
    const { server } = await world.run(CLIENT, SERVER, undefined, 10_000);
    expect(last(server, "down")?.reason.text).toContain("what was granted cannot be: routes[0]");
    expect(world.authority.released).toBe(1);
  });

  test("no address of our own is shown on an unnumbered link, whatever the pool says", async () => {
    const world = new PppWorld().user().address({ address: "10.0.0.2", local: "10.0.0.1" });
    const { server } = await world.run(CLIENT, {
      ...SERVER,
      options: { ...SERVER_OPTIONS, ipv4: { unnumbered: true } },
    });
    expect(last(server, "up")?.ipv4).toMatchObject({ local: undefined, peer: "10.0.0.2" });
    expect(server.link.last?.ipv4).toEqual({ peer: "10.0.0.2" });
  });

  test("IPv4, where nobody has an address for the peer; IPv6 goes on", async () => {
    const world = new PppWorld().user().address({});
    const { client, server } = await world.run();
    expect(last(server, "up")).toMatchObject({
      ipv4: undefined,
      ipv6: { peer: expect.stringMatching(/^fe80::/) },
    });
    expect(client.link.gates).toEqual({ ipv4: "drop", ipv6: "pass" });
  });
});

describe("a user that may have one session only", () => {
  const world = (exclusive: "replace" | "refuse" | "no") =>
    new PppWorld().user("alice", { exclusive }).address().address({ address: "10.0.0.3" });

  test("refuse: the second is not let in", async () => {
    const w = world("refuse");
    const first = await w.run(CLIENT, SERVER, { server: { call: { session: "one" } } });
    const second = await w.run(CLIENT, SERVER, { server: { call: { session: "two" } } }, 10_000);
    expect(last(second.server, "down")?.reason.text).toContain("it has a session already: t/one");
    expect(typesOf(first.server)).not.toContain("down");
    void first.server.runner.close();
    await w.advance(5_000);
    const third = await w.run(CLIENT, SERVER, { server: { call: { session: "three" } } });
    expect(last(third.server, "up")?.user).toBe("alice");
  });

  test("replace: the first ends, and its addresses are free for the second", async () => {
    const w = new PppWorld().user("alice", { exclusive: "replace" }).address();
    const first = await w.run(CLIENT, SERVER, { server: { call: { session: "one" } } });
    const second = await w.run(CLIENT, SERVER, { server: { call: { session: "two" } } }, 10_000);
    expect(last(second.server, "up")?.ipv4?.peer).toBe("10.0.0.2");
    expect(last(first.server, "down")?.reason).toMatchObject({
      code: "replaced",
      by: "local",
      disconnect: { code: 1 },
      text: "replaced by t/two, of the same user",
    });
    expect(first.server.link.gates.ipv4).toBe("drop");
    expect(w.lns.users.count("alice")).toBe(1);
  });

  test("replace: a fixed address is the second's, too", async () => {
    const rules = new Rules({
      users: [{ name: "alice", password: "secret", address: "10.7.0.9", exclusive: "replace" }],
      pools: [{ name: "p", ranges: ["10.7.0.2-10.7.0.20"], local: "10.7.0.1" }],
    });
    const w = new PppWorld();
    const server = { ...SERVER, pool: "p", options: { ...SERVER_OPTIONS, ipv4: {} } };
    const call = (session: string) => ({ server: { authority: rules, call: { session } } });
    const first = await w.run(CLIENT, server, call("one"));
    expect(last(first.server, "up")?.ipv4?.peer).toBe("10.7.0.9");
    // Its other end has gone without a word, as who dials again.
    first.client.link.isCut = true;
    first.server.link.isCut = true;
    const second = await w.run(CLIENT, server, call("two"), 10_000);
    expect(last(second.server, "up")?.ipv4).toMatchObject({ local: "10.7.0.1", peer: "10.7.0.9" });
    expect(last(first.server, "down")?.reason.code).toBe("replaced");
    expect(rules.status().leases).toBe(1);
  });

  test("a name with several spellings is one user", async () => {
    const w = new PppWorld().address().address({ address: "10.0.0.3" });
    for (const name of ["alice", "HOME\\alice"]) w.user(name, { user: "alice", exclusive: "refuse" });
    await w.run();
    const other = {
      ...CLIENT,
      options: { ...CLIENT_OPTIONS, authenticateSelf: { name: "HOME\\alice", password: "secret" } },
    };
    const { server } = await w.run(other, SERVER, undefined, 10_000);
    expect(last(server, "down")?.reason.text).toContain("it has a session already");
  });

  test("no: both are let be", async () => {
    const w = world("no");
    const first = await w.run();
    const second = await w.run();
    expect([first, second].map(({ server }) => last(server, "up")?.ipv4?.peer)).toEqual([
      "10.0.0.2",
      "10.0.0.3",
    ]);
    expect(w.lns.users.count("alice")).toBe(2);
  });
});

describe("MPPE", () => {
  const mppe = (policy: "require" | "off", bits: readonly (40 | 56 | 128)[] = [128]) => ({ policy, bits });

  test.each([40, 56, 128] as const)(
    "keys of %s bits reach both data planes, before the gates open",
    async (bits) => {
      const world = new PppWorld().user().address();
      const { client, server } = await world.run(
        { ...CLIENT, options: { ...CLIENT_OPTIONS, mppe: mppe("require", [bits]) } },
        serverWith("mschap-v2", { mppe: mppe("require", [bits]) }),
      );
      expect(last(server, "up")?.mppeBits).toBe(bits);
      const [ours, theirs] = [server.link.last?.mppe, client.link.last?.mppe];
      expect(ours?.send).toMatchObject({ bits, stateless: true });
      expect(ours?.send.startKey).toHaveLength(bits === 128 ? 16 : 8);
      // What one end sends with, the other receives with.
      expect(theirs?.receive).toEqual(ours?.send);
      expect(theirs?.send).toEqual(ours?.receive);
      for (const { link } of [client, server]) {
        expect(link.calls.indexOf("configure mppe")).toBeGreaterThan(0);
        expect(link.calls.indexOf("configure mppe")).toBeLessThan(link.calls.indexOf("ipv4 pass"));
      }
      expect(JSON.stringify(server.runner.status())).not.toContain("startKey");
    },
  );

  test("a lost place is reported to the peer, whose encryptor begins anew", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run(
      { ...CLIENT, options: { ...CLIENT_OPTIONS, mppe: mppe("require") } },
      serverWith("mschap-v2", { mppe: mppe("require") }),
    );
    server.link.loseMppe();
    await world.advance(10);
    expect(client.link.resets).toBe(1);
  });

  test("required and not to be had, it ends the session", async () => {
    const world = new PppWorld().user().address();
    const { server } = await world.run(
      CLIENT,
      serverWith("chap-md5", { mppe: mppe("require") }),
      undefined,
      10_000,
    );
    expect(last(server, "down")?.reason).toMatchObject({ code: "encryption", disconnect: { code: 4 } });
    expect(world.authority.released).toBe(1);
  });
});

describe("ending", () => {
  test("in order, by close: nothing passes any more, addresses are free at once", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run();
    const closed = server.runner.close("maintenance");
    expect(server.link.gates).toEqual({ ipv4: "drop", ipv6: "drop" });
    expect(world.authority.released).toBe(1);
    await world.advance(5_000);
    await closed;
    expect(last(server, "down")).toMatchObject({
      wasUp: true,
      reason: { code: "closed", text: "closed by us: maintenance" },
    });
    expect(last(client, "down")?.reason).toMatchObject({
      code: "peer-terminated",
      by: "peer",
      disconnect: { code: 3, direction: 1 },
    });
    await server.runner.close();
    expect(typesOf(server).filter((type) => type === "down")).toHaveLength(1);
  });

  test("before IPv6 was agreed on: it was never up, and nobody is told so", async () => {
    const w = new PppWorld().user().address();
    const ends = w.pair();
    // IPv4 is there at once, IPv6 is waited for.
    ends.client.link.tap = (frame) => frame[0] !== 0x80 || frame[1] !== 0x57;
    ends.client.runner.start();
    ends.server.runner.start();
    await w.advance(300);
    expect(ends.server.runner.status().states).toMatchObject({ ipcp: "Opened", ipv6cp: "Req-Sent" });
    ends.client.link.isCut = true;
    ends.client.runner.lowerDown();
    // A Terminate-Request of the peer's: LCP waits a little before it is down.
    ends.server.link.take(Uint8Array.of(0xc0, 0x21, 5, 1, 0, 4));
    await w.advance(20_000);
    expect(typesOf(ends.server)).not.toContain("up");
    expect(last(ends.server, "down")?.wasUp).toBe(false);
  });

  test("within the limit, when the peer says nothing any more", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run(CLIENT, { ...SERVER, closeLimitMs: 2_000 });
    client.link.isCut = true;
    server.link.isCut = true;
    const from = world.clock.now();
    void server.runner.close();
    await world.advance(10_000);
    expect((last(server, "down")?.at ?? 0) - from).toBeLessThan(2_100);
    expect(last(server, "down")?.reason.code).toBe("closed");
  });

  test("before it began", async () => {
    const world = new PppWorld();
    const { server } = world.pair();
    await server.runner.close("not wanted");
    expect(last(server, "down")).toMatchObject({
      wasUp: false,
      reason: { code: "closed", text: "closed by us: not wanted" },
    });
    server.runner.start();
    expect(typesOf(server)).toEqual(["down"]);
  });

  test("when the call below is gone: at once, and without a word", async () => {
    const world = new PppWorld().user().address();
    const { server } = await world.run();
    let sent = 0;
    server.link.tap = () => {
      sent += 1;
      return true;
    };
    server.runner.lowerDown();
    expect(last(server, "down")?.reason).toMatchObject({ code: "lower-layer-down", by: "network" });
    expect(sent).toBe(0);
    expect(server.link.isUsed).toBe(false);
    expect(world.authority.released).toBe(1);
  });

  test("when the peer does not answer echo requests", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run(
      CLIENT,
      serverWith("mschap-v2", { echoIntervalMs: 10_000, echoFailures: 3 }),
    );
    client.link.isCut = true;
    await world.advance(60_000);
    expect(last(server, "down")?.reason).toMatchObject({
      code: "no-echo",
      by: "network",
      disconnect: { code: 8, protocol: 0xc021 },
    });
  });

  test("not for want of echo replies while data flows; and no echo request is sent then", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run(CLIENT, serverWith("mschap-v2", { echoIntervalMs: 10_000 }));
    let echoes = 0;
    server.link.tap = (frame) => {
      echoes += frame[0] === 0xc0 && frame[1] === 0x21 && frame[2] === 9 ? 1 : 0;
      return true;
    };
    for (let i = 0; i < 20; i++) {
      await world.advance(5_000);
      client.link.packets.send(Uint8Array.of(0x45, ...new Uint8Array(19)));
    }
    expect(echoes).toBe(0);
    await world.advance(30_000);
    expect(echoes).toBeGreaterThan(0);
    expect(typesOf(server)).not.toContain("down");
  });

  test("when its time is up", async () => {
    const world = new PppWorld().user("alice", { sessionTimeoutMs: 60_000 }).address();
    const { client, server } = await world.run();
    expect(server.runner.status().sessionEndsAt).toBeGreaterThan(60_000);
    await world.advance(59_000);
    expect(typesOf(server)).not.toContain("down");
    await world.advance(6_000);
    expect(last(server, "down")?.reason).toMatchObject({
      code: "session-timeout",
      disconnect: { code: 3, direction: 2 },
      text: "its time of 60 s is up",
    });
    expect(last(client, "down")?.reason.code).toBe("peer-terminated");
  });

  test("when no packet came from the peer for too long, and not before", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run(
      { ...CLIENT, ipv6: { role: "none" } },
      { ...SERVER, idleTimeoutMs: 30_000 },
    );
    for (let i = 0; i < 5; i++) {
      await world.advance(20_000);
      client.link.packets.send(Uint8Array.of(0x45, ...new Uint8Array(19)));
    }
    expect(typesOf(server)).not.toContain("down");
    await world.advance(36_000);
    expect(last(server, "down")?.reason.code).toBe("idle-timeout");
  });

  test("when the data plane cannot carry it", async () => {
    const world = new PppWorld().user().address();
    const ends = world.pair();
    ends.server.link.configureError = new PlaneError("no-privilege", "cannot set addresses");
    ends.client.runner.start();
    ends.server.runner.start();
    await world.advance(10_000);
    expect(last(ends.server, "down")?.reason).toMatchObject({
      code: "data-plane",
      text: expect.stringContaining("cannot set addresses"),
    });
    expect(ends.server.link.calls).not.toContain("ipv4 pass");
  });

  test("with every alarm, handler and address given back", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run();
    void client.runner.close();
    await world.advance(10_000);
    expect(typesOf(client)).toContain("down");
    expect(typesOf(server)).toContain("down");
    expect([client.link.isUsed, server.link.isUsed]).toEqual([false, false]);
    expect(world.clock.next()).toBeUndefined();
    expect(world.authority.leased.size).toBe(0);
    expect(world.lns.users.users).toBe(0);
  });
});

describe("going on", () => {
  test("a user that is asked again keeps its addresses", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run(CLIENT, {
      ...SERVER,
      options: { ...SERVER_OPTIONS, authenticatePeer: { methods: ["chap-md5"], rechallengeMs: 10_000 } },
    });
    await world.advance(35_000);
    expect(world.authority.requests.length).toBeGreaterThanOrEqual(4);
    expect(world.authority.leases).toHaveLength(1);
    expect(typesOf(server)).not.toContain("down");
    world.user("alice", { secret: "changed" });
    await world.advance(20_000);
    expect(last(server, "down")?.reason.code).toBe("authentication-failed");
    expect(last(client, "down")).toBeDefined();
    expect(world.authority.released).toBe(1);
  });

  test("a peer that negotiates anew as the same user keeps its addresses", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run();
    // A client that lost its state begins with a Configure-Request.
    client.runner.lowerDown();
    const again = world.end(world.lac, CLIENT, { link: client.link });
    again.runner.start();
    await world.advance(5_000);
    expect(last(again, "up")?.ipv4?.local).toBe("10.0.0.2");
    expect(world.authority.leases).toHaveLength(1);
    expect(typesOf(server).filter((type) => type === "up")).toHaveLength(1);
    void again.runner.close();
    await world.advance(5_000);
    expect(world.authority.released).toBe(1);
    expect(world.authority.wrongReleases).toEqual([]);
  });

  test("the status shows what was negotiated, and no secret", async () => {
    const world = new PppWorld().user().address();
    const { client, server } = await world.run();
    expect(server.runner.status()).toMatchObject({
      phase: "network",
      states: { lcp: "Opened", ipcp: "Opened", ipv6cp: "Opened" },
      profile: "server",
      user: "alice",
      method: "mschap-v2",
      link: { mru: 1500, mtu: 1500, sendAccm: 0 },
      ipv4: { peer: "10.0.0.2" },
      reason: undefined,
    });
    expect(JSON.stringify([client.runner.status(), server.runner.status()])).not.toContain("secret");
  });
});

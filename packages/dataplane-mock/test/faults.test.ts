import { PlaneError } from "@l2tp/dataplane";
import { expect, test } from "vitest";
import { frame, session, twoHosts, udp } from "./two-hosts.ts";

test("calls are recorded in order, with a copy of their arguments", async () => {
  const cookie = Uint8Array.of(1, 2, 3, 4);
  const { planes, wires } = await twoHosts({ session: { cookie } });
  const original = cookie.slice();
  cookie.fill(0);
  wires.a.send({ to: udp("192.0.2.2"), datagram: Uint8Array.of(0xc8, 3) });
  planes.a.calls.expect([
    ["open", { encapsulation: "udp", local: { port: 1701 } }],
    ["createTunnel", { tunnelId: 1, peerTunnelId: 2 }],
    ["createSession", { sessionId: 11, cookie: original }],
  ]);
  planes.a.calls.expect(["createSession", ["send", { datagram: Uint8Array.of(0xc8, 3) }]], {
    only: ["createSession", "send"],
  });
  expect(planes.a.calls.of("send")).toHaveLength(1);
});

test("calls that differ are shown side by side, with the first difference marked", async () => {
  const { planes } = await twoHosts();
  const calls = planes.a.calls;
  expect(() => calls.expect(["open", ["createTunnel", { tunnelId: 9 }], "createSession"])).toThrow(
    /differ at number 2[\s\S]*→ createTunnel \{"tunnelId":9\}[\s\S]*→ +1 .*createTunnel.*"tunnelId":1/,
  );
  expect(() => calls.expect(["open", "createTunnel", "createSession", "closeSession"])).toThrow(
    /no further call/,
  );
  expect(() => calls.expect([])).toThrow(/number 1/);
});

test("a call fails as often as was said, with the error that was given", async () => {
  const { planes, tunnels } = await twoHosts();
  const error = new PlaneError("limit", "no more memory for interfaces");
  planes.a.fail("createSession", { times: 2, error });
  const create = () => tunnels.a.createSession(session({ sessionId: 99 }));
  await expect(create()).rejects.toBe(error);
  await expect(create()).rejects.toBe(error);
  await expect(create()).resolves.toMatchObject({ sessionId: 99 });
  expect(planes.a.calls.of("createSession").map(({ outcome }) => outcome)).toEqual([
    "returned",
    "failed",
    "failed",
    "returned",
  ]);
  expect(planes.a.calls.toString()).toContain("no more memory for interfaces");
});

test("a fault may be for certain calls only", async () => {
  const { planes, tunnels } = await twoHosts();
  planes.a.fail("createSession", {
    when: ({ arguments: args }) => (args as { sessionId: number }).sessionId === 7,
  });
  await expect(tunnels.a.createSession(session({ sessionId: 6 }))).resolves.toBeDefined();
  await expect(tunnels.a.createSession(session({ sessionId: 7 }))).rejects.toMatchObject({ code: "system" });
});

test("a call fails after a time", async () => {
  const { network, planes, tunnels } = await twoHosts();
  planes.a.fail("updateTunnel", { afterMs: 500 });
  let failedAt = 0;
  void tunnels.a.update({ peer: udp("192.0.2.2", 9) }).catch(() => {
    failedAt = network.now();
  });
  await network.advanceAsync(1_000);
  expect(failedAt).toBe(500);
  expect(tunnels.a.peer.port).toBe(1701);
});

test("a call hangs until it is released, and is pending in the record", async () => {
  const { network, planes, tunnels } = await twoHosts();
  const hanging = planes.a.hang("createSession");
  let done = false;
  const created = tunnels.a.createSession(session({ sessionId: 50 })).then(() => {
    done = true;
  });
  await network.advanceAsync(60_000);
  expect([done, hanging.waiting, planes.a.calls.records.at(-1)?.outcome]).toEqual([false, 1, "pending"]);
  expect(planes.a.session({ sessionId: 50 })).toBeUndefined();
  hanging.release();
  await created;
  expect([done, hanging.waiting]).toEqual([true, 0]);
  await tunnels.a.createSession(session({ sessionId: 51 }));
});

test("a call that hangs while its tunnel closes is refused when released", async () => {
  const { planes, tunnels } = await twoHosts();
  const hanging = planes.a.hang("createSession");
  const created = tunnels.a.createSession(session({ sessionId: 50 }));
  await tunnels.a[Symbol.asyncDispose]();
  hanging.release();
  await expect(created).rejects.toMatchObject({ code: "closed" });
});

test("a call that hangs can be made to fail", async () => {
  const { planes, wires } = await twoHosts();
  const hanging = planes.a.hang("reserveTunnelId");
  const reserved = wires.a.reserveTunnelId(3);
  hanging.fail(new PlaneError("limit", "no ID is left"));
  await expect(reserved).rejects.toMatchObject({ code: "limit" });
});

test("calls take the time that was said until faults are cleared", async () => {
  const { network, planes, wires } = await twoHosts();
  planes.a.delay("counters", 30);
  let at = -1;
  void wires.a.counters().then(() => {
    at = network.now();
  });
  await network.advanceAsync(100);
  expect(at).toBe(30);
  planes.a.calls.clearFaults();
  await wires.a.counters();
});

test("a send that fails is a message that is lost", async () => {
  const { network, planes, wires, control } = await twoHosts();
  planes.a.fail("send");
  wires.a.send({ to: wires.b.local, datagram: Uint8Array.of(0xc8, 3, 0, 1) });
  wires.a.send({ to: wires.b.local, datagram: Uint8Array.of(0xc8, 3, 0, 2) });
  network.advance(10);
  expect(control.b.map(({ datagram }) => datagram[3])).toEqual([2]);
});

test("a closing that fails closes all the same", async () => {
  const { planes, sessions } = await twoHosts();
  planes.a.fail("closeSession");
  await expect(sessions.a[Symbol.asyncDispose]()).rejects.toMatchObject({ code: "system" });
  expect(planes.a.sessions()).toEqual([]);
});

test("a crash takes everything away at once and tells nobody, and the next start finds the host clean", async () => {
  const { network, hosts, planes, sessions, wires } = await twoHosts();
  let notices = 0;
  const reading = (async () => {
    for await (const _ of wires.a.notices) notices += 1;
  })();
  planes.a.crash();
  await reading;
  sessions.b.inject(frame(1));
  network.advance(10);
  expect([notices, hosts.a.unclaimed, sessions.a.up]).toEqual([0, 1, false]);
  expect([hosts.a.tunnelIds.size, hosts.a.interfaceNames.size]).toEqual([0, 0]);
});

test("losses that nobody asked for come as notices", async () => {
  const { wires, sessions } = await twoHosts();
  wires.a.overrun(3);
  wires.a.loseSession(1, 11, "its interface was deleted");
  wires.a.loseTunnel(1, "somebody deleted it");
  wires.a.break("the interface went away");
  const notices = [];
  for await (const notice of wires.a.notices) notices.push(notice);
  expect(notices).toEqual([
    { type: "overrun", count: 3, where: "socket" },
    { type: "session-lost", tunnelId: 1, sessionId: 11, reason: "its interface was deleted" },
    { type: "tunnel-lost", tunnelId: 1, reason: "somebody deleted it" },
    { type: "wire-lost", reason: "the interface went away" },
  ]);
  await expect(sessions.a.statistics()).rejects.toThrow(/its interface was deleted/);
  expect(() => wires.a.loseSession(1, 11, "again")).toThrow(/no session 11/);
});

test("an address that is taken away makes sending fail, with one notice a second", async () => {
  const { network, hosts, wires, sessions } = await twoHosts();
  hosts.a.removeAddress("192.0.2.1");
  for (let n = 0; n < 5; n++) wires.a.send({ to: wires.b.local, datagram: Uint8Array.of(0xc8, 3) });
  network.advance(1_500);
  wires.a.send({ to: wires.b.local, datagram: Uint8Array.of(0xc8, 3) });
  sessions.b.inject(frame(1));
  network.advance(10);
  wires.a.break("end");
  const counts = [];
  for await (const notice of wires.a.notices) if (notice.type === "send-failed") counts.push(notice.count);
  expect(counts).toEqual([1, 5]);
  expect(network.trace.map(({ fate }) => fate)).toEqual(["unreachable"]);
});

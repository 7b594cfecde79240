import { needs } from "@l2tp/testing";
import { expect, vi } from "vitest";
import {
  abi,
  address,
  createNamespace,
  ERRNO,
  link,
  Monitor,
  type MonitorEvent,
  NetlinkError,
  type NetlinkMessage,
  type NetlinkRequest,
  NetlinkSocket,
  neighbour,
  nlabi,
  raw,
  route,
  runNetlink,
} from "../src/index.ts";

const { NETLINK_ROUTE } = nlabi;

needs("root")("a veth pair across two namespaces: made, named, addressed, routed, taken away", async () => {
  using here = createNamespace();
  using there = createNamespace();
  await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: here.fd });
  await using far = new NetlinkSocket(NETLINK_ROUTE, { namespace: there.fd });
  await socket.run(
    link.add({
      name: "wan0",
      kind: "veth",
      address: "02:00:00:00:00:01",
      mtuOctets: 1400,
      peer: { name: "wan1", address: "02:00:00:00:00:02", namespace: there.fd },
    }),
  );
  const wan0 = await socket.run(link.get({ name: "wan0" }));
  expect(wan0).toMatchObject({
    name: "wan0",
    kind: "veth",
    address: "02:00:00:00:00:01",
    mtuOctets: 1400,
    up: false,
  });
  const wan1 = await far.run(link.get({ name: "wan1" }));
  expect(wan1).toMatchObject({ address: "02:00:00:00:00:02" });
  await socket.run(link.set({ index: wan0.index }, { up: true, mtuOctets: 1300, alias: "to the peer" }));
  await far.run(link.set({ index: wan1.index }, { up: true, name: "uplink" }));
  expect(await socket.run(link.get({ index: wan0.index }))).toMatchObject({
    up: true,
    mtuOctets: 1300,
    alias: "to the peer",
    operationalState: "up",
    carrier: true,
  });
  expect((await far.run(link.list())).map(({ name }) => name)).toEqual(["lo", "uplink"]);

  const index = wan0.index;
  await socket.run(address.add({ index, address: "192.0.2.1", prefixLength: 24, broadcast: "192.0.2.255" }));
  await socket.run(address.add({ index, address: "198.51.100.1", peer: "198.51.100.2" }));
  await socket.run(
    address.add({ index, address: "2001:db8::1", prefixLength: 64, noDuplicateDetection: true }),
  );
  const addresses = await socket.run(address.list({ index }));
  expect(addresses).toContainEqual(
    expect.objectContaining({ family: 4, address: "192.0.2.1", prefixLength: 24, broadcast: "192.0.2.255" }),
  );
  expect(addresses).toContainEqual(
    expect.objectContaining({ address: "198.51.100.1", peer: "198.51.100.2", prefixLength: 32 }),
  );
  expect(addresses).toContainEqual(
    expect.objectContaining({ family: 6, address: "2001:db8::1", prefixLength: 64, tentative: false }),
  );

  await socket.run(
    route.add({ destination: "203.0.113.0/24", gateway: "192.0.2.254", mtuOctets: 1280, metric: 50 }),
  );
  await socket.run(route.add({ destination: "default", gateway: "2001:db8::fe" }));
  expect(await socket.run(route.lookUp("203.0.113.9"))).toMatchObject({
    family: 4,
    interfaceIndex: index,
    gateway: "192.0.2.254",
    preferredSource: "192.0.2.1",
    mtuOctets: 1280,
    kind: "unicast",
  });
  expect(await socket.run(route.lookUp("2001:db8:ffff::1"))).toMatchObject({
    family: 6,
    interfaceIndex: index,
    gateway: "2001:db8::fe",
  });
  expect(await socket.run(route.lookUp("192.0.2.1"))).toMatchObject({ kind: "local" });
  expect(await socket.run(route.list({ family: 4, table: nlabi.RT_TABLE_MAIN }))).toContainEqual(
    expect.objectContaining({ destination: "203.0.113.0", prefixLength: 24, metric: 50, mtuOctets: 1280 }),
  );
  await socket.run(route.remove({ destination: "203.0.113.0/24" }));
  await expect(socket.run(route.lookUp("203.0.113.9"))).rejects.toMatchObject({ code: "ENETUNREACH" });

  const entry = { interfaceIndex: index, address: "192.0.2.77", linkAddress: "02:00:00:00:00:77" };
  await socket.run(neighbour.add(entry));
  expect(await socket.run(neighbour.list({ interfaceIndex: index }))).toContainEqual({
    family: 4,
    ...entry,
    state: nlabi.NUD_PERMANENT,
  });
  await socket.run(neighbour.remove(entry));

  await socket.run(address.remove({ index, address: "192.0.2.1", prefixLength: 24 }));
  await expect(socket.run(address.remove({ index, address: "192.0.2.1", prefixLength: 24 }))).rejects.toThrow(
    /RTM_DELADDR 192.0.2.1 on interface \d+: EADDRNOTAVAIL/,
  );
  await socket.run(link.remove({ index }));
  await expect(socket.run(link.get({ index }))).rejects.toMatchObject({ code: "ENODEV" });
  await expect(far.run(link.get({ name: "uplink" }))).rejects.toMatchObject({ code: "ENODEV" });
});

needs("root")("a bridge takes ports in and gives them back, in the synchronous form too", () => {
  using namespace = createNamespace();
  const run = <T>(request: Parameters<typeof runNetlink<T>>[1]) =>
    runNetlink(NETLINK_ROUTE, request, { namespace: namespace.fd });
  run(link.add({ name: "br0", kind: "bridge", up: true }));
  run(link.add({ name: "port0", kind: "veth", peer: { name: "port1" } }));
  const bridge = run(link.get({ name: "br0" }));
  expect(bridge.kind).toBe("bridge");
  run(link.set({ name: "port0" }, { master: bridge.index, up: true }));
  expect(run(link.get({ name: "port0" }))).toMatchObject({
    master: bridge.index,
    portKind: "bridge",
    up: true,
  });
  run(link.set({ name: "port0" }, { master: 0 }));
  expect(run(link.get({ name: "port0" })).master).toBeUndefined();
});

needs("root")("what the kernel refuses says what, why in its own words, and what to do", async () => {
  using namespace = createNamespace();
  await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
  await socket.run(link.add({ name: "one", kind: "bridge" }));
  const twice = await socket.run(link.add({ name: "one", kind: "bridge" })).catch((error: unknown) => error);
  expect(twice).toBeInstanceOf(NetlinkError);
  expect(twice).toMatchObject({ code: "EEXIST", syscall: "netlink", what: "RTM_NEWLINK one" });
  expect((twice as Error).message).toMatch(/choose another name/);

  const kind = await socket
    .run(link.add({ name: "two", kind: "nosuchkind" }))
    .catch((error: unknown) => error);
  expect(kind).toMatchObject({ code: "EOPNOTSUPP", kernelText: "Unknown device type" });

  await expect(socket.run(link.add({ name: "br", kind: "bridge", mtuOctets: 70_000 }))).rejects.toThrow(
    /RTM_NEWLINK br: EINVAL \(22\): the kernel says: mtu greater than device maximum/,
  );

  await expect(socket.run(link.set({ name: "nowhere" }, { up: true }))).rejects.toThrow(
    /RTM_NEWLINK nowhere: ENODEV .*no such interface/,
  );
  // An attribute of a wrong length: the kernel points at its octet, we name it.
  const bad = link.set({ name: "lo" }, {});
  const short = new Uint8Array([...bad.payload, 6, 0, 4, 0, 1, 2, 0, 0]);
  const refused = await socket.run({ ...bad, payload: short }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ attribute: "MTU", offset: expect.any(Number) });
});

needs("root")(
  "requests at the same time each get their own answer, and dumps follow one another",
  async () => {
    using namespace = createNamespace();
    await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
    const names = Array.from({ length: 50 }, (_, i) => `d${i}`);
    await Promise.all(names.map((name) => socket.run(link.add({ name, kind: "bridge" }))));
    const [all, again, one, missing] = await Promise.all([
      socket.run(link.list()),
      socket.run(link.list()),
      socket.run(link.get({ name: "d7" })),
      socket.run(link.get({ name: "d777" })).catch((error: unknown) => error),
    ]);
    expect(all.map(({ name }) => name).sort()).toEqual(["lo", ...names].sort());
    expect(again).toEqual(all);
    expect(one.name).toBe("d7");
    expect(missing).toMatchObject({ code: "ENODEV" });
  },
);

needs("linux")("more requests than the socket's buffer has room for answers wait their turn", async () => {
  const socket = new NetlinkSocket(NETLINK_ROUTE, { receiveBufferOctets: 80_000 });
  const all = await Promise.all(Array.from({ length: 500 }, () => socket.run(link.get({ name: "lo" }))));
  expect(new Set(all.map(({ index }) => index))).toEqual(new Set([1]));
  const cut = Promise.allSettled(Array.from({ length: 100 }, () => socket.run(link.get({ name: "lo" }))));
  await socket.close();
  for (const one of await cut) {
    expect(one).toMatchObject({ status: "rejected", reason: { code: "ERR_CLOSED" } });
  }
});

needs("root")(
  "a dump of many datagrams is whole, taken message by message or together, with other requests under way",
  async () => {
    using namespace = createNamespace();
    await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
    const addresses = Array.from({ length: 1_000 }, (_, i) => `10.0.${i >> 8}.${i & 0xff}`);
    await socket.run(link.set({ index: 1 }, { up: true }));
    await Promise.all(
      addresses.map((one) => socket.run(address.add({ index: 1, address: one, prefixLength: 32 }))),
    );
    const seen: string[] = [];
    const [all, nothing, up] = await Promise.all([
      socket.run(address.list()),
      socket.run({
        ...address.list(),
        decode: () => [],
        each: (message) => seen.push(address.decodeAddress(message)?.address ?? ""),
      }),
      socket.run(link.get({ name: "lo" })),
      ...addresses.slice(0, 50).map(() => socket.run(link.get({ name: "lo" }))),
    ]);
    expect(all.map((one) => one.address).filter((one) => one.startsWith("10."))).toEqual(addresses);
    expect(seen.filter((one) => one.startsWith("10."))).toEqual(addresses);
    expect([nothing, up.up]).toEqual([[], true]);
  },
);

needs("linux")(
  "EINVAL of a reader that met the end of a dump (netlink_recvmsg() races with sendmsg()) is read over",
  async () => {
    await using socket = new NetlinkSocket(NETLINK_ROUTE);
    const kernel = raw();
    const recvfrom = vi.spyOn(kernel, "recvfrom");
    const EINVAL = ERRNO["EINVAL"] as number;
    try {
      for (const run of [() => socket.run(link.list()), async () => runNetlink(NETLINK_ROUTE, link.list())]) {
        recvfrom.mockReturnValueOnce(-EINVAL).mockReturnValueOnce(-EINVAL);
        expect((await run()).map(({ name }) => name)).toContain("lo");
      }
      // A socket that says nothing else has failed, and says so rather than be read for ever.
      recvfrom.mockReturnValue(-EINVAL);
      await expect(socket.run(link.list())).rejects.toMatchObject({ code: "EINVAL" });
    } finally {
      recvfrom.mockRestore();
    }
  },
);

needs("root")(
  "closing rejects what is under way, once and for all; an abort only stops the waiting",
  async () => {
    using namespace = createNamespace();
    const socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
    const controller = new AbortController();
    const waiting = socket.run(link.list(), { signal: controller.signal });
    controller.abort(new Error("no longer wanted"));
    await expect(waiting).rejects.toThrow("no longer wanted");
    expect((await socket.run(link.list())).map(({ name }) => name)).toEqual(["lo"]);
    const cut = socket.run(link.list());
    const closing = socket.close();
    await expect(cut).rejects.toMatchObject({ code: "ERR_CLOSED" });
    await closing;
    await socket.close();
    await expect(socket.run(link.list())).rejects.toMatchObject({ code: "ERR_CLOSED" });
  },
);

/** Reads until one event fits. */
async function until<T extends MonitorEvent>(
  events: AsyncIterator<MonitorEvent>,
  fits: (event: MonitorEvent) => event is T,
): Promise<T> {
  for (;;) {
    const next = await events.next();
    if (next.done) throw new Error("the monitor ended");
    if (fits(next.value)) return next.value;
  }
}

needs("root")("the monitor tells of links, addresses and routes that come and go", async () => {
  using namespace = createNamespace();
  await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
  const controller = new AbortController();
  await using monitor = new Monitor({
    subjects: ["link", "address", "route"],
    namespace: namespace.fd,
    signal: controller.signal,
  });
  const events = monitor[Symbol.asyncIterator]();
  await socket.run(link.add({ name: "br0", kind: "bridge" }));
  await socket.run(link.add({ name: "eth9", kind: "veth", peer: { name: "eth8" }, up: true }));
  const made = await until(
    events,
    (event): event is MonitorEvent & { type: "link" } => event.type === "link" && event.link.name === "eth9",
  );
  expect(made.action).toBe("changed");
  const { index } = made.link;
  await socket.run(address.add({ index, address: "192.0.2.1", prefixLength: 24 }));
  const given = await until(
    events,
    (event): event is MonitorEvent & { type: "address" } =>
      event.type === "address" && event.address.family === 4,
  );
  expect(given).toMatchObject({ action: "changed", address: { address: "192.0.2.1", index } });
  const bridge = await socket.run(link.get({ name: "br0" }));
  await socket.run(link.set({ index }, { master: bridge.index }));
  await socket.run(link.set({ index }, { master: 0 }));
  await socket.run(link.remove({ index }));
  const gone = await until(
    events,
    (event): event is MonitorEvent & { type: "link" } =>
      event.type === "link" && event.action === "removed" && event.link.index === index,
  );
  // Leaving the bridge was told as a change and not as an end: this is the end.
  await expect(socket.run(link.get({ index }))).rejects.toMatchObject({ code: "ENODEV" });
  expect(gone.link.name).toBe("eth9");
  controller.abort();
  for await (const _ of { [Symbol.asyncIterator]: () => events }) {
    // What was waiting is still told; then it ends.
  }
});

needs("root")(
  "a dump can be taken message by message, and what fails in that is told when it is over",
  async () => {
    using namespace = createNamespace();
    await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
    for (let i = 0; i < 20; i++) await socket.run(link.add({ name: `d${i}`, kind: "bridge" }));
    const all = link.list();
    const names: (string | undefined)[] = [];
    const each = (message: NetlinkMessage) => void names.push(link.decodeLink(message)?.name);
    let left = -1;
    const decode = (messages: readonly NetlinkMessage[]) => {
      left = messages.length;
      return [];
    };
    await socket.run({ ...all, decode, each });
    expect(left).toBe(0);
    expect(names.sort()).toEqual(["lo", ...Array.from({ length: 20 }, (_, i) => `d${i}`)].sort());
    let called = 0;
    const failing = () => {
      called++;
      throw new Error("full");
    };
    await expect(socket.run({ ...all, each: failing })).rejects.toThrow("full");
    expect(called).toBe(1);
    // The dump was read to its end: the kernel takes the next one.
    expect(await socket.run(all)).toHaveLength(21);
  },
);

needs("root")("a refusal can be an answer", async () => {
  using namespace = createNamespace();
  await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
  const isThere = (name: string): NetlinkRequest<boolean> => ({
    ...link.get({ name }),
    decode: () => true,
    absent: { errno: ERRNO["ENODEV"] as number, value: false },
  });
  expect(await Promise.all([socket.run(isThere("lo")), socket.run(isThere("nowhere"))])).toEqual([
    true,
    false,
  ]);
  expect(runNetlink(NETLINK_ROUTE, isThere("nowhere"), { namespace: namespace.fd })).toBe(false);
});

needs("root")("a monitor that was overrun says so and tells everything again", async () => {
  using namespace = createNamespace();
  const { fd } = namespace;
  await using monitor = new Monitor({ subjects: ["link"], namespace: fd, receiveBufferOctets: 1 });
  // Synchronous: the monitor's buffer (the smallest there is) runs over before it gets its turn.
  for (let i = 0; i < 30; i++)
    runNetlink(NETLINK_ROUTE, link.add({ name: `d${i}`, kind: "bridge" }), { namespace: fd });
  const seen: string[] = [];
  const known = new Set<string>();
  for await (const event of monitor) {
    if (event.type === "link" && event.action === "known") known.add(event.link.name);
    if (event.type !== "link") seen.push(event.type);
    if (event.type === "resynchronized") break;
  }
  expect(seen).toEqual(["overrun", "resynchronized"]);
  expect([...known].sort()).toEqual(["lo", ...Array.from({ length: 30 }, (_, i) => `d${i}`)].sort());
});

needs("root")(
  "a reader that is too slow loses events and is told so, as with an overrun in the kernel",
  async () => {
    using namespace = createNamespace();
    await using socket = new NetlinkSocket(NETLINK_ROUTE, { namespace: namespace.fd });
    await using monitor = new Monitor({ subjects: ["link"], namespace: namespace.fd, maxWaiting: 4 });
    for (let i = 0; i < 20; i++) await socket.run(link.add({ name: `d${i}`, kind: "bridge" }));
    const events = monitor[Symbol.asyncIterator]();
    await until(events, (event): event is MonitorEvent & { type: "overrun" } => event.type === "overrun");
    await until(
      events,
      (event): event is MonitorEvent & { type: "resynchronized" } => event.type === "resynchronized",
    );
  },
);

needs("root")("without the capability the message names it", () => {
  using namespace = createNamespace();
  expect(abi.CAPABILITY.CAP_NET_ADMIN).toBe(12);
  const refusal = new NetlinkError(link.add({ name: "x", kind: "bridge" }), { errno: 1 });
  expect(refusal.message).toMatch(/RTM_NEWLINK x: EPERM \(1\): .*CAP_NET_ADMIN/);
  void namespace;
});

/** Faults, many sessions, a busy main thread, and how programs end. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";
import { CABLE, FrameSocket, type Host, Lab, Stranger, until } from "@l2tp/lab";
import { link } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { describe, expect } from "vitest";
import { INNER, Pair, sessionParameters, transfer } from "./support/pair.ts";
import { program, seenBy } from "./support/program.ts";

const test = needs("linux", "root", "tun");

const frame = (fill: number) =>
  Uint8Array.from({ length: 60 }, (_, i) => (i < 12 ? 2 : i === 12 ? 0x88 : i === 13 ? 0xb5 : fill));
const ours = (frames: readonly Uint8Array[]) => frames.filter((f) => f[12] === 0x88 && f[13] === 0xb5);

describe("faults", () => {
  test("a peer whose port is closed is told of, and traffic goes on when it is open again", async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab);
    const { a, b } = pair;
    await using port = new FrameSocket(lab.a, a.session.interfaceName as string);
    await b.wire[Symbol.asyncDispose]();
    port.send(frame(1));
    await until(
      () => a.notices.some((n) => n.type === "send-failed" && n.code === "ECONNREFUSED"),
      "a notice",
    );
    expect(a.notices.find(({ type }) => type === "send-failed")).toMatchObject({ tunnelId: 1 });
    // Flooding a closed port must not fill the notices, nor the loop.
    for (let i = 0; i < 500; i++) port.send(frame(2));
    const again = await b.plane.open(
      { encapsulation: "udp", local: lab.b.socketAddress(4, 1701), namespace: lab.b.path },
      () => {},
    );
    const tunnel = await again.createTunnel({
      version: 3,
      tunnelId: 2,
      peerTunnelId: 1,
      peer: lab.a.socketAddress(4, 1701),
    });
    const session = await tunnel.createSession(sessionParameters({ sessionId: 32, peerSessionId: 16 }));
    await using far = new FrameSocket(lab.b, session.interfaceName as string);
    await until(() => {
      port.send(frame(3));
      return ours(far.received).some((f) => f[14] === 3);
    }, "frames arrive again");
    expect(a.notices.length).toBeLessThan(8);
  });

  test("a network that goes down and comes up again costs only what was sent meanwhile", async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab);
    const { a, b } = pair;
    await using near = new FrameSocket(lab.a, a.session.interfaceName as string);
    await using far = new FrameSocket(lab.b, b.session.interfaceName as string);
    near.send(frame(1));
    await until(() => ours(far.received).length === 1, "the first arrives");
    lab.a.netlink(link.set({ name: CABLE }, { up: false }));
    for (let i = 0; i < 10; i++) near.send(frame(2));
    await until(async () => (await a.session.statistics()).txErrors >= 10, "the lost ones are counted");
    await until(
      () => a.notices.some((n) => n.type === "send-failed" && n.code === "ENETUNREACH"),
      "a notice",
    );
    lab.a.netlink(link.set({ name: CABLE }, { up: true }));
    await until(() => {
      near.send(frame(3));
      return ours(far.received).some((f) => f[14] === 3);
    }, "frames pass again");
    expect(ours(far.received).some((f) => f[14] === 2)).toBe(false);
  });

  test("an inner interface that is down loses frames and counts them, until it is up again", async () => {
    using lab = new Lab();
    await using pair = await Pair.open(lab);
    const { a, b } = pair;
    const name = b.session.interfaceName as string;
    await using near = new FrameSocket(lab.a, a.session.interfaceName as string);
    lab.b.netlink(link.set({ name }, { up: false }));
    near.send(frame(1));
    await until(async () => (await b.session.statistics()).rxErrors === 1, "the loss is counted");
    lab.b.netlink(link.set({ name }, { up: true }));
    await using far = new FrameSocket(lab.b, name);
    near.send(frame(2));
    await until(() => ours(far.received).length === 1, "it arrives");
  });
});

test("data flows while the main thread does not", async () => {
  using lab = new Lab();
  await using pair = await Pair.open(lab);
  const before = await pair.b.session.statistics();
  // It goes on until it has seen 20 answers, and reads all that have come when it looks: after a wait that may be more.
  const ping = lab.a.start("ping", ["-c", "20", "-i", "0.02", "-w", "60", INNER.b]);
  const ended = new Promise((resolve) => ping.once("close", resolve));
  let output = "";
  ping.stdout?.on("data", (text: Buffer) => {
    output += text.toString();
  });
  // From here on this thread turns in circles, until ping is gone: only the packet threads can carry the answers.
  while (!readFileSync(`/proc/${ping.pid}/stat`, "utf8").includes(") Z "));
  await ended;
  const received = Number(/ (\d+) received/.exec(output)?.[1]);
  expect(received, output).toBeGreaterThanOrEqual(20);
  expect((await pair.b.session.statistics()).rxPackets - before.rxPackets).toBeGreaterThanOrEqual(received);
});

test("a thousand sessions on one wire each get their own frames", async () => {
  const count = 1_000;
  using lab = new Lab();
  await using plane = new UserspaceDataPlane();
  const wire = await plane.open(
    { encapsulation: "udp", local: lab.b.socketAddress(4, 1701), namespace: lab.b.path },
    () => {},
  );
  await using peer = new Stranger(lab.a, "udp", lab.a.socketAddress(4, 0));
  const tunnels = await Promise.all(
    [1, 2, 3, 4].map((tunnelId) =>
      wire.createTunnel({ version: 3, tunnelId, peerTunnelId: tunnelId, peer: peer.local }),
    ),
  );
  const ids = Array.from({ length: count }, (_, i) => (i * 2_654_435_761) >>> 0 || 1);
  const sessions = await Promise.all(
    ids.map((sessionId, i) =>
      (tunnels[i % 4] as (typeof tunnels)[0]).createSession(
        sessionParameters({ sessionId, peerSessionId: i + 1, interface: { name: `many${i}` } }),
      ),
    ),
  );
  // As many messages to each as its number says, so that a mix-up shows in the counts.
  const u32 = (n: number) => [n >>> 24, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff];
  const counts = new Map<number, number>();
  let sent = 0;
  const allArrive = () =>
    until(async () => {
      counts.clear();
      await wire.statistics({ row: ({ sessionId, rxPackets }) => void counts.set(sessionId, rxPackets) });
      return [...counts.values()].reduce((sum, n) => sum + n, 0) === sent;
    }, "all have arrived");
  for (const [i, id] of ids.entries()) {
    for (let n = 0; n <= i % 3; n++) {
      peer.send(wire.local, Uint8Array.of(0, 3, 0, 0, ...u32(id), ...frame(n)));
      sent++;
    }
    // On a busy machine the cable has no room for all at once.
    if (i % 200 === 199) await allArrive();
  }
  await allArrive();
  expect(counts.size).toBe(count);
  for (const [i, id] of ids.entries()) expect(counts.get(id)).toBe((i % 3) + 1);
  // And out of the last one and the first.
  for (const i of [count - 1, 0]) {
    await using port = new FrameSocket(lab.b, `many${i}`);
    port.send(frame(9));
    await until(
      () => peer.received.some((m) => m.subarray(4, 8).join() === u32(i + 1).join()),
      `session ${i} sends`,
    );
  }
  expect((await (sessions[5] as (typeof sessions)[0]).statistics()).rxPackets).toBe(3);
}, 300_000);

describe("a program that ends", () => {
  const links = (host: Host) => host.netlink(link.list()).map(({ name }) => name);

  async function run(how: string, then: (child: ChildProcess) => void) {
    using lab = new Lab();
    const child = lab.a.run(() =>
      spawn(process.execPath, [...program("hold"), how, lab.a.address(4), "held0"], {
        stdio: ["pipe", "pipe", "pipe"],
      }),
    );
    let output = "";
    child.stderr.on("data", (text: Buffer) => {
      output += text.toString();
    });
    const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
      child.on("exit", (code, signal) => resolve({ code, signal }));
    });
    await new Promise<void>((resolve, reject) => {
      child.stdout.once("data", () => resolve());
      void ended.then(() => reject(new Error(output)));
    });
    expect(links(lab.a)).toContain("held0");
    then(child);
    const result = await ended;
    await until(() => !links(lab.a).includes("held0"), "the interface is gone");
    // The address is free again.
    await using plane = new UserspaceDataPlane();
    await plane.open(
      { encapsulation: "udp", local: lab.a.socketAddress(4, 1701), namespace: lab.a.path },
      () => {},
    );
    return result;
  }
  const goOn = (child: ChildProcess) => void child.stdin?.write("go\n");

  test("by process.exit is not held up by its threads, and leaves nothing", async () => {
    expect((await run("exit", goOn)).code).toBe(7);
  });

  test("by an error that nobody catches leaves nothing", async () => {
    expect((await run("throw", goOn)).code).toBe(1);
  });

  test("by itself does so when the data plane is disposed of", async () => {
    expect((await run("dispose", goOn)).code).toBe(0);
  });

  test("by SIGTERM leaves nothing", async () => {
    expect((await run("wait", (child) => void child.kill("SIGTERM"))).signal).toBe("SIGTERM");
  });

  test("by SIGKILL leaves nothing", async () => {
    expect((await run("wait", (child) => void child.kill("SIGKILL"))).signal).toBe("SIGKILL");
  });
});

describe("privileges", () => {
  needs(
    "linux",
    "root",
    "tun",
  )("what is missing is named, with what to do", async () => {
    using lab = new Lab();
    const { code, output } = await lab.a.execute(process.execPath, ...program("no-privilege"));
    expect(code, output).toBe(0);
    const seen = JSON.parse(output) as Record<string, { code: string; message: string; why: string }>;
    expect(seen["encapsulations"]).toEqual(["udp"]);
    expect(seen["feature"]?.why).toContain("CAP_NET_RAW");
    expect(seen["ip"]).toMatchObject({ name: "PlaneError", code: "no-privilege" });
    expect(seen["ip"]?.message).toContain("CAP_NET_RAW");
    expect(seen["session"]).toMatchObject({ name: "PlaneError", code: "no-privilege" });
    expect(seen["session"]?.message).toContain("/dev/net/tun");
  });

  needs(
    "linux",
    "tun",
    "user-namespace",
  )("it works inside an unprivileged user namespace", async () => {
    const seen = await seenBy("unshare", ["-Urn", process.execPath, ...program("unprivileged")]);
    for (const encapsulation of ["udp", "ip"]) {
      expect(seen[encapsulation]).toMatchObject({ received: 3_000_000, intact: true });
    }
  });
});

test("a transfer under way survives that another session comes and goes", async () => {
  using lab = new Lab();
  await using pair = await Pair.open(lab);
  const moving = transfer(lab.a, lab.b, INNER.b, 60_000_000);
  for (let i = 0; i < 10; i++) {
    const session = await pair.a.tunnel.createSession(sessionParameters({ sessionId: 1_000 + i }));
    await session[Symbol.asyncDispose]();
  }
  expect(await moving).toMatchObject({ intact: true });
});

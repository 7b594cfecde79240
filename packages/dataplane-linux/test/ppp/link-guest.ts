/** PPP links through /dev/ppp, run by `PppSession` of @l2tp/ppp: against pppd, and against each other. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { PlaneNotice, SessionPlane, SessionPlaneParameters, TunnelPlane, Wire } from "@l2tp/dataplane";
import { FrameSocket, Site } from "@l2tp/lab";
import { abi, link, neighbour, raw, route, sys } from "@l2tp/linux";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { HOSTS, passSegment, ROUTER_MAC } from "../../../linux/test/support/segments.ts";
import type { PppOptions } from "../../../ppp/src/index.ts";
import { dumpSessions } from "../../src/family.ts";
import { LinuxDataPlane } from "../../src/plane.ts";
import { ADDRESSES, Lab, session, until } from "./lab.ts";
import { forPlane, type LinkRun, PASSWORD, runLink } from "./link-run.ts";

const SUBSCRIBERS = 200;
const descriptors = () => readdirSync("/proc/self/fd").length;
const PPPD = ["nodefaultroute", "noipdefault", "lcp-echo-interval", "0"];
const INTERFACE = { attach: { to: "interface" } } as const;

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "none";
  } catch (error) {
    return `${(error as { code?: unknown }).code}: ${(error as Error).message}`;
  }
};

/** PPP frames of L2TPv2 data messages that reach A while something is done, as hexadecimal digits. */
function sniff(lab: Lab, work: () => void): string[] {
  const [AF_PACKET, ETH_P_IP] = [17, 0x0800];
  const fd = lab.a.namespace.run(() =>
    sys.socket(
      AF_PACKET,
      abi.SOCK_DGRAM | abi.SOCK_NONBLOCK,
      ((ETH_P_IP & 0xff) << 8) | (ETH_P_IP >> 8),
      "sniffer",
    ),
  );
  try {
    work();
    const frames: string[] = [];
    const buffer = new Uint8Array(4096);
    for (;;) {
      const octets = raw().recv(fd, buffer, buffer.length, 0);
      if (octets < 0) return frames;
      // IPv4 without options, UDP, six octets of L2TPv2.
      if (buffer[9] === 17 && octets > 34)
        frames.push(Buffer.from(buffer.subarray(34, octets)).toString("hex"));
    }
  } finally {
    sys.close(fd);
  }
}

export default function suite({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  let lab: Lab;
  let plane: LinuxDataPlane;
  const wires = {} as { a: Wire; b: Wire };
  const tunnels = {} as { a: TunnelPlane; b: TunnelPlane };
  const notices: PlaneNotice[] = [];
  const said: string[] = [];
  let lastId = 0;
  /** Descriptors while there is no session. */
  let idle = 0;

  beforeAll(async () => {
    lab = await Lab.open();
    plane = await LinuxDataPlane.create({
      reconcileMs: 500,
      stateDirectory: false,
      log: (line) => void said.push(line),
    });
    for (const side of ["a", "b"] as const) {
      const local = { family: 4, address: ADDRESSES[side][4], port: 1701 } as const;
      const namespace = `/run/netns/${lab[side].name}`;
      wires[side] = await plane.open({ encapsulation: "udp", local, namespace }, () => {});
      const { notices: stream } = wires[side];
      void (async () => {
        for await (const notice of stream) if (side === "a") notices.push(notice);
      })();
      const peer = side === "a" ? "b" : "a";
      tunnels[side] = await wires[side].createTunnel({
        version: 2,
        tunnelId: side === "a" ? 701 : 702,
        peerTunnelId: side === "a" ? 702 : 701,
        local: ADDRESSES[side][4],
        peer: { family: 4, address: ADDRESSES[peer][4], port: 1701 },
      });
    }
    idle = descriptors();
  });
  afterAll(async () => {
    await plane[Symbol.asyncDispose]();
    await lab.close();
  });

  const make = (
    side: "a" | "b",
    sessionId: number,
    more: Partial<SessionPlaneParameters>,
  ): Promise<SessionPlane> =>
    tunnels[side].createSession(session(2, { sessionId, peerSessionId: sessionId }, more));
  const ours = (side: "a" | "b", sessionId: number, more: Partial<SessionPlaneParameters> = {}) =>
    make(side, sessionId, { pppLink: INTERFACE, ...more });
  const pppd = (side: "a" | "b", sessionId: number, options: readonly string[]) =>
    make(side, sessionId, { ppp: { options: [...PPPD, ...options] } });
  const close = (...sessions: readonly AsyncDisposable[]) =>
    Promise.all(sessions.map((one) => one[Symbol.asyncDispose]()));
  /** pppd first: its goodbye is answered, or it would wait for that. */
  const hangUp = async ({ a, b }: { a: SessionPlane; b: SessionPlane }) => {
    await close(b);
    await close(a);
  };
  const ping = (address: string, ...options: string[]) =>
    lab.a.run("ping", "-c", "2", "-i", "0.3", "-W", "5", ...options, address);
  /** The other end may be up a little later than ours: from then on nothing is lost. */
  const reaches = async (address: string, ...options: string[]) => {
    await until(`${address} answers`, () => lab.a.run("ping", "-c", "1", "-W", "2", address).status === 0);
    return ping(address, ...options).stdout;
  };
  const noSessions = async () => {
    const { kernel } = lab.a;
    expect(await kernel.run(dumpSessions(kernel.family))).toEqual([]);
  };

  test("the plane says that it has links, and refuses what the kernel has not", async () => {
    expect(plane.capabilities).toMatchObject({ pppLink: ["interface"], pppd: "plugin" });
    const refused = (more: Partial<SessionPlaneParameters>) => codeOf(() => ours("a", ++lastId, more));
    expect(await refused({ pppLink: { attach: { to: "shared", name: "subs" } } })).toMatch(
      /^unsupported: .*subs.*userspace/,
    );
    expect(await refused({ pppLink: { attach: { to: "program" } } })).toMatch(/^unsupported: /);
    expect(await refused({ pppLink: { ...INTERFACE, rateLimit: { toPeerBps: 1e6 } } })).toMatch(
      /^unsupported: .*tc qdisc/,
    );
    expect(await refused({ interface: { macAddress: "02:00:00:00:00:01" } })).toMatch(/^invalid-parameters/);
    await noSessions();
  });

  describe("pppd at the other end", () => {
    const dial = async (options: readonly string[], settings: PppOptions, link = {}) => {
      const id = ++lastId;
      const [a, b] = await Promise.all([
        ours("a", id, { pppLink: { ...INTERFACE, ...link } }),
        pppd("b", id, options),
      ]);
      return { a, b, run: runLink(a, settings) };
    };

    test("IPv4 and IPv6 are negotiated, packets of every size pass, and we hang up", async () => {
      const before = descriptors();
      const { a, b, run } = await dial(["noauth", "10.50.0.2:10.50.0.1", "+ipv6", "ipv6", "::b,::a"], {
        mru: 1400,
        ipv4: { local: "10.50.0.1", acceptPeer: true },
        ipv6: { local: "::a" },
      });
      expect(a.interfaceName).toBeUndefined();
      await run.up;
      await until("IPv6 is up", () => run.ppp.states.ipv6cp === "Opened");
      await until("addresses are there", () => (a.addresses ?? []).length === 2);
      expect(a.interfaceName).toMatch(/^ppp\d+$/);
      expect(a.addresses).toEqual([
        { address: "10.50.0.1", prefixLength: 32, peer: "10.50.0.2" },
        { address: "fe80::a", prefixLength: 64 },
      ]);
      const told = () => notices.filter((notice) => notice.type === "session-addresses").at(-1);
      await until("that is told", () => told()?.addresses.length === 2);
      expect(told()).toMatchObject({ interfaceName: a.interfaceName, addresses: a.addresses });
      for (const octets of [0, 1400 - 28]) {
        expect(await reaches("10.50.0.2", "-M", "do", "-s", String(octets))).toContain("2 received");
      }
      expect(a.mtuOctets).toBe(1400);
      expect(ping("10.50.0.2", "-M", "do", "-s", String(1400 - 27)).status).not.toBe(0);
      expect(await reaches(`fe80::b%${a.interfaceName}`)).toContain("2 received");
      expect((await a.statistics()).rxErrors).toBe(0);
      const name = a.interfaceName as string;
      expect(run.failures).toEqual([]);
      run.close();
      expect((await run.down).code).toBe("closed");
      await until("pppd ends", () =>
        said.some((line) => /Connection terminated|LCP terminated by peer/.test(line)),
      );
      await close(a, b);
      expect(lab.a.has(name)).toBe(false);
      await noSessions();
      await until("descriptors are closed", () => descriptors() <= before);
    }, 120_000);

    test("pppd proves itself to us, sequence numbers are switched on, and pppd hangs up", async () => {
      const { a, b, run } = await dial(
        ["noauth", "user", "alice", "password", PASSWORD, "10.51.0.2:10.51.0.1"],
        {
          authenticatePeer: { methods: ["mschap-v2"] },
          ipv4: { local: "10.51.0.1", peer: "10.51.0.2" },
          ipv6: false,
        },
      );
      await run.up;
      expect(run.authenticated).toEqual(["alice by mschap-v2"]);
      expect(await reaches("10.51.0.2")).toContain("2 received");
      await a.update({ sendSequence: true, receiveSequence: false });
      // Where messages overtake one another some are dropped.
      await until("pings pass with sequence numbers", () => ping("10.51.0.2").stdout.includes("2 received"));
      await close(b);
      expect((await run.down).code).toMatch(/peer-terminated|lower-layer-down/);
      await close(a);
    }, 120_000);

    for (const [strength, option, mode] of [
      [128, "stateless", "stateless"],
      [128, "stateful", "stateful"],
      [40, "stateless", "stateless"],
    ] as const) {
      test(`MPPE of ${strength} bits, ${option}, encrypts both ways`, async () => {
        const { a, b, run } = await dial(
          [
            ...["noauth", "user", "alice", "password", PASSWORD, "10.57.0.2:10.57.0.1"],
            strength === 128 ? "require-mppe-128" : "require-mppe-40",
            ...(mode === "stateful" ? ["mppe-stateful"] : []),
          ],
          {
            authenticatePeer: { methods: ["mschap-v2"] },
            mppe: { policy: "require", bits: [strength], mode },
            ipv4: { local: "10.57.0.1", peer: "10.57.0.2" },
            ipv6: false,
          },
        );
        await run.up;
        expect(run.failures).toEqual([]);
        expect(await reaches("10.57.0.2", "-c", "5")).toContain("5 received");
        // Not in the clear: on the wire are frames of protocol 00fd, and none of IPv4.
        const seen = sniff(lab, () => void ping("10.57.0.2"));
        expect(seen.filter((frame) => frame.startsWith("ff0300fd")).length).toBeGreaterThan(1);
        expect(seen.filter((frame) => frame.startsWith("ff030021"))).toEqual([]);
        // A new configuration with the same keys keeps the place in them.
        await a.link?.configure({ ...forPlane(run.configuration()), mtu: 1300 });
        expect(await reaches("10.57.0.2")).toContain("2 received");
        await hangUp({ a, b });
      }, 120_000);
    }

    test("a wrong password gets no interface, and other sources than the peer's do not pass", async () => {
      const wrong = await dial(["noauth", "user", "mallory", "password", "wrong", "10.52.0.2:10.52.0.1"], {
        authenticatePeer: { methods: ["chap-md5"] },
        ipv4: { local: "10.52.0.1", peer: "10.52.0.2" },
        ipv6: false,
      });
      expect((await wrong.run.down).code).toBe("authentication-failed");
      expect(wrong.a.interfaceName).toBeUndefined();
      await close(wrong.a, wrong.b);

      const { a, b, run } = await dial(
        ["noauth", "10.53.0.2:10.53.0.1"],
        { ipv4: { local: "10.53.0.1", peer: "10.53.0.2" }, ipv6: false },
        { checkSource: true, routes: ["10.54.0.0/16"] },
      );
      await run.up;
      await reaches("10.53.0.2");
      for (const [address, answered] of [
        ["10.54.9.9", true],
        ["10.55.9.9", false],
      ] as const) {
        expect(lab.b.run("ip", "addr", "add", `${address}/32`, "dev", "lo").status).toBe(0);
        lab.a.run("ip", "route", "add", "10.55.0.0/16", "dev", a.interfaceName as string);
        const got = lab.b.run("ping", "-c", "2", "-i", "0.3", "-W", "2", "-I", address, "10.53.0.1");
        expect(got.stdout.includes("2 received")).toBe(answered);
      }
      await hangUp({ a, b });
    }, 180_000);

    test("a deleted interface, and a deleted tunnel, end the session", async () => {
      const { a, b, run } = await dial(["noauth", "10.56.0.2:10.56.0.1"], {
        ipv4: { local: "10.56.0.1", peer: "10.56.0.2" },
        ipv6: false,
      });
      await run.up;
      const name = a.interfaceName as string;
      await lab.a.kernel.route.run(link.remove({ name }));
      const lost = () => notices.find((one) => one.type === "session-lost" && one.sessionId === a.sessionId);
      await until("the loss is told", () => lost() !== undefined);
      expect(lost()).toMatchObject({ reason: `its interface ${name} was deleted` });
      expect(await codeOf(() => a.statistics())).toMatch(/^closed/);
      await close(a, b);
      await noSessions();
    }, 120_000);
  });

  describe("ours at both ends", () => {
    const both = async (
      id: number,
      settings: { readonly a: PppOptions; readonly b: PppOptions },
      more: Partial<SessionPlaneParameters> = {},
    ) => {
      const [a, b] = await Promise.all([ours("a", id, more), ours("b", id, more)]);
      return { a, b, runs: [runLink(a, settings.a), runLink(b, settings.b)] as [LinkRun, LinkRun] };
    };
    const addressed = (n: number): { a: PppOptions; b: PppOptions } => {
      const [x, y] = [`10.${60 + (n >> 8)}.${n & 255}.1`, `10.${60 + (n >> 8)}.${n & 255}.2`];
      return {
        a: { ipv4: { local: x, peer: y }, ipv6: false, echoIntervalMs: 0 },
        b: { ipv4: { local: y, peer: x }, ipv6: false, echoIntervalMs: 0 },
      };
    };

    test("a name is kept, a configuration replaces the one before, gates close, and echoes know of data", async () => {
      const { a, b, runs } = await both(++lastId, addressed(0), {
        interface: { name: "subscriber" },
      });
      expect(a.link?.lastDataReceived()).toBe(Number.NEGATIVE_INFINITY);
      await Promise.all(runs.map(({ up }) => up));
      expect(a.interfaceName).toBe("subscriber");
      expect(await reaches("10.60.0.2")).toContain("2 received");
      const configuration = { sendAccm: 0, receiveAccm: 0, pfc: false, acfc: false, mru: 1400, mtu: 1300 };
      const ipv4 = { local: "10.60.0.1", peer: "10.60.0.2", routes: ["10.80.0.0/16"] };
      await a.link?.configure({ ...configuration, ipv4 });
      expect(a.mtuOctets).toBe(1300);
      const routes = () => lab.a.run("ip", "route", "show", "dev", "subscriber").stdout;
      expect(routes()).toContain("10.80.0.0/16");
      await a.link?.configure({ ...configuration, ipv4: { local: "10.60.0.1", peer: "10.60.0.2" } });
      expect(routes()).not.toContain("10.80.0.0/16");
      expect(await codeOf(() => a.link?.configure({ ...configuration, ipv4: { local: "10.60.0" } }))).toMatch(
        /^invalid-parameters|^system/,
      );
      a.link?.gate("ipv4", "drop");
      await until("the gate is closed", () => ping("10.60.0.2", "-W", "1").status !== 0);
      a.link?.gate("ipv4", "pass");
      await until("the gate is open", () => ping("10.60.0.2").status === 0);
      await until("data is known of", () => (a.link?.lastDataReceived() ?? 0) > 0, 25_000);
      expect(
        await codeOf(() =>
          ours("a", ++lastId, { interface: { name: "subscriber" } }).then(async (second) => {
            const run = second.link?.configure({ ...configuration, ipv4: { local: "10.61.0.1" } });
            try {
              await run;
            } finally {
              await close(second);
            }
          }),
        ),
      ).toMatch(/^name-in-use: .*subscriber/);
      await close(a, b);
      expect(lab.a.has("subscriber")).toBe(false);
    }, 120_000);

    test("TCP that is forwarded through a link announces no larger segments than fit it, in both directions", async () => {
      const ends = { left: lab.a, right: lab.b } as const;
      const hosts = { left: new Site("left"), right: new Site("right") } as const;
      const { a, b, runs } = await both(++lastId, {
        a: { mru: 1400, ipv4: { local: "10.59.0.1", peer: "10.59.0.2" }, ipv6: { local: "::a" } },
        // One of the two ends is enough, for both directions.
        b: {
          mru: 1400,
          ipv4: { local: "10.59.0.2", peer: "10.59.0.1" },
          ipv6: { local: "::b" },
          tcpMss: "off",
        },
      });
      await Promise.all(runs.map(({ up }) => up));
      await until("IPv6 is up", () => runs.every(({ ppp }) => ppp.states.ipv6cp === "Opened"));
      await until("addresses are there", () => [a, b].every(({ addresses = [] }) => addresses.length === 2));
      for (const [side, far, session] of [
        ["left", "right", a],
        ["right", "left", b],
      ] as const) {
        const { namespace, kernel } = ends[side];
        const run = kernel.route.run.bind(kernel.route) as typeof kernel.route.run;
        const peer = { name: side, namespace: hosts[side].namespace.fd };
        await run(link.add({ name: side, kind: "veth", peer }));
        await run(link.set({ name: side }, { address: ROUTER_MAC, up: true }));
        hosts[side].netlink(link.set({ name: side }, { up: true }));
        const { index: near } = await run(link.get({ name: side }));
        const { index: ppp } = await run(link.get({ name: session.interfaceName as string }));
        for (const there of HOSTS[side]) {
          await run(route.add({ destination: there, interfaceIndex: near }));
          const linkAddress = "02:00:00:00:00:01";
          await run(neighbour.add({ interfaceIndex: near, address: there, linkAddress }));
        }
        for (const there of HOSTS[far]) await run(route.add({ destination: there, interfaceIndex: ppp }));
        namespace.run(() => {
          writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
          writeFileSync("/proc/sys/net/ipv6/conf/all/forwarding", "1");
        });
      }
      const sockets = {
        left: new FrameSocket(hosts.left, "left"),
        right: new FrameSocket(hosts.right, "right"),
      };
      const pass = (to: "left" | "right", family: 4 | 6, mss: number) =>
        passSegment(sockets, { to, family, mss });
      for (const to of ["right", "left"] as const) {
        expect(await pass(to, 4, 1460)).toBe(1360);
        expect(await pass(to, 6, 1440)).toBe(1340);
        // One that is smaller is not raised.
        expect(await pass(to, 4, 1359)).toBe(1359);
      }
      const ruleset = (side: "a" | "b") => lab[side].run("nft", "list", "ruleset").stdout;
      expect(ruleset("a")).toMatch(new RegExp(`table inet l2tp-mss \\{[^]*"${a.interfaceName}" : 1360`));
      expect(ruleset("b")).toBe("");
      await a.link?.configure({ ...forPlane(runs[0].configuration()), tcpMss: { ipv4: 1200, ipv6: 1180 } });
      for (const to of ["right", "left"] as const) expect(await pass(to, 6, 1440)).toBe(1180);
      await close(a, b);
      // The last one's end takes the table along.
      expect(ruleset("a")).toBe("");
      expect(notices.filter(({ type }) => type === "feature-missing")).toEqual([]);
      for (const socket of Object.values(sockets)) await socket[Symbol.asyncDispose]();
      for (const site of Object.values(hosts)) site[Symbol.dispose]();
    }, 60_000);

    test("router advertisement and DHCPv6 reach who runs the link, and its answers the peer", async () => {
      const { a, b, runs } = await both(++lastId, {
        a: { ipv4: false, ipv6: { local: "::a" } },
        b: { ipv4: false, ipv6: { local: "::b" } },
      });
      const got: string[] = [];
      b.link?.ipv6Control?.onPacket((packet) => void got.push(`${packet[6]} ${packet[40]}`));
      await Promise.all(runs.map(({ up }) => up));
      expect(lab.b.run("cat", `/proc/sys/net/ipv6/conf/${b.interfaceName}/accept_ra`).stdout.trim()).toBe(
        "0",
      );
      const solicitation = new Uint8Array(48);
      solicitation.set([0x60, 0, 0, 0, 0, 8, 58, 255]);
      solicitation.set([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a], 8);
      solicitation.set([0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02], 24);
      solicitation[40] = 133;
      a.link?.ipv6Control?.send(solicitation);
      await until("it is handed up", () => got.includes("58 133"));
      a.link?.gate("ipv6", "drop");
      const before = got.length;
      a.link?.ipv6Control?.send(solicitation);
      a.link?.gate("ipv6", "pass");
      await until("packets pass again", () => ping(`fe80::b%${a.interfaceName}`).status === 0);
      expect(got.length).toBe(before);
      await close(a, b);
    }, 60_000);

    test(`${SUBSCRIBERS} sessions are up and gone, with three descriptors each and no process`, async () => {
      // What the tests before had open may be closed a little later.
      await until("descriptors are closed", () => descriptors() <= idle);
      const before = descriptors();
      const first = lastId + 1;
      lastId += SUBSCRIBERS;
      const started = performance.now();
      const all = await Promise.all(
        Array.from({ length: SUBSCRIBERS }, (_, i) => both(first + i, addressed(i))),
      );
      await Promise.all(all.flatMap(({ runs }) => runs.map(({ up }) => up)));
      const upMs = performance.now() - started;
      // And one at each end for the table that clamps the MSS of all.
      expect(descriptors() - before).toBe(SUBSCRIBERS * 6 + 2);
      expect(await reaches(`10.60.${SUBSCRIBERS - 1}.2`)).toContain("2 received");
      expect(all.flatMap(({ runs }) => runs.flatMap(({ failures }) => failures))).toEqual([]);
      const closing = performance.now();
      await close(...all.flatMap(({ a, b }) => [a, b]));
      process.stdout.write(
        `@@ppp-links ${SUBSCRIBERS} sessions at both ends: up in ${Math.round(upMs)} ms, gone in ${Math.round(performance.now() - closing)} ms\n`,
      );
      await noSessions();
      expect(readFileSync("/proc/net/dev", "utf8")).not.toContain("ppp");
      await until("descriptors are closed", () => descriptors() <= before);
    }, 300_000);
  });

  test("a LAC's session in the kernel follows the LNS's numbers, unless it requires them", async () => {
    const { kernel } = lab.a;
    const sends = async (sessionId: number) => {
      const all = await kernel.run(dumpSessions(kernel.family));
      return all.find(({ SESSION_ID }) => SESSION_ID === sessionId)?.SEND_SEQ;
    };
    const echo = Uint8Array.of(0xc0, 0x21, 9, 1, 0, 8, 0, 0, 0, 0);
    const id = ++lastId;
    const [lac, lns] = [await ours("a", id, { role: "lac" }), await ours("b", id, { role: "lns" })];
    for (const on of [true, false]) {
      await lns.update({ sendSequence: on });
      lns.link?.sendFrame(echo);
      await until(`numbers are ${on ? "on" : "off"}`, async () => (await sends(id)) === (on ? 1 : 0));
      // Whoever reads its counters finds out: those of the session, or of all.
      if (on) await lac.statistics();
      else await wires.a.statistics({ row() {} });
      const told = () => notices.filter((one) => one.type === "sequencing" && one.sessionId === id);
      await until("that is told", () => told().length === (on ? 1 : 2));
      expect(told().at(-1)).toMatchObject({ type: "sequencing", on });
    }
    await lac.update({ sendSequence: true, receiveSequence: true });
    lns.link?.sendFrame(echo);
    await until("one without number is dropped", async () => (await lac.statistics()).rxSeqDiscards === 1);
    expect(await sends(id)).toBe(1);
    await close(lac, lns);
    await noSessions();
  });

  test("two sessions are bridged in the kernel, and parted again", async () => {
    // pppd at B dials a session that A joins to another one, whose other end, at B again, is ours.
    const [one, two] = [++lastId, ++lastId];
    const [left, right, end] = await Promise.all([ours("a", one), ours("a", two), ours("b", two)]);
    const bridge = await left.bridge?.(right);
    expect(bridge?.kind).toBe("direct");
    expect(await codeOf(() => left.bridge?.(right))).toMatch(/^invalid-parameters: .*joined already/);
    const run = runLink(end, { ipv4: { local: "10.70.0.1", peer: "10.70.0.2" }, ipv6: false });
    const dialler = await pppd("b", one, ["noauth", "10.70.0.2:10.70.0.1"]);
    await run.up;
    const seen = await left.statistics();
    expect(seen.rxPackets).toBeGreaterThan(2);
    expect(left.interfaceName).toBeUndefined();
    await bridge?.[Symbol.asyncDispose]();
    await bridge?.[Symbol.asyncDispose]();
    const frames: number[] = [];
    right.link?.onFrame((frame) => void frames.push(((frame[0] ?? 0) << 8) | (frame[1] ?? 0)));
    run.close();
    await until("frames come to us again", () => frames.includes(0xc021));
    const other = await make("a", ++lastId, { ppp: { options: [...PPPD, "noauth"] } });
    expect(await codeOf(() => left.bridge?.(other))).toMatch(/^unsupported: .*pppd/);
    await close(left, right, end, dialler, other);
    await noSessions();
  }, 120_000);

  test("a deleted tunnel takes its sessions along, and nothing of them stays", async () => {
    const id = ++lastId;
    const [a, b] = await Promise.all([ours("a", id), ours("b", id)]);
    const runs = [
      runLink(a, { ipv4: { local: "10.71.0.1", peer: "10.71.0.2" }, ipv6: false }),
      runLink(b, { ipv4: { local: "10.71.0.2", peer: "10.71.0.1" }, ipv6: false }),
    ];
    await Promise.all(runs.map(({ up }) => up));
    const name = a.interfaceName as string;
    expect(lab.a.run("ip", "l2tp", "del", "tunnel", "tunnel_id", "701").status).toBe(0);
    await until("the loss is told", () => notices.some(({ type }) => type === "tunnel-lost"));
    await until("its interface is gone", () => !lab.a.has(name));
    expect(await codeOf(() => a.statistics())).toMatch(/^closed/);
  }, 60_000);
}

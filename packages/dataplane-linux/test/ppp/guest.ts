import { spawn } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { PlaneError, type PlaneNotice, type SessionPlaneParameters } from "@l2tp/dataplane";
import { abi, encodePppoxAddress, type Fd, interfaceIndex, link, ppp, pppd, sys } from "@l2tp/linux";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { createSession, dumpSessions, getSession, L2SPEC, PWTYPE } from "../../src/family.ts";
import { Kernel } from "../../src/kernel.ts";
import { LinuxDataPlane } from "../../src/plane.ts";
import { probePpp } from "../../src/ppp/kinds.ts";
import { createPppacSession } from "../../src/ppp/pppac-session.ts";
import { createPppdSession } from "../../src/ppp/pppd-session.ts";
import { Pppol2tpSocket, type Pppol2tpTunnel } from "../../src/ppp/pppol2tp.ts";
import { ADDRESSES, Lab, type LabTunnel, type LabTunnelKind, MACS, pppHost, session, until } from "./lab.ts";

const codeOf = async (work: () => unknown): Promise<string> => {
  try {
    await work();
    return "none";
  } catch (error) {
    return `${(error as { code?: unknown }).code}: ${(error as Error).message}`;
  }
};

const PPPOE = { sessionId: 9, peerMac: MACS.b, device: "wire" };

const descriptors = () => readdirSync("/proc/self/fd").length;

/** `lock` and `modem` of Debian's /etc/ppp/options are harmless; `auth` is not: nobody has secrets here. */
const PPPD = ["noauth", "nodefaultroute", "noipdefault", "debug"];
const QUIET = [...PPPD, "lcp-echo-interval", "0", "lcp-max-terminate", "1"];

/** A PADT from B to A, as a subscriber sends it (RFC 2516 §5.5). */
function terminatePppoe(sessionId: number): void {
  const octetsOf = (mac: string) => mac.split(":").map((hex) => Number.parseInt(hex, 16));
  const [AF_PACKET, ETH_P_PPP_DISC] = [17, 0x8863];
  const frame = new Uint8Array(60);
  frame.set([
    ...octetsOf(MACS.a),
    ...octetsOf(MACS.b),
    0x88,
    0x63,
    0x11,
    0xa7,
    sessionId >> 8,
    sessionId & 0xff,
  ]);
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ETH_P_PPP_DISC, false);
  view.setInt32(4, interfaceIndex("wire"), true);
  const fd = sys.socket(AF_PACKET, abi.SOCK_RAW, 0, "packet");
  sys.sendto(fd, frame, address);
  sys.close(fd);
}

/** In a process of its own, to be killed: makes a session at A and stays. */
function childSuite({ test }: SuiteApi, carrier: Pppol2tpTunnel): void {
  test("stays until it is killed", async () => {
    const kernel = await Kernel.open("/run/netns/ppptest-a", { reconcileMs: 0, stateDirectory: undefined });
    const host = pppHost(kernel, carrier, "the process that is killed");
    const parameters = session(2, { sessionId: 90, peerSessionId: 91 }, { ppp: { options: QUIET } });
    const made = await createPppdSession(host, parameters);
    process.stdout.write(`interface ${made.interfaceName}\n`);
    await new Promise(() => {});
  });
}

export default function suite(api: SuiteApi): void {
  const child = process.env["L2TP_PPP_CHILD"];
  if (child === undefined) parentSuite(api);
  else childSuite(api, JSON.parse(child) as Pppol2tpTunnel);
}

function parentSuite({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  let lab: Lab;
  beforeAll(async () => {
    lab = await Lab.open();
  });
  afterAll(async () => {
    await lab.close();
  });

  /** Both ends of a session with pppd, addresses 10.N.0.1 and .2. */
  async function pair(tunnel: LabTunnel, n: number, more: Partial<SessionPlaneParameters> = {}) {
    const { version } = tunnel.a;
    const make = (side: "a" | "b", options: readonly string[]) => {
      const ids =
        side === "a" ? { sessionId: n, peerSessionId: n + 1 } : { sessionId: n + 1, peerSessionId: n };
      const cookies =
        side === "a"
          ? {}
          : { cookie: more.peerCookie ?? new Uint8Array(0), peerCookie: more.cookie ?? new Uint8Array(0) };
      const parameters = session(version, ids, { ...more, ...cookies, ppp: { options } });
      const host = lab[side].host(tunnel[side]);
      return createPppdSession(host, parameters).then((made) => ({ made, host, parameters }));
    };
    const [a, b] = await Promise.all([
      make("a", [...QUIET, `10.${n}.0.1:10.${n}.0.2`]),
      make("b", [...QUIET, `10.${n}.0.2:10.${n}.0.1`]),
    ]);
    return { a, b };
  }

  /** Addresses are there a moment before packets pass, and at one end before the other. */
  const answers = (address: string) =>
    until(`${address} answers`, () => lab.a.run("ping", "-c", "1", "-W", "2", address).status === 0, 60_000);
  type Pair = Awaited<ReturnType<typeof pair>>;
  const up = ({ a, b }: Pair) =>
    until(
      "both ends have addresses",
      () => [a, b].every(({ made }) => made.addresses?.some(({ peer }) => peer !== undefined)),
      60_000,
    );
  const end = ({ a, b }: Pair) => Promise.all([a.made.remove(false), b.made.remove(false)]);

  describe("PPPoL2TP sockets", () => {
    test("what PPP needs is found here", () => {
      expect(probePpp().features.map(({ using }) => using)).toEqual([
        "PPPoL2TP and /dev/ppp",
        "PPPoL2TP bridged to PPPoE",
        "plugin pppol2tp.so",
      ]);
    });

    for (const kind of [
      { version: 2, encapsulation: "udp", family: 4 },
      { version: 2, encapsulation: "udp", family: 6 },
      { version: 3, encapsulation: "udp", family: 4 },
      { version: 3, encapsulation: "ip", family: 6 },
    ] as const satisfies readonly LabTunnelKind[]) {
      test(`L2TPv${kind.version} over ${kind.encapsulation} and IPv${kind.family}: options, statistics, errors`, async () => {
        const tunnel = await lab.tunnel(kind);
        const { a } = lab;
        const socketOf = (sessionId: number) =>
          a.namespace.run(() =>
            Pppol2tpSocket.session(tunnel.a, { sessionId, peerSessionId: sessionId + 1 }),
          );
        const one = socketOf(11);
        const { tunnelId, peerTunnelId } = tunnel.a;
        expect(one.address()).toMatchObject({ version: kind.version, tunnelId, peerTunnelId, sessionId: 11 });
        for (const option of ["sendSequence", "receiveSequence", "lnsMode"] as const) {
          expect(one.get(option)).toBe(0);
          one.set(option, 1);
          expect(one.get(option)).toBe(1);
          expect(await codeOf(() => one.set(option, 2))).toMatch(/^invalid-parameters: .*expected 0 or 1/);
        }
        // In ticks of the kernel's clock, of 4 ms or 10.
        one.set("reorderMs", 400);
        expect(one.get("reorderMs")).toBe(400);
        expect(await codeOf(() => one.set("reorderMs", -1))).toMatch(/^invalid-parameters/);
        const seen = await a.kernel.run(getSession(a.kernel.family, tunnelId, 11));
        expect(seen).toMatchObject({ SEND_SEQ: 1, RECV_SEQ: 1, LNS_MODE: 1, RECV_TIMEOUT: 400 });
        // A frame written to the socket is a message sent.
        sys.send(one.fd, Uint8Array.of(0xc0, 0x21, 9, 1, 0, 4));
        expect(one.statistics()).toMatchObject({ txPackets: 1, txErrors: 0, rxPackets: 0 });

        const manager = a.namespace.run(() => Pppol2tpSocket.management(tunnel.a));
        expect(manager.statistics(11)).toEqual(one.statistics());
        expect(await codeOf(() => manager.statistics(12))).toMatch(/^closed: .*no session 12/);
        expect(await codeOf(() => manager.get("sendSequence"))).toMatch(/^unsupported: .*"debug" only/);
        manager.set("debug", 1);

        expect(await codeOf(() => socketOf(11))).toMatch(/^id-in-use: .*has a PPPoL2TP socket already/);
        const gone = { ...tunnel.a, tunnelId: 9 };
        const none = () => Pppol2tpSocket.session(gone, { sessionId: 1, peerSessionId: 1 });
        expect(await codeOf(() => a.namespace.run(none))).toMatch(/^closed: .*not in the kernel/);
        if (kind.version === 3) {
          await a.kernel.run(
            createSession(a.kernel.family, {
              CONN_ID: tunnelId,
              SESSION_ID: 15,
              PEER_SESSION_ID: 16,
              PW_TYPE: PWTYPE.eth,
              L2SPEC_TYPE: L2SPEC.none,
            }),
          );
          expect(await codeOf(() => socketOf(15))).toMatch(/^id-in-use: .*something else than PPP/);
        }
        manager.close();
        one.close();
        expect(await codeOf(() => one.statistics())).toMatch(/^closed/);
        await tunnel.remove();
      });
    }
  });

  describe("sessions with pppd", () => {
    const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const peerCookie = Uint8Array.of(9, 9, 9, 9);
    const KINDS: readonly (readonly [LabTunnelKind, Partial<SessionPlaneParameters>, string])[] = [
      [{ version: 2, encapsulation: "udp", family: 4 }, {}, "plain"],
      [
        { version: 2, encapsulation: "udp", family: 6 },
        { sendSequence: true, receiveSequence: true },
        "sequencing on",
      ],
      [
        { version: 3, encapsulation: "udp", family: 6 },
        { cookie, peerCookie, sendSequence: true, receiveSequence: true },
        "cookies, sequencing on",
      ],
      [
        { version: 3, encapsulation: "ip", family: 4 },
        { cookie, l2SpecificSublayer: "none" },
        "cookie, no sublayer",
      ],
    ];
    for (const [index, [kind, more, what]] of KINDS.entries()) {
      test(`L2TPv${kind.version} over ${kind.encapsulation} and IPv${kind.family} carries pings: ${what}`, async () => {
        const before = descriptors();
        const n = 20 + index * 2;
        const tunnel = await lab.tunnel(kind);
        const both = await pair(tunnel, n, more);
        await up(both);
        const { a, b } = both;
        expect(a.made.interfaceName).toMatch(/^ppp\d+$/);
        expect(a.host.told.addresses.at(-1)).toContainEqual({
          address: `10.${n}.0.1`,
          prefixLength: 32,
          peer: `10.${n}.0.2`,
        });
        await answers(`10.${n}.0.2`);
        const options = ["-c", "3", "-i", "0.3", "-W", "5", "-M", "do"];
        for (const octets of [0, 1400 - 28]) {
          const ping = lab.a.run("ping", ...options, "-s", String(octets), `10.${n}.0.2`);
          expect(ping.stdout + ping.stderr).toContain("3 received");
        }
        expect(lab.a.run("ping", ...options, "-s", String(1400 - 27), `10.${n}.0.2`).status).not.toBe(0);
        const { kernel } = lab.a;
        const read = async (side: "a" | "b", sessionId: number) =>
          (await lab[side].kernel.run(getSession(kernel.family, tunnel[side].tunnelId, sessionId))).STATS;
        // Whoever has IPv6 solicits routers at times: then what B has counted is not of the moment of A's counters.
        await until("both ends have counted the same", async () => {
          const [atA, atB] = [await read("a", n), await read("b", n + 1)];
          return atA?.TX_PACKETS === atB?.RX_PACKETS && atA?.TX_BYTES === atB?.RX_BYTES;
        });
        expect(Number((await read("a", n))?.TX_PACKETS)).toBeGreaterThan(6);
        const atB = await read("b", n + 1);
        expect([atB?.RX_ERRORS, atB?.RX_SEQ_DISCARDS]).toEqual([0, 0]);
        expect(a.host.told.descriptors).toBe(3);
        await end(both);
        expect(lab.a.has(a.made.interfaceName as string)).toBe(false);
        const left = await kernel.run(dumpSessions(kernel.family));
        expect(left.filter(({ CONN_ID }) => CONN_ID === tunnel.a.tunnelId)).toEqual([]);
        expect([a.host.told.lost, b.host.told.lost]).toEqual([[], []]);
        expect(a.host.told.descriptors).toBe(0);
        await tunnel.remove();
        await until("descriptors are closed", () => descriptors() <= before);
      }, 180_000);
    }

    test("pppd reads words as they were meant, and the descriptors' limit comes before anything is made", async () => {
      const words = ["name", String.raw`Jane "x" \ # $A 'y'`, "remotename", "a  b"];
      writeFileSync("/tmp/ppp-words", pppd.formatPppdOptions([...words, "noauth"]));
      const { stderr } = lab.a.run("pppd", "notty", "file", "/tmp/ppp-words", "dryrun", "dump", "logfd", "2");
      // pppd shows quotes and backslashes with a backslash before them.
      const [, name = "", , remotename = ""] = words.map((word) => word.replace(/["\\]/g, "\\$&"));
      expect(stderr).toContain(`name ${name}\t`);
      expect(stderr).toContain(`remotename ${remotename}\t`);

      const tunnel = await lab.tunnel({ version: 2, encapsulation: "udp", family: 4 });
      for (const pseudowire of ["ppp", "pppac"] as const) {
        const host = lab.a.host(tunnel.a);
        const full = {
          ...host,
          descriptors: {
            take: (count: number) => {
              throw new PlaneError("limit", `${count} more`);
            },
            release: host.descriptors.release,
          },
        };
        const parameters = session(2, { sessionId: 55, peerSessionId: 56 }, { pseudowire, pppoe: PPPOE });
        const create = pseudowire === "ppp" ? createPppdSession : createPppacSession;
        expect(await codeOf(() => create(full, parameters))).toBe(
          `limit: ${pseudowire === "ppp" ? 3 : 4} more`,
        );
        expect(host.told.descriptors).toBe(0);
      }
      const { kernel } = lab.a;
      const left = await kernel.run(dumpSessions(kernel.family));
      expect(left.filter(({ SESSION_ID }) => SESSION_ID === 55)).toEqual([]);
      await tunnel.remove();
    });

    test("pppd that is killed is told with its cause, and nothing of the session is left", async () => {
      const tunnel = await lab.tunnel({ version: 2, encapsulation: "udp", family: 4 });
      const both = await pair(tunnel, 40);
      await up(both);
      const { a } = both;
      const [pid] = lab.a.run("pgrep", "-f", `pppol2tp_session_id 40 `).stdout.split("\n");
      process.kill(Number(pid), "SIGKILL");
      await until("the end is told", () => a.host.told.lost.length > 0);
      expect(a.host.told.lost[0]).toMatch(/^pppd was killed by SIGKILL/);
      // The peer's pppd is told to end by its own side.
      await end(both);
      expect(lab.a.has(a.made.interfaceName as string)).toBe(false);
      await tunnel.remove();
    }, 180_000);

    test("wrong options are the caller's, in pppd's words; secrets are in neither log nor arguments", async () => {
      const tunnel = await lab.tunnel({ version: 2, encapsulation: "udp", family: 4 });
      const file = "/tmp/ppp-options";
      writeFileSync(
        file,
        "# for tests\nnoauth  # no secrets here\nname 'a b'\npassword geheim99 no-such-option\n",
      );
      const parameters = session(2, { sessionId: 50, peerSessionId: 51 }, { ppp: { optionsFile: file } });
      const host = lab.a.host(tunnel.a);
      const code = await codeOf(() => createPppdSession(host, parameters));
      expect(code).toMatch(/^invalid-parameters: .*code 2.*unrecognized option 'no-such-option'/);
      expect(code + host.told.lines.join()).not.toContain("geheim99");
      const { kernel } = lab.a;
      const left = await kernel.run(dumpSessions(kernel.family));
      expect(left.filter(({ SESSION_ID }) => SESSION_ID === 50)).toEqual([]);
      const missing = session(2, { sessionId: 50, peerSessionId: 51 }, { ppp: { optionsFile: "/nowhere" } });
      expect(await codeOf(() => createPppdSession(host, missing))).toMatch(
        /^invalid-parameters: .*\/nowhere/,
      );
      const device = session(2, { sessionId: 50, peerSessionId: 51 }, { ppp: { optionsFile: "/dev/null" } });
      expect(await codeOf(() => createPppdSession(host, device))).toMatch(
        /^invalid-parameters: .*not a plain/,
      );
      expect(host.told.descriptors).toBe(0);
      await tunnel.remove();
    }, 120_000);

    test("a deleted tunnel tells nobody, and its sessions are closed quickly all the same; pppd's log names its interface", async () => {
      const tunnel = await lab.tunnel({ version: 3, encapsulation: "udp", family: 4 });
      const host = lab.a.host(tunnel.a);
      const parameters = session(
        3,
        { sessionId: 60, peerSessionId: 61 },
        { interface: { name: "wan60" }, ppp: { options: QUIET } },
      );
      const made = await createPppdSession(host, parameters);
      await until("it is renamed", () => made.interfaceName === "wan60");
      const { kernel } = lab.a;
      expect(lab.a.run("ip", "l2tp", "del", "tunnel", "tunnel_id", String(tunnel.a.tunnelId)).status).toBe(0);
      await until(
        "the kernel has no session",
        async () => (await kernel.run(dumpSessions(kernel.family))).length === 0,
      );
      expect(host.told.lost).toEqual([]);
      const start = performance.now();
      await made.remove(true);
      expect(performance.now() - start).toBeLessThan(6000);
      expect(lab.a.has("wan60")).toBe(false);
      await tunnel.remove();
    }, 120_000);

    test("a deleted interface ends the session", async () => {
      const tunnel = await lab.tunnel({ version: 2, encapsulation: "udp", family: 4 });
      const host = lab.a.host(tunnel.a);
      const made = await createPppdSession(
        host,
        session(2, { sessionId: 70, peerSessionId: 71 }, { ppp: { options: QUIET } }),
      );
      await lab.a.kernel.route.run(link.remove({ name: made.interfaceName as string }));
      await until("the end is told", () => host.told.lost.length > 0);
      expect(host.told.lost[0]).toMatch(/code 16|was deleted|pppd ended/);
      await made.remove(false);
      await tunnel.remove();
    }, 120_000);
  });

  test("pppd does not outlive a process that is killed", async () => {
    const tunnel = await lab.tunnel({ version: 2, encapsulation: "udp", family: 4 });
    const child = spawn(process.execPath, [process.argv[1] as string], {
      env: { ...process.env, L2TP_PPP_CHILD: JSON.stringify(tunnel.a) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    // A whole Node.js has to start first, in an emulated machine.
    await until("it has its session", () => /interface \w+\n/.test(said), 150_000);
    const name = /interface (\w+)/.exec(said)?.[1] as string;
    expect(lab.a.has(name)).toBe(true);
    child.kill("SIGKILL");
    await until("pppd is gone with its interface", () => !lab.a.has(name));
    const { kernel } = lab.a;
    await until("the kernel has no session", async () => {
      const left = await kernel.run(dumpSessions(kernel.family));
      return left.every(({ SESSION_ID }) => SESSION_ID !== 90);
    });
    await tunnel.remove();
  }, 240_000);

  describe("on the data plane", () => {
    test("addresses, statistics, sequencing and losses are told as of any session", async () => {
      const lines: string[] = [];
      const log = (line: string) => void lines.push(line);
      const plane = await LinuxDataPlane.create({ reconcileMs: 500, stateDirectory: false, log });
      expect(plane.capabilities.pseudowires).toEqual(["eth", "ppp", "pppac"]);
      const notices: PlaneNotice[] = [];
      const open = async (side: "a" | "b") => {
        const local = { family: 4, address: ADDRESSES[side][4], port: 1701 } as const;
        const namespace = `/run/netns/${lab[side].name}`;
        const wire = await plane.open({ encapsulation: "udp", local, namespace }, () => {});
        void (async () => {
          for await (const notice of wire.notices) if (side === "a") notices.push(notice);
        })();
        return wire;
      };
      const wires = { a: await open("a"), b: await open("b") };
      const peerOf = { a: "b", b: "a" } as const;
      const ids = { a: 901, b: 902 };
      const tunnelOf = (side: "a" | "b") =>
        wires[side].createTunnel({
          version: 2,
          tunnelId: ids[side],
          peerTunnelId: ids[peerOf[side]],
          local: ADDRESSES[side][4],
          peer: { family: 4, address: ADDRESSES[peerOf[side]][4], port: 1701 },
        });
      const tunnels = { a: await tunnelOf("a"), b: await tunnelOf("b") };
      const sessionOf = (side: "a" | "b", address: string) =>
        tunnels[side].createSession(
          session(2, { sessionId: 5, peerSessionId: 5 }, { ppp: { options: [...QUIET, address] } }),
        );
      const both = await Promise.all([
        sessionOf("a", "10.90.0.1:10.90.0.2"),
        sessionOf("b", "10.90.0.2:10.90.0.1"),
      ]);
      const [a] = both;
      const negotiated = () =>
        both.every(({ addresses }) => addresses?.some(({ address }) => address.startsWith("10.90.0.")));
      await until("addresses are negotiated", negotiated, 60_000);
      const told = notices.find((notice) => notice.type === "session-addresses");
      expect(told).toMatchObject({ tunnelId: 901, sessionId: 5, interfaceName: a.interfaceName });
      expect(a.addresses).toContainEqual({ address: "10.90.0.1", prefixLength: 32, peer: "10.90.0.2" });
      await answers("10.90.0.2");
      expect(lab.a.run("ping", "-c", "2", "-i", "0.3", "10.90.0.2").stdout).toContain("2 received");
      const before = await a.statistics();
      expect(before.txPackets).toBeGreaterThan(4);
      await a.update({ sendSequence: true, receiveSequence: false, reorderMs: 100, mtuOctets: 1300 });
      expect(a.mtuOctets).toBe(1300);
      expect(lab.a.run("ping", "-c", "2", "-i", "0.3", "10.90.0.2").stdout).toContain("2 received");
      expect(lines.some((line) => line.startsWith("tunnel 901, session 5: pppd: Using interface ppp"))).toBe(
        true,
      );

      // A PPP address of the peer's that is its address outside would wrap each packet again and again.
      const looping = await tunnels.a.createSession(
        session(
          2,
          { sessionId: 6, peerSessionId: 6 },
          { ppp: { options: [...QUIET, `10.91.0.1:${ADDRESSES.b[4]}`] } },
        ),
      );
      await tunnels.b.createSession(
        session(
          2,
          { sessionId: 6, peerSessionId: 6 },
          { ppp: { options: [...QUIET, `${ADDRESSES.b[4]}:10.91.0.1`] } },
        ),
      );
      const ofLoop = () => notices.find((notice) => notice.type === "session-lost" && notice.sessionId === 6);
      await until("the loop is told", () => ofLoop() !== undefined, 60_000);
      expect(ofLoop()).toMatchObject({
        reason: expect.stringMatching(/10\.77\.0\.2 would lead through ppp\d+ itself/),
      });
      await until("its interface is gone", () => !lab.a.has(looping.interfaceName ?? "ppp1"));
      expect(lab.a.run("ping", "-c", "1", "10.90.0.2").stdout).toContain("1 received");

      const joined = session(2, { sessionId: 7, peerSessionId: 7 }, { pseudowire: "pppac", pppoe: PPPOE });
      const pppac = await tunnels.a.createSession(joined);
      const pppoe = () => lab.a.run("cat", "/proc/net/pppoe").stdout;
      expect(pppoe()).toMatch(/00000900 +02:00:00:00:77:02 +wire/);
      expect(pppac.interfaceName).toBeUndefined();
      expect(await codeOf(() => tunnels.a.createSession({ ...joined, sessionId: 8 }))).toMatch(
        /^id-in-use: .*PPPoE/,
      );
      expect(await pppac.statistics()).toMatchObject({ txPackets: 0, rxPackets: 0 });
      await pppac[Symbol.asyncDispose]();
      expect(pppoe()).not.toContain("wire");

      // Deleted by another: the kernel says nothing to the session's descriptors.
      const name = a.interfaceName as string;
      expect(lab.a.run("ip", "l2tp", "del", "tunnel", "tunnel_id", "901").status).toBe(0);
      await until("the loss is told", () => notices.some(({ type }) => type === "tunnel-lost"));
      await until("pppd is gone", () => !lab.a.has(name));
      expect(await codeOf(() => a.statistics())).toMatch(/^closed/);
      await plane[Symbol.asyncDispose]();
      const { kernel } = lab.b;
      expect(await kernel.run(dumpSessions(kernel.family))).toEqual([]);
    }, 240_000);
  });

  describe("PPPoE joined to L2TP", () => {
    const pppac = (sessionId: number, pppoeId: number, side: "a" | "b", device = "wire") =>
      session(
        2,
        { sessionId, peerSessionId: sessionId },
        {
          pseudowire: "pppac",
          pppoe: { sessionId: pppoeId, peerMac: MACS[side === "a" ? "b" : "a"], device },
        },
      );

    /** A plain PPPoE socket, as a subscriber has one. */
    const subscriber = (side: "a" | "b", pppoeId: number): Fd =>
      lab[side].namespace.run(() => {
        const fd = sys.socket(24, 1, 0, "PPPoE");
        const address = encodePppoxAddress({
          family: "pppoe",
          sessionId: pppoeId,
          peerMac: MACS[side === "a" ? "b" : "a"],
          device: "wire",
        });
        sys.connect(fd, address, "PPPoE");
        return fd;
      });

    test("frames pass from PPPoE to L2TP and back; the end of either is told", async () => {
      // At A a concentrator joins PPPoE session 7 (whose subscriber is at B) to an L2TP session that also leads to B.
      const tunnel = await lab.tunnel({ version: 2, encapsulation: "udp", family: 4 });
      const before = descriptors();
      const host = lab.a.host(tunnel.a);
      const made = await createPppacSession(host, pppac(80, 7, "a"));
      expect(host.told.descriptors).toBe(4);
      const l2tp = lab.b.namespace.run(() =>
        Pppol2tpSocket.session(tunnel.b, { sessionId: 80, peerSessionId: 80 }),
      );
      const pppoe = subscriber("b", 7);
      const [upstream, downstream] = [l2tp.fd, pppoe].map((socket) =>
        lab.b.namespace.run(() => {
          const fd = ppp.openPpp();
          ppp.attachChannel(fd, ppp.channelIndex(socket));
          return fd;
        }),
      ) as [Fd, Fd];
      const buffer = new Uint8Array(1600);
      const receive = async (fd: Fd) => {
        let octets = 0;
        await until("a frame comes", () => {
          try {
            octets = sys.read(fd, buffer);
          } catch (error) {
            if ((error as { code?: string }).code !== "EAGAIN") throw error;
          }
          return octets > 0;
        });
        return [...buffer.subarray(0, octets)];
      };
      const echo = [0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4];
      sys.write(downstream, Uint8Array.from(echo));
      expect(await receive(upstream)).toEqual(echo);
      sys.write(upstream, Uint8Array.from([...echo, 5]));
      expect(await receive(downstream)).toEqual([...echo, 5]);
      const { kernel } = lab.a;
      const seen = await kernel.run(getSession(kernel.family, tunnel.a.tunnelId, 80));
      expect([seen.STATS?.TX_PACKETS, seen.STATS?.RX_PACKETS].map(Number)).toEqual([1, 1]);
      expect(host.told.lost).toEqual([]);

      // Another session cannot have the same PPPoE session, and nothing is left of the attempt.
      const second = lab.a.host(tunnel.a);
      expect(await codeOf(() => createPppacSession(second, pppac(81, 7, "a")))).toMatch(
        /^id-in-use: .*PPPoE session 7/,
      );
      expect(await codeOf(() => createPppacSession(second, pppac(81, 8, "a", "nodev")))).toMatch(
        /^invalid-parameters: .*no interface nodev/,
      );
      expect(second.told.descriptors).toBe(0);

      // Nor has the attempt harmed the one that has it.
      sys.write(downstream, Uint8Array.from(echo));
      expect(await receive(upstream)).toEqual(echo);
      sys.write(upstream, Uint8Array.from(echo));
      expect(await receive(downstream)).toEqual(echo);

      // The subscriber hangs up.
      lab.b.namespace.run(() => terminatePppoe(7));
      await until("the end is told", () => host.told.lost.length > 0);
      expect(host.told.lost[0]).toMatch(/PPPoE session 7 has ended/);
      await made.remove(false);
      expect(
        (await kernel.run(dumpSessions(kernel.family))).filter(({ SESSION_ID }) => SESSION_ID === 80),
      ).toEqual([]);
      for (const fd of [upstream, downstream, pppoe]) sys.close(fd);
      l2tp.close();
      await tunnel.remove();
      await until("descriptors are closed", () => descriptors() <= before);
    }, 120_000);
  });
}

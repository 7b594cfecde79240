import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type {
  DataPlane,
  PlaneNotice,
  SessionPlane,
  SessionPlaneParameters,
  TunnelPlane,
} from "@l2tp/dataplane";
import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";
import { CABLE, type Host, Lab, until } from "@l2tp/lab";
import type { L2tpVersion } from "@l2tp/protocol";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { sessionParameters } from "../../../packages/dataplane-userspace/test/support/pair.ts";

const PATIENCE_MS = 120_000;
const QUIET = ["noauth", "nodefaultroute", "noipdefault", "lcp-echo-interval", "0", "noipv6"];
const INNER = { a: "10.98.0.1", b: "10.98.0.2" };
/** Names the network namespace of the process that is killed. */
const CHILD = "L2TP_PTY_CHILD";
/** Octets that asynchronous framing must escape: flag, escape, control characters. */
const AWKWARD = "7e7d00117d5e13ff037e0d0a";

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "none",
    (error: { code?: unknown; message?: string }) => `${error.code}: ${error.message}`,
  );

/** The processes pppd on a terminal, by their IDs. */
function pppdsOnTerminals(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return (words[0] ?? "").endsWith("pppd") && words.includes("nocrtscts");
      } catch {
        return false; // It has just ended.
      }
    })
    .map(Number);
}

const descriptors = () => readdirSync("/proc/self/fd").length;

/** One end: a data plane with a tunnel. */
class End implements AsyncDisposable {
  readonly host: Host;
  readonly plane: DataPlane;
  readonly tunnel: TunnelPlane;
  readonly notices: PlaneNotice[] = [];

  private constructor(host: Host, plane: DataPlane, tunnel: TunnelPlane) {
    this.host = host;
    this.plane = plane;
    this.tunnel = tunnel;
  }

  static async open(host: Host, other: Host, plane: DataPlane, version: L2tpVersion): Promise<End> {
    const local = host.socketAddress(4, 1701);
    const wire = await plane.open({ encapsulation: "udp", local, namespace: host.path }, () => {});
    const tunnel = await wire.createTunnel({
      version,
      tunnelId: host.number,
      peerTunnelId: other.number,
      peer: other.socketAddress(4, 1701),
    });
    const end = new End(host, plane, tunnel);
    void (async () => {
      for await (const notice of wire.notices) end.notices.push(notice);
    })();
    return end;
  }

  session(other: Host, options: readonly string[], more: Partial<SessionPlaneParameters> = {}) {
    return this.tunnel.createSession(
      sessionParameters({
        pseudowire: "ppp",
        sessionId: this.host.number * 16,
        peerSessionId: other.number * 16,
        ppp: { options: [...QUIET, ...options] },
        ...more,
      }),
    );
  }

  get lost(): string[] {
    return this.notices.flatMap((notice) => (notice.type === "session-lost" ? [notice.reason] : []));
  }

  ping(to: string, octets: number): Promise<{ code: number; output: string }> {
    const patient = ["-c", "2", "-i", "0.2", "-W", "20"];
    return this.host.execute("ping", ...patient, "-s", String(octets - 28), "-p", AWKWARD, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.plane[Symbol.asyncDispose]();
  }
}

/** In a process of its own, to be killed: makes a session and stays. */
function childSuite({ test }: SuiteApi, namespace: string): void {
  test("stays until it is killed", async () => {
    const plane = new UserspaceDataPlane();
    const local = { family: 4, address: "10.99.0.1", port: 1801 } as const;
    const wire = await plane.open({ encapsulation: "udp", local, namespace }, () => {});
    const peer = { family: 4, address: "10.99.0.2", port: 1801 } as const;
    const tunnel = await wire.createTunnel({ version: 2, tunnelId: 9, peerTunnelId: 9, peer });
    const session = await tunnel.createSession(
      sessionParameters({ pseudowire: "ppp", ppp: { options: QUIET } }),
    );
    process.stdout.write(`interface ${session.interfaceName}\n`);
    await new Promise(() => {});
  });
}

export default function suite(api: SuiteApi): void {
  const child = process.env[CHILD];
  if (child !== undefined) childSuite(api, child);
  else parentSuite(api);
}

function parentSuite({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  let lab: Lab;
  /** Of the test that runs. */
  const ends: End[] = [];
  beforeAll(async () => {
    lab = new Lab();
  });
  afterAll(() => lab[Symbol.dispose]());

  const closeAll = async () => {
    await Promise.all(ends.splice(0).map((end) => end[Symbol.asyncDispose]()));
  };

  /** Both ends, with addresses; the first on a pseudo-terminal. What an earlier test left behind is closed. */
  async function pair(
    other: DataPlane,
    version: L2tpVersion,
    more: { a?: Partial<SessionPlaneParameters>; b?: Partial<SessionPlaneParameters> } = {},
  ) {
    await closeAll();
    const lines: string[] = [];
    const plane = new UserspaceDataPlane({ log: (line) => lines.push(line) });
    const [a, b] = await Promise.all([
      End.open(lab.a, lab.b, plane, version),
      End.open(lab.b, lab.a, other, version),
    ]);
    ends.push(a, b);
    const make = () =>
      Promise.all([
        a.session(lab.b, [`${INNER.a}:${INNER.b}`], more.a),
        b.session(lab.a, [`${INNER.b}:${INNER.a}`], more.b),
      ]);
    const up = (sessions: readonly SessionPlane[]) =>
      until(
        () => sessions.every(({ addresses }) => addresses?.some(({ peer }) => peer !== undefined)),
        "both ends have addresses",
        PATIENCE_MS,
      );
    const sessions = await make();
    await up(sessions);
    return { a, b, lines, sessions, make, up };
  }
  const carries = async ({ a, b }: { a: End; b: End }) => {
    for (const octets of [84, 1000, 1400]) {
      const results = await Promise.all([a.ping(INNER.b, octets), b.ping(INNER.a, octets)]);
      for (const { code, output } of results)
        expect(`${octets} octets: ${code === 0 ? "ok" : output}`).toBe(`${octets} octets: ok`);
    }
  };
  const interfaces = (host: Host) =>
    host
      .run(() => readdirSync("/proc/sys/net/ipv4/conf"))
      .filter((name) => !["all", "default"].includes(name));

  test("this kernel has what it takes, and the data plane says so", async () => {
    await using plane = new UserspaceDataPlane();
    expect(plane.capabilities.pppd).toBe("pty");
    expect(plane.status().features.find(({ feature }) => feature === "pppd")).toEqual({
      feature: "pppd",
      using: "on a pseudo-terminal",
    });
  });

  describe("a session", () => {
    test("L2TPv2 against the kernel's: pings both ways, name, MTU, addresses, statistics; each end hangs up", async () => {
      const { a, b, lines, sessions, make, up } = await pair(
        await LinuxDataPlane.create({ stateDirectory: false }),
        2,
        {
          a: { interface: { name: "wan0" }, sendSequence: true },
        },
      );
      const [one] = sessions;
      expect(one.interfaceName).toBe("wan0");
      expect(one.addresses).toEqual([{ address: INNER.a, prefixLength: 32, peer: INNER.b }]);
      const addressed = a.notices.filter(({ type }) => type === "session-addresses");
      expect(addressed.at(-1)).toMatchObject({ interfaceName: "wan0", addresses: one.addresses });
      await carries({ a, b });
      // Of 1500: IPv4, UDP, an L2TPv2 header with sequence numbers, FF 03 and the protocol.
      expect(one.mtuOctets).toBe(1500 - 20 - 8 - 10 - 4);
      expect((await lab.a.execute("ip", "link", "show", "wan0")).output).toContain(`mtu ${one.mtuOctets}`);
      await one.update({ mtuOctets: 1300 });
      expect((await lab.a.execute("ip", "link", "show", "wan0")).output).toContain("mtu 1300");
      const counted = await one.statistics();
      expect(counted).toMatchObject({ rxErrors: 0, txErrors: 0 });
      expect(counted.rxPackets > 12 && counted.txPackets > 12).toBe(true);
      expect(lines.some((line) => /^tunnel 1, session 16: pppd: Using interface/.test(line))).toBe(true);

      await one[Symbol.asyncDispose]();
      expect(await codeOf(one.statistics())).toMatch(/^closed/);
      await until(() => b.lost.length === 1, "the kernel's end is told", PATIENCE_MS);
      expect(b.lost[0]).toMatch(/terminated|peer's request|Modem hangup|hung up/i);
      expect(interfaces(lab.a)).not.toContain("wan0");

      const again = await make();
      await up(again);
      await again[1][Symbol.asyncDispose]();
      await until(() => a.lost.length === 1, "our end is told", PATIENCE_MS);
      expect(a.lost[0]).toMatch(/^pppd ended with code \d+: .*it said last:/);
      await closeAll();
      expect(pppdsOnTerminals()).toEqual([]);
    }, 400_000);

    test("L2TPv3 with cookies and sequencing, both on terminals; pppd is killed", async () => {
      await closeAll();
      const before = descriptors();
      const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
      const common = { l2SpecificSublayer: "default", sendSequence: true, receiveSequence: true } as const;
      const { a, b, sessions } = await pair(new UserspaceDataPlane(), 3, {
        a: { ...common, cookie },
        b: { ...common, peerCookie: cookie },
      });
      await carries({ a, b });
      expect(await sessions[0].statistics()).toMatchObject({ rxErrors: 0, rxSeqDiscards: 0 });
      const pids = pppdsOnTerminals();
      expect(pids).toHaveLength(2);
      for (const pid of pids) process.kill(pid, "SIGKILL");
      await until(() => a.lost.length + b.lost.length === 2, "both ends are told", PATIENCE_MS);
      expect([...a.lost, ...b.lost].map((reason) => /^pppd was killed by SIGKILL/.test(reason))).toEqual([
        true,
        true,
      ]);
      await closeAll();
      // The reactor's own, which the first test has opened already, stay; some are closed a little later.
      await until(() => descriptors() <= before, "descriptors are closed", PATIENCE_MS);
      expect(interfaces(lab.a)).toEqual([CABLE, "lo"]);
    }, 400_000);

    test("wrong options are told in pppd's words, and nothing is left", async () => {
      await closeAll();
      const plane = new UserspaceDataPlane();
      await using end = await End.open(lab.a, lab.b, plane, 2);
      expect(await codeOf(end.session(lab.b, ["no-such-option"]))).toMatch(
        /^invalid-parameters: tunnel 1, session 16: pppd ended with code 2.*no-such-option/,
      );
      expect(await codeOf(end.session(lab.b, [], { interface: { bridge: "br0" } }))).toMatch(
        /^invalid-parameters: tunnel 1, session 16: .*joins no bridge/,
      );
      // The ID is free again.
      const session = await end.session(lab.b, []);
      expect(session.interfaceName).toMatch(/^ppp\d+$/);
    }, 100_000);
  });

  test("pppd does not outlive a process that is killed", async () => {
    const env = { ...process.env, [CHILD]: lab.a.path };
    const child = spawn(process.execPath, [process.argv[1] as string], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (text: Buffer) => {
      said += text.toString();
    });
    await until(() => /interface \w+\n/.test(said), "it has its session", 150_000);
    expect(pppdsOnTerminals()).toHaveLength(1);
    child.kill("SIGKILL");
    await until(() => pppdsOnTerminals().length === 0, "pppd is gone", PATIENCE_MS);
    await until(() => interfaces(lab.a).length === 2, "its interface is gone", PATIENCE_MS);
  }, 300_000);
}

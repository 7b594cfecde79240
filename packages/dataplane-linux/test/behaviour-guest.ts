/** What the kit does not ask: losses, crashes, other programs, many peers, limits, errors; in the virtual machine. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { PlaneError, PlaneNotice, SessionPlaneParameters, Wire } from "@l2tp/dataplane";
import { LinuxDataPlane, type LinuxOptions, probeLinux } from "@l2tp/dataplane-linux";
import { FrameSocket, type Host, Lab, Stranger, until } from "@l2tp/lab";
import { abi, address, link, sys } from "@l2tp/linux";
import type { Encapsulation, SocketAddress } from "@l2tp/protocol";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";

const PATIENCE_MS = 50_000;
const eventually = (condition: () => boolean | Promise<boolean>, what: string) =>
  until(condition, what, PATIENCE_MS);

let lastId = 0x3000;
const freshId = () => ++lastId;

function session(wish: Partial<SessionPlaneParameters> = {}): SessionPlaneParameters {
  return {
    name: "test",
    pseudowire: "eth",
    sessionId: freshId(),
    peerSessionId: freshId(),
    cookie: new Uint8Array(),
    peerCookie: new Uint8Array(),
    l2SpecificSublayer: "none",
    sendSequence: false,
    receiveSequence: false,
    reorderMs: 0,
    ...wish,
  };
}

/** A message of control connection `id` with the T bit and the number `n`. */
function control(id: number, n: number): Uint8Array {
  const out = new Uint8Array(20);
  out.set([0xc8, 0x03, 0, 20]);
  new DataView(out.buffer).setUint32(4, id);
  new DataView(out.buffer).setUint32(8, n);
  return out;
}
const numberOf = (datagram: Uint8Array) => new DataView(datagram.buffer, datagram.byteOffset).getUint32(8);

/** The refusal of a call. */
async function refusal(call: () => Promise<unknown>): Promise<PlaneError> {
  try {
    await call();
  } catch (error) {
    return error as PlaneError;
  }
  throw new Error("it was accepted");
}

interface Open {
  readonly wire: Wire;
  readonly notices: PlaneNotice[];
  readonly control: { from: SocketAddress; to: string; n: number }[];
}

/** What a test has open, closed at its end. */
class Bench {
  readonly lab = new Lab();
  readonly #planes: LinuxDataPlane[] = [];
  readonly #others: (() => unknown)[] = [];

  async plane(options: LinuxOptions = {}): Promise<LinuxDataPlane> {
    const plane = await LinuxDataPlane.create({ stateDirectory: false, ...options });
    this.#planes.push(plane);
    return plane;
  }

  async open(
    plane: LinuxDataPlane,
    host: Host,
    {
      encapsulation = "udp",
      local = {},
    }: { encapsulation?: Encapsulation; local?: Partial<SocketAddress> } = {},
  ): Promise<Open> {
    const control: Open["control"] = [];
    const at = { family: 4, address: host.address(4), port: 0, ...local } as const;
    const wire = await plane.open(
      { encapsulation, local: at, namespace: host.path },
      ({ from, to, datagram }) => control.push({ from, to, n: numberOf(datagram) }),
    );
    const notices: PlaneNotice[] = [];
    void (async () => {
      for await (const notice of wire.notices) notices.push(notice);
    })();
    return { wire, notices, control };
  }

  stranger(host: Host, index = 1, port = 0): Stranger {
    const stranger = new Stranger(host, "udp", { family: 4, address: host.address(4, index), port });
    this.#others.push(() => stranger[Symbol.asyncDispose]());
    return stranger;
  }

  frames(host: Host, name: string | undefined): FrameSocket {
    const socket = new FrameSocket(host, name as string);
    this.#others.push(() => socket[Symbol.asyncDispose]());
    return socket;
  }

  async close(): Promise<void> {
    for (const other of this.#others.reverse()) await other();
    for (const plane of this.#planes) await plane[Symbol.asyncDispose]();
    this.lab[Symbol.dispose]();
  }
}

const ip = async (host: Host, ...args: string[]): Promise<string> => {
  const { code, output } = await host.execute("ip", ...args);
  if (code !== 0) throw new Error(`ip ${args.join(" ")}: ${output}`);
  return output;
};

/** `tunnels` and `sessions` that the kernel has. */
async function inKernel(host: Host): Promise<[number, number]> {
  const count = (text: string, word: RegExp) => [...text.matchAll(word)].length;
  const tunnels = count(await ip(host, "l2tp", "show", "tunnel"), /^Tunnel /gm);
  const sessions = count(await ip(host, "l2tp", "show", "session"), /^Session /gm);
  return [tunnels, sessions];
}

export default function suite({ describe, test, afterAll }: SuiteApi): void {
  const benches: Bench[] = [];
  const bench = () => {
    const made = new Bench();
    benches.push(made);
    return made;
  };
  afterAll(async () => {
    for (const one of benches) await one.close().catch(() => {});
  });

  describe("what vanishes", () => {
    test("a tunnel that another program deletes is lost, and so are its sessions; its ID is free again", async () => {
      const b = bench();
      const { a } = b.lab;
      const open = await b.open(await b.plane(), a);
      const peer = b.lab.b.socketAddress(4, 1701);
      const ids = { version: 3, tunnelId: freshId(), peerTunnelId: 9, peer } as const;
      const tunnel = await open.wire.createTunnel(ids);
      const one = await tunnel.createSession(session());
      expect(await inKernel(a)).toEqual([1, 1]);
      await ip(a, "l2tp", "del", "tunnel", "tunnel_id", String(ids.tunnelId));
      await eventually(() => open.notices.length > 0, "a notice comes");
      expect(open.notices).toEqual([
        { type: "tunnel-lost", tunnelId: ids.tunnelId, reason: expect.stringMatching(/another program/) },
      ]);
      expect((await refusal(() => tunnel.createSession(session()))).code).toBe("closed");
      expect((await refusal(() => one.statistics())).code).toBe("closed");
      await tunnel[Symbol.asyncDispose]();
      const again = await open.wire.createTunnel(ids);
      await again.createSession(session());
      expect(await inKernel(a)).toEqual([1, 1]);
      await b.close();
    });

    test("what the kernel does not tell of is found by comparing tables", async () => {
      const b = bench();
      const { a } = b.lab;
      const open = await b.open(await b.plane({ reconcileMs: 300 }), a, { encapsulation: "ip" });
      const peer = b.lab.b.socketAddress(4, 0);
      const tunnel = await open.wire.createTunnel({ version: 3, tunnelId: freshId(), peerTunnelId: 9, peer });
      const keeps = await tunnel.createSession(session());
      const goes = await tunnel.createSession(session());
      // Moved to another namespace and back in spirit: the kernel tells of the interface, and the session lives.
      a.netlink(link.set({ name: keeps.interfaceName as string }, { namespace: b.lab.b.namespace.fd }));
      await delay(800);
      expect(open.notices).toEqual([]);
      expect((await keeps.statistics()).rxErrors).toBe(0);
      await ip(
        a,
        "l2tp",
        "del",
        "session",
        "tunnel_id",
        String(tunnel.tunnelId),
        "session_id",
        String(goes.sessionId),
      );
      await eventually(() => open.notices.length > 0, "a notice comes");
      expect(open.notices).toMatchObject([{ type: "session-lost", sessionId: goes.sessionId }]);
      await b.close();
    });

    test("another namespace's tunnel of the same ID is not taken for ours", async () => {
      const b = bench();
      const { a } = b.lab;
      const open = await b.open(await b.plane(), a);
      const peer = b.lab.b.socketAddress(4, 1701);
      const tunnel = await open.wire.createTunnel({ version: 3, tunnelId: 77, peerTunnelId: 9, peer });
      const local = b.lab.b.address(4);
      const at = ["local", local, "remote", a.address(4), "udp_sport", "5000", "udp_dport", "5000"];
      await ip(
        b.lab.b,
        "l2tp",
        "add",
        "tunnel",
        "tunnel_id",
        "77",
        "peer_tunnel_id",
        "5",
        "encap",
        "udp",
        ...at,
      );
      await ip(b.lab.b, "l2tp", "del", "tunnel", "tunnel_id", "77");
      await delay(500);
      expect(open.notices).toEqual([]);
      await tunnel.createSession(session());
      await b.close();
    });
  });

  describe("tunnels of other programs", () => {
    test("an ID that another program has is refused with whose it is, and reservations go around it", async () => {
      const b = bench();
      const { a } = b.lab;
      const open = await b.open(await b.plane(), a);
      const at = [
        "local",
        a.address(4),
        "remote",
        b.lab.b.address(4),
        "udp_sport",
        "5000",
        "udp_dport",
        "5001",
      ];
      await ip(a, "l2tp", "add", "tunnel", "tunnel_id", "99", "peer_tunnel_id", "5", "encap", "udp", ...at);
      const peer = b.lab.b.socketAddress(4, 1701);
      const error = await refusal(() =>
        open.wire.createTunnel({ version: 3, tunnelId: 99, peerTunnelId: 9, peer }),
      );
      expect(error.code).toBe("id-in-use");
      expect(error.message).toMatch(/10\.99\.0\.2/);
      expect(error.message).toMatch(/ip l2tp show tunnel/);
      expect(await inKernel(a)).toEqual([1, 0]);
      const other = await open.wire.createTunnel({ version: 3, tunnelId: 100, peerTunnelId: 9, peer });
      await other.createSession(session({ interface: { name: "taken" } }));
      const again = await refusal(() => other.createSession(session({ interface: { name: "taken" } })));
      expect(again.code).toBe("name-in-use");
      expect(again.message).toMatch(/taken/);
      await b.close();
    });

    test("a port that another program has is refused, and none gets a share of ours", async () => {
      const b = bench();
      const { a } = b.lab;
      const plane = await b.plane();
      const open = await b.open(plane, a);
      await open.wire.createTunnel({
        version: 3,
        tunnelId: freshId(),
        peerTunnelId: 9,
        peer: b.lab.b.socketAddress(4, 1701),
      });
      const { port } = open.wire.local;
      expect((await refusal(() => b.open(plane, a, { local: { port } }))).code).toBe("address-in-use");
      expect(() => {
        const fd = a.run(() => sys.socket(abi.AF_INET, abi.SOCK_DGRAM));
        try {
          sys.setsockoptInt(fd, abi.SOL_SOCKET, abi.SO_REUSEADDR, 1);
          sys.setsockoptInt(fd, abi.SOL_SOCKET, abi.SO_REUSEPORT, 1);
          const name = new Uint8Array([2, 0, port >> 8, port & 0xff, 10, 99, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
          sys.bind(fd, name, "a stranger");
        } finally {
          sys.close(fd);
        }
      }).toThrow(/EADDRINUSE/);
      await b.close();
    });
  });

  describe("control messages", () => {
    test("many peers on one port: each message is handed up once, with its own sender, while tunnels come and go", async () => {
      const b = bench();
      const { a } = b.lab;
      const open = await b.open(await b.plane(), a, { local: { port: 1701 } });
      const peers = Array.from({ length: 12 }, () => b.stranger(b.lab.b));
      const sent: string[] = [];
      let n = 0;
      const shout = () => {
        for (const peer of peers) {
          n++;
          sent.push(`${peer.local.port} ${n}`);
          peer.send(open.wire.local, control(0, n));
        }
      };
      shout();
      const tunnels = [];
      for (const peer of peers.slice(0, 8)) {
        // While one is being made, all talk.
        const making = open.wire.createTunnel({
          version: 3,
          tunnelId: freshId(),
          peerTunnelId: 9,
          peer: peer.local,
        });
        shout();
        tunnels.push(await making);
        shout();
      }
      for (const tunnel of tunnels.slice(0, 4)) {
        const closing = tunnel[Symbol.asyncDispose]();
        shout();
        await closing;
        shout();
      }
      await eventually(() => open.control.length >= sent.length, "all arrive");
      const got = open.control.map(({ from, n: number }) => `${from.port} ${number}`);
      expect(got.sort()).toEqual(sent.sort());
      expect(new Set(open.control.map(({ to }) => to))).toEqual(new Set([a.address(4)]));
      expect((await open.wire.counters()).controlReceived).toBe(sent.length);
      // Answers leave from the address and port that were called, by the tunnel's socket and by the listener.
      for (const [i, tunnel] of tunnels.entries()) {
        const peer = peers[i] as Stranger;
        open.wire.send({ ...(i >= 4 && { tunnel }), to: peer.local, datagram: control(1, i) });
        await eventually(() => peer.received.length > 0, `the answer to peer ${i} arrives`);
      }
      await b.close();
    });

    test("short data for a session that is there is told apart from strays and from control messages", async () => {
      const b = bench();
      const { a } = b.lab;
      const open = await b.open(await b.plane(), a);
      const peer = b.stranger(b.lab.b);
      const tunnel = await open.wire.createTunnel({
        version: 3,
        tunnelId: freshId(),
        peerTunnelId: 9,
        peer: peer.local,
      });
      const one = await tunnel.createSession(session());
      const data = (id: number, octets: number) => {
        const out = new Uint8Array(octets);
        out.set([0, 3, 0, 0, 0, 0, id >> 8, id & 0xff]);
        return out;
      };
      peer.send(open.wire.local, data(one.sessionId, 10));
      peer.send(open.wire.local, data(0x7777, 10));
      peer.send(open.wire.local, data(0x7777, 60));
      peer.send(open.wire.local, control(0, 1));
      // In whichever order: they may come by different sockets.
      await eventually(async () => {
        const { strayData, malformed, controlReceived } = await open.wire.counters();
        return strayData + malformed + controlReceived === 4;
      }, "all are seen");
      expect(await open.wire.counters()).toMatchObject({ strayData: 2, malformed: 1, controlReceived: 1 });
      // From elsewhere, with the right ID: the peer has moved, or somebody pretends; the kernel took none of it.
      const elsewhere = b.stranger(b.lab.b);
      elsewhere.send(open.wire.local, data(one.sessionId, 60));
      await eventually(() => open.notices.some(({ type }) => type === "peer-moved"), "a notice comes");
      expect(open.notices.find(({ type }) => type === "peer-moved")).toMatchObject({ peer: elsewhere.local });
      expect((await one.statistics()).rxPackets).toBe(0);
      await b.close();
    });

    test("over IP a reserved ID is heard before its tunnel is made", async () => {
      const b = bench();
      const { a } = b.lab;
      const plane = await b.plane();
      const mine = await b.open(plane, a, { encapsulation: "ip" });
      const theirs = await b.open(plane, b.lab.b, { encapsulation: "ip" });
      const reservation = await mine.wire.reserveTunnelId(3);
      theirs.wire.send({ to: mine.wire.local, datagram: control(reservation.tunnelId, 1) });
      await eventually(() => mine.control.length === 1, "the message to the reserved ID arrives");
      const { tunnelId } = reservation;
      await mine.wire.createTunnel({ version: 3, tunnelId, peerTunnelId: 9, peer: theirs.wire.local });
      theirs.wire.send({ to: mine.wire.local, datagram: control(tunnelId, 2) });
      theirs.wire.send({ to: mine.wire.local, datagram: control(0, 3) });
      await eventually(() => mine.control.length === 3, "those to the tunnel and to nobody arrive");
      expect(mine.control.map(({ n }) => n).sort()).toEqual([1, 2, 3]);
      await b.close();
    });
  });

  describe("unmanaged tunnels", () => {
    test("carry frames over UDP and IP, IPv4 and IPv6, without a descriptor", async () => {
      const b = bench();
      const [a, c] = [b.lab.a, b.lab.b];
      const plane = await b.plane({ stateDirectory: mkdtempSync(join(tmpdir(), "l2tp-")) });
      for (const encapsulation of ["udp", "ip"] as const) {
        for (const family of [4, 6] as const) {
          const place = (host: Host) => ({ family, address: host.address(family), port: 0 }) as const;
          const left = await b.open(plane, a, { encapsulation, local: place(a) });
          const right = await b.open(plane, c, { encapsulation, local: place(c) });
          const [idA, idB] = [freshId(), freshId()];
          const before = readdirSync("/proc/self/fd").length;
          const tunnelA = await left.wire.createTunnel({
            version: 3,
            tunnelId: idA,
            peerTunnelId: idB,
            peer: right.wire.local,
            managed: false,
            udpChecksum: family === 4,
          });
          const tunnelB = await right.wire.createTunnel({
            version: 3,
            tunnelId: idB,
            peerTunnelId: idA,
            peer: left.wire.local,
            managed: false,
            udpChecksum: family === 4,
          });
          expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
          const one = session();
          const [atA, atB] = [
            await tunnelA.createSession(one),
            await tunnelB.createSession({
              ...one,
              sessionId: one.peerSessionId,
              peerSessionId: one.sessionId,
            }),
          ];
          const [portA, portB] = [b.frames(a, atA.interfaceName), b.frames(c, atB.interfaceName)];
          const frame = new Uint8Array(60).fill(7);
          frame.set([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5]);
          portA.send(frame);
          await eventually(
            () => portB.received.length === 1,
            `${encapsulation} IPv${family}: the frame arrives`,
          );
          if (encapsulation === "udp") {
            const peer = right.wire.local;
            const second = await refusal(() =>
              left.wire.createTunnel({ version: 3, tunnelId: freshId(), peerTunnelId: 1, peer }),
            );
            expect(second.code).toBe("address-in-use");
          }
          await tunnelA[Symbol.asyncDispose]();
          await tunnelB[Symbol.asyncDispose]();
          // The listener is back.
          right.wire.send({ to: left.wire.local, datagram: control(0, 5) });
          await eventually(() => left.control.length === 1, "control messages arrive again");
          await left.wire[Symbol.asyncDispose]();
          await right.wire[Symbol.asyncDispose]();
        }
      }
      await b.close();
    });

    test("a process that ends by an error leaves none, and no file", async () => {
      const b = bench();
      const { a } = b.lab;
      const stateDirectory = mkdtempSync(join(tmpdir(), "l2tp-"));
      const to = b.lab.b.address(4);
      const script = process.argv[1] as string;
      const trigger = join(mkdtempSync(join(tmpdir(), "l2tp-")), "end");
      // A shell gives it an input, with what ends it once the file is there.
      const command = `(until [ -e "$4" ]; do sleep 0.1; done; echo end) | "$0" "$1" hold "$2" "$3" 2>/dev/null`;
      const child = a.start("sh", ["-c", command, process.execPath, script, stateDirectory, to, trigger]);
      const dead = new Promise((done) => child.once("close", done));
      await new Promise<void>((up) =>
        child.stdout?.on("data", (text: Buffer) => /@@up/.test(String(text)) && up()),
      );
      expect(await ip(a, "l2tp", "show", "tunnel")).toContain("Tunnel 501,");
      writeFileSync(trigger, "");
      await dead;
      await eventually(
        async () => (await ip(a, "l2tp", "show", "tunnel")).trim() === "",
        "no tunnel of its is left",
      );
      expect(readdirSync(stateDirectory)).toEqual([]);
      await b.close();
    });

    test("those that a killed process left are deleted by the next start, and no others", async () => {
      const b = bench();
      const { a } = b.lab;
      const stateDirectory = mkdtempSync(join(tmpdir(), "l2tp-"));
      const child = a.start(process.execPath, [
        process.argv[1] as string,
        "hold",
        stateDirectory,
        b.lab.b.address(4),
      ]);
      await new Promise<void>((up) =>
        child.stdout?.on("data", (text: Buffer) => /@@up/.test(String(text)) && up()),
      );
      const living = await b.open(await b.plane({ stateDirectory }), a, { local: { port: 5101 } });
      const peer = b.lab.b.socketAddress(4, 1701);
      await living.wire.createTunnel({ version: 3, tunnelId: 503, peerTunnelId: 9, peer, managed: false });
      const show = () => ip(a, "l2tp", "show", "tunnel");
      const ids = async () =>
        [...(await show()).matchAll(/^Tunnel (\d+),/gm)].map(([, id]) => Number(id)).sort();
      expect(await ids()).toEqual([501, 502, 503]);
      const dead = new Promise((done) => child.once("close", done));
      child.kill("SIGKILL");
      await dead;
      // The kernel ends the one with a socket of ours; its own socket's stays.
      await eventually(
        async () => (await ids()).join() === "501,503",
        "the managed one goes with the process",
      );
      const [left = ""] = readdirSync(stateDirectory).filter((name) =>
        read(stateDirectory, name).includes(": 501,"),
      );
      const contents = JSON.parse(read(stateDirectory, left));
      // Written down, but another's by now: as it goes to another peer, it is not touched.
      const at = ["local", a.address(4), "remote", a.address(4, 1), "udp_sport", "5000", "udp_dport", "5001"];
      await ip(a, "l2tp", "add", "tunnel", "tunnel_id", "504", "peer_tunnel_id", "5", "encap", "udp", ...at);
      contents.tunnels.push({ ...contents.tunnels[0], tunnelId: 504 });
      writeFileSync(join(stateDirectory, left), JSON.stringify(contents));
      writeFileSync(join(stateDirectory, "kernel-old.json"), JSON.stringify({ ...contents, boot: "before" }));
      writeFileSync(join(stateDirectory, "kernel-broken.json"), "{");
      await b.open(await b.plane({ stateDirectory }), a);
      expect(await ids()).toEqual([503, 504]);
      const rest = readdirSync(stateDirectory);
      expect(rest).toHaveLength(2);
      expect(rest).toContain("kernel-broken.json");
      await living.wire[Symbol.asyncDispose]();
      expect(readdirSync(stateDirectory)).toEqual(["kernel-broken.json"]);
      expect(await ids()).toEqual([504]);
      await b.close();
    });
  });

  describe("sessions", () => {
    test("get their MTU from the path, an address, a MAC address and a bridge; what cannot be is refused and leaves nothing", async () => {
      const b = bench();
      const { a } = b.lab;
      const open = await b.open(await b.plane(), a);
      const peer = b.lab.b.socketAddress(4, 1701);
      const tunnel = await open.wire.createTunnel({ version: 3, tunnelId: freshId(), peerTunnelId: 9, peer });
      a.netlink(link.add({ name: "br7", kind: "bridge" }));
      const one = await tunnel.createSession(
        session({
          peerCookie: new Uint8Array(8),
          interface: { bridge: "br7", macAddress: "02:00:00:00:00:77" },
        }),
      );
      expect(one.mtuOctets).toBe(1500 - 20 - 8 - 8 - 8 - 14);
      const made = a.netlink(link.get({ name: one.interfaceName as string }));
      expect(made).toMatchObject({
        mtuOctets: one.mtuOctets,
        address: "02:00:00:00:00:77",
        up: true,
        portKind: "bridge",
      });
      const two = await tunnel.createSession(
        session({ interface: { addresses: [{ address: "198.51.100.1", prefixLength: 24 }], up: false } }),
      );
      const index = a.index(two.interfaceName as string);
      expect(a.netlink(address.list({ index }))).toMatchObject([
        { address: "198.51.100.1", prefixLength: 24 },
      ]);
      const wrong: [string, Partial<SessionPlaneParameters>][] = [
        ["no-bridge", { interface: { bridge: "nowhere" } }],
        ["no-bridge", { interface: { bridge: "lo" } }],
        ["route-through-itself", { interface: { addresses: [{ address: "10.99.0.9", prefixLength: 24 }] } }],
        ["unsupported", { mtu: { dontFragment: "path", clampMss: true } }],
        ["invalid-parameters", { interface: { addresses: [{ address: "no address", prefixLength: 24 }] } }],
        ["invalid-parameters", { interface: { macAddress: "01:00:00:00:00:01" } }],
      ];
      for (const [code, wish] of wrong) {
        const error = await refusal(() => tunnel.createSession(session(wish)));
        expect([code, error.message]).toEqual([error.code, error.message]);
      }
      expect((await inKernel(a))[1]).toBe(2);
      await b.close();
    });
  });

  describe("errors and limits", () => {
    test("without CAP_NET_ADMIN the probe says so", async () => {
      const drop = ["--bounding-set", "-net_admin", "--inh-caps", "-net_admin"];
      const child = spawn("setpriv", [...drop, process.execPath, process.argv[1] as string, "probe"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      await new Promise((done) => child.once("close", done));
      const found = /@@probe (.*)/.exec(output)?.[1] ?? "{}";
      expect(JSON.parse(found)).toMatchObject({ available: false, code: "no-privilege" });
      expect(found).toMatch(/CAP_NET_ADMIN/);
    });

    test("a module that is not there is named with the line that loads it", async () => {
      const b = bench();
      const { a } = b.lab;
      const run = (command: string, ...args: string[]) =>
        new Promise<number | null>((done) => spawn(command, args, { stdio: "ignore" }).once("close", done));
      writeFileSync("/proc/sys/kernel/modprobe", "/bin/false\n");
      try {
        // The kernel lets go of what was deleted, and of namespaces, a moment later.
        const unload = (module: string) =>
          eventually(async () => (await run("rmmod", module)) === 0, `${module} can be unloaded`);
        await unload("l2tp_eth");
        const open = await b.open(await b.plane(), a);
        const peer = b.lab.b.socketAddress(4, 1701);
        const tunnel = await open.wire.createTunnel({
          version: 3,
          tunnelId: freshId(),
          peerTunnelId: 9,
          peer,
        });
        const error = await refusal(() => tunnel.createSession(session()));
        expect(error.code).toBe("module-missing");
        expect(error.message).toMatch(/modprobe l2tp_eth/);
        await b.close();
        await unload("l2tp_ip6");
        await unload("l2tp_ip");
        const without = await LinuxDataPlane.create({ stateDirectory: false });
        expect(without.capabilities.encapsulations).toEqual(["udp"]);
        expect(without.status().features.find(({ feature }) => feature === "ip-encapsulation")?.why).toMatch(
          /l2tp_ip/,
        );
        await without[Symbol.asyncDispose]();
        for (const module of ["l2tp_debugfs", "l2tp_ppp", "l2tp_netlink"]) await run("rmmod", module);
        const probe = await probeLinux();
        expect(probe).toMatchObject({ available: false, error: { code: "module-missing" } });
        expect(probe.available ? "" : probe.error.message).toMatch(/modprobe l2tp_netlink/);
      } finally {
        writeFileSync("/proc/sys/kernel/modprobe", "/sbin/modprobe\n");
        for (const module of ["l2tp_netlink", "l2tp_ip", "l2tp_ip6", "l2tp_eth", "l2tp_ppp"])
          await run("modprobe", module);
      }
    });

    test("too few descriptors are refused with the number that is needed, before anything is made", async () => {
      const b = bench();
      const { a } = b.lab;
      const before = sys.getrlimit(abi.RLIMIT_NOFILE);
      const ceiling = readFileSync("/proc/sys/fs/nr_open", "utf8").trim();
      const used = readdirSync("/proc/self/fd").length;
      try {
        writeFileSync("/proc/sys/fs/nr_open", String(64 * Math.ceil((used + 60) / 64)));
        const most = Number(readFileSync("/proc/sys/fs/nr_open", "utf8"));
        sys.setrlimit(abi.RLIMIT_NOFILE, { soft: most, hard: most });
        const open = await b.open(await b.plane(), a);
        let made = 0;
        const peer = (n: number) => ({ ...b.lab.b.socketAddress(4, 2000 + n) });
        const error = await refusal(async () => {
          for (; made < 2 * most; made++) {
            const ids = { version: 3, tunnelId: freshId(), peerTunnelId: 9 } as const;
            await open.wire.createTunnel({ ...ids, peer: peer(made) });
          }
        });
        expect(error.code).toBe("limit");
        expect(error.message).toMatch(/LimitNOFILE=\d+/);
        expect(made).toBeGreaterThan(0);
        expect(await inKernel(a)).toEqual([made, 0]);
      } finally {
        writeFileSync("/proc/sys/fs/nr_open", ceiling);
        sys.setrlimit(abi.RLIMIT_NOFILE, before);
      }
      await b.close();
    });
  });
}

const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

// Started again by a test: with fewer privileges, or to be killed.
const [, , role, stateDirectory = "", peerAddress = ""] = process.argv;
if (role === "probe") {
  const found = await probeLinux();
  const { code, message } = found.available ? { code: "", message: "" } : found.error;
  process.stdout.write(`@@probe ${JSON.stringify({ available: found.available, code, message })}\n`);
  process.exit(0);
} else if (role === "hold") {
  const plane = await LinuxDataPlane.create({ stateDirectory });
  const peer = { family: 4, address: peerAddress, port: 1701 } as const;
  for (const [port, tunnelId, managed] of [
    [5100, 501, false],
    [5102, 502, true],
  ] as const) {
    const local = { family: 4, address: "0.0.0.0", port } as const;
    const wire = await plane.open({ encapsulation: "udp", local }, () => {});
    const tunnel = await wire.createTunnel({ version: 3, tunnelId, peerTunnelId: 9, peer, managed });
    await tunnel.createSession(session());
  }
  process.stdout.write("@@up\n");
  process.stdin.once("data", () => {
    throw new Error("nobody catches this");
  });
  await new Promise(() => setInterval(() => {}, 1000));
}

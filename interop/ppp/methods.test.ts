/** Every way of proving who one is, and every kind of MPPE, between two daemons: addresses, packets of each size, TCP. */
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { ping, tcp } from "../support/traffic.ts";
import { GATEWAY, type Line, Scene } from "./scene.ts";

/** 1500 octets less IPv4 (20), UDP (8), the L2TP header (up to 10) and PPP (4). */
const MTU = 1458;
/** MPPE's header and the protocol field that it hides, RFC 3078 §3. */
const MPPE_OCTETS = 4;

interface Method extends Line {
  /** What the LNS is to say that it was. */
  readonly authentication: string;
  readonly mppe?: string;
}

const mppe = (bits: number, mode: "stateless" | "stateful") =>
  `mppe = "require"\nmppe_bits = [${bits}]\nmppe_mode = "${mode}"`;
const encrypted = (
  name: string,
  authentication: "mschap-v1" | "mschap-v2",
  bits: number,
  mode: "stateless" | "stateful",
): Method => ({
  name,
  authentication,
  lns: `auth = ["${authentication}"]\n${mppe(bits, mode)}`,
  lac: mppe(bits, mode),
  mppe: `${bits} bits, ${mode}`,
});

const METHODS: readonly Method[] = [
  { name: "pap", lns: 'auth = ["pap"]', lac: 'own_auth = ["pap"]', authentication: "pap" },
  { name: "chap", lns: 'auth = ["chap-md5"]', authentication: "chap-md5" },
  { name: "mschap1", lns: 'auth = ["mschap-v1"]', authentication: "mschap-v1" },
  { name: "mschap2", lns: 'auth = ["mschap-v2"]', authentication: "mschap-v2" },
  { name: "eapmd5", lns: 'auth = ["eap-md5"]', authentication: "eap-md5" },
  { name: "eapms2", lns: 'auth = ["eap-mschap-v2"]', authentication: "eap-mschap-v2" },
  encrypted("m128", "mschap-v2", 128, "stateless"),
  encrypted("m56", "mschap-v2", 56, "stateless"),
  encrypted("m40", "mschap-v2", 40, "stateless"),
  encrypted("m128s", "mschap-v2", 128, "stateful"),
  encrypted("m56s", "mschap-v1", 56, "stateful"),
  encrypted("m40s", "mschap-v1", 40, "stateful"),
];

const test = needs("linux", "root", "tun", { tool: "ping" }, { tool: "iperf3" });

describe("two daemons on the userspace data plane", () => {
  let scene: Scene;
  beforeAll(() => {
    scene = new Scene(METHODS);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  for (const { name, authentication, mppe: encryption } of METHODS) {
    test(`${name}: proof by ${authentication}, ${encryption ?? "no encryption"}, packets up to the MTU`, async () => {
      await scene.up(name);
      const atLns = () => scene.lnsCtl.client.session(`user-${name}`);
      // Its end is up at about the same time, before or after.
      await expect.poll(async () => (await atLns()).up).toBe(true);
      const seen = await atLns();
      expect(seen).toMatchObject({ user: `user-${name}`, up: true });
      expect(seen.ppp).toMatchObject({ peerAuthentication: authentication });
      expect(seen.ppp?.mppe).toBe(encryption);
      const ours = await scene.lacCtl.client.session(name);
      expect(ours.ipv4).toEqual({ local: seen.ipv4?.peer, peer: GATEWAY });
      const mtu = encryption === undefined ? MTU : MTU - MPPE_OCTETS;
      expect([ours.mtuOctets, seen.mtuOctets]).toEqual([mtu, mtu]);
      const { a, b } = scene.sites;
      for (const octets of [28, 576, mtu]) {
        expect(await ping(a, GATEWAY, { by: name, octets }), `${octets} octets to the LNS`).toBe(true);
      }
      expect(await ping(b, ours.ipv4?.local as string, { octets: mtu })).toBe(true);
    });
  }

  test("a packet larger than the MTU is refused by the interface", async () => {
    await scene.up("chap");
    expect(await ping(scene.sites.a, GATEWAY, { by: "chap", octets: MTU + 1 })).toBe(false);
  });

  for (const name of ["pap", "m128", "m40s"]) {
    test(`${name}: TCP both ways`, async () => {
      await scene.up(name);
      const { a, b } = scene.sites;
      expect(await tcp(a, b, `${GATEWAY}%${name}`, "--bind-dev", name)).toBeGreaterThan(1e5);
      expect(await tcp(a, b, `${GATEWAY}%${name}`, "--bind-dev", name, "-R")).toBeGreaterThan(1e5);
    });
  }

  test("both end in order, and nothing is left of twelve sessions", async () => {
    expect(await scene.lac.stop()).toEqual({ code: 0, signal: null });
    expect(await scene.lns.stop()).toEqual({ code: 0, signal: null });
    for (const site of [scene.sites.a, scene.sites.b]) expect(site.interfaces()).toEqual(["lo", "wan0"]);
    for (const daemon of [scene.lac, scene.lns]) {
      expect(daemon.lines.filter(({ level }) => level === "error")).toEqual([]);
    }
  });
});

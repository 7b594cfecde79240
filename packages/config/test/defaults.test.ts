import { expect, test } from "vitest";
import { explain, parseConfig } from "../src/index.ts";

const tunnel = (more = "", session = ""): string =>
  `[tunnel.t]\npeer = "192.0.2.2"\ntid = 1\nptid = 2\n${more}\n[tunnel.t.session.s]\nsid = 3\npsid = 4\n${session}\n`;

test("a key that is not go-l2tp's gives the document the defaults of the field", () => {
  const config = parseConfig(tunnel('mode = "quiescent"'));
  expect(config.defaults).toEqual({
    profile: "field",
    why: "the document has tunnel.t.mode, which is no key of go-l2tp",
  });
  expect(config.tunnels[0]?.transport).toEqual({
    windowSize: 16,
    helloTimeoutMs: 60_000,
    retryTimeoutMs: 1000,
    retryTimeoutMaxMs: 8000,
    maxRetries: 10,
  });
  expect(config.tunnels[0]?.sessions[0]?.l2SpecificSublayer).toBe("default");
});

test("a key of a session or a [daemon] table does so too", () => {
  expect(parseConfig(tunnel("", "mtu = 1400")).defaults.why).toContain("tunnel.t.session.s.mtu");
  expect(parseConfig(`[daemon]\n${tunnel()}`).defaults.why).toContain("daemon");
});

test("`defaults` at the top always wins", () => {
  expect(parseConfig(`defaults = "go-l2tp"\n${tunnel('mode = "quiescent"')}`).defaults.profile).toBe(
    "go-l2tp",
  );
  const field = parseConfig(`defaults = "field"\n${tunnel()}`);
  expect(field.defaults).toEqual({ profile: "field", why: 'the document says defaults = "field"' });
  expect(field.tunnels[0]?.transport.helloTimeoutMs).toBe(60_000);
});

test("in L2TPv2 the field's defaults have five tries", () => {
  const config = parseConfig('defaults = "field"\n[tunnel.t]\nversion = "l2tpv2"\npeer = "192.0.2.2"\n');
  expect(config.tunnels[0]?.transport.maxRetries).toBe(5);
});

test("a configured tunnel without local listens on port 1701 of any address of the peer's family", () => {
  expect(parseConfig(tunnel()).tunnels[0]?.local).toEqual({ family: 4, address: "0.0.0.0", port: 1701 });
  const six = parseConfig(tunnel().replace("192.0.2.2", "2001:db8::2")).tunnels[0];
  expect(six?.local).toEqual({ family: 6, address: "::", port: 1701 });
  expect(six?.peer).toEqual({ family: 6, address: "2001:db8::2", port: 1701 });
});

test.each([
  ["192.0.2.1", { family: 4, address: "192.0.2.1", port: 1701 }],
  ["192.0.2.1:5000", { family: 4, address: "192.0.2.1", port: 5000 }],
  [":5000", { family: 4, address: "0.0.0.0", port: 5000 }],
])("local %s", (local, expected) => {
  expect(parseConfig(tunnel(`local = "${local}"`)).tunnels[0]?.local).toEqual(expected);
});

test("a link-local address keeps its zone", () => {
  const text = tunnel('local = "[fe80::1%eth0]:1701"').replace("192.0.2.2", "[fe80::2%eth0]:1701");
  expect(parseConfig(text).tunnels[0]).toMatchObject({
    local: { family: 6, address: "fe80::1%eth0", port: 1701 },
    peer: { family: 6, address: "fe80::2%eth0", port: 1701 },
  });
});

test("an empty document has no tunnels, the daemon's defaults and a warning", () => {
  const config = parseConfig("");
  expect(config).toMatchObject({ tunnels: [], defaults: { profile: "field" } });
  expect(config.daemon).toMatchObject({
    dataPlane: "auto",
    logLevel: "info",
    logFormat: "auto",
    retryInitialMs: 1000,
    retryMaxMs: 60_000,
    stopTimeoutMs: 10_000,
  });
  expect(config.warnings.map(({ reason }) => reason)).toEqual([
    "there are no tunnels and no listeners, and so nothing to do",
  ]);
});

test("our own keys of a session come through in the words of the data plane", () => {
  const session = parseConfig(
    tunnel(
      'udp_checksum = false\nnamespace = "wan"\nretry_timeout_max = 0',
      `cookie = "0x12:e9:54:0f"
mtu = 1400
dont_fragment = "set"
clamp_mss = 1360
bridge = "br0"
mac_address = "02-00-00-00-00-0A"
interface_name = "site%d"
up = false
seqnum = true
seqnum_required = false`,
    ),
  );
  const [t] = session.tunnels;
  expect(t).toMatchObject({ udpChecksum: false, namespace: "/run/netns/wan" });
  expect(t?.transport).not.toHaveProperty("retryTimeoutMaxMs");
  expect(t?.sessions[0]).toMatchObject({
    peerCookie: Uint8Array.of(0x12, 0xe9, 0x54, 0x0f),
    mtu: { mtuOctets: 1400, dontFragment: "set", clampMss: 1360 },
    interface: { name: "site%d", macAddress: "02:00:00:00:00:0a", bridge: "br0", up: false },
    sendSequence: true,
    receiveSequence: false,
  });
});

test("addresses of both families are read with their prefix", () => {
  const config = parseConfig(tunnel("", 'addresses = ["10.0.0.1/24", "2001:DB8:0::1/64"]'));
  expect(config.tunnels[0]?.sessions[0]?.interface.addresses).toEqual([
    { address: "10.0.0.1", prefixLength: 24 },
    { address: "2001:db8::1", prefixLength: 64 },
  ]);
});

test("explain names defaults and derived values, and shows no cookie", () => {
  const text = explain(parseConfig(tunnel("hello_timeout = 5000", 'cookie = "deadbeefdeadbeef"')));
  expect(text).toContain("defaults: go-l2tp's, because the document has only keys of go-l2tp\n");
  expect(text).toMatch(/^ {2}hello_timeout {6}5000 ms$/m);
  expect(text).toMatch(/^ {2}window_size {8}4 {2}\(default\)$/m);
  expect(text).toMatch(/^ {2}mode {15}quiescent {2}\(derived\)$/m);
  expect(text).toMatch(/^ {4}cookie {11}8 octets$/m);
  expect(text).not.toMatch(/deadbeef|222|de:ad/);
});

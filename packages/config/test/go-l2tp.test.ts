/** Documents in the forms that go-l2tp accepts; the texts are ours. */
import { describe, expect, test } from "vitest";
import { checkConfig, parseConfig } from "../src/index.ts";

const QL2TPD = `
[tunnel.core]
local = "192.0.2.7:6000"
peer = "192.0.2.8:6001"
version = "l2tpv3"
encap = "udp"
tid = 4001
ptid = 70000

[tunnel.core.session.a]
pseudowire = "eth"
sid = 4294967295
psid = 1
cookie = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08]
peer_cookie = [0xa1, 0xa2, 0xa3, 0xa4]
interface_name = "core0"
l2spec_type = "default"
seqnum = true
reorder_timeout = 1500
`;

describe("a document of ql2tpd", () => {
  const config = parseConfig(QL2TPD);
  const [tunnel] = config.tunnels;
  const session = tunnel?.sessions[0];

  test("gets go-l2tp's defaults, and the result says why", () => {
    expect(config.defaults).toEqual({
      profile: "go-l2tp",
      why: "the document has only keys of go-l2tp",
    });
    expect(tunnel?.transport).toEqual({
      windowSize: 4,
      retryTimeoutMaxMs: 8000,
      helloTimeoutMs: 0,
      retryTimeoutMs: 1000,
      maxRetries: 3,
    });
  });

  test("is a quiescent tunnel between its addresses", () => {
    expect(tunnel).toMatchObject({
      name: "core",
      version: 3,
      encapsulation: "udp",
      mode: "quiescent",
      local: { family: 4, address: "192.0.2.7", port: 6000 },
      peer: { family: 4, address: "192.0.2.8", port: 6001 },
      tunnelId: 4001,
      peerTunnelId: 70_000,
      udpChecksum: true,
      framingCapabilities: { sync: true, async: true },
    });
  });

  test("has cookie in what is sent and peer_cookie in what is received, as the kernel does", () => {
    expect(session?.peerCookie).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
    expect(session?.cookie).toEqual(Uint8Array.of(0xa1, 0xa2, 0xa3, 0xa4));
  });

  test("has a session with every value in its place", () => {
    expect(session).toMatchObject({
      name: "a",
      pseudowire: "eth",
      sessionId: 4_294_967_295,
      peerSessionId: 1,
      l2SpecificSublayer: "default",
      sendSequence: true,
      receiveSequence: true,
      reorderMs: 1500,
      interface: { name: "core0", up: true },
      mtu: { dontFragment: "path" },
    });
  });

  test("tells what was given from what was not", () => {
    expect(tunnel?.origins).toMatchObject({
      tid: "given",
      mode: "derived",
      window_size: "default",
      hello_timeout: "default",
    });
    expect(session?.origins).toMatchObject({ seqnum: "given", seqnum_required: "derived", up: "default" });
  });
});

test("without l2spec_type a document of go-l2tp has no L2-specific sublayer", () => {
  const text = QL2TPD.replace(/^(l2spec_type|seqnum|reorder_timeout).*$/gm, "");
  expect(parseConfig(text).tunnels[0]?.sessions[0]?.l2SpecificSublayer).toBe("none");
});

test("seqnum without a sublayer writes no numbers, as with the kernel, and warns", () => {
  const checked = checkConfig(QL2TPD.replace('l2spec_type = "default"', ""));
  expect(checked.ok && checked.config.tunnels[0]?.sessions[0]).toMatchObject({
    sendSequence: false,
    receiveSequence: false,
  });
  expect(checked.warnings.filter(({ code }) => code === "ignored").map(({ key }) => key)).toEqual([
    "tunnel.core.session.a.seqnum",
  ]);
});

test("a document of kl2tpd is a dynamic L2TPv2 tunnel with its settings", () => {
  const config = parseConfig(`
[tunnel.isp]
peer = "[2001:0db8:0000::C1C0:ABCD:0876]:6543"
version = "l2tpv2"
encap = "udp"
window_size = 10
hello_timeout = 7500
retry_timeout = 250
max_retries = 2
host_name = "lac.example"
framing_caps = ["sync"]

[tunnel.isp.session.one]
pseudowire = "ppp"
interface_name = "ppp7"
pppd_args = "/etc/ppp/args"

[tunnel.isp.session.two]
pseudowire = "pppac"
pppoe_session_id = 5612
pppoe_peer_mac = [0xca, 0x6b, 0x7e, 0x93, 0xc4, 0xc3]
`);
  expect(config.defaults.profile).toBe("go-l2tp");
  expect(config.warnings).toEqual([]);
  const [tunnel] = config.tunnels;
  expect(tunnel).toMatchObject({
    mode: "dynamic",
    version: 2,
    peer: { family: 6, address: "2001:db8::c1c0:abcd:876", port: 6543 },
    transport: { windowSize: 10, helloTimeoutMs: 7500, retryTimeoutMs: 250, maxRetries: 2 },
    hostName: "lac.example",
    framingCapabilities: { sync: true, async: false },
  });
  expect(tunnel).not.toHaveProperty("local");
  expect(tunnel).not.toHaveProperty("tunnelId");
  expect(tunnel?.sessions).toMatchObject([
    { name: "one", pseudowire: "ppp", pppdArgs: "/etc/ppp/args", interface: { name: "ppp7" } },
    { name: "two", pseudowire: "pppac", pppoe: { sessionId: 5612, peerMac: "ca:6b:7e:93:c4:c3" } },
  ]);
});

test("a tunnel over IP takes addresses with ports, passes over the ports and says so", () => {
  const checked = checkConfig(
    '[tunnel.t]\nencap = "ip"\nversion = "l2tpv3"\nlocal = "192.0.2.1:1701"\npeer = "192.0.2.2:1701"\ntid = 1\nptid = 2\n',
  );
  expect(checked.ok && checked.config.tunnels[0]).toMatchObject({
    local: { family: 4, address: "192.0.2.1", port: 0 },
    peer: { family: 4, address: "192.0.2.2", port: 0 },
  });
  expect(checked.warnings.map(({ line, key, code }) => [line, key, code])).toEqual([
    [4, "tunnel.t.local", "ignored"],
    [5, "tunnel.t.peer", "ignored"],
  ]);
});

test("an L2TPv3 tunnel without IDs is dynamic, and its sessions may leave theirs out", () => {
  const checked = checkConfig(
    '[tunnel.t]\nencap = "ip"\nversion = "l2tpv3"\npeer = "127.0.0.1:5001"\n[tunnel.t.session.s]\npseudowire = "ppp"\nsid = 90210\npsid = 1237812\n[tunnel.t.session.u]\npseudowire = "eth"\n',
  );
  expect(checked.ok && checked.config.tunnels[0]).toMatchObject({
    mode: "dynamic",
    sessions: [{ sessionId: 90_210 }, { name: "u" }],
  });
});

test("zero is the default for window, tries and first wait, as in go-l2tp", () => {
  const text = QL2TPD.replace(
    "tid = 4001",
    "tid = 4001\nwindow_size = 0\nmax_retries = 0\nretry_timeout = 0",
  );
  const tunnel = parseConfig(text).tunnels[0];
  expect(tunnel?.transport).toMatchObject({ windowSize: 4, maxRetries: 3, retryTimeoutMs: 1000 });
  expect(tunnel?.origins["window_size"]).toBe("default");
});

test.each([
  ["encap = 42"],
  ["encap = false"],
  ["version = [1]"],
  ['version = "2001"'],
  ['framing_caps = ["none"]'],
  ["tid = 4294967297"],
  ["monkey = 1"],
  ["max_retries = 70000"],
  ["session = 42"],
  ["hello_timeout = -1"],
  ["hello_timeout = 1.5"],
])("what go-l2tp refuses or should is refused: %s", (line) => {
  const checked = checkConfig(`[tunnel.t]\npeer = "192.0.2.1:1"\n${line}\n`);
  expect(checked.ok ? [] : checked.error.problems.map((problem) => problem.line)).toContain(3);
});

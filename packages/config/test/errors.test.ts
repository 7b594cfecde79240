import { describe, expect, test } from "vitest";
import {
  ConfigError,
  checkConfig,
  documentText,
  parseConfig,
  renderPath,
  renderProblem,
} from "../src/index.ts";

const errors = (text: string): string[] => {
  const checked = checkConfig(text, { file: "l2tpd.toml" });
  return checked.ok ? [] : checked.error.problems.map(renderProblem);
};
const warnings = (text: string): string[] =>
  checkConfig(text, { file: "l2tpd.toml" }).warnings.map(renderProblem);

/** A right document of 9 lines; further lines for the tunnel and the session follow those of each. */
const doc = (tunnel = "", session = ""): string =>
  `[tunnel.t1]
local = "192.0.2.1:1701"
peer = "192.0.2.2:1701"
tid = 1
ptid = 2
mode = "quiescent"
${tunnel}
[tunnel.t1.session.s1]
sid = 11
psid = 22
${session}
`;

test("all errors come at once, in the order of the text, each with its place", () => {
  expect(
    errors(`[tunnel.t1]
mode = "quiescent"
peer = "lns.example.com"
version = "l2tp3"
helo_timeout = 3
tid = 0
ptid = 99999999999999999999
mtu = 3
tunnel_id = 4

[tunnel.t1.session.s1]
cookie = [1, 2, 300]
framing_caps = 3
`),
  ).toEqual([
    'l2tpd.toml:3:8: tunnel.t1.peer: "lns.example.com" is a host name; expected an address such as "192.0.2.2:1701" or "[2001:db8::2]:1701". Host names are not looked up: write the IP address, such as 192.0.2.1:1701.',
    'l2tpd.toml:4:11: tunnel.t1.version: found "l2tp3"; expected "l2tpv2" or "l2tpv3"; did you mean "l2tpv3"?',
    'l2tpd.toml:5:1: tunnel.t1.helo_timeout: unknown key in [tunnel.NAME]; did you mean "hello_timeout"?',
    "l2tpd.toml:6:7: tunnel.t1.tid: found 0; expected an integer from 1 to 4294967295",
    "l2tpd.toml:7:8: tunnel.t1.ptid: found 99999999999999999999; expected an integer from 1 to 4294967295",
    "l2tpd.toml:8:1: tunnel.t1.mtu: unknown key in [tunnel.NAME]. It belongs in [tunnel.NAME.session.NAME].",
    'l2tpd.toml:9:1: tunnel.t1.tunnel_id: unknown key in [tunnel.NAME]; did you mean "tid"?',
    "l2tpd.toml:11:2: tunnel.t1.session.s1.sid: missing: a session of a quiescent tunnel needs our session ID; expected an integer from 1 to 4294967295. The peer's document has it as psid.",
    "l2tpd.toml:11:2: tunnel.t1.session.s1.psid: missing: a session of a quiescent tunnel needs the peer's session ID; expected an integer from 1 to 4294967295. The peer's document has it as sid.",
    "l2tpd.toml:12:17: tunnel.t1.session.s1.cookie[2]: found a number; expected 4 or 8 octets, as an array or a string of hex digits",
    "l2tpd.toml:13:1: tunnel.t1.session.s1.framing_caps: unknown key in [tunnel.NAME.session.NAME]. It belongs in [tunnel.NAME].",
  ]);
});

test("a ConfigError is one message with a line for each problem, a stable code, and problems as data", () => {
  let thrown: unknown;
  try {
    parseConfig(doc("foo = 1\nbar = 2"), { file: "x.toml" });
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ConfigError);
  const error = thrown as ConfigError;
  expect(error.name).toBe("ConfigError");
  expect(error.code).toBe("config-invalid");
  expect(error.message.split("\n")).toEqual(error.problems.map(renderProblem));
  expect(error.problems).toHaveLength(2);
  expect(error.problems[0]).toMatchObject({
    severity: "error",
    code: "unknown-key",
    file: "x.toml",
    line: 7,
    column: 1,
    path: ["tunnel", "t1", "foo"],
    key: "tunnel.t1.foo",
  });
});

describe("TOML that is none", () => {
  test.each([
    ["a = ", 1, 5],
    ["[tunnel.t1]\npeer = 192.0.2.1:1701\n", 2, 13],
    ["[tunnel.t1]\ntid = 1\ntid = 2\n", 3, 1],
    ["[tunnel.t1\n", 1, 11],
  ])("%j is reported where it breaks", (text, line, column) => {
    const checked = checkConfig(text);
    expect(checked.ok ? [] : checked.error.problems).toMatchObject([{ code: "syntax", line, column }]);
  });

  test.each([
    ["[listen.a]\n[listen.a]", "[listen.a] is there already, in line 1. Put the keys of both together"],
    ['[ user . "a b" ]\nmtu = 1\nmtu = 2', "mtu is there already, in line 2. Leave one of the two."],
    ["[a.b]\nc = 1\n[a]\nb = 2", "b is there already. Leave one of the two, or give it another name."],
    ["[a]\nb = 1\n[a.b]", "[a.b] is there already, as a key or by another table. Leave one"],
    ['peer = "192.0.2.1\nmtu = 1', "a string is not closed on its line. Close it"],
    ["peer = '192.0.2.1", "a string is not closed. Close it"],
    ['peer = "a\u0007b"', "a control character stands in a string. Take it out"],
    ["peer = ", "a key has no value. Give it one"],
    ["peer = “192.0.2.1”", 'the quotation marks are not straight ones. Write them as in "text".'],
    ["redial = Yes", "a value that is none. Write true or false."],
    ["peer = lns.example", "a value that is none. Addresses, names and other texts stand in quotation marks"],
    ["peer = 192.0.2.1", "illegal character in numeric literal. Addresses, names and other texts stand in"],
    ["peer", "a key without = and a value. Write key = value"],
    ["[tunnel.a", "the ] of a table's name is missing."],
    ["[tunnel a]", "a table's name has a character that only names in quotation marks may have. Write"],
    ['peer: "192.0.2.1"', "illegal character in key. Write key = value, with an = and no colon"],
    ["mtu = 1 mru = 2", "must be followed by an end-of-line. Begin a new line after each value."],
    ["from = [1, 2", "expected comma or end of structure. See to the commas"],
    ['pppd_args = "c:\\ppp"', "unrecognised escape sequence. A backslash"],
  ])("%j is told what to do", (text, words) => {
    const [message] = errors(text);
    expect(message).toContain(`: not TOML: `);
    expect(message).toContain(words);
  });

  test("the text around it is not repeated, for it may hold a secret", () => {
    const [message] = errors('[tunnel.t1.session.s1]\ncookie = "deadbeef"\npeer_cookie = "0badc0de" x\n');
    expect(message).toMatch(/^l2tpd\.toml:3:\d+: not TOML: /);
    expect(message).not.toMatch(/deadbeef|0badc0de/);
  });
});

describe("octets that are no text", () => {
  const at = (octets: Uint8Array): unknown => {
    try {
      return documentText(octets, "l2tpd.toml");
    } catch (error) {
      return (error as ConfigError).message;
    }
  };

  test("an octet that is not UTF-8 is found by line and column, in characters", () => {
    const octets = Buffer.concat([Buffer.from('# é\n\nhost_name = "né'), Buffer.from([0xe9, 0x22])]);
    expect(at(octets)).toBe(
      "l2tpd.toml:3:16: octet e9 is not UTF-8. Save it as UTF-8: iconv -f latin1 -t utf-8, or the encoding that it is in.",
    );
    expect(at(Buffer.from([0x61, 0x0a, 0xc3]))).toMatch(/^l2tpd\.toml:2:1: octet c3 is not UTF-8/);
    expect(at(Buffer.from([0xc3, 0x0a, 0xa9]))).toMatch(/^l2tpd\.toml:1:1: octet c3 is not UTF-8/);
  });

  test.each([[[0xff, 0xfe, 0x61, 0]], [[0xfe, 0xff, 0, 0x61]]])(
    "UTF-16 (%j) is called by its name",
    (octets) => {
      expect(at(Uint8Array.from(octets))).toMatch(
        /^l2tpd\.toml:1:1: this file is in UTF-16\. Save it as UTF-8/,
      );
    },
  );

  test("what is UTF-8 comes out as it is, with a mark at its beginning and without", () => {
    const text = '\ufeff[user."ä€😀"]\n';
    expect(at(Buffer.from(text))).toBe(text);
    expect(checkConfig(text).ok).toBe(true);
  });
});

test("a word that is nearly one of those that may stand there is guessed, in an array, too", () => {
  expect(errors('[profile.ppp.default]\nauth = ["mschapv2"]\n[daemon]\nlog_level = "wran"')).toEqual([
    expect.stringContaining('auth[0]: found "mschapv2"; expected an array of'),
    expect.stringContaining(
      'log_level: found "wran"; expected "error", "warn", "info" or "debug"; did you mean "warn"?',
    ),
  ]);
  expect(errors('[profile.ppp.default]\nauth = ["mschapv2"]')[0]).toMatch(/ did you mean "mschap-v2"\?$/);
});

test("what is no table of names is told how to be one", () => {
  const remedy = "expected [tunnel.NAME]. Write [tunnel.my-tunnel] above the keys.";
  expect(errors('tunnel = "t1"')).toEqual([
    `l2tpd.toml:1:1: tunnel: tunnels must be tables with names; ${remedy}`,
  ]);
  expect(errors("[tunnel]")).toEqual([
    `l2tpd.toml:1:2: tunnel: tunnels must be tables with names; ${remedy}`,
  ]);
  expect(errors("[[tunnel]]\na = 1")).toHaveLength(1);
  expect(errors('[tunnel]\npeer = "192.0.2.1"')).toEqual([
    `l2tpd.toml:2:1: tunnel.peer: tunnels must be tables with names; ${remedy}`,
  ]);
  expect(errors(`${doc()}\n[tunnel.t1.session]\nsid = 3`)).toEqual([
    "l2tpd.toml:14:1: tunnel.t1.session.sid: sessions must be tables with names; expected [tunnel.NAME.session.NAME]. Write [tunnel.NAME.session.my-session] above the keys.",
  ]);
  expect(errors("daemon = 3")).toEqual(["l2tpd.toml:1:1: daemon: this is a table; expected [daemon]"]);
});

describe("one thing wrong in an otherwise right document", () => {
  test.each<[string, string, string]>([
    ["tid = 5\n", "", "not TOML"],
    ['encap = "ip"\nversion = "l2tpv2"', "", 'L2TPv2 travels in UDP only, "ip" needs L2TPv3'],
    ['version = "l2tpv2"', 'pseudowire = "eth"', "s1.pseudowire: L2TPv2 carries PPP only"],
    ['version = "l2tpv2"', 'cookie = "00112233"', "s1.cookie: L2TPv2 has no cookies"],
    [
      "window_size = 65536",
      "",
      "7:15: tunnel.t1.window_size: found 65536; expected an integer from 0 to 65535",
    ],
    ["retry_timeout = 9000\nretry_timeout_max = 8000", "", "8000 ms is shorter than the first wait"],
    ['host_name = ""', "", 'host_name: found ""; expected a string that is not empty'],
    [
      'framing_caps = ["sync", "asink"]',
      "",
      'framing_caps[1]: found "asink"; expected an array of "sync" and "async"',
    ],
    [
      "",
      'cookie = "0011223344"',
      "11:10: tunnel.t1.session.s1.cookie: found 5 octets; expected 4 or 8 octets",
    ],
    ["", "cookie = [1, 2, 3]", "cookie: found 3 octets; expected 4 or 8 octets"],
    ["", 'peer_cookie = "xyz"', "peer_cookie: the string is not made of pairs of hex digits"],
    [
      "",
      'interface_name = "a-name-of-17-char"',
      '"a-name-of-17-char" has 17 octets; expected an interface name',
    ],
    ["", 'interface_name = "a/b"', '"a/b" is no interface name'],
    ["", 'interface_name = "a%s"', '"a%s" has a % that is not one %d'],
    ["", 'interface_name = "br0"\nbridge = "br0"', "the interface cannot be its own bridge"],
    ["", "mtu = 67", "mtu: found 67; expected an integer from 68 to 65535"],
    ["", "clamp_mss = 20", "clamp_mss: found 20; expected true, false or an integer from 88 to 65495"],
    ["", 'addresses = ["10.0.0.1"]', '"10.0.0.1" has no prefix length; expected an address such as'],
    ["", 'addresses = ["10.0.0.1/33"]', '"10.0.0.1/33" has no prefix length from 0 to 32'],
    ["", 'addresses = ["10.0.0.1/24", "10.0.0.1/8"]', "addresses[1]: 10.0.0.1 is there twice"],
    ["", 'mac_address = "01:00:00:00:00:00"', "01:00:00:00:00:00 is a group address"],
    ["", "mac_address = [2, 0, 0]", "the array has 3 octets"],
    ["", 'seqnum = true\nl2spec_type = "none"', "sequence numbers travel in the L2-specific sublayer"],
    ["", 'pseudowire = "pppac"', "pppoe_session_id: missing"],
    ["", 'pseudowire = "ppp"\nbridge = "br0"', 'only an Ethernet pseudowire has it, and this is "ppp"'],
    ["", "seqnum = 1", "seqnum: found 1; expected true or false"],
    ["", "up = 2026-01-01", "up: found a date; expected true or false"],
  ])("%s %s", (tunnel, session, message) => {
    const text = errors(doc(tunnel, session)).join("\n");
    expect(text).toContain(message);
  });

  test.each<[string, string]>([
    ['"192.0.2.256:1701"', "is no IPv4 address"],
    ['"2001:db8::1::2"', "is no IPv6 address"],
    ['"[2001:db8::1:1701"', "has a [ without its ]"],
    ['"192.0.2.2:70000"', 'has the port "70000"'],
    ['"192.0.2.2:0"', "has the port 0"],
    ['":1701"', "has no address, and the peer must have one"],
    ['""', "is empty"],
    ['"0.0.0.0:1701"', "is nobody's address"],
    ['"224.0.0.5:1701"', "is a multicast address"],
    ['"[fe80::2]:1701"', "is link-local and needs its interface; expected"],
    ['"2001:db8::2"', "192.0.2.1 is IPv4, and the peer 2001:db8::2 is IPv6"],
    ["1701", "found 1701; expected an address"],
  ])("peer = %s", (peer, message) => {
    expect(errors(doc().replace('"192.0.2.2:1701"', peer)).join("\n")).toContain(message);
  });
});

describe("IDs", () => {
  const two = (first: string, second: string): string =>
    `defaults = "field"\n[tunnel.a]\npeer = "192.0.2.8"\n${first}\n[tunnel.b]\npeer = "192.0.2.9"\n${second}\n`;
  const ids = (tid: number, local: string, more = ""): string =>
    `tid = ${tid}\nptid = 7\nlocal = "${local}"\n${more}`;
  const session = (tunnel: string, sid: number): string =>
    `[tunnel.${tunnel}.session.s]\nsid = ${sid}\npsid = 1\n`;

  test("two tunnels with one ID on one local address are an error that names both", () => {
    expect(errors(two(ids(5, "192.0.2.1:1701"), ids(5, "192.0.2.1:1702")))).toEqual([
      "l2tpd.toml:10:7: tunnel.b.tid: 5 is also tunnel.a.tid, and it must be unique on the same local address",
    ]);
    expect(errors(two(ids(5, ":1701"), ids(5, "192.0.2.1:1701")))).toHaveLength(1);
  });

  test("on two local addresses they are a warning", () => {
    const text = two(ids(5, "192.0.2.1:1701"), ids(5, "192.0.2.3:1701"));
    expect(errors(text)).toEqual([]);
    expect(warnings(text)).toEqual([
      "l2tpd.toml:10:7: warning: tunnel.b.tid: 5 is also tunnel.a.tid, and the Linux kernel wants tunnel IDs unique on the host",
    ]);
  });

  test("an L2TPv3 session ID is unique on a local address and port over UDP", () => {
    const clash = two(ids(1, ":1701", session("a", 9)), ids(2, ":1701", session("b", 9)));
    expect(errors(clash)).toEqual([
      "l2tpd.toml:17:7: tunnel.b.session.s.sid: 9 is also tunnel.a.session.s.sid, and it must be unique on the local address and port (L2TPv3 over UDP)",
    ]);
    expect(errors(two(ids(1, ":1701", session("a", 9)), ids(2, ":1702", session("b", 9))))).toEqual([]);
  });

  test("over IP it is unique on the host", () => {
    const ip = 'encap = "ip"\n';
    const text = two(ids(1, "192.0.2.1", ip + session("a", 9)), ids(2, "192.0.2.3", ip + session("b", 9)));
    expect(errors(text)).toEqual([expect.stringContaining("unique on the host (L2TPv3 over IP)")]);
  });

  test("in L2TPv2 it is unique in its tunnel, and has 16 bits as the tunnel's", () => {
    const v2 = 'version = "l2tpv2"\nmode = "static"\n';
    const text = (tid: number, sid: number): string =>
      two(ids(1, ":1701", v2 + session("a", 9)), ids(tid, ":1701", v2 + session("b", sid)));
    expect(errors(text(2, 9))).toEqual([]);
    expect(errors(text(65_536, 70_000))).toEqual([
      expect.stringMatching(
        /tunnel\.b\.tid: found 65536, and IDs of L2TPv2 have 16 bits; expected an integer from 1 to 65535$/,
      ),
      expect.stringMatching(/tunnel\.b\.session\.s\.sid: found 70000/),
    ]);
  });

  test("the peer's IDs in a dynamic tunnel have no effect, and so no range", () => {
    const text = '[tunnel.t]\nversion = "l2tpv2"\npeer = "192.0.2.2"\nptid = 72819\n';
    expect(errors(text)).toEqual([]);
    expect(warnings(text)).toEqual([
      "l2tpd.toml:4:1: warning: tunnel.t.ptid: ignored: a dynamic tunnel learns it from the peer",
    ]);
  });

  test("a configured tunnel needs both of its IDs", () => {
    const text = errors(doc().replace("ptid = 2\n", ""));
    expect(text).toEqual([
      "l2tpd.toml:1:2: tunnel.t1.ptid: missing: a quiescent tunnel needs the peer's tunnel ID; expected an integer from 1 to 4294967295. The peer's document has it as tid.",
    ]);
  });

  test("one name for two interfaces is an error, one pattern is not", () => {
    const other = (name: string): string =>
      `interface_name = "${name}"\n[tunnel.t1.session.s2]\nsid = 12\npsid = 23\ninterface_name = "${name}"`;
    expect(errors(doc("", other("x0")))).toEqual([
      'l2tpd.toml:15:18: tunnel.t1.session.s2.interface_name: "x0" is also tunnel.t1.session.s1.interface_name, and it must be unique on this host',
    ]);
    expect(errors(doc("", other("x%d")))).toEqual([]);
  });
});

describe("warnings", () => {
  test.each<[string, string, string]>([
    ["", 'cookie = "00112233"\npeer_cookie = "0011223344556677"', "peer_cookie: 8 octets, and cookie has 4"],
    [
      "",
      "pppoe_session_id = 3",
      'pppoe_session_id: ignored: it is for pseudowire = "pppac", and this is "eth"',
    ],
    ["", 'pppd_args = "/x"', 'ignored: it is for pseudowire = "ppp"'],
    ["", 'pppd_options = ["noauth"]', 'pppd_options: ignored: it is for pseudowire = "ppp"'],
    ["", 'bridge = "br0"\naddresses = ["10.0.0.1/8"]', "the interface is a port of the bridge br0"],
  ])("%s%s", (tunnel, session, message) => {
    expect(errors(doc(tunnel, session))).toEqual([]);
    expect(warnings(doc(tunnel, session))).toEqual([expect.stringContaining(message)]);
  });

  test("a static tunnel has no use for hellos", () => {
    expect(warnings(doc("hello_timeout = 5000\nmax_retries = 3").replace("quiescent", "static"))).toEqual([
      'l2tpd.toml:7:1: warning: tunnel.t1.hello_timeout: a static tunnel sends no control messages: hello_timeout and max_retries ignored. With mode = "quiescent" hellos find out whether the peer lives.',
    ]);
  });

  test("a dynamic tunnel learns the peer's IDs", () => {
    expect(warnings(doc().replace("quiescent", "dynamic")).map((text) => text.split(": ")[2])).toEqual([
      "tunnel.t1.ptid",
      "tunnel.t1.session.s1.psid",
    ]);
  });
});

test("neither an error nor a warning holds a cookie, whatever is wrong with it", () => {
  for (const wrong of [
    '"c0ffee5e"',
    '"c0ffee5ec0ff"',
    '"c0ffee5zz"',
    "[192, 255, 238]",
    "[192, 255, 238, 256]",
    "12648430",
  ]) {
    const text = doc("", `cookie = ${wrong}\npeer_cookie = ${wrong}\ncoookie = ${wrong}`);
    const checked = checkConfig(text);
    expect(checked.ok).toBe(false);
    const said = JSON.stringify(checked);
    expect(said).not.toMatch(/c0ffee|192|255|238|256|12648430/);
  }
});

test("the nearest key is found through slips, spellings and other programs' words", () => {
  const nearestTo = (key: string): unknown => {
    const checked = checkConfig(doc(`${key} = 1`));
    return checked.ok ? undefined : checked.error.problems[0]?.nearest;
  };
  expect(nearestTo("hello_timout")).toBe("hello_timeout");
  expect(nearestTo("helloTimeout")).toBe("hello_timeout");
  expect(nearestTo("window-size")).toBe("window_size");
  expect(nearestTo("pitd")).toBe("ptid");
  expect(nearestTo("remote")).toBe("peer");
  expect(nearestTo("peer_tunnel_id")).toBe("ptid");
  expect(nearestTo("sausage_machine")).toBeUndefined();
});

test("a session without its tunnel is told where it belongs, and tunnels in the plural what they are", () => {
  expect(errors("[session.s1]\nsid = 1")).toEqual([
    "l2tpd.toml:1:2: session: unknown key in the document. It belongs below its tunnel, as [tunnel.NAME.session.NAME].",
  ]);
  expect(errors("[tunnels.t1]\ntid = 1")).toEqual([
    'l2tpd.toml:1:2: tunnels: unknown key in the document; did you mean "tunnel"?',
  ]);
});

test("a version that cannot be read is one error, and not another for each key that a version asks for", () => {
  expect(errors('[tunnel.t]\nversion = "l2tp2"\npeer = "192.0.2.2"\ntid = 1')).toEqual([
    'l2tpd.toml:2:11: tunnel.t.version: found "l2tp2"; expected "l2tpv2" or "l2tpv3"; did you mean "l2tpv2"?',
  ]);
});

test("a key without a near one is told which there are", () => {
  expect(errors(doc("sausage_machine = 1"))[0]).toMatch(
    /unknown key in \[tunnel\.NAME\]\. Valid here: version, encap, .*, session\.$/,
  );
});

test("places are right in dotted keys, inline tables, quoted names and documents with a byte order mark", () => {
  expect(errors('tunnel.t1.peer = "/"')).toEqual([
    expect.stringMatching(/^l2tpd\.toml:1:18: tunnel\.t1\.peer: "\/" is no IP address and no name of a host/),
  ]);
  expect(errors('[tunnel]\nt1 = { peer = "192.0.2.1", tid = 0 , ptid = 2 }')).toEqual([
    expect.stringMatching(/^l2tpd\.toml:2:34: tunnel\.t1\.tid: found 0/),
  ]);
  expect(errors('\ufeff[tunnel."site one"]\r\npeer = 3\r\n')).toEqual([
    expect.stringMatching(/^l2tpd\.toml:2:8: tunnel\."site one"\.peer: found 3/),
  ]);
  expect(errors("[tunnel.__proto__]\npeer = 3")).toEqual([
    expect.stringMatching(/^l2tpd\.toml:2:8: tunnel\.__proto__\.peer/),
  ]);
});

test("a path is written as TOML would", () => {
  expect(renderPath(["tunnel", "a b", "session", "s", "addresses", 2])).toBe(
    'tunnel."a b".session.s.addresses[2]',
  );
});

describe("pppd's options", () => {
  const ppp = (options: string): string => doc("", `pseudowire = "ppp"\npppd_options = ${options}`);

  test("are words, in their order", () => {
    const { tunnels } = parseConfig(ppp('["noauth", "name", "Jane Doe", ""]'));
    expect(tunnels[0]?.sessions[0]).toMatchObject({ pppdOptions: ["noauth", "name", "Jane Doe", ""] });
  });

  test.each([
    [
      '["noauth", "password", "geheim\\nconnect /bin/sh"]',
      "pppd_options[2]: the word has a control character",
    ],
    [`["${"x".repeat(1024)}"]`, "pppd_options[0]: the word has 1024 octets, and pppd takes 1023"],
    ['["noauth", 7]', "pppd_options[1]: found a number"],
  ])("%.20s… are refused, and not repeated, as any word may be a password", (options, message) => {
    const found = errors(ppp(options));
    expect(found).toEqual([expect.stringContaining(message)]);
    expect(found.join()).not.toMatch(/geheim|xxx/);
  });

  test("two sessions may join PPPoE sessions of one Ethernet interface", () => {
    const pppac = (id: number): string =>
      `pseudowire = "pppac"\ninterface_name = "eth0"\npppoe_session_id = ${id}\npppoe_peer_mac = "02:00:00:00:00:01"\n`;
    expect(errors(doc("", `${pppac(1)}[tunnel.t1.session.s2]\nsid = 12\npsid = 23\n${pppac(2)}`))).toEqual(
      [],
    );
  });
});

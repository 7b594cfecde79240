/** `l2tpctl config import`: whole configurations as people have them, and single lines. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Config, configJsonSchema, parseConfig } from "@l2tp/config";
import { needs } from "@l2tp/testing";
import fc from "@l2tp/testing/fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CONTROL_CHARACTER, l2tpctl, type Outcome } from "./harness.ts";

const FIXTURES = fileURLToPath(new URL("xl2tpd", import.meta.url));
let directory = "";
let number = 0;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "l2tpctl-import-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Imported extends Outcome {
  readonly config: Config;
}

/** Writes files into a folder of their own and imports its xl2tpd.conf. */
async function importing(files: Record<string, string>, ...options: string[]): Promise<Imported> {
  const folder = join(directory, String(++number));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const outcome = await l2tpctl(["config", "import", join(folder, "xl2tpd.conf"), ...options], {
    cwd: folder,
  });
  expect(outcome).toMatchObject({ code: 0 });
  return { ...outcome, config: parseConfig(outcome.stdout) };
}

describe("whole configurations", () => {
  test.each(readdirSync(FIXTURES))("%s becomes what lies beside it, and l2tpd takes it", async (name) => {
    const folder = join(FIXTURES, name);
    const { code, stdout, stderr } = await l2tpctl(["config", "import", join(folder, "xl2tpd.conf")]);
    expect(code).toBe(0);
    expect(parseConfig(stdout).warnings).toEqual([]);
    expect(stdout).toBe(readFileSync(join(folder, "expected.toml"), "utf8"));
    expect(stderr).toBe(readFileSync(join(folder, "expected.notes"), "utf8"));
  });

  test("an L2TP/IPsec server: who may come in, with what, and gets what", async () => {
    const { stdout } = await l2tpctl(["config", "import", join(FIXTURES, "ipsec-lns/xl2tpd.conf")]);
    const { listeners, users, pools, profiles } = parseConfig(stdout);
    expect(listeners[0]?.local).toEqual({ family: 4, address: "203.0.113.5", port: 1701 });
    expect(users.map(({ name }) => name)).toEqual(["vpnuser", "anna", "berta"]);
    expect(users[0]?.password).toEqual({ from: "text", text: "pass word#1" });
    expect(users[1]).toMatchObject({ password: { text: 'an"na' }, address: "192.168.42.77" });
    expect(pools[0]).toMatchObject({ ranges: ["192.168.42.10-192.168.42.250"] });
    const ppp = profiles.ppp.find(({ name }) => name === "default");
    expect(ppp?.options.authenticatePeer?.methods).toEqual(["mschap-v2", "chap-md5"]);
    expect(ppp?.options.mtu).toBe(1280);
  });

  test("a client: dials at the start, again after 15 s, five times", async () => {
    const { stdout } = await l2tpctl(["config", "import", join(FIXTURES, "ipsec-client/xl2tpd.conf")]);
    const [tunnel] = parseConfig(stdout).tunnels;
    expect(tunnel).toMatchObject({
      mode: "dynamic",
      version: 2,
      peers: [{ host: "vpn.example.org", port: 1701 }],
      dial: { mode: "at-start", redial: true, initialMs: 15_000, maxMs: 15_000, maxRedials: 5 },
      sessions: [{ user: { name: "your_vpn_username", password: { text: "your_vpn_password" } } }],
    });
  });

  for (const file of ["/etc/xl2tpd/xl2tpd.conf", "/usr/share/doc/xl2tpd/examples/xl2tpd.conf"]) {
    needs({ tool: "xl2tpd" })(
      `Debian's own ${file}, with every line that is commented out switched on`,
      async () => {
        const text = readFileSync(file, "utf8").replace(/^; (?=\[|[a-z -]+ = )/gim, "");
        const { stdout } = await importing({ "xl2tpd.conf": text });
        expect(stdout.split("\n").length).toBeGreaterThan(10);
      },
    );
  }
});

describe("names, secrets, peers", () => {
  test("a secret for one peer is a rule of its own, before the one for any; none behind that is reached", async () => {
    const { config } = await importing({
      "xl2tpd.conf": "[lns default]\nchallenge = yes\nhostname = here\nip range = 10.0.0.2-9\n",
      "l2tp-secrets": "here lac1 one\nelsewhere lac2 two\n* * any\nhere lac3 three\n",
    });
    expect(config.peers.map(({ name, hostName, secrets }) => [name, hostName, secrets])).toEqual([
      ["default-lac1", ["lac1"], [{ from: "text", text: "one" }]],
      ["default", undefined, [{ from: "text", text: "any" }]],
    ]);
    expect(config.profiles.tunnel[0]?.settings.challenge).toBeUndefined();
  });

  test("challenge = yes without a secret lets nobody in, and says so", async () => {
    const { config, stderr } = await importing({
      "xl2tpd.conf": "[lns default]\nchallenge = yes\nip range = 10.0.0.2\n",
    });
    expect(config.peers).toMatchObject([{ name: "default", deny: expect.stringContaining("secret") }]);
    expect(stderr).toContain("xl2tpd.conf:2: look: challenge = yes");
  });

  test("callers that are named by host name are refused, not let in from anywhere", async () => {
    const { config, stderr } = await importing({
      "xl2tpd.conf": "[lns a]\nlac = some.host\nip range = 10.0.0.2\n",
    });
    expect(config.peers).toEqual([]);
    expect(stderr).toContain("xl2tpd.conf:2: left out: lac = some.host");
  });

  test("the last section is asked first, and default at the end, as by xl2tpd", async () => {
    const { config } = await importing({
      "xl2tpd.conf":
        "[lns default]\nip range=10.0.0.2\n[lns a]\nlac=192.0.2.1\n[lns b]\nlac=192.0.2.2 - 192.0.2.9\nno lac=192.0.2.5\n",
    });
    expect(config.peers.map(({ name, from, deny }) => [name, from, deny !== undefined])).toEqual([
      ["b-refused", ["192.0.2.5"], true],
      ["b", ["192.0.2.2-192.0.2.9"], false],
      ["a", ["192.0.2.1"], false],
      ["default", undefined, false],
    ]);
  });

  test("no word of a secret is told on standard error, broken lines included", async () => {
    const { stderr } = await importing({
      "xl2tpd.conf": "[lns default]\nchallenge = yes\npppoptfile = o\n[lac x]\nlns = h\npppoptfile = o\n",
      "l2tp-secrets": "* * hunter2\nhunter3\nhunter4 hunter5\n",
      "chap-secrets": "anna * hunter6 10.0.0.0/8 -- hunter7\nhunter8\n",
      o: "password hunter9\nname anna\n",
    });
    expect(stderr).not.toBe("");
    expect(stderr).not.toContain("hunter");
  });
});

describe("options of pppd", () => {
  const ppp = async (options: string) => {
    const { config, stderr } = await importing({
      "xl2tpd.conf": "[lns default]\nip range = 10.0.0.2-10.0.0.9\npppoptfile = o\n",
      o: options,
    });
    const profile = config.profiles.ppp.find(({ name }) => name === "default");
    return { profile, options: profile?.options, stderr };
  };

  test.each([
    ["require-pap", { authenticatePeer: { methods: ["pap"] } }],
    ["require-mschap-v2\nrequire-chap", { authenticatePeer: { methods: ["mschap-v2", "chap-md5"] } }],
    ["auth", { authenticatePeer: { methods: ["mschap-v2", "chap-md5", "pap"] } }],
    ["mtu 1400 mru 1300", { mtu: 1400, mru: 1300 }],
    ["lcp-echo-interval 5\nlcp-echo-failure 2", { echoIntervalMs: 5000, echoFailures: 2 }],
    ["require-mppe-128\nrequire-mschap-v2", { mppe: { policy: "require", bits: [128] } }],
    ["noccp", { mppe: { policy: "off" } }],
    ["nopcomp noaccomp nomagic", { pfc: false, acfc: false, magic: false }],
    ["noip", { ipv4: false }],
    ['name "a b"', { authenticatePeer: { localName: "a b" } }],
    ["lcp-restart 2\nlcp-max-configure 7", { restartMs: 2000, maxConfigure: 7 }],
  ])("%j", async (text, expected) => {
    expect((await ppp(text)).options).toMatchObject(expected);
  });

  test("noauth lets anybody in, and the document says so where it stands", async () => {
    expect((await ppp("noauth")).options).not.toHaveProperty("authenticatePeer");
  });

  test("MPPE leaves only ways of proof that give keys for it, and says so", async () => {
    const { options, stderr } = await ppp("require-mppe\nrequire-chap\nrequire-mschap-v2\n");
    expect(options?.authenticatePeer?.methods).toEqual(["mschap-v2"]);
    expect(stderr).toContain("o:1: look: MPPE is required: chap-md5 would give no keys");
  });

  test("files that are included count, one inside another, and a circle ends", async () => {
    const { config } = await importing({
      "xl2tpd.conf": "[lns default]\npppoptfile = deep/o\n",
      "deep/o": "file more\nmtu 1300\n",
      "deep/more": "mtu 1200\nmru 1111\nfile o\n",
    });
    expect(config.profiles.ppp[0]?.options).toMatchObject({ mtu: 1300, mru: 1111 });
  });

  test("values that l2tpd would not take are taken out and said", async () => {
    const { options, stderr } = await ppp("mtu 100000\nmru 1400\nlcp-echo-failure 99999\nms-dns 999.1.1.1\n");
    expect(options).toMatchObject({ mru: 1400 });
    expect(options?.mtu).toBeUndefined();
    for (const line of ["o:1", "o:3", "o:4"]) expect(stderr).toContain(`${line}: left out:`);
  });
});

describe("--keep-pppd", () => {
  test("pppd gets its file, and what xl2tpd would have told it", async () => {
    const { config } = await importing(
      {
        "xl2tpd.conf":
          "[lac x]\nlns = h\npppoptfile = /etc/ppp/o\nname = anna\nrequire chap = yes\nrefuse pap = yes\nremote ip = 10.0.0.1\n",
        "chap-secrets": "anna * secret\n",
      },
      "--keep-pppd",
    );
    expect(config.tunnels[0]?.sessions[0]).toMatchObject({
      pppdArgs: "/etc/ppp/o",
      pppdOptions: ["auth", "refuse-pap", "require-chap", "name", "anna", ":10.0.0.1"],
    });
  });
});

describe("where it is written", () => {
  test("-o: for its owner's eyes only, and nothing is overwritten unasked", async () => {
    const conf = join(FIXTURES, "ipsec-lns/xl2tpd.conf");
    const out = join(directory, "made.toml");
    const first = await l2tpctl(["config", "import", conf, "-o", out]);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining("is made; 3 remarks") });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    expect(readFileSync(out, "utf8")).toBe(readFileSync(join(FIXTURES, "ipsec-lns/expected.toml"), "utf8"));
    writeFileSync(out, "mine");
    expect(await l2tpctl(["config", "import", conf, "-o", out])).toMatchObject({
      code: 73,
      stderr: expect.stringContaining("--force"),
    });
    expect(readFileSync(out, "utf8")).toBe("mine");
    expect(await l2tpctl(["config", "import", conf, "-o", out, "--force"])).toMatchObject({ code: 0 });
    expect(statSync(out).mode & 0o777).toBe(0o600);
  });

  test.each([
    [["/nowhere/xl2tpd.conf"], 66, /cannot read \/nowhere\/xl2tpd\.conf: there is no such file\n/],
    [["/"], 66, /cannot read \/: it is a directory\n/],
    [["/dev/null"], 66, /null has no section \[global\], .*: it is no configuration of xl2tpd\n/],
    [["--secrets", "/nowhere/s"], 66, /cannot read \/nowhere\/s/],
    [[], 64, /missing required argument/],
  ])("%j: %i", async (args, code, says) => {
    const words = args[0] === "--secrets" ? [join(FIXTURES, "ipsec-lns/xl2tpd.conf"), ...args] : args;
    expect(await l2tpctl(["config", "import", ...words])).toMatchObject({
      code,
      stdout: "",
      stderr: expect.stringMatching(says),
    });
  });
});

test("what [lns default] says is not for other sections: neither its pool, nor whom it asks for a proof", async () => {
  const { config, stdout } = await importing({
    "xl2tpd.conf": `[lns default]
ip range = 10.1.2.2-10.1.2.255
require pap = yes
[lns branch]
lac = 203.0.113.4
assign ip = no
[lac branch]
lns = lns.example
name = anna
`,
    "chap-secrets": "anna * geheim *\n",
  });
  const ppp = (name: string) => config.profiles.ppp.find((profile) => profile.name === name);
  expect(config.peers.map(({ name, pppProfile }) => [name, pppProfile])).toEqual([
    ["branch", "branch"],
    ["default", "callers"],
  ]);
  expect(ppp("callers")).toMatchObject({
    pool: "default",
    options: { authenticatePeer: { methods: ["pap"] } },
  });
  expect(ppp("branch")?.pool).toBeUndefined();
  expect(stdout).toContain('ppp_profile = "branch-2"');
  expect(stdout).not.toContain("profile.ppp.default");
  const [tunnel] = config.tunnels;
  expect(tunnel?.sessions[0]).toMatchObject({ ppp: { name: "branch-2" }, user: { name: "anna" } });
  expect(ppp("branch-2")?.pool).toBeUndefined();
});

test("spaces within a key, several ranges on a line, and remarks with # are taken as they were meant", async () => {
  const { config, stderr } = await importing({
    "xl2tpd.conf": `# mine
[lns default]
ip   range = 10.9.9.10 - 10.9.9.20, 10.9.9.30
 local\tip=10.9.9.1
no ip range = 10.9.9.15
#require pap = yes
`,
  });
  expect(config.pools).toMatchObject([
    { ranges: ["10.9.9.10-10.9.9.20", "10.9.9.30"], exclude: ["10.9.9.15"], local: "10.9.9.1" },
  ]);
  expect(stderr).toMatch(/:1: not needed: a remark: [^\n]*\n[^\n]*:6: not needed: a remark: /);
});

test("whatever stands in the files, the document is one that l2tpd takes", async () => {
  const value = fc.oneof(
    fc.constantFrom(
      "yes",
      "no",
      "0",
      "1",
      "-1",
      "99999999999",
      "10.0.0.1",
      "10.0.0.1-20",
      "10.0.0.9-10.0.0.2",
      "a b",
      "h:0",
      "[::1]",
      "0.0.0.0",
    ),
    fc.constantFrom(
      "255.255.255.255",
      "224.0.0.1",
      "127.0.0.1",
      "host",
      "host:99999",
      "o",
      "'",
      '"',
      "\\",
      "#",
      "%d",
      "",
      "é\u0007",
    ),
    fc.string({ maxLength: 12 }),
  );
  const key = fc.constantFrom(
    "access control",
    "assign ip",
    "auth file",
    "autodial",
    "bps",
    "cap backoff",
    "challenge",
    "debug avp",
    "defaultroute",
    "exclusive",
    "force userspace",
    "hidden bit",
    "hostname",
    "ip range",
    "lac",
    "listen-addr",
    "lns",
    "local ip",
    "max redials",
    "max retries",
    "name",
    "no ip range",
    "no lac",
    "port",
    "pppoptfile",
    "redial",
    "redial timeout",
    "refuse chap",
    "refuse pap",
    "remote ip",
    "require authentication",
    "require chap",
    "require pap",
    "tunnel rws",
    "tx bps",
  );
  const line = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(key, value).map(([k, v]) => `${k} = ${v}`) },
    {
      weight: 2,
      arbitrary: fc.constantFrom(
        "[global]",
        "[lns default]",
        "[lac default]",
        "[lac a]",
        "[lns a]",
        "[lac]",
        "[lns b]",
      ),
    },
    { weight: 1, arbitrary: value },
  );
  const word = fc.oneof(
    fc.constantFrom(
      "auth",
      "noauth",
      "require-mppe",
      "require-mschap-v2",
      "require-pap",
      "refuse-mschap-v2",
      "name",
      "mtu",
      "mru",
    ),
    fc.constantFrom(
      "ms-dns",
      "ms-wins",
      "lcp-echo-interval",
      "idle",
      "ifname",
      "unit",
      "user",
      "password",
      "file",
      "lcp-restart",
    ),
    fc.constantFrom(
      "10.0.0.1:10.0.0.2",
      ":10.0.0.300",
      "noip",
      "mppe",
      "required,no128",
      "chap-interval",
      "refuse-mschap",
      "refuse-chap",
    ),
    value,
  );
  const text = (one: fc.Arbitrary<string>, separator: string) =>
    fc.array(one, { maxLength: 25 }).map((all) => all.join(separator));
  const files = fc.record({
    "xl2tpd.conf": text(line, "\n"),
    o: text(word, " "),
    "l2tp-secrets": text(value, " "),
    "chap-secrets": text(fc.oneof(value, fc.constant("\n")), " "),
  });
  await fc.assert(
    fc.asyncProperty(files, async (given) => {
      const { stdout, stderr } = await importing({
        ...given,
        "xl2tpd.conf": `[lns default]\n${given["xl2tpd.conf"]}`,
      });
      expect(stdout + stderr).not.toMatch(CONTROL_CHARACTER);
    }),
    { numRuns: 300, ...(process.env["L2TP_TEST_SEED"] && { seed: Number(process.env["L2TP_TEST_SEED"]) }) },
  );
});

test("the guide speaks of no key that a document cannot have, and of every option", async () => {
  const guide = readFileSync(new URL("../../../docs/migrating-from-xl2tpd.md", import.meta.url), "utf8");
  const schema = JSON.stringify(configJsonSchema());
  const columns = [...guide.matchAll(/^\|[^|]*\|([^|]*)\|$/gm)].map(([, ours]) => ours ?? "");
  const keys = columns.flatMap((ours) =>
    [...ours.matchAll(/`([a-z0-9_]+)(?: = [^`]*)?`/g)].map(([, key]) => key),
  );
  expect(keys.length).toBeGreaterThan(50);
  for (const key of keys) expect(schema).toContain(`"${key}":`);
  const help = (await l2tpctl(["config", "import", "--help"])).stdout;
  const options = (help.match(/--[a-z-]+(?= |,)/g) ?? []).filter(
    (it) => !["--help", "--output", "--check", "--config"].includes(it),
  );
  for (const option of new Set(options)) expect(guide).toContain(option);
});

describe("what people's configurations have", () => {
  test("addresses that are named twice are in the pool once, and one that is named again after an exclusion is given", async () => {
    const { config, stderr, stdout } = await importing({
      "xl2tpd.conf": `[lns default]
ip range = 192.168.0.1-192.168.0.20
no ip range = 192.168.0.3-192.168.0.9
ip range = 192.168.0.5
ip range = 192.168.0.15-192.168.0.30
ip range = 192.168.1.1-192.168.1.3
local ip = 192.168.2.1
`,
    });
    expect(stderr).not.toMatch(/left out/);
    expect(config.warnings).toEqual([]);
    expect(stdout).toContain('ranges = ["192.168.0.1-192.168.0.30", "192.168.1.1-192.168.1.3"]');
    expect(stdout).toContain('exclude = ["192.168.0.3-192.168.0.4", "192.168.0.6-192.168.0.9"]');
  });

  test.each([
    ["an LNS", "[lns default]\nip range = 10.0.0.2-10.0.0.9\nlocal ip = 10.0.0.1\nhidden bit = yes\n", ""],
    [
      "an LNS with a secret for some",
      "[lns default]\nip range = 10.0.0.2-10.0.0.9\nhidden bit = yes\n",
      "* a s",
    ],
    ["a LAC", "[lac x]\nlns = 192.0.2.1\nhidden bit = yes\n", ""],
  ])("%s without a secret hides nothing, and stays", async (_, text, secrets) => {
    const { config, stderr } = await importing({ "xl2tpd.conf": text, "l2tp-secrets": `${secrets}\n` });
    expect(stderr).toMatch(
      /xl2tpd\.conf:\d: left out: hidden bit = yes: without a secret nothing can be hidden/,
    );
    expect(config.peers.length + config.tunnels.length).toBeGreaterThan(0);
    expect(config.peers.some(({ name }) => name === "default") || config.tunnels.length === 1).toBe(true);
  });

  test("a session stays whose user has no password that can be found", async () => {
    const { config, stderr } = await importing({ "xl2tpd.conf": "[lac x]\nlns = 192.0.2.1\nname = anna\n" });
    expect(stderr).toContain("look: the user anna: no password was found for it");
    expect(config.tunnels[0]?.sessions).toHaveLength(1);
  });

  test("users for a server of another name are told", async () => {
    const { config, stderr } = await importing({
      "xl2tpd.conf": "[lns default]\nip range = 10.0.0.2-10.0.0.9\nname = vpn\n",
      "chap-secrets": '"user one" l2tpd "p w" *\nneil * testing *\n',
    });
    expect(config.users.map(({ name }) => name)).toEqual(["neil"]);
    expect(stderr).toContain("chap-secrets:1: look: the user user one is not carried over: pppd takes it of");
  });
});

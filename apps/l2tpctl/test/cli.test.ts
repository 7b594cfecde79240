import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { capture } from "./corpus.ts";
import { jsonLines, l2tpctl, Sink } from "./harness.ts";

const basic = capture("xl2tpd-basic");
let directory = "";
const at = (name: string) => join(directory, name);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "l2tpctl-"));
  const whole = readFileSync(basic.file);
  writeFileSync(at("basic.pcap"), whole);
  writeFileSync(at("cut.pcap"), whole.subarray(0, whole.length - 5));
  writeFileSync(at("text.pcap"), "hello\n");
  writeFileSync(at("empty.pcap"), "");
  writeFileSync(at("zipped.pcap.gz"), Buffer.from("1f8b080000000000", "hex"));
  writeFileSync(at("secret.txt"), "hide me please\nsecond line\n");
  mkdirSync(at("folder"));
  writeFileSync(at("folder/inner.pcap"), whole);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe("help and version", () => {
  test("--help names the commands, gives examples and the exit codes", async () => {
    const { code, stdout, stderr } = await l2tpctl(["--help"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: l2tpctl \[options\] \[command\]/);
    expect(stdout).toContain("decode");
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("Exit codes:");
    expect(stderr).toBe("");
  });

  test("decode --help names every option, gives examples and says what is printed for refused datagrams", async () => {
    const { code, stdout } = await l2tpctl(["decode", "--help"]);
    expect(code).toBe(0);
    const options = [
      "--json",
      "--verbose",
      "--port",
      "--cookie",
      "--l2spec",
      "--secret ",
      "--secret-file",
      "--hex",
      "--encap",
    ];
    for (const option of [...options, "--no-authentication"]) expect(stdout).toContain(option);
    expect(stdout).toContain("Examples:");
    expect(stdout).toMatch(/rejection.*reason/);
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  test("help decode is decode --help", async () => {
    expect(await l2tpctl(["help", "decode"])).toEqual(await l2tpctl(["decode", "--help"]));
    expect(await l2tpctl(["help"])).toEqual(await l2tpctl(["--help"]));
  });

  test("the manual page documents every option of the help", async () => {
    const page = readFileSync(new URL("../../../docs/man/l2tpctl.8.md", import.meta.url), "utf8");
    const { stdout } = await l2tpctl(["decode", "--help"]);
    const options = new Set(stdout.match(/--[a-z][a-z0-9-]+/g));
    expect(options.size).toBeGreaterThan(10);
    for (const option of options) expect(page).toContain(`**${option}**`);
  });

  test("--version is the package's", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
    expect(await l2tpctl(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
  });

  test("help is styled on a terminal only", async () => {
    const terminal = new Sink({ isTTY: true });
    await l2tpctl(["--help"], { stdout: terminal });
    expect(terminal.text).toContain("\u001b[1m");
    expect((await l2tpctl(["--help"])).stdout).not.toContain("\u001b");
  });
});

describe("wrong usage: exit code 2, nothing on standard output, the remedy on standard error", () => {
  test.each([
    ["no command", [], /Usage: l2tpctl/],
    ["an unknown command", ["decod"], /unknown command 'decod'[\s\S]*decode/],
    [
      "help with no command of that name",
      ["help", "nope"],
      /^l2tpctl: there is no command 'nope' .* status, .*decode, /,
    ],
    ["an unknown option", ["decode", "--jsn", "x"], /unknown option '--jsn'[\s\S]*--json/],
    ["no file", ["decode"], /name a capture file, or - for standard input/],
    ["two files", ["decode", "a", "b"], /too many arguments/],
    ["a cookie size", ["decode", "--cookie", "5", "x"], /'--cookie <octets>'[\s\S]*0, 4, 8/],
    ["a sublayer", ["decode", "--l2spec", "atm", "x"], /none, default/],
    ["an encapsulation", ["decode", "--hex", "--encap", "tcp"], /udp, ip/],
    ["a port of 0", ["decode", "--port", "0", "x"], /from 1 to 65535/],
    ["a port of 65536", ["decode", "--port", "65536", "x"], /from 1 to 65535/],
    ["a port by name", ["decode", "--port", "l2tp", "x"], /from 1 to 65535/],
    ["an option without its value", ["decode", "x", "--secret"], /argument missing/],
    ["--encap without --hex", ["decode", "--encap", "ip", "x"], /--encap goes with --hex/],
    ["--port with --hex", ["decode", "--hex", "--port", "1701"], /--port does not go with --hex/],
    ["--verbose with --hex", ["decode", "--hex", "-v"], /--verbose does not go with --hex/],
    ["--verbose with --json", ["decode", "--json", "-v", "x"], /one of --json and --verbose/],
    [
      "two secrets",
      ["decode", "--secret", "a", "--secret-file", "b", "x"],
      /one of --secret and --secret-file/,
    ],
    [
      "a secret file that is not there",
      ["decode", "--secret-file", "/nowhere/s", "x"],
      /cannot read \/nowhere\/s: there is no such file/,
    ],
    [
      "--no-authentication without a secret",
      ["decode", "--hex", "--no-authentication"],
      /goes with --hex and --secret/,
    ],
    [
      "--no-authentication for a capture",
      ["decode", "--no-authentication", "--secret", "s", "x"],
      /goes with --hex/,
    ],
  ])("%s", async (_, args, says) => {
    const { code, stdout, stderr } = await l2tpctl(args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(says);
  });
});

describe("input that cannot be read: exit code 2, and why", () => {
  test.each([
    ["nowhere.pcap", /cannot read .*nowhere\.pcap: there is no such file/],
    ["folder", /cannot read .*folder: it is a directory/],
    ["text.pcap", /text\.pcap: not a pcap or pcapng file: it begins with 68 65 6c 6c/],
    ["empty.pcap", /empty\.pcap: the file is empty/],
    ["zipped.pcap.gz", /zipped\.pcap\.gz: not a pcap or pcapng file: this is gzip data: .*gunzip/],
  ])("%s", async (name, says) => {
    const { code, stdout, stderr } = await l2tpctl(["decode", at(name)]);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("a file cut short is printed as far as it goes", async () => {
    const whole = await l2tpctl(["decode", "--json", at("basic.pcap")]);
    const { code, stdout, stderr } = await l2tpctl(["decode", "--json", at("cut.pcap")]);
    expect(code).toBe(2);
    expect(whole.stdout.startsWith(stdout)).toBe(true);
    expect(jsonLines(stdout).length).toBeGreaterThan(40);
    expect(stderr).toMatch(/cut\.pcap: the file is cut short: it ends at octet \d+/);
  });
});

describe("where the input comes from", () => {
  test("- is standard input, in pieces of any size", async () => {
    const octets = readFileSync(basic.file);
    const expected = await l2tpctl(["decode", "--json", basic.file]);
    expect(await l2tpctl(["decode", "--json", "-"], { stdin: octets })).toEqual(expected);
    const pieces = Array.from({ length: Math.ceil(octets.length / 7) }, (_, i) =>
      octets.subarray(i * 7, i * 7 + 7),
    );
    expect(await l2tpctl(["decode", "--json", "-"], { stdin: pieces })).toEqual(expected);
  });

  test("a terminal is no capture", async () => {
    const { code, stderr } = await l2tpctl(["decode", "-"], { stdinIsTTY: true });
    expect(code).toBe(2);
    expect(stderr).toMatch(/standard input is a terminal; pipe a capture into it/);
  });

  test("a relative name is looked for in the working directory, then where npm was called", async () => {
    const expected = await l2tpctl(["decode", basic.file]);
    expect(await l2tpctl(["decode", "basic.pcap"], { cwd: directory })).toEqual(expected);
    expect(await l2tpctl(["decode", "inner.pcap"], { env: { INIT_CWD: at("folder") } })).toEqual(expected);
    expect(await l2tpctl(["decode", "text.pcap"], { cwd: directory, env: { INIT_CWD: "/" } })).toMatchObject({
      code: 2,
    });
  });

  test("the secret may come from the first line of a file", async () => {
    const { file } = capture("xl2tpd-hidden-onesided");
    const given = await l2tpctl(["decode", "--json", "--secret", "hide me please", file]);
    expect(await l2tpctl(["decode", "--json", "--secret-file", at("secret.txt"), file])).toEqual(given);
    expect(await l2tpctl(["decode", "--json", file])).not.toEqual(given);
  });
});

test("the secret is never printed", async () => {
  for (const name of ["xl2tpd-challenge", "accel-hidden", "made-v3-hidden-udp4"]) {
    const { file, options } = capture(name);
    const secret = options[options.indexOf("--secret") + 1] ?? "";
    for (const how of ["-v", "--json"]) {
      const { stdout, stderr } = await l2tpctl(["decode", how, ...options, file]);
      expect(stdout.length).toBeGreaterThan(100);
      expect(stdout + stderr).not.toContain(secret);
      expect(stdout + stderr).not.toContain(Buffer.from(secret).toString("hex"));
    }
  }
});

test("when the reader goes away, decoding stops quietly", async () => {
  const stdout = new Sink({ limit: 1 });
  const outcome = await l2tpctl(["decode", "-"], {
    stdin: (() => {
      const octets = readFileSync(basic.file);
      return [octets.subarray(0, 3000), octets.subarray(3000, 6000), octets.subarray(6000)];
    })(),
    stdout,
  });
  expect(outcome).toMatchObject({ code: 0, stderr: "" });
  expect(stdout.text.split("\n").length).toBeLessThan(40);
});

describe("colour", () => {
  const run = async (env: Record<string, string>, isTTY: boolean) =>
    (await l2tpctl(["decode", basic.file], { env, stdout: new Sink({ isTTY }) })).stdout;

  test("on a terminal, unless NO_COLOR is set, and nowhere else", async () => {
    const plain = await run({}, false);
    expect(plain).not.toContain("\u001b");
    expect(await run({ NO_COLOR: "1" }, true)).toBe(plain);
    const coloured = await run({}, true);
    expect(coloured).toContain("\u001b[");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    expect(coloured.replace(/\u001b\[[0-9;]*m/g, "")).toBe(plain);
  });

  test("JSON has none", async () => {
    const stdout = new Sink({ isTTY: true });
    await l2tpctl(["decode", "--json", basic.file], { stdout });
    expect(stdout.text).not.toContain("\u001b");
  });
});

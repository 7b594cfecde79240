/** The command line: help, and what it does not take. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { l2tpload } from "./harness.ts";

const folder = mkdtempSync(join(tmpdir(), "l2tpload-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("--help has groups of options, examples and exit codes", async () => {
  const { code, stdout } = await l2tpload(["--help"]);
  expect(code).toBe(0);
  for (const part of ["How fast:", "PPP in the sessions:", "Examples:", "Exit codes:", "--yes-i-may"]) {
    expect(stdout).toContain(part);
  }
});

test("--version is the package's", async () => {
  expect(await l2tpload(["--version"])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
  });
});

test.each([
  ["8.8.8.8", /neither loopback nor private.*--yes-i-may/],
  ["lns.example:99999", /address or name/],
  [
    "no-such-host.invalid",
    /target no-such-host\.invalid: the name (has no address|cannot be looked up \([A-Z_]+\)); see getent hosts/,
  ],
  ["127.0.0.1 -t 0", /--tunnels.*whole number from 1/],
  ["127.0.0.1 --hold soon", /--hold.*such as 10, 500ms, 2m/],
  ["127.0.0.1 --tunnel-rate 0", /--tunnel-rate.*above 0/],
  ["127.0.0.1 --auth rot13 --ppp", /rot13 is none of .*mschap-v2/],
  ["127.0.0.1 --ping", /--ping needs --ppp/],
  ["127.0.0.1 --ppp --ping-address lns", /--ping-address lns: an IPv4 address/],
  ["127.0.0.1 --hide", /--hide needs --secret/],
  ["127.0.0.1 --secret-file /no/such/file", /--secret-file \/no\/such\/file: there is no such file/],
  ["127.0.0.1 --churn 5", /--churn needs --hold/],
  [
    "127.0.0.1 --user u{foo:3}",
    /--user u\{foo:3\}: there is no \{foo:3\}, but \{tunnel\}, \{session\}, \{n\}/,
  ],
  ["127.0.0.1 --host-name {Tunnel}", /--host-name .*there is no \{Tunnel\}/],
  ["127.0.0.1 --teardown loudly", /sessions, tunnels, none/],
  ["127.0.0.1 --source ::1", /IPv4 address/],
  ["127.0.0.1 --source 192.0.2.77", /192\.0\.2\.77/],
  ["127.0.0.1 --tunnel 5", /--tunnels/],
  ["", /missing required argument/],
])("l2tpload %s is refused with what would be right", async (line, message) => {
  const { code, stdout, stderr } = await l2tpload(line.split(" ").filter((word) => word !== ""));
  expect(stdout).toBe("");
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^l2tpload: /);
  expect(code).toBe(2);
});

test("an empty secret file is no secret", async () => {
  const file = join(folder, "empty");
  writeFileSync(file, "\nsecond line\n");
  const { code, stderr } = await l2tpload(["127.0.0.1", "--secret-file", file]);
  expect(stderr).toMatch(/secret is empty/);
  expect(code).toBe(2);
});

test("where nobody answers it says so, and what to look at", async () => {
  const words = ["127.0.0.1:9", "-t", "3", "-s", "1", "--duration", "200ms", "--grace", "50ms"];
  const { code, stdout } = await l2tpload([...words, "--json"]);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    complete: false,
    failures: [
      {
        count: 3,
        what: "tunnel",
        reason: "no answer from 127.0.0.1:9",
        remedy: expect.stringMatching(/address, port and firewalls/) as string,
      },
    ],
  });
  expect((await l2tpload(words)).stdout).toContain("3  tunnel: no answer from 127.0.0.1:9");
});

test("a secret shows neither in the result nor in an error", async () => {
  const { stdout, stderr } = await l2tpload([
    "127.0.0.1:9",
    "--secret",
    "geheim",
    "--json",
    "--duration",
    "100ms",
    "--grace",
    "50ms",
    "-t",
    "1",
  ]);
  expect(stdout + stderr).not.toContain("geheim");
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { explain, parseConfig } from "../src/index.ts";

const example = (file: string): string =>
  explain(parseConfig(readFileSync(new URL(`../../../examples/${file}`, import.meta.url), "utf8"), { file }));

test("an LNS is explained in the order in which its entries are asked", () => {
  expect(
    example("lns.toml"),
  ).toBe(`defaults: l2tpd's (field), because the document has limits, which is no key of go-l2tp
listen here: 127.0.0.1:1701
peer anybody: secret given
user test: password given
user test2: password given
pool subscribers: 1048573 addresses
tunnel profile default: 65535 sessions; hello 60000 ms; 5 retries; window 16
PPP profile default: asks for mschap-v2, chap-md5, pap; pool subscribers
`);
});

test("a tunnel that is dialled shows whom, how and as whom, and where each value comes from", () => {
  const text = example("lac-failover.toml");
  for (const line of [
    "  peer               lns1.isp.example:1701, lns2.isp.example:1701, 192.0.2.30:1701",
    "  secret             secret given",
    "  dial               start  (default)",
    "    user             branch-7@isp.example",
    "    password         password given",
    "    ppp_profile      uplink",
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  expect(example("kl2tpd.toml")).toContain("    pppd_args        pppd, with /etc/ppp/isp-options\n");
});

test("what a session cannot have is not told of it: cookies in L2TPv2, an MSS where the PPP profile has it", () => {
  const text = example("lac.toml");
  expect(text).toContain("session internet");
  expect(text).not.toMatch(/cookie|l2spec_type|clamp_mss/);
  expect(example("l2tpv3-static.toml")).toMatch(/ {4}peer_cookie .* {4}l2spec_type .* {4}clamp_mss /s);
});

test("what a profile says is marked so, and files of secrets by their paths", () => {
  const text = explain(
    parseConfig(`[profile.tunnel.default]
hello_timeout = 5
[peer.p]
secret_file = "/s"
old_secret_file = "/o"
[listen.l]
local = ":1701"
[tunnel.t]
version = "l2tpv2"
peer = "192.0.2.1"
secret_file = "/t"
`),
  );
  expect(text).toContain("  hello_timeout      5 ms  (inherited)\n");
  expect(text).toContain("  secret_file        secret in /t\n");
  expect(text).toContain("peer p: secret in /s, old secret in /o\n");
});

test.each(["lns.toml", "lac.toml", "lns-full.toml", "lac-failover.toml", "tunnel-switch.toml"])(
  "no secret of %s is shown",
  (file) => {
    const secrets = [
      ...readFileSync(new URL(`../../../examples/${file}`, import.meta.url), "utf8").matchAll(
        /(?:secret|password) = "(.*)"/g,
      ),
    ];
    expect(secrets.length).toBeGreaterThan(0);
    // Names of users may be as their passwords are.
    const text = example(file).replace(/^(user |.*\buser ).*$/gm, "");
    for (const [, secret] of secrets) expect(text).not.toContain(secret);
  },
);

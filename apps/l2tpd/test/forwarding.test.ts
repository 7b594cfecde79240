import { parseConfig } from "@l2tp/config";
import { expect, test } from "vitest";
import { applyForwarding, type HostForwarding } from "../src/forwarding.ts";
import { recorder } from "./recorder.ts";
import { lns } from "./scene.ts";

/** A host that forwards or does not, and may refuse to. */
function host(ipv4: boolean, refuses = false) {
  const done: unknown[] = [];
  const functions: HostForwarding = {
    forwardingState: () => ({ ipv4, ipv6: ipv4 }),
    enableForwarding: (options) => {
      if (refuses) throw new Error("forwarding of IPv4 cannot be switched on (EROFS); run: sysctl -w …");
      done.push(options);
    },
    masqueradeCommands: (prefixes) => prefixes.map((prefix) => `nft … ${prefix}`),
  };
  return { done, load: async () => functions };
}

const document = (attach: string, ...keys: string[]) =>
  parseConfig(
    lns(1701)
      .replace('attach = "program"\n', attach)
      .replace("ipv6 = false\n", `ipv6 = false\n${keys.join("\n")}\n`),
  );

test("forwarding is switched on where a profile says so", async () => {
  const { done, load } = host(false);
  const log: string[] = [];
  await applyForwarding(document("", "forward = true"), recorder(log), load);
  expect([done, log]).toEqual([[{ ipv4: true, ipv6: true }], []]);
});

test("a host that forwards nothing, and was not told to, is explained once; one that does, or needs not, is not", async () => {
  for (const [attach, on, lines] of [
    ["", false, 1],
    ["", true, 0],
    ['attach = "program"\n', false, 0],
  ] as const) {
    const log: string[] = [];
    const { done, load } = host(on);
    const config = parseConfig(
      `${lns(1701).replace('attach = "program"\n', attach)}\n[profile.ppp.default]\n${attach}`,
    );
    await applyForwarding(config, recorder(log), load);
    expect([log.length, done.length], attach).toEqual([lines, 0]);
    if (lines === 1) expect(log[0]).toMatch(/callers reach this host only.*forward = true/);
  }
});

test("where it cannot be switched on, that is a warning with what to run, and no reason to stop", async () => {
  const log: string[] = [];
  await applyForwarding(document("", "forward = true"), recorder(log), host(false, true).load);
  expect(log).toEqual([expect.stringMatching(/^warn .*EROFS.*sysctl -w/)]);
});

test("masquerading is not done, and said with the commands for the pools", async () => {
  const log: string[] = [];
  await applyForwarding(document("", "forward = true", "masquerade = true"), recorder(log), host(true).load);
  expect(log).toEqual([
    expect.stringMatching(/^warn masquerade is not done by l2tpd itself.*nft … 10\.123\.0\.2\/31/),
  ]);
});

test("a daemon that takes no callers looks at nothing", async () => {
  await applyForwarding(
    parseConfig('[tunnel.t]\npeer = "192.0.2.1"\ntid = 1\nptid = 2\n'),
    recorder([]),
    () => {
      throw new Error("nothing is to be loaded");
    },
  );
});

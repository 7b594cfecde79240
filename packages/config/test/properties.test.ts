import { readdirSync, readFileSync } from "node:fs";
import { Rules } from "@l2tp/access";
import { DEFAULT_TUNNEL, endpointSettings, tunnelSettings } from "@l2tp/control";
import { pppSettings } from "@l2tp/ppp";
import { SharedSecret } from "@l2tp/protocol";
import { processorMs } from "@l2tp/testing";
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { checkConfig, explain, plan, rulesOf, secretsOf } from "../src/index.ts";
import { editDistance } from "../src/nearest.ts";

const folder = new URL("../../../examples/", import.meta.url);
const documents = readdirSync(folder)
  .filter((file) => file.endsWith(".toml"))
  .map((file) => readFileSync(new URL(file, folder), "utf8"));

const seed = Number(process.env["L2TP_TEST_SEED"] ?? 20_261_121);

/** What hand and accident put into a file: other values, brackets, quotes, halves of lines. */
const FRAGMENTS = [
  "0",
  "-1",
  "1e400",
  "99999999999999999999",
  "nan",
  "true",
  '"',
  '"""',
  "[",
  "]",
  "{",
  "}",
  "=",
  ".",
  "#",
  "\n",
  "[tunnel]",
  "[[tunnel]]",
  "[tunnel.x.session]",
  "tid = 0\n",
  'peer = ":0"\n',
  "session = []\n",
  "__proto__ = 1\n",
  "[tunnel.__proto__]\n",
  "[tunnel.constructor]\n",
  "toString = {}\n",
  "1979-05-27T07:32:00Z",
  "[1, [2, [3]]]",
  "\ud800",
  "\0",
  "%d",
  '"10.0.0.0/8"',
  '"::1"',
  '"2001:db8::/48"',
  '"*"',
  '["a", {}]',
  '[profile.ppp.x]\ninherits = "x"\n',
  'inherits = "default"\n',
  "[user.__proto__]\n",
  "[pool.toString]\n",
  '[peer."*"]\n',
  'auth = ["pap"]\n',
  "4294967295",
];

const mutated = fc
  .tuple(
    fc.constantFrom(...documents),
    fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        cut: fc.nat(40),
        put: fc.oneof(fc.constantFrom(...FRAGMENTS), fc.string({ maxLength: 8 })),
      }),
      { minLength: 1, maxLength: 6 },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((now, { at, cut, put }) => {
      const from = Math.floor(at * now.length);
      return now.slice(0, from) + put + now.slice(from + cut);
    }, text),
  );

test("whatever is in a document, the answer is a configuration or a ConfigError with places in the text", () => {
  fc.assert(
    fc.property(mutated, (text) => {
      const checked = checkConfig(text);
      if (checked.ok) {
        const { config } = checked;
        expect(plan(config, config)).toEqual([]);
        expect(explain(config)).toContain("because");
        // What is taken here is taken by those who get it.
        const secrets = new Map(
          [...secretsOf(config)].flatMap((one) => (one.from === "file" ? [[one.path, "opensesame"]] : [])),
        );
        expect(new Rules(rulesOf(config, { texts: secrets, problems: [] })).status().users).toBe(
          config.users.length,
        );
        for (const { options } of config.profiles.ppp) pppSettings(options);
        const shared = [new SharedSecret("opensesame")];
        for (const { settings } of config.profiles.tunnel)
          tunnelSettings(DEFAULT_TUNNEL, { ...settings, secrets: shared });
        endpointSettings({ limits: config.limits });
        return;
      }
      const lines = text.split("\n").length;
      expect(checked.error.problems.length).toBeGreaterThan(0);
      for (const { line, column, reason } of [...checked.error.problems, ...checked.warnings]) {
        expect(line >= 1 && line <= lines + 1 && column >= 1).toBe(true);
        expect(reason).not.toBe("");
      }
    }),
    { seed, numRuns: 3000 },
  );
});

test("nesting deeper than any parser goes is an error like others", () => {
  for (const text of [
    `a = ${"[".repeat(100_000)}`,
    `a = ${"[".repeat(500)}${"]".repeat(500)}`,
    `${"a.".repeat(2000)}b = 1`,
  ]) {
    expect(checkConfig(text).ok).toBe(false);
  }
});

test("a key of very many parts costs no more than its length", () => {
  const parts = "a.".repeat(20_000);
  // Tenths of a second; with a path kept for each part it took a minute and 4 GB.
  const work = () => {
    for (const text of [`[${parts}b]\n`, `[tunnel.t]\n${parts}b = 1`, `[tunnel.t]\n"${parts}" = 1`]) {
      expect(checkConfig(text).ok).toBe(false);
    }
  };
  expect(processorMs(work)).toBeLessThan(20_000);
}, 300_000);

test("the edit distance agrees with its definition", () => {
  const slow = (a: string, b: string): number => {
    if (a === "" || b === "") return Math.max(a.length, b.length);
    const swap =
      a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0] ? slow(a.slice(2), b.slice(2)) + 1 : 99;
    const step = slow(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1);
    return Math.min(step, swap, slow(a.slice(1), b) + 1, slow(a, b.slice(1)) + 1);
  };
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 5 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(editDistance(a, b)).toBe(slow(a, b));
    }),
    { seed, numRuns: 200 },
  );
});

test("10,000 tunnels are read, rightly or wrongly, at the price of ten times 1,000", () => {
  const tunnels = (count: number) =>
    Array.from(
      { length: count },
      (_, i) =>
        `[tunnel.t${i}]\nlocal = "192.0.2.1:1701"\npeer = "198.51.100.1:1701"\nmode = "quiescent"\ntid = ${i + 1}\nptid = ${i + 1}\n[tunnel.t${i}.session.s]\nsid = ${i + 1}\npsid = ${i + 1}\n`,
    ).join("");
  const [few, many] = [tunnels(1_000), tunnels(10_000)];
  const price = processorMs(() => checkConfig(few));
  let [good, bad] = [checkConfig(""), checkConfig("")];
  const tenfold = processorMs(() => {
    good = checkConfig(many);
  });
  bad = checkConfig(`${many}[tunnel.last]\n`);
  expect(good.ok && good.config.tunnels).toHaveLength(10_000);
  expect(bad.ok ? 0 : bad.error.problems[0]?.line).toBe(90_001);
  // A hundred times would be quadratic.
  expect(tenfold).toBeLessThan(40 * price);
}, 300_000);

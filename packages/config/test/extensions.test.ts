import { expect, expectTypeOf, test } from "vitest";
import * as z from "zod";
import { checkConfig, parseConfig } from "../src/index.ts";

const extensions = {
  root: { site: z.string() },
  tunnel: { customer: z.object({ id: z.int(), vip: z.boolean().default(false) }).optional() },
  session: { vlan: z.int().min(1).max(4094).optional(), pin: z.string().min(12).optional() },
};
const TEXT = `site = "north"
[tunnel.t]
peer = "192.0.2.2"
tid = 1
ptid = 2
customer = { id = 7 }
[tunnel.t.session.s]
sid = 3
psid = 4
vlan = 12
`;

test("an application's keys come through its schemas at each level, typed", () => {
  const config = parseConfig(TEXT, { extensions });
  expectTypeOf(config.extensions.site).toEqualTypeOf<string>();
  expect(config.extensions).toEqual({ site: "north" });
  const [tunnel] = config.tunnels;
  expectTypeOf(tunnel?.extensions.customer).toEqualTypeOf<{ id: number; vip: boolean } | undefined>();
  expect(tunnel?.extensions).toEqual({ customer: { id: 7, vip: false } });
  expectTypeOf(tunnel?.sessions[0]?.extensions.vlan).toEqualTypeOf<number | undefined>();
  expect(tunnel?.sessions[0]?.extensions).toEqual({ vlan: 12 });
});

test("they do not decide whose defaults apply", () => {
  expect(parseConfig(TEXT, { extensions }).defaults.profile).toBe("go-l2tp");
});

test("without the extension they are unknown keys", () => {
  const checked = checkConfig(TEXT);
  expect(checked.ok ? [] : checked.error.problems.map(({ key, code }) => [key, code])).toEqual([
    ["site", "unknown-key"],
    ["tunnel.t.customer", "unknown-key"],
    ["tunnel.t.session.s.vlan", "unknown-key"],
  ]);
});

test("what does not fit them is reported with its place, what is missing too, and no value is repeated", () => {
  const text = TEXT.replace('site = "north"\n', "")
    .replace("id = 7", 'id = "seven"')
    .replace("vlan = 12", 'vlan = 5000\npin = "hunter2"\nvlam = 1');
  const checked = checkConfig(text, { extensions });
  const problems = checked.ok ? [] : checked.error.problems;
  expect(problems.map(({ line, column, key, code }) => [line, column, key, code])).toEqual([
    [1, 1, "site", "missing-key"],
    [5, 19, "tunnel.t.customer.id", "invalid-value"],
    [9, 8, "tunnel.t.session.s.vlan", "invalid-value"],
    [10, 7, "tunnel.t.session.s.pin", "invalid-value"],
    [11, 1, "tunnel.t.session.s.vlam", "unknown-key"],
  ]);
  expect(problems.at(-1)?.nearest).toBe("vlan");
  expect(JSON.stringify(problems)).not.toMatch(/hunter2|seven|5000/);
});

test("a key that l2tpd has is refused at once: a fault of the program, not of the document", () => {
  expect(() => checkConfig("", { extensions: { session: { mtu: z.int() } } })).toThrow(
    new TypeError("extensions.session.mtu: l2tpd has a key of this name; choose another"),
  );
  expect(() => checkConfig("", { extensions: { root: { tunnel: z.int() } } })).toThrow(TypeError);
});

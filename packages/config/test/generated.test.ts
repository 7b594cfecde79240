import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import generateConfig from "../../../tools/generate/config.ts";
import { checkConfig, configJsonSchema, declarationOf, expectation, KEY_TABLES } from "../src/index.ts";

test("the committed pages and the JSON Schema are what the declarations make of them", async () => {
  for (const [path, content] of Object.entries(await generateConfig())) {
    const committed = readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
    expect(committed === content, `${path} is stale: run "npm run docs"`).toBe(true);
  }
});

const all = KEY_TABLES.flatMap(({ table, keys }) =>
  Object.entries(keys).map(([name, schema]) => ({ table, name, schema, title: `${table} ${name}` })),
);

test.each(all)("$title is declared in full", ({ name, schema }) => {
  const { description, example, since } = declarationOf(schema);
  expect(description).toMatch(/^[A-Z].*\.$/);
  expect(example.startsWith(`${name} = `)).toBe(true);
  expect(since).toMatch(/^\d+\.\d+$/);
  expect(expectation(schema)).toMatch(/^(an? |the |true|"|4 or 8|6 octets)/);
});

/** What the example needs beside it. */
const BESIDE: Record<string, string> = {
  "[tunnel.NAME] hiding": 'secret = "opensesame"',
  "[tunnel.NAME] challenge": 'secret = "opensesame"',
  "[tunnel.NAME] old_secret": 'secret = "opensesame"',
  "[tunnel.NAME] old_secret_file": 'secret = "opensesame"',
  "[peer.NAME] old_secret": 'secret = "opensesame"',
  "[peer.NAME] old_secret_file": 'secret = "opensesame"',
  "[tunnel.NAME.session.NAME] user": 'password = "test"',
  "[tunnel.NAME.session.NAME] password": 'user = "test"',
  "[tunnel.NAME.session.NAME] password_file": 'user = "test"',
  "[profile.ppp.NAME] user": 'password = "test"',
  "[profile.ppp.NAME] password": 'user = "test"',
  "[profile.ppp.NAME] password_file": 'user = "test"',
  "[listen.NAME] namespace": 'local = ":1701"',
  "[listen.NAME] udp_checksum": 'local = ":1701"',
};

/** Tables that examples speak of. */
const NAMED = `
[listen.public]
local = "192.0.2.200:1701"
[peer.lacs]
secret = "opensesame"
[tunnel.isp]
version = "l2tpv2"
peer = "lns.example"
[pool.subscribers]
ranges = ["198.51.100.0/24"]
[pool.overflow]
`;

/** A document that is right but for what is put in its place. */
function around(table: string, line: string, beside = ""): string {
  const lines = [line, beside].join("\n");
  switch (table) {
    case "":
      return `${line}\n`;
    case "[tunnel.NAME]": {
      const needed = ['peer = "192.0.2.2"', "tid = 1", "ptid = 2"];
      const others = needed.filter((other) => other.split(" ")[0] !== line.split(" ")[0]);
      const mode = /^(peer|dial|secret)/.test(line) || beside !== "" ? 'mode = "dynamic"\n' : "";
      return `[tunnel.t]\n${mode}${[lines, ...others].join("\n")}\n`;
    }
    case "[tunnel.NAME.session.NAME]":
      return `[tunnel.t]\npeer = "192.0.2.2"\nmode = "dynamic"\n[tunnel.t.session.s]\n${lines}\n`;
    default:
      return `${table.replaceAll("NAME", "mine")}\n${lines}\n${NAMED}`;
  }
}

test.each(all)("the example of $title loads", ({ table, schema, title }) => {
  const checked = checkConfig(around(table, declarationOf(schema).example, BESIDE[title]));
  expect(checked.ok ? "" : checked.error.message).toBe("");
});

test("the JSON Schema knows every key, with its words, its range and no others beside it", () => {
  const schema = configJsonSchema() as {
    $schema: string;
    additionalProperties: boolean;
    properties: {
      tunnel: {
        additionalProperties: {
          additionalProperties: boolean;
          properties: Record<
            string,
            { minimum?: number; maximum?: number; enum?: string[]; description?: string }
          > & {
            session: { additionalProperties: { properties: Record<string, { description?: string }> } };
          };
        };
      };
    };
  };
  expect(schema.$schema).toBe("http://json-schema.org/draft-07/schema#");
  expect(schema.additionalProperties).toBe(false);
  const tunnel = schema.properties.tunnel.additionalProperties;
  expect(tunnel.additionalProperties).toBe(false);
  expect(tunnel.properties["tid"]).toMatchObject({ minimum: 1, maximum: 4_294_967_295 });
  expect(tunnel.properties["version"]?.enum).toEqual(["l2tpv2", "l2tpv3"]);
  const session = tunnel.properties.session.additionalProperties.properties;
  const keysOf = (title: string) => KEY_TABLES.find(({ table }) => table === title)?.keys ?? {};
  for (const name of Object.keys(keysOf("[tunnel.NAME]"))) {
    expect(tunnel.properties[name]?.description, name).toContain("Example:");
  }
  expect(Object.keys(session)).toEqual(Object.keys(keysOf("[tunnel.NAME.session.NAME]")));
  expect(Object.values(session).every(({ description }) => description?.includes("Default:"))).toBe(true);
});

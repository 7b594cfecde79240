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

/** A document that is right but for what is put in its place. */
const around: Record<string, (line: string) => string> = {
  "": (line) => `${line}\n`,
  "[daemon]": (line) => `[daemon]\n${line}\n`,
  "[tunnel.NAME]": (line) => {
    const lines = ['peer = "192.0.2.2"', "tid = 1", "ptid = 2"];
    const others = lines.filter((other) => other.split(" ")[0] !== line.split(" ")[0]);
    return `[tunnel.t]\n${[line, ...others].join("\n")}\n`;
  },
  "[tunnel.NAME.session.NAME]": (line) =>
    `[tunnel.t]\npeer = "192.0.2.2"\nmode = "dynamic"\n[tunnel.t.session.s]\n${line}\n`,
};

test.each(all)("the example of $title loads", ({ table, schema }) => {
  const checked = checkConfig(around[table]?.(declarationOf(schema).example) ?? "?");
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
  const [, , tunnelTable, sessionTable] = KEY_TABLES;
  for (const name of Object.keys(tunnelTable?.keys ?? {})) {
    expect(tunnel.properties[name]?.description, name).toContain("Example:");
  }
  expect(Object.keys(session)).toEqual(Object.keys(sessionTable?.keys ?? {}));
  expect(Object.values(session).every(({ description }) => description?.includes("Default:"))).toBe(true);
});

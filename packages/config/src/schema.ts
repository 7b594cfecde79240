/** The declarations as tables for documentation, and as a JSON Schema for editors. */
import * as z from "zod";
import type { Shape } from "./extensions.ts";
import { DAEMON_KEYS, ROOT_KEYS } from "./keys/daemon.ts";
import { declarationOf, type KeyDeclaration } from "./keys/declare.ts";
import { SESSION_KEYS } from "./keys/session.ts";
import { TUNNEL_KEYS } from "./keys/tunnel.ts";

/** The keys of one table of a document. */
export interface KeyTable {
  /** `[tunnel.NAME]`; empty for the top of the document. */
  readonly table: string;
  readonly description: string;
  readonly keys: Shape;
}

/** All tables, in the order of the documentation. */
export const KEY_TABLES: readonly KeyTable[] = [
  { table: "", description: "At the top, before the first table.", keys: ROOT_KEYS },
  { table: "[daemon]", description: "How l2tpd itself runs.", keys: DAEMON_KEYS },
  { table: "[tunnel.NAME]", description: "One tunnel; NAME is of your choice.", keys: TUNNEL_KEYS },
  {
    table: "[tunnel.NAME.session.NAME]",
    description: "One session of the tunnel before it; NAME is of your choice.",
    keys: SESSION_KEYS,
  },
];

const optional = (keys: Shape): z.ZodObject => z.strictObject({ ...keys }).partial();

const described = (schema: z.ZodType, { table, description }: KeyTable): z.ZodType =>
  schema.describe(`${table} ${description}`);

/**
 * JSON Schema (draft-07, which Taplo and Even Better TOML read) of a document. It says what each key takes;
 * what keys must agree in, only {@link parseConfig} checks.
 */
export function configJsonSchema(): Record<string, unknown> {
  const [root, daemon, tunnel, session] = KEY_TABLES as [KeyTable, KeyTable, KeyTable, KeyTable];
  const sessions = z.record(z.string(), described(optional(session.keys), session));
  const tunnels = z.record(z.string(), described(optional({ ...tunnel.keys, session: sessions }), tunnel));
  const document = optional({
    ...root.keys,
    daemon: described(optional(daemon.keys), daemon),
    tunnel: tunnels,
  });
  const schema = z.toJSONSchema(document, {
    target: "draft-07",
    io: "input",
    override({ zodSchema, jsonSchema }) {
      const declaration = BY_SCHEMA.get(zodSchema);
      if (declaration) jsonSchema.description = inOneText(declaration);
    },
  });
  return {
    ...schema,
    title: "l2tpd.toml",
    description: "Configuration of l2tpd. Generated from the declarations in @l2tp/config: do not edit.",
  };
}

const BY_SCHEMA: ReadonlyMap<unknown, KeyDeclaration> = new Map(
  KEY_TABLES.flatMap(({ keys }) => Object.values(keys)).map((schema) => [schema, declarationOf(schema)]),
);

function inOneText({ description, unit, default: fallback, standard, example }: KeyDeclaration): string {
  const value =
    typeof fallback === "string" ? fallback : `${fallback.field} (go-l2tp's defaults: ${fallback.goL2tp})`;
  return [
    description,
    unit === undefined ? "" : `In ${unit}.`,
    `Default: ${value}.`,
    standard === undefined ? "" : `${standard}.`,
    `Example: ${example}`,
  ]
    .filter((part) => part !== "")
    .join(" ")
    .replaceAll("`", "");
}

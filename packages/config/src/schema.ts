/** The declarations as tables for documentation, and as a JSON Schema for editors. */
import * as z from "zod";
import type { Shape } from "./extensions.ts";
import { DAEMON_KEYS, HOOK_KEYS, ROOT_KEYS } from "./keys/daemon.ts";
import { declarationOf, type KeyDeclaration } from "./keys/declare.ts";
import { LIMIT_KEYS } from "./keys/limits.ts";
import { CALL_KEYS, LISTEN_KEYS, PEER_KEYS } from "./keys/peer.ts";
import { PPP_KEYS } from "./keys/ppp.ts";
import { SESSION_KEYS, SESSION_PROFILE_KEYS } from "./keys/session.ts";
import { TUNNEL_KEYS, TUNNEL_PROFILE_KEYS } from "./keys/tunnel.ts";
import { NAME_KEYS, POOL_KEYS, USER_KEYS } from "./keys/user.ts";

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
  { table: "[limits]", description: "How much of what at a time, and how fast.", keys: LIMIT_KEYS },
  { table: "[hooks]", description: "Programs that are run when something comes or goes.", keys: HOOK_KEYS },
  { table: "[listen.NAME]", description: "Where callers reach us.", keys: LISTEN_KEYS },
  {
    table: "[peer.NAME]",
    description: "Who may call. The first in the document that matches answers.",
    keys: PEER_KEYS,
  },
  {
    table: "[call.NAME]",
    description: "What becomes of calls. The first in the document that matches answers.",
    keys: CALL_KEYS,
  },
  { table: "[user.NAME]", description: "A user of PPP; NAME is what it says.", keys: USER_KEYS },
  { table: "[names]", description: "How names of users are looked up.", keys: NAME_KEYS },
  { table: "[pool.NAME]", description: "Addresses that sessions get.", keys: POOL_KEYS },
  {
    table: "[profile.tunnel.NAME]",
    description: "Keys of tunnels, ours and those of peers.",
    keys: TUNNEL_PROFILE_KEYS,
  },
  {
    table: "[profile.session.NAME]",
    description: "Keys of sessions, ours and those of peers.",
    keys: SESSION_PROFILE_KEYS,
  },
  { table: "[profile.ppp.NAME]", description: "What PPP negotiates, and what for.", keys: PPP_KEYS },
  { table: "[tunnel.NAME]", description: "One tunnel of ours; NAME is of your choice.", keys: TUNNEL_KEYS },
  {
    table: "[tunnel.NAME.session.NAME]",
    description: "One session of the tunnel before it; NAME is of your choice.",
    keys: SESSION_KEYS,
  },
];

const optional = (keys: Shape): z.ZodObject => z.strictObject({ ...keys }).partial();

const described = (schema: z.ZodType, { table, description }: KeyTable): z.ZodType =>
  schema.describe(`${table} ${description}`);

/** The schema of what stands below `form`: `` is the document, `profile.ppp` a table of tables. */
function tableSchema(form: string): z.ZodType {
  const table = KEY_TABLES.find((one) => one.table === (form === "" ? "" : `[${form}]`));
  const children = new Map<string, z.ZodType>();
  for (const { table: other } of KEY_TABLES) {
    const inner = other.slice(1, -1);
    if (inner === form || inner === "" || !(form === "" || inner.startsWith(`${form}.`))) continue;
    const [child = ""] = inner.slice(form === "" ? 0 : form.length + 1).split(".");
    if (children.has(child)) continue;
    const path = form === "" ? child : `${form}.${child}`;
    const named = KEY_TABLES.some((one) => one.table.startsWith(`[${path}.NAME`));
    children.set(child, named ? z.record(z.string(), tableSchema(`${path}.NAME`)) : tableSchema(path));
  }
  const schema = optional({ ...table?.keys, ...Object.fromEntries(children) });
  return table === undefined || form === "" ? schema : described(schema, table);
}

/**
 * JSON Schema (draft-07, which Taplo and Even Better TOML read) of a document. It says what each key takes;
 * what keys must agree in, only {@link parseConfig} checks.
 */
export function configJsonSchema(): Record<string, unknown> {
  const document = tableSchema("");
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

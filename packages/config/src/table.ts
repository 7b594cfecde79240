/** Reads one table of a document by the declarations of its keys, and reports what does not fit. */
import * as z from "zod";
import { homesOf, type Shape } from "./extensions.ts";
import { declarationOf, expectation } from "./keys/declare.ts";
import { nearest } from "./nearest.ts";
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";

/** A table as smol-toml gives it. */
export type RawTable = Record<string, unknown>;

/** A table with its name. */
export type NamedTable = readonly [name: string, table: RawTable];

/** The values of a table that are there and of the right form. */
export type Values<K extends Shape> = { readonly [N in keyof K]?: z.output<K[N]> };

/** What a table may hold. */
export interface TableForm<K extends Shape> {
  readonly keys: K;
  /** The application's keys. */
  readonly extension: Shape | undefined;
  /** Tables below, read by others. */
  readonly children: readonly string[];
  /** `[tunnel.NAME]`, for people. */
  readonly title: string;
}

/** A table that was read. */
export interface ReadTable<K extends Shape> {
  readonly values: Values<K>;
  readonly extensions: object;
  /** Keys that are there, also those whose value does not fit: no need to miss them. */
  readonly present: ReadonlySet<string>;
}

/** Whether a value is a table, and not an array or a date. */
export function isTable(value: unknown): value is RawTable {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Reads `raw`; whatever is wrong goes to `report`. */
export function readTable<K extends Shape>(
  report: Report,
  path: KeyPath,
  raw: RawTable,
  form: TableForm<K>,
): ReadTable<K> {
  const values: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    if (form.children.includes(name)) continue;
    const schema = Object.hasOwn(form.keys, name) ? form.keys[name] : undefined;
    if (schema) {
      const parsed = schema.safeParse(value);
      if (parsed.success) values[name] = parsed.data;
      else {
        for (const issue of parsed.error.issues) reportValue(report, [...path, name], schema, value, issue);
      }
    } else if (form.extension && Object.hasOwn(form.extension, name)) extra[name] = value;
    else reportUnknown(report, path, name, form);
  }
  return {
    values: values as Values<K>,
    extensions: form.extension ? readExtensions(report, path, extra, form.extension) : {},
    present: new Set(Object.keys(raw)),
  };
}

function reportValue(
  report: Report,
  path: KeyPath,
  schema: z.ZodType,
  value: unknown,
  issue: z.core.$ZodIssue,
): void {
  // An element of an array is pointed at, where the schema says which.
  const inner = issue.path.filter((part) => typeof part !== "symbol");
  const at = inner.reduce<unknown>((node, part) => (node as Record<string, unknown>)?.[part], value);
  const guess = typeof at === "string" ? nearest(at, choices(schema)) : undefined;
  report.error({
    code: "invalid-value",
    path: [...path, ...inner],
    reason: `found ${declarationOf(schema).secret ? sortOf(at) : found(at)}`,
    ...(guess !== undefined && { nearest: guess }),
    expected: expectation(schema),
  });
}

/** The words that a key, or each element of its array, may be. */
function choices(schema: z.core.$ZodType): readonly string[] {
  if (schema instanceof z.ZodEnum) return schema.options.map(String);
  if (schema instanceof z.ZodArray) return choices(schema.element);
  return schema instanceof z.ZodUnion ? schema.options.flatMap(choices) : [];
}

/** What stands there, short enough for a line. */
export function found(value: unknown): string {
  if (typeof value === "string") {
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  }
  return typeof value === "number" || typeof value === "boolean" || typeof value === "bigint"
    ? String(value)
    : sortOf(value);
}

/** What sort of value it is, and nothing of the value itself. */
function sortOf(value: unknown): string {
  if (typeof value === "string") return "a string";
  if (typeof value === "boolean") return "a boolean";
  if (typeof value === "number" || typeof value === "bigint") return "a number";
  if (Array.isArray(value))
    return value.length === 1 ? "an array of 1 value" : `an array of ${value.length} values`;
  return value instanceof Date ? "a date" : "a table";
}

function reportUnknown(report: Report, path: KeyPath, name: string, form: TableForm<Shape>): void {
  const meant = aliased(name, form);
  const homes = meant === undefined ? homesOf(name) : [];
  const names = [...Object.keys(form.keys), ...Object.keys(form.extension ?? {}), ...form.children];
  const guess = meant ?? (homes.length > 0 ? undefined : nearest(name, names));
  report.error({
    code: "unknown-key",
    path: [...path, name],
    part: "key",
    reason: `unknown key in ${form.title}`,
    ...(guess !== undefined && { nearest: guess }),
    ...(guess === undefined && {
      remedy: homes.length > 0 ? `It belongs ${homes.join(" or ")}.` : `Valid here: ${names.join(", ")}.`,
    }),
  });
}

/** What other programs call by this name. */
function aliased(name: string, form: TableForm<Shape>): string | undefined {
  const wanted = name.toLowerCase().replace(/[- ]/g, "_");
  for (const [key, schema] of Object.entries(form.keys)) {
    if (declarationOf(schema).aliases?.includes(wanted)) return key;
  }
  return undefined;
}

function readExtensions(report: Report, path: KeyPath, raw: RawTable, shape: Shape): object {
  const parsed = z.object(shape).safeParse(raw);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const inner = issue.path.filter((part) => typeof part !== "symbol");
    const missing = inner[0] !== undefined && !Object.hasOwn(raw, inner[0]);
    // The value may be a secret of the application: zod's message names its type only.
    report.error({
      code: missing ? "missing-key" : "invalid-value",
      path: [...path, ...inner],
      reason: missing ? `missing (${issue.message})` : issue.message,
    });
  }
  return {};
}

/** The tables below `path`, each under a name; what has none is reported. `form` is how one is written: `[pool.NAME]`. */
export function namedTables(
  report: Report,
  path: KeyPath,
  value: unknown,
  form: string,
  noun: string,
  required = false,
): NamedTable[] {
  if (value === undefined) return [];
  const nameless = (at: KeyPath): void => {
    report.error({
      code: "structure",
      path: at,
      part: "key",
      reason: `${noun}s must be tables with names`,
      expected: form,
      remedy: `Write ${form.replace(/NAME(?=\])/, `my-${noun}`)} above the keys.`,
    });
  };
  if (!isTable(value)) {
    nameless(path);
    return [];
  }
  const entries = Object.entries(value);
  if (required && entries.length === 0) nameless(path);
  const tables: NamedTable[] = [];
  for (const [name, table] of entries) {
    if (isTable(table)) tables.push([name, table]);
    else nameless([...path, name]);
  }
  return tables;
}

/** A table of which there is one, such as `[daemon]`; absent, it is empty. */
export function singleTable<K extends Shape>(
  report: Report,
  path: KeyPath,
  value: unknown,
  keys: K,
): ReadTable<K> {
  const title = `[${path.join(".")}]`;
  if (value !== undefined && !isTable(value)) {
    report.error({ code: "structure", path, part: "key", reason: "this is a table", expected: title });
  }
  const form = { keys, extension: undefined, children: [], title };
  return readTable(report, path, isTable(value) ? value : {}, form);
}

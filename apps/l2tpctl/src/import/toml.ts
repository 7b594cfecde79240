/** A document of ours while it is made: tables in their order, each value with a remark where it came from. */

/** What a key can be here. */
export type TomlValue = string | number | boolean | readonly string[] | readonly number[];

interface Line {
  readonly key: string;
  value: TomlValue;
  from: string;
}

/** One table. */
export class TomlTable {
  readonly path: readonly string[];
  readonly remarks: readonly string[];
  readonly #lines: Line[] = [];

  constructor(path: readonly string[], remarks: readonly string[]) {
    this.path = path;
    this.remarks = remarks;
  }

  /** Sets a key; a later value replaces an earlier one, as the last of a kind counts in the old files too. */
  set(key: string, value: TomlValue | undefined, from: string): this {
    if (value === undefined) return this;
    const line = this.#lines.find((it) => it.key === key);
    if (line) Object.assign(line, { value, from });
    else this.#lines.push({ key, value, from });
    return this;
  }

  has(key: string): boolean {
    return this.#lines.some((it) => it.key === key);
  }

  /** Takes a key out. @returns where its value came from; undefined where there is no such key. */
  drop(key: string): string | undefined {
    const at = this.#lines.findIndex((it) => it.key === key);
    return at < 0 ? undefined : this.#lines.splice(at, 1)[0]?.from;
  }

  get empty(): boolean {
    return this.#lines.length === 0;
  }

  render(): string {
    const head = this.remarks.map((remark) => comment(remark));
    const lines = this.#lines.map(({ key, value, from }) => {
      const text = `${bareOrQuoted(key)} = ${literal(value)}`;
      return from === "" ? text : `${text}  ${comment(from)}`;
    });
    return [...head, `[${this.path.map(bareOrQuoted).join(".")}]`, ...lines].join("\n");
  }
}

/** All of it. */
export class TomlDocument {
  readonly #tables: TomlTable[] = [];

  table(path: readonly string[], ...remarks: string[]): TomlTable {
    const known = this.#tables.find((it) => it.path.join("\0") === path.join("\0"));
    if (known) return known;
    const made = new TomlTable(path, remarks);
    this.#tables.push(made);
    return made;
  }

  has(path: readonly string[]): boolean {
    return this.#tables.some((it) => it.path.join("\0") === path.join("\0"));
  }

  /** The table that a path of keys leads into, and the key in it; the innermost where several do. */
  find(path: readonly (string | number)[]): { table: TomlTable; key: string | undefined } | undefined {
    const fits = (table: TomlTable) => table.path.every((part, at) => part === path[at]);
    const [table] = this.#tables.filter(fits).sort((a, b) => b.path.length - a.path.length);
    if (table === undefined) return undefined;
    const key = path[table.path.length];
    return { table, key: key === undefined ? undefined : String(key) };
  }

  /** Takes a table out, and those below it. */
  remove(table: TomlTable): void {
    const below = (it: TomlTable) => table.path.every((part, at) => part === it.path[at]);
    this.#tables.splice(0, this.#tables.length, ...this.#tables.filter((it) => !below(it)));
  }

  /** Tables by kind, in the order in which a person reads them; within a kind as they were made. */
  render(head: readonly string[]): string {
    const order = ["daemon", "limits", "listen", "peer", "tunnel", "profile", "pool", "user", "names"];
    const sorted = [...this.#tables].sort(
      (a, b) => order.indexOf(a.path[0] ?? "") - order.indexOf(b.path[0] ?? ""),
    );
    return `${[head.map((line) => comment(line)).join("\n"), ...sorted.map((table) => table.render())].join("\n\n")}\n`;
  }
}

/** A remark may hold text of the old files: no control character may end it early. */
const comment = (text: string): string => `# ${text.replace(/\p{Cc}/gu, " ")}`.trimEnd();

const bareOrQuoted = (key: string): string => (/^[A-Za-z0-9_-]+$/.test(key) ? key : quoted(key));

/** A basic string; JSON's escapes are TOML's, but for DEL, which JSON leaves as it is. */
const quoted = (text: string): string => JSON.stringify(text).replaceAll("\u007f", "\\u007f");

function literal(value: TomlValue): string {
  if (typeof value === "string") return quoted(value);
  if (Array.isArray(value)) return `[${value.map((it: string | number) => literal(it)).join(", ")}]`;
  return String(value);
}

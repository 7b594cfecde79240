/**
 * The tables of docs/ppp.md that follow from the code of `@l2tp/ppp`: the automaton, the options of each protocol, the
 * settings' defaults. The prose of the page stands in it; only what is between `<!-- ppp: NAME -->` and
 * `<!-- end of ppp -->` is replaced.
 */
import { readFileSync } from "node:fs";
import {
  automatonMarkdown,
  CCP_OPTIONS,
  IPCP_OPTIONS,
  IPV6CP_OPTIONS,
  LCP_OPTIONS,
  type OptionRow,
  pppSettings,
} from "@l2tp/ppp";

const PAGE = "docs/ppp.md";

function options<C>(rows: readonly OptionRow<C>[]): string {
  const lines = rows.map(({ type, name, rfc, doc }) => `| ${type} | ${name} | ${rfc} | ${doc} |\n`);
  return `| type | option | | what we do |\n| ---: | --- | --- | --- |\n${lines.join("")}`;
}

/** Numbers, words and switches; what is a table of its own stands in the prose. */
function defaults(): string {
  const settings = pppSettings({ authenticatePeer: {} });
  const rows = [
    ...Object.entries(settings),
    ...Object.entries(settings.authenticatePeer ?? {}).map(
      ([key, value]) => [`authenticatePeer.${key}`, value] as const,
    ),
    ...Object.entries(settings.mppe).map(([key, value]) => [`mppe.${key}`, value] as const),
  ].filter(([, value]) => typeof value !== "object" || Array.isArray(value));
  const show = (value: unknown) =>
    value === undefined || value === "" ? "–" : Array.isArray(value) ? value.join(", ") : String(value);
  return `| setting | default |\n| --- | --- |\n${rows.map(([key, value]) => `| \`${key}\` | ${show(value)} |\n`).join("")}`;
}

const TABLES: Readonly<Record<string, () => string>> = {
  automaton: automatonMarkdown,
  defaults,
  LCP: () => options(LCP_OPTIONS),
  IPCP: () => options(IPCP_OPTIONS),
  IPV6CP: () => options(IPV6CP_OPTIONS),
  CCP: () => options(CCP_OPTIONS),
};

/** Files by their path from the root of the repository. */
export default function generatePpp(): Record<string, string> {
  const page = readFileSync(new URL(`../../${PAGE}`, import.meta.url), "utf8");
  const missing = new Set(Object.keys(TABLES));
  const filled = page.replace(
    /(<!-- ppp: (.+) -->\n)[\s\S]*?(<!-- end of ppp -->)/g,
    (_block, begin: string, name: string, end: string) => {
      const table = TABLES[name];
      if (table === undefined) throw new Error(`${PAGE}: there is no table "${name}"`);
      missing.delete(name);
      return `${begin}\n${table()}\n${end}`;
    },
  );
  if (missing.size > 0) throw new Error(`${PAGE}: no place for ${[...missing].join(", ")}`);
  return { [PAGE]: filled };
}

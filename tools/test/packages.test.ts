/**
 * Each package as npm would deliver it: packed, looked over by publint and attw, installed into an empty
 * project, and imported from plain JavaScript and from TypeScript.
 */
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name: string) => join(root, "node_modules/.bin", name);
const environment = {
  ...process.env,
  TURBO_TELEMETRY_DISABLED: "1",
  PATH: `${join(root, "node_modules/.bin")}:${process.env["PATH"] ?? ""}`,
};

interface Manifest {
  readonly name: string;
  readonly exports: Record<string, string | Record<string, string>>;
  readonly dependencies?: Record<string, string>;
}
const folders = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
const manifests = new Map(
  folders.map((folder) => [
    folder,
    JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest,
  ]),
);
/** Whether a package is made for Node: its users in TypeScript then have `@types/node`. */
function usesNode(manifest: Manifest): boolean {
  const folder = [...manifests].find(([, m]) => m === manifest)?.[0] ?? "";
  return readFileSync(join(folder, "tsconfig.json"), "utf8").includes('"node"');
}
/** `export * as name` and what comes from another library are described at the export itself. */
function documentedWhereExported(exported: ts.Symbol): boolean {
  const statement =
    exported.declarations?.[0] && ts.findAncestor(exported.declarations[0], ts.isExportDeclaration);
  if (!statement) return false;
  const text = statement.getSourceFile().text;
  const comments = ts.getLeadingCommentRanges(text, statement.getFullStart()) ?? [];
  return comments.some(({ pos }) => text.startsWith("/**", pos));
}
/** Import specifiers of a package: `@l2tp/dataplane`, `@l2tp/dataplane/conformance`. */
const specifiers = ({ name, exports }: Manifest) =>
  Object.keys(exports)
    .filter((path) => path !== "./package.json")
    .map((path) => name + path.slice(1));

const work = mkdtempSync(join(tmpdir(), "l2tp-pack-"));
const project = join(work, "project");
const tarballs = new Map<string, string>();

function run(cwd: string, command: string, ...args: string[]): string {
  const done = spawnSync(command, args, { cwd, encoding: "utf8", env: environment });
  const output = `${done.stdout ?? ""}${done.stderr ?? ""}`;
  if (done.status !== 0) throw new Error(`${command} ${args.join(" ")} failed:\n${output}`);
  return output;
}

beforeAll(() => {
  run(root, bin("turbo"), "run", "build", "--output-logs=errors-only");
  run(root, bin("tsc"), "-b");
  for (const [folder, { name }] of manifests) {
    run(folder, bin("pnpm"), "pack", "--pack-destination", work);
    const start = `${name.replace("@", "").replace("/", "-")}-`;
    const file = readdirSync(work).find(
      (entry) => entry.startsWith(start) && /^\d/.test(entry.slice(start.length)),
    );
    if (!file) throw new Error(`pnpm pack of ${name} left no tarball`);
    tarballs.set(name, join(work, file));
  }
  mkdirSync(project);
  const dependencies = Object.fromEntries([...tarballs].map(([name, file]) => [name, `file:${file}`]));
  const devDependencies = { "@types/node": "20.19.43" };
  const common = { name: "newcomer", private: true, type: "module" };
  const manifest = { ...common, dependencies, devDependencies, overrides: dependencies };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  run(
    project,
    "npm",
    "install",
    "--fetch-retries=5",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    "--loglevel=error",
  );
}, 900_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe.each([...manifests.values()].map((manifest) => [manifest.name, manifest] as const))(
  "%s",
  (name, manifest) => {
    test("publint has nothing to say about the tarball", () => {
      run(root, bin("publint"), tarballs.get(name) ?? "", "--strict");
    });

    test("its types resolve for every kind of importer (attw)", { timeout: 300_000 }, () => {
      run(root, bin("attw"), tarballs.get(name) ?? "", "--profile", "esm-only", "--no-emoji");
    });

    test("it is imported from JavaScript in an empty project", () => {
      const script = specifiers(manifest)
        .map((specifier) => `console.log(Object.keys(await import(${JSON.stringify(specifier)})).length);`)
        .join("\n");
      const file = join(project, `${name.replace(/\W+/g, "-")}.js`);
      writeFileSync(file, script);
      const counts = run(project, process.execPath, file).trim().split("\n").map(Number);
      expect(counts).toHaveLength(specifiers(manifest).length);
      for (const count of counts) expect(count).toBeGreaterThan(0);
    });

    test("it is imported from TypeScript, strict and without skipLibCheck", { timeout: 300_000 }, () => {
      const file = join(project, `${name.replace(/\W+/g, "-")}.ts`);
      const lines = specifiers(manifest).map(
        (s, i) => `import * as m${i} from ${JSON.stringify(s)};\nexport const k${i} = Object.keys(m${i});`,
      );
      writeFileSync(file, `${lines.join("\n")}\n`);
      const options = ["--noEmit", "--strict", "--target", "es2023", "--lib", "es2023,esnext.disposable,dom"];
      const node = usesNode(manifest) ? ["--types", "node"] : [];
      const modules = ["--module", "nodenext", "--moduleResolution", "nodenext", ...node];
      run(project, bin("tsc"), "--ignoreConfig", ...options, ...modules, file);
    });

    test("every export says what it is", () => {
      const folder = [...manifests].find(([, m]) => m.name === name)?.[0] ?? "";
      const entries = Object.values(manifest.exports)
        .map((target) => (typeof target === "string" ? undefined : target["@l2tp/source"]))
        .filter((path): path is string => path !== undefined)
        .map((path) => join(folder, path));
      const config = ts.readConfigFile(join(root, "tsconfig.base.json"), ts.sys.readFile);
      const { options } = ts.convertCompilerOptionsFromJson(config.config.compilerOptions, root);
      const program = ts.createProgram(entries, {
        ...options,
        composite: false,
        noEmit: true,
        types: ["node"],
      });
      const checker = program.getTypeChecker();
      const silent: string[] = [];
      for (const entry of entries) {
        const source = program.getSourceFile(entry);
        const module = source && checker.getSymbolAtLocation(source);
        if (!module) throw new Error(`${entry} exports nothing`);
        for (const exported of checker.getExportsOfModule(module)) {
          const symbol =
            exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
          const said = [symbol.getDocumentationComment(checker), symbol.getJsDocTags(checker)].some(
            (d) => d.length > 0,
          );
          if (!said && !documentedWhereExported(exported)) silent.push(exported.name);
        }
      }
      expect(silent).toEqual([]);
    }, 300_000);

    test("it has a README and tests", () => {
      const folder = [...manifests].find(([, m]) => m.name === name)?.[0] ?? "";
      expect(existsSync(join(folder, "README.md"))).toBe(true);
      expect(readFileSync(join(folder, "README.md"), "utf8")).toContain("```");
      expect(readdirSync(join(folder, "test")).some((file) => file.endsWith(".test.ts"))).toBe(true);
    });
  },
);

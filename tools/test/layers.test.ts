/** The layering rule of docs/architecture.md, and that its check can fail. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const depcruise = join(root, "node_modules/dependency-cruiser/bin/dependency-cruise.mjs");

function cruise(cwd: string): { status: number | null; output: string } {
  const done = spawnSync(process.execPath, [depcruise, "--output-type", "err", "packages", "apps"], {
    cwd,
    encoding: "utf8",
  });
  return { status: done.status, output: done.stdout + done.stderr };
}

test("every import goes to a layer below", () => {
  const { status, output } = cruise(root);
  expect(output).toContain("no dependency violations found");
  expect(status).toBe(0);
});

describe("an import that breaks the rule is found:", () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** A repository of only the given files, under our own rules. */
  function repository(files: Record<string, string>): string {
    const folder = mkdtempSync(join(tmpdir(), "l2tp-layers-"));
    folders.push(folder);
    for (const file of [".dependency-cruiser.cjs", "tsconfig.base.json"])
      cpSync(join(root, file), join(folder, file));
    mkdirSync(join(folder, "apps"));
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  }

  const cases: [what: string, rule: string, files: Record<string, string>][] = [
    [
      "a higher layer",
      "protocol-imports-only-layers-below",
      {
        "packages/protocol/src/index.ts": 'export * from "../../transport/src/index.ts";\n',
        "packages/transport/src/index.ts": "export const x = 1;\n",
      },
    ],
    [
      "a Node built-in in a pure package",
      "pure-packages-use-no-node-builtin",
      {
        "packages/transport/src/index.ts":
          'import { readFileSync } from "node:fs";\nexport { readFileSync };\n',
      },
    ],
    [
      "an undeclared package",
      "nothing-undeclared",
      { "packages/config/src/index.ts": 'export * from "no-such-package";\n' },
    ],
    [
      "a cycle",
      "no-cycles",
      {
        "packages/linux/src/a.ts": 'import { b } from "./b.ts";\nexport const a = () => b;\n',
        "packages/linux/src/b.ts": 'import { a } from "./a.ts";\nexport const b = () => a;\n',
      },
    ],
    [
      "one app in another",
      "apps-do-not-import-each-other",
      {
        "packages/linux/src/index.ts": "export {};\n",
        "apps/l2tpd/src/main.ts": 'export * from "../../l2tpctl/src/main.ts";\n',
        "apps/l2tpctl/src/main.ts": "export const x = 1;\n",
      },
    ],
  ];
  test.each(cases)("%s", (_what, rule, files) => {
    const { status, output } = cruise(repository(files));
    expect(output).toContain(rule);
    expect(status).not.toBe(0);
  });
});

/**
 * Writes what is generated from declarations in the code: `npm run docs`. Each file in tools/generate/ default-exports
 * a function that gives the contents of files by their path from the root. `--check` writes nothing and fails when a
 * file is not as it would be written.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";

const repository = new URL("../", import.meta.url);
const check = process.argv.includes("--check");
const generators = new URL("tools/generate/", repository);
let stale = 0;

for (const name of (await readdir(generators)).filter((file) => file.endsWith(".ts")).sort()) {
  const { default: generate }: { default: () => Record<string, string> | Promise<Record<string, string>> } =
    await import(new URL(name, generators).href);
  for (const [path, content] of Object.entries(await generate())) {
    const file = new URL(path, repository);
    if (existsSync(file) && (await readFile(file, "utf8")) === content) continue;
    stale += 1;
    if (check)
      console.error(`${path} is not what tools/generate/${name} makes of the code: run "npm run docs"`);
    else {
      await mkdir(new URL(".", file), { recursive: true });
      await writeFile(file, content);
      console.log(`wrote ${path}`);
    }
  }
}
process.exitCode = check && stale > 0 ? 1 : 0;

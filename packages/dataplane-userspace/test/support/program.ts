/** How to run one of the TypeScript programs in `test/programs`. */
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

export function program(name: string): string[] {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [
    "--conditions=@l2tp/source",
    "--import",
    tsx,
    fileURLToPath(new URL(`../programs/${name}.ts`, import.meta.url)),
  ];
}

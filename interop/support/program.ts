/** Programs as the tests run them: one file, of the sources of this moment. From the sources themselves each start costs seven times as much. */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const THREADS = {
  "packet-thread": "packages/dataplane-userspace/src/packet-thread.ts",
  "reactor-thread": "packages/linux/src/reactor-thread.ts",
};
const scripts = new Map<string, string>();

/** Built at the first call, and gone with this process. @returns the path of the program */
export function built(app: "l2tpd" | "l2tpctl"): string {
  const known = scripts.get(app);
  if (known !== undefined) return known;
  // Loaded here: in the virtual machine this module is imported, but a bundle is given.
  const { buildSync } = createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  // Below node_modules, so that koffi is found and git does not see it.
  const parent = `${ROOT}node_modules/.cache/l2tp-interop/`;
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(parent);
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  // Where it looks for its version.
  cpSync(`${ROOT}apps/${app}/package.json`, `${folder}/package.json`);
  buildSync({
    absWorkingDir: ROOT,
    entryPoints: { main: `apps/${app}/src/main.ts`, ...(app === "l2tpd" ? THREADS : {}) },
    outdir: `${folder}/dist`,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["koffi"],
    conditions: ["@l2tp/source", "import", "module", "default"],
    banner: {
      js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);',
    },
    logLevel: "error",
  });
  const script = `${folder}/dist/main.js`;
  scripts.set(app, script);
  return script;
}

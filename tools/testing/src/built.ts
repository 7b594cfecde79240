/**
 * Apps as tests run them: the real program, of the sources of this moment, so that no build is needed before. From the
 * sources themselves each start costs seven times as much.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { BuildOptions } from "esbuild";
import l2tpctl from "../../../apps/l2tpctl/tsup.config.ts";
import l2tpd from "../../../apps/l2tpd/tsup.config.ts";
import l2tpload from "../../../apps/l2tpload/tsup.config.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
const APPS = { l2tpctl, l2tpd, l2tpload };
const scripts = new Map<string, string>();

/**
 * Builds an app as its `tsup.config.ts` says, at the first call; it is gone with this process.
 *
 * @returns the path of the program; its threads lie beside it.
 */
export function built(app: keyof typeof APPS): string {
  const known = scripts.get(app);
  if (known !== undefined) return known;
  // Loaded here: in the virtual machine this module is imported, but a program is given.
  const { buildSync } = createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  // Below node_modules, so that koffi is found and git does not see it.
  const parent = `${repository}node_modules/.cache/l2tp-under-test/`;
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(parent);
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const home = `${repository}apps/${app}`;
  const config = APPS[app];
  // Where it looks for its version.
  cpSync(`${home}/package.json`, `${folder}/package.json`);
  const options: BuildOptions = {
    absWorkingDir: home,
    entryPoints: config.entry,
    outdir: `${folder}/dist`,
    bundle: true,
    format: "esm",
    platform: "node",
    target: config.target,
    external: config.external,
    banner: config.banner,
    logLevel: "error",
  };
  config.esbuildOptions(options);
  buildSync(options);
  const script = `${folder}/dist/main.js`;
  scripts.set(app, script);
  return script;
}

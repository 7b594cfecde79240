/**
 * Starting a worker thread from a file beside the caller's, wherever the code runs from: a build (JavaScript),
 * a bundle (the thread's file beside the bundle), or `src/` in tests and during development (TypeScript, through tsx, as
 * Node 20 cannot load it).
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { UnsupportedError } from "./errors.ts";

/**
 * Starts `name` beside the module that calls.
 *
 * The thread's file must be an entry of its package's build, and of every bundle that contains the caller, e.g. in
 * tsup: `entry: { main: "src/main.ts", "reactor-thread": "../../packages/linux/src/reactor-thread.ts" }`.
 *
 * @param importMetaUrl - the caller's `import.meta.url`.
 * @param name - the thread's file without its extension, such as `reactor-thread`.
 * @param options - as for `new Worker`; `execArgv` is added to.
 * @throws {@link UnsupportedError} when the file is missing: the bundle was built without that entry.
 */
export function spawnThread(importMetaUrl: string, name: string, options: WorkerOptions = {}): Worker {
  const source = /\.ts(\?|$)/.test(importMetaUrl);
  const script = new URL(`./${name}.${source ? "ts" : "js"}`, importMetaUrl);
  if (!existsSync(fileURLToPath(script))) {
    throw new UnsupportedError(
      `the thread ${name} is not where it should be (${fileURLToPath(script)}): build it as an entry of its own ` +
        `beside the file that starts it (tsup: entry: { "${name}": ".../${name}.ts" })`,
    );
  }
  const named: WorkerOptions = { name, ...options };
  if (!source) return new Worker(script, named);
  const tsx = tsxApi(importMetaUrl);
  const boot =
    `import(${JSON.stringify(tsx)}).then(({ register }) => { register(); ` +
    `return import(${JSON.stringify(script.href)}); })`;
  return new Worker(boot, {
    ...named,
    eval: true,
    execArgv: ["--conditions=@l2tp/source", ...(options.execArgv ?? [])],
  });
}

/**
 * Where tsx's ESM loader is, seen from the caller's file: the thread's own import would look from the working
 * directory, and `require.resolve` would find the form for CommonJS.
 */
function tsxApi(importMetaUrl: string): string {
  const manifest = createRequire(importMetaUrl).resolve("tsx/package.json");
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as {
    exports: { "./esm/api": { import: { default: string } } };
  };
  return new URL(exports["./esm/api"].import.default, pathToFileURL(manifest)).href;
}

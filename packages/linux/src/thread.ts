/**
 * Starting a worker thread from a file beside the caller's, wherever the code runs from: a build (JavaScript),
 * a bundle (the thread's file beside the bundle), or `src/` in tests and during development (TypeScript, made one script
 * by esbuild on the spot, as Node 20 cannot load it).
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { UnsupportedError } from "./errors.ts";
import { outsideNamespaces } from "./namespace.ts";

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
  // A thread is born into its maker's network namespace, which may be one that is entered for a moment only.
  return outsideNamespaces(() =>
    source ? fromSource(importMetaUrl, script, named) : new Worker(script, named),
  );
}

/** Node 20 cannot load TypeScript in a thread: it is given one script, made here. */
function fromSource(importMetaUrl: string, script: URL, options: WorkerOptions): Worker {
  return new Worker(bundled(fileURLToPath(script), importMetaUrl), {
    ...options,
    eval: true,
    execArgv: ["--enable-source-maps", ...(options.execArgv ?? [])],
  });
}

/** Threads made from TypeScript, by file: one script for all threads of the process. */
const scripts = new Map<string, string>();

/** A loader inside the thread would work, too, but costs every thread some 300 ms of processor time. */
function bundled(file: string, importMetaUrl: string): string {
  const known = scripts.get(file);
  if (known !== undefined) return known;
  // A tool of development, looked up from the sources: no dependency of this package.
  const esbuild = createRequire(importMetaUrl)("esbuild") as Bundler;
  const { outputFiles } = esbuild.buildSync({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    conditions: ["@l2tp/source"],
    sourcemap: "inline",
    logLevel: "silent",
    external: ["koffi"],
    // Code in a string has no place of its own; koffi is found from this package.
    define: { "import.meta.url": JSON.stringify(import.meta.url) },
  });
  const script = outputFiles.map(({ text }) => text).join("");
  scripts.set(file, script);
  return script;
}

/** What is used of esbuild. */
interface Bundler {
  buildSync(options: Readonly<Record<string, unknown>>): {
    readonly outputFiles: readonly { readonly text: string }[];
  };
}

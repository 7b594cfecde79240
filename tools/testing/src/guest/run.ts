/** Programs for the virtual machine: bundled to one file, and run there. */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

/**
 * Bundles a program for the guest: one file, koffi left as a package.
 *
 * @param source - the program, TypeScript; imports by absolute path or by package name
 * @returns path of the bundle
 */
export async function bundleForGuest(
  name: string,
  source: string,
  threads: Readonly<Record<string, string>> = {},
): Promise<string> {
  // Below node_modules of the repository, so that koffi is found and git does not see it.
  const folder = `${root}node_modules/.cache/l2tp-guest/${name}/`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}entry.ts`, source);
  await build({
    entryPoints: { main: `${folder}entry.ts`, ...threads },
    outdir: folder,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    conditions: ["@l2tp/source"],
    external: ["koffi", "esbuild", "vitest"],
    banner: {
      js: 'import { createRequire as __cr } from "node:module"; const require = __cr(import.meta.url);',
    },
    outExtension: { ".js": ".js" },
    logLevel: "error",
  });
  writeFileSync(`${folder}package.json`, '{ "type": "module" }');
  return `${folder}main.js`;
}

/** How long a guest took. */
export interface GuestTimes {
  /** Until other guests had ended. */
  readonly waitedMs: number;
  /** From then until the command ran. */
  readonly bootMs: number;
  /** From boot to the end. */
  readonly ranMs: number;
}

/** What `tools/vm/run --verbose` says at the end. */
const TIMES = /^l2tp-vm: .*command after (\d+) ms, total (\d+) ms$/m;

/** Runs a command in the virtual machine and gives each line of its output to `onLine`. */
export async function runInGuest(
  command: readonly string[],
  options: {
    readonly timeoutMs: number;
    readonly run?: readonly string[];
    readonly onLine?: (line: string) => void;
  },
): Promise<{ status: number | null; output: string; times?: GuestTimes }> {
  const seconds = String(Math.ceil(options.timeoutMs / 1000));
  const start = performance.now();
  const args = ["--verbose", "--timeout", seconds, ...(options.run ?? []), "--", ...command];
  const child = spawn(`${root}tools/vm/run`, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) options.onLine?.(line);
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const status = await new Promise<number | null>((done) => child.once("close", done));
  const times = TIMES.exec(output);
  if (!times) return { status, output };
  const [bootMs, totalMs] = [Number(times[1]), Number(times[2])];
  const waitedMs = Math.max(0, Math.round(performance.now() - start - totalMs));
  return { status, output, times: { waitedMs, bootMs, ranMs: totalMs - bootMs } };
}

/**
 * What `npm start`, `npm test`, `npm run l2tpd`, `npm run l2tpctl` and `npm run bench` run: installs the
 * dependencies when the lockfile has changed, builds what is needed, and then becomes the program asked for.
 * It needs Node and npm and nothing else; progress goes to standard error.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [job, ...args] = process.argv.slice(2);
const bin = join(root, "node_modules", ".bin");
process.env.PATH = `${bin}${delimiter}${process.env.PATH ?? ""}`;
process.env.TURBO_TELEMETRY_DISABLED = "1";
process.env.TURBO_NO_UPDATE_NOTIFIER = "1";

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** Runs a command to its end; its output is shown only when it fails, unless `show`. */
function run(command, commandArgs, { show = false } = {}) {
  const done = spawnSync(command, commandArgs, {
    cwd: root,
    stdio: show ? ["ignore", 2, 2] : "pipe",
    shell: process.platform === "win32",
    encoding: "utf8",
  });
  if (done.status === 0) return;
  if (!show) process.stderr.write(`${done.stdout ?? ""}${done.stderr ?? ""}`);
  say(`l2tp: ${command} ${commandArgs.join(" ")} failed${done.error ? `: ${done.error.message}` : ""}`);
  process.exit(1);
}

/** A hash of what decides the dependency tree. */
function treeHash() {
  const hash = createHash("sha256");
  hash.update(process.version + process.platform + process.arch);
  for (const file of ["pnpm-lock.yaml", "package.json", "pnpm-workspace.yaml"])
    hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

function install() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    say(`l2tp: this is Node ${process.version}; Node 20.19 or newer is needed (https://nodejs.org)`);
    process.exit(1);
  }
  const stamp = join(root, "node_modules", ".l2tp-installed");
  const hash = treeHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return;
  say("l2tp: installing dependencies (once; about half a minute) …");
  run("npx", ["--yes", "pnpm@10.34.9", "install", "--frozen-lockfile", "--prefer-offline"]);
  writeFileSync(stamp, hash);
}

function build(...apps) {
  const filters = apps.map((app) => `--filter=@l2tp/${app}`);
  run("turbo", ["run", "build", ...filters, "--output-logs=errors-only"]);
}

/** Loads a built program into this process, as if it had been started with `programArgs`. */
async function become(file, programArgs) {
  const path = join(root, file);
  process.argv = [process.argv[0], path, ...programArgs];
  await import(pathToFileURL(path).href);
}

/** Runs a development tool's own entry in this process, so that signals and the exit code are its own. */
async function becomeTool(packageName, entry, programArgs) {
  const require = createRequire(join(root, "package.json"));
  const directory = require.resolve(`${packageName}/package.json`).replace(/package\.json$/, "");
  process.argv = [process.argv[0], join(directory, entry), ...programArgs];
  process.chdir(root);
  await import(pathToFileURL(join(directory, entry)).href);
}

const jobs = {
  async start() {
    install();
    build("l2tpd");
    await become("apps/l2tpd/dist/main.js", args.includes("--config") ? args : ["demo", ...args]);
  },
  async l2tpd() {
    install();
    build("l2tpd");
    await become("apps/l2tpd/dist/main.js", args);
  },
  async l2tpctl() {
    install();
    build("l2tpctl");
    await become("apps/l2tpctl/dist/main.js", args);
  },
  async test() {
    install();
    await becomeTool("vitest", "vitest.mjs", ["run", ...args]);
  },
  async bench() {
    install();
    build("l2tpd", "l2tpctl");
    const done = spawnSync(
      process.execPath,
      ["--conditions=@l2tp/source", "--import", "tsx", "bench/main.ts", ...args],
      {
        cwd: root,
        stdio: "inherit",
      },
    );
    process.exit(done.status ?? 1);
  },
};

if (!job || !(job in jobs)) {
  say(`usage: node tools/run.mjs ${Object.keys(jobs).join("|")} [arguments]`);
  process.exit(2);
}
await jobs[job]();

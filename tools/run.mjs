/**
 * What `npm start`, `npm test`, `npm run l2tpd`, `npm run l2tpctl`, `npm run l2tpload` and `npm run bench` run: installs the
 * dependencies when the lockfile has changed, builds what is needed, and then becomes the program asked for.
 * It needs Node and npm and nothing else; progress goes to standard error.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const root = fileURLToPath(new URL("..", import.meta.url));
const [job, ...args] = process.argv.slice(2);
const bin = join(root, "node_modules", ".bin");
process.env.PATH = `${bin}${delimiter}${process.env.PATH ?? ""}`;
process.env.TURBO_TELEMETRY_DISABLED = "1";
process.env.TURBO_NO_UPDATE_NOTIFIER = "1";

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** How long a command that was interrupted may take to end by itself. */
const END_MS = 3_000;

/**
 * Runs a command to its end, and again when it fails, up to `tries` times in all; its output is shown only when it fails. A
 * signal ends it with all that it started (it has a process group of its own), and then us.
 */
async function run(command, commandArgs, { tries = 1 } = {}) {
  const group = process.platform !== "win32";
  const child = spawn(command, commandArgs, { cwd: root, detached: group, shell: !group });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  let interrupted;
  const end = (signal) => {
    try {
      if (group) process.kill(-child.pid, signal);
      else child.kill(signal);
    } catch {
      // It has ended.
    }
  };
  const interrupt = (signal) => {
    interrupted ??= signal;
    end("SIGTERM");
    setTimeout(end, END_MS, "SIGKILL").unref();
  };
  for (const signal of SIGNALS) process.on(signal, interrupt);
  const { code, error } = await new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, error }));
    child.once("close", (code) => resolve({ code }));
  });
  for (const signal of SIGNALS) process.off(signal, interrupt);
  if (interrupted !== undefined) process.exit(128 + constants.signals[interrupted]);
  if (code === 0) return;
  process.stderr.write(output);
  say(`l2tp: ${command} ${commandArgs.join(" ")} failed${error ? `: ${error.message}` : ""}`);
  if (tries === 1 || error) process.exit(1);
  say("l2tp: trying again …");
  await run(command, commandArgs, { tries: tries - 1 });
}

/** In a container npm may be process 1 itself. */
function isNpm(pid) {
  try {
    return /npm|yarn/.test(readFileSync(`/proc/${pid}/cmdline`, "utf8"));
  } catch {
    return true; // no /proc: nothing is known
  }
}

/**
 * npm hands signals on, but not when it is killed, or hung up: then nobody would ever end what it started. (Its
 * scripts begin with `exec`, so that npm is our parent, and not a shell that dies of the signal alone.)
 */
function endWithNpm() {
  // biome-ignore lint/suspicious/noUndeclaredEnvVars: says who started us; nothing that is built depends on it.
  if (process.env.npm_lifecycle_event === undefined || process.platform === "win32") return;
  const npm = process.ppid;
  if (npm === 1 && !isNpm(npm)) process.exit(128 + constants.signals.SIGTERM); // it has gone already
  const timer = setInterval(() => {
    if (process.ppid === npm) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, 250);
  timer.unref();
}

/** A hash of what decides the dependency tree. */
function treeHash() {
  const hash = createHash("sha256");
  hash.update(process.version + process.platform + process.arch);
  for (const file of ["pnpm-lock.yaml", "package.json", "pnpm-workspace.yaml"])
    hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
}

/**
 * Makes `npx l2tpctl` and its like work in the clone, which npm would look for in the registry: each becomes what
 * `npm run` makes of it. pnpm makes no links to programs that are not built yet.
 */
function linkPrograms() {
  for (const program of ["l2tpd", "l2tpctl", "l2tpload"]) {
    const file = join(bin, program);
    const text = `#!/bin/sh\nexec node "$(dirname "$0")/../../tools/run.mjs" ${program} "$@"\n`;
    if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
    try {
      writeFileSync(file, text);
      chmodSync(file, 0o755);
    } catch {
      return; // somebody else's folder: `npm run` does the same
    }
  }
}

async function install() {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    say(`l2tp: this is Node ${process.version}; Node 20.19 or newer is needed (https://nodejs.org)`);
    process.exit(1);
  }
  const stamp = join(root, "node_modules", ".l2tp-installed");
  const hash = treeHash();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) return linkPrograms();
  say("l2tp: installing dependencies (once; about half a minute) …");
  // The package is named as an option: inside `npx --package=node@…` (test:lts) npx takes the first word for a command.
  const pnpm = [
    "--yes",
    "--package=pnpm@10.34.9",
    "--",
    "pnpm",
    "install",
    "--frozen-lockfile",
    "--prefer-offline",
  ];
  // The network may fail for a moment.
  await run("npx", pnpm, { tries: 2 });
  linkPrograms();
  writeFileSync(stamp, hash);
}

async function build(...apps) {
  const filters = apps.map((app) => `--filter=@l2tp/${app}`);
  await run("turbo", ["run", "build", ...filters, "--output-logs=errors-only"]);
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
    await install();
    await build("l2tpd");
    await become("apps/l2tpd/dist/main.js", args.includes("--config") ? args : ["demo", ...args]);
  },
  async l2tpd() {
    await install();
    await build("l2tpd");
    await become("apps/l2tpd/dist/main.js", args);
  },
  async l2tpctl() {
    await install();
    await build("l2tpctl");
    await become("apps/l2tpctl/dist/main.js", args);
  },
  async l2tpload() {
    await install();
    await build("l2tpload");
    await become("apps/l2tpload/dist/main.js", args);
  },
  async test() {
    await install();
    await becomeTool("vitest", "vitest.mjs", ["run", ...args]);
  },
  async bench() {
    await install();
    // Measured is what users install, the built packages: hence no source condition here.
    await build();
    const child = spawn(process.execPath, ["--import", "tsx", "bench/main.ts", ...args], {
      cwd: root,
      stdio: "inherit",
    });
    // Ctrl-C reaches the child by itself.
    process.on("SIGINT", () => {}).on("SIGTERM", () => child.kill());
    child.once("exit", (code) => process.exit(code ?? 1));
  },
};

if (!job || !(job in jobs)) {
  say(`usage: node tools/run.mjs ${Object.keys(jobs).join("|")} [arguments]`);
  process.exit(2);
}
endWithNpm();
await jobs[job]();

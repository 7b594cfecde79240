/** How the package behaves in a process of its own: ends cleanly, runs from a bundle, without koffi, without root. */
import { type SpawnSyncOptions, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { needs } from "@l2tp/testing";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootId, effectiveCapabilities, hasCapability, inUserNamespace } from "../src/index.ts";
import { isPartialMap } from "../src/privilege.ts";

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}.ts`, import.meta.url));
const packageFolder = fileURLToPath(new URL("..", import.meta.url));

/** Where koffi resolves, and nothing else is: what a deployed bundle has. */
let beside = "";
/** Where nothing resolves. */
let alone = "";

async function bundle(entries: Record<string, string>, outdir: string): Promise<void> {
  await build({
    entryPoints: entries,
    outdir,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["koffi"],
    conditions: ["@l2tp/source"],
    outExtension: { ".js": ".js" },
  });
}

beforeAll(async () => {
  const modules = join(packageFolder, "node_modules");
  mkdirSync(modules, { recursive: true });
  beside = mkdtempSync(join(modules, ".process-test-"));
  alone = mkdtempSync(join(tmpdir(), "l2tp-linux-"));
  const thread = { "reactor-thread": join(packageFolder, "src/reactor-thread.ts") };
  const names = ["list-links", "unprivileged", "no-way-back"];
  const programs = Object.fromEntries(names.map((name) => [name, fixture(name)]));
  for (const folder of [beside, alone]) writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);
  await bundle({ ...programs, ...thread }, beside);
  await bundle({ "list-links": fixture("list-links"), index: join(packageFolder, "src/index.ts") }, alone);
});
afterAll(() => {
  rmSync(beside, { recursive: true, force: true });
  rmSync(alone, { recursive: true, force: true });
});

/** Package managers' shims set NODE_PATH, by which everything would resolve anywhere. */
const { NODE_PATH: _, ...environment } = process.env;

function run(command: string, args: string[], options: SpawnSyncOptions = {}) {
  const { status, signal, stdout, stderr } = spawnSync(command, args, {
    // For what hangs: on a busy machine the start of a process alone takes seconds.
    timeout: 120_000,
    killSignal: "SIGKILL",
    encoding: "utf8",
    env: environment,
    ...options,
  });
  return { status, signal, stdout: String(stdout), stderr: String(stderr) };
}

const node = process.execPath;
const program = (name: string, ...args: string[]) => run(node, [join(beside, `${name}.js`), ...args]);

describe("a process that has used the reactor", () => {
  needs("linux")("ends by itself when its sockets are closed", () => {
    expect(program("list-links", "close")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("lo"),
    });
  });
  needs("linux")("ends by itself with an idle socket open", () => {
    expect(program("list-links", "leave-open")).toMatchObject({ status: 0, signal: null });
  });
  needs("linux")("ends at once by process.exit while a monitor waits", () => {
    expect(program("list-links", "exit-while-waiting")).toMatchObject({ status: 3, signal: null });
  });
  needs("linux")("ends at once by an uncaught error while a monitor waits", () => {
    expect(program("list-links", "throw-while-waiting")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("on purpose"),
    });
  });
  needs("linux")("runs from its TypeScript sources as well, from any working directory", () => {
    const tsx = fileURLToPath(new URL("../../../node_modules/tsx/dist/cli.mjs", import.meta.url));
    const result = run(node, [tsx, "--conditions=@l2tp/source", fixture("list-links"), "close"], {
      cwd: "/",
    });
    expect(result).toMatchObject({ status: 0, stdout: expect.stringContaining("lo") });
  });
});

needs("linux")("a bundle without the thread's file says which entry it lacks", () => {
  const copied = mkdtempSync(join(packageFolder, "node_modules/.process-test-"));
  try {
    run("cp", [join(beside, "list-links.js"), join(beside, "package.json"), copied]);
    const result = run(node, [join(copied, "list-links.js"), "close"]);
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/UnsupportedError: the thread reactor-thread is not where it should be/);
  } finally {
    rmSync(copied, { recursive: true });
  }
});

/** Imports the package, pretends, uses it, prints the error. */
function attempt(before: string): string {
  const script = `${before}
    const { sys, SyscallError, encodeSocketAddress, errnoName } = await import(${JSON.stringify(join(alone, "index.js"))});
    if (errnoName(98) !== "EADDRINUSE") throw new Error("what needs no system must work");
    encodeSocketAddress({ family: 4, address: "192.0.2.1", port: 1 });
    try { sys.socket(2, 2); console.log("worked"); } catch (error) { console.log(error.name, error.code, error.message); }`;
  return run(node, ["--input-type=module", "-e", script]).stdout;
}

test("on other systems the import works, and the first call says why it cannot", () => {
  const said = attempt(`Object.defineProperty(process, "platform", { value: "darwin" });`);
  expect(said).toMatch(
    /^UnsupportedError ERR_UNSUPPORTED @l2tp\/linux makes Linux system calls and this is darwin/,
  );
});

needs("linux")("without koffi the import works, and the first call says what to install", () => {
  expect(attempt("")).toMatch(/^UnsupportedError ERR_UNSUPPORTED .*cannot load koffi.*npm install .*koffi/);
});

needs("user-namespace")("inside `unshare -Urn` all of it works, without a privilege outside", () => {
  const result = run("unshare", ["-Urn", node, join(beside, "unprivileged.js")]);
  expect(result.stderr).toBe("");
  expect(result.stdout.split("\n").slice(0, 2)).toEqual(["made veth", "[true,[]]"]);
});

needs("user-namespace")(
  "who could not return from a network namespace enters none, and stays where it is",
  () => {
    // Root in a user namespace, in a network namespace that belongs to another one.
    const result = run("unshare", ["-Ur", node, join(beside, "no-way-back.js")]);
    expect(result.stderr).toBe("");
    const [message, isHome] = result.stdout.split("\n");
    expect(message).toMatch(/^setns own network namespace: EPERM \(1.*CAP_SYS_ADMIN/);
    expect(isHome).toBe("true");
  },
);

needs("root", { tool: "setpriv" })("a process without capabilities is told which one is missing", () => {
  const result = run("setpriv", ["--bounding-set", "-all", node, join(beside, "unprivileged.js")]);
  const [message, facts] = result.stdout.split("\n");
  expect(message).toMatch(/^RTM_NEWLINK br0: EPERM \(1\): .*CAP_NET_ADMIN.*unshare -Urn/);
  expect(JSON.parse(facts ?? "[]")).toEqual([inUserNamespace(), ["CAP_NET_ADMIN", "CAP_NET_RAW"]]);
});

needs("linux")("capabilities and the boot ID are read from /proc", () => {
  expect(bootId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-/);
  expect(hasCapability("CAP_NET_ADMIN")).toBe(((effectiveCapabilities() >> 12n) & 1n) === 1n);
});

test("a map of user IDs that is not the whole range is a user namespace", () => {
  expect(isPartialMap("         0          0 4294967295\n")).toBe(false);
  expect(isPartialMap("         0       1000          1\n")).toBe(true);
});

/** Runs a {@link GuestSuite} inside the virtual machine, one test after the other unless it says otherwise, and reports by lines. */
import { inspect } from "node:util";
import {
  type GuestReport,
  type GuestSuite,
  ONLY,
  REPORT_PREFIX,
  type SuiteApi,
  type TestContext,
} from "./suite.ts";

type Body = () => void | Promise<void>;
type TestBody = (context: TestContext) => void | Promise<void>;

/** Thrown by {@link TestContext.skip}; the message is the reason. */
class SkipError extends Error {
  override readonly name = "SkipError";
}
const context: TestContext = {
  skip(reason) {
    throw new SkipError(reason);
  },
};

interface Hook {
  readonly body: Body;
  readonly timeoutMs: number;
}
interface Group {
  /** Empty for the whole, and for one that is there for its order alone. */
  readonly name: string;
  /** How many of its children run at a time. */
  readonly atOnce: number;
  readonly before: Hook[];
  readonly after: Hook[];
  readonly children: (Group | Test)[];
}
interface Test {
  readonly title: string;
  readonly body?: TestBody;
  readonly reason?: string;
  readonly timeoutMs: number;
}

/** For what hangs: a machine that is three times slower than another is to make no test fail. */
const DEFAULT_TIMEOUT_MS = 240_000;

function report(line: GuestReport): void {
  process.stdout.write(`${REPORT_PREFIX}${JSON.stringify(line)}\n`);
}

async function limited(body: Body, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([body(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What an assertion compared, as vitest cannot show it from here. */
function describeComparison(error: Error): string {
  if (!("expected" in error && "actual" in error)) return "";
  const show = (value: unknown) => inspect(value, { depth: 8, breakLength: 120, maxArrayLength: 200 });
  return `expected: ${show(error.expected)}\nreceived: ${show(error.actual)}\n`;
}

const describeError = (error: unknown): string =>
  error instanceof Error
    ? describeComparison(error) +
      (error.stack ?? error.message) +
      (error.cause ? `\ncaused by ${describeError(error.cause)}` : "")
    : String(error);

const newGroup = (name: string, atOnce = 1): Group => ({
  name,
  atOnce,
  before: [],
  after: [],
  children: [],
});

/** The name of a test or group with those of the groups that it is in. */
const within = (path: string, name: string): string => [path, name].filter(Boolean).join(" > ");

/** Drops the tests that nobody asked for, and groups without any: their hooks would cost time. */
function prune(group: Group, path: string, only: ReadonlySet<string>): boolean {
  const kept = group.children.filter((child) => {
    if ("children" in child) return prune(child, within(path, child.name), only);
    return only.has(within(path, child.title));
  });
  group.children.splice(0, group.children.length, ...kept);
  return kept.length > 0;
}

async function runTest(test: Test, name: string, broken: string | undefined): Promise<void> {
  if (!test.body) {
    report({ test: name, state: "skipped", reason: test.reason ?? "no reason given" });
    return;
  }
  if (broken !== undefined) {
    report({ test: name, state: "failed", ms: 0, error: broken });
    return;
  }
  const start = performance.now();
  const ms = () => Math.round(performance.now() - start);
  try {
    const { body, timeoutMs } = test;
    await limited(() => body(context), timeoutMs);
    report({ test: name, state: "passed", ms: ms() });
  } catch (error) {
    if (error instanceof SkipError) report({ test: name, state: "skipped", reason: error.message });
    else report({ test: name, state: "failed", ms: ms(), error: describeError(error) });
  }
}

/** @param broken - what failed before, so that none of its tests can run */
async function runGroup(group: Group, path: string, broken?: string): Promise<void> {
  let failed = broken;
  try {
    if (failed === undefined) for (const { body, timeoutMs } of group.before) await limited(body, timeoutMs);
  } catch (error) {
    failed = `beforeAll of "${group.name}" failed: ${describeError(error)}`;
  }
  const waiting = [...group.children];
  const lane = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if ("children" in next) await runGroup(next, within(path, next.name), failed);
      else await runTest(next, within(path, next.title), failed);
    }
  };
  await Promise.all(Array.from({ length: group.atOnce }, lane));
  for (const { body, timeoutMs } of group.after) {
    try {
      await limited(body, timeoutMs);
    } catch (error) {
      report({ test: `${path} > afterAll`, state: "failed", ms: 0, error: describeError(error) });
    }
  }
}

/** Declares and runs the suite, then ends the process: 0 when nothing failed to be reported. */
export async function runGuestSuite(suite: GuestSuite): Promise<never> {
  const root = newGroup("");
  let current = root;
  const declare = (group: Group, body: () => void) => {
    current.children.push(group);
    const outer = current;
    current = group;
    body();
    current = outer;
  };
  const api: SuiteApi = {
    describe: (name, body) => declare(newGroup(name), body),
    sideBySide: (atOnce, body) => declare(newGroup("", atOnce), body),
    test: (title, body, timeoutMs = DEFAULT_TIMEOUT_MS) => current.children.push({ title, body, timeoutMs }),
    skip: (title, reason) => current.children.push({ title, reason, timeoutMs: 0 }),
    beforeAll: (body, timeoutMs = DEFAULT_TIMEOUT_MS) => current.before.push({ body, timeoutMs }),
    afterAll: (body, timeoutMs = DEFAULT_TIMEOUT_MS) => current.after.push({ body, timeoutMs }),
  };
  suite(api);
  const only = process.env[ONLY];
  // A process that a test starts with the same bundle has tests of its own.
  delete process.env[ONLY];
  if (only === undefined || prune(root, "", new Set(JSON.parse(only)))) await runGroup(root, "");
  // What is still on its way would be lost: a failure's report may be long.
  await new Promise<void>((written) => process.stdout.write("", () => written()));
  process.exit(0);
}

/**
 * Declares a {@link GuestSuite} to vitest and runs it in the virtual machine: bundled to one file, in one boot,
 * each of its tests shown as a test here.
 */
import { fileURLToPath } from "node:url";
import { beforeAll, describe, type RunnerTestSuite } from "vitest";
import { missing, needs } from "../needs.ts";
import { bundleForGuest, type GuestTimes, runInGuest } from "./run.ts";
import { type GuestReport, type GuestSuite, ONLY, REPORT_PREFIX, type SuiteApi } from "./suite.ts";

export { bundleForGuest, runInGuest } from "./run.ts";

declare module "vitest" {
  interface TaskMeta {
    /** Of a group of tests that ran in the virtual machine; the summary shows it. */
    guest?: GuestTimes;
  }
}

/** How long a virtual machine may wait for the others before it: they run one at a time. */
export const QUEUE_MS = 3_600_000;

const root = fileURLToPath(new URL("../../../..", import.meta.url));

/** How to run a guest suite. */
export interface VmOptions {
  /** For the whole run, boot included. */
  readonly timeoutMs: number;
  /** Files that worker threads load, by the name they have beside the bundle. */
  readonly threads?: Readonly<Record<string, string>>;
  /** Memory of the guest in MiB. */
  readonly memoryMib?: number;
  /** More options of `tools/vm/run`. */
  readonly run?: readonly string[];
}

/** Names of the tests that a suite declares, in order. */
function titles(suite: GuestSuite): string[] {
  const names: string[] = [];
  const path: string[] = [];
  const add = (name: string) => void names.push([...path, name].join(" > "));
  const api: SuiteApi = {
    describe(name, body) {
      path.push(name);
      body();
      path.pop();
    },
    sideBySide: (_, body) => body(),
    test: add,
    skip: add,
    beforeAll: () => {},
    afterAll: () => {},
  };
  suite(api);
  return names;
}

/** Names of the tests that are to run: those that `vitest -t` asks for, or all. */
function wanted(suite: Readonly<Pick<RunnerTestSuite, "tasks">>): string[] {
  return suite.tasks.filter(({ mode }) => mode === "run" || mode === "queued").map(({ name }) => name);
}

/**
 * @param title - what the group of tests is called
 * @param suite - the suite itself, loaded here for its names only
 * @param file - the module whose default export `suite` is
 */
export function vmSuite(title: string, suite: GuestSuite, file: URL, options: VmOptions): void {
  const inVm = needs("vm");
  const results = new Map<string, GuestReport>();
  let ended = "the virtual machine was not started";
  describe(title, () => {
    beforeAll(
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern which fixtures are wanted: none
      async ({}, declared) => {
        if (missing("vm") !== undefined) return; // each test says so itself
        const source = [
          `import suite from ${JSON.stringify(fileURLToPath(file))};`,
          `import { runGuestSuite } from ${JSON.stringify(`${root}tools/testing/src/guest/runner.ts`)};`,
          "await runGuestSuite(suite);",
        ].join("\n");
        const bundle = await bundleForGuest(title.replace(/\W+/g, "-"), source, options.threads);
        const memory = options.memoryMib ? ["--mem", String(options.memoryMib)] : [];
        const { status, output, times } = await runInGuest([process.execPath, bundle], {
          timeoutMs: options.timeoutMs,
          run: [...memory, "--env", `${ONLY}=${JSON.stringify(wanted(declared))}`, ...(options.run ?? [])],
          onLine: (line) => {
            if (!line.startsWith(REPORT_PREFIX)) return;
            const report = JSON.parse(line.slice(REPORT_PREFIX.length)) as GuestReport;
            results.set(report.test, report);
          },
        });
        if (times !== undefined) declared.meta.guest = times;
        ended = `the guest ended with ${status}; its last output:\n${output.slice(-4000)}`;
      },
      options.timeoutMs + 60_000 + QUEUE_MS,
    );
    for (const name of titles(suite)) {
      inVm(name, (context) => {
        const result = results.get(name);
        if (!result) throw new Error(`no result of this test: ${ended}`);
        if (result.state === "skipped") context.skip(result.reason);
        if (result.state === "failed") throw new Error(`in the virtual machine: ${result.error}`);
      });
    }
  });
}

/**
 * Ends a test run with what a person wants to know: how long each suite took in the virtual machine, which tests were
 * skipped and why, counted by reason, and a last line `N passed, N failed, N skipped`.
 */

import type { Reporter, TestModule } from "vitest/node";
import type {} from "./guest/vm.ts";

export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandled.length;
    let skipped = 0;
    const reasons = new Map<string, number>();
    for (const module of modules) {
      // A file that did not load has errors and no tests: it counts as one failure.
      if (module.errors().length > 0) failed += 1;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed += 1;
        else if (result.state === "failed") failed += 1;
        else if (result.state === "skipped") {
          skipped += 1;
          const reason = result.note ?? "not run: the set-up of its group failed";
          reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        }
      }
    }
    const guests = modules.flatMap((module) =>
      [...module.children.suites()].flatMap((suite) => {
        const { guest } = suite.meta();
        return guest ? [{ name: suite.name, ...guest }] : [];
      }),
    );
    if (guests.length > 0) {
      console.log("\nIn the virtual machine, one suite at a time (seconds: waited for it, boot, tests):");
      const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(7);
      for (const { name, waitedMs, bootMs, ranMs } of guests.sort((a, b) => b.ranMs - a.ranMs)) {
        console.log(`${seconds(waitedMs)}${seconds(bootMs)}${seconds(ranMs)}  ${name}`);
      }
    }
    if (skipped > 0) {
      console.log("\nSkipped here, with the reason:");
      for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1])) {
        console.log(`${String(count).padStart(5)}  ${reason}`);
      }
    }
    console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
}

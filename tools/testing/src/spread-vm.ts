/**
 * The order of the test files: those that need the virtual machine spread evenly among the others. They wait a lot and run
 * one at a time, so that the other worker has something to do meanwhile.
 */
import { readFileSync } from "node:fs";
import { BaseSequencer, type TestSpecification } from "vitest/node";

export default class SpreadVm extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const inVm = sorted.filter(({ moduleId }) =>
      /vmSuite\(|runInGuest\(/.test(readFileSync(moduleId, "utf8")),
    );
    const others = sorted.filter((file) => !inVm.includes(file));
    const each = Math.ceil(others.length / Math.max(1, inVm.length));
    return inVm.length === 0
      ? others
      : inVm.flatMap((file, n) => [file, ...others.slice(n * each, (n + 1) * each)]);
  }
}

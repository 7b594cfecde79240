/**
 * The order of the test files, for two workers: one has those that need the virtual machine, of which one runs at a time, the
 * other has all else. The workers take files from one queue; so the queue is what both lanes begin, in the order of time. The
 * longest come first in each, so that at the end no worker waits long for the other.
 */
import { readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Seconds that the long ones take, on two processors without KVM. Where these are wrong, nothing but time is lost. */
export const SECONDS: Readonly<Record<string, number>> = {
  // In the virtual machine.
  "interop/xl2tpd/xl2tpd.test.ts": 450,
  "packages/dataplane-linux/test/ppp/guest.test.ts": 100,
  "interop/kernel/ppp.test.ts": 85,
  "interop/kernel/faults.test.ts": 80,
  "interop/kernel/daemons.test.ts": 80,
  "packages/dataplane-linux/test/ppp/link.test.ts": 75,
  "interop/kernel/ethernet.test.ts": 70,
  "packages/dataplane-linux/test/conformance.test.ts": 50,
  "interop/kernel/masquerade.test.ts": 50,
  "interop/kernel/ppp-l2tpd.test.ts": 50,
  "packages/dataplane-linux/test/behaviour.test.ts": 42,
  "interop/kernel/pty.test.ts": 40,
  "packages/dataplane-linux/test/scale.test.ts": 34,
  "packages/dataplane-linux/test/readme.test.ts": 12,
  "tools/testing/test/guest.test.ts": 10,
  // Without it.
  "tools/test/packages.test.ts": 180,
  "packages/control/test/simulation.test.ts": 175,
  "apps/l2tpd/test/namespaces.test.ts": 55,
  "packages/dataplane-userspace/test/conformance.test.ts": 50,
  "interop/l2tpd/hostile.test.ts": 45,
  "tools/test/style.test.ts": 35,
  "interop/ppp/life.test.ts": 28,
  "apps/l2tpd/test/dynamic.test.ts": 21,
  "interop/l2tpv2/operator.test.ts": 20,
  "interop/l2tpd/kill.test.ts": 19,
  "packages/dataplane-userspace/test/ppp-sessions.test.ts": 18,
  "apps/l2tpd/test/examples.test.ts": 17,
  "interop/l2tpd/lossy-path.test.ts": 16,
  "interop/ppp/shared.test.ts": 16,
  "interop/ppp/raw.test.ts": 16,
  "packages/dataplane-userspace/test/traffic.test.ts": 16,
  "packages/dataplane-userspace/test/life.test.ts": 15,
  "tools/test/layers.test.ts": 14,
  "apps/l2tpctl/test/daemon.test.ts": 14,
  "interop/l2tpns/lac.test.ts": 13,
  "interop/l2tpns/lns.test.ts": 13,
  "interop/l2tpv2/switching.test.ts": 13,
  "apps/l2tpd/test/manage.test.ts": 12,
  "interop/l2tpv2/lac.test.ts": 11,
  "apps/l2tpload/test/program.test.ts": 11,
  "packages/dataplane-userspace/test/ppp-traffic.test.ts": 11,
  "interop/l2tpd/peer-gone.test.ts": 10,
};
/** Of a file that is not among them. */
const OTHERS = { vm: 40, host: 1.3 };

/** One after the other in a lane. */
function lane<T>(files: readonly T[], secondsOf: (file: T) => number): { file: T; start: number }[] {
  let start = 0;
  return files
    .map((file) => ({ file, seconds: secondsOf(file) }))
    .sort((a, b) => b.seconds - a.seconds)
    .map(({ file, seconds }) => {
      const begun = { file, start };
      start += seconds;
      return begun;
    });
}

/** @returns all files in the order in which two lanes begin them, the longest of each lane first */
export function inTwoLanes<T>(
  files: readonly T[],
  isVm: (file: T) => boolean,
  secondsOf: (file: T) => number | undefined,
): T[] {
  const vm = lane(files.filter(isVm), (file) => secondsOf(file) ?? OTHERS.vm);
  const host = lane(
    files.filter((file) => !isVm(file)),
    (file) => secondsOf(file) ?? OTHERS.host,
  );
  return [...vm, ...host].sort((a, b) => a.start - b.start).map(({ file }) => file);
}

export default class TwoLanes extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const vm = new Set(
      sorted.filter(({ moduleId }) => /vmSuite\(|runInGuest\(/.test(readFileSync(moduleId, "utf8"))),
    );
    return inTwoLanes(
      sorted,
      (file) => vm.has(file),
      ({ moduleId }) => SECONDS[relative(root, moduleId)],
    );
  }
}

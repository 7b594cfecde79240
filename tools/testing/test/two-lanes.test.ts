import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { inTwoLanes, SECONDS } from "../src/two-lanes.ts";

const root = new URL("../../../", import.meta.url);

/** Two workers that take files from one queue; the virtual machine is one. @returns who waits for it, and the time of the end */
function play(queue: readonly string[], seconds: Readonly<Record<string, number>>) {
  const free = [0, 0];
  let vmFree = 0;
  const waited: string[] = [];
  for (const file of queue) {
    const worker = (free[0] as number) <= (free[1] as number) ? 0 : 1;
    let start = free[worker] as number;
    if (file.startsWith("vm")) {
      if (vmFree > start) waited.push(file);
      start = Math.max(start, vmFree);
      vmFree = start + (seconds[file] ?? 0);
    }
    free[worker] = start + (seconds[file] ?? 0);
  }
  return { waited, end: Math.max(...free) };
}

test("two workers never wait for the virtual machine, and end together", () => {
  const seconds: Record<string, number> = { "vm-long": 500, "vm-short": 50, "vm-middle": 150, long: 300 };
  for (let n = 0; n < 40; n++) seconds[`n${n}`] = 10;
  const files = Object.keys(seconds).reverse();
  const queue = inTwoLanes(
    files,
    (file) => file.startsWith("vm"),
    (file) => seconds[file],
  );
  expect([...queue].sort()).toEqual([...files].sort());
  expect(queue.slice(0, 2)).toEqual(["vm-long", "long"]);
  expect(play(queue, seconds)).toEqual({ waited: [], end: 700 });
  expect(play(files, seconds).end).toBe(900);
});

test("files whose time is known are there", () => {
  const gone = Object.keys(SECONDS).filter((file) => !existsSync(fileURLToPath(new URL(file, root))));
  expect(gone).toEqual([]);
});

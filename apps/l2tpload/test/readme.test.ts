/** The README's commands are run, and print what it says, but for the numbers. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { l2tpload } from "./harness.ts";
import { TestLns } from "./lns.ts";

interface Example {
  readonly args: string;
  readonly expected: string;
}

/** Each `$ l2tpload …` in a console block, with the lines after it; a line `…` stands for any. */
function examples(): Example[] {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  return [...readme.matchAll(/```console\n\$ l2tpload (.*)\n([\s\S]*?)```/g)].map(
    ([, args = "", expected = ""]) => ({
      args,
      expected: expected.trimEnd(),
    }),
  );
}

/** Numbers differ from run to run, and with them the widths of columns. */
const shape = (text: string): string[] =>
  text.split("\n").map((line) =>
    line
      .replace(/\d+(\.\d+)?/g, "#")
      .replace(/\s+/g, " ")
      .trim(),
  );

test("there are three", () => {
  expect(examples()).toHaveLength(3);
});

test.each(examples())("l2tpload $args prints what the README says", async ({ args, expected }) => {
  await using lns = await TestLns.listen({
    tunnel: { secrets: ["opensesame"] },
    ppp: args.includes("--ppp"),
  });
  const words = args.replace("127.0.0.1", lns.target).split(" ");
  const { stdout } = await l2tpload(words);
  const [wanted, printed] = [shape(expected), shape(stdout)];
  for (const [at, line] of wanted.entries()) if (line !== "…") expect(printed[at]).toBe(line);
});

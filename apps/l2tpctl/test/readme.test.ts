import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { capture } from "./corpus.ts";
import { l2tpctl } from "./harness.ts";

/** The captures that the README's examples speak of. */
const FILES: Readonly<Record<string, string>> = {
  "tunnel.pcap": "accel-ocrq-hidden",
  "refused.pcap": "xl2tpd-badsecret",
  "bridge.pcap": "linux-v3-udp4-cookie4",
};

interface Example {
  readonly stdin: string;
  readonly args: readonly string[];
  readonly expected: string;
}

/** Each `$ …` in a console block, with the lines after it; `…` stands for any more. */
function examples(): Example[] {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const blocks = [...readme.matchAll(/```console\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((example) => {
        const [command = "", ...output] = example.split("\n");
        const [, stdin = "", args = ""] = /^(?:echo (\S+) \| )?l2tpctl (.*)$/.exec(command) ?? [];
        return { stdin, args: args.split(" "), expected: output.join("\n").trimEnd() };
      }),
  );
}

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "l2tpctl-readme-"));
  for (const [name, source] of Object.entries(FILES))
    copyFileSync(capture(source).file, join(directory, name));
});
afterAll(() => rmSync(directory, { recursive: true }));

test("there are examples", () => {
  expect(examples().length).toBeGreaterThanOrEqual(4);
});

test.each(examples())("l2tpctl $args prints what the README says", async ({ stdin, args, expected }) => {
  const { stdout, stderr } = await l2tpctl(args, { stdin, cwd: directory });
  expect(stderr).toBe("");
  if (expected.endsWith("\n…")) {
    const shown = expected.slice(0, -1);
    expect(stdout.slice(0, shown.length)).toBe(shown);
    expect(stdout.length).toBeGreaterThan(shown.length);
  } else {
    expect(stdout.trimEnd()).toBe(expected);
  }
});

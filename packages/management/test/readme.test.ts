import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "@l2tp/management";
import { expect, test } from "vitest";
import { whoIsUp } from "../examples/who-is-up.ts";
import { LISTS } from "../src/api.ts";
import { ERROR_STATUS } from "../src/errors.ts";
import { FakeDaemon } from "./fake.ts";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README's example is the one that is run here", () => {
  const [, shown] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
  expect(shown).toBe(readFileSync(new URL("../examples/who-is-up.ts", import.meta.url), "utf8"));
});

test("it says who is up, and what to do where nobody listens", async () => {
  const directory = mkdtempSync(join(tmpdir(), "l2tp-management-"));
  const socketPath = join(directory, "l2tpd.sock");
  try {
    expect(await whoIsUp(socketPath)).toEqual([
      expect.stringMatching(/there is no such socket; start l2tpd/),
    ]);
    await using _server = await serve(new FakeDaemon(), { socketPath });
    expect(await whoIsUp(socketPath)).toEqual([
      "l2tpd 1.2.3: 3 of 3 sessions are up",
      "north/call-1: user-100 has 10.0.0.2",
      "south/call-1: user-200 has 10.0.0.2",
      "south/call-2: user-201 has 10.0.0.2",
      "malformed datagrams: 4",
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("the README has every list with its filters, and every error", () => {
  for (const [list, filters] of Object.entries(LISTS)) {
    const [query] = new RegExp(`/v1/${list}\`[^|,]*`).exec(readme) ?? [];
    for (const filter of filters) expect(query).toContain(`${filter}=`);
  }
  for (const [code, status] of Object.entries(ERROR_STATUS)) {
    expect(readme).toContain(`\`${code}\``);
    expect(readme).toContain(String(status));
  }
});

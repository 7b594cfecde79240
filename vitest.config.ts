import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import TwoLanes from "./tools/testing/src/two-lanes.ts";

const conditions = ["@l2tp/source"];
const repository = fileURLToPath(new URL(".", import.meta.url));
const folders = ["packages", "apps"].flatMap((top) =>
  readdirSync(repository + top).map((name) => ({ name, root: `${repository}${top}/${name}` })),
);

export default defineConfig({
  // Workspace packages resolve to their src/, so tests need no build.
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    reporters: ["default", "./tools/testing/src/summary-reporter.ts"],
    // Also where there are more processors: one for the virtual machine, one for all else.
    maxWorkers: 2,
    sequence: { sequencer: TwoLanes },
    // For what hangs; no test has it as a limit of its time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 50_000 } },
    projects: [
      ...folders.map(({ name, root }) => ({
        extends: true as const,
        root,
        test: { name, include: ["test/**/*.test.ts"] },
      })),
      {
        extends: true as const,
        root: `${repository}interop`,
        test: { name: "interop", include: ["**/*.test.ts"] },
      },
      {
        extends: true as const,
        root: `${repository}tools`,
        test: { name: "tools", include: ["**/*.test.ts"] },
      },
    ],
    coverage: { provider: "v8", include: ["packages/*/src/**", "apps/*/src/**"] },
  },
});

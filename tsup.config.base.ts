import type { BuildOptions } from "esbuild";
import type { Options } from "tsup";

/** What every package's build has in common: ESM only, JavaScript here, types from `tsc -b`. */
export const base = {
  entry: ["src/index.ts"],
  format: ["esm"],
  target: "node20",
  platform: "neutral",
  sourcemap: true,
  clean: false,
  dts: false,
  splitting: false,
  treeshake: true,
  silent: true,
} satisfies Options;

/** An app's build, in words that the tests' builder reads, too (`built` of `@l2tp/testing/built`). */
export interface App extends Options {
  /** The program, `main`, and its threads: each is looked for beside `main.js`. */
  readonly entry: Record<string, string>;
  readonly target: string;
  readonly external: string[];
  readonly banner: { readonly js: string };
  esbuildOptions(options: BuildOptions): void;
}

/** What all apps' builds have in common: one file with everything in it but koffi, whose native part must stay a package. */
export const app: Omit<App, "entry"> = {
  ...base,
  platform: "node",
  noExternal: [/.*/],
  external: ["koffi"],
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  esbuildOptions(options) {
    options.conditions = ["@l2tp/source", "import", "module", "default"]; // our packages are bundled from their src/
  },
};

import type { Options } from "tsup";

/** What every package's build has in common: ESM only, JavaScript here, types from `tsc -b`. */
export const base: Options = {
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
};

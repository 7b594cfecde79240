import { defineConfig } from "tsup";
import { base } from "../../tsup.config.base.ts";

/** One file with everything in it but koffi, whose native part must stay a package, and the threads of the load. */
export default defineConfig({
  ...base,
  entry: { main: "src/main.ts", "load-thread": "src/load-thread.ts" },
  platform: "node",
  noExternal: [/.*/],
  external: ["koffi"],
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  esbuildOptions(options) {
    options.conditions = ["@l2tp/source", "import", "module", "default"]; // our packages are bundled from their src/
  },
});

import { cpSync } from "node:fs";
import { defineConfig } from "tsup";
import { base } from "../../tsup.config.base.ts";

/**
 * One file with everything in it but koffi, whose native part must stay a package, and the threads: each is
 * looked for beside `main.js`.
 */
export default defineConfig({
  ...base,
  entry: {
    main: "src/main.ts",
    "packet-thread": "../../packages/dataplane-userspace/src/packet-thread.ts",
    "reactor-thread": "../../packages/linux/src/reactor-thread.ts",
  },
  platform: "node",
  noExternal: [/.*/],
  external: ["koffi"],
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  onSuccess: async () => {
    // What `l2tpd demo` runs, where the package is not in its repository.
    for (const end of ["a", "b"]) {
      const name = `examples/l2tpv3-ethernet-${end}.toml`;
      cpSync(new URL(`../../${name}`, import.meta.url), new URL(`dist/${name}`, import.meta.url));
    }
  },
  esbuildOptions(options) {
    options.conditions = ["@l2tp/source", "import", "module", "default"]; // our packages are bundled from their src/
    // Node keeps a program's text in memory, at two octets a character when one of them is not of Latin-1: without the
    // comments it is ASCII, and smaller. Names stay as they are and lines short, for stack traces.
    options.minifyWhitespace = true;
    options.lineLimit = 120;
  },
});

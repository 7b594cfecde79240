import { cpSync } from "node:fs";
import { type App, app } from "../../tsup.config.base.ts";

export default {
  ...app,
  entry: {
    main: "src/main.ts",
    "packet-thread": "../../packages/dataplane-userspace/src/packet-thread.ts",
    "reactor-thread": "../../packages/linux/src/reactor-thread.ts",
  },
  onSuccess: async () => {
    // What `l2tpd demo` runs, where the package is not in its repository.
    for (const end of ["a", "b"]) {
      const name = `examples/l2tpv3-ethernet-${end}.toml`;
      cpSync(new URL(`../../${name}`, import.meta.url), new URL(`dist/${name}`, import.meta.url));
    }
  },
  esbuildOptions(options) {
    app.esbuildOptions(options);
    // Node keeps a program's text in memory, at two octets a character when one of them is not of Latin-1: without the
    // comments it is ASCII, and smaller. Names stay as they are and lines short, for stack traces.
    options.minifyWhitespace = true;
    options.lineLimit = 120;
  },
} satisfies App;

import { defineConfig } from "tsup";
import { base } from "../../tsup.config.base.ts";

/** The reactor's thread is a file of its own: see `spawnThread`. */
export default defineConfig({ ...base, entry: ["src/index.ts", "src/reactor-thread.ts"] });

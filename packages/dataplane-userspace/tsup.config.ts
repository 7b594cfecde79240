import { defineConfig } from "tsup";
import { base } from "../../tsup.config.base.ts";

// The threads' file is an entry of its own, beside the one that starts them.
export default defineConfig({ ...base, entry: ["src/index.ts", "src/packet-thread.ts"], splitting: true });

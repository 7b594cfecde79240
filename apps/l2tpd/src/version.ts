/** The version, from this app's package.json, which lies one folder up from `src/` and from `dist/` alike. */
import { readFileSync } from "node:fs";

const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");

/** Such as `1.2.3`. */
export const version: string = (JSON.parse(file) as { version: string }).version;

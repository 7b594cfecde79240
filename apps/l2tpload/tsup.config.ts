import { type App, app } from "../../tsup.config.base.ts";

export default { ...app, entry: { main: "src/main.ts", "load-thread": "src/load-thread.ts" } } satisfies App;

import { type App, app } from "../../tsup.config.base.ts";

export default { ...app, entry: { main: "src/main.ts" } } satisfies App;

/** How the parts of an endpoint find each other. */
import type { Calls } from "./calls.ts";
import type { Core } from "./core.ts";
import type { Planes } from "./planes.ts";
import type { Tunnels } from "./tunnels.ts";

/** All parts; each gets this and looks the others up when it needs them. */
export interface Parts {
  readonly core: Core;
  readonly tunnels: Tunnels;
  readonly calls: Calls;
  readonly planes: Planes;
}

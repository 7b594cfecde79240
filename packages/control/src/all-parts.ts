/** The parts as a whole, for those who stand above them: reception, newcomers, links, drain, endpoint. */
import type { Calls } from "./calls.ts";
import type { Core } from "./core.ts";
import type { Planes } from "./planes.ts";
import type { Tunnels } from "./tunnels.ts";

export interface AllParts {
  readonly core: Core;
  readonly tunnels: Tunnels;
  readonly calls: Calls;
  readonly planes: Planes;
}

/** What a context lends to its tunnels and sessions. */
import type { Alarms } from "./alarms.ts";
import type { BackoffSettings } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { ControlPlane } from "./control-plane.ts";
import type { Emitter } from "./emitter.ts";
import type { Logger } from "./log.ts";
import type { WirePool } from "./wire-pool.ts";

/** One for each context; its members are shared by everything in it. */
export interface Host {
  readonly clock: Clock;
  readonly alarms: Alarms;
  readonly control: ControlPlane;
  readonly emitter: Emitter;
  readonly logger: Logger;
  readonly wires: WirePool;
  readonly backoff: BackoffSettings;
  /** A number from 0 up to but not 1. */
  random(): number;
}

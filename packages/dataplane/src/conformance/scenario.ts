/** One thing that the contract says, and how to see that it is so. */
import type { L2tpVersion, Pseudowire } from "@l2tp/protocol";
import type { Bench } from "./bench.ts";

/** What a scenario needs beyond two data planes. */
export interface ScenarioNeeds {
  /** Exact octets in or out. */
  readonly raw?: true;
  /** Two addresses of a family at end `b`. */
  readonly secondAddress?: true;
  /** An interface that can be deleted behind the data plane's back. */
  readonly vanish?: true;
  /** Real interfaces with names of their own. */
  readonly interfaces?: true;
  readonly version?: L2tpVersion;
  readonly port?: Pseudowire;
  readonly encapsulation?: "udp";
  /** Sessions with a `PppLink`, whose packets can be read and written. */
  readonly link?: true;
  /** Links that look at the sources of packets. */
  readonly checkSource?: true;
  /** Links that encrypt. */
  readonly mppe?: true;
}

/** A test of the kit. */
export interface Scenario {
  /** A sentence; unique in the kit, as the skip list goes by it. */
  readonly name: string;
  /** Over every transport, not only the first one. */
  readonly everywhere?: boolean;
  readonly needs?: ScenarioNeeds;
  run(bench: Bench): Promise<void>;
}

/**
 * A data plane in memory, for tests: hosts on a simulated network with seeded loss, delay, duplication,
 * reordering and partitions, on a clock that the test moves; failures injected into every call, and a record of
 * all calls.
 */

export {
  CallLog,
  type CallName,
  type CallRecord,
  type ExpectedCall,
  type FaultOptions,
  type Hanging,
} from "./calls.ts";
export { realTime, type Scheduler, SimulatedClock, settle } from "./clock.ts";
export { type DatagramHandler, type Medium, MockHost, type MockSocket, type Packet } from "./host.ts";
export { CLEAN, checkImpairment, type Impairment } from "./impairment.ts";
export { MockNetwork, type MockNetworkOptions } from "./network.ts";
export { MockDataPlane } from "./plane.ts";
export { MockPppLink } from "./ppp-link.ts";
export { type Random, seeded } from "./random.ts";
export type { MockSession } from "./session.ts";
export { describe, type Fate, type WireRecord } from "./trace.ts";
export type { MockTunnel } from "./tunnel.ts";
export type { MockWire } from "./wire.ts";

/** Two sites on the mock's simulated network, each with a data plane and a context, and one clock for all. */
import { MockDataPlane, type MockHost, MockNetwork, type MockNetworkOptions } from "@l2tp/dataplane-mock";
import type { SocketAddress } from "@l2tp/protocol";
import {
  Context,
  type ContextEvent,
  type ContextOptions,
  type Logger,
  type QuiescentInit,
} from "../src/index.ts";

/** One end. */
export interface Site {
  readonly host: MockHost;
  plane: MockDataPlane;
  context: Context;
  /** Everything that the contexts of this site have told. */
  readonly events: ContextEvent[];
  readonly log: string[];
}

export const at = (address: string, port = 1701): SocketAddress => ({ family: 4, address, port });

export const A = at("192.0.2.1");
export const B = at("192.0.2.2");

/** A logger that writes down `level message`. */
export function recorder(lines: string[]): Logger {
  const level =
    (name: string) =>
    (_: unknown, message: string): void =>
      void lines.push(`${name} ${message}`);
  return { error: level("error"), warn: level("warn"), info: level("info"), debug: level("debug") };
}

const TYPES = [
  "tunnel-up",
  "tunnel-down",
  "tunnel-failed",
  "session-up",
  "session-down",
  "session-failed",
  "session-addresses",
] as const;

export class World {
  readonly network: MockNetwork;

  constructor(options: MockNetworkOptions = {}) {
    this.network = new MockNetwork(options);
  }

  site(name: string, address: string): Site {
    const host = this.network.host(name, address);
    const site = { host, events: [], log: [] } as unknown as Site;
    this.restart(site);
    return site;
  }

  /** Begins anew with a new data plane and a new context; what was there before is left to its fate. */
  restart(site: Site, options: Partial<ContextOptions> = {}): void {
    site.plane = new MockDataPlane(site.host);
    site.context = new Context({
      dataPlane: site.plane,
      clock: this.network.scheduler,
      random: this.network.random,
      logger: recorder(site.log),
      ...options,
    });
    for (const type of TYPES) site.context.on(type, (event) => void site.events.push(event));
  }

  advance(ms: number): Promise<void> {
    return this.network.advanceAsync(ms);
  }
}

export const types = (site: Site): string[] => site.events.map((event) => event.type);

/** The two ends of one tunnel. */
export const endA: QuiescentInit = { name: "t", local: A, peer: B, tunnelId: 1, peerTunnelId: 2 };
export const endB: QuiescentInit = { name: "t", local: B, peer: A, tunnelId: 2, peerTunnelId: 1 };
export const sessionA = { name: "s", sessionId: 11, peerSessionId: 22 };
export const sessionB = { name: "s", sessionId: 22, peerSessionId: 11 };

/** A LAC and an LNS on one simulated network: two contexts of this package, with one clock. */
import type { Authority } from "@l2tp/access";
import { MockDataPlane, type MockHost, MockNetwork, type MockNetworkOptions } from "@l2tp/dataplane-mock";
import {
  Context,
  type ContextEvent,
  type ContextEventType,
  type ContextOptions,
  type DynamicTunnel,
  type DynamicTunnelInit,
} from "../../src/index.ts";
import { recorder } from "../world.ts";

export interface End {
  readonly host: MockHost;
  plane: MockDataPlane;
  context: Context;
  readonly events: ContextEvent[];
  readonly log: string[];
}

export const LAC = "192.0.2.1";
export const LNS = "192.0.2.2";

const TYPES: readonly ContextEventType[] = [
  "tunnel-up",
  "tunnel-down",
  "tunnel-failed",
  "tunnel-refused",
  "session-up",
  "session-down",
  "session-failed",
  "session-addresses",
  "listener-up",
  "listener-down",
  "link-info",
  "wan-errors",
  "sequencing",
  "peer-moved",
  "notice",
  "dial",
  "drained",
  "ppp",
];

export class Pair {
  readonly network: MockNetwork;
  readonly lac: End;
  readonly lns: End;

  constructor(
    options: {
      lac?: Partial<ContextOptions>;
      lns?: Partial<ContextOptions>;
      network?: MockNetworkOptions;
    } = {},
  ) {
    this.network = new MockNetwork(options.network);
    this.lac = this.end("lac", LAC, { control: { tunnel: { hostName: "lac" } }, ...options.lac });
    this.lns = this.end("lns", LNS, { control: { tunnel: { hostName: "lns" } }, ...options.lns });
  }

  end(name: string, address: string, options: Partial<ContextOptions> = {}): End {
    const end = { host: this.network.host(name, address), events: [], log: [] } as unknown as End;
    this.start(end, options);
    return end;
  }

  /** A program begins: with a data plane and a context of its own. */
  start(end: End, options: Partial<ContextOptions> = {}): void {
    end.plane = new MockDataPlane(end.host);
    let seed = 1;
    end.context = new Context({
      dataPlane: end.plane,
      clock: this.network.scheduler,
      random: this.network.random,
      logger: recorder(end.log),
      wall: () => this.network.now(),
      resolve: (name) => Promise.reject(new Error(`${name}: no DNS here`)),
      fillRandom: (into) => {
        // Repeatable, and unlike for any two calls.
        for (let i = 0; i < into.length; i++) {
          seed = (Math.imul(seed, 1_664_525) + 1_013_904_223 + Math.floor(this.network.random() * 256)) >>> 0;
          into[i] = seed >>> 24;
        }
      },
      ...options,
    });
    for (const type of TYPES) end.context.on(type, (event) => void end.events.push(event));
  }

  advance(ms: number): Promise<void> {
    return this.network.advanceAsync(ms);
  }

  /** A tunnel of the LAC to the LNS. */
  dial(init: Partial<DynamicTunnelInit> = {}): DynamicTunnel {
    return this.lac.context.newDynamicTunnel({ name: "to-lns", peers: [{ host: LNS }], ...init });
  }

  /** Closes both, which takes simulated time. */
  async close(): Promise<void> {
    const closed = Promise.all([this.lac.context.close(), this.lns.context.close()]);
    let done = false;
    void closed.then(() => {
      done = true;
    });
    for (let n = 0; n < 100 && !done; n++) await this.advance(1_000);
    await closed;
  }
}

/** Lets everybody in, with these answers. */
export function openHouse(answers: Partial<Authority> = {}): Authority {
  return {
    peer: (request) => ({ accept: true, peer: request.hostName, secrets: [] }),
    call: () => ({ accept: true }),
    user: () => ({ accept: false, reason: "nobody is known" }),
    lease: () => ({}),
    release: () => {},
    ...answers,
  };
}

export const typesOf = (end: End): string[] => end.events.map(({ type }) => type);

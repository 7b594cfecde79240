/** Large numbers, simulated: how much begins, and ends, in one turn of the event loop. */
import { NoticeQueue } from "@l2tp/dataplane";
import { expect, test } from "vitest";
import { Pacer } from "../src/pacer.ts";
import { LinuxTunnel } from "../src/tunnel.ts";
import type { TunnelHost } from "../src/tunnel-host.ts";
import { plainEthernet } from "./plain-ethernet.ts";

/** Pieces of work, and what they cost. */
const COUNT = 200;
const WORK_MS = 1;
/** Given, as there is no path to ask. */
const MTU = { mtuOctets: 1400, dontFragment: "path" } as const;
/** Of 5 ms that a turn has, with what was begun in it and settles at its end. */
const MOST_IN_TURN = 30;

function work(): void {
  const end = performance.now() + WORK_MS;
  while (performance.now() < end);
}

/** Counts what is done in each turn of the event loop. */
class Turns implements Disposable {
  most = 0;
  #now = 0;
  #counting = true;

  constructor() {
    this.#turn();
  }

  #turn(): void {
    this.most = Math.max(this.most, this.#now);
    this.#now = 0;
    if (this.#counting) setImmediate(() => this.#turn());
  }

  count(): void {
    this.#now++;
  }

  [Symbol.dispose](): void {
    this.#counting = false;
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

test("operations that are asked for all at once begin a few in each turn, in order", async () => {
  for (const how of ["run", "end"] as const) {
    using turns = new Turns();
    const pacer = new Pacer();
    const begun: number[] = [];
    const done = numbers(COUNT).map((i) =>
      pacer[how](async () => {
        begun.push(i);
        await undefined;
        work();
        turns.count();
        return i;
      }),
    );
    expect(begun.length).toBeLessThan(MOST_IN_TURN);
    expect(await Promise.all(done)).toEqual(numbers(COUNT));
    expect(begun).toEqual(numbers(COUNT));
    expect(turns.most).toBeLessThan(MOST_IN_TURN);
  }
});

test("an end may wait for others that are yet to begin, and for operations", async () => {
  const pacer = new Pacer();
  const ends = numbers(100).map((i) =>
    pacer.end(async () => {
      work();
      await pacer.end(async () => work());
      await pacer.run(async () => work());
      if (i === 50) throw new Error("one that fails");
    }),
  );
  const settled = await Promise.allSettled(ends);
  expect(settled.filter(({ status }) => status === "rejected")).toHaveLength(1);
});

/** A wire whose kernel does everything at once; each session costs a moment when it is forgotten. */
function simulated(turns: Turns): TunnelHost {
  const host: { [K in keyof TunnelHost]?: unknown } = {
    capabilities: { versions: [3], pseudowires: ["eth"], encapsulations: ["udp"], families: [4] },
    pacer: new Pacer(),
    notices: new NoticeQueue(),
    missing: new Map(),
    kinds: { eth: { create: async () => ({ interfaceName: "x", remove: () => Promise.resolve() }) } },
    kernel: {
      watcher: {
        addSession: () => {},
        removeSession: () => {
          work();
          turns.count();
        },
      },
    },
    requireOpen: () => {},
    claimSession: () => {},
    releaseSession: () => {},
    isLastOn: () => true,
    leave: async () => {},
  };
  return host as TunnelHost;
}

test("tunnels and their sessions that close in one breath are forgotten over many turns", async () => {
  for (const [tunnels, sessions] of [
    [40, 10],
    [1, 400],
  ] as const) {
    using turns = new Turns();
    const host = simulated(turns);
    const made = numbers(tunnels).map((i) => {
      const carrier = { tunnelId: i + 1, peer: { family: 4, address: "192.0.2.2", port: 1701 } };
      const parameters = { version: 3, tunnelId: i + 1, peerTunnelId: 1, peer: carrier.peer };
      type Rest = ConstructorParameters<typeof LinuxTunnel>;
      return new LinuxTunnel(host, parameters as Rest[1], carrier as unknown as Rest[2]);
    });
    for (const tunnel of made)
      for (let i = 1; i <= sessions; i++)
        await tunnel.createSession({ ...plainEthernet(tunnel.tunnelId * 1_000 + i), mtu: MTU });
    await Promise.all(made.map((tunnel) => tunnel[Symbol.asyncDispose]()));
    // 64 of one tunnel are gone through between two looks at the clock.
    expect(turns.most).toBeLessThan(64 + MOST_IN_TURN);
    expect(made.flatMap((tunnel) => [...tunnel.sessions()])).toEqual([]);
  }
});

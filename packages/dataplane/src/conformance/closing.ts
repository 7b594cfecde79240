/** Closing: in any order, twice, and with things under way. */
import { equal, refused } from "./assert.ts";
import { Bench, freshId, sessionParameters, wildcard } from "./bench.ts";
import { frame } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

/** Disposal must end; a promise that never does would only show as a test that hangs. */
async function ends(disposal: PromiseLike<void>, what: string): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} does not end`)), 10_000);
  });
  await Promise.race([disposal, late]).finally(() => clearTimeout(timer));
}

export const CLOSING: readonly Scenario[] = [
  {
    name: "session, tunnel and wire close in this order, each twice",
    everywhere: true,
    async run(bench) {
      const { wires, tunnels, sessions, ports } = await bench.connected();
      await ports.a.send(frame(1));
      await bench.expectFrames(ports.b, [1], "before");
      for (const thing of [sessions.a, tunnels.a, wires.a.wire]) {
        await ends(thing[Symbol.asyncDispose](), "closing");
        await ends(thing[Symbol.asyncDispose](), "closing again");
      }
    },
  },
  {
    name: "wire, tunnel and session close in this order, too",
    async run(bench) {
      const { wires, tunnels, sessions } = await bench.connected();
      for (const thing of [wires.a.wire, tunnels.a, sessions.a])
        await ends(thing[Symbol.asyncDispose](), "closing");
    },
  },
  {
    name: "everything may be closed at once",
    async run(bench) {
      const { wires, tunnels, sessions, ports } = await bench.connected();
      for (let n = 0; n < 10; n++) await ports.a.send(frame(n));
      const all = [sessions.a, wires.a.wire, tunnels.a, sessions.a, tunnels.a, wires.a.wire];
      await ends(
        Promise.all(all.map((thing) => thing[Symbol.asyncDispose]())).then(() => {}),
        "closing all at once",
      );
    },
  },
  {
    name: "closing a tunnel ends its sessions",
    async run(bench) {
      const { wires, tunnels, sessions, ports } = await bench.connected();
      await tunnels.a[Symbol.asyncDispose]();
      await refused(() => sessions.a.statistics(), "closed", "statistics of a session");
      await refused(() => sessions.a.update({ reorderMs: 1 }), "closed", "a change of a session");
      await refused(() => tunnels.a.createSession(sessionParameters()), "closed", "a new session");
      await refused(() => tunnels.a.update({ peer: wires.b.address }), "closed", "a change of the tunnel");
      await ports.b.send(frame(1));
      await bench.quiet();
      const rows: number[] = [];
      await wires.a.wire.statistics({ row: ({ sessionId }) => rows.push(sessionId) });
      equal(rows, [], "rows of statistics");
    },
  },
  {
    name: "closing a session leaves the others",
    async run(bench) {
      const { wires, tunnels, sessions } = await bench.connected();
      const stays = await bench.sessions(tunnels);
      const [portA, portB] = [await bench.port(wires.a.end, stays.a), await bench.port(wires.b.end, stays.b)];
      await sessions.a[Symbol.asyncDispose]();
      await refused(() => sessions.a.statistics(), "closed", "statistics of the closed one");
      await portA.send(frame(1));
      await bench.expectFrames(portB, [1], "at the other");
    },
  },
  {
    name: "closing a wire ends everything on it, and its notices",
    async run(bench) {
      const { wires, tunnels, sessions } = await bench.connected();
      const { plane, namespace } = wires.a.end;
      const at = namespace === undefined ? {} : { namespace };
      const { encapsulation } = bench.transport;
      const { local } = wires.a.wire;
      await wires.a.wire[Symbol.asyncDispose]();
      await refused(() => wires.a.wire.reserveTunnelId(3), "closed", "a reservation");
      await refused(
        () => bench.tunnel(wires.a, { peer: wires.b.address }),
        "closed",
        "a new tunnel on the wire that is closed",
      );
      await refused(() => tunnels.a.createSession(sessionParameters()), "closed", "a new session");
      await refused(() => sessions.a.statistics(), "closed", "statistics");
      await refused(() => wires.a.wire.counters(), "closed", "counters");
      await refused(() => wires.a.wire.statistics({ row: () => {} }), "closed", "statistics of the wire");
      const again = await plane.open({ encapsulation, local, ...at }, () => {});
      await again[Symbol.asyncDispose]();
      let ended = false;
      void (async () => {
        for await (const _ of again.notices);
        ended = true;
      })();
      await bench.until(() => ended, "the notices of a closed wire end");
    },
  },
  {
    name: "closing a wire gives its reserved tunnel IDs back",
    async run(bench) {
      const { a, b } = await bench.wires();
      const reservation = await a.wire.reserveTunnelId(3);
      await a.wire[Symbol.asyncDispose]();
      await reservation[Symbol.asyncDispose]();
      const second = await bench.open(bench.fixture.a);
      await bench.tunnel(second, { tunnelId: reservation.tunnelId, peer: b.address });
    },
  },
  {
    name: "a tunnel can be closed while sessions are being made in it",
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnel = await bench.tunnel(a, { peer: b.address });
      const making = Array.from({ length: 3 }, () => tunnel.createSession(sessionParameters()));
      const results = Promise.allSettled(making);
      await ends(tunnel[Symbol.asyncDispose](), "closing the tunnel");
      for (const result of await results) {
        if (result.status === "rejected")
          equal((result.reason as { code?: string }).code, "closed", "the refusal");
      }
      const rows: number[] = [];
      await a.wire.statistics({ row: ({ sessionId }) => rows.push(sessionId) });
      equal(rows, [], "sessions that are left");
    },
  },
  {
    name: "closing the data plane closes its wires, and nothing can be opened on it",
    async run(shared) {
      const fixture = await shared.options.make();
      const bench = new Bench(fixture, shared.transport, shared.options);
      try {
        const { wires, sessions } = await bench.connected();
        await fixture.a.plane[Symbol.asyncDispose]();
        await ends(fixture.a.plane[Symbol.asyncDispose](), "closing the data plane again");
        await refused(() => sessions.a.statistics(), "closed", "statistics");
        await refused(
          () =>
            wires.a.wire.createTunnel({
              version: 3,
              tunnelId: freshId(),
              peerTunnelId: 1,
              peer: wires.b.address,
            }),
          "closed",
          "a new tunnel",
        );
        const { encapsulation, family } = bench.transport;
        const local = { family, address: wildcard(family), port: 0 };
        await refused(() => fixture.a.plane.open({ encapsulation, local }, () => {}), "closed", "a new wire");
      } finally {
        await bench.close();
        await fixture[Symbol.asyncDispose]();
      }
    },
  },
];

/**
 * Many LACs with calls that come and go, one LNS; loss, duplication, reordering, partitions, restarts of either side. At
 * the end both sides agree on what is up, and after shutting down nothing is left. `L2TP_SIMULATION=full`, which CI sets
 * by requiring all, runs 1,000 LACs with 10 calls for a simulated day; L2TP_TEST_SEED replays.
 */
import { expect, test } from "vitest";
import { forSeeds } from "./stage.ts";
import { Customer, type Host, World } from "./world.ts";

const { L2TP_SIMULATION, L2TP_TEST_REQUIRE_ALL } = process.env;
const full = L2TP_SIMULATION === "full" || (L2TP_SIMULATION === undefined && L2TP_TEST_REQUIRE_ALL === "1");
const size = full
  ? { lacs: 1_000, calls: 10, hours: 24, callMs: 7_200_000, seeds: 1 }
  : { lacs: 25, calls: 10, hours: 3, callMs: 600_000, seeds: 3 };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** What is up, by the peer's address, as the ends of pairs: `LAC tunnel ID/LNS tunnel ID session ID/session ID`. */
function up({ endpoint }: Host, side: "lac" | "lns"): Map<string, string[]> {
  const pair = (own: number, peer: number) => (side === "lac" ? `${own}/${peer}` : `${peer}/${own}`);
  const rows = new Map<string, string[]>();
  for (const { tunnel, tunnelId, peerTunnelId, peerAddress, state } of endpoint.tunnels()) {
    if (state !== "established") continue;
    const name = pair(tunnelId, peerTunnelId);
    const ofPeer = rows.get(peerAddress.address) ?? [];
    ofPeer.push(name);
    for (const session of endpoint.sessions(tunnel)) {
      if (session.up) ofPeer.push(`${name} ${pair(session.sessionId, session.peerSessionId)}`);
    }
    rows.set(peerAddress.address, ofPeer.sort());
  }
  return rows;
}

function nothingIsLeft(host: Host): void {
  const { tunnels, closedTunnels, sessions, questions, intents, halfOpen, tunnelsUp, sessionsUp } =
    host.endpoint.statistics();
  expect({ tunnels, closedTunnels, sessions, questions, intents, halfOpen, tunnelsUp, sessionsUp }).toEqual({
    tunnels: 0,
    closedTunnels: 0,
    sessions: 0,
    questions: 0,
    intents: 0,
    halfOpen: 0,
    tunnelsUp: 0,
    sessionsUp: 0,
  });
  expect(host.endpoint.pollTimeout()).toBeUndefined();
}

test(
  `${size.lacs} LACs with ${size.calls} calls each, ${size.hours} hours, loss, reordering, partitions and restarts`,
  () => {
    forSeeds(size.seeds, (seed) => {
      const world = new World(seed, { loss: 0.05, duplicate: 0.03, delayMs: [5, 300] });
      const open = { limits: { halfOpenPerSource: 1_000, tunnelRate: 1e6 } };
      const lns = world.host("192.0.2.1", open);
      const customers = Array.from({ length: size.lacs }, (_, n) => {
        const host = world.host(`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`);
        const customer = new Customer(host, lns.address, size.calls, size.callMs);
        world.at(world.random() * 5 * MINUTE, () => customer.start());
        return customer;
      });
      const end = size.hours * HOUR;
      // Partitions of one LAC, of the LNS, and restarts of either, at times drawn from the seed.
      for (let n = 0; n < size.lacs; n++) {
        const customer = customers[Math.floor(world.random() * size.lacs)] as Customer;
        const at = world.random() * end * 0.9;
        if (world.random() < 0.5) world.at(at, () => customer.restart());
        else {
          world.at(at, () => {
            customer.host.cut = true;
          });
          world.at(at + world.random() * 10 * MINUTE, () => {
            customer.host.cut = false;
          });
        }
      }
      for (let hour = 1; hour < size.hours; hour++) {
        const at = hour * HOUR + world.random() * 30 * MINUTE;
        if (hour % 2 === 0) {
          world.at(at, () => {
            lns.cut = true;
          });
          world.at(at + 3 * MINUTE, () => {
            lns.cut = false;
          });
        } else world.at(at, () => lns.restart());
      }
      world.run(end);

      // Nobody does anything any more; the network is well; Hellos find out who is left.
      for (const { host } of customers) host.cut = false;
      world.network = { loss: 0, duplicate: 0, delayMs: [5, 50] };
      for (const customer of customers) customer.active = false;
      world.run(end + 10 * MINUTE);
      const atLns = up(lns, "lns");
      const total = customers.reduce((sum, { host }) => {
        const rows = up(host, "lac").get(lns.address.address) ?? [];
        expect(rows).toEqual(atLns.get(host.address.address) ?? []);
        return sum + rows.length;
      }, 0);
      expect(total).toBeGreaterThan(size.lacs);

      for (const { host } of customers) {
        host.endpoint.shutDown(world.now);
        host.pump();
      }
      lns.endpoint.shutDown(world.now);
      lns.pump();
      world.run(end + 15 * MINUTE);
      nothingIsLeft(lns);
      for (const { host } of customers) nothingIsLeft(host);
    });
  },
  full ? 3_600_000 : 60_000,
);

test("through 30 % loss all calls come up, and the same seed gives the same run", () => {
  const run = (seed: number) => {
    const world = new World(seed, { loss: 0.3, duplicate: 0.1, delayMs: [5, 800] });
    const patient = {
      tunnel: { sessionSetupMs: 500_000, transport: { maxRetries: 20 } },
      unverifiedRetries: 20,
    };
    const lns = world.host("192.0.2.1", patient);
    const customer = new Customer(world.host("10.0.0.1", patient), lns.address, 50, 1e9);
    customer.start();
    world.run(10 * MINUTE);
    return { datagrams: world.datagrams, up: lns.endpoint.statistics().sessionsUp };
  };
  forSeeds(2, (seed) => {
    const { datagrams, up: sessions } = run(seed);
    expect(sessions).toBe(50);
    expect(run(seed).datagrams).toBe(datagrams);
  });
});

/**
 * A quiescent tunnel over a path that loses every fifth datagram each way. Half an hour of it is a simulation's
 * business; here the real thing runs for some seconds, with its times shortened.
 */

import { Site, until } from "@l2tp/lab";
import { needs, seeds } from "@l2tp/testing";
import { expect } from "vitest";
import { Daemon, RelayProcess } from "../support/daemon.ts";
import { document, Traffic } from "../support/pseudowire.ts";

const A = { cable: "192.0.2.1", relay: "192.0.2.254" } as const;
const B = { cable: "198.51.100.1", relay: "198.51.100.254" } as const;
const HELLO_MS = 250;
const RUN_MS = 12_000;
const TUNNEL = `mode = "quiescent"\nhello_timeout = ${HELLO_MS}\nretry_timeout = 50\nmax_retries = 10`;

for (const seed of seeds(1)) {
  needs("linux", "root", "tun")(
    `20 % loss each way, doubles, delay and reordering do not take a quiescent tunnel down (seed ${seed})`,
    async () => {
      using a = new Site("A");
      using b = new Site("B");
      using between = new Site("between");
      a.cable("wan0", A.cable, between, A.relay);
      b.cable("wan1", B.cable, between, B.relay);
      await using relay = new RelayProcess(between, [
        ...["--a", `${A.relay}:1701=${A.cable}:1701`, "--b", `${B.relay}:1701=${B.cable}:1701`],
        ...["--loss", "0.2", "--duplicate", "0.05", "--reorder", "0.05", "--delay", "1-10"],
        ...["--seed", String(seed), "--for", "120"],
      ]);
      await relay.ready();
      const document1 = document("a", { tunnel: TUNNEL, outer: { local: A.cable, peer: A.relay } });
      const document2 = document("b", { tunnel: TUNNEL, outer: { local: B.cable, peer: B.relay } });
      await using one = new Daemon(a, document1);
      await using two = new Daemon(b, document2);
      await Promise.all([one.says(/session s1 is up/), two.says(/session s1 is up/)]);
      using traffic = new Traffic(a, b);
      await until(() => traffic.arrived() > 20, "traffic flows");
      const from = traffic.now + 1;
      await new Promise((wake) => setTimeout(wake, RUN_MS));
      const end = traffic.now + 1;
      // Four of five arrive, and some twice; the last ones may be on their way through busy processes.
      const share = () => traffic.arrived(from, end) / (end - from);
      await until(() => share() > 0.7, "four of five arrive");
      await until(() => traffic.arrived(end) > 20, "and what comes behind them");
      expect(share()).toBeLessThan(0.95);
      expect([...one.said(/is down/), ...two.said(/is down/)]).toEqual([]);

      const { aToB, bToA } = await relay.stop();
      for (const { received, lost, doubled } of [aToB, bToA]) {
        expect(lost).toBeGreaterThan(received * 0.1);
        expect(doubled).toBeGreaterThan(0);
      }
    },
    90_000,
  );
}

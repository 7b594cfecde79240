/** A daemon is killed under traffic and started again: traffic flows again, and nothing is left over. */

import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import { Daemon } from "../support/daemon.ts";
import { document, Traffic, TwoSites, type Wish } from "../support/pseudowire.ts";

const UP = /session s1 is up/;
const LIMIT_MS = 90_000;

async function killAndStartAgain(wish: Wish): Promise<void> {
  using sites = new TwoSites();
  await using b = new Daemon(sites.b, document("b", wish));
  await using first = new Daemon(sites.a, document("a", wish));
  await Promise.all([first.says(UP), b.says(UP)]);
  using traffic = new Traffic(sites.a, sites.b);
  await until(() => traffic.arrived() > 50, "traffic flows");

  first.signal("SIGKILL");
  expect(await first.ended).toEqual({ code: null, signal: "SIGKILL" });
  await until(() => !sites.a.interfaces().includes("l2tpeth0"), "the interface goes with its daemon");
  expect(sites.a.interfaces()).toEqual(["lo", "wan0"]);
  const killedAt = traffic.now;

  await using second = new Daemon(sites.a, document("a", wish));
  await second.says(UP);
  await until(() => traffic.arrived(killedAt) > 50, "traffic flows again");
  expect(sites.a.interfaces()).toEqual(["l2tpeth0", "lo", "wan0"]);
  // Data of the peer, which never noticed, may come before the session is there: a warning, no error.
  expect(second.lines.filter(({ level }) => level === "error")).toEqual([]);

  expect(await second.stop()).toEqual({ code: 0, signal: null });
  expect(await b.stop()).toEqual({ code: 0, signal: null });
  for (const site of [sites.a, sites.b]) expect(site.interfaces()).toEqual(["lo", "wan0"]);
}

const test = needs("linux", "root", "tun");

test(
  "kill -9 of one end of a quiescent tunnel: traffic flows again when it is started again",
  () => killAndStartAgain({ tunnel: 'mode = "quiescent"\nhello_timeout = 1000' }),
  LIMIT_MS,
);

test(
  "kill -9 of one end of a static tunnel with sequence numbers: the other end follows the new numbers",
  () => killAndStartAgain({ tunnel: 'mode = "static"', session: "seqnum = true" }),
  LIMIT_MS,
);

test(
  "kill -9 of one end of a quiescent tunnel directly over IP: traffic flows again when it is started again",
  () => killAndStartAgain({ encapsulation: "ip", tunnel: 'mode = "quiescent"\nhello_timeout = 1000' }),
  LIMIT_MS,
);

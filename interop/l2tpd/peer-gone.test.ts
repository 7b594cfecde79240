/** A peer that stops answering, and one that answers again. */

import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { FIELD_SETTINGS, peerGoneWithinMs, retransmissionSchedule, transportSettings } from "@l2tp/transport";
import { expect } from "vitest";
import { Daemon } from "../support/daemon.ts";
import { document, Traffic, TwoSites } from "../support/pseudowire.ts";

const settings = transportSettings(FIELD_SETTINGS[3], {
  helloTimeoutMs: 1_000,
  retryTimeoutMs: 200,
  maxRetries: 3,
});
const TUNNEL = 'mode = "quiescent"\nhello_timeout = 1000\nretry_timeout = 200\nmax_retries = 3';

needs("linux", "root", "tun")(
  "a peer that is gone takes the tunnel down, with the reason, when the settings say; when it is back the tunnel is up",
  async () => {
    using sites = new TwoSites();
    await using a = new Daemon(sites.a, document("a", { tunnel: TUNNEL }));
    await using b = new Daemon(sites.b, document("b", { tunnel: TUNNEL }));
    await Promise.all([a.says(/session s1 is up/), b.says(/session s1 is up/)]);
    using traffic = new Traffic(sites.a, sites.b);
    await until(() => traffic.arrived() > 50, "traffic flows");
    // Hellos have been answered: the first silence is behind us.
    await new Promise((wake) => setTimeout(wake, 2 * settings.helloTimeoutMs));
    expect(a.said(/is down/)).toEqual([]);

    const goneAt = Date.now();
    b.signal("SIGSTOP");
    const down = await a.says(/^tunnel t1 is down/);
    const tookMs = Date.parse(down.time) - goneAt;
    // The last sign of life may be as old as the hello interval when the peer stops. With settings that are not ours it would
    // be more than the patience for the line; how much less is a simulation's to say, where no other work takes the time.
    expect(peerGoneWithinMs(transportSettings(FIELD_SETTINGS[3]))).toBeGreaterThan(100_000);
    expect(tookMs).toBeGreaterThan(retransmissionSchedule(settings, "hello").giveUpMs - 100);
    expect(down["code"]).toBe("peer-gone");
    expect(down.message).toMatch(/is down: the peer is gone: .*Hello/);
    await a.says(/^session s1 is down: its tunnel t1 is down/);
    await until(() => !sites.a.interfaces().includes("l2tpeth0"), "the interface is gone with the session");

    const since = a.lines.length;
    b.signal("SIGCONT");
    await a.says(/^tunnel t1 to 192\.0\.2\.2.* is up/, { since });
    await a.says(/session s1 is up/, { since });
    const backAt = traffic.now;
    await until(() => traffic.arrived(backAt) > 50, "traffic flows again");
  },
  300_000,
);

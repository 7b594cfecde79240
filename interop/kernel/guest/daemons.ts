/** The real l2tpd, from its bundle, on the kernel's data plane: `auto` takes it, and what a kill or a second daemon does. */

import { type Site, until } from "@l2tp/lab";
import { link } from "@l2tp/linux";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { Daemon } from "../../support/daemon.ts";
import { document, Traffic, TwoSites } from "../../support/pseudowire.ts";

/** Names the bundle of l2tpd to the guest. */
export const L2TPD_BUNDLE = "L2TP_TEST_L2TPD";
/** Node starts slowly in the virtual machine. */
const PATIENCE = { patienceMs: 60_000 };
const UP = /session s1 is up/;
const INTERFACE = "l2tpeth0";
const QUIESCENT = {
  tunnel: 'mode = "quiescent"\nhello_timeout = 5000\nretry_timeout = 500\nmax_retries = 3',
  session: "seqnum = true",
};

/** Time between two messages each way. */
const PACE_MS = 50;
/** How long the kernel's counters may stay unread until it is found out that messages are dropped: 32 s, and some. */
const FOUND_OUT = { patienceMs: 100_000 };
/** Messages that one end has sent before it is killed: more than it sends anew until then. */
const FLOOD = (1.5 * FOUND_OUT.patienceMs) / PACE_MS;

/** l2tpd on the data plane of its own choice. */
function daemon(site: Site, config: string, dataPlane = "auto"): Daemon {
  const bundle = process.env[L2TPD_BUNDLE];
  if (bundle === undefined) throw new Error(`${L2TPD_BUNDLE} is not set`);
  return new Daemon(site, config, { program: [bundle], dataPlane });
}

/** A tunnel whose peer does not matter. */
const another = (name: string, keys: { port: number; tid: number; sid: number }): string => `
[tunnel.${name}]
mode = "static"
encap = "udp"
local = "192.0.2.1:${keys.port}"
peer = "192.0.2.2:${keys.port}"
tid = ${keys.tid}
ptid = ${keys.tid}

[tunnel.${name}.session.s-${name}]
pseudowire = "eth"
sid = ${keys.sid}
psid = ${keys.sid}
`;

const tunnelsIn = async (site: Site): Promise<string[]> => {
  const { output } = await site.execute("ip", "l2tp", "show", "tunnel");
  return [...output.matchAll(/^Tunnel (\d+)/gm)].map(([, id]) => id as string).sort();
};

/** Index of the session's interface; 0 when there is none. */
const interfaceIn = (site: Site): number =>
  site.netlink(link.list()).find(({ name }) => name === INTERFACE)?.index ?? 0;

export default function suite({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  describe("l2tpd", () => {
    let sites: TwoSites;
    let traffic: Traffic;
    let a: Daemon;
    let b: Daemon;

    beforeAll(async () => {
      sites = new TwoSites();
      a = daemon(sites.a, document("a", QUIESCENT));
      b = daemon(sites.b, document("b", QUIESCENT));
      await Promise.all([a.says(UP, PATIENCE), b.says(UP, PATIENCE)]);
      traffic = new Traffic(sites.a, sites.b, { paceMs: PACE_MS });
    });
    afterAll(async () => {
      traffic?.[Symbol.dispose]();
      await a?.[Symbol.asyncDispose]();
      await b?.[Symbol.asyncDispose]();
      sites?.[Symbol.dispose]();
    });

    test("auto takes the kernel's data plane, says so, and traffic flows", async () => {
      expect(a.said(/begins/)[0]?.message).toMatch(/on the linux data plane \(the first choice of auto\)/);
      expect(await tunnelsIn(sites.a)).toEqual(["1"]);
      await until(() => traffic.arrived() > 20, "traffic flows", 60_000);
    });

    test("auto takes our own for a document that clamps the MSS; a second daemon is refused what the first has, by name, and runs what it has not", async () => {
      const config = [
        "[daemon]\nretry_initial = 200\nretry_max = 1000",
        another("same-port", { port: 1701, tid: 71, sid: 71 }),
        another("same-id", { port: 1702, tid: 1, sid: 72 }),
        another("fine", { port: 1703, tid: 73, sid: 73 }),
      ].join("\n");
      await using second = daemon(sites.a, config, "linux");
      await using third = daemon(
        sites.a,
        `${another("clamped", { port: 1704, tid: 74, sid: 74 })}clamp_mss = true\n`,
      );
      await second.says(/session s-fine is up/, PATIENCE);
      const port = await second.says(/tunnel same-port cannot come up/, PATIENCE);
      expect(port.message).toMatch(/192\.0\.2\.1.*1701/);
      expect(port["code"]).toBe("address-in-use");
      const id = await second.says(/tunnel same-id cannot come up/, PATIENCE);
      expect(id.message).toMatch(/tunnel 1\b/);
      expect(id["code"]).toBe("id-in-use");
      expect(await tunnelsIn(sites.a)).toEqual(["1", "73"]);

      await third.says(/session s-clamped is up/, PATIENCE);
      expect(third.said(/begins/)[0]?.message).toMatch(
        /on the userspace data plane \(chosen by auto: linux lacks .* session s-clamped of tunnel clamped: clamp_mss\)/,
      );
      const [one, other] = await Promise.all([second.stop(), third.stop()]);
      expect([one.code, other.code]).toEqual([0, 0]);
      expect(await tunnelsIn(sites.a)).toEqual(["1"]);
      const since = traffic.now;
      await until(() => traffic.arrived(since) > 20, "the first one's traffic flows all the time", 60_000);
    });

    test("kill -9 leaves nothing in the kernel; another that waits takes over at once, and traffic flows, though its sequence numbers begin again", async () => {
      const flood = await sites.a.execute("ping", "-q", "-f", "-c", String(FLOOD), "10.99.0.2");
      expect(flood.output).toMatch(/transmitted, \d+ received/);
      const [first, firstsInterface, since] = [a, interfaceIn(sites.a), b.lines.length];
      // It runs already, as Node starts slowly here: the other end is not to miss the first one.
      a = daemon(sites.a, document("a", QUIESCENT));
      try {
        expect((await a.says(/tunnel t1 cannot come up/, PATIENCE))["code"]).toBe("address-in-use");
        expect(a.said(UP)).toEqual([]);
        first.signal("SIGKILL");
        expect(await first.ended).toEqual({ code: null, signal: "SIGKILL" });
      } finally {
        await first[Symbol.asyncDispose]();
      }
      await until(
        () => interfaceIn(sites.a) !== firstsInterface,
        "the first one's interface goes with its daemon",
      );
      await a.says(UP, PATIENCE);
      // Back before it was missed (unless the machine is very slow): only the data's numbers tell.
      const tell = /sequence numbers .* began again.*both ends begin anew|is gone/;
      await b.says(tell, { since, ...FOUND_OUT });
      const anew = traffic.now;
      await until(() => traffic.arrived(anew) > 20, "traffic flows again", 60_000);
      expect(a.said(/./).filter(({ level }) => level === "error")).toEqual([]);
      expect(await tunnelsIn(sites.a)).toEqual(["1"]);
    }, 300_000);

    test("SIGTERM takes everything down with code 0; nothing is left", async () => {
      const ends = await Promise.all([a.stop(), b.stop()]);
      expect(ends.map(({ code }) => code)).toEqual([0, 0]);
      for (const site of [sites.a, sites.b]) {
        expect(site.interfaces()).toEqual(["lo", "wan0"]);
        expect(await tunnelsIn(site)).toEqual([]);
      }
    });
  });
}

/**
 * PPP sessions in the kernel: all combinations between two sites, a data plane of ours and a pppd for each session at
 * both. In one virtual machine and a few at a time, as each pppd costs a second there.
 */
import type { DataPlane } from "@l2tp/dataplane";
import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { identityOf } from "../combinations.ts";
import { idsOf, pppCombinations, pppNameOf } from "../ppp-combinations.ts";
import { Capture } from "./capture.ts";
import { forEach, PING_CLASSES, ping } from "./ping.ts";
import { PppEnd } from "./ppp-end.ts";
import { KernelSites } from "./sites.ts";

/** Sessions that come up at the same time. */
const AT_A_TIME = 4;
/** For the negotiation of one session, on a slow machine. */
const NEGOTIATION_MS = 60_000;

/** What goes over the cable, by the captures' names. */
const CAPTURES = {
  "udp-ipv4": "ip and udp",
  "udp-ipv6": "ip6 and udp",
  "ip-ipv4": "ip proto 115",
  "ip-ipv6": "ip6 proto 115",
};

async function until(what: string, condition: () => boolean): Promise<void> {
  const end = performance.now() + NEGOTIATION_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not within ${NEGOTIATION_MS} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export default function suite({ test, beforeAll, afterAll }: SuiteApi): void {
  const all = pppCombinations();
  let sites: KernelSites;
  let planes: { a: DataPlane; b: DataPlane };
  let ends: { a: PppEnd; b: PppEnd };
  const amiss = new Map<string, string[]>();
  let statistics: {
    a: Awaited<ReturnType<PppEnd["statistics"]>>;
    b: Awaited<ReturnType<PppEnd["statistics"]>>;
  };

  beforeAll(async () => {
    sites = new KernelSites();
    const captures = [];
    for (const [name, filter] of Object.entries(CAPTURES))
      captures.push(await Capture.start(sites.a, name, filter));
    planes = {
      a: await LinuxDataPlane.create({ stateDirectory: false }),
      b: await LinuxDataPlane.create({ stateDirectory: false }),
    };
    ends = { a: new PppEnd(planes.a, sites.a, "a"), b: new PppEnd(planes.b, sites.b, "b") };
    await forEach(all, AT_A_TIME, async (combination) => {
      const found: string[] = [];
      try {
        await Promise.all([ends.a.add(combination), ends.b.add(combination)]);
        const both = [ends.a.session(combination), ends.b.session(combination)];
        await until("IP is negotiated", () => both.every((session) => session?.addresses?.length === 1));
        const to = identityOf(combination, "b").address;
        for (const kind of PING_CLASSES) {
          const what = await ping(sites.a, to, both[0]?.mtuOctets ?? 0, kind);
          if (what !== undefined) found.push(what);
        }
      } catch (error) {
        found.push(String(error));
      }
      amiss.set(pppNameOf(combination), found);
    });
    statistics = { a: await ends.a.statistics(), b: await ends.b.statistics() };
    for (const capture of captures) await capture.stop();
  }, 480_000);
  afterAll(async () => {
    await Promise.all([planes?.a[Symbol.asyncDispose](), planes?.b[Symbol.asyncDispose]()]);
    sites?.[Symbol.dispose]();
  });

  for (const combination of all) {
    test(`${pppNameOf(combination)}: pings of every size class, and the counters of both ends agree`, () => {
      expect(amiss.get(pppNameOf(combination))).toEqual([]);
      const a = statistics.a.get(idsOf(combination, "a").tunnelId);
      const b = statistics.b.get(idsOf(combination, "b").tunnelId);
      if (a === undefined || b === undefined) throw new Error("one end has no counters");
      expect(a.txPackets).toBeGreaterThan(PING_CLASSES.filter(({ answered }) => answered).length);
      const none = {
        txErrors: 0,
        rxErrors: 0,
        rxSeqDiscards: 0,
        rxOosPackets: 0,
        rxCookieDiscards: 0,
        rxInvalid: 0,
      };
      expect(a).toMatchObject({ ...none, rxPackets: b.txPackets, rxBytes: b.txBytes });
      expect(b).toMatchObject({ ...none, rxPackets: a.txPackets, rxBytes: a.txBytes });
    });
  }

  test("whatever was made is gone when the data planes are closed, and nothing was lost before", async () => {
    const kinds = new Set([...ends.a.notices, ...ends.b.notices].map(({ type }) => type));
    expect([...kinds]).toEqual(["session-addresses"]);
    await Promise.all([planes.a[Symbol.asyncDispose](), planes.b[Symbol.asyncDispose]()]);
    for (const site of [sites.a, sites.b]) {
      expect(site.interfaces()).toEqual(["lo", "wan0"]);
      expect((await site.execute("ip", "l2tp", "show", "tunnel")).output).toBe("");
    }
    expect((await sites.a.execute("pgrep", "-c", "pppd")).output.trim()).toBe("0");
  }, 120_000);
}

/**
 * Ethernet pseudowires in the kernel: all combinations at once between two sites, the other end made by `ip l2tp`; then
 * the same against our userspace data plane. In one virtual machine, as each costs seconds.
 */
import type { DataPlane } from "@l2tp/dataplane";

import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import { UserspaceDataPlane } from "@l2tp/dataplane-userspace";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import {
  combinations,
  identityOf,
  l2tpHeaderOctets,
  nameOf,
  PORT,
  someCombinations,
} from "../combinations.ts";
import { Capture } from "./capture.ts";
import { End } from "./end.ts";
import { ipBatch, ipLinkFigures, iproute2Lines, type LinkFigures } from "./iproute2.ts";
import { forEach, PING_CLASSES, ping, pingThrough } from "./ping.ts";
import { KernelSites } from "./sites.ts";

/** Pings that wait for their answers at the same time. */
const AT_A_TIME = 4;
type Counters = Awaited<ReturnType<End["statistics"]>>;
/** An outer packet that the cable does not take whole. */
const LARGE_MTU = 2_000;

function withIproute2({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  describe("with iproute2 at the other end", () => {
    const all = combinations();
    let sites: KernelSites;
    let plane: DataPlane;
    let end: End;
    let amiss: Map<string, string[]>;
    let theirs: Map<string, LinkFigures>;
    let ours: Counters;

    beforeAll(async () => {
      sites = new KernelSites();
      const captures = await Capture.all(sites.a, "eth");
      // They first, so that whatever we send is received, and counted.
      await ipBatch(sites.b, all.flatMap(iproute2Lines));
      plane = await LinuxDataPlane.create();
      end = await End.open({ plane, site: sites.a, side: "a" }, all);
      amiss = await pingThrough(sites.a, end.pseudowires);
      [ours, theirs] = await end.statisticsWith(() => ipLinkFigures(sites.b));
      for (const capture of captures) await capture.stop();
    });
    afterAll(async () => {
      await plane?.[Symbol.asyncDispose]();
      sites?.[Symbol.dispose]();
    });

    for (const combination of all) {
      test(`${nameOf(combination)}: pings of every size class, and the counters of both ends agree`, () => {
        expect(amiss.get(nameOf(combination))).toEqual([]);
        const own = identityOf(combination, "a");
        const peer = identityOf(combination, "b");
        const row = ours.get(own.sessionId);
        const link = theirs.get(peer.interfaceName);
        if (row === undefined || link === undefined) throw new Error("one end has no counters");
        // As many pings as classes that are answered, in at least as many frames, and ARP.
        expect(row.txPackets).toBeGreaterThanOrEqual(PING_CLASSES.filter(({ answered }) => answered).length);
        const header = l2tpHeaderOctets(combination);
        expect(row).toMatchObject({
          tunnelId: own.tunnelId,
          txPackets: link.rx.packets,
          // The kernel's interface counts what it receives with the L2TP header, and what it sends without.
          txBytes: link.rx.bytes,
          rxPackets: link.tx.packets,
          rxBytes: link.tx.bytes + link.tx.packets * header,
          txErrors: 0,
          rxErrors: 0,
          rxSeqDiscards: 0,
          rxOosPackets: 0,
          rxCookieDiscards: 0,
          rxInvalid: 0,
        });
        // The kernel reckons for its own interfaces as we do for ours.
        const pseudowire = end.pseudowires.find((one) => one.combination === combination);
        expect(pseudowire?.session.mtuOctets).toBe(link.mtu);
      });
    }

    test("frames that the path does not take whole go in fragments of the outer packet", async () => {
      const found: (string | undefined)[] = [];
      // One of each encapsulation and family.
      const few = end.pseudowires.filter(({ combination: { cookie, sequence } }) => cookie === 8 && sequence);
      await ipBatch(
        sites.b,
        few.map(
          ({ combination }) => `link set ${identityOf(combination, "b").interfaceName} mtu ${LARGE_MTU}`,
        ),
      );
      await forEach(few, AT_A_TIME, async ({ combination, session }) => {
        await session.update({ mtuOctets: LARGE_MTU });
        const { address } = identityOf(combination, "b");
        for (const kind of PING_CLASSES.slice(0, 3))
          found.push(await ping(sites.a, address, LARGE_MTU, kind));
      });
      expect(few.length).toBe(4);
      expect(found.filter((what) => what !== undefined)).toEqual([]);
    });

    test("whatever was made is gone when the data plane is closed, and nothing was lost before", async () => {
      expect(end.notices).toEqual([]);
      await plane[Symbol.asyncDispose]();
      expect(sites.a.interfaces()).toEqual(["lo", "wan0"]);
      expect((await sites.a.execute("ip", "l2tp", "show", "tunnel")).output).toBe("");
      expect((await sites.b.execute("ip", "l2tp", "show", "tunnel")).output).not.toBe("");
    });
  });
}

function withUserspace({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  describe("with the userspace data plane at the other end", () => {
    const all = someCombinations();
    let sites: KernelSites;
    let kernel: DataPlane;
    let userspace: DataPlane;
    let ends: { a: End; b: End };
    let amiss: Map<string, string[]>;
    let counters: { a: Counters; b: Counters };

    beforeAll(async () => {
      sites = new KernelSites();
      kernel = await LinuxDataPlane.create();
      userspace = new UserspaceDataPlane();
      const b = await End.open(
        { plane: userspace, site: sites.b, side: "b", port: PORT, peerPort: PORT },
        all,
      );
      const a = await End.open(
        { plane: kernel, site: sites.a, side: "a", port: PORT, peerPort: PORT, managed: true },
        all,
      );
      ends = { a, b };
      amiss = await pingThrough(sites.a, a.pseudowires);
      const [ofA, ofB] = await a.statisticsWith(() => b.statistics());
      counters = { a: ofA, b: ofB };
    });
    afterAll(async () => {
      await Promise.all([kernel?.[Symbol.asyncDispose](), userspace?.[Symbol.asyncDispose]()]);
      sites?.[Symbol.dispose]();
    });

    for (const combination of all) {
      test(`${nameOf(combination)}: pings of every size class, and the counters of both ends agree`, () => {
        expect(amiss.get(nameOf(combination))).toEqual([]);
        const a = counters.a.get(identityOf(combination, "a").sessionId);
        const b = counters.b.get(identityOf(combination, "b").sessionId);
        if (a === undefined || b === undefined) throw new Error("one end has no counters");
        expect(a.txPackets).toBeGreaterThanOrEqual(PING_CLASSES.filter(({ answered }) => answered).length);
        expect(a).toMatchObject({ rxErrors: 0, txErrors: 0 });
        expect(b).toMatchObject({
          rxPackets: a.txPackets,
          rxBytes: a.txBytes,
          txPackets: a.rxPackets,
          txBytes: a.rxBytes,
          rxErrors: 0,
          txErrors: 0,
        });
        const mtu = (end: End) =>
          end.pseudowires.find((one) => one.combination === combination)?.session.mtuOctets;
        expect(mtu(ends.a)).toBe(mtu(ends.b));
      });
    }
  });
}

export default function suite(api: SuiteApi): void {
  withIproute2(api);
  withUserspace(api);
}

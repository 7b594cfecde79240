/**
 * PPP pseudowires in the kernel: all combinations at once between two sites, each end a data plane of ours with pppd on
 * every session.
 */
import type { DataPlane } from "@l2tp/dataplane";
import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import { until } from "@l2tp/lab";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { identityOf, nameOf, pppCombinations, type Side } from "../combinations.ts";
import { Capture } from "./capture.ts";
import { End } from "./end.ts";
import { PING_CLASSES, pingThrough } from "./ping.ts";
import { KernelSites } from "./sites.ts";

const SIDES = ["a", "b"] as const;
/** Two processes for each session, in an emulated machine that may be busy. */
const PATIENCE_MS = 300_000;
const LIMIT_MS = 420_000;

type Counters = Awaited<ReturnType<End["statistics"]>>;

export default function suite({ describe, test, beforeAll, afterAll }: SuiteApi): void {
  describe("with pppd at both ends", () => {
    const all = pppCombinations();
    let sites: KernelSites;
    let planes: DataPlane[] = [];
    let ends: Record<Side, End>;
    let amiss: Map<string, string[]>;
    const counters: { before: Record<Side, Counters>; after: Record<Side, Counters> }[] = [];

    const count = async (): Promise<Record<Side, Counters>> => {
      const [a, b] = await ends.a.statisticsWith(() => ends.b.statistics());
      return { a, b };
    };

    beforeAll(async () => {
      sites = new KernelSites();
      const captures = await Capture.all(sites.a, "ppp");
      planes = [
        await LinuxDataPlane.create({ stateDirectory: false }),
        await LinuxDataPlane.create({ stateDirectory: false }),
      ];
      const [a, b] = await Promise.all(
        SIDES.map((side, i) =>
          End.open(
            {
              plane: planes[i] as DataPlane,
              site: sites[side],
              side,
              pseudowire: "ppp",
            },
            all,
          ),
        ),
      );
      if (a === undefined || b === undefined) throw new Error("an end is missing");
      ends = { a, b };
      const ready = ({ pseudowires }: End) =>
        pseudowires.every(({ session }) => session.addresses?.some(({ peer }) => peer !== undefined));
      await until(() => ready(a) && ready(b), "all addresses are negotiated", PATIENCE_MS);
      const before = await count();
      amiss = await pingThrough(sites.a, a.pseudowires);
      counters.push({ before, after: await count() });
      for (const capture of captures) await capture.stop();
    }, LIMIT_MS);
    afterAll(async () => {
      for (const plane of planes) await plane[Symbol.asyncDispose]();
      sites?.[Symbol.dispose]();
    });

    for (const combination of all) {
      test(`${nameOf(combination)}: pings of every size class, and the counters of both ends agree`, () => {
        expect(amiss.get(nameOf(combination))).toEqual([]);
        const [figures] = counters;
        const change = (side: Side) => {
          const { sessionId } = identityOf(combination, side);
          const [before, after] = [figures?.before[side].get(sessionId), figures?.after[side].get(sessionId)];
          if (before === undefined || after === undefined) throw new Error(`end ${side} has no counters`);
          return {
            txPackets: after.txPackets - before.txPackets,
            txBytes: after.txBytes - before.txBytes,
            rxPackets: after.rxPackets - before.rxPackets,
            rxBytes: after.rxBytes - before.rxBytes,
            errors: after.rxErrors + after.txErrors,
          };
        };
        const [a, b] = [change("a"), change("b")];
        expect(a.txPackets).toBeGreaterThanOrEqual(PING_CLASSES.filter(({ answered }) => answered).length);
        expect(b).toEqual({
          txPackets: a.rxPackets,
          txBytes: a.rxBytes,
          rxPackets: a.txPackets,
          rxBytes: a.txBytes,
          errors: 0,
        });
        expect(a.errors).toBe(0);
        const { address } = identityOf(combination, "a");
        const session = ends.a.pseudowires.find((one) => one.combination === combination)?.session;
        expect(session?.addresses).toContainEqual({
          address,
          prefixLength: 32,
          peer: identityOf(combination, "b").address,
        });
      });
    }

    test("whatever was made is gone when the data planes are closed: interfaces, tunnels, pppd", async () => {
      for (const plane of planes) await plane[Symbol.asyncDispose]();
      for (const side of SIDES) {
        expect(sites[side].interfaces()).toEqual(["lo", "wan0"]);
        expect((await sites[side].execute("ip", "l2tp", "show", "tunnel")).output).toBe("");
      }
      expect((await sites.a.execute("pgrep", "-x", "pppd")).output).toBe("");
    });
  });
}

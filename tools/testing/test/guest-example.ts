import { readFileSync } from "node:fs";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";

/** The least that the virtual machine must offer. */
export default function suite({ describe, sideBySide, test }: SuiteApi): void {
  describe("the guest", () => {
    test("runs a stock kernel with the L2TP modules loaded", () => {
      const modules = readFileSync("/proc/modules", "utf8")
        .split("\n")
        .map((line) => line.split(" ")[0]);
      for (const name of [
        "l2tp_core",
        "l2tp_netlink",
        "l2tp_eth",
        "l2tp_ip",
        "l2tp_ip6",
        "l2tp_ppp",
        "pppox",
        "tun",
      ]) {
        expect(modules).toContain(name);
      }
    });

    test("has the expect of vitest", () => {
      expect({ a: [1, { b: 2 }] }).toEqual({ a: [1, { b: 2 }] });
      expect(() => expect(1).toBe(2)).toThrow();
    });
  });

  describe("side by side", () => {
    const met: string[] = [];
    /** Ends when so many have come. */
    const meet = async (name: string, others: number): Promise<void> => {
      met.push(name);
      while (met.length < others) await new Promise((wake) => setTimeout(wake, 5));
    };
    sideBySide(2, () => {
      test("a test meets the one that runs beside it", () => meet("first", 2), 10_000);
      describe("a group", () => {
        test("meets it too", () => meet("second", 2), 10_000);
        test("has its tests one after the other, also when others have ended", async () => {
          expect(met.slice(0, 2)).toEqual(["first", "second"]);
          await meet("third", 4);
        }, 10_000);
      });
      test("the next begins when there is room", () => meet("fourth", 4), 10_000);
    });
    test("what follows begins when all have ended", () => {
      expect(met.slice(2).sort()).toEqual(["fourth", "third"]);
    });
  });
}

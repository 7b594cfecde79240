import { readFileSync } from "node:fs";
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";

/** The least that the virtual machine must offer. */
export default function suite({ describe, test }: SuiteApi): void {
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
}

/** Two sites with one cable, for the tests in the virtual machine; inside, nobody speaks before he is asked. */
import { writeFileSync } from "node:fs";
import { Site } from "@l2tp/lab";
import { address, link } from "@l2tp/linux";
import { OUTER, type Side } from "../combinations.ts";

/** Name of the cable at both ends. */
export const CABLE = "wan0";

/** Sites `a` (ours) and `b` (the peer's). */
export class KernelSites implements Disposable {
  readonly a = new Site("A");
  readonly b = new Site("B");

  constructor() {
    this.a.cable(CABLE, OUTER[4].a, this.b, OUTER[4].b);
    for (const side of ["a", "b"] as const) this.#furnish(side);
  }

  #furnish(side: Side): void {
    const site = this[side];
    const { index } = site.netlink(link.get({ name: CABLE }));
    site.netlink(
      address.add({ index, address: OUTER[6][side], prefixLength: 64, noDuplicateDetection: true }),
    );
    // What is made from here on has no IPv6 of its own: its solicitations would disturb the counting.
    site.namespace.run(() => writeFileSync("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"));
  }

  [Symbol.dispose](): void {
    this.a[Symbol.dispose]();
    this.b[Symbol.dispose]();
  }
}

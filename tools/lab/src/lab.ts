/** Two hosts with a cable between them, on which nobody speaks before he is asked. */
import { writeFileSync } from "node:fs";
import { address, link } from "@l2tp/linux";
import type { SocketAddress } from "@l2tp/protocol";
import { Site } from "./site.ts";

/** Name of the cable's end in each namespace. */
export const CABLE = "cable";

const DEFAULT_IPV6 = "/proc/sys/net/ipv6/conf/default/disable_ipv6";

/** A site whose addresses follow from its number. */
export class Host extends Site {
  readonly number: number;

  constructor(number: number) {
    super(`host ${number}`);
    this.number = number;
  }

  /** `10.99.0.N`, `fd99::N`, and on for further ones. */
  address(family: 4 | 6, index = 0): string {
    const last = this.number + index * 100;
    return family === 4 ? `10.99.0.${last}` : `fd99::${last.toString(16)}`;
  }

  socketAddress(family: 4 | 6, port: number): SocketAddress {
    return { family, address: this.address(family), port };
  }

  /** Lets interfaces made from here on have IPv6, and with it something to say. */
  enableIpv6(): void {
    this.run(() => writeFileSync(DEFAULT_IPV6, "0"));
  }

  /** Lays the cable to another host: up at both ends, with two addresses of each family. */
  join(other: Host, mtuOctets: number): void {
    this.connect(CABLE, other, mtuOctets);
    for (const host of [this, other]) host.#furnish();
  }

  #furnish(): void {
    this.netlink(link.set({ name: CABLE }, { up: true }));
    const index = this.index(CABLE);
    for (const family of [4, 6] as const) {
      for (const which of [0, 1]) {
        this.netlink(
          address.add({
            index,
            address: this.address(family, which),
            prefixLength: family === 4 ? 24 : 64,
            ...(family === 6 && { noDuplicateDetection: true }),
          }),
        );
      }
    }
    // What is made from here on has no IPv6 of its own: its router solicitations would disturb the counting.
    this.run(() => writeFileSync(DEFAULT_IPV6, "1"));
  }
}

/** Two hosts with a cable between them. */
export class Lab implements Disposable {
  readonly a = new Host(1);
  readonly b = new Host(2);

  constructor({ mtuOctets = 1500 } = {}) {
    this.a.join(this.b, mtuOctets);
  }

  [Symbol.dispose](): void {
    this.a[Symbol.dispose]();
    this.b[Symbol.dispose]();
  }
}

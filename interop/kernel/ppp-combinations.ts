/** Everything that a static PPP session can be: what Ethernet pseudowires can in L2TPv3, and L2TPv2. */
import { type Combination, combinations, nameOf, type Side } from "./combinations.ts";

/** One tunnel with one PPP session. */
export interface PppCombination extends Combination {
  readonly version: 2 | 3;
}

/** L2TPv3: {UDP, IP} × {IPv4, IPv6} × {cookie 0, 4, 8} × {sequencing off, on}; L2TPv2: {IPv4, IPv6} × {off, on}. */
export function pppCombinations(): PppCombination[] {
  const all: PppCombination[] = combinations().map((one) => ({ ...one, version: 3 }));
  for (const family of [4, 6] as const) {
    for (const sequence of [false, true]) {
      const number = all.length + 1;
      all.push({ version: 2, number, encapsulation: "udp", family, cookie: 0, sequence, sublayer: false });
    }
  }
  return all;
}

/** `L2TPv3, UDP, IPv4, cookie of 8 octets, sequence numbers` */
export function pppNameOf(combination: PppCombination): string {
  const { version, family, sequence } = combination;
  if (version === 3) return `L2TPv3, ${nameOf(combination)}`;
  return `L2TPv2, IPv${family}${sequence ? ", sequence numbers" : ""}`;
}

/** The IDs of a side; those of L2TPv2 have 16 bits. */
export function idsOf(
  { version, number }: PppCombination,
  side: Side,
): { tunnelId: number; sessionId: number } {
  const base = { 2: { a: 0x1a00, b: 0x2b00 }, 3: { a: 0x1a00_0000, b: 0x2b00_0000 } }[version][side];
  return { tunnelId: base + number, sessionId: base + (version === 2 ? 0x100 : 0x1000) + number };
}

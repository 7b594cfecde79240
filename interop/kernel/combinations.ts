/** Everything that a static pseudowire of go-l2tp's first release can be, in both of its ends' words. */

/** One tunnel with one session. */
export interface Combination {
  readonly number: number;
  readonly version: 2 | 3;
  readonly encapsulation: "udp" | "ip";
  readonly family: 4 | 6;
  /** Octets of either end's cookie. */
  readonly cookie: 0 | 4 | 8;
  readonly sequence: boolean;
  /** Sequence numbers travel in it; one length of cookie goes without wherever it can. */
  readonly sublayer: boolean;
}

/** {UDP, IP} × {IPv4, IPv6} × {cookie 0, 4, 8} × {sequencing off, on}: 24. */
export function combinations(): Combination[] {
  const all: Combination[] = [];
  for (const encapsulation of ["udp", "ip"] as const) {
    for (const family of [4, 6] as const) {
      for (const cookie of [0, 4, 8] as const) {
        for (const sequence of [false, true]) {
          const sublayer = sequence || cookie !== 4;
          all.push({ number: all.length + 1, version: 3, encapsulation, family, cookie, sequence, sublayer });
        }
      }
    }
  }
  return all;
}

/** Every encapsulation and family, both lengths of cookie and none, with and without sequence numbers. */
export function someCombinations(): Combination[] {
  const wanted = [0, 8, 4, 0, 8, 4, 8, 0];
  return combinations().filter(({ number, cookie }) => {
    const group = Math.floor((number - 1) / 6) * 2 + ((number - 1) % 2);
    return cookie === wanted[group];
  });
}

/** All of {@link combinations}, and L2TPv2, which has neither cookies nor IP: each end of each session is a pppd. */
export function pppCombinations(): Combination[] {
  const all = combinations();
  for (const family of [4, 6] as const) {
    for (const sequence of [false, true]) {
      const number = 25 + all.length;
      all.push({ number, version: 2, encapsulation: "udp", family, cookie: 0, sequence, sublayer: false });
    }
  }
  return all;
}

/** `UDP, IPv4, cookie of 8 octets, sequence numbers` */
export function nameOf({ version, encapsulation, family, cookie, sequence, sublayer }: Combination): string {
  const words = [encapsulation.toUpperCase(), `IPv${family}`];
  if (version === 2) words.unshift("L2TPv2");
  else words.push(`cookie of ${cookie} octets`);
  if (sequence) words.push("sequence numbers");
  if (version === 3 && !sublayer) words.push("no sublayer");
  return words.join(", ");
}

/** Ours is `a`, the peer's `b`. */
export type Side = "a" | "b";

/** The outer addresses of both sides. */
export const OUTER = {
  4: { a: "192.0.2.1", b: "192.0.2.2" },
  6: { a: "2001:db8::1", b: "2001:db8::2" },
} as const;

/** The port of our wire; each tunnel of the peer's has one of its own, and each of ours without a socket of ours. */
export const PORT = 1701;

/** Whether our end has a socket for the tunnel, or leaves it to the kernel: every second one. */
export const isManaged = (number: number): boolean => number % 2 === 0;

/** What a combination is called at one side. IDs differ in all their octets that can. */
export interface Identity {
  readonly tunnelId: number;
  readonly sessionId: number;
  readonly port: number;
  /** What this side expects to receive. */
  readonly cookie: Uint8Array;
  readonly interfaceName: string;
  /** Inside. */
  readonly address: string;
}

/** The names of both ends, from the combination's number. */
export function identityOf({ number, version, encapsulation, cookie }: Combination, side: Side): Identity {
  const first = side === "a" ? 0x1a00 : 0x2b00;
  const base = version === 2 ? first : first * 0x1_0000;
  const udpPort = side === "b" ? 20_000 + number : isManaged(number) ? PORT : 10_000 + number;
  return {
    tunnelId: base + number,
    sessionId: base + 0x80 + number,
    port: encapsulation === "udp" ? udpPort : 0,
    cookie: Uint8Array.from({ length: cookie }, (_, i) => (side === "a" ? 0xa0 : 0xb0) + i + number),
    interfaceName: `l2${side}${number}`,
    address: `10.${number}.0.${side === "a" ? 1 : 2}`,
  };
}

/** The octets that encapsulation puts between the outer IP header (and UDP) and the Ethernet frame. */
export function l2tpHeaderOctets({ encapsulation, cookie, sublayer }: Combination): number {
  return (encapsulation === "udp" ? 8 : 4) + cookie + (sublayer ? 4 : 0);
}

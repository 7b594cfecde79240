/** Pings of every size class, from an empty one to several thousand octets. */
import type { Site } from "@l2tp/lab";
import { identityOf, nameOf } from "../combinations.ts";
import type { Pseudowire } from "./end.ts";

/** IPv4 and ICMP headers. */
const HEADERS = 28;

/** One ping: how large its IP packet is, and whether it may be cut to fit the interface. */
export interface PingClass {
  readonly name: string;
  /** Of the IP packet, for an interface with this MTU. */
  octets(mtuOctets: number): number;
  readonly dontFragment: boolean;
  readonly answered: boolean;
}

/** To the MTU and beyond. */
export const PING_CLASSES: readonly PingClass[] = [
  { name: "small", octets: () => 84, dontFragment: true, answered: true },
  { name: "of just the MTU", octets: (mtu) => mtu, dontFragment: true, answered: true },
  { name: "of one octet more, whole", octets: (mtu) => mtu + 1, dontFragment: true, answered: false },
  { name: "of one octet more, in fragments", octets: (mtu) => mtu + 1, dontFragment: false, answered: true },
  { name: "of 8,000 octets, in fragments", octets: () => 8_000, dontFragment: false, answered: true },
];

/** @returns what is amiss; nothing when it went as its class should. */
export async function ping(
  site: Site,
  to: string,
  mtuOctets: number,
  kind: PingClass,
): Promise<string | undefined> {
  const size = String(kind.octets(mtuOctets) - HEADERS);
  const options = ["-n", "-c", "1", "-W", "10", "-M", kind.dontFragment ? "do" : "dont", "-s", size];
  let { code, output } = await site.execute("ping", ...options, to);
  // With sequence numbers the kernel drops what two processors let overtake one another: one may be lost, not three.
  for (let again = 0; kind.answered && code !== 0 && again < 2; again++) {
    ({ code, output } = await site.execute("ping", ...options, to));
  }
  const answered = code === 0;
  if (answered !== kind.answered) return `a ping ${kind.name} to ${to} (MTU ${mtuOctets}): ${output}`;
  if (!answered && !/too long|mtu/i.test(output)) return `a ping ${kind.name}: no word of the MTU: ${output}`;
  return undefined;
}

/** Work for each, so many at a time: processes cost much in the virtual machine, and waiting nothing. */
export async function forEach<T>(
  all: readonly T[],
  atATime: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...all];
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

/** Pings that wait for their answers at the same time. */
const AT_A_TIME = 4;

/** Every ping class through each pseudowire. @returns what is amiss, by the combination's name */
export async function pingThrough(
  from: Site,
  pseudowires: readonly Pseudowire[],
): Promise<Map<string, string[]>> {
  const amiss = new Map<string, string[]>();
  await forEach(pseudowires, AT_A_TIME, async ({ combination, session }) => {
    const found: string[] = [];
    const to = identityOf(combination, "b").address;
    for (const kind of PING_CLASSES) {
      const what = await ping(from, to, session.mtuOctets, kind);
      if (what !== undefined) found.push(what);
    }
    amiss.set(nameOf(combination), found);
  });
  return amiss;
}

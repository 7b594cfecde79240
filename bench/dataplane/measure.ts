/** What the data plane benchmarks measure of one contender in one round: a TCP flow, and UDP packets in two sizes. */
import type { Contender } from "./contenders.ts";
import { cpuSeconds, type Lab } from "./lab.ts";

const TCP_SECONDS = 3;
const UDP_SECONDS = 1.5;
const WARM_SECONDS = 1;
const WARM_UDP_SECONDS = 0.5;
/** Packets per second of the UDP loads, by size in octets: what every contender can carry. */
export const UDP_LOADS = [
  { octets: 64, packetsPerSecond: 60_000 },
  { octets: 1400, packetsPerSecond: 30_000 },
] as const;

/** One contender in one round. */
export interface Sample {
  gbit: number;
  /** CPU seconds of both ends per GB of TCP payload. */
  cpuPerGb: number;
  /** CPU microseconds of both ends per packet that arrived, in the order of {@link UDP_LOADS}. */
  microseconds: number[];
  /** Share of the packets sent that arrived. */
  arrived: number[];
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

export async function measure(lab: Lab, contender: Contender, udpload: string): Promise<Sample> {
  const tunnel = await contender.start(lab);
  try {
    await lab.reachable(tunnel.address);
    // Warm both paths: neighbour tables, congestion window, and just-in-time compilation, which a tunnel that is
    // up for days does once.
    await lab.tcp(tunnel.address, WARM_SECONDS);
    await lab.udp(
      udpload,
      tunnel.address,
      UDP_LOADS[0].octets,
      UDP_LOADS[0].packetsPerSecond,
      WARM_UDP_SECONDS,
    );
    let before = cpuSeconds(tunnel.pids);
    const { gbitPerSecond, gigabytes } = await lab.tcp(tunnel.address, TCP_SECONDS);
    const sample: Sample = {
      gbit: gbitPerSecond,
      cpuPerGb: (cpuSeconds(tunnel.pids) - before) / gigabytes,
      microseconds: [],
      arrived: [],
    };
    for (const { octets, packetsPerSecond } of UDP_LOADS) {
      before = cpuSeconds(tunnel.pids);
      const packets = await lab.udp(udpload, tunnel.address, octets, packetsPerSecond, UDP_SECONDS);
      sample.microseconds.push(((cpuSeconds(tunnel.pids) - before) * 1e6) / packets);
      sample.arrived.push(packets / (packetsPerSecond * UDP_SECONDS));
    }
    return sample;
  } finally {
    await tunnel.stop();
  }
}

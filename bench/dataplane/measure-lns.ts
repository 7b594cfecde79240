/** What the benchmark measures of one LNS in one round: TCP down and up and small packets, of one session and of many. */
import type { LnsContender, LnsLab, Moved, Paths, RunningLns } from "./lns-lab.ts";

const SECONDS = 3;
const UDP_SECONDS = 1.5;
const WARM_SECONDS = 1;
/** One subscriber, and many together. */
export const SESSIONS = [1, 1_000] as const;
/** What all of them can carry, whatever the number of sessions. */
export const SMALL = { octets: 64, packetsPerSecond: 40_000 } as const;

/** One LNS with one number of sessions in one round. */
export interface LnsSample {
  readonly gbit: { readonly down: number; readonly up: number };
  /** CPU seconds of the LNS for a GB of TCP payload. */
  readonly cpuPerGb: { readonly down: number; readonly up: number };
  /** CPU microseconds of the LNS for each small packet to the subscribers. */
  readonly microseconds: number;
  /** Share of the small packets that arrived. */
  readonly arrived: number;
}

const gbit = ({ octets, seconds }: Moved) => (octets * 8) / seconds / 1e9;
const cpuPerGb = ({ octets, cpu }: Moved) => cpu / (octets / 1e9);

/** Samples in the order of {@link SESSIONS}. */
export async function measureLns(lab: LnsLab, contender: LnsContender): Promise<LnsSample[]> {
  const lns = await contender.start(lab);
  try {
    const samples: LnsSample[] = [];
    for (const sessions of SESSIONS) {
      const paths = await lns.paths(sessions);
      try {
        samples.push(await sample(lab, lns, paths, sessions));
      } finally {
        await paths.stop();
      }
    }
    return samples;
  } finally {
    await lns.stop();
  }
}

async function sample(lab: LnsLab, lns: RunningLns, paths: Paths, sessions: number): Promise<LnsSample> {
  const ways: Record<"down" | "up", Moved | undefined> = { down: undefined, up: undefined };
  for (const way of ["down", "up"] as const) {
    // Code is compiled, neighbours are found, and windows have grown, as in an LNS that is up for days.
    await lab.load(lns, paths, way, sessions, WARM_SECONDS);
    ways[way] = await lab.load(lns, paths, way, sessions, SECONDS);
  }
  const { down, up } = ways as Record<"down" | "up", Moved>;
  await lab.load(lns, paths, "down", sessions, WARM_SECONDS, SMALL);
  const small = await lab.load(lns, paths, "down", sessions, UDP_SECONDS, SMALL);
  return {
    gbit: { down: gbit(down), up: gbit(up) },
    cpuPerGb: { down: cpuPerGb(down), up: cpuPerGb(up) },
    microseconds: (small.cpu * 1e6) / small.packets,
    arrived: small.packets / (SMALL.packetsPerSecond * UDP_SECONDS),
  };
}

/**
 * The codec beside the same work in C (bench/reference/codec.c): decoding and encoding of an SCCRQ with ten
 * AVPs, every rule of the message checked; data headers and ZLBs through the cursor.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  ControlDatagram,
  decodeDatagram,
  encodeDataV2,
  encodeMessage,
  encodeZlb,
  HeaderCursor,
  type Message,
} from "@l2tp/protocol";
import type { Suite, SuiteOptions, SuiteResult } from "../suite.ts";

/** Different inputs, rotated: one datagram over and over would train branch predictors and caches. */
const INPUTS = 64;
/** Per measurement. Long enough for a garbage collection or two, short enough to interleave. */
const MILLISECONDS = 150;

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** An SCCRQ with ten AVPs: Message Type, the four required ones and five that are usual. */
function sccrq(i: number): Message<"SCCRQ", 2> {
  return {
    version: 2,
    type: "SCCRQ",
    protocolVersion: { version: 1, revision: 0 },
    hostName: `lac-${i}.${"example".slice(0, 1 + (i % 7))}.net`,
    framingCapabilities: 1 + (i % 3),
    assignedTunnelId: 1 + ((i * 977) % 65535),
    bearerCapabilities: i % 4,
    receiveWindowSize: 1 + (i % 16),
    challenge: Uint8Array.from({ length: 16 }, (_, k) => (i * 31 + k * 7) & 0xff),
    firmwareRevision: 0x0600 + i,
    vendorName: `Vendor ${i} of access concentrators`,
  };
}

interface Job {
  readonly name: string;
  readonly mode: "decode" | "encode" | "header";
  readonly inputs: readonly Uint8Array[];
  /** One pass over all inputs; the sum is compared with C's. */
  pass(): number;
  readonly gate: number;
  readonly goal: number;
  /** Octets of heap per operation that the job may take; undefined where it is only reported. */
  readonly most?: number;
}

function refuse(): never {
  throw new Error("the benchmark's own datagram was refused");
}

function jobs(): Job[] {
  const messages = Array.from({ length: INPUTS }, (_, i) => sccrq(i));
  const fields = { tunnelId: 0, sessionId: 0, ns: 0, nr: 0 };
  const requests = messages.map((message) => encodeMessage(message, fields));
  const decoded = requests.map((octets) => {
    const parsed = decodeDatagram(octets, { encapsulation: "udp" });
    return parsed.ok && parsed.value instanceof ControlDatagram ? parsed.value : refuse();
  });
  const options = { encapsulation: "udp" } as const;
  const payload = new Uint8Array(64);
  const data = messages.map((_, i) =>
    encodeDataV2({ tunnelId: 1 + i, sessionId: 1000 + i, withLength: true, ns: i, nr: 0 }, payload),
  );
  const zlbs = messages.map((_, i) => encodeZlb(2, { tunnelId: 1 + i, sessionId: 0, ns: i, nr: i }));
  const cursor = new HeaderCursor();
  const headers = (inputs: readonly Uint8Array[]) => () => {
    let sum = 0;
    for (let i = 0; i < inputs.length; i++) {
      if (!cursor.read(inputs[i] as Uint8Array)) refuse();
      sum += cursor.sessionId + cursor.bodyStart;
    }
    return sum;
  };
  return [
    {
      name: "decode SCCRQ, 10 AVPs",
      mode: "decode",
      inputs: requests,
      gate: 15,
      goal: 8,
      pass() {
        let sum = 0;
        for (let i = 0; i < INPUTS; i++) {
          const parsed = decodeDatagram(requests[i] as Uint8Array, options);
          if (!parsed.ok || parsed.value.kind !== "control") refuse();
          const message = parsed.value.message as Message<"SCCRQ", 2>;
          sum += message.assignedTunnelId + message.hostName.length;
        }
        return sum;
      },
    },
    {
      name: "encode SCCRQ, 10 AVPs",
      mode: "encode",
      inputs: requests,
      gate: 15,
      goal: 6,
      pass() {
        let sum = 0;
        for (let i = 0; i < INPUTS; i++) {
          const octets = encodeMessage(
            (decoded[i] as ControlDatagram).message as Message<"SCCRQ", 2>,
            fields,
          );
          sum += octets.length + (octets[octets.length - 1] as number);
        }
        return sum;
      },
    },
    {
      name: "data header, L and S",
      mode: "header",
      inputs: data,
      gate: 6,
      goal: 3,
      most: 0.5,
      pass: headers(data),
    },
    { name: "ZLB", mode: "header", inputs: zlbs, gate: 6, goal: 3, most: 0.5, pass: headers(zlbs) },
  ];
}

/** Nanoseconds of CPU per operation on our side (all threads: the collector's too), and the sum of one pass. */
function measure(job: Job): { ns: number; sum: number } {
  let passes = 0;
  let sum = 0;
  const begin = process.cpuUsage();
  let spent = 0;
  while (spent < MILLISECONDS * 1000) {
    for (let i = 0; i < 50; i++) sum = job.pass();
    passes += 50;
    const { user, system } = process.cpuUsage(begin);
    spent = user + system;
  }
  return { ns: (spent * 1000) / (passes * INPUTS), sum };
}

/** Octets of heap per operation: few passes at a time, so that no collection comes between. */
function heapPerOperation(job: Job, collect: () => void): number {
  const grown = (passes: number): number => {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < passes; i++) job.pass();
    return Math.max(0, process.memoryUsage().heapUsed - before) / (passes * INPUTS);
  };
  const few = median(Array.from({ length: 9 }, () => grown(20)));
  // Where next to nothing is taken, asking for the figure takes more: over many passes that is nothing.
  return few > 16 ? few : median(Array.from({ length: 9 }, () => grown(2000)));
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

async function run({ rounds, log }: SuiteOptions): Promise<SuiteResult> {
  const build = here("../build/");
  mkdirSync(build, { recursive: true });
  execFileSync("gcc", [
    "-O2",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-o",
    `${build}codec`,
    here("../reference/codec.c"),
  ]);
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const all = jobs();
  const results = all.map((job, i) => {
    const file = `${build}codec-${i}.bin`;
    writeFileSync(
      file,
      Buffer.concat(job.inputs.flatMap((one) => [Buffer.of(one.length >> 8, one.length), one])),
    );
    for (let warm = 0; warm < 3; warm++) measure(job);
    return { job, file, ratios: [] as number[], ours: [] as number[], theirs: [] as number[] };
  });
  for (let round = 1; round <= rounds; round++) {
    for (const { job, file, ratios, ours, theirs } of results) {
      const { ns, sum } = measure(job);
      const [reference, check] = execFileSync(`${build}codec`, [file, job.mode, String(MILLISECONDS)], {
        encoding: "utf8",
      })
        .trim()
        .split(" ")
        .map(Number) as [number, number];
      if (check !== sum) throw new Error(`${job.name}: C read ${check}, we read ${sum}`);
      ours.push(ns);
      theirs.push(reference);
      ratios.push(ns / reference);
    }
    log(`round ${round} of ${rounds}`);
  }
  const heaps = results.map(({ job }) => heapPerOperation(job, collect));
  return {
    tables: [
      {
        title: "Codec beside C (gcc -O2; one malloc and copy per message, none for headers)",
        columns: ["work", "ns here", "ns C", "ratio", "heap octets"],
        rows: results.map(({ job, ratios, ours, theirs }, i) => [
          job.name,
          median(ours),
          median(theirs),
          median(ratios),
          Math.round(heaps[i] as number),
        ]),
        notes: [`medians of ${rounds} interleaved rounds, ${INPUTS} different inputs in turn`],
      },
    ],
    figures: [
      ...results.map(({ job, ratios }) => ({
        name: `${job.name}, time to C's`,
        measured: median(ratios),
        unit: "x",
        better: "lower" as const,
        gate: job.gate,
        goal: job.goal,
      })),
      ...results.flatMap(({ job }, i) =>
        job.most === undefined
          ? []
          : [
              {
                name: `${job.name}, heap per header`,
                measured: heaps[i] as number,
                unit: "octets",
                better: "lower" as const,
                gate: job.most,
              },
            ],
      ),
    ],
  };
}

const suite: Suite = { name: "codec", description: "the codec beside the same work in C", run };
export default suite;

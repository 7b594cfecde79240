/**
 * The data planes that l2tpd can run on, and the choice between them. Each is loaded when it is asked for or when `auto`
 * tries it, so that what needs Linux is not even looked at elsewhere.
 */
import type { Config } from "@l2tp/config";
import { type DataPlane, PlaneError } from "@l2tp/dataplane";
import { EXIT, ExitError } from "./exit-codes.ts";
import { type Abilities, compareShortfalls, type Shortfall, shortfalls, summarize } from "./needs.ts";

/** Takes what programs say that a data plane runs (pppd), line by line. */
export type LineLog = (line: string) => void;

/** One data plane of the registry. */
export interface PlaneEntry extends Omit<Abilities, "capabilities"> {
  /** One line for `--help` and `--check`. */
  readonly summary: string;
  /** Why it cannot work on this machine, as far as that is known without loading it. */
  obstacle(): string | undefined;
  /** Makes it. It opens nothing yet. @throws PlaneError when it cannot work here */
  load(config: Config, log: LineLog): Promise<DataPlane>;
}

const needsLinux = (): string | undefined =>
  process.platform === "linux" ? undefined : `it needs Linux, and this is ${process.platform}`;

const PLANES = {
  linux: {
    summary: "the Linux kernel's L2TP: Ethernet and PPP, packets never leave the kernel",
    clampsMss: false,
    limitsRates: false,
    setsDontFragment: false,
    obstacle: needsLinux,
    async load(config, log) {
      const { LinuxDataPlane } = await import("@l2tp/dataplane-linux");
      const stateDirectory = stateDirectoryOf(config);
      return LinuxDataPlane.create({ log, ...(stateDirectory !== undefined && { stateDirectory }) });
    },
  },
  userspace: {
    summary: "our own: TUN and TAP interfaces, packets in worker threads, no kernel module",
    clampsMss: true,
    limitsRates: true,
    setsDontFragment: true,
    obstacle: needsLinux,
    async load(_config, log) {
      const { UserspaceDataPlane } = await import("@l2tp/dataplane-userspace");
      return new UserspaceDataPlane({ log });
    },
  },
  null: {
    summary:
      "carries no data: tunnels and sessions come up with their peers, on any machine, without privileges",
    clampsMss: true,
    limitsRates: true,
    setsDontFragment: true,
    carriesNothing: true,
    obstacle: () => undefined,
    async load() {
      const { NullDataPlane } = await import("@l2tp/dataplane-null");
      return new NullDataPlane();
    },
  },
  mock: {
    summary: "a simulation that reaches nobody: to try a configuration on any machine",
    clampsMss: true,
    limitsRates: true,
    setsDontFragment: true,
    carriesNothing: true,
    obstacle: () => undefined,
    async load({ tunnels }) {
      const { MockDataPlane, MockNetwork, realTime } = await import("@l2tp/dataplane-mock");
      const addresses = new Set(tunnels.flatMap(({ local }) => (local ? [local.address] : [])));
      const own = [...addresses].filter((address) => address !== "0.0.0.0" && address !== "::");
      const network = new MockNetwork({ scheduler: realTime(), traceLimit: 0 });
      return new MockDataPlane(network.host("this host", ...own));
    },
  },
} as const satisfies Record<string, PlaneEntry>;

/** Where the kernel's data plane notes what it made: the file's word, systemd's `StateDirectory=`, or its own default. */
export function stateDirectoryOf({ daemon }: Pick<Config, "daemon">): string | undefined {
  // systemd separates several by colons.
  return daemon.stateDirectory ?? (process.env["STATE_DIRECTORY"]?.split(":")[0] || undefined);
}

/** The name of a data plane. */
export type PlaneName = keyof typeof PLANES;

/** The data planes by name. */
export type Registry = Readonly<Record<PlaneName, PlaneEntry>>;

/** What `auto` tries, best first. Neither mock nor null is chosen by itself: nobody wants a daemon that carries nothing. */
const AUTO_ORDER: readonly PlaneName[] = ["linux", "userspace"];

/** What `--data-plane` takes. */
export const PLANE_CHOICES: readonly string[] = ["auto", ...Object.keys(PLANES)];

/** A data plane that was chosen, and why. */
export interface PlaneChoice {
  readonly name: PlaneName;
  readonly summary: string;
  /** For people: `asked for`, or what `auto` found. */
  readonly why: string;
  /** What the document says and this data plane does not do. */
  readonly lacks: readonly Shortfall[];
}

/** A choice with the data plane itself, which has opened nothing yet; the caller disposes of it. */
export interface ChosenPlane extends PlaneChoice {
  readonly plane: DataPlane;
}

/**
 * Chooses and loads. `auto` takes the data plane that lacks least of what the document needs: PPPoE needs the
 * kernel's, pppd a kernel with PPP; a clamped MSS of an Ethernet session, limits of rate and an interface that sessions share
 * need our own; when both would do, the kernel's.
 *
 * @param wanted - one of {@link PLANE_CHOICES}, or what a configuration says, which may be ahead of us.
 * @param registry - for tests.
 * @param log - takes what programs say that the data plane runs.
 * @throws ExitError when none works here, PlaneError when the one that was asked for does not.
 */
export async function choosePlane(
  wanted: string,
  config: Config,
  registry: Registry = PLANES,
  log: LineLog = () => {},
): Promise<ChosenPlane> {
  return wanted === "auto"
    ? chooseBest(config, registry, log)
    : load(nameOf(wanted), config, "asked for", registry, log);
}

function nameOf(wanted: string): PlaneName {
  if (Object.hasOwn(PLANES, wanted)) return wanted as PlaneName;
  throw new ExitError(
    EXIT.unavailable,
    `this version of l2tpd has no data plane ${wanted}; it has ${Object.keys(PLANES).join(", ")}`,
  );
}

/** @throws ExitError, PlaneError */
async function load(
  name: PlaneName,
  config: Config,
  why: string,
  registry: Registry,
  log: LineLog,
): Promise<ChosenPlane> {
  const entry = registry[name];
  const obstacle = entry.obstacle();
  if (obstacle) throw new ExitError(EXIT.unavailable, `the ${name} data plane cannot work here: ${obstacle}`);
  const plane = await entry.load(config, log);
  const lacks = shortfalls(config, { ...entry, capabilities: plane.capabilities });
  return { name, summary: entry.summary, why, lacks, plane };
}

async function chooseBest(config: Config, registry: Registry, log: LineLog): Promise<ChosenPlane> {
  const passedOver: string[] = [];
  let best: ChosenPlane | undefined;
  for (const name of AUTO_ORDER) {
    const found = await tryToLoad(name, config, registry, log);
    if (typeof found === "string") {
      passedOver.push(`${name} does not work here: ${found}`);
      continue;
    }
    const better = best === undefined || compareShortfalls(found.lacks, best.lacks) < 0;
    const worse = better ? best : found;
    if (better) best = found;
    if (worse !== undefined) await worse.plane[Symbol.asyncDispose]();
    if (worse !== undefined && worse.lacks.length > 0) {
      passedOver.push(`${worse.name} lacks what the configuration needs: ${summarize(worse.lacks)}`);
    }
    if (best?.lacks.length === 0) break;
  }
  if (best !== undefined) {
    const why =
      passedOver.length === 0 ? "the first choice of auto" : `chosen by auto: ${passedOver.join("; ")}`;
    return { ...best, why };
  }
  throw new ExitError(
    EXIT.unavailable,
    `no data plane works on this machine (${passedOver.join("; ")}). ` +
      "Run l2tpd on Linux, or use --data-plane null, which carries no data, to try out a configuration; --check works everywhere",
  );
}

/** @returns why it does not work here, when it does not. */
async function tryToLoad(
  name: PlaneName,
  config: Config,
  registry: Registry,
  log: LineLog,
): Promise<ChosenPlane | string> {
  const obstacle = registry[name].obstacle();
  if (obstacle) return obstacle;
  try {
    return await load(name, config, "", registry, log);
  } catch (error) {
    // Of @l2tp/linux: no koffi for this processor, say.
    if (error instanceof PlaneError || (error as Error)?.name === "UnsupportedError")
      return (error as Error).message;
    throw error;
  }
}

/** What is to be said about each thing that the data plane in use does not do. */
export function remedyFor({ what, effect }: Shortfall, name: PlaneName): string {
  const other = name === "linux" ? "userspace" : "linux";
  const outcome = effect === "left out" ? "cannot be on" : "is not done by";
  return `${what} ${outcome} the ${name} data plane; --data-plane ${other} may do better`;
}

/**
 * The data planes that l2tpd can run on. Each is loaded when it is chosen and not before, so that what needs
 * Linux is not even looked at elsewhere.
 */
import type { Config } from "@l2tp/config";
import type { DataPlane } from "@l2tp/dataplane";
import { EXIT, ExitError } from "./exit-codes.ts";

/** One data plane of the registry. */
interface PlaneEntry {
  /** One line for `--help` and `--check`. */
  readonly summary: string;
  /** Why it cannot work on this machine; undefined when nothing speaks against it. */
  obstacle(): string | undefined;
  load(config: Config): Promise<DataPlane>;
}

const needsLinux = (): string | undefined =>
  process.platform === "linux" ? undefined : `it needs Linux, and this is ${process.platform}`;

const PLANES = {
  userspace: {
    summary: "our own: TAP interfaces, packets in worker threads, no kernel module",
    obstacle: needsLinux,
    async load() {
      const { UserspaceDataPlane } = await import("@l2tp/dataplane-userspace");
      return new UserspaceDataPlane();
    },
  },
  mock: {
    summary: "carries nothing: to try a configuration on any machine",
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

/** The name of a data plane. */
export type PlaneName = keyof typeof PLANES;

/** What `auto` tries, best first. The mock is never chosen by itself: nobody wants a daemon that carries nothing. */
const AUTO_ORDER: readonly PlaneName[] = ["userspace"];

/** What `--data-plane` takes. */
export const PLANE_CHOICES: readonly string[] = ["auto", ...Object.keys(PLANES)];

/** A data plane that was chosen, and why. */
export interface PlaneChoice {
  readonly name: PlaneName;
  readonly summary: string;
  /** For people: `asked for`, or what `auto` found. */
  readonly why: string;
}

/**
 * @param wanted - one of {@link PLANE_CHOICES}, or what a configuration says, which may be ahead of us.
 * @throws ExitError when it cannot work here.
 */
export function choosePlane(wanted: string): PlaneChoice {
  if (wanted !== "auto") {
    if (!Object.hasOwn(PLANES, wanted)) {
      throw new ExitError(
        EXIT.unavailable,
        `this version of l2tpd has no data plane ${wanted}; it has ${Object.keys(PLANES).join(", ")}`,
      );
    }
    const name = wanted as PlaneName;
    const obstacle = PLANES[name].obstacle();
    if (obstacle)
      throw new ExitError(EXIT.unavailable, `the ${name} data plane cannot work here: ${obstacle}`);
    return { name, summary: PLANES[name].summary, why: "asked for" };
  }
  const passedOver: string[] = [];
  for (const name of AUTO_ORDER) {
    const obstacle = PLANES[name].obstacle();
    if (!obstacle) {
      const why =
        passedOver.length === 0 ? "the first choice of auto" : `chosen by auto: ${passedOver.join("; ")}`;
      return { name, summary: PLANES[name].summary, why };
    }
    passedOver.push(`not ${name}: ${obstacle}`);
  }
  throw new ExitError(
    EXIT.unavailable,
    `no data plane works on this machine (${passedOver.join("; ")}). ` +
      "Run l2tpd on Linux, or use --data-plane mock to try out a configuration; --check works everywhere",
  );
}

/** Loads the data plane that was chosen. */
export const loadPlane = ({ name }: PlaneChoice, config: Config): Promise<DataPlane> =>
  (PLANES[name] as PlaneEntry).load(config);

/**
 * The conformance kit: what the interfaces of `@l2tp/dataplane` promise, as tests that every data plane runs.
 * It imports no test library; the functions of the one in use are handed in.
 */
import { Bench } from "./bench.ts";
import { CLOSING } from "./closing.ts";
import { CONTROL } from "./control.ts";
import type { ConformanceFixture, ConformanceOptions, TestApi, Transport } from "./fixture.ts";
import { HOSTILE } from "./hostile.ts";
import { PPP_LINKS } from "./ppp-links.ts";
import type { Scenario } from "./scenario.ts";
import { SEQUENCING } from "./sequencing.ts";
import { SESSIONS } from "./sessions.ts";
import { STATISTICS } from "./statistics.ts";
import { TUNNELS } from "./tunnels.ts";
import { VERSION_2 } from "./version-2.ts";
import { WIRES } from "./wires.ts";

export type {
  ConformanceEnd,
  ConformanceFixture,
  ConformanceOptions,
  ConformanceSkip,
  FramePort,
  RawSocket,
  TestApi,
  Transport,
} from "./fixture.ts";

const CHAPTERS: readonly { readonly title: string; readonly scenarios: readonly Scenario[] }[] = [
  { title: "wires", scenarios: WIRES },
  { title: "control messages", scenarios: CONTROL },
  { title: "tunnels", scenarios: TUNNELS },
  { title: "sessions", scenarios: SESSIONS },
  { title: "sequencing", scenarios: SEQUENCING },
  { title: "statistics", scenarios: STATISTICS },
  { title: "strangers", scenarios: HOSTILE },
  { title: "version 2", scenarios: VERSION_2 },
  { title: "PPP links", scenarios: PPP_LINKS },
  { title: "closing", scenarios: CLOSING },
];

/** The names of all tests, for skip lists and for those who want to know what is promised. */
export function conformanceTests(): readonly string[] {
  return CHAPTERS.flatMap(({ scenarios }) => scenarios.map(({ name }) => name));
}

/**
 * Declares the tests of the kit.
 *
 * ```ts
 * import { afterAll, beforeAll, describe, test } from "vitest";
 * dataPlaneSuite({ describe, test, beforeAll, afterAll }, { name: "mock", make, over: [{ encapsulation: "udp", family: 4 }] });
 * ```
 *
 * @throws Error when `skip` or `omit` names a test that the kit does not have, or `over` is empty
 */
export function dataPlaneSuite(api: TestApi, options: ConformanceOptions): void {
  const known = new Set(conformanceTests());
  const omitted = options.omit ?? [];
  for (const name of [...(options.skip?.flatMap(({ tests }) => tests) ?? []), ...omitted]) {
    if (!known.has(name))
      throw new Error(`the conformance kit has no test "${name}"; see conformanceTests()`);
  }
  const [first] = options.over;
  if (first === undefined) throw new Error("over: at least one transport");
  const timeoutMs = options.timeoutMs ?? 60_000;

  api.describe(`data plane ${options.name}`, () => {
    let fixture: ConformanceFixture;
    api.beforeAll(async () => {
      fixture = await options.make();
    }, timeoutMs);
    api.afterAll(async () => {
      // Not there when making it failed.
      await (fixture as ConformanceFixture | undefined)?.[Symbol.asyncDispose]();
    }, timeoutMs);

    for (const { title, scenarios } of CHAPTERS) {
      const applicable = scenarios.filter(({ name }) => !omitted.includes(name));
      if (applicable.length === 0) continue;
      api.describe(title, () => {
        for (const scenario of applicable) {
          for (const transport of ways(scenario, options)) {
            api.test(
              label(scenario, transport, first),
              async (context) => {
                const reason =
                  skipReason(scenario, transport, options) ?? missing(scenario, transport, fixture);
                if (reason !== undefined) {
                  context.skip(reason);
                  return;
                }
                const bench = new Bench(fixture, transport, options);
                try {
                  await scenario.run(bench);
                } finally {
                  await bench.close();
                }
              },
              timeoutMs,
            );
          }
        }
      });
    }
  });
}

/** The transports that a scenario goes over: all or the first one that fits. */
function ways(scenario: Scenario, { over }: ConformanceOptions): readonly Transport[] {
  const wanted = scenario.needs?.encapsulation;
  const fit = over.filter(({ encapsulation }) => wanted === undefined || encapsulation === wanted);
  return scenario.everywhere === true ? fit : fit.slice(0, 1);
}

function label({ name }: Scenario, transport: Transport, first: Transport): string {
  const same = transport.encapsulation === first.encapsulation && transport.family === first.family;
  return same ? name : `${name} [${transport.encapsulation}, IPv${transport.family}]`;
}

/** What the caller said. */
function skipReason(
  { name, needs }: Scenario,
  transport: Transport,
  { skip, versions, ports, pppLink, withoutMppe, withoutCheckSource }: ConformanceOptions,
): string | undefined {
  const matches = (over: Partial<Transport> | undefined) =>
    (over?.encapsulation === undefined || over.encapsulation === transport.encapsulation) &&
    (over?.family === undefined || over.family === transport.family);
  const listed = skip?.find(({ tests, over }) => tests.includes(name) && matches(over));
  if (listed !== undefined) return listed.reason;
  if (needs?.version !== undefined && !(versions ?? [2, 3]).includes(needs.version)) {
    return `this data plane does not speak L2TPv${needs.version}`;
  }
  if (needs?.link === true && pppLink === undefined)
    return "the PPP sessions of this data plane have no link";
  if (needs?.mppe === true && withoutMppe !== undefined) return withoutMppe;
  if (needs?.checkSource === true && withoutCheckSource !== undefined) return withoutCheckSource;
  if (needs?.port !== undefined && !(ports ?? ["eth"]).includes(needs.port)) {
    return `the fixture reads no frames of pseudowire "${needs.port}"`;
  }
  return undefined;
}

/** What the fixture lacks. */
function missing(
  { needs }: Scenario,
  { family }: Transport,
  { a, b, raw }: ConformanceFixture,
): string | undefined {
  if (needs?.raw === true && raw === undefined) return "the fixture has no raw sockets";
  if (needs?.secondAddress === true && (b.addresses[family]?.length ?? 0) < 2) {
    return `end B has no second IPv${family} address`;
  }
  if (needs?.vanish === true && a.vanish === undefined) return "the fixture cannot delete interfaces";
  if (needs?.interfaces === true && !a.plane.capabilities.interfaces) {
    return "this data plane has no interfaces of the operating system";
  }
  return undefined;
}

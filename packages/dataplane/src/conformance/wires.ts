/** Opening and binding. */
import type { DataPlaneCapabilities } from "../plane.ts";
import { equal, ok, refused } from "./assert.ts";
import { wildcard } from "./bench.ts";
import type { Scenario } from "./scenario.ts";

/** Given to nobody (RFC 5737, RFC 3849). */
const NOBODY = { 4: "198.51.100.254", 6: "2001:db8:dead::254" } as const;

export const WIRES: readonly Scenario[] = [
  {
    name: "the capabilities are what the suite was told to go over",
    async run({ fixture, options }) {
      for (const end of [fixture.a, fixture.b]) {
        const has = end.plane.capabilities;
        const ways = has.encapsulations.flatMap((e) => has.families.map((f) => `${e} IPv${f}`));
        const told = options.over.map(({ encapsulation, family }) => `${encapsulation} IPv${family}`);
        equal(ways.sort(), told.sort(), "encapsulations and families");
        equal([...has.versions].sort(), [...(options.versions ?? [2, 3])].sort(), "versions");
        ok(has.pseudowires.length > 0, "there is a pseudowire");
      }
    },
  },
  {
    name: "the status says a name, the capabilities and what is in use",
    async run({ fixture }) {
      const status = fixture.a.plane.status();
      ok(status.name.length > 0, "the data plane has a name");
      equal(status.capabilities, fixture.a.plane.capabilities, "capabilities");
      for (const { feature, using } of status.features)
        ok(feature !== "" && using !== "", "a feature says both");
    },
  },
  {
    name: "a wire tells where it is really bound",
    everywhere: true,
    async run(bench) {
      const { wire } = await bench.open(bench.fixture.a);
      equal(wire.encapsulation, bench.transport.encapsulation, "encapsulation");
      equal(wire.local.family, bench.transport.family, "family");
      equal(wire.local.address, bench.addressOf(bench.fixture.a), "address");
      if (wire.encapsulation === "ip") equal(wire.local.port, 0, "port");
      else ok(wire.local.port > 0, "a free port was taken for port 0");
    },
  },
  {
    name: "an address and port that are taken are refused",
    needs: { encapsulation: "udp" },
    async run(bench) {
      const { wire } = await bench.open(bench.fixture.a);
      await refused(
        () => bench.open(bench.fixture.a, { port: wire.local.port }),
        "address-in-use",
        "binding it twice",
      );
    },
  },
  {
    name: "an address that nobody here has is refused",
    everywhere: true,
    async run(bench) {
      await refused(
        () => bench.open(bench.fixture.a, { address: NOBODY[bench.transport.family] }),
        "address-not-local",
        "binding it",
      );
    },
  },
  {
    name: "a wire that was closed gives its address back",
    needs: { encapsulation: "udp" },
    async run(bench) {
      const first = await bench.open(bench.fixture.a);
      const { port } = first.wire.local;
      await first.wire[Symbol.asyncDispose]();
      const second = await bench.open(bench.fixture.a, { port });
      equal(second.wire.local.port, port, "port");
    },
  },
  {
    name: "parameters of a binding that make no sense are refused",
    async run(bench) {
      const { plane, namespace } = bench.fixture.a;
      const at = namespace === undefined ? {} : { namespace };
      const { family, encapsulation } = bench.transport;
      const local = { family, address: wildcard(family), port: 0 };
      const open = (binding: Partial<Parameters<typeof plane.open>[0]>) =>
        plane.open({ encapsulation, local, ...at, ...binding }, () => {});
      for (const port of [-1, 65_536, 1.5, Number.NaN]) {
        await refused(
          () => open({ encapsulation: "udp", local: { ...local, port } }),
          ["invalid-parameters", "unsupported"],
          `UDP port ${port}`,
        );
      }
      await refused(
        () => open({ encapsulation: "ip", local: { ...local, port: 1701 } }),
        ["invalid-parameters", "unsupported"],
        "a port over IP",
      );
      for (const missing of missingIn(plane.capabilities)) {
        await refused(() => open(missing), "unsupported", `a binding to ${JSON.stringify(missing)}`);
      }
    },
  },
  {
    name: "a namespace that does not exist is refused",
    async run(bench) {
      const { family, encapsulation } = bench.transport;
      const local = { family, address: wildcard(family), port: 0 };
      await refused(
        () =>
          bench.fixture.a.plane.open(
            { encapsulation, local, namespace: "/run/netns/there-is-no-such-namespace" },
            () => {},
          ),
        ["no-such-namespace", "unsupported"],
        "opening in it",
      );
    },
  },
];

function missingIn({ encapsulations, families }: DataPlaneCapabilities) {
  const local = (family: 4 | 6) => ({ family, address: wildcard(family), port: 0 });
  return [
    ...(["udp", "ip"] as const)
      .filter((encapsulation) => !encapsulations.includes(encapsulation))
      .map((encapsulation) => ({ encapsulation, local: local(families[0] ?? 4) })),
    ...([4, 6] as const)
      .filter((family) => !families.includes(family))
      .map((family) => ({ encapsulation: encapsulations[0] ?? "udp", local: local(family) })),
  ];
}

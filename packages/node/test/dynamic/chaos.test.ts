/**
 * Hours of a bad day in simulated time: loss, partitions, failures of both data planes, lost wires, hang-ups and restarts,
 * at random. After it all is well again, both ends agree, and in the end nothing is left.
 */
import { PlaneError } from "@l2tp/dataplane";
import type { CallName } from "@l2tp/dataplane-mock";
import { seeds } from "@l2tp/testing";
import { expect, test } from "vitest";
import { type DynamicTunnel, pppProfile } from "../../src/index.ts";
import { type End, openHouse, Pair } from "./pair.ts";

const FAULTS: readonly CallName[] = [
  "open",
  "reserveTunnelId",
  "createTunnel",
  "createSession",
  "closeSession",
  "closeTunnel",
  "updateTunnel",
];
const program = { attach: { to: "program" } } as const;
const ppp = {
  by: "own",
  profile: pppProfile({
    ...program,
    options: { ipv4: { local: "10.0.0.1", peer: "10.0.0.2" }, ipv6: false },
  }),
} as const;
const client = { by: "own", profile: pppProfile({ ...program, options: { ipv6: false } }) } as const;

const dynamic = (end: End) =>
  end.context.tunnels.filter((tunnel): tunnel is DynamicTunnel => tunnel.mode === "dynamic");
/** Session IDs of what is up, as this end and its peer know them. */
const upAt = (end: End, own: "sessionId" | "peerSessionId", other: "sessionId" | "peerSessionId") =>
  dynamic(end)
    .flatMap((tunnel) => tunnel.sessions.filter(({ state }) => state === "up"))
    .map((session) => `${session[own]} ${session[other]}`)
    .sort();

test.each(seeds(4))("a bad day, seed %i", async (seed) => {
  const lnsOptions = {
    authority: openHouse({ call: () => ({ accept: true, sessionProfile: "users" }) }),
    profiles: { tunnel: () => ({}), session: () => ({ ppp }), ppp: () => undefined },
    control: { limits: { sourceSccrq: [100, 1_000] as const } },
  };
  const pair = new Pair({
    lns: lnsOptions,
    network: { seed, impairment: { loss: 0.05, duplicate: 0.02, reorder: 0.05, delayMs: [1, 80] } },
  });
  const { network, lac } = pair;
  const { lns } = pair;
  lns.context.listen();
  const transport = { helloTimeoutMs: 20_000 };
  const tunnels = Array.from({ length: 4 }, (_, n) => pair.dial({ name: `t${n}`, transport }));
  for (const tunnel of tunnels) for (let n = 0; n < 3; n++) tunnel.newSession({ ppp: client });

  const one = <T>(of: Iterable<T>): T | undefined => {
    const all = [...of];
    return all[Math.floor(network.random() * all.length)];
  };
  const deeds: readonly (() => void)[] = [
    () => network.partition(lac.host, lns.host),
    () => network.heal(),
    () => network.heal(),
    () => one([lac, lns])?.plane.fail(one(FAULTS) ?? "open", { error: new PlaneError("system", "bad luck") }),
    () => one(one([lac, lns])?.plane.wires ?? [])?.break("bad luck"),
    () => one(one(dynamic(lns))?.sessions ?? [])?.hangUp(),
    () => void one(dynamic(lns))?.close(),
    () => one(tunnels)?.sendHello(),
    () => {
      const session = one(one(tunnels)?.sessions ?? []);
      session?.hangUp();
      session?.dial();
    },
    () => {
      const tunnel = one(tunnels);
      tunnel?.hangUp();
      tunnel?.dial();
    },
    () => {
      lns.plane.crash();
      lns.context.close({ limitMs: 0 }).catch(() => {});
      pair.start(lns, lnsOptions);
      lns.context.listen();
    },
  ];
  for (let minute = 0; minute < 180; minute++) {
    if (network.random() < 0.4) one(deeds)?.();
    await pair.advance(60_000);
  }
  network.heal();
  network.impair({ loss: 0, duplicate: 0, reorder: 0 });
  await pair.advance(30 * 60_000);
  expect(tunnels.map(({ state, reason }) => [state, reason?.text])).toEqual(Array(4).fill(["up", undefined]));
  const states = tunnels.flatMap(({ sessions }) => sessions.map(({ state }) => state));
  expect(states.filter((state) => state !== "up" && state !== "closed")).toEqual([]);
  // Both ends know the same calls.
  expect(upAt(lac, "sessionId", "peerSessionId")).toEqual(upAt(lns, "peerSessionId", "sessionId"));
  expect(dynamic(lns)).toHaveLength(4);
  expect(lac.plane.sessions()).toHaveLength(upAt(lac, "sessionId", "peerSessionId").length);
  await pair.close();
  await pair.advance(60_000);
  for (const { plane, host } of [lac, lns]) {
    expect(plane.wires.size).toBe(0);
    expect(host.tunnelIds.size).toBe(0);
  }
  expect(network.nextEvent()).toBeUndefined();
});

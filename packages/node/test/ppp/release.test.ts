/**
 * Whatever happens, and in whatever order: each address that was leased is given back once, each session ends with one
 * `down`, and nothing is left behind. Random interleavings of slow answers, loss, hang-ups and new negotiations.
 */
import { seeds } from "@l2tp/testing";
import { expect, test } from "vitest";
import { CLIENT, type End, PppWorld, rng, SERVER, SERVER_OPTIONS, typesOf } from "./world.ts";

const METHODS = ["pap", "chap-md5", "mschap-v1", "mschap-v2", "eap-md5", "eap-mschap-v2"] as const;

/** One session's life: some things happen to it at random times. */
function live(
  world: PppWorld,
  next: () => number,
  label: string,
): { readonly client: End; readonly server: End } {
  const pick = <T>(...all: readonly T[]): T => all[Math.floor(next() * all.length)] as T;
  const method = pick(...METHODS);
  const isOpen = next() < 0.1;
  const ends = world.pair(
    CLIENT,
    {
      ...SERVER,
      exclusive: pick("replace", "refuse", "no", "no"),
      sessionTimeoutMs: pick(0, 0, 5_000),
      options: isOpen
        ? { ipv4: { local: "10.0.0.1" } }
        : {
            ...SERVER_OPTIONS,
            authenticatePeer: {
              methods: [method],
              decisionLimitMs: pick(2_000, 30_000),
              rechallengeMs: method === "pap" ? 0 : pick(0, 3_000),
            },
          },
    },
    { server: { call: { session: label } } },
  );
  const { client, server } = ends;
  if (next() < 0.3) {
    const loss = next() * 0.4;
    client.link.tap = () => next() >= loss;
    server.link.tap = () => next() >= loss;
  }
  if (next() < 0.3) server.link.configureMs = next() * 4_000;
  if (next() < 0.05) server.link.configureError = new Error("no");
  const at = (fn: () => void) => world.clock.after(next() * 12_000, fn);
  const HAPPENINGS: readonly (() => void)[] = [
    () => void server.runner.close("test"),
    () => void client.runner.close(),
    () => server.runner.lowerDown(),
    () => client.runner.lowerDown(),
    // The client forgets everything and begins anew, perhaps as somebody else.
    () => {
      client.runner.lowerDown();
      const name = pick("alice", "bob");
      const again = world.end(
        world.lac,
        {
          ...CLIENT,
          options: {
            ...CLIENT.options,
            authenticateSelf: { name, password: "secret", methods: [...METHODS] },
          },
        },
        { link: client.link },
      );
      again.runner.start();
      world.clock.after(20_000, () => again.runner.lowerDown());
    },
    () => {
      client.link.isCut = true;
    },
    () => {},
  ];
  for (let i = 0; i < 3; i++) at(pick(...HAPPENINGS));
  world.clock.after(next() * 1_000, () => {
    client.runner.start();
    server.runner.start();
  });
  return ends;
}

test.each(seeds(60))("what was leased is given back once (seed %i)", async (seed) => {
  const next = rng(seed);
  const world = new PppWorld(seed).user("alice").user("bob");
  for (let i = 2; i < 6; i++) world.address({ address: `10.0.0.${i}` });
  const { authority } = world;
  if (next() < 0.5) authority.userMs = next() * 4_000;
  if (next() < 0.5) authority.leaseMs = next() * 4_000;
  // Answers of different ages, so that they overtake one another.
  const shake = () => {
    if (authority.userMs !== undefined) authority.userMs = next() * 4_000;
    if (authority.leaseMs !== undefined) authority.leaseMs = next() * 4_000;
    if (world.clock.now() < 15_000) world.clock.after(500, shake);
  };
  shake();
  const sessions = Array.from({ length: 6 }, (_, i) => live(world, next, `s${i}`));
  await world.advance(30_000);
  for (const { client, server } of sessions) {
    client.runner.lowerDown();
    server.runner.lowerDown();
  }
  await world.advance(30_000);

  expect(authority.wrongReleases).toEqual([]);
  expect([...authority.leased.keys()]).toEqual([]);
  expect(authority.free).toHaveLength(4);
  expect(world.lns.users.users).toBe(0);
  for (const end of sessions.flatMap(({ client, server }) => [client, server])) {
    expect(typesOf(end).filter((type) => type === "down")).toHaveLength(1);
    expect(typesOf(end).at(-1)).toBe("down");
    expect(typesOf(end).filter((type) => type === "up").length).toBeLessThanOrEqual(1);
  }
  for (const { server } of sessions) {
    expect(server.link.isUsed).toBe(false);
    // Gates close before addresses are free.
    if (server.link.calls.length > 0) expect(server.link.gates.ipv4).toBe("drop");
  }
  expect(world.clock.next()).toBeUndefined();
});

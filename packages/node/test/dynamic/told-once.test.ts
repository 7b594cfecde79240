/**
 * A session that is redialled and fails each time for one cause: whichever of PPP's frames and the call's messages arrives
 * first, people are told once, and once more at most when the first they heard was only that the other end has hung up.
 */
import { seeds } from "@l2tp/testing";
import { describe, expect, test } from "vitest";
import { type PppProfileInit, type Profiles, pppProfile } from "../../src/index.ts";
import { openHouse, Pair } from "./pair.ts";

type Options = NonNullable<PppProfileInit["options"]>;

/** Each cause, as the LNS's profile and the LAC's have it. */
const CAUSES: readonly {
  readonly what: string;
  readonly lns?: Options;
  readonly lac?: Options;
  readonly user?: string;
}[] = [
  { what: "a wrong password by CHAP", lac: { authenticateSelf: { name: "alice", password: "tset" } } },
  {
    what: "a wrong password by MS-CHAPv2",
    lns: { authenticatePeer: { methods: ["mschap-v2"] } },
    lac: { authenticateSelf: { name: "alice", password: "tset" } },
  },
  {
    what: "a wrong password by PAP",
    lns: { authenticatePeer: { methods: ["pap"] } },
    lac: { authenticateSelf: { name: "alice", password: "tset", methods: ["pap"] } },
  },
  { what: "a user who is denied", lac: { authenticateSelf: { name: "nobody", password: "test" } } },
  { what: "no way of proof in common", lns: { authenticatePeer: { methods: ["pap"] } } },
  { what: "MPPE", lns: { authenticatePeer: { methods: ["mschap-v2"] }, mppe: { policy: "require" } } },
];

const authority = openHouse({
  call: () => ({ accept: true, pppProfile: "users" }),
  user: ({ name }) =>
    name === "alice"
      ? { accept: true, secret: "test", address: "10.0.0.2" }
      : { accept: false, reason: "left us in May" },
});

describe.each(seeds(3))("seed %i", (seed) => {
  test.each(CAUSES)("$what", async ({ lns, lac }) => {
    const attach = { to: "program" } as const;
    const server = pppProfile({
      name: "users",
      attach,
      options: {
        authenticatePeer: { methods: ["chap-md5"] },
        ipv4: { local: "10.0.0.1" },
        ipv6: false,
        ...lns,
      },
    });
    const profiles: Profiles = { tunnel: () => ({}), session: () => ({}), ppp: () => server };
    const pair = new Pair({
      lns: { authority, profiles },
      lac: { backoff: { firstMs: 200, maxMs: 1_000 } },
      network: { seed, impairment: { loss: 0.05, reorder: 0.2, delayMs: [1, 60] } },
    });
    pair.lns.context.listen();
    const profile = pppProfile({
      attach,
      options: { authenticateSelf: { name: "alice", password: "test" }, ipv6: false, ...lac },
    });
    pair.dial().newSession({ name: "s", ppp: { by: "own", profile } });
    await pair.advance(600_000);
    const tries = pair.lac.log.filter((line) => line.includes("session s")).length;
    expect(tries).toBeGreaterThan(20);
    const told = pair.lac.log.filter((line) => /^(warn|info) session s /.test(line));
    expect(told.length, told.join("\n")).toBeLessThanOrEqual(2);
    await pair.close();
  });
});

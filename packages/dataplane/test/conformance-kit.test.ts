/** The kit's own bookkeeping. That its tests can fail is seen where data planes run it. */
import { type ConformanceOptions, conformanceTests, dataPlaneSuite } from "@l2tp/dataplane/conformance";
import { expect, test } from "vitest";

interface Declared {
  readonly name: string;
  readonly run: (context: { skip(reason: string): void }) => Promise<void>;
}

/** A test runner that only listens. */
async function declared(options: Partial<ConformanceOptions>): Promise<Declared[]> {
  const tests: Declared[] = [];
  const before: (() => Promise<void>)[] = [];
  dataPlaneSuite(
    {
      describe: (_, body) => body(),
      test: (name, run) => void tests.push({ name, run }),
      beforeAll: (body) => void before.push(body),
      afterAll: () => {},
    },
    {
      name: "none",
      over: [
        { encapsulation: "udp", family: 4 },
        { encapsulation: "ip", family: 6 },
      ],
      // A fixture that can do nothing: what needs more than that must be skipped before it is touched.
      make: async () =>
        ({
          a: { addresses: {}, plane: { capabilities: { interfaces: false } } },
          b: { addresses: {} },
        }) as never,
      ...options,
    },
  );
  for (const body of before) await body();
  return tests;
}

async function skipReason(tests: readonly Declared[], name: string): Promise<string | undefined> {
  let reason: string | undefined;
  const found = tests.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no test "${name}"`);
  await found
    .run({
      skip(why) {
        reason = why;
      },
    })
    .catch(() => {});
  return reason;
}

test("every test has a name of its own", () => {
  const names = conformanceTests();
  expect(names.length).toBeGreaterThan(60);
  expect(new Set(names).size).toBe(names.length);
});

test("a skip list that names a test which is not there is refused", () => {
  const skip = [{ reason: "a typo", tests: ["no such test"] }];
  expect(() =>
    dataPlaneSuite({} as never, { name: "x", over: [], make: async () => ({}) as never, skip }),
  ).toThrow(/no test "no such test"/);
});

test("what counts everywhere is declared for each transport, the rest for the first that fits", async () => {
  const names = (await declared({})).map(({ name }) => name);
  const cross = "control messages pass both ways, with who sent them and to which address";
  expect(names).toContain(cross);
  expect(names).toContain(`${cross} [ip, IPv6]`);
  expect(names).not.toContain("a tunnel ID that is in use is refused, and its tunnel goes on [ip, IPv6]");
  const taken = "an address and port that are taken are refused";
  const ipFirst = await declared({
    over: [
      { encapsulation: "ip", family: 4 },
      { encapsulation: "udp", family: 4 },
    ],
  });
  expect(ipFirst.map(({ name }) => name)).toContain(`${taken} [udp, IPv4]`);
});

test("what is skipped says why", async () => {
  const gap = "after a gap the session takes the sender's numbering";
  const cookie = "a wrong cookie is dropped and counted, and the right one passes";
  const tests = await declared({
    versions: [3],
    skip: [{ reason: "over IP the kernel does not", tests: [cookie], over: { encapsulation: "ip" } }],
  });
  expect(await skipReason(tests, gap)).toBe("the fixture has no raw sockets");
  expect(await skipReason(tests, `${cookie} [ip, IPv6]`)).toBe("over IP the kernel does not");
  expect(await skipReason(tests, cookie)).toBe("the fixture has no raw sockets");
  expect(await skipReason(tests, "L2TPv2: PPP frames cross both ways")).toBe(
    "this data plane does not speak L2TPv2",
  );
  const both = await declared({});
  expect(await skipReason(both, "L2TPv2: PPP frames cross both ways")).toBe(
    'the fixture reads no frames of pseudowire "ppp"',
  );
  expect(await skipReason(both, "an interface that vanishes is told of, and its session is gone")).toBe(
    "the fixture cannot delete interfaces",
  );
});

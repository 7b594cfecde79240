/** Whole sessions: LCP, authentication, IPCP, packets. */
import { expect, test } from "vitest";
import { report } from "./harness.ts";
import { TestLns } from "./lns.ts";

test("sessions are fully up, each phase is timed, and each is pinged", async () => {
  await using lns = await TestLns.listen({ ppp: true });
  const { code, report: result } = await report([
    lns.target,
    "-t",
    "4",
    "-s",
    "5",
    "--ppp",
    "--user",
    "test{n}",
    "--ping",
  ]);
  expect(result).toMatchObject({
    complete: true,
    sessions: { wanted: 20, up: 20, failed: 0, lost: 0 },
    pings: { answered: 20, failed: 0 },
    failures: [],
  });
  for (const phase of ["call", "lcp", "authentication", "network", "session", "ping"] as const) {
    expect([phase, result.latencyMs[phase]?.count]).toEqual([phase, 20]);
  }
  expect(code).toBe(0);
});

test.each(["pap", "chap-md5"])("the peer's demand for authentication is met by %s", async (method) => {
  await using lns = await TestLns.listen({ ppp: true });
  const { report: result } = await report([lns.target, "-t", "1", "-s", "2", "--ppp", "--auth", method]);
  expect(result).toMatchObject({ complete: true, sessions: { up: 2 } });
});

test("the peer's echo requests are answered for as long as sessions are held", async () => {
  await using lns = await TestLns.listen({ ppp: true, echoMs: 100 });
  const { report: result } = await report([lns.target, "-t", "1", "-s", "3", "--ppp", "--hold", "1200ms"]);
  expect(result).toMatchObject({ complete: true, sessions: { up: 3, lost: 0 } });
  expect(lns.echoRequests).toBeGreaterThan(12);
});

test("a wrong password fails the session, not the tunnel, and says so", async () => {
  await using lns = await TestLns.listen({ ppp: true });
  const { code, report: result } = await report([
    lns.target,
    "-t",
    "2",
    "-s",
    "2",
    "--ppp",
    "--password",
    "wrong",
  ]);
  expect(code).toBe(1);
  expect(result).toMatchObject({ tunnels: { up: 2, lost: 0 }, sessions: { up: 0, failed: 4 } });
  expect(result.failures[0]).toMatchObject({ what: "PPP", count: 4 });
  expect(result.failures[0]?.reason).toMatch(/did not accept who we are/);
  expect(result.failures[0]?.remedy).toMatch(/^compare user and password/);
});

test("PPP comes up over a line that loses a tenth of the datagrams", async () => {
  await using lns = await TestLns.listen({ ppp: true, loss: 0.1 });
  const { report: result } = await report([
    lns.target,
    "-t",
    "3",
    "-s",
    "3",
    "--ppp",
    "--retry-time",
    "100ms",
    "--retries",
    "12",
    "--restart-time",
    "200ms",
  ]);
  expect(result).toMatchObject({ tunnels: { up: 3 }, sessions: { up: 9, failed: 0 } });
});

/** Loads against an LNS in this process, over UDP on loopback. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { l2tpload, report } from "./harness.ts";
import { TestLns } from "./lns.ts";

test("tunnels and sessions come up, are counted on both ends, and end with StopCCN", async () => {
  await using lns = await TestLns.listen();
  const { code, report: result } = await report([lns.target, "-t", "20", "-s", "5", "--hold", "200ms"]);
  expect(result).toMatchObject({
    complete: true,
    tunnels: { wanted: 20, begun: 20, up: 20, failed: 0, lost: 0 },
    sessions: { wanted: 100, begun: 100, up: 100, failed: 0, lost: 0 },
    failures: [],
    datagrams: { stopsUnanswered: 0, sendFailures: 0, dataSent: 0 },
  });
  expect(result.latencyMs.tunnel?.count).toBe(20);
  expect(result.latencyMs.call?.count).toBe(100);
  expect(result.tunnels.perSecond).toBeGreaterThan(0);
  expect(code).toBe(0);
  const seen = lns.endpoint.statistics();
  expect(seen).toMatchObject({
    tunnelsEstablished: 20,
    sessionsEstablished: 100,
    tunnelsUp: 0,
    sessionsUp: 0,
  });
  expect(seen.messages.StopCCN.received).toBe(20);
});

test("--teardown sessions ends each call with CDN first; --teardown none says nothing at all", async () => {
  await using lns = await TestLns.listen();
  await report([lns.target, "-t", "2", "-s", "3", "--teardown", "sessions"]);
  expect(lns.endpoint.statistics().messages).toMatchObject({
    CDN: { received: 6 },
    StopCCN: { received: 2 },
  });
  await report([lns.target, "-t", "2", "-s", "3", "--teardown", "none"]);
  // The last ICCNs may still be on their way when it has ended.
  await vi.waitUntil(() => lns.endpoint.statistics().sessionsUp === 6, { timeout: 30_000 });
  expect(lns.endpoint.statistics()).toMatchObject({
    tunnelsUp: 2,
    sessionsUp: 6,
    messages: { CDN: { received: 6 }, StopCCN: { received: 2 } },
  });
});

test("names are made by patterns, tunnels are dealt to ports in turn", async () => {
  await using lns = await TestLns.listen();
  await report([
    lns.target,
    "-t",
    "6",
    "-s",
    "2",
    "--ports",
    "3",
    "--host-name",
    "site{tunnel:3}.example",
    "--calling-number",
    "{tunnel}-{session}-{n}",
  ]);
  expect(lns.hostNames.sort()).toEqual([1, 2, 3, 4, 5, 6].map((n) => `site00${n}.example`));
  expect(lns.callers.sort()).toContain("2-1-3");
  expect(new Set(lns.callers).size).toBe(12);
  expect(lns.ports.size).toBe(3);
});

test("the tunnel secret authenticates both ends", async () => {
  await using lns = await TestLns.listen({ tunnel: { secrets: ["opensesame"] } });
  const { report: result } = await report([
    lns.target,
    "-t",
    "3",
    "-s",
    "1",
    "--secret",
    "opensesame",
    "--hide",
  ]);
  expect(result.complete).toBe(true);
  expect(lns.endpoint.statistics()).toMatchObject({ tunnelsEstablished: 3, authenticationFailures: 0 });
});

test("a wrong secret is told in words, with the remedy, and the exit code is 1", async () => {
  await using lns = await TestLns.listen({ tunnel: { secrets: ["opensesame"] } });
  const { code, report: result } = await report([lns.target, "-t", "3", "-s", "1", "--secret", "wrong"]);
  expect(code).toBe(1);
  expect(result).toMatchObject({ complete: false, tunnels: { up: 0, failed: 3 }, sessions: { begun: 0 } });
  expect(result.failures).toHaveLength(1);
  expect(result.failures[0]).toMatchObject({ count: 3, what: "tunnel" });
  expect(result.failures[0]?.reason).toMatch(/authentication/);
  expect(result.failures[0]?.remedy).toMatch(/secret/);
});

test("an LNS that refuses tunnels, or calls, is quoted with its result code", async () => {
  await using closed = await TestLns.listen({ peer: { accept: false, result: 4, text: "come back later" } });
  const tunnels = await report([closed.target, "-t", "4"]);
  expect(tunnels.code).toBe(1);
  expect(tunnels.report.failures).toHaveLength(1);
  expect(tunnels.report.failures[0]?.count).toBe(4);
  expect(tunnels.report.failures[0]?.reason).toMatch(/StopCCN 4.*come back later/);
  await using full = await TestLns.listen({ refuseCalls: { result: 4, text: "no more ports" } });
  const calls = await report([full.target, "-t", "2", "-s", "3"]);
  expect(calls.code).toBe(1);
  expect(calls.report).toMatchObject({ tunnels: { up: 2, failed: 0 }, sessions: { up: 0, failed: 6 } });
  expect(calls.report.failures[0]).toMatchObject({ count: 6, what: "call" });
  expect(calls.report.failures[0]?.reason).toMatch(/CDN 4.*no more ports/);
});

test("a target from which nothing comes in the set-up time: what to check, and no word of more time", async () => {
  const silent = createSocket("udp4").bind(0, "127.0.0.1");
  await once(silent, "listening");
  const args = [`127.0.0.1:${silent.address().port}`, "-t", "3", "--set-up-time", "300ms", "--grace", "0"];
  const { code, report: result } = await report(args);
  silent.close();
  expect(code).toBe(1);
  expect(result.failures).toMatchObject([
    { count: 3, what: "tunnel", remedy: expect.stringMatching(/address, port and firewalls/) },
  ]);
  expect(result.failures[0]?.remedy).not.toMatch(/more time|last messages/);
});

test("a silent target: each tunnel fails when its retransmissions are used up", async () => {
  const silent = createSocket("udp4").bind(0, "127.0.0.1");
  await once(silent, "listening");
  let heard = 0;
  silent.on("message", () => heard++);
  const { code, report: result } = await report([
    `127.0.0.1:${silent.address().port}`,
    "-t",
    "5",
    "--retry-time",
    "50ms",
    "--retries",
    "2",
  ]);
  silent.close();
  expect(code).toBe(1);
  expect(result).toMatchObject({
    tunnels: { begun: 5, up: 0, failed: 5 },
    sessions: { wanted: 50, begun: 0 },
  });
  expect(result.failures[0]?.reason).toMatch(/no-response/);
  expect(heard).toBe(15);
  expect(result.datagrams.retransmissions).toBe(10);
});

test("a run ends by itself: after --duration, whatever is up by then", async () => {
  const silent = createSocket("udp4").bind(0, "127.0.0.1");
  await once(silent, "listening");
  const { report: result } = await report([
    `127.0.0.1:${silent.address().port}`,
    "-t",
    "50",
    "--duration",
    "300ms",
    "--grace",
    "200ms",
  ]);
  silent.close();
  expect(result.tunnels).toMatchObject({ wanted: 50, begun: 32, up: 0 });
  expect(result.datagrams.stopsUnanswered).toBeGreaterThan(0);
});

test("losses are made good by retransmission", async () => {
  await using lns = await TestLns.listen({ loss: 0.1 });
  const { report: result } = await report([
    lns.target,
    "-t",
    "10",
    "-s",
    "5",
    "--retry-time",
    "100ms",
    "--retries",
    "12",
    "--grace",
    "500ms",
  ]);
  expect(result).toMatchObject({ tunnels: { up: 10, failed: 0 }, sessions: { up: 50, failed: 0 } });
  expect(result.datagrams.retransmissions).toBeGreaterThan(0);
  expect(result.latencyMs.tunnel?.max).toBeGreaterThan(90);
});

test("an open loop keeps its rate, whatever the LNS does", async () => {
  await using lns = await TestLns.listen();
  const { report: result } = await report([
    lns.target,
    "-t",
    "40",
    "-s",
    "1",
    "--tunnel-rate",
    "100",
    "--session-rate",
    "80",
  ]);
  expect(result.complete).toBe(true);
  // 40 tunnels at 100/s: the last is begun after 390 ms; 40 sessions at 80/s: after 487 ms. Never earlier.
  expect(result.tunnels.seconds).toBeGreaterThanOrEqual(0.38);
  expect(result.sessions.seconds).toBeGreaterThanOrEqual(0.47);
});

test("--mixed begins sessions before all tunnels are up", async () => {
  await using lns = await TestLns.listen();
  const { report: result } = await report([
    lns.target,
    "-t",
    "20",
    "-s",
    "2",
    "--mixed",
    "--tunnel-rate",
    "50",
  ]);
  expect(result).toMatchObject({ complete: true, sessions: { up: 40 } });
  expect(lns.tunnelsAtFirstCall).toBeLessThan(20);
});

test("churn ends sessions and makes them anew while the rest is held", async () => {
  await using lns = await TestLns.listen();
  const { report: result } = await report([
    lns.target,
    "-t",
    "4",
    "-s",
    "5",
    "--hold",
    "1s",
    "--churn",
    "30",
  ]);
  expect(result.churned).toBeGreaterThan(10);
  expect(result.churned).toBeLessThan(35);
  expect(result.sessions).toMatchObject({ wanted: 20, failed: 0, lost: 0, up: 20 + result.churned });
  expect(lns.endpoint.statistics().messages.CDN.received).toBe(result.churned);
});

test("sessions that the LNS ends are lost, not failed, and it is said why", async () => {
  await using lns = await TestLns.listen();
  const running = report([lns.target, "-t", "2", "-s", "2", "--hold", "600ms"]);
  await vi.waitUntil(() => lns.endpoint.statistics().sessionsUp === 4, { timeout: 30_000 });
  const [victim] = [...lns.endpoint.sessions()];
  lns.endpoint.closeSession(performance.now(), victim?.session as never, { result: 3, text: "good night" });
  const { code, report: result } = await running;
  expect(code).toBe(1);
  expect(result.sessions).toMatchObject({ up: 4, failed: 0, lost: 1 });
  expect(result.failures[0]?.reason).toMatch(/CDN 3.*good night/);
});

test("Ctrl-C while calls come up: what was under way is no failure for which more time would help", async () => {
  await using lns = await TestLns.listen();
  const args = [lns.target, "-t", "2", "-s", "50", "--session-rate", "40", "--hold", "1m"];
  const half = () => lns.endpoint.statistics().sessionsUp >= 5;
  const { code, report: result } = await report(args, [half]);
  expect(code).toBe(130);
  expect(result).toMatchObject({ interrupted: true, complete: false, sessions: { failed: 0, lost: 0 } });
  expect(result.sessions.up).toBeLessThan(100);
  for (const { remedy } of result.failures) expect(remedy).toBe("");
  expect(lns.endpoint.statistics()).toMatchObject({ tunnelsUp: 0, sessionsUp: 0 });
});

test("Ctrl-C ends it in order: StopCCN for all, the result so far, exit code 130", async () => {
  await using lns = await TestLns.listen();
  const isUp = () => lns.endpoint.statistics().sessionsUp === 10;
  const args = [lns.target, "-t", "5", "-s", "2", "--hold", "1m"];
  const { code, report: result, stderr } = await report(args, [isUp]);
  expect(code).toBe(130);
  expect(stderr).toMatch(/interrupted/);
  expect(result).toMatchObject({ interrupted: true, complete: true, sessions: { up: 10 }, failures: [] });
  expect(lns.endpoint.statistics()).toMatchObject({ tunnelsUp: 0, messages: { StopCCN: { received: 5 } } });
});

test("a second Ctrl-C does not wait for acknowledgements", async () => {
  const silent = createSocket("udp4").bind(0, "127.0.0.1");
  await once(silent, "listening");
  let heard = 0;
  silent.on("message", () => heard++);
  const some = () => heard > 0;
  const args = [`127.0.0.1:${silent.address().port}`, "--grace", "10m"];
  const { code, stdout } = await l2tpload(args, [some, some]);
  silent.close();
  expect(code).toBe(130);
  expect(stdout).toMatch(/^interrupted/m);
  // Nothing of an LNS that answers nothing came up; more time is not what would have helped.
  expect(stdout).toMatch(/10 {2}tunnel: no answer from 127\.0\.0\.1/);
  expect(stdout).not.toMatch(/more time/);
});

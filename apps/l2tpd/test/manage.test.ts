/** The management interface of a real daemon, through the client that l2tpctl uses. */
import { createSocket } from "node:dgram";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { ManagementClient } from "@l2tp/management";
import { afterAll, expect, test } from "vitest";
import { Folder, freePort, lac, lns } from "./scene.ts";
import { l2tpd, type Running } from "./under-test.ts";

const folder = new Folder();
afterAll(() => folder[Symbol.dispose]());

let count = 0;
interface Started extends AsyncDisposable {
  readonly running: Running;
  readonly client: ManagementClient;
  readonly file: string;
  readonly socket: string;
}
function start(document: string): Started {
  const file = folder.write(`${count}.toml`, document);
  const socket = folder.of(`${count++}.sock`);
  const running = l2tpd.start(["--config", file, "--data-plane", "null", "--socket", socket]);
  return {
    running,
    client: new ManagementClient({ socketPath: socket }),
    file,
    socket,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

test("a listener whose port another program has is in the status, with the reason and what to do", async () => {
  const other = createSocket("udp4");
  await new Promise<void>((resolve) => other.bind(0, "127.0.0.1", resolve));
  const { port } = other.address();
  try {
    await using daemon = start(lns(port));
    await daemon.running.line(/cannot take callers/);
    const { wires } = await daemon.client.status();
    expect(wires).toMatchObject([
      {
        local: { address: "127.0.0.1", port },
        reason: {
          code: "address-in-use",
          text: expect.stringContaining("EADDRINUSE"),
          remedy: expect.stringContaining("stop the other program"),
        },
      },
    ]);
  } finally {
    other.close();
  }
});

test("status, tunnels, sessions, pools, peers and targets of a daemon that dials itself", async () => {
  const port = await freePort();
  await using daemon = start(`${lns(port)}${lac(port)}`);
  await daemon.running.line(/session call is up/);
  const { client } = daemon;
  const status = await client.status();
  expect(status).toMatchObject({
    dataPlane: { name: "null", why: "asked for" },
    tunnels: { total: 2, up: 2, openedByUs: 1, openedByPeers: 1 },
    sessions: { total: 2, up: 2, asLac: 1, asLns: 1 },
    drain: { draining: false },
    trace: { on: false },
    logLevel: "info",
    messages: { SCCRQ: { sent: 1, received: 1 } },
  });
  const tunnels = await all(client.tunnels());
  expect(tunnels.map(({ openedBy, up, sessionsUp }) => [openedBy, up, sessionsUp])).toEqual([
    ["local", true, 1],
    ["peer", true, 1],
  ]);
  const detail = await client.tunnel("out");
  expect(detail).toMatchObject({ authenticated: true, controlState: "established", version: 2 });
  expect(detail.messages.map(({ message }) => message)).toContain("SCCCN");
  expect(detail.channel?.state).toBe("open");
  const session = await client.session("out/call");
  expect(session).toMatchObject({ kind: "lac-incoming", up: true, pseudowire: "ppp", user: "test" });
  expect(await client.session("test"), "by the name that we have for the peer").toMatchObject({
    name: "call",
  });
  expect(status.limits.map(({ name }) => name)).toEqual([
    "tunnels",
    "sessions",
    "half_open",
    "closed_tunnels",
  ]);
  expect(status.counters).toMatchObject({ closedTunnels: 0 });
  expect(status.counters).not.toHaveProperty("tombs");
  expect(await all(client.pools())).toEqual([
    { name: "subscribers", ranges: ["10.123.0.2-10.123.0.254"], size: 253, used: 0 },
  ]);
  expect((await all(client.peers())).map(({ address }) => address)).toEqual(["127.0.0.1"]);
  expect(await all(client.dialTargets())).toEqual([
    expect.objectContaining({ name: "out", when: "start", state: "up" }),
  ]);
  expect(await daemon.running.stop()).toBe(0);
  expect(existsSync(daemon.socket)).toBe(false);
});

test("a session, and a target, are hung up, stay down, and are dialled again", async () => {
  const port = await freePort();
  await using daemon = start(`${lns(port)}${lac(port)}`);
  const { client, running } = daemon;
  await running.line(/session call is up/);
  let from = running.lines.length;
  await client.hangUp("out/call", { text: "good night" });
  expect(await running.line(/session call is down/, { from })).toMatch(/good night/);
  expect(await client.session("out/call")).toMatchObject({ state: "idle", up: false });
  await client.dial("out");
  await running.line(/session call is up/, { from });
  const ended = await all(client.closedSessions());
  expect(ended.map(({ name }) => name)).toContain("call");
  expect(ended.at(-1)?.ending.line).toMatch(/good night/);
  expect(await all(client.closedSessions({ user: "test", peer: "127.0.0.1" }))).toEqual([
    expect.objectContaining({
      tunnel: "out",
      name: "call",
      user: "test",
      data: expect.anything() as unknown,
      messages: expect.arrayContaining([expect.objectContaining({ message: "CDN" })]) as unknown,
    }),
  ]);
  from = running.lines.length;
  expect(await client.hangUpTarget("out")).toMatchObject({ name: "out" });
  await running.line(/tunnel out is down/, { from });
  expect((await all(client.closedTunnels())).at(-1)?.messages.length).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await all(client.dialTargets())).toEqual([expect.objectContaining({ state: "idle" })]);
  from = running.lines.length;
  await client.dial("out");
  await running.line(/session call is up/, { from });
  await running.stop();
});

test("a reload takes the steps that a dry run has said, and touches nothing else", async () => {
  const port = await freePort();
  const listener = lns(port);
  await using daemon = start(`${listener}${lac(port)}`);
  const { client, running, file } = daemon;
  await running.line(/session call is up/);
  const before = await client.session("out/call");
  writeFileSync(
    file,
    `${listener}${lac(port)}
[tunnel.out.session.second]
pseudowire = "ppp"
[listen.another]
local = "127.0.0.1:${await freePort()}"
[user.test3]
password = "test"
`,
  );
  const planned = await client.reload({ dryRun: true });
  const named = planned.steps.map((step) => [step.do, step.session ?? step.tunnel ?? step.of]);
  expect(named).toContainEqual(["add-session", "second"]);
  expect(named).toContainEqual(["add-listener", "another"]);
  expect(JSON.stringify(planned)).not.toMatch(/opensesame/);
  expect((await client.status()).sessions.total).toBe(2);
  const done = await client.reload({ dryRun: false });
  expect(done.steps).toEqual(planned.steps);
  await running.line(/session second is up/);
  await running.line(/listening for tunnels .*another/);
  const after = await client.session("out/call");
  expect(after.sessionId).toBe(before.sessionId);
  expect(after.upForMs ?? 0).toBeGreaterThan(before.upForMs ?? 0);
  // And back again, with the session of a tunnel taken away by name.
  writeFileSync(file, `${listener}${lac(port)}`);
  const from = running.lines.length;
  running.process.kill("SIGHUP");
  await running.line(/session second is down/, { from });
  await running.line(/listener another is closed/, { from });
  await running.line(/was read again: \d+ changes/, { from });
  expect((await client.session("out/call")).sessionId).toBe(before.sessionId);
  await running.stop();
});

test("a document with errors changes nothing, and every error is told and logged", async () => {
  const port = await freePort();
  await using daemon = start(`${lns(port)}${lac(port)}`);
  const { client, running, file } = daemon;
  await running.line(/session call is up/);
  writeFileSync(file, `${lns(port)}\n[user.x]\npasword = "y"\n[tunnel.t]\npeer = 7\n`);
  await expect(client.reload({ dryRun: false })).rejects.toMatchObject({
    code: "configuration",
    details: [expect.stringMatching(/pasword.*did you mean/), expect.stringMatching(/tunnel\.t\.peer/)],
  });
  await running.line(/was not put into force, and nothing was changed: the configuration has 2 errors/);
  await running.line(/error .*user\.x\.pasword/);
  expect((await client.status()).sessions.up).toBe(2);
  await running.stop();
});

test("a peer that is denied by a reload loses its tunnel, and is refused with the reason; others stay", async () => {
  const port = await freePort();
  const other = "[peer.other]\nfrom = ['192.0.2.0/24']\nsecret = 'opensesame'\n";
  await using daemon = start(`${lns(port)}${other}${lac(port)}`);
  const { client, running, file } = daemon;
  await running.line(/session call is up/);
  writeFileSync(
    file,
    `${lns(port).replace("[peer.anyone]", '[peer.anyone]\ndeny = "moved away"')}${other}${lac(port)}`,
  );
  const from = running.lines.length;
  const { steps } = await client.reload();
  expect(steps).toEqual([
    expect.objectContaining({ do: "change-rules", of: "peers", why: "changed: anyone" }),
  ]);
  await running.line(/1 tunnels of peers that are gone or denied now were ended/, { from });
  await running.line(/tunnel out is down: .*StopCCN 4/, { from });
  // It dials again, and is refused: each end says so, ours with what matched.
  expect(await running.line(/refused|not established/, { from })).toMatch(/127\.0\.0\.1/);
  await running.line(/moved away/, { from });
  await running.stop();
});

test("a drain takes no new calls, ends the old ones, and the daemon goes back to work when told", async () => {
  const port = await freePort();
  await using daemon = start(`${lns(port)}${lac(port)}`);
  const { client, running } = daemon;
  await running.line(/session call is up/);
  expect(await client.drain({ perSecond: 100, deadlineMs: 2_000 })).toMatchObject({
    draining: true,
    perSecond: 100,
  });
  await running.line(/drained: no call is left/);
  expect(await client.status()).toMatchObject({ drain: { draining: true, sessions: 0 } });
  const from = running.lines.length;
  expect(await client.resume()).toMatchObject({ draining: false });
  await expect(client.resume()).rejects.toMatchObject({ code: "conflict" });
  await running.line(/session call is up/, { from });
  await running.stop();
});

test("a trace and another log level are switched on and off while it runs", async () => {
  const port = await freePort();
  await using daemon = start(`${lns(port)}${lac(port)}`);
  const { client, running } = daemon;
  await running.line(/session call is up/);
  const file = folder.of("managed.pcapng");
  expect(await client.trace({ on: true, file })).toMatchObject({ on: true, file });
  await client.hangUp("out/call", {});
  await expect.poll(async () => (await client.status()).trace.messages).toBeGreaterThan(2);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await expect(client.trace({ on: true, file: folder.of("no/x") })).rejects.toThrow(/make its folder first/);
  expect(await client.trace({ on: false })).toMatchObject({ on: false });
  await client.setLogLevel("debug");
  await client.dial("out");
  expect(await running.line(/debug .*(sent to|received from) 127\.0\.0\.1.* ICRQ/)).not.toMatch(/opensesame/);
  await running.stop();
});

test("the socket of a dead daemon is replaced, that of a live one is not, and its mode is 0600", async () => {
  const first = start(lns(await freePort()));
  await first.running.line(/listening/);
  expect(statSync(first.socket).mode & 0o777).toBe(0o600);
  const other = folder.write("other.toml", lns(await freePort()));
  const args = ["--config", other, "--data-plane", "null", "--socket", first.socket];
  const refused = l2tpd.run(...args);
  expect(refused.status).toBe(71);
  expect(refused.stderr).toMatch(
    /another daemon answers there; stop it, or choose another path with --socket/,
  );
  await first.running.stop("SIGKILL");
  expect(existsSync(first.socket)).toBe(true);
  await using second = l2tpd.start(args);
  await second.line(/listening/);
  expect((await first.client.status()).pid).toBe(second.process.pid);
  expect(await second.stop()).toBe(0);
});

/** Client and server, over a real socket. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConnectionError,
  ManagementClient,
  ManagementError,
  type ManagementServer,
  type SessionSummary,
  SocketError,
  serve,
  type TunnelDetail,
} from "@l2tp/management";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeDaemon, sessionRow } from "./fake.ts";

let directory = "";
let socketPath = "";
let daemon: FakeDaemon;
let server: ManagementServer;
let client: ManagementClient;
const faults: unknown[] = [];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "l2tp-management-"));
  socketPath = join(directory, "run", "l2tpd.sock");
  daemon = new FakeDaemon();
  faults.length = 0;
  server = await serve(daemon, { socketPath, version: "1.2.3", onError: (error) => void faults.push(error) });
  client = new ManagementClient({ socketPath });
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  await server.close();
  rmSync(directory, { recursive: true });
});

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const row of rows) gathered.push(row);
  return gathered;
}
const thrown = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it was to be refused"),
    (error: unknown) => error,
  );

describe("what there is", () => {
  test("the status arrives as it was given", async () => {
    expect(await client.status()).toEqual(await daemon.status());
  });

  test("every list arrives whole, in its order", async () => {
    const names = async (rows: AsyncIterable<{ name: string }>) => (await all(rows)).map(({ name }) => name);
    expect(await names(client.tunnels())).toEqual(["north", "south"]);
    expect(await names(client.sessions())).toEqual(["call-1", "call-1", "call-2"]);
    expect(await names(client.closedTunnels())).toEqual(["old"]);
    expect(await names(client.closedSessions())).toEqual(["gone"]);
    expect(await names(client.pools())).toEqual(["dsl"]);
    expect(await names(client.dialTargets())).toEqual(["office"]);
    expect((await all(client.peers())).map(({ address }) => address)).toEqual(["192.0.2.7"]);
  });

  test("a summary holds nothing of the detail, and the detail everything", async () => {
    const [first] = await all(client.tunnels());
    expect(first).not.toHaveProperty("messages");
    expect(await client.tunnel("north")).toEqual(daemon.tunnelRows[0]);
    expect(await client.session("south/call-2")).toEqual(daemon.sessionRows[2]);
  });

  test.each([
    [{ tunnel: "south" }, ["south/call-1", "south/call-2"]],
    [{ tunnel: "8" }, ["south/call-1", "south/call-2"]],
    [{ name: "call-1" }, ["north/call-1", "south/call-1"]],
    [{ user: "user-201" }, ["south/call-2"]],
    [{ user: "user-20*" }, ["south/call-1", "south/call-2"]],
    [{ user: "*0*1" }, ["south/call-2"]],
    [{ peer: "192.0.2.7:1701", state: "up", user: "*-100" }, ["north/call-1"]],
    [{ state: "down" }, []],
  ])("sessions filtered by %j", async (filter, expected) => {
    const rows = await all(client.sessions(filter));
    expect(rows.map(({ tunnel, name }) => `${tunnel}/${name}`)).toEqual(expected);
  });

  test("tunnels are filtered by the peer's address, with and without port, and by its host name", async () => {
    const names = async (peer: string) => (await all(client.tunnels({ peer }))).map(({ name }) => name);
    expect(await names("192.0.2.7")).toEqual(["north", "south"]);
    expect(await names("192.0.2.7:1701")).toEqual(["north", "south"]);
    expect(await names("north.example")).toEqual(["north"]);
    expect(await names("192.0.2.70")).toEqual([]);
  });

  test("what is in no schema, such as a secret, does not leave the daemon", async () => {
    Object.assign(daemon.tunnelRows[0] as object, { sharedSecret: "opensesame" });
    expect(readFileSync(new URL("../src/schemas/tunnel.ts", import.meta.url), "utf8")).not.toContain(
      "sharedSecret",
    );
    expect(JSON.stringify(await client.tunnel("north"))).not.toContain("opensesame");
    expect(JSON.stringify(await all(client.tunnels()))).not.toContain("opensesame");
  });
});

describe("names and IDs", () => {
  test.each([
    ["north/call-1", "north", "call-1"],
    ["7/100", "north", "call-1"],
    ["8/call-2", "south", "call-2"],
    ["call-2", "south", "call-2"],
    ["user-200", "south", "call-1"],
    ["ppp201", "south", "call-2"],
    ["201", "south", "call-2"],
  ])("session %s", async (reference, tunnel, name) => {
    expect(await client.session(reference)).toMatchObject({ tunnel, name });
  });

  test("names may hold anything, slashes and percent signs too", async () => {
    daemon.tunnelRows.push({ ...(daemon.tunnelRows[0] as TunnelDetail), name: "a/b%2F ü", tunnelId: 99 });
    daemon.sessionRows.push(sessionRow("a/b%2F ü", 99, "c/d", 300));
    expect(await client.tunnel("a/b%2F ü")).toMatchObject({ tunnelId: 99 });
    expect(await client.session("a/b%2F ü/c/d")).toMatchObject({ sessionId: 300 });
  });

  test("a tunnel whose name is another's ID is meant by it", async () => {
    daemon.tunnelRows.push({ ...(daemon.tunnelRows[0] as TunnelDetail), name: "8", tunnelId: 99 });
    expect(await client.tunnel("8")).toMatchObject({ tunnelId: 99 });
  });

  test("a name that nobody has: what there is", async () => {
    const error = await thrown(client.tunnel("est"));
    expect(error).toBeInstanceOf(ManagementError);
    expect(error).toMatchObject({ code: "not-found", message: 'no tunnel "est"; there are north, south' });
    daemon.tunnelRows.length = 1;
    expect(await thrown(client.tunnel("est"))).toMatchObject({ message: 'no tunnel "est"; there is north' });
    daemon.tunnelRows.length = 0;
    expect(await thrown(client.closeTunnel("est"))).toMatchObject({
      message: 'no tunnel "est"; there are none',
    });
    expect(await thrown(client.dial("est"))).toMatchObject({
      code: "not-found",
      message: 'no tunnel to dial "est"; there is office',
    });
    expect(daemon.asked).toEqual([]);
  });

  test("a name that several have: which ones, and nothing is done", async () => {
    expect(await thrown(client.hangUp("call-1"))).toMatchObject({
      code: "ambiguous",
      message: expect.stringContaining("north/call-1, south/call-1"),
      remedy: expect.stringContaining("TUNNEL/SESSION"),
    });
    expect(daemon.asked).toEqual([]);
  });
});

test("commands reach the daemon as they were meant", async () => {
  await client.closeTunnel("8", { text: "maintenance" });
  await client.hangUp("ppp100");
  expect(await client.dial("office")).toMatchObject({ state: "dialling" });
  await client.hangUpTarget("office");
  expect(await client.reload({ dryRun: true })).toMatchObject({
    dryRun: true,
    steps: [{ do: "add-tunnel" }],
  });
  await client.reload();
  expect(await client.drain({ perSecond: 5, deadlineMs: 60_000 })).toEqual(daemon.drainStatus);
  expect(await client.resume()).toMatchObject({ draining: false });
  await client.trace({ on: true, file: "/tmp/x.pcapng" });
  await client.setLogLevel("debug");
  expect(daemon.asked).toEqual([
    ["closeTunnel", "south", { text: "maintenance" }],
    ["hangUp", "north", "call-1", {}],
    ["dial", "office"],
    ["hangUpTarget", "office"],
    ["reload", { dryRun: true }],
    ["reload", { dryRun: false }],
    ["drain", { perSecond: 5, deadlineMs: 60_000 }],
    ["resume"],
    ["trace", { on: true, file: "/tmp/x.pcapng" }],
    ["setLogLevel", "debug"],
  ]);
});

describe("what goes wrong in the daemon", () => {
  test("what it says arrives with code, remedy and details", async () => {
    daemon.reload = () =>
      Promise.reject(
        new ManagementError("configuration", "l2tpd.toml has 2 errors", {
          remedy: "correct them",
          details: ["l2tpd.toml:1:1: no", "l2tpd.toml:2:1: no"],
        }),
      );
    expect(await thrown(client.reload())).toMatchObject({
      name: "ManagementError",
      code: "configuration",
      message: "l2tpd.toml has 2 errors",
      remedy: "correct them",
      details: ["l2tpd.toml:1:1: no", "l2tpd.toml:2:1: no"],
    });
  });

  test("a fault is internal, and told to the daemon's log", async () => {
    daemon.dial = () => Promise.reject(new TypeError("x is undefined"));
    expect(await thrown(client.dial("office"))).toMatchObject({
      code: "internal",
      message: expect.stringContaining("x is undefined"),
    });
    expect(faults).toEqual([expect.any(TypeError)]);
  });

  test("a list that breaks off says so after what came before", async () => {
    daemon.sessions = async function* () {
      yield sessionRow("north", 7, "call-1", 100);
      throw new Error("the wire is gone");
    };
    const rows: SessionSummary[] = [];
    const error = await thrown(
      (async () => {
        for await (const row of client.sessions()) rows.push(row);
      })(),
    );
    expect(rows).toHaveLength(1);
    expect(error).toMatchObject({ code: "internal", message: expect.stringContaining("the wire is gone") });
  });
});

test("100,000 sessions pass by a piece at a time, and a reader that has seen enough ends the list", async () => {
  let made = 0;
  let ended = false;
  let largest = 0;
  daemon.sessions = function* () {
    try {
      for (let id = 1; id <= 100_000; id++) {
        made++;
        yield sessionRow("north", 7, `call-${id}`, id);
      }
    } finally {
      ended = true;
    }
  };
  let seen = 0;
  for await (const row of client.sessions()) {
    seen++;
    largest = Math.max(largest, made - seen);
    if (seen % 10_000 === 0) expect(row.sessionId).toBe(seen);
  }
  expect({ seen, made, ended }).toEqual({ seen: 100_000, made: 100_000, ended: true });
  expect(largest).toBeLessThan(20_000); // what the buffers of socket and streams hold, not the list

  made = 0;
  ended = false;
  for await (const row of client.sessions()) if (row.sessionId === 10) break;
  await expect.poll(() => ended).toBe(true);
  expect(made).toBeLessThan(20_000);
  expect(await client.status()).toMatchObject({ pid: 42 }); // while the daemon serves on
});

describe("the socket", () => {
  test("only its owner can open it, from its first moment", async () => {
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    const another = join(directory, "another.sock");
    const umask = process.umask(0);
    try {
      const starting = serve(daemon, { socketPath: another });
      expect(statSync(another).mode & 0o777).toBe(0o600); // it does not listen yet
      await (await starting).close();
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(umask);
    }
  });

  test("it goes with the server", async () => {
    await server.close();
    await server.close();
    expect(existsSync(socketPath)).toBe(false);
  });

  test("closing finishes what is being answered", async () => {
    let release: (() => void) | undefined;
    daemon.status = () =>
      new Promise((done) => {
        release = () => void new FakeDaemon().status().then(done);
      });
    const answer = client.status();
    await expect.poll(() => release).toBeDefined();
    const closed = server.close();
    release?.();
    expect(await answer).toMatchObject({ pid: 42 });
    await closed;
  });

  test("one that a dead process left behind is replaced", async () => {
    const left = join(directory, "left.sock");
    const script = `require("net").createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, "SIGKILL"))`;
    spawnSync(process.execPath, ["-e", script]);
    expect(statSync(left).isSocket()).toBe(true);
    expect(await thrown(new ManagementClient({ socketPath: left }).status())).toMatchObject({
      code: "no-daemon",
      message: expect.stringContaining("nobody listens"),
    });
    const second = await serve(daemon, { socketPath: left });
    expect(await new ManagementClient({ socketPath: left }).status()).toMatchObject({ pid: 42 });
    await second.close();
  });

  test("one that is alive is left alone", async () => {
    const error = await thrown(serve(daemon, { socketPath }));
    expect(error).toBeInstanceOf(SocketError);
    expect(error).toMatchObject({ code: "in-use", remedy: expect.stringContaining("--socket") });
    expect(await client.status()).toMatchObject({ pid: 42 });
  });

  test("a path that cannot be a socket's is told so, and not that nobody listens", async () => {
    const file = join(directory, "a-file");
    writeFileSync(file, "");
    for (const [path, why] of [
      [file, "it is no socket"],
      [directory, "it is no socket"],
      [`/tmp/${"x".repeat(200)}`, "the path is longer than the 107 octets"],
    ]) {
      expect(await thrown(new ManagementClient({ socketPath: path as string }).status())).toMatchObject({
        code: "no-daemon",
        message: expect.stringContaining(why as string),
      });
    }
  });

  test("a file that is no socket is left alone", async () => {
    const file = join(directory, "file");
    writeFileSync(file, "precious");
    expect(await thrown(serve(daemon, { socketPath: file }))).toMatchObject({ code: "not-a-socket" });
    expect(statSync(file).size).toBe(8);
  });

  test("a path that would be cut off is refused", async () => {
    const long = join(directory, "x".repeat(100));
    expect(await thrown(serve(daemon, { socketPath: long }))).toMatchObject({ code: "path-too-long" });
  });

  test("a directory that cannot be made is said", async () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    expect(await thrown(serve(daemon, { socketPath: join(file, "l2tpd.sock") }))).toMatchObject({
      code: "system",
    });
  });
});

describe("no daemon that can be understood", () => {
  test("nobody there: what to do", async () => {
    const error = await thrown(new ManagementClient({ socketPath: join(directory, "nowhere") }).status());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ code: "no-daemon", remedy: expect.stringContaining("start l2tpd") });
  });

  test("a file that is no socket", async () => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    expect(await thrown(new ManagementClient({ socketPath: file }).status())).toMatchObject({
      code: "no-daemon",
    });
  });

  test("not allowed: sudo", async () => {
    const root = process.getuid?.() === 0;
    if (root) process.seteuid?.(65_534);
    else chmodSync(socketPath, 0);
    try {
      expect(await thrown(client.status())).toMatchObject({
        code: "no-permission",
        remedy: expect.stringContaining("sudo"),
      });
    } finally {
      if (root) process.seteuid?.(0);
    }
  });

  const speaks = async (answer: string): Promise<unknown> => {
    const path = join(directory, "other.sock");
    const other = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    });
    await new Promise<void>((done) => other.listen(path, done));
    try {
      return await thrown(new ManagementClient({ socketPath: path, timeoutMs: 5_000 }).status());
    } finally {
      await new Promise((done) => other.close(done));
    }
  };

  test.each([
    ["no HTTP", "SSH-2.0-OpenSSH\r\n", { code: "version-mismatch" }],
    ["HTTP of somebody else", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", { code: "version-mismatch" }],
    [
      "a later interface",
      "HTTP/1.1 404 Not Found\r\nL2TP-Management: 2\r\nServer: l2tpd/9.0.0\r\nContent-Length: 2\r\n\r\n{}",
      { code: "version-mismatch", message: expect.stringMatching(/l2tpd\/9\.0\.0.*version 2/) },
    ],
    [
      "an answer that lacks something",
      'HTTP/1.1 200 OK\r\nL2TP-Management: 1\r\nServer: l2tpd/0.1\r\nContent-Length: 15\r\n\r\n{"version":"0"}',
      { code: "version-mismatch", message: expect.stringMatching(/l2tpd\/0\.1.*pid/) },
    ],
    [
      "an answer that breaks off",
      "HTTP/1.1 200 OK\r\nL2TP-Management: 1\r\nContent-Length: 1000\r\n\r\n{",
      { code: "interrupted" },
    ],
    ["no answer at all", "", { code: "interrupted" }],
  ])("%s", async (_, answer, expected) => {
    expect(await speaks(answer)).toMatchObject({ name: "ConnectionError", ...expected });
  });

  test("silence ends", async () => {
    daemon.status = () => new Promise(() => {});
    const patient = new ManagementClient({ socketPath, timeoutMs: 50 });
    expect(await thrown(patient.status())).toMatchObject({ code: "timeout" });
    await patient[Symbol.asyncDispose]();
  });

  test("a signal ends the wait", async () => {
    daemon.status = () => new Promise(() => {});
    const waiting = thrown(new ManagementClient({ socketPath, signal: AbortSignal.timeout(20) }).status());
    expect(await waiting).toMatchObject({ name: "AbortError" });
  });
});

/** What a careless or hostile program may write into the socket: answered, and the daemon serves on. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManagementClient, type ManagementServer, serve } from "@l2tp/management";
import fc from "@l2tp/testing/fast-check";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { FakeDaemon } from "./fake.ts";

let directory = "";
let socketPath = "";
let server: ManagementServer;
const daemon = new FakeDaemon();
const faults: unknown[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "l2tp-management-"));
  socketPath = join(directory, "l2tpd.sock");
  server = await serve(daemon, { socketPath, onError: (error) => void faults.push(error) });
});
afterEach(async () => {
  await using client = new ManagementClient({ socketPath });
  expect(await client.status()).toMatchObject({ pid: 42 }); // it lives
  expect(daemon.asked).toEqual([]); // and nothing was done
  expect(faults).toEqual([]);
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/** Writes octets, half-closes, and reads until the server closes. */
function exchange(octets: string | Uint8Array): Promise<string> {
  return new Promise((done) => {
    let text = "";
    const socket = connect(socketPath, () => socket.end(octets));
    socket.setEncoding("latin1");
    socket.on("data", (piece) => {
      text += piece;
    });
    socket.on("error", () => {}); // reset while we still write
    socket.on("close", () => done(text));
  });
}

async function request(
  line: string,
  body?: string,
  headers = "",
): Promise<{ status: number; body: unknown }> {
  const length = body === undefined ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const text = await exchange(
    `${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}${length}\r\n${body ?? ""}`,
  );
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]);
  const json = rest.join("\r\n\r\n").replace(/^[0-9a-f]+\r\n([\s\S]*)\r\n0\r\n\r\n$/, "$1");
  return { status, body: JSON.parse(json) };
}
const error = (code: string, message: string | RegExp) => ({
  error: expect.objectContaining({ code, message: expect.stringMatching(message) }),
});

test.each([
  ["GET /", 404, "not-found", /nothing at "\/"/],
  ["GET /v2/status", 404, "not-found", /nothing at/],
  ["GET /v1/..%2f..%2fetc/passwd", 404, "not-found", /nothing at|no tunnel/],
  ["GET /v1/tunnels/%00%1b[31m", 404, "not-found", /no tunnel "\\u0000\\u001b/],
  ["GET /v1/tunnels/__proto__", 404, "not-found", /no tunnel/],
  ["GET /v1/tunnels?constructor=1", 400, "invalid", /no filter "constructor"/],
  ["GET /v1/tunnels?stat=up", 400, "invalid", /no filter "stat"/],
  ["GET /v1/tunnels?state=up&state=down", 400, "invalid", /given twice/],
  ["POST /v1/status", 405, "method-not-allowed", /POST is not for/],
  ["DELETE /v1/tunnels", 405, "method-not-allowed", /DELETE is not for/],
  ["BREW /v1/status", 400, "", ""],
])("%s", async (line, status, code, message) => {
  if (code === "") {
    expect(await exchange(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`)).toMatch(/^HTTP\/1\.1 400/);
    return;
  }
  expect(await request(line)).toEqual({ status, body: error(code, message) });
});

test.each([
  ["no JSON", "POST /v1/reload", "{", /no JSON/],
  ["a number", "POST /v1/reload", "7", /expected object/],
  ["an unknown key", "POST /v1/reload", '{"dryrun":true}', /dryrun/],
  ["the prototype", "POST /v1/reload", '{"__proto__":{"dryRun":true},"x":1}', /nrecognized/],
  ["a rate of nothing", "POST /v1/drain", '{"perSecond":0}', /perSecond/],
  ["a rate that is no number", "POST /v1/drain", '{"perSecond":1e999}', /perSecond/],
  ["a deadline in the past", "POST /v1/drain", '{"deadlineMs":-1}', /deadlineMs/],
  ["no such level", "PUT /v1/log-level", '{"level":"loud"}', /level/],
  ["a text without end", "DELETE /v1/tunnels/north", `{"text":"${"x".repeat(300)}"}`, /text/],
])("a body that is not as it should be: %s", async (_, line, body, message) => {
  expect(await request(line, body)).toEqual({ status: 400, body: error("invalid", message) });
});

test("a body that is too large is not read to its end", async () => {
  const large = { status: 413, body: error("too-large", /16384 octets/) };
  expect(await request("POST /v1/reload", " ".repeat(20_000))).toEqual(large);
  const chunk = `1000\r\n${" ".repeat(4096)}\r\n`;
  const chunked = await exchange(
    `POST /v1/reload HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(8)}0\r\n\r\n`,
  );
  expect(chunked).toMatch(/^HTTP\/1\.1 413/);
});

test("a header without end is refused", async () => {
  const answer = await exchange(`GET /v1/status HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(20_000)}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1\.1 431/);
});

test("two lengths (request smuggling) are refused", async () => {
  const smuggled = "DELETE /v1/tunnels/north HTTP/1.1\r\nHost: x\r\n\r\n";
  const answer = await exchange(
    `POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: ${smuggled.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400/);
});

test.each([
  ["an absolute target", "GET http://elsewhere/v1/status", /^HTTP\/1\.1 (200|400)/],
  ["a target that is no path", "GET *", /^HTTP\/1\.1 (4\d\d)/],
  ["a tunnel to elsewhere", "CONNECT example.com:443", /^(HTTP\/1\.1 4\d\d|$)/],
])("%s", async (_, line, answer) => {
  expect(await exchange(`${line} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)).toMatch(answer);
});

test("any octets are answered with 400 or nothing, and change nothing", async () => {
  const verb = fc.constantFrom("GET ", "POST ", "PUT ", "DELETE ", "");
  const octets = fc.tuple(
    verb,
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.uint8Array({ maxLength: 200 }),
  );
  await fc.assert(
    fc.asyncProperty(octets, async ([method, line, rest]) => {
      const answer = await exchange(Buffer.concat([Buffer.from(method + line), rest]));
      expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    }),
    { numRuns: 200 },
  );
});

test("connections that say nothing do not keep others out", async () => {
  const idle = Array.from({ length: 40 }, () => connect(socketPath).on("error", () => {}));
  await using client = new ManagementClient({ socketPath });
  expect(await client.status()).toMatchObject({ pid: 42 });
  for (const socket of idle) socket.destroy();
});

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readCapture } from "@l2tp/capture";
import { encodeMessage } from "@l2tp/protocol";
import { needs } from "@l2tp/testing";
import { afterAll, expect, test } from "vitest";
import { Trace, type TracedMessage } from "../src/trace/trace.ts";
import { recorder } from "./recorder.ts";

const folder = mkdtempSync(join(tmpdir(), "l2tpd-trace-"));
afterAll(() => rmSync(folder, { recursive: true }));

const HEADER = { version: 2, tunnelId: 7, sessionId: 9, ns: 1, nr: 2 } as const;
const ICCN = encodeMessage(
  {
    version: 2,
    type: "ICCN",
    txConnectSpeedBps: 1_000_000,
    framingType: 1,
    proxyAuthenType: 3,
    proxyAuthenName: "someone",
    proxyAuthenResponse: new TextEncoder().encode("opensesame"),
  },
  HEADER,
);
const HELLO = encodeMessage({ version: 2, type: "HELLO" }, { ...HEADER, sessionId: 0 });

function message(datagram: Uint8Array, change: Partial<TracedMessage> = {}): TracedMessage {
  return {
    at: 0,
    direction: "received",
    local: { family: 4, address: "192.0.2.2", port: 1701 },
    remote: { family: 4, address: "192.0.2.1", port: 50_000 },
    datagram,
    ...change,
  };
}

async function packets(path: string): Promise<number> {
  let count = 0;
  for await (const _ of readCapture([readFileSync(path)])) count += 1;
  return count;
}

test("a message is a line of the log at debug, with no secret in it", () => {
  const log: string[] = [];
  new Trace(recorder(log), "test").message(message(ICCN));
  expect(log).toEqual([
    expect.stringMatching(
      /^debug received from 192\.0\.2\.1:50000: L2TPv2 control tunnel 7 session 9 Ns 1 Nr 2 ICCN; .*Proxy Authen Name "someone"/,
    ),
  ]);
  expect(log[0]).not.toContain("opensesame");
  expect(log[0]).not.toContain(Buffer.from("opensesame").toString("hex"));
  expect(log[0]).toContain("00000000000000000000");
});

test("where nobody reads debug lines nothing is told, until the trace is switched on; octets that are no message are", async () => {
  const log: string[] = [];
  const trace = new Trace(recorder(log), "test", () => false);
  trace.message(message(HELLO));
  expect(log).toEqual([]);
  await trace.start({ peer: "192.0.2.1" });
  trace.message(message(HELLO));
  trace.message(message(HELLO, { remote: { family: 4, address: "192.0.2.99", port: 1701 } }));
  trace.message(message(Uint8Array.of(0xc8, 2, 0, 3), { direction: "sent" }));
  expect(trace.state).toMatchObject({ on: true, peer: "192.0.2.1", messages: 2 });
  await trace.stop();
  trace.message(message(HELLO));
  expect(log).toEqual([
    "info control messages are written to the log",
    expect.stringMatching(/^info received from 192\.0\.2\.1:50000: .* HELLO$/),
    expect.stringMatching(/^info sent to 192\.0\.2\.1:50000: refused at octet/),
    "info control messages are no longer written down",
  ]);
  expect(trace.state.on).toBe(false);
});

test("one spelling of an IPv6 address is as good as another", async () => {
  const log: string[] = [];
  const trace = new Trace(recorder(log), "test", () => false);
  await trace.start({ peer: "2001:DB8:0::1" });
  trace.message(message(HELLO, { remote: { family: 6, address: "2001:db8::1", port: 1701 } }));
  expect(log.at(-1)).toContain("received from [2001:db8::1]:1701");
});

test("the file has mode 0600, and secrets only when they are asked for", async () => {
  const file = join(folder, "covered.pcapng");
  await using trace = new Trace(recorder([]), "test", () => false);
  await trace.start({ file });
  trace.message(message(ICCN));
  await trace.start({ file, secrets: true });
  trace.message(message(ICCN));
  await trace.stop();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(`${file}.1`).includes("opensesame")).toBe(false);
  expect(readFileSync(`${file}.1`).includes("someone")).toBe(true);
  expect(readFileSync(file).includes("opensesame")).toBe(true);
});

test("a file that is full becomes FILE.1, and no message is lost on the way", async () => {
  const file = join(folder, "full.pcapng");
  await using trace = new Trace(recorder([]), "test", () => false);
  await trace.start({ file, limitOctets: 4_000 });
  for (let n = 0; n < 60; n++) trace.message(message(HELLO));
  await trace.stop();
  expect(readdirSync(folder).filter((name) => name.startsWith("full"))).toEqual([
    "full.pcapng",
    "full.pcapng.1",
  ]);
  for (const path of [file, `${file}.1`]) expect(statSync(path).size).toBeLessThanOrEqual(4_000);
  expect((await packets(file)) + (await packets(`${file}.1`))).toBe(60);
});

test("a file that cannot be made says what to do, and the trace is as it was", async () => {
  const trace = new Trace(recorder([]), "test", () => false);
  await expect(trace.start({ file: join(folder, "missing", "x.pcapng") })).rejects.toThrow(
    /cannot be written to .*missing.*ENOENT.*make its folder first/,
  );
  mkdirSync(join(folder, "a-folder.pcapng.1"), { recursive: true });
  expect(trace.state.on).toBe(false);
});

needs({ tool: "tshark" })("tshark reads it: IPv4, IPv6, and L2TPv3 directly in IP", async () => {
  const file = join(folder, "tshark.pcapng");
  const trace = new Trace(recorder([]), "test", () => false);
  await trace.start({ file });
  trace.message(message(ICCN));
  const v6 = (address: string, port: number) => ({ family: 6, address, port }) as const;
  trace.message(
    message(HELLO, { direction: "sent", local: v6("2001:db8::1", 1701), remote: v6("2001:db8::2", 1701) }),
  );
  const hello3 = encodeMessage({ version: 3, type: "HELLO" }, { controlConnectionId: 5, ns: 0, nr: 0 });
  trace.message(message(hello3, { local: v6("2001:db8::1", 0), remote: v6("2001:db8::2", 0) }));
  await trace.stop();
  const fields = [
    "frame.packet_flags_direction",
    "udp.srcport",
    "l2tp.tunnel",
    "l2tp.ccid",
    "l2tp.avp.message_type",
  ];
  const run = spawnSync("tshark", ["-r", file, "-T", "fields", ...fields.flatMap((field) => ["-e", field])], {
    encoding: "utf8",
  });
  expect(
    run.stdout
      .trim()
      .split("\n")
      .map((line) => line.split("\t")),
  ).toEqual([
    ["0x00000001", "50000", "7", "", "12"],
    ["0x00000002", "1701", "7", "", "6"],
    ["0x00000001", "", "", "0x00000005", "6"],
  ]);
});

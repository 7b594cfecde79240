/**
 * A process of the demonstration inside one namespace, with one task from its command line: `ping ADDRESS`,
 * `receive ADDRESS`, or `send ADDRESS PORT SECONDS`. It reports over the IPC channel to its parent, and ends
 * when the parent does.
 */
import { connect, createServer, type Socket } from "node:net";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { enterNetworkNamespace } from "../namespace.ts";
import { Pinger, type PingResult } from "./ping.ts";

/** What a probe tells its parent. */
export type ProbeReport =
  | ({ readonly type: "ping" } & PingResult)
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "received"; readonly octets: number; readonly ms: number }
  | { readonly type: "failed"; readonly text: string };

/** What a probe can be made for. */
export type ProbeTask =
  | readonly ["ping", address: string]
  | readonly ["receive", address: string]
  | readonly ["send", address: string, port: string, seconds: string];

const PING_TIMEOUT_MS = 1_000;
const PING_INTERVAL_MS = 500;
/** What is written at once: enough that the loop is the kernel's and not ours. */
const CHUNK_OCTETS = 256 * 1024;
const REPORT_INTERVAL_MS = 250;

const report = (what: ProbeReport): void => void process.send?.(what);

/** Runs until the parent goes. */
export async function runProbe(netns: string, task: ProbeTask): Promise<ExitCode> {
  const gone = new Promise<void>((resolve) => process.once("disconnect", resolve));
  process.on("SIGINT", () => {}); // Ctrl-C is for the parent, which ends us
  try {
    await enterNetworkNamespace(netns);
    switch (task[0]) {
      case "ping":
        void pingForEver(task[1]);
        break;
      case "receive":
        receive(task[1]);
        break;
      case "send":
        send(task[1], Number(task[2]), Number(task[3]) * 1000);
        break;
    }
  } catch (error) {
    report({ type: "failed", text: error instanceof Error ? error.message : String(error) });
  }
  await gone;
  return EXIT.ok;
}

async function pingForEver(address: string): Promise<void> {
  using pinger = new Pinger(address);
  while (process.connected) {
    report({ type: "ping", ...pinger.ping(PING_TIMEOUT_MS) });
    await new Promise((resolve) => setTimeout(resolve, PING_INTERVAL_MS));
  }
}

/** Counts what arrives, from the first octet on: what counts is what came out of the tunnel. */
function receive(address: string): void {
  const server = createServer((socket) => {
    let octets = 0;
    let startedAt = 0;
    const tell = (): void => report({ type: "received", octets, ms: performance.now() - startedAt });
    const timer = setInterval(() => octets > 0 && tell(), REPORT_INTERVAL_MS);
    socket.on("data", (chunk) => {
      if (octets === 0) startedAt = performance.now();
      octets += chunk.length;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(timer);
      tell();
    });
  });
  server.on("error", ({ message }) => report({ type: "failed", text: message }));
  server.listen(0, address, () => {
    const at = server.address();
    if (at !== null && typeof at === "object") report({ type: "listening", port: at.port });
  });
}

function send(address: string, port: number, ms: number): void {
  const chunk = new Uint8Array(CHUNK_OCTETS);
  const socket: Socket = connect(port, address, () => {
    const until = performance.now() + ms;
    const more = (): void => {
      while (performance.now() < until) if (!socket.write(chunk)) return;
      socket.end();
    };
    socket.on("drain", more);
    more();
  });
  socket.on("error", ({ message }) => report({ type: "failed", text: message }));
}

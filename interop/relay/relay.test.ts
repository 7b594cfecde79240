import { spawn } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { until } from "@l2tp/lab";
import { seeds } from "@l2tp/testing";
import { expect, onTestFinished, test } from "vitest";
import { type Place, Relay, type RelayOptions } from "./relay.ts";

const LOCALHOST = "127.0.0.1";

/** A socket that numbers what it sends and keeps the numbers that it receives. */
async function party(): Promise<{
  socket: Socket;
  place: Place;
  got: number[];
  send(n: number, to: Place): void;
}> {
  const socket = createSocket("udp4");
  onTestFinished(() => void socket.close());
  socket.bind(0, LOCALHOST);
  await once(socket, "listening");
  const got: number[] = [];
  socket.on("message", (datagram) => got.push(datagram.readUInt32BE(0)));
  const place = { address: LOCALHOST, port: socket.address().port };
  const send = (n: number, to: Place) => {
    const datagram = Buffer.alloc(32);
    datagram.writeUInt32BE(n);
    socket.send(datagram, to.port, to.address);
  };
  return { socket, place, got, send };
}

async function between(options: Partial<RelayOptions> = {}) {
  const [a, b] = [await party(), await party()];
  const listen = { address: LOCALHOST, port: 0 };
  const relay = await Relay.open({ a: { listen, peer: a.place }, b: { listen, peer: b.place }, ...options });
  onTestFinished(() => relay[Symbol.asyncDispose]());
  return { a, b, relay };
}

/** The relay as a process, and what it has said so far. */
function start(...args: readonly string[]) {
  const main = fileURLToPath(new URL("./main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@l2tp/source", "--import", "tsx", main, ...args], {
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const said = { out: "", err: "" };
  child.stdout.on("data", (text) => {
    said.out += text;
  });
  child.stderr.on("data", (text) => {
    said.err += text;
  });
  return { child, said, closed: once(child, "close") };
}

/** Slowly enough for the buffers of the system. */
async function sendAll(from: { send(n: number, to: Place): void }, to: Place, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    from.send(n, to);
    if (n % 20 === 19) await sleep(1);
  }
}

test("without impairment everything passes both ways, once and in order", async () => {
  const { a, b, relay } = await between();
  const all = Array.from({ length: 100 }, (_, n) => n);
  await sendAll(a, relay.listening.a, 100);
  await sendAll(b, relay.listening.b, 100);
  await until(() => a.got.length >= 100 && b.got.length >= 100, "all arrive");
  expect([a.got, b.got]).toEqual([all, all]);
  expect(relay.counters.aToB).toEqual({
    received: 100,
    passed: 100,
    lost: 0,
    doubled: 0,
    held: 0,
    ignored: 0,
  });
});

test.each(seeds(2))(
  "loss and doubling are as likely as was said, and the same for the same seed (seed %i)",
  async (seed) => {
    const impairment = { loss: 0.2, duplicate: 0.1 };
    const run = async () => {
      const { a, b, relay } = await between({ seed, impairment });
      await sendAll(a, relay.listening.a, 1_000);
      await until(() => relay.counters.aToB.received === 1_000, "all are received by the relay");
      const { lost, doubled, passed } = relay.counters.aToB;
      await until(() => b.got.length === passed, "what passed arrives");
      expect(passed).toBe(1_000 - lost + doubled);
      return { lost, doubled, got: [...b.got].sort((x, y) => x - y) };
    };
    const first = await run();
    expect(first.lost).toBeGreaterThan(150);
    expect(first.lost).toBeLessThan(250);
    expect(first.doubled).toBeGreaterThan(45);
    expect(first.doubled).toBeLessThan(120);
    expect(await run()).toEqual(first);
  },
);

test("what is held back is overtaken, and nothing is lost", async () => {
  const { a, b, relay } = await between({ impairment: { reorder: 0.2, reorderByMs: 30, delayMs: [0, 5] } });
  await sendAll(a, relay.listening.a, 300);
  await until(() => b.got.length === 300, "all arrive");
  const sorted = [...b.got].sort((x, y) => x - y);
  expect(b.got).not.toEqual(sorted);
  expect(sorted).toEqual(Array.from({ length: 300 }, (_, n) => n));
});

test("a delay is kept", async () => {
  const { a, b, relay } = await between({ impairment: { delayMs: 80 } });
  const start = performance.now();
  a.send(1, relay.listening.a);
  await until(() => b.got.length === 1, "it arrives");
  expect(performance.now() - start).toBeGreaterThan(75);
});

test("the impairment can be changed, and a total loss ends", async () => {
  const { a, b, relay } = await between();
  relay.impair({ loss: 1 });
  a.send(1, relay.listening.a);
  await until(() => relay.counters.aToB.lost === 1, "it is lost");
  relay.impair({ loss: 0 });
  a.send(2, relay.listening.a);
  await until(() => b.got.length === 1, "the next one arrives");
  expect(b.got).toEqual([2]);
  expect(() => relay.impair({ loss: 2 })).toThrow(/loss 2/);
});

test("strangers are not passed on", async () => {
  const { b, relay } = await between();
  const stranger = await party();
  stranger.send(1, relay.listening.a);
  await until(() => relay.counters.aToB.ignored === 1, "it is ignored");
  expect(b.got).toEqual([]);
});

test("the process relays, takes changes, ends with its standard input and prints its counters", async () => {
  const [a, b] = [await party(), await party()];
  const { child, said, closed } = start(
    ...["--a", `${LOCALHOST}:0=${LOCALHOST}:${a.place.port}`],
    ...["--b", `${LOCALHOST}:0=${LOCALHOST}:${b.place.port}`],
    ...["--delay", "1-3", "--for", "600"],
  );
  await until(() => said.err.includes("ready"), "it is ready");
  const port = Number(/ready, listening on 127\.0\.0\.1:(\d+) and/.exec(said.err)?.[1]);
  const listening = { address: LOCALHOST, port };
  a.send(7, listening);
  await until(() => b.got.length === 1, "it relays");
  child.stdin.write('{"duplicate":1}\nnonsense\n');
  await until(() => said.err.includes("nonsense"), "it complains of nonsense and goes on");
  a.send(8, listening);
  await until(() => b.got.length === 3, "it doubles");
  child.stdin.end();
  const [code] = await closed;
  expect([code, b.got]).toEqual([0, [7, 8, 8]]);
  expect(JSON.parse(said.out).aToB).toEqual({
    received: 2,
    passed: 3,
    lost: 0,
    doubled: 1,
    held: 0,
    ignored: 0,
  });
});

test("the process ends by itself when its time is over", async () => {
  const place = `${LOCALHOST}:0=${LOCALHOST}:9`;
  const { said, closed } = start("--a", place, "--b", place, "--for", "0.1");
  expect((await closed)[0]).toBe(0);
  expect(JSON.parse(said.out).aToB).toMatchObject({ received: 0, passed: 0 });
});

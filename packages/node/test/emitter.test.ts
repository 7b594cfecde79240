import { expect, test } from "vitest";
import { Emitter } from "../src/emitter.ts";
import type { ContextEvent } from "../src/events.ts";
import { silentLogger } from "../src/log.ts";
import { B, recorder } from "./world.ts";

const down = (tunnel: string): ContextEvent => ({
  type: "tunnel-down",
  at: 0,
  tunnel,
  tunnelId: 1,
  peerTunnelId: 2,
  peer: B,
  reason: { code: "closed", text: "closed here" },
});

test("a listener is called for its type, until it is disposed of, and once for each registration", () => {
  const emitter = new Emitter(silentLogger);
  const got: string[] = [];
  const listener = ({ tunnel }: { tunnel: string }): void => void got.push(tunnel);
  const first = emitter.on("tunnel-down", listener);
  const second = emitter.on("tunnel-down", listener);
  emitter.on("tunnel-up", listener);
  emitter.emit(down("a"));
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  emitter.emit(down("b"));
  second[Symbol.dispose]();
  emitter.emit(down("c"));
  expect(got).toEqual(["a", "a", "b"]);
});

test("a listener that throws is logged and keeps nobody else from being told", () => {
  const lines: string[] = [];
  const emitter = new Emitter(recorder(lines));
  const got: string[] = [];
  emitter.on("tunnel-down", () => {
    throw new Error("mine");
  });
  emitter.on("tunnel-down", ({ tunnel }) => void got.push(tunnel));
  emitter.emit(down("a"));
  expect(got).toEqual(["a"]);
  expect(lines).toEqual(["error a listener for tunnel-down threw"]);
});

test("a reader of events() that is too slow is told how many it lost, where they would have been", async () => {
  const emitter = new Emitter(silentLogger);
  const events = emitter.events({ bufferSize: 2 });
  for (const name of ["a", "b", "c", "d"]) emitter.emit(down(name));
  expect((await events.next()).value).toMatchObject({ tunnel: "a" });
  emitter.emit(down("e"));
  expect((await events.next()).value).toMatchObject({ tunnel: "b" });
  expect((await events.next()).value).toEqual({ type: "events-dropped", count: 2 });
  expect((await events.next()).value).toMatchObject({ tunnel: "e" });
});

test("events() ends with its source, after what waits, and tells of losses at the very end", async () => {
  const emitter = new Emitter(silentLogger);
  const events = emitter.events({ bufferSize: 1 });
  emitter.emit(down("a"));
  emitter.emit(down("b"));
  emitter.end();
  const got: unknown[] = [];
  for await (const event of events) got.push(event.type);
  expect(got).toEqual(["tunnel-down", "events-dropped"]);
  expect(await emitter.events().next()).toEqual({ done: true, value: undefined });
});

test("events() ends at once when its signal aborts, also while a reader waits", async () => {
  const emitter = new Emitter(silentLogger);
  const abort = new AbortController();
  const events = emitter.events({ signal: abort.signal });
  const waiting = events.next();
  abort.abort();
  expect(await waiting).toEqual({ done: true, value: undefined });
  expect(await emitter.events({ signal: abort.signal }).next()).toEqual({ done: true, value: undefined });
});

test("breaking off a for await leaves no reader behind", async () => {
  const emitter = new Emitter(silentLogger);
  const events = emitter.events();
  emitter.emit(down("a"));
  emitter.emit(down("b"));
  for await (const event of events) {
    expect(event).toMatchObject({ tunnel: "a" });
    break;
  }
  expect(await events.next()).toEqual({ done: true, value: undefined });
});

/**
 * A million mutated and malformed datagrams at a live LNS and at a live LAC, from strangers and with the addresses and
 * tunnel IDs of those who are there: the daemon stays up, new callers get through meanwhile, and its memory comes back.
 */

import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { mutate, random, seedDatagrams } from "../../packages/protocol/test/mutation.ts";
import { Caller } from "../support/caller.ts";
import { Daemon } from "../support/daemon.ts";
import { here } from "../support/here.ts";

// biome-ignore lint/suspicious/noUndeclaredEnvVars: chooses among runs; nothing that is built depends on it.
const SEED = Number(process.env["L2TP_TEST_SEED"] ?? 1);
const MILLION = 1_000_000;
/** Before memory is looked at for the first time: caches are full, code is compiled. */
const WARM_UP = 150_000;
/** Datagrams between two looks at the world. */
const BATCH = 200;
/** What the daemon's heap may grow to, MB: a leak of 100 octets for each datagram would be more, and it would crash. */
const HEAP_MB = 80;
/** What its memory may breathe between two collections, MiB. */
const BREATH_MIB = 48;

const residentMiB = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/** Sends mutated datagrams, a batch at a time, as fast as the daemon's socket may be expected to take them. */
class Attack {
  readonly #below = random(SEED);
  readonly #seeds = seedDatagrams();
  readonly #arena = new Uint8Array(4096);
  sent = 0;

  /** @param tunnelIds - IDs of living tunnels, which most datagrams are given */
  async batch(socket: Socket, port: number, address: string, tunnelIds: readonly number[]): Promise<void> {
    const below = this.#below;
    let pending = 0;
    let done: () => void = () => {};
    const all = new Promise<void>((resolve) => {
      done = resolve;
    });
    for (let n = 0; n < BATCH; n++) {
      const seed = this.#seeds[below(this.#seeds.length)] as Uint8Array;
      this.#arena.set(seed, 0);
      const size = mutate(this.#arena, 0, seed.length, this.#seeds, below);
      const datagram = this.#arena.slice(0, size);
      const tunnelId = tunnelIds[below(tunnelIds.length + 1)];
      if (tunnelId !== undefined && size >= 6) new DataView(datagram.buffer).setUint16(4, tunnelId);
      pending++;
      socket.send(datagram, port, address, () => {
        if (--pending === 0) done();
      });
    }
    await all;
    this.sent += BATCH;
  }
}

async function stranger(address: string): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}

describe.each([
  {
    role: "LNS",
    config: `
[listen.main]
local = "127.0.0.1:1793"
[peer.all]
secret = "opensesame"
[limits]
half_open_per_source = 1000
`,
  },
  {
    role: "LAC",
    config: `
[tunnel.lns]
version = "l2tpv2"
local = "127.0.0.1:1793"
peer = "127.0.0.1:1794"
secret = "opensesame"
[tunnel.lns.session.line]
pseudowire = "ppp"
[listen.main]
local = "127.0.0.1:1793"
[peer.all]
secret = "opensesame"
`,
  },
])("a live $role", ({ role, config }) => {
  const at = { family: 4, address: "127.0.0.1", port: 1793 } as const;
  const secrets = { tunnel: { secrets: ["opensesame"] } };
  let daemon: Daemon;
  let known: Caller;

  beforeAll(async () => {
    known = await Caller.open("127.0.0.1", secrets, role === "LAC" ? 1794 : 0);
    daemon = new Daemon(here, config, { dataPlane: "null", heapMb: HEAP_MB });
    if (role === "LNS") {
      await daemon.says(/listen/);
      await known.established(known.call(at));
    } else await daemon.says(/tunnel lns .*is up/);
  });
  afterAll(async () => {
    await known[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });

  needs("linux")(
    `takes a million bad datagrams (seed ${SEED})`,
    async () => {
      const attack = new Attack();
      const strangers = [await stranger("127.0.0.1"), await stranger("127.0.0.9")];
      const sources = [...strangers, known.socket];
      let calls = 0;
      let before = 0;
      while (attack.sent < MILLION) {
        const ids = [...known.endpoint.tunnels()].map(({ peerTunnelId }) => peerTunnelId);
        const socket = sources[(attack.sent / BATCH) % sources.length] as Socket;
        await attack.batch(socket, at.port, at.address, ids);
        if (attack.sent === WARM_UP) before = residentMiB(daemon.pid);
        if (attack.sent % 50_000 === 0) {
          await using caller = await Caller.open(`127.0.0.${10 + (calls % 200)}`, secrets);
          await caller.established(caller.call(at));
          caller.hangUp();
          calls++;
        }
      }
      for (const socket of strangers) socket.close();
      expect(calls).toBe(MILLION / 50_000);
      expect(daemon.exited).toBe(false);
      expect(daemon.said(/.*/).filter(({ level }) => level === "error")).toEqual([]);
      expect(residentMiB(daemon.pid) - before).toBeLessThan(BREATH_MIB);
      // What floods the network does not flood the log.
      expect(daemon.lines.length).toBeLessThan(2_000);
      const end = await daemon.stop();
      expect(end).toEqual({ code: 0, signal: null });
    },
    600_000,
  );
});

/** Losses that the kernel told of, and the telling was lost: with real notifications and a buffer that is too small. */
import {
  netlink as codec,
  createNamespace,
  link,
  type NetlinkMessage,
  type NetlinkRequest,
  nlabi,
  runNetlink,
} from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { expect, vi } from "vitest";
import { L2TP_ATTRIBUTES } from "../src/family.ts";
import type { KernelAccess } from "../src/kernel-access.ts";
import { Watcher } from "../src/watcher.ts";

needs("root")(
  "after an overrun the tables are compared, and what is not there any more is lost",
  async () => {
    using namespace = createNamespace();
    const netlink = <T>(request: NetlinkRequest<T>): T =>
      runNetlink(nlabi.NETLINK_ROUTE, request, { namespace: namespace.fd });
    const asked: string[] = [];
    /** A kernel without L2TP's tunnels: its family has no group to listen to, so only links are heard of. */
    const kernel: KernelAccess = {
      family: { id: 0x20, name: "l2tp", version: 1, groups: new Map() },
      run: async <T>(request: NetlinkRequest<T>): Promise<T> => {
        asked.push(request.name);
        return request.absent === undefined ? request.decode([] as NetlinkMessage[]) : request.absent.value;
      },
      hasTunnel: async () => false,
      gone: async () => {},
    };
    const watcher = new Watcher(kernel, namespace.fd, 0, { events: 1, links: 1 });
    try {
      const vanished = vi.fn();
      watcher.addTunnel({ tunnelId: 7, vanished });
      // Synchronous: nobody reads meanwhile, and the smallest buffer that there is runs over.
      for (let i = 0; i < 40; i++) netlink(link.add({ name: `d${i}`, kind: "bridge" }));
      expect(asked).toEqual([]);
      for (let i = 0; i < 40; i++) netlink(link.remove({ name: `d${i}` }));
      await vi.waitFor(() => expect(vanished).toHaveBeenCalledWith("the kernel has it no more"), 50_000);
      expect(vanished).toHaveBeenCalledTimes(1);
      expect(asked[0]).toMatch(/TUNNEL_GET/);
    } finally {
      await watcher.close();
    }
  },
);

needs("root")(
  "a session whose messages are dropped for their numbers, and none is taken, is told; reordering is not",
  async () => {
    using namespace = createNamespace();
    /** What the kernel has counted: messages taken, dropped, and of those within the window of numbers. */
    type Counted = [number, number, number?];
    let counted: Record<number, Counted> = {};
    const message = (SESSION_ID: number, [RX_PACKETS, RX_ERRORS, RX_SEQ_DISCARDS = 0]: Counted) => ({
      type: 0x20,
      flags: 0,
      sequence: 1,
      portId: 0,
      payload: codec.concat([
        new Uint8Array(nlabi.genlmsghdr.size),
        codec.encodeAttributes(L2TP_ATTRIBUTES, {
          CONN_ID: 7,
          SESSION_ID,
          STATS: { RX_PACKETS, RX_ERRORS, RX_SEQ_DISCARDS },
        }),
      ]),
    });
    const kernel: KernelAccess = {
      family: { id: 0x20, name: "l2tp", version: 1, groups: new Map() },
      run: async <T>(request: NetlinkRequest<T>): Promise<T> => {
        if (request.each !== undefined && /SESSION/.test(request.name))
          for (const [id, counters] of Object.entries(counted)) request.each(message(Number(id), counters));
        return request.absent === undefined ? request.decode([]) : (true as T);
      },
      hasTunnel: async () => true,
      gone: async () => {},
    };
    const watcher = new Watcher(kernel, namespace.fd, 0);
    try {
      watcher.addTunnel({ tunnelId: 7, vanished: () => {} });
      const told: [number, number][] = [];
      for (const sessionId of [1, 2, 3, 4]) {
        watcher.addSession({
          kernelTunnelId: 7,
          sessionId,
          interfaceIndex: undefined,
          vanished: () => {},
          numbersBehind: (count) => told.push([sessionId, count]),
        });
      }
      const look = async (now: typeof counted) => {
        counted = now;
        await watcher.reconcile();
        return told.splice(0);
      };
      // The first look does not know what came before; the second of one sees its peer begin again.
      expect(await look({ 1: [900, 3], 2: [500, 400], 3: [0, 0] })).toEqual([]);
      expect(await look({ 1: [950, 40], 2: [600, 500], 3: [0, 4] })).toEqual([]);
      expect(await look({ 1: [950, 140], 2: [700, 600], 3: [0, 8] })).toEqual([[1, 100]]);
      expect(await look({ 1: [950, 240], 2: [800, 700], 3: [9, 8] })).toEqual([[1, 100]]);
      // Dropped for another reason, and all the time.
      expect(await look({ 4: [9, 100, 99] })).toEqual([]);
      expect(await look({ 4: [9, 200, 199] })).toEqual([]);
      // It has caught up.
      expect(await look({ 1: [1_950, 240], 2: [900, 800], 3: [9, 8] })).toEqual([]);
    } finally {
      await watcher.close();
    }
  },
);

/** Losses that the kernel told of, and the telling was lost: with real notifications and a buffer that is too small. */
import {
  createNamespace,
  link,
  type NetlinkMessage,
  type NetlinkRequest,
  nlabi,
  runNetlink,
} from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { expect, vi } from "vitest";
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
      await vi.waitFor(() => expect(vanished).toHaveBeenCalledWith("the kernel has it no more"), 5_000);
      expect(vanished).toHaveBeenCalledTimes(1);
      expect(asked[0]).toMatch(/TUNNEL_GET/);
    } finally {
      await watcher.close();
    }
  },
);

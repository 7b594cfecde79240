/** Two network namespaces joined by a veth pair, with kernel tunnels between them, for PPP sessions of both ends. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import type { InterfaceAddress, SessionPlaneParameters } from "@l2tp/dataplane";
import {
  address,
  createNamespace,
  deleteNamespace,
  interfaceIndex,
  link,
  type NetworkNamespace,
} from "@l2tp/linux";
import type { Encapsulation, L2tpVersion, SocketAddress } from "@l2tp/protocol";
import { createTunnel, deleteTunnel, ENCAP } from "../../src/family.ts";
import { Kernel } from "../../src/kernel.ts";
import type { PppHost } from "../../src/ppp/host.ts";
import type { Pppol2tpTunnel } from "../../src/ppp/pppol2tp.ts";

/** The addresses of an end on the wire between the namespaces. */
export const ADDRESSES = {
  a: { 4: "10.77.0.1", 6: "fd77::1" },
  b: { 4: "10.77.0.2", 6: "fd77::2" },
} as const;

/** Of the interface "wire" at each end. */
export const MACS = { a: "02:00:00:00:77:01", b: "02:00:00:00:77:02" } as const;

/** Waits for something that becomes true. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What a session told its host. */
export interface Told {
  readonly lost: string[];
  readonly lines: string[];
  readonly addresses: InterfaceAddress[][];
  descriptors: number;
}

/** A host that writes down what it is told. */
export function pppHost(
  kernel: Kernel,
  carrier: Pppol2tpTunnel,
  what: string,
): PppHost & { readonly told: Told } {
  const told: Told = { lost: [], lines: [], addresses: [], descriptors: 0 };
  return {
    told,
    kernel,
    carrier,
    mtuOctets: 1400,
    what,
    descriptors: {
      take: (count) => {
        told.descriptors += count;
      },
      release: (count) => {
        told.descriptors -= count;
      },
    },
    lost: (reason) => void told.lost.push(reason),
    log: (line) => void told.lines.push(line),
    missing: (feature, why) => void told.lines.push(`${feature}: ${why}`),
    addressesChanged: (_, addresses) => void told.addresses.push([...addresses]),
    refuseLoop: () => Promise.resolve(),
  };
}

/** One of the two namespaces. */
export class End {
  readonly side: "a" | "b";
  readonly name: string;
  readonly namespace: NetworkNamespace;
  kernel!: Kernel;

  constructor(side: "a" | "b") {
    this.side = side;
    this.name = `ppptest-${side}`;
    this.namespace = createNamespace(this.name);
  }

  async open(): Promise<void> {
    this.kernel = await Kernel.open(`/run/netns/${this.name}`, { reconcileMs: 0, stateDirectory: undefined });
    const lo = { name: "lo" };
    await this.kernel.route.run(link.set(lo, { up: true }));
  }

  /** Runs a program in the namespace. */
  run(command: string, ...args: string[]): SpawnSyncReturns<string> {
    return this.namespace.run(() => spawnSync(command, args, { encoding: "utf8" }));
  }

  /** Whether the interface is there. */
  has(name: string): boolean {
    return this.namespace.run(() => {
      try {
        interfaceIndex(name);
        return true;
      } catch {
        return false;
      }
    });
  }

  host(carrier: Pppol2tpTunnel): PppHost & { readonly told: Told } {
    return pppHost(this.kernel, carrier, `tunnel ${carrier.tunnelId} at ${this.side}`);
  }

  async close(): Promise<void> {
    await this.kernel[Symbol.asyncDispose]();
    this.namespace.close();
    deleteNamespace(this.name);
  }
}

/** A tunnel between the two ends, with both ends' view of it. */
export interface LabTunnel {
  readonly a: Pppol2tpTunnel;
  readonly b: Pppol2tpTunnel;
  remove(): Promise<void>;
}

/** What kind of tunnel. */
export interface LabTunnelKind {
  readonly version: L2tpVersion;
  readonly encapsulation: Encapsulation;
  readonly family: 4 | 6;
}

export class Lab {
  readonly a = new End("a");
  readonly b = new End("b");
  #lastId = 100;

  static async open(): Promise<Lab> {
    const lab = new Lab();
    await Promise.all([lab.a.open(), lab.b.open()]);
    await lab.a.kernel.route.run(
      link.add({
        name: "wire",
        kind: "veth",
        address: MACS.a,
        peer: { name: "wire", address: MACS.b, namespace: lab.b.namespace.fd },
      }),
    );
    for (const end of [lab.a, lab.b]) {
      const index = end.namespace.run(() => interfaceIndex("wire"));
      for (const family of [4, 6] as const) {
        const prefixLength = family === 4 ? 24 : 64;
        const entry = {
          index,
          address: ADDRESSES[end.side][family],
          prefixLength,
          noDuplicateDetection: family === 6,
        };
        await end.kernel.route.run(address.add(entry));
      }
      await end.kernel.route.run(link.set({ index }, { up: true }));
    }
    return lab;
  }

  /** An unmanaged tunnel: the kernel's own sockets. */
  async tunnel({ version, encapsulation, family }: LabTunnelKind): Promise<LabTunnel> {
    const ids = { a: ++this.#lastId, b: ++this.#lastId };
    const port = 20_000 + ids.a;
    const socket = (side: "a" | "b"): SocketAddress => ({
      family,
      address: ADDRESSES[side][family],
      port: encapsulation === "udp" ? port : 0,
    });
    const other = { a: "b", b: "a" } as const;
    for (const side of ["a", "b"] as const) {
      const { kernel } = this[side];
      const [from, to] = [ADDRESSES[side][family], ADDRESSES[other[side]][family]];
      await kernel.run(
        createTunnel(kernel.family, {
          CONN_ID: ids[side],
          PEER_CONN_ID: ids[other[side]],
          PROTO_VERSION: version,
          ENCAP_TYPE: ENCAP[encapsulation],
          ...(family === 4 ? { IP_SADDR: from, IP_DADDR: to } : { IP6_SADDR: from, IP6_DADDR: to }),
          ...(encapsulation === "udp" && { UDP_SPORT: port, UDP_DPORT: port, UDP_CSUM: 1 }),
        }),
      );
    }
    const view = (side: "a" | "b"): Pppol2tpTunnel => ({
      version,
      tunnelId: ids[side],
      peerTunnelId: ids[other[side]],
      peer: socket(other[side]),
    });
    return {
      a: view("a"),
      b: view("b"),
      remove: async () => {
        for (const side of ["a", "b"] as const) {
          const { kernel } = this[side];
          await kernel.run(deleteTunnel(kernel.family, ids[side])).catch(() => {});
        }
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.a.close(), this.b.close()]);
  }
}

/** Parameters of a PPP session. */
export function session(
  version: L2tpVersion,
  ids: { readonly sessionId: number; readonly peerSessionId: number },
  more: Partial<SessionPlaneParameters> = {},
): SessionPlaneParameters {
  return {
    name: "test",
    pseudowire: "ppp",
    ...ids,
    cookie: new Uint8Array(0),
    peerCookie: new Uint8Array(0),
    l2SpecificSublayer: version === 3 ? "default" : "none",
    sendSequence: false,
    receiveSequence: false,
    reorderMs: 0,
    ...more,
  };
}

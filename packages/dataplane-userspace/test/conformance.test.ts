/** The kit of @l2tp/dataplane over real sockets and TAP interfaces, in two network namespaces. */
import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { SessionPlane } from "@l2tp/dataplane";
import {
  type ConformanceEnd,
  type ConformanceFixture,
  dataPlaneSuite,
  type FramePort,
} from "@l2tp/dataplane/conformance";
import { UserspaceDataPlane, type UserspaceOptions } from "@l2tp/dataplane-userspace";
import { FrameSocket, type Host, Lab, Stranger } from "@l2tp/lab";
import { link } from "@l2tp/linux";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe } from "vitest";

function end(host: Host, options: UserspaceOptions): ConformanceEnd {
  return {
    plane: new UserspaceDataPlane(options),
    addresses: {
      4: [host.address(4), host.address(4, 1)],
      6: [host.address(6), host.address(6, 1)],
    },
    namespace: host.path,
    port: (session) => linkPort(session) ?? new FrameSocket(host, session.interfaceName as string),
    packets: (session) => new FrameSocket(host, session.interfaceName as string),
    vanish: (session) => host.netlink(link.remove({ name: session.interfaceName as string })),
  };
}

async function make(options: UserspaceOptions): Promise<ConformanceFixture> {
  const lab = new Lab();
  const [a, b] = [end(lab.a, options), end(lab.b, options)];
  return {
    a,
    b,
    wait: (ms) => delay(ms),
    // The stranger is at A's second address, where no wire of A is bound.
    raw: async (encapsulation, family) =>
      new Stranger(lab.a, encapsulation, { family, address: lab.a.address(family, 1), port: 0 }),
    async [Symbol.asyncDispose]() {
      await Promise.all([a.plane[Symbol.asyncDispose](), b.plane[Symbol.asyncDispose]()]);
      lab[Symbol.dispose]();
    },
  };
}

/** The frames of a PPP session. */
function linkPort({ link }: SessionPlane): FramePort | undefined {
  if (link === undefined) return undefined;
  const received: Uint8Array[] = [];
  const listening = link.onFrame((frame) => received.push(frame.slice()));
  return {
    received,
    send: (frame) => link.sendFrame(frame),
    [Symbol.asyncDispose]: async () => listening[Symbol.dispose](),
  };
}

const test = needs("linux", "root", "tun");
/** Where the tests are skipped there is nothing to make for them. */
const possible = process.platform === "linux" && process.getuid?.() === 0 && existsSync("/dev/net/tun");
const before: typeof beforeAll = (body, timeoutMs) => {
  if (possible) beforeAll(body, timeoutMs);
};

const api = { describe, test, beforeAll: before, afterAll };
const everyWay = (["udp", "ip"] as const).flatMap((encapsulation) =>
  ([4, 6] as const).map((family) => ({ encapsulation, family })),
);

dataPlaneSuite(api, {
  name: "userspace, every offload",
  make: () => make({ offload: "full" }),
  over: everyWay,
  versions: [2, 3],
  ports: ["eth", "ppp"],
  pppLink: "program",
  linkedOnly: true,
});

/** What is the same at every step of offloads: the capabilities, and that there is no version 2. */
const onceIsEnough = (name: string) => /^the capabilities|^version 2$/.test(name);
dataPlaneSuite(
  {
    ...api,
    describe: (name, body) => onceIsEnough(name) || describe(name, body),
    test: (name, body, timeoutMs) => onceIsEnough(name) || test(name, body, timeoutMs),
  },
  {
    name: "userspace, batches only",
    make: () => make({ offload: "batch" }),
    over: everyWay.slice(0, 1),
    versions: [2, 3],
    ports: ["eth", "ppp"],
    pppLink: "interface",
    linkedOnly: true,
  },
);

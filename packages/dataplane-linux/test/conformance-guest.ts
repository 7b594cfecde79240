/** The kit of @l2tp/dataplane on the kernel's data plane, in two network namespaces of the virtual machine. */
import { setTimeout as delay } from "node:timers/promises";
import {
  type ConformanceEnd,
  type ConformanceFixture,
  type ConformanceSkip,
  dataPlaneSuite,
} from "@l2tp/dataplane/conformance";
import { LinuxDataPlane } from "@l2tp/dataplane-linux";
import { FrameSocket, type Host, Lab, Stranger } from "@l2tp/lab";
import type { SuiteApi } from "@l2tp/testing/guest";
import { PacketPort } from "./packet-port.ts";

async function end(host: Host): Promise<ConformanceEnd> {
  return {
    plane: await LinuxDataPlane.create(),
    addresses: {
      4: [host.address(4), host.address(4, 1)],
      6: [host.address(6), host.address(6, 1)],
    },
    namespace: host.path,
    port: (session) => new FrameSocket(host, session.interfaceName as string),
    packets: (session) => new PacketPort((work) => host.run(work), session),
    // The kernel refuses `ip link delete` for interfaces of L2TP (EOPNOTSUPP): it goes with its session.
    vanish: async (session) => {
      const { code, output } = await host.execute("ip", "l2tp", "show", "session");
      const found = new RegExp(`^Session ${session.sessionId} in tunnel (\\d+)$`, "m").exec(output);
      const ids = ["tunnel_id", found?.[1] ?? "0", "session_id", String(session.sessionId)];
      const deleted = await host.execute("ip", "l2tp", "del", "session", ...ids);
      if (code !== 0 || deleted.code !== 0) throw new Error(`ip l2tp: ${output} ${deleted.output}`);
    },
  };
}

async function make(): Promise<ConformanceFixture> {
  const lab = new Lab();
  const [a, b] = [await end(lab.a), await end(lab.b)];
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

const skip: readonly ConformanceSkip[] = [
  {
    reason:
      "the test has two L2TPv2 tunnels between the same addresses and ports, which the kernel cannot tell apart; see test/ppp/link-guest.ts",
    tests: ["PPP link: a bridge passes frames and packets from session to session, until it is disposed of"],
  },
  {
    reason: "the kernel sends FF 03 and two octets of protocol in L2TP, always: every peer takes them",
    tests: ["PPP link: headers of packets are compressed as was agreed, those of LCP never lose FF 03"],
  },
  {
    reason:
      "the kernel counts in whole seconds, from when the interface was made; see test/ppp/link-guest.ts",
    tests: ["PPP link: when data was last received is known, and frames are no data"],
  },
  {
    reason: "the kernel takes a number that is behind for one from half the number space ahead, and drops it",
    tests: ["a sender that begins again at 0 is heard"],
  },
  {
    reason: "over IP the kernel drops data for sessions that are not there, and says nothing of it",
    over: { encapsulation: "ip" },
    tests: ["data for a session that is not there is counted and told of, and never answered"],
  },
  {
    reason:
      "over IP the kernel drops what is no data and no control message of 12 octets or more, and does not count it",
    over: { encapsulation: "ip" },
    tests: [
      "datagrams that are too short or of another version are counted and do no harm",
      "anything with the T bit is handed up as it came",
    ],
  },
];

export default function suite(api: SuiteApi): void {
  dataPlaneSuite(api, {
    name: "linux",
    make,
    over: [
      { encapsulation: "udp", family: 4 },
      { encapsulation: "udp", family: 6 },
      { encapsulation: "ip", family: 4 },
      { encapsulation: "ip", family: 6 },
    ],
    pppLink: "interface",
    withoutCheckSource:
      "the kernel drops packets with other sources and does not count them; see test/ppp/link-guest.ts",
    skip,
    patienceMs: 10_000,
    timeoutMs: 120_000,
  });
}

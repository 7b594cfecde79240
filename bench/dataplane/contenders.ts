/** The ways to carry Ethernet, or IP by PPP, between two hosts that the benchmarks compare. */
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type End, ip, type Lab } from "./lab.ts";

/** A tunnel that is up. */
export interface Running {
  /** Where B is reached through it. */
  readonly address: string;
  /** The processes whose CPU time is the tunnel's; none where the kernel does the work. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

export interface Contender {
  readonly name: string;
  readonly description: string;
  start(lab: Lab): Promise<Running>;
}

const MTU = "1450";
const endpoint = fileURLToPath(new URL("endpoint.ts", import.meta.url));
const endpointPpp = fileURLToPath(new URL("endpoint-ppp.ts", import.meta.url));

/** Starts the same program at both ends. */
async function pair(
  lab: Lab,
  ready: RegExp,
  command: (own: End, peer: End, first: boolean) => string[],
): Promise<(ChildProcess & { pid: number })[]> {
  const [a, b] = [lab.a, lab.b];
  return Promise.all(
    [command(a, b, true), command(b, a, false)].map(([program = "", ...args], i) =>
      lab.start(i === 0 ? a : b, ready, program, ...args),
    ),
  );
}

const running = (lab: Lab, children: readonly (ChildProcess & { pid: number })[]): Running => ({
  address: lab.b.inner,
  pids: children.map(({ pid }) => pid),
  stop: async () => {
    await Promise.all(children.map((child) => lab.stop(child)));
  },
});

export const veth: Contender = {
  name: "veth",
  description: "bare veth, no tunnel",
  start: async (lab) => ({ address: lab.b.outer, pids: [], stop: async () => {} }),
};

export const vxlan: Contender = {
  name: "vxlan",
  description: "kernel VXLAN",
  async start(lab) {
    for (const [own, peer] of [
      [lab.a, lab.b],
      [lab.b, lab.a],
    ] as const) {
      const remote = ["id", "7", "local", own.outer, "remote", peer.outer, "dstport", "4789"];
      ip("-n", own.namespace, "link", "add", "tunnel", "mtu", MTU, "type", "vxlan", ...remote);
      ip("-n", own.namespace, "addr", "add", `${own.inner}/24`, "dev", "tunnel");
      ip("-n", own.namespace, "link", "set", "tunnel", "up");
    }
    return {
      address: lab.b.inner,
      pids: [],
      stop: async () => {
        for (const end of lab.ends) ip("-n", end.namespace, "link", "del", "tunnel");
      },
    };
  },
};

export const openvpn: Contender = {
  name: "openvpn",
  description: "OpenVPN 2.6, TAP, no cipher and no authentication",
  async start(lab) {
    const children = await pair(lab, /Initialization Sequence Completed/, (own, peer) => [
      "openvpn",
      ...["--dev", "tap0", "--dev-type", "tap", "--proto", "udp", "--port", "1194"],
      ...["--local", own.outer, "--remote", peer.outer, "--ifconfig", own.inner, "255.255.255.0"],
      ...["--cipher", "none", "--auth", "none", "--data-ciphers", "none", "--tun-mtu", MTU],
      ...["--sndbuf", "4194304", "--rcvbuf", "4194304", "--txqueuelen", "1000"],
    ]);
    return running(lab, children);
  },
};

/** As a router and not a bridge: packets, as in PPP. */
export const openvpnTun: Contender = {
  name: "openvpn-tun",
  description: "OpenVPN 2.6, TUN, no cipher and no authentication",
  async start(lab) {
    const children = await pair(lab, /Initialization Sequence Completed/, (own, peer) => [
      "openvpn",
      ...["--dev", "tun0", "--dev-type", "tun", "--proto", "udp", "--port", "1194"],
      ...["--local", own.outer, "--remote", peer.outer, "--ifconfig", own.inner, peer.inner],
      ...["--cipher", "none", "--auth", "none", "--data-ciphers", "none", "--tun-mtu", MTU],
      ...["--sndbuf", "4194304", "--rcvbuf", "4194304", "--txqueuelen", "1000"],
    ]);
    return running(lab, children);
  },
};

/** A PPP session in L2TPv2. */
export function oursPpp(offload: "full" | "batch"): Contender {
  return {
    name: offload === "full" ? "ours-ppp" : "ours-ppp-batch",
    description: offload === "full" ? "ours, PPP, every offload" : "ours, PPP, the fallback",
    async start(lab) {
      const children = await pair(lab, /ready/, (own, peer, first) => [
        ...[process.execPath, "--conditions=@l2tp/source", "--import", "tsx", endpointPpp],
        ...[offload, own.outer, peer.outer, own.inner, peer.inner, MTU],
        ...(first ? ["1", "2"] : ["2", "1"]),
      ]);
      return running(lab, children);
    },
  };
}

function reference(mode: "batch" | "offload", binary: string): Contender {
  return {
    name: `c-${mode}`,
    description: mode === "batch" ? "C, recvmmsg and sendmmsg" : "C, TSO on the TAP and UDP GSO/GRO",
    async start(lab) {
      const children = await pair(lab, /ready/, (own, peer, first) => [
        ...[binary, mode, "tap0", own.outer, peer.outer, "1701"],
        ...(first ? ["1", "2"] : ["2", "1"]),
      ]);
      for (const end of lab.ends) {
        ip("-n", end.namespace, "addr", "add", `${end.inner}/24`, "dev", "tap0");
        ip("-n", end.namespace, "link", "set", "tap0", "mtu", MTU, "gso_max_size", "60000", "up");
      }
      return running(lab, children);
    },
  };
}

function ours(offload: "full" | "batch"): Contender {
  return {
    name: offload === "full" ? "ours" : "ours-batch",
    description: offload === "full" ? "ours, every offload" : "ours, the fallback: recvmmsg and sendmmsg",
    async start(lab) {
      const children = await pair(lab, /ready/, (own, peer, first) => [
        ...[process.execPath, "--conditions=@l2tp/source", "--import", "tsx", endpoint],
        ...[offload, own.outer, peer.outer, `${own.inner}/24`, MTU],
        ...(first ? ["1", "2"] : ["2", "1"]),
      ]);
      return running(lab, children);
    },
  };
}

/** All of them, in the order in which a round runs them. */
export const contenders = (tunnel: string): readonly Contender[] => [
  veth,
  vxlan,
  openvpn,
  reference("offload", tunnel),
  ours("full"),
  reference("batch", tunnel),
  ours("batch"),
];

/** An LNS in one namespace, a LAC with all its subscribers in another, and hosts behind the LNS: loads between them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startL2tpd } from "../lns/l2tpd.ts";
import { L2TPNS_SECRET, startL2tpns } from "../lns/l2tpns.ts";
import { type Program, Space } from "../lns/space.ts";
import { ip, sleep } from "./lab.ts";

const lac = fileURLToPath(new URL("lac.ts", import.meta.url));
/** Addresses outside; hosts behind the LNS; subscribers. */
const LNS = "10.99.0.1";
const LAC = "10.99.0.2";
const HOSTS = "10.80.0.0/15";
const SUBSCRIBERS = "10.64.0.0/15";
const INNER = { lns: "10.98.0.1", lac: "10.98.0.2" };
const MTU = "1450";
const PORT = "5301";
/** l2tpns takes 13 s until it answers; then come the sessions. */
const READY_MS = 90_000;

/** What a load brought, and what it cost the LNS. */
export interface Moved {
  readonly octets: number;
  readonly packets: number;
  readonly seconds: number;
  /** Processor time of the LNS, in seconds; 0 where the kernel does the work. */
  readonly cpu: number;
}

/** Paths that are up between the hosts and the subscribers. */
export interface Paths {
  /** For bench/reference/fanload.c: host and subscriber, a line each. */
  readonly file: string;
  stop(): Promise<void>;
}

/** An LNS that runs, or what is measured beside one. */
export interface RunningLns {
  /** Whose CPU time counts. */
  readonly program: Program | undefined;
  paths(sessions: number): Promise<Paths>;
  stop(): Promise<void>;
}

export interface LnsContender {
  readonly name: string;
  readonly description: string;
  start(lab: LnsLab): Promise<RunningLns>;
}

export class LnsLab implements AsyncDisposable {
  readonly lns = new Space("core");
  readonly lac = new Space("lac");
  readonly #fanload: string;

  /** @param fanload - the program, as built */
  constructor(fanload: string) {
    this.#fanload = fanload;
    const peer = ["peer", "name", "wire", "netns", this.lac.name];
    ip("link", "add", "wire", "netns", this.lns.name, "type", "veth", ...peer);
    for (const [space, address, local] of [
      [this.lns, LNS, HOSTS],
      [this.lac, LAC, SUBSCRIBERS],
    ] as const) {
      ip("-n", space.name, "addr", "add", `${address}/24`, "dev", "wire");
      ip("-n", space.name, "link", "set", "wire", "up");
      // All of these addresses are here, without one of them being written down.
      ip("-n", space.name, "route", "add", "local", local, "dev", "lo");
    }
  }

  /** Loads the paths: `down` to the subscribers, `up` from them. */
  async load(
    lns: RunningLns,
    { file }: Paths,
    way: "down" | "up",
    sessions: number,
    seconds: number,
    udp?: { readonly octets: number; readonly packetsPerSecond: number },
  ): Promise<Moved> {
    const [from, to] = way === "down" ? [this.lns, this.lac] : [this.lac, this.lns];
    const receiver = to.start(this.#fanload, "receive", PORT, String(seconds + 1.5));
    await said(receiver, /ready/);
    const before = lns.program?.cpu() ?? 0;
    const sender = from.start(
      this.#fanload,
      udp === undefined ? "tcp" : "udp",
      way === "down" ? file : `${file}.up`,
      ...[sessions, PORT, seconds].map(String),
      ...(udp === undefined ? [] : [String(udp.octets), String(udp.packetsPerSecond)]),
    );
    if ((await sender.exited) !== 0) throw new Error(`fanload: ${sender.errors}`);
    await receiver.exited;
    const cpu = (lns.program?.cpu() ?? 0) - before;
    const [octets = 0, packets = 0, took = 0] = [...receiver.output.matchAll(/[\d.]+/g)].map(Number);
    if (octets === 0) throw new Error(`nothing arrived (${way}, ${sessions} sessions): ${receiver.errors}`);
    return { octets, packets, seconds: took, cpu };
  }

  /** Writes the pairs of both directions. */
  pairs(lines: readonly (readonly [host: string, subscriber: string])[]): string {
    const file = join(this.lac.folder, "pairs");
    writeFileSync(file, lines.map(([host, subscriber]) => `${host} ${subscriber}\n`).join(""));
    writeFileSync(`${file}.up`, lines.map(([host, subscriber]) => `${subscriber} ${host}\n`).join(""));
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lac[Symbol.asyncDispose]();
    await this.lns[Symbol.asyncDispose]();
  }
}

async function said(program: Program, what: RegExp, limitMs = 20_000): Promise<void> {
  for (const until = performance.now() + limitMs; !what.test(program.output); await sleep(20)) {
    if (program.hasEnded || performance.now() > until) {
      throw new Error(
        `${program.name} did not get ready:\n${program.errors}\n${program.output.slice(-2_000)}`,
      );
    }
  }
}

/** One path for all, whatever their number. */
const one = (lab: LnsLab, host: string, subscriber: string) => async (): Promise<Paths> => ({
  file: lab.pairs([[host, subscriber]]),
  stop: async () => {},
});

const vethOnly: LnsContender = {
  name: "veth",
  description: "bare veth, no tunnel",
  start: async (lab) => ({ program: undefined, paths: one(lab, LNS, LAC), stop: async () => {} }),
};

const vxlan: LnsContender = {
  name: "vxlan",
  description: "kernel VXLAN, one tunnel",
  async start(lab) {
    for (const [space, own, peer, inner] of [
      [lab.lns, LNS, LAC, INNER.lns],
      [lab.lac, LAC, LNS, INNER.lac],
    ] as const) {
      const remote = ["id", "7", "local", own, "remote", peer, "dstport", "4789"];
      ip("-n", space.name, "link", "add", "tunnel", "mtu", MTU, "type", "vxlan", ...remote);
      ip("-n", space.name, "addr", "add", `${inner}/24`, "dev", "tunnel");
      ip("-n", space.name, "link", "set", "tunnel", "up");
    }
    return {
      program: undefined,
      paths: one(lab, INNER.lns, INNER.lac),
      stop: async () => {
        for (const space of [lab.lns, lab.lac]) ip("-n", space.name, "link", "del", "tunnel");
      },
    };
  },
};

const openvpn: LnsContender = {
  name: "openvpn",
  description: "OpenVPN 2.6, TUN, no cipher, one tunnel",
  async start(lab) {
    const [program, peer] = (
      [
        [lab.lns, LNS, LAC, INNER.lns, INNER.lac],
        [lab.lac, LAC, LNS, INNER.lac, INNER.lns],
      ] as const
    ).map(([space, own, peer, inner, peerInner]) =>
      space.start(
        "openvpn",
        ...["--dev", "tun0", "--dev-type", "tun", "--proto", "udp", "--port", "1194"],
        ...["--local", own, "--remote", peer, "--ifconfig", inner, peerInner],
        ...["--cipher", "none", "--auth", "none", "--data-ciphers", "none", "--tun-mtu", MTU],
        ...["--sndbuf", "4194304", "--rcvbuf", "4194304", "--txqueuelen", "1000"],
      ),
    ) as [Program, Program];
    for (const end of [program, peer]) await said(end, /Initialization Sequence Completed/);
    return {
      program,
      paths: one(lab, INNER.lns, INNER.lac),
      stop: async () => {
        await Promise.all([program.stop(), peer.stop()]);
      },
    };
  },
};

/** Our LAC, whoever is the LNS. */
const dialled =
  (lab: LnsLab, secret: string) =>
  async (sessions: number): Promise<Paths> => {
    const file = join(lab.lac.folder, "sessions");
    const program = lab.lac.start(
      process.execPath,
      ...["--conditions=@l2tp/source", "--import", "tsx", lac, LNS, secret, String(sessions), file],
    );
    await said(program, /ready/, READY_MS).catch(async (error: unknown) => {
      await program.stop();
      throw error;
    });
    const lines = readPairs(file);
    return { file: lab.pairs(lines), stop: () => program.stop() };
  };

const readPairs = (file: string): [string, string][] =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ") as [string, string]);

export const l2tpns: LnsContender = {
  name: "l2tpns",
  description: "l2tpns 2.4 as LNS",
  async start(lab) {
    const program = await startL2tpns(lab.lns);
    return { program, paths: dialled(lab, L2TPNS_SECRET), stop: () => program.stop() };
  },
};

export const ours: LnsContender = {
  name: "ours",
  description: "l2tpd as LNS, userspace data plane",
  async start(lab) {
    const program = startL2tpd(lab.lns, { dataPlane: "userspace", ppp: { echoMs: 60_000 }, address: LNS });
    return { program, paths: dialled(lab, ""), stop: () => program.stop() };
  },
};

/** In the order in which a round runs them; l2tpns is left out where it is not installed. */
export const lnsContenders = (hasL2tpns: boolean): readonly LnsContender[] => [
  vethOnly,
  vxlan,
  openvpn,
  ...(hasL2tpns ? [l2tpns] : []),
  ours,
];

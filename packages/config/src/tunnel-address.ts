/** A tunnel's addresses: ours, the peer's, and for a dynamic tunnel those of all peers that may be dialled. */
import type { SocketAddress } from "@l2tp/protocol";
import {
  isMulticast,
  isUnspecified,
  L2TP_PORT,
  needsZone,
  type Read,
  readHostAndPort,
  readSocketAddress,
  type WrittenAddress,
} from "./address.ts";
import { expectation } from "./keys/declare.ts";
import { TUNNEL_KEYS } from "./keys/tunnel.ts";
import type { KeyPath } from "./problem.ts";
import type { Report } from "./report.ts";
import { found } from "./table.ts";
import type { PeerTargetConfig, TunnelConfig } from "./types.ts";

/** What the addresses depend on. */
export interface Wire {
  readonly report: Report;
  /** Of the tunnel. */
  readonly path: KeyPath;
  readonly encapsulation: "udp" | "ip";
  readonly mode: TunnelConfig["mode"];
}

/** As zod has let `peer` pass. */
type WrittenPeer =
  | string
  | {
      readonly address: string;
      readonly port?: number | undefined;
      readonly priority?: number | undefined;
      readonly weight?: number | undefined;
    };

const NOWHERE: SocketAddress = { family: 4, address: "0.0.0.0", port: 0 };

/** Reads both ends. `peer` is nowhere when the report has failed, or in a dynamic tunnel. */
export function readAddresses(
  wire: Wire,
  localText: string | undefined,
  written: string | readonly WrittenPeer[] | undefined,
): { local?: SocketAddress; peer: SocketAddress; peers: readonly PeerTargetConfig[] } {
  const { report, path, encapsulation, mode } = wire;
  const peers = written === undefined ? [] : readPeers(wire, written);
  const [first] = peers;
  const configured = mode !== "dynamic";
  const peer: SocketAddress =
    configured && first?.family !== undefined
      ? { family: first.family, address: first.host, port: first.port }
      : NOWHERE;
  const parsedLocal = parsed(wire, [...path, "local"], localText);
  const families = new Set(peers.map(({ family }) => family));
  const onlyFamily = families.size === 1 ? first?.family : undefined;
  const family = parsedLocal?.family ?? onlyFamily ?? 4;
  // Nobody could send to a configured tunnel whose port the system chooses.
  const port =
    encapsulation === "ip" ? 0 : (parsedLocal?.port ?? (configured || parsedLocal ? L2TP_PORT : 0));
  const local =
    parsedLocal || (configured && encapsulation === "udp")
      ? { family, address: parsedLocal?.address ?? (family === 4 ? "0.0.0.0" : "::"), port }
      : undefined;
  if (parsedLocal && local) {
    checkLocal(report, [...path, "local"], local, configured && encapsulation === "udp");
    // `:1702` is of no family.
    const other = parsedLocal.family && peers.find((one) => one.family && one.family !== local.family);
    if (other) {
      report.error({
        code: "conflict",
        path: [...path, "local"],
        reason: `${local.address} is IPv${local.family}, and the peer ${other.host} is IPv${other.family}`,
        remedy: "Both must be of one family.",
      });
    }
  }
  return { ...(local && { local }), peer, peers };
}

/** All that may be dialled. */
function readPeers(wire: Wire, written: string | readonly WrittenPeer[]): PeerTargetConfig[] {
  const path = [...wire.path, "peer"];
  const single = typeof written === "string";
  if (!single && wire.mode !== "dynamic") {
    wire.report.error({
      code: "conflict",
      path,
      reason: `a ${wire.mode} tunnel has one peer`,
      expected: expectation(TUNNEL_KEYS.peer),
    });
    return [];
  }
  const seen = new Map<string, number>();
  return (single ? [written] : written).flatMap((one, at) => {
    const here = single ? path : [...path, at];
    const { address: text, ...given } = typeof one === "string" ? { address: one } : one;
    const target = readPeer(wire, typeof one === "string" ? here : [...here, "address"], text);
    if (target === undefined) return [];
    const { port = target.port, priority = 0, weight = 1 } = given;
    if (given.port !== undefined && target.portGiven && given.port !== target.port) {
      wire.report.error({
        code: "conflict",
        path: [...here, "port"],
        reason: `${given.port}, and the address says ${target.port}`,
      });
    }
    const name = `${target.host} ${port}`;
    const other = seen.get(name);
    if (other !== undefined) {
      wire.report.error({
        code: "duplicate",
        path: here,
        reason: `${found(text)} is there twice`,
        remedy: "Give it a weight instead.",
      });
    }
    seen.set(name, at);
    const { host, family } = target;
    return [{ host, ...(family !== undefined && { family }), port, priority, weight }];
  });
}

interface ReadPeer {
  readonly host: string;
  readonly family?: 4 | 6;
  readonly port: number;
  readonly portGiven: boolean;
}

function readPeer(wire: Wire, path: KeyPath, text: string): ReadPeer | undefined {
  const { report, encapsulation, mode } = wire;
  if (mode === "dynamic") {
    const named = readHostAndPort(text);
    if (named !== undefined) {
      if ("wrong" in named) {
        wrong(report, path, text, named.wrong, named.remedy);
        return undefined;
      }
      const { host, port } = named.value;
      return { host, port: port ?? L2TP_PORT, portGiven: port !== undefined };
    }
  }
  const read = parsed(wire, path, text);
  if (read === undefined) return undefined;
  const { family, address, port = L2TP_PORT } = read;
  if (family === undefined || address === undefined) {
    wrong(report, path, text, "has no address, and the peer must have one");
    return undefined;
  }
  const peer = { family, address, port: encapsulation === "ip" ? 0 : port };
  checkPeer(report, path, peer, encapsulation);
  return { host: address, family, port: peer.port, portGiven: read.port !== undefined };
}

function parsed(wire: Wire, path: KeyPath, text: string | undefined): WrittenAddress | undefined {
  if (text === undefined) return undefined;
  const read: Read<WrittenAddress> = readSocketAddress(text);
  if ("wrong" in read) {
    wrong(wire.report, path, text, read.wrong, read.remedy);
    return undefined;
  }
  if (wire.encapsulation === "ip" && read.value.port) {
    wire.report.warn({
      code: "ignored",
      path,
      reason: `the port ${read.value.port} is ignored: L2TP over IP has no ports`,
    });
  }
  return read.value;
}

function wrong(report: Report, path: KeyPath, text: string | undefined, what: string, remedy?: string): void {
  report.error({
    code: "invalid-value",
    path,
    reason: `${found(text)} ${what}`,
    expected: expectation(path.includes("peer") ? TUNNEL_KEYS.peer : TUNNEL_KEYS.local),
    ...(remedy !== undefined && { remedy }),
  });
}

function checkPeer(report: Report, path: KeyPath, peer: SocketAddress, encapsulation: "udp" | "ip"): void {
  if (isUnspecified(peer.address)) wrong(report, path, peer.address, "is nobody's address");
  else if (isMulticast(peer)) wrong(report, path, peer.address, "is a multicast address");
  else if (encapsulation === "udp" && peer.port === 0) wrong(report, path, peer.address, "has the port 0");
  checkZone(report, path, peer);
}

/** What our own address must be, of a tunnel or a listener. */
export function checkLocal(report: Report, path: KeyPath, local: SocketAddress, fixedPort: boolean): void {
  if (isMulticast(local)) wrong(report, path, local.address, "is a multicast address");
  checkZone(report, path, local);
  if (fixedPort && local.port === 0) {
    report.warn({
      code: "conflict",
      path,
      reason: "the port 0 is any free port, and the peer of a configured tunnel cannot know which",
      remedy: "Give a port, such as 1701.",
    });
  }
}

function checkZone(report: Report, path: KeyPath, at: SocketAddress): void {
  if (needsZone(at)) {
    wrong(
      report,
      path,
      at.address,
      "is link-local and needs its interface",
      `Write [${at.address}%eth0]:1701.`,
    );
  }
}

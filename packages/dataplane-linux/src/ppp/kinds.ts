/** The pseudowires of PPP, as sessions of this data plane. */
import { existsSync } from "node:fs";
import type { FeatureStatus } from "@l2tp/dataplane";
import { abi, pppabi, pppd as pppds, raw, SyscallError, sys } from "@l2tp/linux";
import type { Pseudowire } from "@l2tp/protocol";
import type { SessionHost, SessionKind } from "../session-kind.ts";
import type { PppHost } from "./host.ts";
import { createLinkSession } from "./link-session.ts";
import { createPppacSession } from "./pppac-session.ts";
import { createPppdSession } from "./pppd-session.ts";

/**
 * Sessions of pseudowire `ppp` and `pppac`.
 * @param log - takes each line that a session's pppd says, without secrets.
 */
export function pppKinds(log: (line: string) => void): {
  readonly ppp: SessionKind;
  readonly pppac: SessionKind;
} {
  const hostOf = (host: SessionHost): PppHost => ({
    kernel: host.kernel,
    carrier: host.carrier,
    descriptors: host.descriptors,
    what: host.what,
    mtuOctets: host.mtuOctets,
    lost: (reason) => host.lost(reason),
    refuseLoop: (index, name) => host.refuseLoop(index, name),
    log: (line) => log(`${host.what}: ${line}`),
    missing: (feature, why) => host.missing(feature, why),
    addressesChanged: (name, addresses) => host.addressesChanged(name, addresses),
  });
  return {
    ppp: {
      create: (host, parameters) =>
        parameters.pppLink === undefined
          ? createPppdSession(hostOf(host), parameters)
          : createLinkSession(hostOf(host), parameters),
    },
    pppac: { create: (host, parameters) => createPppacSession(hostOf(host), parameters) },
  };
}

/** What of PPP can be had here. */
export interface PppProbe {
  readonly features: readonly FeatureStatus[];
  /** Pseudowires that cannot be had, and why. */
  readonly missing: ReadonlyMap<Pseudowire, string>;
  /** pppd is there to run sessions. */
  readonly pppd: boolean;
}

/** What of PPP can be had here, each with the reason where it cannot. Opens sockets of the family and closes them. */
export function probePpp(): PppProbe {
  const l2tp = probeSocket(abi.SOCK_DGRAM, pppabi.PX_PROTO_OL2TP, "PPPoL2TP") ?? probeDevice();
  const pppoe = l2tp ?? probeSocket(abi.SOCK_STREAM, pppabi.PX_PROTO_OE, "PPPoE");
  const pppd = probePppd();
  const row = (pseudowire: "ppp" | "pppac", using: string, why: string | undefined): FeatureStatus => ({
    feature: `pseudowire ${pseudowire}`,
    using: why === undefined ? using : "off",
    ...(why !== undefined && { why }),
  });
  return {
    features: [
      row("ppp", "PPPoL2TP and /dev/ppp", l2tp),
      row("pppac", "PPPoL2TP bridged to PPPoE", pppoe),
      {
        feature: "pppd",
        using: pppd === undefined && l2tp === undefined ? "plugin pppol2tp.so" : "off",
        ...((l2tp ?? pppd) !== undefined && { why: (l2tp ?? pppd) as string }),
      },
    ],
    missing: new Map([
      ...(l2tp === undefined ? [] : [["ppp", l2tp] as const]),
      ...(pppoe === undefined ? [] : [["pppac", pppoe] as const]),
    ]),
    pppd: l2tp === undefined && pppd === undefined,
  };
}

/** Why there are no sockets of the kind; undefined when there are. */
function probeSocket(type: number, protocol: number, what: string): string | undefined {
  const fd = raw().socket(pppabi.AF_PPPOX, type | abi.SOCK_CLOEXEC, protocol);
  if (fd < 0) return new SyscallError("socket", -fd, what).message;
  sys.close(fd as Parameters<typeof sys.close>[0]);
  return undefined;
}

function probeDevice(): string | undefined {
  return existsSync("/dev/ppp") ? undefined : new SyscallError("open", 2, "/dev/ppp").message;
}

function probePppd(): string | undefined {
  try {
    pppds.findPppd();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

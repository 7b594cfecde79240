/** The other end: `ip l2tp`, many lines in one process. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Site } from "@l2tp/lab";
import { type Combination, identityOf, OUTER } from "../combinations.ts";

/** Runs lines of `ip` as one batch. @throws Error with what `ip` said, when a line fails */
export async function ipBatch(site: Site, lines: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "l2tp-ip-"));
  try {
    const file = join(folder, "batch");
    writeFileSync(file, `${lines.join("\n")}\n`);
    const { code, output } = await site.execute("ip", "-batch", file);
    if (code !== 0) throw new Error(`ip -batch ended with ${code}: ${output}`);
    return output;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hex = (octets: Uint8Array): string => Buffer.from(octets).toString("hex");

/** The peer's end of a combination, from the tunnel to the address inside. */
export function iproute2Lines(combination: Combination): string[] {
  const { encapsulation, family, sequence, sublayer } = combination;
  const ours = identityOf(combination, "a");
  const theirs = identityOf(combination, "b");
  const tunnel = [
    `l2tp add tunnel tunnel_id ${theirs.tunnelId} peer_tunnel_id ${ours.tunnelId}`,
    `encap ${encapsulation} local ${OUTER[family].b} remote ${OUTER[family].a}`,
    encapsulation === "udp" ? `udp_sport ${theirs.port} udp_dport ${ours.port}` : "",
  ];
  // ip's "cookie" is what it sends, which is what we expect.
  const cookies =
    combination.cookie === 0 ? "" : `cookie ${hex(ours.cookie)} peer_cookie ${hex(theirs.cookie)}`;
  const session = [
    `l2tp add session name ${theirs.interfaceName} tunnel_id ${theirs.tunnelId}`,
    `session_id ${theirs.sessionId} peer_session_id ${ours.sessionId} ${cookies}`,
    `l2spec_type ${sublayer ? "default" : "none"} ${sequence ? "seq both" : ""}`,
  ];
  return [
    tunnel.join(" "),
    session.join(" "),
    `link set ${theirs.interfaceName} up`,
    `addr add ${theirs.address}/24 dev ${theirs.interfaceName}`,
  ];
}

/** What `ip -s link` counts of an interface. */
export interface LinkFigures {
  readonly mtu: number;
  readonly rx: { readonly packets: number; readonly bytes: number };
  readonly tx: { readonly packets: number; readonly bytes: number };
}

/** `ip -s link`, by the interface's name. */
export async function ipLinkFigures(site: Site): Promise<Map<string, LinkFigures>> {
  const { code, output } = await site.execute("ip", "-s", "-j", "link");
  if (code !== 0) throw new Error(output);
  const rows = JSON.parse(output) as {
    ifname: string;
    mtu: number;
    stats64: { rx: LinkFigures["rx"]; tx: LinkFigures["tx"] };
  }[];
  return new Map(rows.map(({ ifname, mtu, stats64 }) => [ifname, { mtu, ...stats64 }]));
}

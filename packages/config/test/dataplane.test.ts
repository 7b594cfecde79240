/**
 * What comes out goes into a data plane as it is: by type, and by the data plane's own checks. Only a PPPoE session
 * has in `interface` what the data plane calls the link's device.
 */
import { readdirSync, readFileSync } from "node:fs";
import {
  checkSession,
  checkTunnel,
  type DataPlaneCapabilities,
  type SessionPlaneParameters,
} from "@l2tp/dataplane";
import type { SessionParameters, TunnelParameters } from "@l2tp/protocol";
import { expect, expectTypeOf, test } from "vitest";
import { type ConfiguredSessionConfig, type ConfiguredTunnelConfig, parseConfig } from "../src/index.ts";

test("a configured tunnel is a TunnelParameters, a session a SessionPlaneParameters", () => {
  expectTypeOf<ConfiguredTunnelConfig>().toExtend<TunnelParameters>();
  expectTypeOf<ConfiguredSessionConfig>().toExtend<SessionParameters>();
  expectTypeOf<Omit<ConfiguredSessionConfig, "pppoe">>().toExtend<Omit<SessionPlaneParameters, "pppoe">>();
});

const forPlane = ({ pppoe, ...session }: ConfiguredSessionConfig): SessionPlaneParameters => ({
  ...session,
  ...(pppoe && { pppoe: { ...pppoe, device: session.interface.name ?? "" } }),
});

const everything: DataPlaneCapabilities = {
  versions: [2, 3],
  encapsulations: ["udp", "ip"],
  families: [4, 6],
  pseudowires: ["eth", "ppp", "pppac"],
  interfaces: true,
};
const examples = new URL("../../../examples/", import.meta.url);

test.each(readdirSync(examples).filter((file) => file.endsWith(".toml")))(
  "each tunnel and session of %s passes the checks of a data plane",
  (file) => {
    const { tunnels, listeners } = parseConfig(readFileSync(new URL(file, examples), "utf8"), { file });
    // What is negotiated, the control plane checks.
    let checked = listeners.length + tunnels.filter(({ mode }) => mode === "dynamic").length;
    for (const tunnel of tunnels) {
      if (tunnel.mode === "dynamic") continue;
      const { version, tunnelId, peerTunnelId, peer, encapsulation, udpChecksum, local } = tunnel;
      const wire = { encapsulation, family: local?.family ?? peer.family };
      checkTunnel({ version, tunnelId, peerTunnelId, peer, udpChecksum }, wire, everything);
      for (const session of tunnel.sessions) {
        checkSession(forPlane(session), version, everything);
        checked += 1;
      }
    }
    expect(checked).toBeGreaterThan(0);
  },
);

test("sequence numbers without a sublayer never reach the data plane", () => {
  const [tunnel] = parseConfig(
    '[tunnel.t]\npeer = "192.0.2.2:1701"\nlocal = "192.0.2.1:1701"\nversion = "l2tpv3"\nencap = "udp"\ntid = 1\nptid = 2\n' +
      '[tunnel.t.session.s]\npseudowire = "eth"\nsid = 1\npsid = 2\nseqnum = true\n',
  ).tunnels;
  if (tunnel?.mode !== "quiescent") throw new Error("it is to be quiescent");
  const [session] = tunnel.sessions;
  if (session === undefined) throw new Error("it is to have a session");
  expect(() => checkSession(forPlane(session), 3, everything)).not.toThrow();
});

/**
 * l2tpns as a LAC of ours: l2tpd calls it as a client does, and it forwards the session to our LNS. It has agreed on LCP
 * with the client by then, and tells the LNS nothing of that (no proxy AVPs): LCP begins anew, in the middle of the call.
 */

import { Site, until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { TwoSites } from "../support/pseudowire.ts";
import { ping, tcp } from "../support/traffic.ts";
import { L2tpns } from "./l2tpns.ts";

const GATEWAY = "100.64.0.1";
/** Our LNS, in a site of its own behind l2tpns. */
const LNS = "198.51.100.1";
const WAYS = ["pap", "chap"] as const;

const lnsDocument = (ctl: Ctl) => `
[daemon]
${ctl.key}

[listen.here]
local = "${LNS}:1701"

[peer.lac]
secret = "between-isps"
tunnel_profile = "l2tpns"

# It answers no challenges as LAC, but checks our answers to its own.
[profile.tunnel.l2tpns]
challenge = false

[user."*@isp.example"]
password = "test"

[profile.ppp.default]
auth = ["chap-md5", "pap"]
pool = "subscribers"
attach = "interface"

[pool.subscribers]
ranges = ["100.64.0.0/16"]
local = "${GATEWAY}"
`;

const clientDocument = (ctl: Ctl) => `
[daemon]
${ctl.key}

[tunnel.isp]
version = "l2tpv2"
peer = "192.0.2.2"
secret = "opensesame"

${WAYS.map(
  (way) => `[tunnel.isp.session.${way}]
user = "${way}@isp.example"
password = "test"
interface_name = "${way}"
ppp_profile = "${way}"
[profile.ppp.${way}]
own_auth = ["${way === "pap" ? "pap" : "chap-md5"}"]
`,
).join("\n")}`;

needs(
  "linux",
  "root",
  "tun",
  { tool: "l2tpns" },
  { tool: "ping" },
  { tool: "iperf3" },
)(
  "sessions that l2tpns forwards come up at our LNS, with the user's own proof, and carry packets",
  async () => {
    using sites = new TwoSites();
    using behind = new Site("C");
    using lnsCtl = new Ctl();
    using clientCtl = new Ctl();
    sites.b.cable("wan1", "198.51.100.2", behind, LNS);
    await using lns = new Daemon(behind, lnsDocument(lnsCtl));
    await using l2tpns = new L2tpns(sites.b, {
      address: "192.0.2.2",
      secret: "opensesame",
      authentication: "chap,pap",
      pool: "10.64.0.0/24",
      gateway: "10.65.0.1",
      more: `setforward @isp.example ${LNS} 1701 between-isps`,
    });
    await Promise.all([l2tpns.ready(), lns.says(/listening/)]);
    await using client = new Daemon(sites.a, clientDocument(clientCtl));
    for (const way of WAYS) {
      await client.says(new RegExp(`^session ${way} is up`));
      // The client is up when it has sent its last Configure-Ack, the LNS when it has that.
      const seen = () => lnsCtl.client.session(`${way}@isp.example`);
      await until(async () => (await seen()).ipv4 !== undefined, "the LNS has the session up");
      const atLns = await seen();
      const atClient = await clientCtl.client.session(way);
      expect(atLns.ppp?.peerAuthentication).toBe(way === "pap" ? "pap" : "chap-md5");
      expect(atClient.ipv4).toEqual({ local: atLns.ipv4?.peer, peer: GATEWAY });
      expect(await ping(sites.a, GATEWAY, { by: way, octets: 1400 })).toBe(true);
    }
    expect(await tcp(sites.a, behind, `${GATEWAY}%pap`, "--bind-dev", "pap")).toBeGreaterThan(1e5);
    // RADIUS was not asked: l2tpns knows these users only by their realm.
    expect(l2tpns.asked).not.toContain("isp.example");
    await clientCtl.client.hangUp("isp/pap");
    await lns.says(/^session .* is down/);
    expect(await client.stop()).toEqual({ code: 0, signal: null });
    expect(await lns.stop()).toEqual({ code: 0, signal: null });
    expect(behind.interfaces()).toEqual(["lo", "wan1"]);
  },
  300_000,
);

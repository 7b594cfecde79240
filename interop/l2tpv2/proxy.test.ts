/** Where PPP of a live LNS goes on when a LAC has negotiated with the caller already (RFC 2661 §4.4.5), octet by octet. */

import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { A, avp, numberOf, text, u16 } from "../../packages/control/test/wire.ts";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { here } from "../support/here.ts";
import { type Peer, Peers } from "./peer.ts";

const AT = { address: "127.0.0.1", port: 17_016 } as const;
/** The L bit of a data message's flags (RFC 2661 §3.1). */
const L = 0x4000;
const LCP = 0xc021;
const PAP = 0xc023;
const IPCP = 0x8021;

const document = (ctl: Ctl) => `
[daemon]
${ctl.key}

[listen.main]
local = "127.0.0.1:${AT.port}"

[peer.trusted]
host_name = ["trusted"]
ppp_profile = "trusted"
[peer.checked]
host_name = ["checked"]
ppp_profile = "checked"
[peer.ignored]
host_name = ["ignored"]
ppp_profile = "ignored"

[user.anna]
password = "test"

[profile.ppp.default]
attach = "program"
ipv6 = false
pool = "p"
[profile.ppp.trusted]
auth = ["pap"]
proxy = "use"
[profile.ppp.checked]
auth = ["pap"]
proxy = "verify"
[profile.ppp.ignored]
auth = ["pap"]
proxy = "renegotiate"

[pool.p]
ranges = ["100.64.0.0/24"]
local = "100.64.0.1"
`;

/** The PPP frames in the data messages: their protocols, and the codes of their packets. */
const framesOf = (peer: Peer) => peer.data.map(frameOf);
const lastOf = (peer: Peer) => framesOf(peer).at(-1);

function frameOf(octets: Uint8Array): { readonly protocol: number; readonly code: number } {
  const view = new DataView(octets.buffer, octets.byteOffset);
  let at = (view.getUint16(0) & L) === 0 ? 6 : 8;
  if (view.getUint16(at) === 0xff03) at += 2;
  return { protocol: view.getUint16(at), code: octets[at + 2] as number };
}

const test = needs("linux");

describe("a live LNS and proxy LCP", () => {
  const peers = new Peers();
  let ctl: Ctl;
  let daemon: Daemon;

  beforeAll(async () => {
    ctl = new Ctl();
    daemon = new Daemon(here, document(ctl));
    await daemon.says(/listening/);
  });
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
    await peers[Symbol.asyncDispose]();
    ctl[Symbol.dispose]();
  });

  /** A LAC that has negotiated LCP with anna, and has her password. */
  async function proxied(name: string, password: string): Promise<Peer> {
    const lac = await (await peers.caller(name, AT)).establish();
    lac.icrq(1);
    const session = numberOf(await lac.hears("ICRP"), 14) ?? 0;
    const magic = (octet: number) => [5, 6, octet, octet, octet, octet];
    lac.sayTo(
      session,
      "ICCN",
      A.txSpeed(1e6),
      A.framingType(1),
      avp(26, [1, 4, ...u16(1500), ...magic(7)], { m: 0 }),
      avp(27, [1, 4, ...u16(1400), 3, 4, ...u16(0xc023), ...magic(8)], { m: 0 }),
      avp(28, [1, 4, ...u16(1500), ...magic(7)], { m: 0 }),
      avp(29, u16(3), { m: 0 }),
      avp(30, text("anna"), { m: 0 }),
      avp(32, u16(0), { m: 0 }),
      avp(33, text(password), { m: 0 }),
    );
    await until(() => lac.data.length > 0 || lac.all("CDN").length > 0, "the LNS goes on");
    return lac;
  }

  test("as LNS it goes on where a LAC with proxy LCP and authentication has stopped", async () => {
    for (const policy of ["trusted", "checked"]) {
      const lac = await proxied(policy, "test");
      // Where the LNS has checked the password itself, it says first that it was right.
      await until(() => framesOf(lac).some(({ protocol }) => protocol === IPCP), `${policy}: IPCP`);
      expect(
        framesOf(lac).filter(({ protocol }) => protocol === LCP),
        policy,
      ).toEqual([]);
    }
  });

  test("it checks the password that the LAC has, where that is asked for", async () => {
    const lac = await proxied("checked", "tset");
    // Authenticate-Nak, and then the link is terminated (RFC 1334 §2.2.2): the LAC has asked, and nobody asks again.
    await until(() => lac.data.length > 1, "Terminate-Request");
    expect(framesOf(lac).slice(0, 2)).toEqual([
      { protocol: PAP, code: 3 },
      { protocol: LCP, code: 5 },
    ]);
    expect(daemon.lines.some(({ message }) => message.includes("tset"))).toBe(false);
  });

  test("it begins anew where that is asked for", async () => {
    const lac = await proxied("ignored", "test");
    expect(lastOf(lac)?.protocol).toBe(LCP);
  });
});

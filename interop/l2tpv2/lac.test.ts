/** l2tpd as LAC, on the null data plane, and scripted LNSs: failover, ties, hiding, outgoing calls. */

import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { A, avpOf, hear, hidden, numberOf, text } from "../../packages/control/test/wire.ts";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { here } from "../support/here.ts";
import { type Peer, Peers } from "./peer.ts";

/** For LNSs that are dead: those that live have the time that they need, however busy the machine is. */
const QUICK = "retry_timeout = 200\nmax_retries = 2";
const LOCAL = "127.0.0.1:17012";
const PORT = 17_013;
/** The LNS of a name, and the one that serves when it does not. */
const at = (n: number) => `127.0.2.${n}`;

const tunnel = (name: string, peer: string, keys = "", session = "") => `
[tunnel.${name}]
version = "l2tpv2"
local = "${LOCAL}"
peer = ${peer}
dial = "manual"
${keys}
[tunnel.${name}.session.line]
pseudowire = "ppp"
${session}
`;
const only = (n: number) => `"${at(n)}:${PORT}"`;
const either = (n: number) =>
  `[{ address = "${at(n)}:${PORT}" }, { address = "${at(n + 1)}:${PORT}", priority = 10 }]`;

const document = (ctl: Ctl) => `
[daemon]
${ctl.key}
host_name = "lac.example"

[listen.main]
local = "${LOCAL}"

[peer.all]

[profile.tunnel.default]
redial_timeout = 100
redial_timeout_max = 200
lockout = 200
${tunnel("another", either(10))}
${tunnel("failover", either(20), `redial = true\nfailback = "move"\nfailback_time = 1500\nhello_timeout = 500\n${QUICK}`)}
${tunnel("limited", only(30), `redial = true\nmax_redials = 2\n${QUICK}`)}
${tunnel("win", only(40), "tie_breaker = true")}
${tunnel("lose", only(41), "tie_breaker = true")}
${tunnel("hiding", only(50), 'secret = "opensesame"\nhiding = "send"', 'calling_number = "0815"\ncalled_number = "555"')}
${tunnel("outgoing", only(60), "", 'call = "outgoing"\ncalled_number = "555"')}
${tunnel("ports", only(70), 'secret = "opensesame"')}
${tunnel("numbered", only(80), "", "seqnum = true")}
${tunnel("again", only(90), "redial = true")}
`;

const test = needs("linux");

describe("a live LAC", () => {
  const peers = new Peers();
  let ctl: Ctl;
  let daemon: Daemon;
  const lns = (name: string, n: number) => peers.called(name, at(n), PORT);

  beforeAll(async () => {
    ctl = new Ctl();
    daemon = new Daemon(here, document(ctl), { dataPlane: "null" });
    await daemon.says(/listening/);
  });
  afterAll(async () => {
    await daemon[Symbol.asyncDispose]();
    await peers[Symbol.asyncDispose]();
    ctl[Symbol.dispose]();
  });

  /** Takes the daemon's call. @returns its Session ID */
  async function take(peer: Peer, nth = 1): Promise<number> {
    const session = numberOf(await peer.hears("ICRQ", nth), 14) ?? 0;
    peer.sayTo(session, "ICRP", A.sessionId(600 + nth));
    await peer.hears("ICCN", nth);
    return session;
  }

  test('"try another" is obeyed: the next LNS is dialled at once', async () => {
    const [first, second] = [await lns("first", 10), await lns("second", 11)];
    await ctl.client.dial("another");
    await first.hears("SCCRQ");
    first.say("StopCCN", A.tunnelId(first.tunnelId), A.result(2, 7, "busy, go next door"));
    await second.answers();
    await take(second);
    await daemon.says(/tunnel another to second .*is up/);
    await daemon.says(/session line is up/);
  });

  test("an LNS that is dead is left for the next, and taken again when it is back", async () => {
    const second = await lns("second", 21);
    await ctl.client.dial("failover");
    await second.answers();
    await take(second);
    const since = daemon.lines.length;
    const first = await lns("first", 20);
    await first.answers();
    await take(first);
    await daemon.says(/tunnel failover to first .*is up/, { since });
    await second.hears("StopCCN");
  });

  test("redials end at their limit, and the log says so", async () => {
    const socket = await peers.socket(at(30), PORT);
    const calls = new Set<number | undefined>();
    socket.on("message", (datagram) => calls.add(numberOf(hear(Uint8Array.from(datagram)), 9)));
    await ctl.client.dial("limited");
    const line = await daemon.says(/^tunnel limited: gave up/);
    expect(line.message).toMatch(/after 2 new tries: no-response/);
    expect(calls.size).toBe(3);
  });

  describe("both dial at the same time (Tie Breaker, RFC 2661 §4.4.3)", () => {
    test("our lower one wins: theirs is ignored", async () => {
      const peer = await lns("win", 40);
      await ctl.client.dial("win");
      const ours = avpOf(await peer.hears("SCCRQ"), 5);
      expect(ours).toHaveLength(8);
      const theirs = peer.theirs;
      peer.theirs = 0;
      peer.sccrq(A.tieBreaker(0xffff_ffff).map((octet, n) => (n < 6 ? octet : 0xff)));
      peer.theirs = theirs;
      peer.ns = 0;
      await new Promise((wake) => setTimeout(wake, 100));
      expect(peer.all("SCCRP")).toEqual([]);
      peer.nr = 1;
      peer.say("SCCRP", A.version(), A.framing(), A.host("win"), A.tunnelId(peer.tunnelId));
      await peer.hears("SCCCN");
      await daemon.says(/tunnel win to win .*is up/);
    });

    test("their lower one wins: we answer it, and the session goes over", async () => {
      const peer = await lns("lose", 41);
      await ctl.client.dial("lose");
      await peer.hears("SCCRQ");
      peer.theirs = 0;
      peer.ns = 0;
      peer.nr = 0;
      peer.sccrq(A.tieBreaker(0));
      await peer.hears("SCCRP");
      peer.say("SCCCN");
      await take(peer);
    });
  });

  test("numbers are hidden where that is asked for, and open with the secret", async () => {
    const peer = await lns("hiding", 50);
    await ctl.client.dial("hiding");
    await peer.answers("opensesame");
    const icrq = await peer.hears("ICRQ");
    const vector = avpOf(icrq, 36) as Uint8Array;
    for (const [type, number] of [
      [22, "0815"],
      [21, "555"],
    ] as const) {
      const found = icrq.avps.find((one) => one.type === type);
      expect(found?.h).toBe(1);
      const value = [...(found?.value ?? [])];
      const expected = hidden(type, "opensesame", [...vector], text(number));
      expect(value.slice(0, expected.length)).toEqual(expected);
    }
  });

  test("as LNS: a call that the peer is to place is up when it is connected", async () => {
    const peer = await lns("outgoing", 60);
    const since = daemon.lines.length;
    await ctl.client.dial("outgoing");
    await peer.answers(undefined, A.bearerCapabilities());
    const ocrq = await peer.hears("OCRQ");
    expect(String.fromCharCode(...(avpOf(ocrq, 21) ?? []))).toBe("555");
    const session = numberOf(ocrq, 14) ?? 0;
    peer.sayTo(session, "OCRP", A.sessionId(700));
    peer.sayTo(session, "OCCN", A.txSpeed(64_000), A.framingType(1));
    await daemon.says(/session line is up/, { since });
    peer.sayTo(session, "CDN", A.result(1, 0, "no carrier"), A.sessionId(700), A.q931(16, 1));
    const down = await daemon.says(/session line is down/, { since });
    expect(down.message).toMatch(/Q\.931 16 .*no carrier/);
  });

  test("an LNS that answers from another port is followed there", async () => {
    const peer = await lns("ports", 70);
    await ctl.client.dial("ports");
    await peer.hears("SCCRQ");
    peer.socket = await peers.socket(at(70));
    peer.listen(peer.socket);
    await peer.answers("opensesame");
    await take(peer);
    await daemon.says(/tunnel ports to ports .*is up/);
    const { peer: now } = await ctl.client.tunnel("ports");
    expect(now.port).toBe(peer.socket.address().port);
  });

  test("sequence numbers that are required are said so in the ICCN", async () => {
    const peer = await lns("numbered", 80);
    await ctl.client.dial("numbered");
    await peer.answers();
    await take(peer);
    expect(avpOf(await peer.hears("ICCN"), 39)).toEqual(new Uint8Array());
  });

  test("a call that the LNS ends is opened again; l2tpctl hangup of the tunnel ends that", async () => {
    const peer = await lns("again", 90);
    await ctl.client.dial("again");
    await peer.answers();
    const session = await take(peer);
    peer.sayTo(session, "CDN", A.result(3, 0, "tea time"), A.sessionId(601));
    await take(peer, 2);
    const { code } = await ctl.run("hangup", "again");
    expect(code).toBe(0);
    await peer.hears("StopCCN");
    await until(() => daemon.said(/tunnel again is down/).length === 1, "it is down");
  });
});

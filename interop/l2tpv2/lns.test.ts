/** l2tpd as LNS, on the null data plane, and scripted LACs: what xl2tpd and l2tpns cannot say, octet by octet. */

import { until } from "@l2tp/lab";
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { A, avp, hidden, resultOf, text, u16, u32 } from "../../packages/control/test/wire.ts";
import { Ctl } from "../support/ctl.ts";
import { Daemon } from "../support/daemon.ts";
import { here } from "../support/here.ts";
import { Peer, Peers } from "./peer.ts";

const AT = { address: "127.0.0.1", port: 17_011 } as const;
const VECTOR = [1, 3, 3, 7, 1, 3, 3, 7];

const document = (ctl: Ctl) => `
[daemon]
${ctl.key}
host_name = "lns.example"

[listen.main]
local = "127.0.0.1:${AT.port}"

[peer.hiding]
host_name = ["hiding"]
secret = "opensesame"
tunnel_profile = "hiding"
[profile.tunnel.hiding]
hiding = "require"

[peer.changing]
host_name = ["changing*"]
secret = "the new one"
old_secret = "the old one"

[peer.strict]
host_name = ["strict"]
secret = "opensesame"
tunnel_profile = "strict"
[profile.tunnel.strict]
peer_address_policy = "strict"

[peer.roaming]
host_name = ["roaming"]
secret = "opensesame"
tunnel_profile = "roaming"
[profile.tunnel.roaming]
peer_address_policy = "roam"

[peer.stranger]
host_name = ["unwanted*"]
deny = "we do not know you"

[peer.small]
host_name = ["small"]
tunnel_profile = "small"
[profile.tunnel.small]
max_sessions = 1

[peer.placing]
host_name = ["placing"]
tunnel_profile = "placing"
[profile.tunnel.placing]
accept_outgoing = true
bearer_caps = ["digital"]

[peer.all]

[call.wrong-number]
called_number = ["666"]
deny = "nobody has this number"

[profile.tunnel.default]
retry_timeout = 300
`;

const test = needs("linux");

describe("a live LNS", () => {
  const peers = new Peers();
  let ctl: Ctl;
  let daemon: Daemon;
  const caller = (name: string, address?: string) => peers.caller(name, AT, address);

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

  describe("hidden AVPs (RFC 2661 §4.3)", () => {
    const hide = (type: number, value: readonly number[]) =>
      avp(type, hidden(type, "opensesame", VECTOR, value), { h: 1 });
    const vector = avp(36, VECTOR);

    async function hiding(): Promise<Peer> {
      const lac = await caller("hiding");
      lac.say("SCCRQ", A.version(), A.host("hiding"), vector, hide(3, u32(3)), hide(9, u16(lac.tunnelId)));
      lac.connect(await lac.hears("SCCRP"), "opensesame");
      return lac;
    }

    test("are opened where they come, in the SCCRQ too", async () => {
      const lac = await hiding();
      lac.say("ICRQ", vector, hide(14, u16(500)), hide(15, u32(1)), hide(22, text("0815")));
      await lac.hears("ICRP");
      const found = [];
      for await (const { tunnel, name } of ctl.client.sessions()) {
        if (tunnel.startsWith("hiding")) found.push(await ctl.client.session(`${tunnel}/${name}`));
      }
      expect(found).toMatchObject([{ peerSessionId: 500, callingNumber: "0815" }]);
    });

    test("a number that is open is refused where hiding is required, and the tunnel stays", async () => {
      const lac = await hiding();
      lac.icrq(501, A.calling("0815"));
      const cdn = await lac.hears("CDN");
      expect(resultOf(cdn)[0]).toBe(3);
      lac.say("HELLO");
      await until(
        () => lac.heard.at(-1)?.type === "ZLB" && lac.heard.at(-1)?.nr === lac.ns,
        "Hello is answered",
      );
    });
  });

  test("two secrets are good while they change, and no third", async () => {
    for (const secret of ["the new one", "the old one"]) {
      const lac = await (await caller("changing")).establish(secret);
      expect(await lac.call(1)).toBeGreaterThan(0);
    }
    const lac = await (await caller("changing")).establish("another one");
    expect(resultOf(await lac.hears("StopCCN"))[0]).toBe(4);
    const line = await daemon.says(/was not established: authentication/);
    expect(line.message).toMatch(/wrong Challenge Response/);
    expect(line["remedy"]).toMatch(/secret/);
  });

  describe.each([
    { window: "1", avps: [A.window(1)], atOnce: 1 },
    // RFC 2661 §4.4.3: without the AVP it is 4; 0 is no size at all, and taken as that.
    { window: "absent", avps: [], atOnce: 4 },
    { window: "0", avps: [A.window(0)], atOnce: 4 },
    // Ours is the limit then, and slow start begins with 1.
    { window: "65535", avps: [A.window(65_535)], atOnce: 16 },
  ])("a receive window that is $window", ({ avps, atOnce }) => {
    test(`lets ${atOnce} messages of the LNS be on their way, at most`, async () => {
      const lac = await (await caller("window")).establish(undefined, ...avps);
      // Its window opens by what is acknowledged: slow start.
      for (let id = 1; id <= 24; id++) lac.icrq(id);
      await lac.hears("ICRP", 24);
      lac.acknowledges = false;
      const before = lac.all("ICRP").length;
      for (let id = 101; id <= 140; id++) lac.icrq(id);
      // However busy the machine is: the first one, and then all that may follow it.
      await until(() => lac.all("ICRP").length > before, "the first ICRP");
      await new Promise((wake) => setTimeout(wake, 250));
      const heard = lac.all("ICRP").length - before;
      expect(heard).toBeGreaterThan(0);
      expect(heard).toBeLessThanOrEqual(atOnce);
      lac.acknowledges = true;
      lac.acknowledge();
      await lac.hears("ICRP", 64);
    });
  });

  test("clients behind one address and port are told apart by their tunnel IDs", async () => {
    const socket = await peers.socket("127.0.0.1");
    const both = [new Peer(socket, "nat-1", 7_001, AT), new Peer(socket, "nat-2", 7_002, AT)];
    for (const lac of both) await lac.establish();
    const [one, two] = both as [Peer, Peer];
    expect(one.theirs).not.toBe(two.theirs);
    for (const lac of both) expect(await lac.call(9)).toBeGreaterThan(0);
    one.say("StopCCN", A.tunnelId(one.tunnelId), A.result(6, 0, "bye"));
    await daemon.says(/tunnel .* is down: .*bye/);
    expect(await two.call(10)).toBeGreaterThan(0);
  });

  describe("a peer that goes on from elsewhere", () => {
    const hello = (lac: Peer): (() => boolean) => {
      const before = lac.heard.length;
      lac.say("HELLO");
      return () => lac.heard.slice(before).some(({ nr }) => nr === lac.ns);
    };
    const isAnswered = (lac: Peer) => until(hello(lac), `${lac.name} is answered`);
    /** The daemon takes what comes in its order: when it has answered somebody who asked later, it has left this one out. */
    const isIgnored = async (lac: Peer): Promise<void> => {
      const answered = hello(lac);
      await isAnswered(await (await caller("usual")).establish());
      expect(answered()).toBe(false);
    };
    const move = async (lac: Peer, address: string): Promise<void> => {
      lac.socket = await peers.socket(address);
      lac.listen(lac.socket);
    };

    test("from another port is answered there, unless the policy is strict", async () => {
      const usual = await (await caller("usual")).establish();
      await move(usual, "127.0.0.1");
      await isAnswered(usual);
      const strict = await (await caller("strict")).establish("opensesame");
      await move(strict, "127.0.0.1");
      await isIgnored(strict);
    });

    test("from another address is answered there only where the policy is roam", async () => {
      const usual = await (await caller("usual")).establish();
      await move(usual, "127.0.0.2");
      await isIgnored(usual);
      const roaming = await (await caller("roaming")).establish("opensesame");
      await move(roaming, "127.0.0.2");
      await isAnswered(roaming);
    });
  });

  describe("bad things get the RFC's codes", () => {
    const stops: readonly [string, (lac: Peer) => void, number, number | undefined][] = [
      ["an unknown AVP with the M bit", (lac) => lac.say("HELLO", avp(999, [1, 2])), 2, 8],
      [
        "an AVP that is too long for its message",
        (lac) => lac.say("HELLO", avp(7, [1], { length: 60 })),
        2,
        2,
      ],
      ["an unknown Message Type with the M bit", (lac) => lac.say(99), 2, 8],
      [
        "a second SCCRP in an established tunnel",
        (lac) => lac.say("SCCRP", A.version(), A.framing(), A.host("x"), A.tunnelId(5)),
        7,
        undefined,
      ],
    ];
    for (const [what, say, result, error] of stops) {
      test(`${what}: StopCCN ${result}/${error ?? "-"}`, async () => {
        const lac = await (await caller("bad")).establish();
        say(lac);
        const [gotResult, gotError] = resultOf(await lac.hears("StopCCN"));
        expect(gotResult).toBe(result);
        if (error !== undefined) expect(gotError).toBe(error);
      });
    }

    const ends: readonly [string, (lac: Peer, session: number) => void, number, number | undefined][] = [
      [
        "an unknown AVP with the M bit in a call",
        (lac, id) => lac.sayTo(id, "WEN", A.callErrors(0, 0, 0, 0, 0, 0), avp(999, [1])),
        2,
        8,
      ],
      ["a second ICCN", (lac, id) => lac.sayTo(id, "ICCN", A.txSpeed(1), A.framingType()), 2, 3],
    ];
    for (const [what, say, result, error] of ends) {
      test(`${what}: CDN ${result}/${error ?? "-"}, and the tunnel stays`, async () => {
        const lac = await (await caller("bad")).establish();
        say(lac, await lac.call(1));
        expect(resultOf(await lac.hears("CDN"))).toEqual([result, error]);
        expect(await lac.call(2)).toBeGreaterThan(0);
      });
    }

    test("version 2 of the protocol: StopCCN 5 with ours", async () => {
      const lac = await caller("bad");
      lac.say("SCCRQ", A.version(2), A.host("bad"), A.framing(), A.tunnelId(lac.tunnelId));
      expect(resultOf(await lac.hears("StopCCN"))).toEqual([5, 0x0100]);
    });

    test("a caller, a number and a call too many: StopCCN 4, CDN 3, CDN 4; a line in the log says why", async () => {
      const unwanted = await caller("unwanted");
      unwanted.sccrq();
      expect(resultOf(await unwanted.hears("StopCCN"))[0]).toBe(4);
      await daemon.says(/we do not know you/);
      const usual = await (await caller("usual")).establish();
      usual.icrq(1, A.called("666"));
      expect(resultOf(await usual.hears("CDN"))[0]).toBe(3);
      await daemon.says(/nobody has this number/);
      const small = await (await caller("small")).establish();
      await small.call(1);
      small.icrq(2);
      expect([2, 4]).toContain(resultOf(await small.hears("CDN"))[0]);
    });
  });

  test("a CDN's Q.931 cause, and what WEN counts, can be read", async () => {
    const lac = await (await caller("causes")).establish();
    const id = await lac.call(1);
    const since = daemon.lines.length;
    lac.sayTo(id, "WEN", A.callErrors(1, 2, 3, 4, 5, 6));
    const errors = await daemon.says(/session .* has errors on its line/, { since });
    expect(errors.message).toMatch(
      /CRC 1, framing 2, hardware overruns 3, buffer overruns 4, timeouts 5, alignment 6$/,
    );
    lac.sayTo(id, "CDN", A.result(1, 0, "busy line"), A.sessionId(1), A.q931(17, 1, "tut tut"));
    const line = await daemon.says(/session .* is down/, { since });
    expect(line.message).toMatch(/Q\.931 17/);
    expect(line.message).toMatch(/busy line/);
  });

  test("an LNS may have a call placed where that is allowed, and nowhere else", async () => {
    const ocrq = [A.serial(1), A.minimumBps(1), A.maximumBps(1e6), A.bearerType(1), A.framingType(1)];
    const allowed = await (await caller("placing")).establish(undefined, A.bearerCapabilities());
    allowed.say("OCRQ", A.sessionId(1), ...ocrq, A.called("12345"));
    await allowed.hears("OCRP");
    await allowed.hears("OCCN");
    const other = await (await caller("usual")).establish();
    other.say("OCRQ", A.sessionId(1), ...ocrq, A.called("12345"));
    const [result] = resultOf(await other.hears("CDN"));
    expect([2, 3, 5]).toContain(result);
  });
});

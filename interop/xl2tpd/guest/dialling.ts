/** xl2tpd as LAC, and it dials us. */
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import { tcp } from "../../support/traffic.ts";
import { AT_ONCE, INNER, lnsDocument, ONLY_IPV4, WAYS, type Way } from "./scenes.ts";
import { type Stage, scenes } from "./stage.ts";

const ADDRESS = /session .* has 10\.77\.0\.1 \(peer (10\.77\.0\.\d+)\)/;

export default function suite(api: SuiteApi): void {
  const scene = scenes(api);

  const pings = (stage: Stage, largest?: number) => stage.reaches(stage.sites.b, INNER.lns, largest);

  const play = (way: Way) => {
    const { dataPlane, pppd } = way;
    api.describe(way.way, () => {
      scene(
        "CHAP, tunnel secret, pings, TCP; it hangs up and dials again; we go, and it dials again when we are back",
        async (stage) => {
          const ours = await stage.lns(lnsDocument(way), dataPlane);
          const peer = stage.xl2tpdLac(ONLY_IPV4);
          await stage.says(ours, ADDRESS);
          expect(ours.said(/tunnel .* is up/)[0]).toMatchObject({ authenticated: true });
          await pings(stage);
          expect(await tcp(stage.sites.b, stage.sites.a, INNER.lns)).toBeGreaterThan(0);
          expect(await tcp(stage.sites.b, stage.sites.a, INNER.lns, "-R")).toBeGreaterThan(0);

          const since = ours.lines.length;
          await peer.command("d office");
          await stage.says(ours, /tunnel .* is down: .*the peer ended it/, since);
          await peer.command("c office");
          await stage.says(ours, ADDRESS, since);

          expect(await ours.stop()).toEqual({ code: 0, signal: null });
          await stage.until(() => stage.sites.b.interfaces().length === 2, "its pppd is gone");
          const again = await stage.lns(lnsDocument(way), dataPlane);
          await stage.says(again, ADDRESS);
          await pings(stage);
        },
      );

      scene("PAP; its crash: it is served again at once", async (stage) => {
        const scenery = { ppp: { auth: '["pap"]' }, pppd: ["require-pap", "refuse-chap"] };
        const ours = await stage.lns(lnsDocument(way, scenery), dataPlane);
        const peer = stage.xl2tpdLac(ONLY_IPV4);
        await stage.says(ours, ADDRESS);
        const since = ours.lines.length;
        await peer.stop("SIGKILL");
        peer.start();
        await stage.says(ours, ADDRESS, since);
        await pings(stage);
      });

      if (pppd) return;
      scene(
        "MS-CHAPv2 and 128-bit MPPE, IPv6 with a prefix, options that it refuses and that we refuse; its silence is noticed by LCP echo",
        async (stage) => {
          stage.useIpv6();
          const ppp = {
            ...{ auth: '["mschap-v2"]', mppe: '"require"', ipv6: "true", ipv6_prefix: '"2001:db8:77::/64"' },
            ...{ echo_interval: "2000", echo_failures: "3" },
          };
          const ours = await stage.lns(lnsDocument(way, { ppp }), dataPlane);
          const refusing = "nomagic\nnopcomp\nnoaccomp\nusepeerdns\n";
          const peer = stage.xl2tpdLac(`require-mppe-128\n+ipv6\n${refusing}`);
          await stage.says(ours, ADDRESS);
          await pings(stage, 1390);
          await stage.until(() => peer.said.includes("remote LL address"), "IPv6 is up");
          await stage.reaches(stage.sites.a, await stage.ipv6Of(stage.sites.b, "global"), 1390);

          const since = ours.lines.length;
          peer.signalPppds("SIGSTOP");
          await stage.says(ours, /session .* is down: .*echo/i, since);
          peer.signalPppds("SIGCONT");
          await stage.says(ours, ADDRESS, since);
        },
      );
    });
  };

  const [, , last] = WAYS;
  api.sideBySide(AT_ONCE, () => {
    for (const way of WAYS) play(way);

    scene(
      "a wrong tunnel secret is refused, said in one line, and the next caller is served",
      async (stage) => {
        const ours = await stage.lns(lnsDocument(last), last.dataPlane);
        const stranger = stage.xl2tpdLac(ONLY_IPV4, { secret: "wrong" });
        const line = await stage.says(ours, /was not established: authentication/);
        expect(line.message).toMatch(/Invalid challenge authentication/);
        expect(line["remedy"]).toMatch(/compare the tunnel secret at both ends/);
        await stranger.stop();
        stage.xl2tpdLac(ONLY_IPV4);
        await stage.says(ours, ADDRESS);
      },
    );

    scene("a wrong password ends the call, said in one line", async (stage) => {
      const ours = await stage.lns(lnsDocument(last, { password: "other" }), last.dataPlane);
      const peer = stage.xl2tpdLac(ONLY_IPV4);
      const line = await stage.says(ours, /session .* cannot come up: .*user alice: its proof was wrong/);
      expect(line.level).toBe("warn");
      await stage.until(() => /CHAP authentication failed/.test(peer.said), "pppd knows");
    });
  });

  // By itself: it has enough to do.
  scene("50 callers, each with its address", async (stage) => {
    // Each calls another address of ours. What comes to xl2tpd from one address and port, its kernel gives to one of
    // its tunnels alone; and a second call on a tunnel (`c TUNNEL-ID`) is a null pointer to xl2tpd 1.3.18.
    const addresses = Array.from({ length: 50 }, (_, n) => `192.0.2.${n + 101}`);
    stage.addAddresses(stage.sites.a, addresses);
    const ours = await stage.lns(lnsDocument(last, { local: "0.0.0.0" }), last.dataPlane);
    stage.xl2tpdLac(ONLY_IPV4, { calls: addresses });
    await stage.addresses(ours, 50);
    await pings(stage);
  });
}

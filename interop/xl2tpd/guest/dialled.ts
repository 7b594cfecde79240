/** xl2tpd as LNS, and we dial it. */
import type { SuiteApi } from "@l2tp/testing/guest";
import { expect } from "@l2tp/testing/guest/expect";
import type { Daemon } from "../../support/daemon.ts";
import { tcp } from "../../support/traffic.ts";
import { AT_ONCE, INNER, lacDocument, ONLY_IPV4, WAYS, type Way } from "./scenes.ts";
import { type Stage, scenes } from "./stage.ts";

const ADDRESS = /line\d+.* has (10\.77\.0\.\d+) \(peer 10\.77\.0\.1\)/;

export default function suite(api: SuiteApi): void {
  const scene = scenes(api);

  const pings = (stage: Stage, largest?: number) => stage.reaches(stage.sites.a, INNER.lns, largest);
  const mtuOf = (ours: Daemon): number =>
    Number(/MTU (\d+)/.exec(ours.said(/line1.* is up/)[0]?.message ?? "")?.[1]);

  const play = (way: Way) => {
    const { dataPlane, pppd } = way;
    api.describe(way.way, () => {
      scene(
        "CHAP, tunnel secret, pings to the MTU, TCP; its crash is noticed, and we dial again",
        async (stage) => {
          const peer = stage.xl2tpdLns(`require-chap\n${ONLY_IPV4}`);
          const ours = stage.ours(lacDocument(way), dataPlane);
          await stage.says(ours, ADDRESS);
          expect(ours.said(/office.* is up/)[0]).toMatchObject({ authenticated: true });
          await pings(stage, pppd ? 1400 : mtuOf(ours));
          expect(await tcp(stage.sites.a, stage.sites.b, INNER.lns)).toBeGreaterThan(0);
          expect(await tcp(stage.sites.a, stage.sites.b, INNER.lns, "-R")).toBeGreaterThan(0);

          const since = ours.lines.length;
          await peer.stop("SIGKILL");
          await stage.says(ours, /tunnel office is down: .*no answer|no-response|hello-missed/, since);
          peer.start();
          await stage.says(ours, ADDRESS, since);
          await pings(stage);
        },
      );

      scene("PAP; xl2tpd's pppd hangs up, which is said, and we call again", async (stage) => {
        const peer = stage.xl2tpdLns(`require-pap\nrefuse-chap\n${ONLY_IPV4}`);
        const ours = stage.ours(lacDocument(way, { ppp: { own_auth: '["pap"]' } }), dataPlane);
        await stage.says(ours, ADDRESS);
        const since = ours.lines.length;
        peer.signalPppds("SIGTERM");
        await stage.says(ours, /session line1 is down: .*opening it again/, since);
        await stage.says(ours, ADDRESS, since);
        await pings(stage);
        expect(ours.said(/tunnel office is down/)).toEqual([]);
      });

      if (pppd) return;
      scene(
        "MS-CHAPv2 and 128-bit MPPE, IPv6, options that it refuses and that we refuse; its silence is noticed by LCP echo",
        async (stage) => {
          const refusing = "nomagic\nnopcomp\nnoaccomp\nms-dns 10.9.9.9\n";
          const peer = stage.xl2tpdLns(`require-mschap-v2\nrequire-mppe-128\n+ipv6\n${refusing}`);
          const ppp = {
            mppe: '"require"',
            ipv6: "true",
            request_dns: "true",
            echo_interval: "2000",
            echo_failures: "3",
          };
          stage.useIpv6();
          const ours = stage.ours(lacDocument(way, { ppp }), dataPlane);
          await stage.says(ours, ADDRESS);
          await pings(stage, 1390);
          await stage.says(ours, /line1.* has .*fe80::/);
          const theirs = await stage.ipv6Of(stage.sites.b, "link");
          await stage.reaches(stage.sites.a, `${theirs}%line1`, 1390);

          const since = ours.lines.length;
          peer.signalPppds("SIGSTOP");
          await stage.says(ours, /session line1 is down: .*echo/i, since);
          peer.signalPppds("SIGCONT");
          await stage.says(ours, ADDRESS, since);
        },
      );
    });
  };

  const [, , last] = WAYS;
  api.sideBySide(AT_ONCE, () => {
    for (const way of WAYS) play(way);

    scene("a wrong tunnel secret is said in one line with the remedy, and we go on trying", async (stage) => {
      const peer = stage.xl2tpdLns("");
      // Else the first line could be that nobody answers.
      await peer.says(/Listening on IP address/);
      const ours = stage.ours(lacDocument(last, { secret: "another secret" }), "null");
      const line = await stage.says(ours, /tunnel office cannot come up: authentication/);
      expect(line["remedy"]).toMatch(/compare the tunnel secret at both ends/);
      // By the third time, what we said of the second has come.
      await stage.until(
        () => [...peer.said.matchAll(/wrong Challenge Response/g)].length > 2,
        "we try again",
      );
      expect(ours.said(/office/)).toHaveLength(1);
    });

    scene("a wrong password is said in one line with the remedy; the tunnel stays", async (stage) => {
      stage.xl2tpdLns(`require-chap\n${ONLY_IPV4}`);
      const ours = stage.ours(lacDocument(last, { password: "wrong" }), last.dataPlane);
      const line = await stage.says(
        ours,
        /session line1 cannot come up: .*the peer did not accept who we are/,
      );
      expect(line["remedy"]).toMatch(/compare user and password/);
      expect(ours.said(/tunnel office is down/)).toEqual([]);
    });
  });

  // By itself: it has enough to do.
  scene("50 sessions on one tunnel, each with its address", async (stage) => {
    stage.xl2tpdLns(`require-chap\n${ONLY_IPV4}`);
    const ours = stage.ours(lacDocument(last, { sessions: 50 }), last.dataPlane);
    await stage.addresses(ours, 50);
    for (const by of ["line1", "line25", "line50"]) {
      await stage.answers(stage.sites.a, INNER.lns, { by });
    }
  });
}

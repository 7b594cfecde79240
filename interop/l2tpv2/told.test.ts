/** What the log says of what peers do wrong: each thing once, in one line, and not more of it than anybody reads. */
import { needs } from "@l2tp/testing";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { A, avp, body, control, numberOf } from "../../packages/control/test/wire.ts";
import { Ctl } from "../support/ctl.ts";
import { Daemon, type LogLine } from "../support/daemon.ts";
import { here } from "../support/here.ts";
import { type Peer, Peers } from "./peer.ts";

const AT = { address: "127.0.0.1", port: 17_018 } as const;
/** `source_notice_burst`; one more may be said each second. */
const BURST = 20;

const document = (ctl: Ctl) => `
[daemon]
${ctl.key}

[listen.main]
local = "127.0.0.1:${AT.port}"

[peer.unwanted]
host_name = ["unwanted*"]
deny = "we do not know you"

[peer.all]

[limits]
source_notice_burst = ${BURST}
source_notice_rate = 1
source_tunnel_burst = 1000
source_refusal_burst = 1000
`;

const test = needs("linux");

describe("the log of a live LNS", () => {
  const peers = new Peers();
  let ctl: Ctl;
  let daemon: Daemon;
  let host = 1;
  /** Each from an address of its own: what may be said is limited for each. */
  const caller = (name: string) => peers.caller(name, AT, `127.0.1.${host++}`);
  const tunnel = async () => (await caller("usual")).establish();

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

  /** A line that comes when all is said of what has happened so far: the daemon takes what comes in its order. */
  async function allIsSaid(): Promise<void> {
    const name = `unwanted-at-the-end-${host}`;
    (await caller(name)).sccrq();
    await daemon.says(new RegExp(`^${name} at`));
  }

  /** What is said of it. */
  async function saidOf(what: RegExp, happens: () => Promise<unknown>): Promise<LogLine[]> {
    await allIsSaid();
    const since = daemon.lines.length;
    await happens();
    await allIsSaid();
    return daemon.said(what, since).filter(({ message }) => !message.startsWith("unwanted-at-the-end-"));
  }

  const wrong: readonly [string, RegExp, () => Promise<unknown>][] = [
    [
      "an SCCRQ with an unknown AVP",
      /SCCRQ.*StopCCN 2\/8.*AVP 0\/999/,
      async () => {
        const lac = await caller("usual");
        lac.sccrq(avp(999, [1]));
        await lac.hears("StopCCN");
      },
    ],
    [
      "an ICRQ with an unknown AVP",
      /CDN 2\/8.*ICRQ.*AVP 0\/999/,
      async () => {
        const lac = await tunnel();
        lac.icrq(1, avp(999, [1]));
        await lac.hears("CDN");
      },
    ],
    [
      "an ICCN with an unknown AVP",
      /session .*CDN 2\/8.*ICCN.*AVP 0\/999/,
      async () => {
        const lac = await tunnel();
        lac.icrq(1);
        const session = numberOf(await lac.hears("ICRP"), 14) ?? 0;
        lac.sayTo(session, "ICCN", A.txSpeed(1), A.framingType(1), avp(999, [1]));
        await lac.hears("CDN");
      },
    ],
    [
      "a Hello with an unknown AVP",
      /tunnel .*StopCCN 2\/8.*HELLO.*AVP 0\/999/,
      async () => {
        const lac = await tunnel();
        lac.say("HELLO", avp(999, [1]));
        await lac.hears("StopCCN");
      },
    ],
    [
      "an ICRQ without an Assigned Session ID, which nothing can answer",
      /ICRQ.*Assigned Session ID/,
      async () => {
        const lac = await tunnel();
        lac.say("ICRQ", A.serial(1));
        lac.say("HELLO");
      },
    ],
  ];
  for (const [what, line, happens] of wrong) {
    test(`${what} is one line, with message, code and AVP`, async () => {
      const said = await saidOf(/AVP/, happens);
      expect(said.map(({ message }) => message)).toEqual([expect.stringMatching(line)]);
    });
  }

  describe("is as long as anybody reads, whatever comes", () => {
    const floods: readonly [string, RegExp, (lac: Peer) => Promise<unknown>][] = [
      [
        "callers that are refused",
        /gets no tunnel|SCCRQ refused/,
        async (lac) => {
          for (let id = 1; id <= 300; id++) {
            const asks = [A.version(), A.host(`unwanted-${id}`), A.framing(), A.tunnelId(20_000 + id)];
            lac.raw(control({ tunnelId: 0, ns: 0, nr: 0 }, body("SCCRQ", ...asks)));
          }
        },
      ],
      [
        "calls that their caller gives up",
        /session/,
        async (lac) => {
          await lac.establish();
          for (let id = 1; id <= 300; id++) {
            lac.icrq(id);
            const session = numberOf(await lac.hears("ICRP", id), 14) ?? 0;
            lac.sayTo(session, "CDN", A.result(2), A.sessionId(id));
          }
        },
      ],
    ];
    for (const [what, line, happens] of floods) {
      test(what, async () => {
        const lac = await caller("usual");
        const from = performance.now();
        const said = await saidOf(line, () => happens(lac));
        expect(said.length).toBeGreaterThan(5);
        expect(said.length).toBeLessThanOrEqual(BURST + (performance.now() - from) / 1_000 + 1);
        // Others are told of all the same.
        const other = await saidOf(/we do not know you/, async () => {
          const unwanted = await caller("unwanted");
          unwanted.sccrq();
          await unwanted.hears("StopCCN");
        });
        expect(other).toHaveLength(1);
      });
    }

    test("what was left out is counted in the next line, and datagrams of no use leave out nothing", async () => {
      const lac = await caller("unwanted");
      for (let n = 0; n < 200; n++) lac.raw(Uint8Array.of(0xc8, 2, 0, 12, 9, n, 0, 0, 0, 0, 0, 0));
      const said = await saidOf(/we do not know you/, async () => {
        lac.sccrq();
        await lac.hears("StopCCN");
      });
      expect(said).toHaveLength(1);
    });
  });
});

/** Counters of sessions. */
import type { PlaneStatistics, SessionStatistics } from "../statistics.ts";
import { equal, ok } from "./assert.ts";
import { type Bench, sessionParameters } from "./bench.ts";
import { frame } from "./octets.ts";
import type { Scenario } from "./scenario.ts";

type Statistics = () => Promise<PlaneStatistics>;

/** How much the counters of a session have moved since `before`. */
function moved(now: PlaneStatistics, before: PlaneStatistics): PlaneStatistics {
  const keys = Object.keys(before) as (keyof PlaneStatistics)[];
  return Object.fromEntries(keys.map((key) => [key, now[key] - before[key]])) as unknown as PlaneStatistics;
}

/** What one end sent is what the other received; a host may send frames of its own, so look until both agree. */
async function agree(bench: Bench, from: Statistics, to: Statistics, atLeast: number): Promise<void> {
  await bench.until(async () => {
    const [tx, rx] = [await from(), await to()];
    return tx.txPackets >= atLeast && tx.txPackets === rx.rxPackets && tx.txBytes === rx.rxBytes;
  }, `${atLeast} packets or more, and the same packets and bytes at both ends`);
}

export const STATISTICS: readonly Scenario[] = [
  {
    name: "after known traffic both ends count the same packets and bytes",
    everywhere: true,
    async run(bench) {
      const cookies = { cookie: new Uint8Array(4).fill(1), peerCookie: new Uint8Array(8).fill(2) };
      const { sessions, ports } = await bench.connected(cookies);
      const statistics = { a: () => sessions.a.statistics(), b: () => sessions.b.statistics() };
      const before = { a: await statistics.a(), b: await statistics.b() };
      for (let n = 0; n < 10; n++) await ports.a.send(frame(n, 100 + n));
      for (let n = 0; n < 4; n++) await ports.b.send(frame(n, 200));
      await bench.until(() => bench.numbers(ports.b).length === 10, "ten arrive at B");
      await bench.until(() => bench.numbers(ports.a).length === 4, "four arrive at A");
      await agree(bench, statistics.a, statistics.b, 10);
      await agree(bench, statistics.b, statistics.a, 4);
      const delta = { a: moved(await statistics.a(), before.a), b: moved(await statistics.b(), before.b) };
      equal([delta.a.txErrors, delta.a.rxErrors, delta.b.txErrors, delta.b.rxErrors], [0, 0, 0, 0], "errors");
      // From the L2TP header on: over UDP 4 octets more than over IP (RFC 3931 §4.1).
      const header = (bench.transport.encapsulation === "udp" ? 8 : 4) + 4;
      const [octetsA, octetsB] = [10 * (header + 8 + 100) + 45, 4 * (header + 4 + 200)];
      if (delta.a.txPackets === 10) equal(delta.a.txBytes, octetsA, "bytes sent by A");
      else ok(delta.a.txBytes > octetsA, "A's bytes are those of the kit and of the host's own frames");
      if (delta.b.txPackets === 4) equal(delta.b.txBytes, octetsB, "bytes sent by B");
      else ok(delta.b.txBytes > octetsB, "B's bytes are those of the kit and of the host's own frames");
    },
  },
  {
    name: "a session that has carried nothing of ours has no errors",
    async run(bench) {
      const { sessions } = await bench.connected();
      const { txErrors, rxErrors, rxSeqDiscards, rxOosPackets, rxCookieDiscards, rxInvalid } =
        await sessions.a.statistics();
      equal(
        [txErrors, rxErrors, rxSeqDiscards, rxOosPackets, rxCookieDiscards, rxInvalid],
        [0, 0, 0, 0, 0, 0],
        "all",
      );
    },
  },
  {
    name: "the statistics of many sessions come in one go, one row each",
    async run(bench) {
      const { a, b } = await bench.wires();
      const tunnels = [await bench.tunnels(a, b), await bench.tunnels(a, b)];
      const expected = new Map<number, number>();
      const count = bench.options.manySessions ?? 40;
      let busy: { sessionId: number; tunnelId: number } | undefined;
      for (let i = 0; i < count; i++) {
        const pair = tunnels[i % 2] as (typeof tunnels)[number];
        // Only one of them needs both ends.
        if (i === 3) {
          const sessions = await bench.sessions(pair);
          const [portA, portB] = [await bench.port(a.end, sessions.a), await bench.port(b.end, sessions.b)];
          for (let n = 0; n < 7; n++) await portA.send(frame(n));
          await bench.until(() => bench.numbers(portB).length === 7, "seven arrive");
          busy = { sessionId: sessions.a.sessionId, tunnelId: pair.a.tunnelId };
          expected.set(sessions.a.sessionId, pair.a.tunnelId);
        } else {
          const session = await pair.a.createSession(sessionParameters());
          expected.set(session.sessionId, pair.a.tunnelId);
        }
      }
      const rows: SessionStatistics[] = [];
      await a.wire.statistics({ row: (row) => rows.push({ ...row }) });
      equal(rows.length, count, "rows");
      for (const { sessionId, tunnelId } of rows)
        equal(expected.get(sessionId), tunnelId, `tunnel of ${sessionId}`);
      const row = rows.find(({ sessionId }) => sessionId === busy?.sessionId);
      ok(row !== undefined && row.txPackets >= 7, "the busy session's row has its packets");
      ok(row.txBytes >= 7 * 60, "and its bytes");
    },
  },
];

/** What a quiescent tunnel's settings promise: it stays up under loss, and comes down in time. */
import { expect, test } from "vitest";
import { GO_L2TP_SETTINGS, peerGoneWithinMs, transportSettings } from "../src/index.ts";
import { forSeeds, Host, Sim } from "./sim.ts";

/** hello_timeout 5 s and max_retries 10, all else as go-l2tp has it. */
const settings = transportSettings(GO_L2TP_SETTINGS, { helloTimeoutMs: 5_000, maxRetries: 10 });
const options = { version: 3, peerConnectionId: 1, settings, rebase: true } as const;
const MINUTES = 60_000;

function tunnel(seed: number): { sim: Sim; a: Host; b: Host } {
  const sim = new Sim(seed);
  sim.tracing = false;
  const a = new Host("a", options, { random: sim.random });
  const b = new Host("b", options, { random: sim.random });
  sim.join(a, b, { loss: 0.2, delayMs: [5, 50] });
  // The second end comes up some time after the first.
  sim.silence(b, true);
  sim.at(sim.random() * 10_000, () => {
    sim.silence(b, false);
    b.restart(sim.now, options);
  });
  return { sim, a, b };
}

test("with 20 % loss each way a quiescent tunnel stays up for 30 minutes in at least 99 of 100 seeds", () => {
  let up = 0;
  let walked = 0;
  forSeeds(100, (seed) => {
    const { sim, a, b } = tunnel(seed);
    sim.run(30 * MINUTES);
    walked++;
    if (a.count("failed") + b.count("failed") === 0) up++;
    const { hellosSent = 0, rttMs } = a.transport.statistics(a.channel) ?? {};
    expect(hellosSent).toBeGreaterThan(50); // it was Hellos that kept it up
    expect(rttMs).toBeGreaterThan(5);
  });
  expect(up / walked).toBeGreaterThanOrEqual(0.99);
}, 300_000);

test("with the peer gone it comes down, with the reason, within the time that its settings say", () => {
  // 5 s of silence, 1 + 2 + 4 + 8 × 8 s of retransmission, and two ticks.
  expect(peerGoneWithinMs(settings)).toBe(5_000 + 71_000 + 20);
  forSeeds(50, (seed) => {
    const { sim, a, b } = tunnel(seed);
    const gone = 60_000 + sim.random() * MINUTES;
    sim.run(gone);
    sim.silence(b, true);
    sim.run(gone + 50 + peerGoneWithinMs(settings));
    const failed = a.events.filter(({ event }) => event.type === "failed");
    expect(failed).toMatchObject([{ event: { what: "hello", transmissions: 11 } }]);
  });
});

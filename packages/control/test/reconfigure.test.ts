/** Settings that change while an endpoint runs: for what is begun from then on. */
import { describe, expect, test } from "vitest";
import { ControlError, DEFAULT_LIMITS } from "../src/index.ts";
import { Peer, Stage } from "./stage.ts";
import { avpOf } from "./wire.ts";

const dialIn = (stage: Stage, n: number): Peer => {
  const peer = new Peer(stage, `192.0.2.${n}`, 1701, n);
  peer.sccrq();
  return peer;
};

describe("reconfigure", () => {
  test("a limit of tunnels holds for new callers; those that are there stay, even beyond it", () => {
    const stage = new Stage();
    for (const n of [10, 11, 12]) dialIn(stage, n).say("SCCCN");
    stage.endpoint.reconfigure({ limits: { tunnels: 2 } });
    expect(stage.endpoint.settings.limits).toEqual({ ...DEFAULT_LIMITS, tunnels: 2 });
    expect(stage.statistics).toMatchObject({ tunnelsUp: 3 });
    expect(dialIn(stage, 13).last.type).toBe("StopCCN");
    stage.endpoint.reconfigure({ limits: { tunnels: 4 } });
    expect(dialIn(stage, 14).last.type).not.toBe("StopCCN");
  });

  test("rates of addresses that are known already change, too", () => {
    const stage = new Stage({ limits: { sourceSccrq: [0.001, 1] } });
    expect(dialIn(stage, 10).heard.length).toBeGreaterThan(0);
    let callers = 0;
    const again = (): Peer => {
      const peer = new Peer(stage, "192.0.2.10", 40_000 + ++callers, callers);
      peer.sccrq();
      return peer;
    };
    expect(again().heard).toEqual([]);
    stage.endpoint.reconfigure({ limits: { sourceSccrq: [1_000, 1_000] } });
    stage.pass(1_000);
    expect(again().heard.length).toBeGreaterThan(0);
  });

  test("defaults of tunnels hold for those that are opened later, and are told in the settings", () => {
    const stage = new Stage({ tunnel: { hostName: "before", vendorName: "v" } });
    stage.endpoint.reconfigure({ tunnel: { hostName: "after", transport: { maxRetries: 2 } } });
    const { tunnel } = stage.endpoint.settings;
    expect(tunnel).toMatchObject({ hostName: "after", vendorName: "v", transport: { maxRetries: 2 } });
    const peer = new Peer(stage);
    stage.dial(peer);
    expect(new TextDecoder().decode(avpOf(peer.last, 7))).toBe("after");
  });

  test("how long questions wait, and how much is remembered of what ended", () => {
    const stage = new Stage({ accept: false });
    stage.endpoint.reconfigure({ questionMs: 1_000, historyTunnels: 1 });
    for (const n of [10, 11, 12]) dialIn(stage, n);
    stage.pass(999);
    expect(stage.events.filter(({ type }) => type === "tunnel-down")).toEqual([]);
    stage.pass(2);
    expect(stage.events.filter(({ type }) => type === "tunnel-down")).toHaveLength(3);
    expect(stage.endpoint.closedTunnels(stage.now)).toHaveLength(1);
    stage.endpoint.reconfigure({ historyTunnels: 0 });
    expect(stage.endpoint.closedTunnels(stage.now)).toEqual([]);
  });

  test("what cannot be is refused whole", () => {
    const stage = new Stage();
    const before = stage.endpoint.settings;
    expect(() => stage.endpoint.reconfigure({ questionMs: 5, limits: { tunnels: 0 } })).toThrow(ControlError);
    expect(() => stage.endpoint.reconfigure({ questionMs: 5, tunnel: { hostName: "" } })).toThrow(/hostName/);
    expect(stage.endpoint.settings).toBe(before);
  });
});

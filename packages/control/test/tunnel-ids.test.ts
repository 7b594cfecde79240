/** IDs that are reserved elsewhere, and the last that is heard of a tunnel: for whoever shares IDs and sockets with others. */
import { expect, test } from "vitest";
import { A, lnsWithSession, Peer, Stage } from "./stage.ts";

test("the answer about a caller may name its Tunnel ID: the SCCRP has it, and the peer is found by it", () => {
  const stage = new Stage({ accept: () => ({ accept: true, tunnelId: 4242 }) });
  const peer = new Peer(stage);
  peer.establish();
  expect(stage.last("tunnel-up")).toMatchObject({ tunnelId: 4242 });
  expect(peer.theirs).toBe(4242);
  expect(stage.intent("set-up-tunnel")).toMatchObject({ plane: { tunnelId: 4242 } });
  peer.icrq(500);
  expect(peer.last.type).toBe("ICRP");
});

test.each([
  ["in use", 4242],
  ["no ID", 0],
  ["no ID", 65_536],
])("an ID that is %s (%d) throws, and the question stays open", (_, wrong) => {
  const stage = new Stage({ accept: false });
  const first = new Peer(stage, "192.0.2.1");
  first.sccrq();
  stage.endpoint.decide(stage.now, stage.token(), { accept: true, tunnelId: 4242 });
  stage.pump();
  expect(stage.endpoint.isTunnelIdFree(stage.now, 4242)).toBe(false);
  const second = new Peer(stage, "192.0.2.2");
  second.sccrq();
  const token = stage.token();
  expect(() => stage.endpoint.decide(stage.now, token, { accept: true, tunnelId: wrong })).toThrow(
    "tunnelId",
  );
  expect(second.heard).toEqual([]);
  expect(stage.endpoint.isTunnelIdFree(stage.now, 4243)).toBe(true);
  expect(stage.endpoint.decide(stage.now, token, { accept: true, tunnelId: 4243 })).toBe(true);
  stage.pump();
  expect(second.last.type).toBe("SCCRP");
});

test("an ID that was named rests after use as any other", () => {
  const stage = new Stage({ accept: () => ({ accept: true, tunnelId: 4242 }) });
  const peer = new Peer(stage);
  peer.establish();
  stage.endpoint.closeTunnel(stage.now, stage.last("tunnel-up").tunnel);
  stage.pass(1_000);
  expect(stage.endpoint.isTunnelIdFree(stage.now, 4242)).toBe(false);
  stage.pass(60_000);
  expect(stage.endpoint.isTunnelIdFree(stage.now, 4242)).toBe(true);
  expect(stage.isEmpty).toBe(true);
});

test("each tunnel has exactly one tunnel-gone, after its tunnel-down, its data plane and its last acknowledgement", () => {
  const { stage } = lnsWithSession();
  const refused = new Peer(stage, "192.0.2.77");
  stage.dial(refused);
  stage.pass(120_000);
  const { tunnel } = stage.of("tunnel-up")[0] ?? stage.last("tunnel-up");
  stage.endpoint.closeTunnel(stage.now, tunnel);
  stage.pass(10_000);
  expect(stage.of("tunnel-gone").map((event) => event.tunnel)).not.toContain(tunnel);
  stage.pass(60_000);
  const types = stage.events.flatMap((event) =>
    "tunnel" in event && event.tunnel === tunnel ? [event.type === "intent" ? event.intent : event.type] : [],
  );
  expect(types.slice(-3)).toEqual(["tunnel-down", "tear-down-tunnel", "tunnel-gone"]);
  const downs = stage.of("tunnel-down").map((event) => event.tunnel);
  expect(stage.of("tunnel-gone").map((event) => event.tunnel)).toEqual(downs);
});

test("a quick shutdown is over when the StopCCNs are acknowledged; old tunnels do not hold it up", () => {
  const { stage, peer } = lnsWithSession();
  const other = new Peer(stage, "192.0.2.9", 1701, 99).establish();
  stage.endpoint.closeTunnel(stage.now, stage.last("tunnel-up").tunnel);
  stage.pass(100);
  other.acknowledge();
  peer.acknowledges = false;
  stage.endpoint.shutDown(stage.now, "acknowledged");
  stage.pump();
  expect(stage.of("tunnel-gone")).toHaveLength(1);
  expect(stage.of("empty")).toEqual([]);
  peer.acknowledge();
  stage.pass(50);
  expect(stage.of("empty")).toHaveLength(1);
  expect(stage.isEmpty).toBe(true);
});

test("a tunnel and a session may be closed for a cause that the caller knows better", () => {
  const { stage } = lnsWithSession();
  const { session } = stage.last("session-up");
  stage.endpoint.closeSession(stage.now, session, { result: 2, error: 4 }, "data-plane");
  stage.pump();
  expect(stage.last("session-down").ending.cause).toBe("data-plane");
  stage.endpoint.closeTunnel(
    stage.now,
    stage.last("tunnel-up").tunnel,
    { result: 2, error: 4 },
    "data-plane",
  );
  stage.pump();
  expect(stage.last("tunnel-down").ending.cause).toBe("data-plane");
});

test("a quick shutdown of both ends at once stays a second for the peer's StopCCN, and no longer", () => {
  const { stage, peer } = lnsWithSession();
  stage.endpoint.shutDown(stage.now, "acknowledged");
  stage.pump();
  peer.say("StopCCN", A.tunnelId(peer.tunnelId), A.result(6));
  stage.pass(900);
  expect(stage.of("empty")).toEqual([]);
  stage.pass(600);
  expect(stage.of("empty")).toHaveLength(1);
  expect(stage.isEmpty).toBe(true);
});

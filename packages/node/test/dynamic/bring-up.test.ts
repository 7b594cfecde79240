import { expect, test } from "vitest";
import { openHouse, Pair, typesOf } from "./pair.ts";

test("a LAC dials an LNS: tunnel and session come up at both ends, and go in order", async () => {
  const pair = new Pair({ lns: { authority: openHouse() } });
  const listener = pair.lns.context.listen({ name: "all" });
  const tunnel = pair.dial();
  const session = tunnel.newSession({ name: "s" });
  await pair.advance(1_000);
  expect(listener.state).toBe("up");
  expect(tunnel.state).toBe("up");
  expect(session.state).toBe("up");
  expect(typesOf(pair.lns)).toEqual(["listener-up", "tunnel-up", "session-up"]);
  expect(typesOf(pair.lac)).toEqual(["tunnel-up", "session-up"]);
  const [accepted] = pair.lns.context.tunnels;
  expect(accepted).toMatchObject({ mode: "dynamic", origin: "accepted", peerName: "lac", listener: "all" });
  await pair.close();
  expect(pair.lac.plane.wires.size + pair.lns.plane.wires.size).toBe(0);
  expect(pair.lac.host.tunnelIds.size + pair.lns.host.tunnelIds.size).toBe(0);
  expect(pair.network.nextEvent()).toBeUndefined();
});

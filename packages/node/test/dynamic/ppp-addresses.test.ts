/** Who tells the addresses of a session whose PPP is ours. */
import { expect, test } from "vitest";
import { pppProfile } from "../../src/index.ts";
import { openHouse, Pair } from "./pair.ts";

test("addresses of our own PPP are told once, though the data plane sees them on its interface too", async () => {
  const profile = pppProfile({ name: "any", attach: { to: "program" }, options: { ipv6: false } });
  const server = pppProfile({
    name: "users",
    attach: { to: "program" },
    options: { ipv4: { local: "10.0.0.1", peer: "10.0.0.2" }, ipv6: false },
  });
  const pair = new Pair({
    lns: {
      authority: openHouse({ call: () => ({ accept: true, pppProfile: "users" }) }),
      profiles: { tunnel: () => ({}), session: () => ({}), ppp: () => server },
    },
  });
  pair.lns.context.listen();
  const tunnel = pair.dial();
  const session = tunnel.newSession({ name: "s", ppp: { by: "own", profile } });
  await pair.advance(50);
  await pair.advance(5_000);
  expect(session.addresses).toEqual([{ address: "10.0.0.2", prefixLength: 32, peer: "10.0.0.1" }]);

  const [wire] = pair.lac.plane.wires;
  wire?.notices.push({
    type: "session-addresses",
    tunnelId: tunnel.tunnelId ?? 0,
    sessionId: session.sessionId ?? 0,
    interfaceName: "ppp0",
    addresses: session.addresses ?? [],
  });
  await pair.advance(10);
  const told = pair.lac.events.filter(({ type }) => type === "session-addresses");
  expect(told).toHaveLength(1);
  await pair.close();
});

import { MockDataPlane, MockNetwork } from "@l2tp/dataplane-mock";
import { expect, test } from "vitest";

test("a frame crosses", async () => {
  const network = new MockNetwork();
  const [a, b] = [network.host("a", "192.0.2.1"), network.host("b", "192.0.2.2")];
  const [pa, pb] = [new MockDataPlane(a), new MockDataPlane(b)];
  const got: string[] = [];
  const wa = await pa.open(
    { encapsulation: "udp", local: { family: 4, address: "0.0.0.0", port: 1701 } },
    () => {},
  );
  const wb = await pb.open(
    { encapsulation: "udp", local: { family: 4, address: "192.0.2.2", port: 1701 } },
    (m) => {
      got.push(`${m.from.address} ${m.to} ${m.datagram.length}`);
    },
  );
  const ta = await wa.createTunnel({ version: 3, tunnelId: 1, peerTunnelId: 2, peer: wb.local });
  const tb = await wb.createTunnel({
    version: 3,
    tunnelId: 2,
    peerTunnelId: 1,
    peer: { family: 4, address: "192.0.2.1", port: 1701 },
  });
  const common = {
    name: "s",
    pseudowire: "eth",
    l2SpecificSublayer: "default",
    sendSequence: true,
    receiveSequence: true,
    reorderMs: 0,
  } as const;
  const [ca, cb] = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6, 7, 8, 9, 10, 11, 12)];
  const sa = await ta.createSession({
    ...common,
    sessionId: 11,
    peerSessionId: 22,
    cookie: ca,
    peerCookie: cb,
  });
  const sb = await tb.createSession({
    ...common,
    sessionId: 22,
    peerSessionId: 11,
    cookie: cb,
    peerCookie: ca,
  });
  expect(sa.mtuOctets).toBe(1500 - 28 - 8 - 8 - 4 - 14);
  expect(sa.inject(new Uint8Array(100).fill(7))).toBe(true);
  wa.send({ tunnel: ta, to: wb.local, datagram: Uint8Array.of(0xc8, 3, 0, 12) });
  await network.runUntilIdle();
  expect(sb.received).toEqual([new Uint8Array(100).fill(7)]);
  expect(got).toEqual(["192.0.2.1 192.0.2.2 4"]);
  expect(await sb.statistics()).toMatchObject({ rxPackets: 1, rxBytes: 120 });
  pa.calls.expect(["open", ["createTunnel", { tunnelId: 1 }], ["createSession", { cookie: ca }]]);
  expect(() => pa.calls.expect(["open", ["createTunnel", { tunnelId: 2 }]])).toThrow(/number 2/);
});

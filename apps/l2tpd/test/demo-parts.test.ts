import { expect, test } from "vitest";
import { formatPing, type Picture, renderPicture } from "../src/demo/display.ts";
import { readEnds } from "../src/demo/ends.ts";
import { formatOctets, formatRate, formatTransfer } from "../src/demo/figures.ts";
import { echoRequest, internetChecksum, isEchoReply } from "../src/demo/ping.ts";
import { stableMacAddress } from "../src/mac-address.ts";
import { withinLimit } from "../src/stop.ts";

test("the Internet checksum is that of the example in RFC 1071 §3", () => {
  const octets = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
  expect(internetChecksum(octets)).toBe(~0xddf2 & 0xffff);
  expect(internetChecksum(Uint8Array.of(0xff))).toBe(0x00ff);
});

test("an echo request sums to zero, and only its own reply is taken for one", () => {
  const request = echoRequest(0x1234, 7);
  expect(internetChecksum(request)).toBe(0);
  const packet = new Uint8Array(20 + request.length);
  packet[0] = 0x45;
  packet.set(request, 20);
  expect(isEchoReply(packet, 0x1234, 7)).toBe(false); // a request, not a reply
  packet[20] = 0;
  expect(isEchoReply(packet, 0x1234, 7)).toBe(true);
  expect(isEchoReply(packet, 0x1234, 8)).toBe(false);
  expect(isEchoReply(packet, 0x4321, 7)).toBe(false);
  for (let octets = 0; octets < 28; octets++)
    expect(isEchoReply(packet.subarray(0, octets), 0x1234, 7)).toBe(false);
});

test("the examples that the demonstration runs fit together", () => {
  const [a, b] = readEnds();
  expect(a.outer.address).not.toBe(b.outer.address);
  expect(a.inner.prefixLength).toBe(b.inner.prefixLength);
});

test("a MAC address is the same for the same session on the same host, and for no other", () => {
  const tunnel = {
    name: "t",
    local: { family: 4, address: "192.0.2.1", port: 1701 },
    tunnelId: 1,
    peerTunnelId: 1,
  } as const;
  const session = { name: "s", sessionId: 1, peerSessionId: 1 };
  const first = stableMacAddress(["machine", "boot", "7"], tunnel, session);
  expect(first).toMatch(/^[0-9a-f][26ae](:[0-9a-f]{2}){5}$/); // local, not a group
  expect(stableMacAddress(["machine", "boot", "7"], { ...tunnel }, { ...session })).toBe(first);
  const others = [
    stableMacAddress(["machine", "boot", "8"], tunnel, session),
    stableMacAddress(["machine", "boot", "7"], { ...tunnel, name: "u" }, session),
    stableMacAddress(
      ["machine", "boot", "7"],
      { ...tunnel, local: { ...tunnel.local, address: "192.0.2.2" } },
      session,
    ),
    stableMacAddress(["machine", "boot", "7"], tunnel, { ...session, sessionId: 2 }),
  ];
  expect(new Set([first, ...others]).size).toBe(5);
});

test("figures are written as people say them", () => {
  expect(formatOctets(999)).toBe("999 octets");
  expect(formatOctets(12_345_678_901)).toBe("12.3 GB");
  expect(formatRate(240_000_000, 1_000)).toBe("1.92 Gbit/s");
  expect(formatRate(1_000_000, 1_000)).toBe("8.0 Mbit/s");
  expect(formatTransfer({ octets: 0, ms: 0, done: true })).toBe("nothing came through");
  expect(formatPing({ sent: 3, received: 2, lastMs: undefined, sumMs: 1 })).toBe(
    "3 sent, 2 received, 1 lost; last lost, average 0.50 ms",
  );
});

test("the picture fits a terminal of 80 columns and shows what went wrong", () => {
  const picture: Picture = {
    ends: readEnds(),
    pids: [1234567, undefined],
    doing: "waiting",
    states: [undefined, undefined],
    ping: { sent: 0, received: 0, lastMs: undefined, sumMs: 0 },
    transfer: { octets: 0, ms: 0, done: false },
    troubles: ["one", "two", "three", "four"],
  };
  const lines = renderPicture(picture);
  for (const line of lines) expect(line.length).toBeLessThan(80);
  expect(lines.filter((line) => line.startsWith("  ! "))).toEqual(["  ! two", "  ! three", "  ! four"]);
});

test("an orderly stop waits for the work, but no longer than the limit, and not after a second signal", async () => {
  const never = new Promise<void>(() => {});
  expect(await withinLimit(Promise.resolve(), 10_000, never)).toBe(true);
  expect(await withinLimit(never, 10, never)).toBe(false);
  expect(await withinLimit(never, 10_000, Promise.resolve())).toBe(false);
  await expect(withinLimit(Promise.reject(new Error("broke")), 10_000, never)).rejects.toThrow("broke");
});

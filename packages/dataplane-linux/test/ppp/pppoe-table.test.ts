import { expect, test } from "vitest";
import { isTaken } from "../../src/ppp/pppac-session.ts";

test("a PPPoE session is found in the kernel's table, whose IDs are in network order", () => {
  const table =
    "Id       Address              Device\n00000700 02:00:00:00:77:02     wire\n00003412 02:00:00:00:77:02     eth0\n";
  const link = (sessionId: number, device: string) => ({ sessionId, peerMac: "02:00:00:00:77:02", device });
  expect(isTaken(link(7, "wire"), table)).toBe(true);
  expect(isTaken(link(0x1234, "eth0"), table)).toBe(true);
  expect(isTaken(link(0x3412, "eth0"), table)).toBe(false);
  expect(isTaken(link(7, "eth0"), table)).toBe(false);
  expect(isTaken({ ...link(7, "wire"), peerMac: "02:00:00:00:77:03" }, table)).toBe(false);
});

import { until } from "@l2tp/lab";
import { abi, raw, sys } from "@l2tp/linux";
import { AsyncDeframer, encodeAsync } from "@l2tp/ppp";
import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import { PtyRelay } from "../src/pty-relay.ts";

/** FF 03, a protocol, and every octet there is. */
const FRAME = Uint8Array.of(0xff, 0x03, 0x00, 0x21, ...Array.from({ length: 256 }, (_, i) => i));

/** What is on the terminal now. */
function readAll({ terminal }: PtyRelay): Uint8Array {
  sys.fcntl(terminal, abi.F_SETFL, abi.O_NONBLOCK);
  const octets: number[] = [];
  const buffer = new Uint8Array(4096);
  for (;;) {
    const n = raw().read(terminal, buffer, buffer.length);
    if (n <= 0) return Uint8Array.from(octets);
    octets.push(...buffer.subarray(0, n));
  }
}

needs("linux")(
  "frames pass both ways, with every octet, and the terminal sees RFC 1662 framing",
  async () => {
    const got: Uint8Array[] = [];
    const relay = new PtyRelay((frame) => got.push(frame));
    try {
      expect(relay.write(FRAME)).toBe(true);
      let line = new Uint8Array();
      await until(() => {
        line = Uint8Array.from([...line, ...readAll(relay)]);
        return line.length >= encodeAsync(FRAME, 0xffff_ffff).length;
      }, "the terminal has the frame");
      expect(line).toEqual(encodeAsync(FRAME, 0xffff_ffff));
      expect(new AsyncDeframer(2000).push(line)).toEqual([FRAME]);

      // In two pieces, with what was agreed to stand bare, and with rubbish between the frames.
      const back = encodeAsync(FRAME, 0);
      sys.write(relay.terminal, back.subarray(0, 100));
      sys.write(relay.terminal, back.subarray(100));
      sys.write(relay.terminal, Uint8Array.of(1, 2, 3, 4, 5, 6, 0x7e));
      sys.write(relay.terminal, back);
      await until(() => got.length === 2, "both frames have come");
      expect(got).toEqual([FRAME, FRAME]);
    } finally {
      relay.close();
      relay.close();
    }
    expect(relay.write(FRAME)).toBe(false);
  },
);

needs("linux")(
  "who does not read loses frames and no memory; when it reads again, the frames are whole",
  async () => {
    const relay = new PtyRelay(() => {});
    const frame = new Uint8Array(1500).fill(0x55);
    try {
      let taken = 0;
      while (relay.write(frame)) taken++;
      // 128 KiB of ours, and what the kernel's terminal holds.
      expect(taken).toBeGreaterThan(60);
      expect(taken).toBeLessThan(400);
      const deframer = new AsyncDeframer(1500);
      let whole = 0;
      await until(() => {
        whole += deframer.push(readAll(relay)).length;
        return whole === taken;
      }, "all that was taken has arrived");
      expect(deframer.counters).toMatchObject({ badFcs: 0, tooLong: 0 });
      expect(relay.write(FRAME)).toBe(true);
    } finally {
      relay.close();
    }
  },
);

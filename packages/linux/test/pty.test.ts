import { needs } from "@l2tp/testing";
import { expect } from "vitest";
import { openPty, raw, sys } from "../src/index.ts";

needs("linux")("a pseudo-terminal passes every octet as it is, both ways, and without echo", () => {
  const { master, slave } = openPty();
  try {
    const all = Uint8Array.from({ length: 256 }, (_, i) => i);
    const buffer = new Uint8Array(512);
    const receive = (fd: typeof master) => {
      let octets: number[] = [];
      while (octets.length < 256) {
        const n = sys.read(fd, buffer);
        octets = [...octets, ...buffer.subarray(0, n)];
      }
      return octets;
    };
    sys.write(master, all);
    expect(receive(slave)).toEqual([...all]);
    sys.write(slave, all);
    expect(receive(master)).toEqual([...all]);
    // Nothing comes back, and nobody waits.
    expect(raw().read(master, buffer, buffer.length)).toBe(-11);
  } finally {
    sys.close(slave);
    sys.close(master);
  }
});

/** The packet threads read the header of L2TPv2 data messages as the codec does. */
import { FLAG, HeaderCursor } from "@l2tp/protocol";
import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { DataHeaderV2 } from "../src/packet/data-header.ts";

/** T is 0 and the version 2; L, S, O, P and all that follows are anything, so that lengths and offsets may point anywhere. */
const datagrams = fc
  .record({
    flags: fc.constantFrom(0, FLAG.L, FLAG.S, FLAG.O, FLAG.L | FLAG.S, FLAG.L | FLAG.S | FLAG.O | FLAG.P),
    // Small ones, as a Length or Offset Size of more than the datagram's is soon said.
    words: fc.array(fc.oneof(fc.nat(40), fc.nat(0xffff)), { minLength: 3, maxLength: 20 }),
    odd: fc.boolean(),
  })
  .map(({ flags, words, odd }) => {
    const octets = new Uint8Array(2 + words.length * 2 + (odd ? 1 : 0));
    const view = new DataView(octets.buffer);
    view.setUint16(0, flags | 2);
    for (const [i, word] of words.entries()) view.setUint16(2 + i * 2, word);
    return octets;
  });

test("a v2 data header is sound, and has the IDs, Ns and frame, that the codec finds in it (RFC 2661 §3.1)", () => {
  const cursor = new HeaderCursor();
  let sound = 0;
  fc.assert(
    fc.property(datagrams, (octets) => {
      const header = new DataHeaderV2(new DataView(octets.buffer));
      // That nobody has the ID 0 the table of sessions says.
      const ok = header.read(0, octets.length) && header.tunnelId !== 0 && header.sessionId !== 0;
      expect(ok).toBe(cursor.read(octets, 0, octets.length, false));
      if (!ok) return;
      sound++;
      const { tunnelId, sessionId, ns, bodyStart, bodyEnd } = cursor;
      expect(header).toMatchObject({ tunnelId, sessionId, ns, start: bodyStart, end: bodyEnd });
    }),
    { numRuns: 2_000 },
  );
  expect(sound).toBeGreaterThan(200);
});

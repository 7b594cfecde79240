import fc from "@l2tp/testing/fast-check";
import { expect, test } from "vitest";
import { type Decrypted, isEncrypted, MppeDecryptor, MppeEncryptor, type MppeMode } from "../src/index.ts";
import { octets, rng } from "./pair.ts";

const modes: MppeMode[] = ([40, 56, 128] as const).flatMap((bits) => [
  { bits, stateless: true },
  { bits, stateless: false },
]);
const keyOf = (mode: MppeMode) => octets(rng(mode.bits))(mode.bits === 128 ? 16 : 8);

function direction(mode: MppeMode) {
  const [encryptor, decryptor] = [new MppeEncryptor(mode, keyOf(mode)), new MppeDecryptor(mode, keyOf(mode))];
  return {
    encryptor,
    send(packet: Uint8Array) {
      const sealed = new Uint8Array(packet.length + 2);
      encryptor.encrypt(packet, sealed);
      return sealed;
    },
    receive(sealed: Uint8Array): [Decrypted, Uint8Array] {
      const plain = new Uint8Array(sealed.length);
      const came = decryptor.decrypt(sealed, plain);
      return [came, plain.subarray(0, Math.max(0, sealed.length - 2))];
    },
  };
}

test.each(modes)("what gets through a line that loses is what was sent, never anything else: %o", (mode) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      (seed, loss) => {
        const next = rng(seed);
        const { encryptor, send, receive } = direction(mode);
        let delivered = 0;
        let reset = false;
        for (let i = 0; i < 600; i++) {
          if (reset) {
            encryptor.reset();
            reset = false;
          }
          const packet = Uint8Array.of(0, 0x21, i >> 8, i, ...octets(next)(i % 9));
          const sealed = send(packet);
          if (next() < loss) continue;
          const [came, plain] = receive(sealed);
          if (came === "ok") {
            expect(plain).toEqual(packet);
            delivered++;
          } else {
            // Only a stateful receiver has to ask, and it may ask in vain.
            expect(mode.stateless).toBe(false);
            reset = next() > loss;
          }
        }
        expect(delivered).toBeGreaterThan(600 * (1 - loss) * (mode.stateless ? 0.85 : 0.2));
      },
    ),
    { numRuns: 15 },
  );
});

test("a stateless receiver finds its place after up to 2047 lost packets, and takes older ones for strays", () => {
  const { send, receive } = direction({ bits: 128, stateless: true });
  const all = Array.from({ length: 2100 }, (_, i) => send(Uint8Array.of(0x21, i)));
  expect(receive(all[0] as Uint8Array)[0]).toBe("ok");
  expect(receive(all[2047] as Uint8Array)[0]).toBe("ok");
  expect(receive(all[5] as Uint8Array)[0]).toBe("stale");
  expect(receive(all[2048] as Uint8Array)[0]).toBe("ok");
});

test("packets in the clear, empty ones, and stateless ones without the A bit are told apart and cost nothing", () => {
  const { send, receive } = direction({ bits: 128, stateless: true });
  expect(receive(Uint8Array.of(0x80, 0, 1))[0]).toBe("clear");
  expect(receive(Uint8Array.of(0x90, 0))[0]).toBe("malformed");
  expect(receive(Uint8Array.of(0x10, 0, 1))[0]).toBe("malformed");
  expect(receive(new Uint8Array(0))[0]).toBe("malformed");
  expect(receive(send(Uint8Array.of(0x21, 7)))).toEqual(["ok", Uint8Array.of(0x21, 7)]);
});

test("the first stateful packet may have its A bit clear, as some senders have it", () => {
  const { send, receive } = direction({ bits: 128, stateless: false });
  const sealed = send(Uint8Array.of(0x21, 7));
  sealed[0] = (sealed[0] as number) & 0x7f;
  expect(receive(sealed)).toEqual(["ok", Uint8Array.of(0x21, 7)]);
});

test("only protocols from 0x0021 to 0x00fa are encrypted; a buffer too small is the caller's mistake", () => {
  expect([0x0020, 0x0021, 0x0057, 0x00fa, 0x00fd, 0x8021, 0xc021].map(isEncrypted)).toEqual([
    false,
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
  const mode = { bits: 128, stateless: true } as const;
  expect(() => new MppeEncryptor(mode, keyOf(mode)).encrypt(new Uint8Array(4), new Uint8Array(5))).toThrow(
    RangeError,
  );
  expect(() => new MppeDecryptor(mode, keyOf(mode)).decrypt(new Uint8Array(4), new Uint8Array(1))).toThrow(
    RangeError,
  );
});

import { expect, test } from "vitest";
import { decodeDatagram, formatDatagram, fromHex, readRejected } from "../src/index.ts";

/** The text of a message that is refused, and the reason. */
function refused(
  hex: string,
  encapsulation: "udp" | "ip" = "udp",
): [reason: string, text: string | undefined] {
  const octets = fromHex(hex.replace(/\s/g, "")) as Uint8Array;
  const parsed = decodeDatagram(octets, { encapsulation });
  if (parsed.ok) throw new Error("it is not refused");
  const readable = readRejected(octets, encapsulation, parsed.rejection);
  return [parsed.rejection.reason, readable && formatDatagram(readable)];
}

test("the AVPs of a message with a hidden one, and no secret, are read all the same", () => {
  expect(
    refused(
      `c802 0032 0007 0000 0001 0002
             8008 0000 0000 0004             # StopCCN
             8008 0000 0009 0011             # Assigned Tunnel ID 17
             800a 0000 0024 01020304         # Random Vector
             c00c 0000 0001 aabbccddeeff     # Result Code, hidden
            `.replace(/#.*/g, ""),
    ),
  ).toEqual([
    "hidden-without-secret",
    expect.stringMatching(/^L2TPv2 control tunnel 7 .* StopCCN; .*17; .*hidden, 6 octets/),
  ]);
});

test("AVPs before the one that breaks the frame are read, over IP too", () => {
  const [reason, text] = refused(
    `00000000 c803 001f 00000005 0001 0002
     8008 0000 0000 0006
     000a 0000 270f 01020304 ff`,
    "ip",
  );
  expect(reason).toBe("bad-avp-length");
  expect(text).toMatch(/^L2TPv3 control connection 5 Ns 1 Nr 2 HELLO; .*01020304$/);
});

test("a type that nobody defined is shown as its number", () => {
  expect(refused("c802 0014 0007 0000 0001 0002 8008 0000 0000 00ff")).toEqual([
    "unknown-message-type",
    expect.stringMatching(/ type 255$/),
  ]);
});

test.each([
  ["a header cut", "c802000c00"],
  ["no Message Type", "c802 0014 0007 0000 0001 0002 8008 0000 0009 0011"],
])("of %s nothing can be read", (_, hex) => {
  expect(refused(hex)[1]).toBeUndefined();
});

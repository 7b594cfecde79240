/** What the compiler makes of the tables: checked by `tsc`, which fails where an expected error is missing. */
import { expect, expectTypeOf, test } from "vitest";
import { type AnyMessage, type AvpValue, encodeMessage, type Message } from "../src/index.ts";

const sccrq = {
  version: 2,
  type: "SCCRQ",
  protocolVersion: { version: 1, revision: 0 },
  hostName: "lac",
  framingCapabilities: 3,
  assignedTunnelId: 7,
} as const;

test("a message has the members that its row names, and their values' types", () => {
  expectTypeOf(sccrq).toExtend<Message<"SCCRQ", 2>>();
  expectTypeOf<Message<"SCCRQ", 2>["hostName"]>().toEqualTypeOf<string>();
  expectTypeOf<Message<"SCCRQ", 2>["challenge"]>().toEqualTypeOf<Uint8Array | undefined>();
  expectTypeOf<Message<"SCCRQ", 3>["pseudowireCapabilitiesList"]>().toEqualTypeOf<number[]>();
  expectTypeOf<AvpValue<"txConnectSpeed">>().toEqualTypeOf<bigint>();
  expectTypeOf<AvpValue<"sequencingRequired">>().toEqualTypeOf<true>();
  expectTypeOf<AvpValue<"failoverSessionState">>().toEqualTypeOf<
    readonly { readonly sessionId: number; readonly remoteSessionId: number }[]
  >();
  expectTypeOf<AvpValue<"resultCode">["errorCode"]>().toEqualTypeOf<number | undefined>();
  // MDMST is of v2 only, ACK of v3 only.
  expectTypeOf<Message<"MDMST", 3>>().toBeNever();
  expectTypeOf<Message<"ACK", 2>>().toBeNever();
  expectTypeOf<Message<"HELLO">["version"]>().toEqualTypeOf<2 | 3>();
});

test("what is missing, misspelled or of another version does not compile", () => {
  const { assignedTunnelId: _, ...without } = sccrq;
  const fields = { tunnelId: 0, ns: 0, nr: 0 };
  // @ts-expect-error assignedTunnelId is required
  const missing: Message<"SCCRQ", 2> = without;
  // @ts-expect-error there is no AVP hostname
  const misspelled: Message<"SCCRQ", 2> = { ...sccrq, hostname: "lac" };
  // @ts-expect-error a v3 SCCRQ has other AVPs
  const other: Message<"SCCRQ", 3> = sccrq;
  // @ts-expect-error the header of a v3 message has a Control Connection ID
  expect(() => encodeMessage({ version: 3, type: "HELLO" }, fields)).toThrow(/controlConnectionId/);
  for (const one of [missing, misspelled]) expect(() => encodeMessage(one, fields)).toThrow();
  expect(() => encodeMessage({ ...other, type: "OCRQ" } as never, fields as never)).toThrow();
});

test("type and version tell messages apart", () => {
  const name = (message: AnyMessage): string => {
    if (message.type === "ZLB") return "";
    if (message.type === "SCCRQ" && message.version === 3) return `${message.hostName} ${message.routerId}`;
    return message.type === "SCCRP" ? message.hostName : message.type;
  };
  expect(name({ ...sccrq })).toBe("SCCRQ");
});

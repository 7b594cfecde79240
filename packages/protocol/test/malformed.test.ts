import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Datagram, type DecodeOptions, decodeDatagram, fromHex, type Parsed } from "../src/index.ts";

interface Case {
  name: string;
  transport: "udp" | "ip";
  hex: string;
  expectation: string;
  why: string;
  length: number;
  pad?: { byte: string; count: number };
  secret?: string | null;
  authentication?: boolean;
  session?: { sessionId: number; cookieHex: string; l2Specific: "none" | "default" };
}

const { cases } = JSON.parse(readFileSync(new URL("./captures/malformed.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

function decode(one: Case): Parsed<Datagram> {
  const octets = fromHex(one.hex + (one.pad ? one.pad.byte.repeat(one.pad.count) : "")) as Uint8Array;
  expect(octets.length).toBe(one.length);
  const { session } = one;
  const options: DecodeOptions = {
    encapsulation: one.transport,
    ...(typeof one.secret === "string" && { secret: one.secret }),
    ...(one.authentication !== undefined && { authentication: one.authentication }),
    // The sessions a receiver has are those of the case; without one it takes any but the one said to be unknown.
    ...(session
      ? {
          session: (id: number) =>
            id === session.sessionId
              ? { cookie: fromHex(session.cookieHex) as Uint8Array, sublayer: session.l2Specific }
              : undefined,
        }
      : one.name === "v3-ip-data-unknown-session"
        ? { session: () => undefined }
        : {}),
  };
  return decodeDatagram(octets, options);
}

/** The expectation that an outcome meets, or the nearest word for it. */
function outcome(parsed: Parsed<Datagram>): string {
  if (parsed.ok) return "accept";
  const { answer } = parsed.rejection;
  if (answer === "ignore") return "reject";
  if (answer === "acknowledge") return "ignore-message";
  return answer.send === "StopCCN" ? "clear-tunnel" : "clear-session";
}

const MET: Record<string, readonly string[]> = {
  accept: ["accept"],
  "accept-ignore-avp": ["accept"],
  "ignore-message": ["ignore-message"],
  reject: ["reject"],
  "reject-message": ["reject", "clear-tunnel", "clear-session", "ignore-message"],
  "clear-tunnel": ["clear-tunnel"],
  "clear-session": ["clear-session"],
};

test("every malformed datagram gets what the RFC asks for", () => {
  expect(cases.length).toBe(222);
  for (const one of cases) {
    const parsed = decode(one);
    const allowed = MET[one.expectation];
    if (one.expectation !== "either")
      expect.soft(allowed, `${one.name}: ${one.why}`).toContain(outcome(parsed));
    if (one.expectation === "accept-ignore-avp" && parsed.ok && parsed.value.kind === "control") {
      const { message } = parsed.value;
      expect(message.type !== "ZLB" && message.extras, one.name).toHaveLength(1);
    }
  }
});

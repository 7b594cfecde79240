import { describe, expect, test } from "vitest";
import { type DatagramCase, datagrams, hexOf } from "./corpus.ts";
import { jsonLines, l2tpctl } from "./harness.ts";

interface Line {
  readonly line: number;
  readonly malformed: string | null;
  readonly rejection?: {
    readonly reason: string;
    readonly offset: number;
    readonly text: string;
    readonly avp?: { readonly vendor: number; readonly type: number };
    readonly answer: string | { readonly send: string; readonly result: number; readonly text: string };
  };
  readonly [member: string]: unknown;
}

const hexLines = async (args: readonly string[], text: string) => {
  const { code, stdout, stderr } = await l2tpctl(["decode", "--hex", ...args], { stdin: text });
  return { code, stderr, lines: jsonLines(stdout) as unknown as Line[] };
};

/** Needs to know the cookie's octets or the sessions that exist, which a command line does not. */
const NEEDS_A_SESSION = new Set([
  "v3-cookie-wrong",
  "v3-cookie-prefix-4",
  "v3-cookie-ip-wrong",
  "v3-ip-data-unknown-session",
]);

function optionsOf({ transport, secret, authentication, session }: DatagramCase): string[] {
  return [
    "--encap",
    transport,
    ...(typeof secret === "string" ? ["--secret", secret] : []),
    ...(authentication === false ? ["--no-authentication"] : []),
    ...(session ? ["--cookie", String(session.cookieHex.length / 2), "--l2spec", session.l2Specific] : []),
  ];
}

/** What the JSON says a receiver has to do, in the words of the expectations. */
function verdict({ malformed, rejection }: Line): string {
  if (rejection === undefined) return malformed === null ? "accept" : "no reason";
  if (malformed === null) return "a reason without malformed";
  const { answer } = rejection;
  if (answer === "ignore") return "reject";
  if (answer === "acknowledge") return "ignore-message";
  if (typeof answer === "string") return answer;
  return answer.send === "StopCCN" ? "clear-tunnel" : "clear-session";
}

const MEETS: Readonly<Record<string, readonly string[]>> = {
  accept: ["accept"],
  "accept-ignore-avp": ["accept"],
  "ignore-message": ["ignore-message"],
  reject: ["reject"],
  "reject-message": ["reject", "clear-tunnel", "clear-session", "ignore-message"],
  "clear-tunnel": ["clear-tunnel"],
  "clear-session": ["clear-session"],
  either: ["accept", "reject", "ignore-message", "clear-tunnel", "clear-session"],
};

describe("every datagram of malformed.json gets what its expectation says, and the exit code", () => {
  const cases = datagrams().filter(({ name }) => !NEEDS_A_SESSION.has(name));

  test("there are many", () => {
    expect(cases.length).toBeGreaterThan(210);
    expect(new Set(cases.map(({ expectation }) => expectation)).size).toBe(8);
  });

  test.each(cases)("$name: $expectation", async (one) => {
    const octets = hexOf(one);
    const { code, lines, stderr } = await hexLines(optionsOf(one), `${octets}\n`);
    expect(stderr).toBe("");
    expect(lines).toHaveLength(1);
    const [line] = lines as [Line];
    expect(MEETS[one.expectation]).toContain(verdict(line));
    expect(line["datagramLength"]).toBe(octets.length / 2);
    expect(code).toBe(line.malformed === null ? 0 : 1);
    const { rejection } = line;
    if (rejection === undefined) return;
    expect(rejection.reason).toMatch(/^[a-z-]+$/);
    expect(rejection.offset).toBeGreaterThanOrEqual(0);
    expect(rejection.offset).toBeLessThanOrEqual(octets.length / 2);
    expect(rejection.text).toMatch(/^[\x20-\x7e]+$/);
  });
});

test("an unknown mandatory AVP, member by member", async () => {
  const sccrq = `c802 0038 0000 0000 0000 0000  8008 0000 0000 0001  8008 0000 0002 0100
                 800a 0000 0003 00000003  800a 0000 0007 6e616d65  8008 0000 0009 0011`.replace(/\s+/g, "");
  const odd = `c80200400000000000000000${sccrq.slice(24)}8008 0000 270f beef`.replaceAll(" ", "");
  const { code, lines } = await hexLines([], `${sccrq}\n# one\n# a comment\n${odd}\n`);
  expect(code).toBe(1);
  expect(lines.map(({ line, malformed }) => [line, malformed === null])).toEqual([
    [1, true],
    [4, false],
  ]);
  expect(lines[0]).not.toHaveProperty("rejection");
  expect(lines[0]).toMatchObject({
    encap: "udp",
    datagramLength: 56,
    version: 2,
    control: true,
    type: "control",
    header: { flagsHex: "c802", length: 56, tunnelId: 0, sessionId: 0, ns: 0, nr: 0 },
    messageType: 1,
    messageName: "SCCRQ",
  });
  expect(lines[1]?.rejection).toEqual({
    reason: "unknown-mandatory-avp",
    offset: 56,
    text: expect.stringContaining("9999"),
    avp: { vendor: 0, type: 9999 },
    answer: { send: "StopCCN", result: 2, error: 8, text: expect.stringContaining("9999") },
  });
});

test("datagrams are taken one by one: a response is not matched with a challenge of another line", async () => {
  const { lines } = await hexLines(["--secret", "s"], "c802000c0007000000010002\nc802000c0007000000010002\n");
  expect({ ...lines[0], line: 2 }).toEqual(lines[1]);
});

test("a datagram over IP has its session ID first", async () => {
  const { lines } = await hexLines(
    ["--encap", "ip", "--cookie", "4", "--l2spec", "default"],
    "00000005 01020304 40000007 aabbcc",
  );
  expect(lines).toEqual([
    {
      line: 1,
      encap: "ip",
      datagramLength: 15,
      version: 3,
      control: false,
      type: "data",
      header: { sessionId: 5, cookieHex: "01020304", l2Specific: { hex: "40000007", S: true, sequence: 7 } },
      payloadLength: 3,
      payloadHex: "aabbcc",
      malformed: null,
    },
  ]);
});

test("what is not hex ends it with exit code 2 and the place; the lines before are printed", async () => {
  const { code, lines, stderr } = await hexLines([], "c802000c0007000000010002\nc802zz\n");
  expect(code).toBe(2);
  expect(lines).toHaveLength(1);
  expect(stderr).toMatch(/^l2tpctl: decode --hex: line 2, column 5: "z" is not a hex digit/);
});

test("no datagrams: nothing is printed, and all was decoded", async () => {
  expect(await hexLines([], "# nothing\n")).toEqual({ code: 0, stderr: "", lines: [] });
});

test("100,000 datagrams go through in one run", async () => {
  const { code, stdout } = await l2tpctl(["decode", "--hex", "-"], {
    stdin: Array.from({ length: 100 }, () => Buffer.from("c802000c0007000000010002\n".repeat(1000))),
  });
  expect(code).toBe(0);
  expect(stdout.split("\n")).toHaveLength(100_001);
});

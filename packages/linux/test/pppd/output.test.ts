import { describe, expect, test } from "vitest";
import { explainPppdExit, PPPD_EXIT_STATUS } from "../../src/pppd/exit.ts";
import { cleanLine, Lines, readInterfaceLine, secretWords } from "../../src/pppd/output.ts";

describe("a line of pppd's", () => {
  test.each([
    [
      'rcvd [PAP AuthReq id=0x1 user="jane" password="se\\"cret"]',
      'rcvd [PAP AuthReq id=0x1 user="jane" password=<hidden>]',
    ],
    [
      'sent [PAP AuthReq id=0x1 user="jane" password=<hidden>]',
      'sent [PAP AuthReq id=0x1 user="jane" password=<hidden>]',
    ],
    ["password geheim\t\t# (from options)", "password <hidden>\t\t# (from options)"],
    ["password ??????\t\t# (from options)", "password ??????\t\t# (from options)"],
    ["No secret file found", "No secret file found"],
    ["No password is required for jane", "No password is required for jane"],
    ["Using interface ppp0", "Using interface ppp0"],
    ["\u001b]0;title\u0007hello", "?]0;title?hello"],
  ])("%s", (line, clean) => {
    expect(cleanLine(line)).toBe(clean);
  });

  test("has none of the secrets among its options, wherever it repeats them", () => {
    const secrets = secretWords(["name", "jane", "password", "geheim99", "noauth"]);
    expect(secrets).toEqual(["geheim99"]);
    expect(cleanLine("unrecognized option 'geheim99'", secrets)).toBe("unrecognized option '<hidden>'");
  });

  test("says which interface it has", () => {
    expect(readInterfaceLine("Using interface ppp3")).toEqual({ said: "using", name: "ppp3" });
    expect(readInterfaceLine("Renamed interface ppp3 to wan0")).toEqual({
      said: "renamed",
      from: "ppp3",
      name: "wan0",
    });
    expect(readInterfaceLine("Connect: ppp3 <-->  ")).toBeUndefined();
  });
});

test("lines come whole, whatever the pieces; one without an end is cut and not kept for ever", () => {
  const found: string[] = [];
  const lines = new Lines((line) => found.push(line));
  for (const piece of ["Using inter", "face ppp0\nCon", "nect\r\n", "\n", "last"]) lines.push(piece);
  expect(found).toEqual(["Using interface ppp0", "Connect"]);
  lines.end();
  expect(found.at(-1)).toBe("last");
  for (let i = 0; i < 100; i++) lines.push("x".repeat(1000));
  lines.push("\n");
  expect(found.at(-1)?.length).toBeLessThanOrEqual(4096);
});

describe("how pppd ended", () => {
  test.each([
    [{ code: 10, signal: null }, /code 10: the PPP negotiation failed.*does the peer run PPP/],
    [{ code: 19, signal: null }, /code 19: we failed to authenticate ourselves.*chap-secrets/],
    [{ code: 0, signal: null }, /code 0: .*at the peer's request$/],
    [{ code: null, signal: "SIGKILL" }, /killed by SIGKILL/],
    [{ code: 99, signal: null }, /code 99, which pppd\(8\) does not have/],
  ])("%o is explained", (exit, text) => {
    expect(explainPppdExit(exit)).toMatch(text);
  });

  test("the table has the codes of pppd(8), 0 to 19, each with what it says of itself", () => {
    expect(PPPD_EXIT_STATUS).toHaveLength(20);
    // A word of each row of "EXIT STATUS", in its order.
    const words =
      "detached;fatal;options;setuid-root;kernel;SIGTERM;locked;opened;connect;pty;negotiation;authenticate itself;" +
      "idle;time limit;callback;echo;hung up;looped;init;authenticate ourselves";
    for (const [code, word] of words.split(";").entries()) {
      expect(PPPD_EXIT_STATUS[code]?.meaning, `code ${code}`).toContain(word);
    }
  });
});

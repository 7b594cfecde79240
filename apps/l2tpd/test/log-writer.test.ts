import { fstatSync } from "node:fs";
import { expect, test } from "vitest";
import { createLogWriter, type LineFormat, lineFormat } from "../src/log-writer.ts";

const written = (format: LineFormat, level: "warn" | "debug" = "debug") => {
  const lines: string[] = [];
  const now = () => new Date("2026-11-21T12:00:00.123Z");
  return { lines, log: createLogWriter({ level, format, write: (line) => lines.push(line), now }) };
};

test("text has the time, the level, the message and the fields", () => {
  const { lines, log } = written("text");
  log.info({ tunnel: "t", mtuOctets: 1438, absent: undefined, text: 'two "words"' }, "session s is up");
  expect(lines).toEqual([
    '2026-11-21T12:00:00.123Z info  session s is up tunnel=t mtuOctets=1438 text="two \\"words\\""\n',
  ]);
});

test("for journald there is a priority in front and no time", () => {
  const { lines, log } = written("journal");
  log.error({}, "lost");
  log.warn({}, "odd");
  log.info({}, "up");
  log.debug({}, "try");
  expect(lines).toEqual(["<3>lost\n", "<4>odd\n", "<6>up\n", "<7>try\n"]);
});

test("json keeps an error's message and code", () => {
  const { lines, log } = written("json");
  log.warn({ error: Object.assign(new Error("no"), { code: "EPERM" }) }, "failed");
  expect(JSON.parse(lines[0] ?? "")).toEqual({
    time: "2026-11-21T12:00:00.123Z",
    level: "warn",
    message: "failed",
    error: { name: "Error", message: "no", code: "EPERM" },
  });
});

test("a message of several lines is one record, and what is below the level is not written", () => {
  const { lines, log } = written("journal", "warn");
  log.warn({}, "first\n  second");
  log.info({}, "nobody asked");
  expect(lines).toEqual(["<4>first second\n"]);
});

test("auto is for journald only when JOURNAL_STREAM names our own standard error", () => {
  const { dev, ino } = fstatSync(2);
  expect(lineFormat("auto", { JOURNAL_STREAM: `${dev}:${ino}` })).toBe("journal");
  expect(lineFormat("auto", { JOURNAL_STREAM: "1:2" })).toBe("text");
  expect(lineFormat("auto", {})).toBe("text");
  expect(lineFormat("json", { JOURNAL_STREAM: `${dev}:${ino}` })).toBe("json");
});

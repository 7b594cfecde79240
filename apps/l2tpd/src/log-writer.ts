/**
 * The daemon's log: one line a record on standard error. `text` for people (and for journald, which adds the
 * time itself and reads the priority from a prefix), `json` for machines.
 */
import { fstatSync } from "node:fs";
import { LOG_LEVELS, type LogFields, type Logger, type LogLevel } from "@l2tp/node";

/** What `--log-format` takes. */
export const LOG_FORMATS = ["auto", "text", "json"] as const;

/** One of {@link LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** How the lines look. `journal` is text with a priority in front and without time. */
export type LineFormat = "text" | "journal" | "json";

/** The priorities of syslog, as journald reads them from `<N>` at the start of a line (sd-daemon(3)). */
const SYSLOG_PRIORITY: Record<LogLevel, number> = { error: 3, warn: 4, info: 6, debug: 7 };

/** A logger that can write one more kind of line: the state of all, asked for by a signal. */
export interface LogWriter extends Logger {
  readonly format: LineFormat;
  /** The least important records that are written; may be changed at any time. */
  level: LogLevel;
  /** Writes lines as they are, whatever the level. */
  raw(lines: string): void;
}

/** What {@link createLogWriter} writes with. */
export interface LogWriterOptions {
  readonly level: LogLevel;
  readonly format: LineFormat;
  write(line: string): void;
  /** The time of day. */
  now(): Date;
}

/** `auto`: what suits the place where standard error goes. */
export function lineFormat(format: LogFormat, environment: NodeJS.ProcessEnv = process.env): LineFormat {
  if (format === "json") return "json";
  return goesToJournal(environment["JOURNAL_STREAM"]) ? "journal" : "text";
}

/** `JOURNAL_STREAM` is `device:inode` of the stream that systemd gave; a redirected stream is another. */
function goesToJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** A value as it stands after `key=` in a text line. */
function textValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return /^[\w.:/%+-]+$/.test(text) ? text : JSON.stringify(text);
}

/** `JSON.stringify` leaves nothing of an Error but its own properties: what matters is put in. */
function jsonValue(_key: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message } = value;
  return { name, message, ...("code" in value ? { code: value.code } : {}) };
}

const FORMATTERS: Record<
  LineFormat,
  (level: LogLevel, fields: LogFields, message: string, now: Date) => string
> = {
  text: (level, fields, message, now) =>
    `${now.toISOString()} ${level.padEnd(5)} ${message}${textFields(fields)}`,
  journal: (level, fields, message) => `<${SYSLOG_PRIORITY[level]}>${message}${textFields(fields)}`,
  json: (level, fields, message, now) =>
    JSON.stringify({ time: now.toISOString(), level, message, ...fields }, jsonValue),
};

function textFields(fields: LogFields): string {
  let text = "";
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) text += ` ${key}=${textValue(value)}`;
  }
  return text;
}

/** A logger for the daemon. */
export function createLogWriter({ level, format, write, now }: LogWriterOptions): LogWriter {
  const formatter = FORMATTERS[format];
  const at =
    (own: LogLevel) =>
    (fields: LogFields, message: string): void => {
      // A line break in a message would be a record of its own.
      if (LOG_LEVELS.indexOf(own) <= LOG_LEVELS.indexOf(writer.level)) {
        write(`${formatter(own, fields, message.replace(/\s*\n\s*/g, " "), now())}\n`);
      }
    };
  const writer: LogWriter = {
    format,
    level,
    error: at("error"),
    warn: at("warn"),
    info: at("info"),
    debug: at("debug"),
    raw: (lines) => write(`${lines}\n`),
  };
  return writer;
}

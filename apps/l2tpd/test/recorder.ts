import type { Logger } from "@l2tp/node";

/** A logger that writes down `level message`. */
export function recorder(lines: string[]): Logger {
  const at =
    (level: string) =>
    (_: unknown, message: string): void =>
      void lines.push(`${level} ${message}`);
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}
